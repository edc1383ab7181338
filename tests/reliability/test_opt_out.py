"""A STOPP in the middle of a campaign: two seconds after the door's 200 nothing more goes to that person."""

import itertools
import secrets
import time
from pathlib import Path

import httpx
import pytest
import redis
from django.conf import settings

from benchmarks.chaos.campaign import acceptances, connect, is_over, launch, prepared
from benchmarks.fleet import Fleet, wait_until
from campaigns.models import Campaign
from messaging.models import Message
from tenants.scope import tenant_scope
from tests.inbox import meta as bodies
from whatsapp.emulator.profile import Profile
from whatsapp.emulator.remote import Remote
from whatsapp.models import Number
from whatsapp.signature import sign

pytestmark = pytest.mark.django_db(transaction=True)

PROCESSES = ("emulator", "door", "sending", "receiving", "default", "beat")
RECIPIENTS, THROUGHPUT = 600, 50
WITHIN_S = 2.0
_wamids = itertools.count(1)


def stopp(number: Number, digits: str) -> bytes:
    """What Meta posts when somebody writes STOPP."""
    at = bodies.datetime.now(bodies.UTC)
    said = bodies.text("STOPP", sender=digits, at=at, wamid=f"wamid.stopp{next(_wamids)}")
    contact = {"profile": {"name": "Ada"}, "wa_id": digits}
    return bodies.body(number, messages=[said], contacts=[contact])


def stop_in_settings(number: Number, digits: str) -> bytes:
    """What Meta posts when somebody stops marketing in WhatsApp itself."""
    told = bodies.preference("stop", sender=digits, at=bodies.datetime.now(bodies.UTC))
    return bodies.body(number, user_preferences=[told], contacts=[{"wa_id": digits}])


def told(door: str, secret: str, body: bytes) -> float:
    """Post it signed; returns when the 200 had come, in Unix time."""
    headers = {"X-Hub-Signature-256": sign(secret, body), "Content-Type": "application/json"}
    answer = httpx.post(f"{door}/webhooks/whatsapp/", content=body, headers=headers)
    assert answer.status_code == 200
    return time.time()


def queue_of(campaign: Campaign) -> list[str]:
    """The recipients' digits in the order of sending."""
    with tenant_scope(campaign.tenant_id):
        campaign.refresh_from_db()
        rows = Message.objects.filter(source=campaign.source_id).order_by("next_attempt_at", "id")
        return [phone.lstrip("+") for phone in rows.values_list("contact__phone", flat=True)]


def state_of(campaign: Campaign, digits: str) -> tuple[int, str]:
    with tenant_scope(campaign.tenant_id):
        row = Message.objects.get(source=campaign.source_id, contact__phone=f"+{digits}")
    return row.state, row.reason


def is_frozen(campaign: Campaign) -> bool:
    with tenant_scope(campaign.tenant_id):
        campaign.refresh_from_db()
    return campaign.frozen_at is not None


def test_nothing_is_sent_two_seconds_after_an_opt_out_was_answered_with_200(tmp_path: Path) -> None:
    redis.Redis.from_url(settings.REDIS_URL).flushdb()
    secret = secrets.token_hex(16)
    campaign = prepared(RECIPIENTS, THROUGHPUT)
    with (
        Fleet(tmp_path, PROCESSES, WHATSAPP_APP_SECRET=secret) as fleet,
        Remote(fleet.url("emulator")) as meta,
    ):
        meta.configure(Profile.perfect())
        connect(campaign, meta)
        with tenant_scope(campaign.tenant_id):
            number = campaign.tenant.numbers.select_related("account").get()
        launch(campaign)
        wait_until(lambda: is_frozen(campaign), "the freeze", 60)
        queue, answered = queue_of(campaign), {}
        for sent in (60, 150, 240):
            wait_until(lambda sent=sent: meta.stats()["accepted"] >= sent, f"{sent} messages", 60)
            # One whose message is about to go, and one whose message waits for seconds, by either way.
            for body, ahead in ((stopp, 60), (stopp, 250), (stop_in_settings, 75), (stop_in_settings, 300)):
                digits = queue[sent + ahead]
                answered[digits] = (told(fleet.url("door"), secret, body(number, digits)), ahead, body)
        wait_until(lambda: is_over(campaign, meta), "the campaign", 120)
        marketing = [row for row in acceptances(meta) if row["category"] == "marketing"]

    late = [row for row in marketing if row["at"] > answered.get(row["recipient"], (row["at"],))[0] + WITHIN_S]
    assert late == []
    reached = {row["recipient"] for row in marketing}
    for digits, (_, ahead, body) in answered.items():
        if ahead > 200:
            assert digits not in reached
            assert state_of(campaign, digits)[1] == ("withdrawn" if body is stopp else "meta_stop")
    assert len(marketing) >= RECIPIENTS - len(answered)
