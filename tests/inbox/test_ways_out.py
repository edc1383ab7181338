"""Whichever way somebody says no, through its real door: what waited for them is cancelled in the same moment."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.db.models import Sum
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from analytics import recounting
from analytics.models import Kpi
from consent import importing
from consent.actions import preferences
from contacts.models import Contact, Identity
from inbox.models import Conversation
from messaging.actions import queue_reply
from messaging.models import Message, Source
from tenants.actions import NewTenant
from tenants.scope import tenant_scope
from tests.consent.factories import agree, say, stop
from tests.consent.test_imports_api import URL, client_of
from tests.contacts.calls import Caller
from tests.inbox import meta
from tests.inbox.outbox import plan, send
from whatsapp.models import Number

Deliver = Callable[..., None]
TODAY = timezone.now().replace(microsecond=0) - timedelta(minutes=5)
BOTH = [("whatsapp", "marketing"), ("whatsapp", "transactional"), ("whatsapp", "tracking")]


class World(NamedTuple):
    """Anna and Berta, for whom a campaign and an order update wait, and all doors of the house."""

    made: NewTenant
    number: Number
    anna: Contact
    campaign: Source
    deliver: Deliver
    team: Client
    program: Caller

    def states(self, source: Source) -> list[tuple[str, str]]:
        """(state, reason) of Anna's message and of Berta's."""
        with tenant_scope(self.number.tenant):
            rows = Message.objects.filter(source=source).order_by("id")
            return [(Message.State(row.state).name, row.reason) for row in rows]


@pytest.fixture(autouse=True)
def uploads(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = str(tmp_path)


@pytest.fixture
def world(bakery_made: NewTenant, number: Number, deliver: Deliver, alice: Caller) -> World:
    tenant = number.tenant
    send(number, 2, accepted_at=TODAY - timedelta(hours=1))
    with tenant_scope(tenant):
        people = list(Contact.objects.order_by("id"))
        for person in people:
            agree(tenant, person, pairs=BOTH, occurred_at=TODAY - timedelta(days=30))
    team = Client()
    team.force_login(bakery_made.owner)
    return World(bakery_made, number, people[0], plan(number), deliver, team, alice)


def by_text(world: World) -> None:
    world.deliver(meta.body(world.number, messages=[meta.text("STOPP", at=TODAY)]))


def by_text_to_everything(world: World) -> None:
    world.deliver(meta.body(world.number, messages=[meta.text("alles stoppen", at=TODAY)]))


def by_button(world: World) -> None:
    tap = meta.tap("Lieber nicht", "optout:campaign", at=TODAY, context={"from": "x", "id": "wamid.1"})
    world.deliver(meta.body(world.number, messages=[tap]))


def by_link(world: World) -> None:
    page = urlsplit(preferences.url(world.anna)).path
    assert Client().post(page, {"pair": "whatsapp:marketing"}).status_code == 302


def by_objection_on_the_page(world: World) -> None:
    page = urlsplit(preferences.url(world.anna)).path
    assert Client().post(f"{page}object/").status_code == 302


def by_block(world: World) -> None:
    said = {"phone": world.anna.phone, "reason": "wish", "way": "letter"}
    assert world.team.post("/bakery/contacts/block/", said).status_code == 302


def by_agent(world: World, scope: str = "whatsapp") -> None:
    page = f"/bakery/contacts/{world.anna.uid}/withdraw/"
    said = {"uid": str(uuid4()), "scope": scope, "way": "phone", "said_on": timezone.localdate().isoformat()}
    assert world.team.post(page, said).status_code == 302


def by_objection_to_an_agent(world: World) -> None:
    by_agent(world, "objection")


def by_api(world: World) -> None:
    said = {"state": "withdrawn", "channel": "whatsapp", "purpose": "marketing"}
    assert world.program.post(f"contacts/{world.anna.uid}/consents/", said).status_code == 201


def by_stop_in_whatsapp(world: World) -> None:
    world.deliver(meta.body(world.number, user_preferences=[meta.preference("stop", at=TODAY)]))


def by_error_131050(world: World) -> None:
    world.deliver(meta.body(world.number, statuses=[meta.failure("wamid.1", 131050, TODAY)]))


def by_request(world: World, kind: str) -> None:
    asked = {"contact": str(world.anna.uid), "kind": kind, "checked_by": "email"}
    request = world.program.post("data-requests/", asked).json()
    assert world.program.post(f"data-requests/{request['uid']}/run/").status_code == 202


def by_objection(world: World) -> None:
    by_request(world, "objection")


def by_import(world: World, lines: str = "") -> None:
    lines = lines or f"{world.anna.phone};ja\n"
    file = SimpleUploadedFile("noes.csv", f"Handy;Abgemeldet\n{lines}".encode())
    assert client_of(world.made).post(URL, {"file": file}).status_code == 201
    for tenant_id, import_id in importing.due():
        importing.run(tenant_id, import_id)


WAYS = [
    (by_text, "withdrawn"),
    (by_text_to_everything, "withdrawn"),
    (by_button, "withdrawn"),
    (by_link, "withdrawn"),
    (by_objection_on_the_page, "objected"),
    (by_block, "suppressed"),
    (by_agent, "withdrawn"),
    (by_objection_to_an_agent, "objected"),
    (by_api, "withdrawn"),
    (by_stop_in_whatsapp, "meta_stop"),
    (by_error_131050, "meta_stop"),
    (by_objection, "objected"),
    (by_import, "withdrawn"),
]


@pytest.mark.parametrize(("go", "reason"), WAYS, ids=[go.__name__ for go, _reason in WAYS])
def test_cg_22_every_way_out_cancels_what_waits_and_nothing_else(
    world: World, go: Callable[[World], None], reason: str
) -> None:
    order = plan(world.number, purpose="transactional")

    go(world)

    assert world.states(world.campaign) == [("CANCELLED", reason), ("QUEUED", "")]
    # What a contract needs goes on (CG-26).
    assert world.states(order) == [("QUEUED", ""), ("QUEUED", "")]


@pytest.mark.parametrize(("kind", "reason"), [("erasure", "erased"), ("restriction", "restricted")])
def test_a_request_that_ends_all_sending_cancels_order_updates_too(world: World, kind: str, reason: str) -> None:
    order = plan(world.number, purpose="transactional")

    by_request(world, kind)

    for source in (world.campaign, order):
        assert world.states(source) == [("CANCELLED", reason), ("QUEUED", "")]


def test_order_updates_that_rested_on_the_yes_to_advertising_end_with_it(world: World) -> None:
    tenant = world.number.tenant
    with tenant_scope(tenant):
        carla = Contact.objects.create(tenant=tenant, phone="+493023125009")
        agree(tenant, carla, occurred_at=TODAY - timedelta(days=30))
    order = plan(world.number, purpose="transactional")

    world.deliver(meta.body(world.number, messages=[meta.text("STOPP", at=TODAY, sender="493023125009")]))

    assert world.states(order) == [("QUEUED", ""), ("QUEUED", ""), ("CANCELLED", "no_consent")]


def test_an_answer_to_what_somebody_wrote_stays_after_they_stop_everything(world: World) -> None:
    tenant = world.number.tenant
    by_text(world)
    with tenant_scope(tenant):
        assert Conversation.objects.filter(contact=world.anna).exists()
        answer = queue_reply(
            tenant=tenant,
            number=world.number,
            contact=world.anna,
            text="Ja, ab 7 Uhr.",
            dedupe="answer",
            expires_at=timezone.now() + timedelta(hours=1),
        )
    assert answer

    by_text_to_everything(world)

    assert world.states(answer.source) == [("QUEUED", "")]


def test_somebody_with_two_contacts_says_no_for_both(world: World) -> None:
    tenant = world.number.tenant
    with tenant_scope(tenant):
        berta = Contact.objects.exclude(pk=world.anna.pk).get()
        # Both turned out to be one person: each is known by what the other is known by.
        for key in Identity.objects.filter(contact=world.anna):
            Identity.objects.create(tenant=tenant, contact=berta, kind=key.kind, digest=key.digest)

    by_text(world)

    assert world.states(world.campaign) == [("CANCELLED", "withdrawn"), ("CANCELLED", "suppressed")]


def test_a_no_that_ends_nothing_cancels_nothing(world: World) -> None:
    with tenant_scope(world.number.tenant):
        agree(world.number.tenant, world.anna, pairs=BOTH, occurred_at=TODAY + timedelta(minutes=1))

    by_text(world)

    assert world.states(world.campaign) == [("QUEUED", ""), ("QUEUED", "")]


def test_a_yes_that_ran_out_is_left_to_the_claim(world: World) -> None:
    with tenant_scope(world.number.tenant):
        say(world.number.tenant, world.anna, "expired", occurred_at=TODAY)

    assert world.states(world.campaign) == [("QUEUED", ""), ("QUEUED", "")]


def updates(statements: CaptureQueriesContext) -> list[str]:
    return [each["sql"] for each in statements if "UPDATE messaging_message" in each["sql"]]


def test_a_no_looks_once_for_what_waits_and_only_where_something_may(world: World) -> None:
    """Not for each purpose that it ends, nor again for the suppression list, nor among what was sent long ago."""
    tenant = world.number.tenant
    with tenant_scope(tenant), CaptureQueriesContext(connection) as statements:
        Source.objects.exclude(pk=world.campaign.pk).update(state="closed")
        stop(tenant, world.anna, occurred_at=TODAY)

    assert world.states(world.campaign) == [("CANCELLED", "withdrawn"), ("QUEUED", "")]
    [update] = updates(statements)
    assert f"ARRAY[{world.campaign.pk}]" in update

    with tenant_scope(tenant), CaptureQueriesContext(connection) as statements:
        Source.objects.filter(pk=world.campaign.pk).update(state="closed")
        stop(tenant, Contact.objects.exclude(pk=world.anna.pk).get(), occurred_at=TODAY)

    assert updates(statements) == []


def test_an_import_of_many_noes_looks_once_for_all_of_them(world: World) -> None:
    with CaptureQueriesContext(connection) as statements:
        by_import(world, "".join(f"{one};ja\n" for one in [world.anna.phone, "+493023125777", "+493023125778"]))

    assert len(updates(statements)) == 1
    assert world.states(world.campaign) == [("CANCELLED", "withdrawn"), ("QUEUED", "")]


def test_the_numbers_of_the_campaign_follow_at_once(world: World) -> None:
    by_agent(world)

    with tenant_scope(world.number.tenant):
        kpi = Kpi.objects.filter(source=world.campaign).aggregate(waiting=Sum("in_queued"), over=Sum("in_cancelled"))
        assert kpi == {"waiting": 1, "over": 1}
        assert recounting.drifts(world.number.tenant_id) == []
