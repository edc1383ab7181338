"""Schedules: a wall-clock time in a zone, also in the two nights when clocks change, and a launch that happens once."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Thread

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.utils.timezone import now

from campaigns import actions, launching, tasks
from campaigns.models import Campaign
from messaging.models import Source
from tenants.models import AuditEvent, Tenant
from tenants.scope import tenant_scope
from tests import factories
from tests.campaigns.cast import draft, launch, states, stored
from tests.campaigns.test_freezing import at_once
from tests.contacts.calls import Caller
from whatsapp.models import Template

LATER = "2030-12-01T09:00:00"


@pytest.fixture
def ready(bakery: Tenant) -> Campaign:
    return draft(bakery, factories.contacts(bakery, 2))


def make_due(campaign: Campaign) -> None:
    """Schedule it, and let its time come."""
    with tenant_scope(campaign.tenant):
        actions.schedule(campaign=campaign, local=datetime(2030, 1, 1, 9), timezone="Europe/Berlin", by=None)
        Campaign.objects.filter(pk=campaign.pk).update(due_at=now() - timedelta(seconds=1))


@pytest.mark.parametrize(
    ("local", "zone", "moment"),
    [
        ("2030-12-01T09:00:00", "Europe/Berlin", "2030-12-01T08:00:00Z"),
        ("2030-07-01T09:00:00", "Europe/Berlin", "2030-07-01T07:00:00Z"),
        ("2030-07-01T09:00:00", "America/New_York", "2030-07-01T13:00:00Z"),
        # 31 March 2030: from 2 o'clock to 3 there is no time in Berlin; the launch moves on by that hour.
        ("2030-03-31T01:59:00", "Europe/Berlin", "2030-03-31T00:59:00Z"),
        ("2030-03-31T02:30:00", "Europe/Berlin", "2030-03-31T01:30:00Z"),
        ("2030-03-31T03:00:00", "Europe/Berlin", "2030-03-31T01:00:00Z"),
        ("2030-03-31T02:30:00", "America/New_York", "2030-03-31T06:30:00Z"),
        # 27 October 2030: half past two comes twice in Berlin; the first is meant.
        ("2030-10-27T02:30:00", "Europe/Berlin", "2030-10-27T00:30:00Z"),
        ("2030-10-27T03:00:00", "Europe/Berlin", "2030-10-27T02:00:00Z"),
    ],
)
def test_the_moment_follows_from_wall_clock_and_zone(
    api: Caller, ready: Campaign, local: str, zone: str, moment: str
) -> None:
    answer = api.post(f"campaigns/{ready.uid}/schedule/", {"local_time": local, "timezone": zone})

    assert answer.status_code == 200, answer.json()
    assert (answer.json()["state"], answer.json()["timezone"]) == ("scheduled", zone)
    assert stored(ready).due_at == datetime.fromisoformat(moment)
    assert stored(ready).scheduled_local == datetime.fromisoformat(local).replace(tzinfo=UTC)


def test_without_a_zone_the_companys_own_counts(api: Caller, ready: Campaign) -> None:
    Tenant.objects.filter(pk=ready.tenant_id).update(timezone="Europe/Lisbon")

    answer = api.post(f"campaigns/{ready.uid}/schedule/", {"local_time": LATER})

    assert answer.json()["timezone"] == "Europe/Lisbon"
    assert stored(ready).due_at == datetime(2030, 12, 1, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"local_time": "2020-01-01T09:00:00"}, "local_time"),
        ({"local_time": "2030-12-01T09:00:00Z"}, "local_time"),
        ({"local_time": "2030-12-01T09:00:00+01:00"}, "local_time"),
        ({"local_time": "9999-12-31T23:59:00", "timezone": "America/New_York"}, "local_time"),
        ({"local_time": "morgen"}, "local_time"),
        ({}, "local_time"),
        ({"local_time": LATER, "timezone": "Europe/Bielefeld"}, "timezone"),
        ({"local_time": LATER, "timezone": "Europe"}, "timezone"),
        ({"local_time": LATER, "timezone": "../../etc/passwd"}, "timezone"),
        ({"local_time": LATER, "timezone": "x" * 300}, "timezone"),
        ({"local_time": LATER, "at": "9"}, "at"),
    ],
)
def test_a_past_time_an_offset_and_an_unknown_zone_are_refused(
    api: Caller, ready: Campaign, sent: dict[str, str], field: str
) -> None:
    answer = api.post(f"campaigns/{ready.uid}/schedule/", sent)

    assert answer.status_code == 400
    assert field in answer.json()["errors"]
    assert (stored(ready).state, stored(ready).due_at) == ("draft", None)


def test_the_actions_refuse_the_same(ready: Campaign) -> None:
    with tenant_scope(ready.tenant):
        for local, zone in ((datetime(2020, 1, 1), "Europe/Berlin"), (datetime(2030, 1, 1), "Europe/Bielefeld")):
            with pytest.raises(ValidationError):
                actions.schedule(campaign=ready, local=local, timezone=zone, by=None)


def test_what_is_not_ready_cannot_be_scheduled(api: Caller, bakery: Tenant) -> None:
    campaign = draft(bakery, factories.contacts(bakery, 1, consent=False))

    answer = api.post(f"campaigns/{campaign.uid}/schedule/", {"local_time": LATER})

    assert answer.status_code == 400
    assert set(answer.json()["errors"]) == {"audience"}


def test_a_new_time_replaces_the_old_and_none_makes_it_a_draft(api: Caller, ready: Campaign) -> None:
    api.post(f"campaigns/{ready.uid}/schedule/", {"local_time": LATER})
    api.post(f"campaigns/{ready.uid}/schedule/", {"local_time": "2030-12-02T09:00:00"})
    assert stored(ready).due_at == datetime(2030, 12, 2, 8, tzinfo=UTC)

    for _ in range(2):
        answer = api.post(f"campaigns/{ready.uid}/unschedule/")
        assert (answer.status_code, answer.json()["state"], answer.json()["due_at"]) == (200, "draft", None)


def test_a_campaign_is_launched_when_its_time_has_come_and_not_before(ready: Campaign) -> None:
    with tenant_scope(ready.tenant):
        actions.schedule(campaign=ready, local=datetime(2030, 1, 1, 9), timezone="Europe/Berlin", by=None)
    assert launching.launch_due() == []
    assert stored(ready).state == "scheduled"

    make_due(ready)

    assert launching.launch_due() == [(ready.tenant_id, ready.pk)]
    assert (stored(ready).state, stored(ready).due_at) == ("running", None)
    assert launching.launch_due() == []


@pytest.mark.django_db(transaction=True)
def test_two_beats_and_a_hand_launch_it_once(bakery: Tenant) -> None:
    campaign = draft(bakery, factories.contacts(bakery, 2))
    make_due(campaign)

    jobs = [tasks.launch_due, tasks.launch_due, lambda: launch(campaign)]
    results = at_once(3, lambda: jobs.pop()() and None)

    assert results == [None] * 3
    with tenant_scope(bakery):
        assert Source.objects.filter(tenant=bakery, kind="campaign").count() == 1
        assert AuditEvent.objects.filter(verb="campaign.launched").count() == 1


def take_back(campaign: Campaign) -> None:
    actions.unschedule(campaign=campaign, by=None)


def put_off(campaign: Campaign) -> None:
    actions.schedule(campaign=campaign, local=datetime(2030, 1, 1, 9), timezone="Europe/Berlin", by=None)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("meanwhile", "state"), [(take_back, "draft"), (put_off, "scheduled")])
def test_one_that_is_taken_back_or_put_off_as_its_time_comes_does_not_start(
    bakery: Tenant, meanwhile: Callable[[Campaign], None], state: str, caplog: pytest.LogCaptureFixture
) -> None:
    campaign = draft(bakery, factories.contacts(bakery, 2))
    make_due(campaign)

    def start() -> None:
        launching.launch_due()
        connection.close()

    starting = Thread(target=start)
    with tenant_scope(bakery):
        meanwhile(stored(campaign))
        # Not committed yet: the schedule still finds it due, and waits for the row.
        starting.start()
        starting.join(1)
        assert starting.is_alive()
    starting.join(10)

    assert not starting.is_alive()
    assert (stored(campaign).state, stored(campaign).source, caplog.messages) == (state, None, [])


def test_one_that_is_not_ready_any_more_is_a_draft_again_and_says_why(api: Caller, ready: Campaign) -> None:
    make_due(ready)
    with tenant_scope(ready.tenant):
        Template.objects.filter(tenant=ready.tenant).update(status="PAUSED")

    assert launching.launch_due() == []

    shown = api.get(f"campaigns/{ready.uid}/").json()
    assert (shown["state"], shown["due_at"]) == ("draft", None)
    assert "fruehling" in shown["problem"]
    assert states(ready) == {}
    with tenant_scope(ready.tenant):
        assert AuditEvent.objects.filter(verb="campaign.launch_failed").count() == 1

    assert api.patch(f"campaigns/{ready.uid}/", {"name": "Neu"}).json()["problem"] == ""


def test_one_that_is_not_ready_keeps_no_other_waiting(bakery: Tenant, shop: Tenant) -> None:
    broken = draft(bakery, factories.contacts(bakery, 1))
    fine = draft(shop, factories.contacts(shop, 1))
    make_due(broken)
    make_due(fine)
    with tenant_scope(bakery):
        Template.objects.filter(tenant=bakery).update(status="PAUSED")

    assert launching.launch_due() == [(shop.pk, fine.pk)]


def test_an_inactive_companys_campaigns_wait(ready: Campaign) -> None:
    make_due(ready)
    Tenant.objects.filter(pk=ready.tenant_id).update(is_active=False)

    assert launching.launch_due() == []
    assert stored(ready).state == "scheduled"


def test_a_scheduled_campaign_can_be_started_at_once(api: Caller, ready: Campaign) -> None:
    make_due(ready)

    assert api.post(f"campaigns/{ready.uid}/launch/").json()["state"] == "running"
    assert launching.launch_due() == []
