"""`make demo` stopped and started again: the sandbox knows the companies, and the newcomer's own campaign works."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
import redis
from django.core.management import call_command
from pytest_django import Settings

from benchmarks.chaos.campaign import is_over
from benchmarks.fleet import Fleet, wait_until
from campaigns import actions as campaigns
from campaigns.models import Campaign
from config.demo import companies, playing
from config.demo.companies import Company
from config.management.commands import demo
from messaging.models import Message
from tenants.scope import tenant_scope
from tests import factories
from whatsapp import syncing
from whatsapp.emulator import Remote
from whatsapp.models import Template

pytestmark = pytest.mark.django_db(transaction=True)

PROCESSES = ("emulator", "door", "sending", "receiving", "default", "beat")
PEOPLE = 20
# Without what only MESSAGING_SETTLE_S settles.
BEHAVIOUR = replace(demo.BEHAVIOUR, server_errors=0.0)
CAST = {"slug": "baeckerei-sonne", "name": "Bäckerei Sonne", "area": "+49 30 23125000", "campaign": "Herbstaktion"}


@contextmanager
def sandbox(folder: Path, settings: Settings) -> Iterator[Remote]:
    """The processes of `make demo` on a base that is kept."""
    with Fleet(folder, PROCESSES) as fleet, Remote(fleet.url("emulator")) as meta:
        settings.WHATSAPP_API_URL = fleet.url("emulator")
        yield meta


def found(meta: Remote) -> Company:
    company = companies.found(meta, slug=CAST["slug"], name=CAST["name"], area=CAST["area"])
    factories.contacts(company.tenant, PEOPLE)
    return company


def own_campaign(company: Company) -> Campaign:
    """What a newcomer would make: a campaign to the segment that is there, with the template that is there."""
    tenant = company.tenant
    with tenant_scope(tenant):
        campaign = campaigns.create(tenant=tenant, name="Noch einmal", by=None)
        campaigns.set_audience(campaign=campaign, by=None, include_segments=list(tenant.segments.all()))
        campaigns.set_content(
            campaign=campaign,
            by=None,
            template=tenant.templates.get(),
            variables=companies.variables(tenant.name),
        )
        return campaigns.launch(campaign=campaign, by=None)


def test_a_second_start_shows_the_first_and_sends_what_comes_next(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    redis.Redis.from_url(settings.REDIS_URL).flushdb()
    monkeypatch.setattr(demo, "CAST", [CAST])
    monkeypatch.setattr(demo, "BEHAVIOUR", BEHAVIOUR)
    with sandbox(tmp_path, settings) as meta:
        meta.configure(BEHAVIOUR)
        company = found(meta)
        first = playing.launch(company, CAST["campaign"])
        wait_until(lambda: is_over(first, meta), "the first campaign", 120)

    with sandbox(tmp_path, settings) as meta:
        # Before the demo says anything: beat remembers when it compared templates last, and makes up for it at once.
        assert syncing.sync(company.tenant.pk, company.number.account_id) == 1
        call_command("demo", stdout=(said := StringIO()))
        second = own_campaign(company)
        wait_until(lambda: is_over(second, meta), "the second campaign", 120)

    assert said.getvalue().count("✓") == 3
    with tenant_scope(company.tenant):
        assert company.tenant.templates.get().status == Template.Status.APPROVED
        accepted = Message.objects.filter(source=second.source_id, accepted_at__isnull=False)
        assert accepted.count() > PEOPLE / 2
        assert not accepted.filter(sent_at=None, failed_at=None).exists()
