"""A scheduled campaign is looked at again before its time and as it comes: who brings people meanwhile is not alone."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from analytics.queries import attention
from campaigns import tasks
from campaigns.models import Campaign
from contacts.models import ListMember
from segments import actions as segments
from segments.models import Segment
from tenants.actions import NewTenant
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests import factories
from tests.campaigns.cast import (
    change,
    change_number,
    change_template,
    come_due,
    draft,
    hours_pass,
    pause_template,
    schedule,
    stored,
)
from tests.campaigns.test_first_messages import BOTH, NOTICE, OBJECT, say
from tests.consent.factories import known
from tests.contacts.calls import Caller
from whatsapp import profiles

Import = Callable[[Campaign], None]


@pytest.fixture
def alice(client: Client, bakery_made: NewTenant) -> Client:
    client.force_login(bakery_made.owner)
    client.cookies["django_language"] = "en"
    return client


def told(api: Caller) -> list[dict[str, Any]]:
    found = api.get("reports/overview/").json()["attention"]
    return [each for each in found if each["kind"] == "scheduled"]


def test_cg_24_who_was_imported_after_somebody_had_scheduled_it_is_told_of_two_days_before(
    scheduled: Campaign, api: Caller, alice: Client, import_into: Import
) -> None:
    tasks.look_ahead()
    assert told(api) == []

    import_into(scheduled)
    hours_pass(scheduled, 1.1)

    [found] = told(api)
    assert (found["uid"], found["name"], found["level"]) == (str(scheduled.uid), "Frühling", "warning")
    assert "right to object" in found["text"]
    assert "where you have their data from" in found["text"]
    page = alice.get("/bakery/").content.decode()
    assert f'<a href="/bakery/campaigns/{scheduled.uid}/edit/review/">Frühling</a>' in page
    assert "does not name their right to object" in page


def test_what_has_been_mended_is_told_no_more_as_soon_as_somebody_has_changed_the_campaign(
    scheduled: Campaign, api: Caller, import_into: Import
) -> None:
    import_into(scheduled)
    tasks.look_ahead()
    assert len(told(api)) == 1
    say(scheduled, OBJECT, f"Datenschutz: {NOTICE}.")
    tasks.look_ahead()
    assert len(told(api)) == 1

    assert api.patch(f"campaigns/{scheduled.uid}/", {"name": "Neu"}).status_code == 200
    assert told(api) == []
    tasks.look_ahead()

    assert (told(api), stored(scheduled).state) == ([], "scheduled")


def test_it_is_looked_at_within_two_days_and_every_hour(ready: Campaign, api: Caller, import_into: Import) -> None:
    schedule(api, ready, hours=49)
    import_into(ready)
    tasks.look_ahead()
    assert (stored(ready).looked_at, told(api)) == (None, [])

    change(ready, due_at=now() + timedelta(hours=47))
    tasks.look_ahead()

    first = stored(ready).looked_at
    assert len(told(api)) == 1
    hours_pass(ready, 0.9)
    assert stored(ready).looked_at == first - timedelta(hours=0.9)
    hours_pass(ready, 0.2)
    assert stored(ready).looked_at > first


def test_what_is_scheduled_for_later_or_not_at_all_is_not_told(
    scheduled: Campaign, api: Caller, import_into: Import
) -> None:
    import_into(scheduled)
    tasks.look_ahead()
    change(scheduled, due_at=now() + timedelta(hours=49))
    assert told(api) == []

    api.post(f"campaigns/{scheduled.uid}/unschedule/")

    assert (told(api), stored(scheduled).warned) == ([], [])


def test_the_overview_only_reads_what_was_found(scheduled: Campaign, alice: Client, import_into: Import) -> None:
    import_into(scheduled)
    tasks.look_ahead()

    with CaptureQueriesContext(connection) as asked:
        page = alice.get("/bakery/").content.decode()

    assert "right to object" in page
    assert not any("consent_consentstate" in each["sql"] for each in asked)


def test_cg_24_a_campaign_that_the_schedule_has_started_says_with_what_warnings(
    scheduled: Campaign, api: Caller, alice: Client, import_into: Import
) -> None:
    """Also of what has come since the last look."""
    tasks.look_ahead()
    import_into(scheduled)
    come_due(scheduled)

    tasks.launch_due()

    assert (stored(scheduled).state, stored(scheduled).warned) == ("running", BOTH)
    page = alice.get(f"/bakery/campaigns/{scheduled.uid}/").content.decode()
    assert "Started by the schedule with warnings:" in page
    assert "does not name their right to object" in page
    warned = api.get(f"campaigns/{scheduled.uid}/report/").json()["warned"]
    assert ["right to object" in warned[0], "where you have their data from" in warned[1]] == [True, True]
    assert told(api) == []


def test_cg_61_a_business_profile_that_leads_nowhere_by_then_is_told_and_holds_nothing_up(
    scheduled: Campaign, api: Caller, alice: Client
) -> None:
    with tenant_scope(scheduled.tenant):
        known(scheduled.tenant, privacy_url=NOTICE)
    change_number(scheduled, profile=profiles.kept({}))
    tasks.look_ahead()
    assert "business profile leads neither" in told(api)[0]["text"]
    come_due(scheduled)

    tasks.launch_due()

    assert stored(scheduled).state == "running"
    assert "business profile leads neither" in alice.get(f"/bakery/campaigns/{scheduled.uid}/").content.decode()


def test_who_starts_a_scheduled_campaign_by_hand_has_read_the_review(
    scheduled: Campaign, api: Caller, alice: Client, import_into: Import
) -> None:
    import_into(scheduled)
    tasks.look_ahead()

    assert len(api.post(f"campaigns/{scheduled.uid}/launch/").json()["warnings"]) == 2

    assert stored(scheduled).warned == []
    assert "with warnings" not in alice.get(f"/bakery/campaigns/{scheduled.uid}/").content.decode()


def test_a_look_that_fails_keeps_what_was_found_before_and_holds_no_start_up(
    scheduled: Campaign, import_into: Import
) -> None:
    import_into(scheduled)
    tasks.look_ahead()
    assert stored(scheduled).warned == BOTH
    change(scheduled, looked_at=None)
    with connection.cursor() as cursor:
        # Of what a look reads and a start does not.
        cursor.execute("ALTER TABLE messaging_message RENAME COLUMN accepted_at TO gone")

    tasks.look_ahead()
    come_due(scheduled)
    tasks.launch_due()

    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE messaging_message RENAME COLUMN gone TO accepted_at")
    assert (stored(scheduled).state, stored(scheduled).warned) == ("running", BOTH)


def emptied(campaign: Campaign) -> None:
    with tenant_scope(campaign.tenant_id):
        ListMember.objects.all().delete()


@pytest.mark.parametrize(
    ("happens", "why"), [(pause_template, "The template may not be sent."), (emptied, "Nobody can be reached.")]
)
def test_what_will_keep_it_from_starting_is_told_as_such_and_not_as_a_warning(
    scheduled: Campaign, api: Caller, alice: Client, happens: Callable[[Campaign], None], why: str
) -> None:
    with tenant_scope(scheduled.tenant):
        known(scheduled.tenant, privacy_url=NOTICE)
    change_number(scheduled, profile=profiles.kept({}))
    happens(scheduled)

    tasks.look_ahead()

    [found] = told(api)
    assert (found["level"], found["remedy"]) == ("danger", "“Review and send” shows how to fix it.")
    assert found["text"].endswith(f"but it will not start as it stands: {why}")
    assert why in alice.get("/bakery/").content.decode()
    come_due(scheduled)
    tasks.launch_due()
    assert (stored(scheduled).state, told(api)) == ("draft", [])


def test_once_that_is_mended_the_warnings_are_told(scheduled: Campaign, api: Caller, import_into: Import) -> None:
    import_into(scheduled)
    pause_template(scheduled)
    tasks.look_ahead()
    change_template(scheduled, status="APPROVED")

    hours_pass(scheduled, 1.1)

    [found] = told(api)
    assert (found["level"], stored(scheduled).warned) == ("warning", BOTH)
    assert found["remedy"].endswith("The campaign starts all the same.")


@pytest.mark.parametrize(("hours", "levels"), [(46, []), (48, ["danger"])])
def test_a_pause_of_its_number_keeps_it_from_starting_unless_it_is_over_by_then(
    scheduled: Campaign, api: Caller, hours: int, levels: list[str]
) -> None:
    change_number(scheduled, paused_until=now() + timedelta(hours=hours))

    tasks.look_ahead()

    assert [each["level"] for each in told(api)] == levels


def test_what_will_not_start_is_told_before_what_will(
    scheduled: Campaign, api: Caller, import_into: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_into(scheduled)
    people = factories.contacts(scheduled.tenant, 1, start=50)
    later = schedule(api, draft(scheduled.tenant, people), hours=47, minutes=30)
    change(later, number=None)

    tasks.look_ahead()

    assert [each["uid"] for each in told(api)] == [str(later.uid), str(scheduled.uid)]
    # Also where not all can be told.
    monkeypatch.setattr(attention, "SHOWN_OF_EACH", 1)
    assert [each["uid"] for each in told(api)] == [str(later.uid)]


def test_its_time_is_told_in_the_companys_zone(scheduled: Campaign, api: Caller, import_into: Import) -> None:
    Tenant.objects.filter(pk=scheduled.tenant_id).update(timezone="America/New_York")
    import_into(scheduled)
    tasks.look_ahead()

    due_at = stored(scheduled).due_at

    assert due_at is not None
    assert f"{due_at.astimezone(ZoneInfo('America/New_York')):%H:%M}." in told(api)[0]["text"]


def test_a_segment_that_names_what_was_deleted_is_told_until_somebody_has_mended_it(
    scheduled: Campaign, api: Caller
) -> None:
    with tenant_scope(scheduled.tenant):
        rule = {"tag": "00000000-0000-4000-8000-000000000000", "op": "has"}
        segment = segments.create(tenant=scheduled.tenant, name="Treue", rule={}, by=None)
        Segment.objects.filter(pk=segment.pk).update(rule=rule)
        scheduled.audiences.update(list=None, segment=segment)
    tasks.look_ahead()
    assert told(api)[0]["text"].endswith("A segment names something that no longer exists.")

    with tenant_scope(scheduled.tenant):
        Segment.objects.filter(pk=segment.pk).update(rule={})
    hours_pass(scheduled, 1.1)

    assert told(api) == []


def test_of_one_that_was_called_off_before_its_time_nothing_is_told(
    scheduled: Campaign, api: Caller, import_into: Import
) -> None:
    import_into(scheduled)
    tasks.look_ahead()
    assert len(api.get(f"campaigns/{scheduled.uid}/report/").json()["warned"]) == 2

    api.post(f"campaigns/{scheduled.uid}/cancel/")

    assert (stored(scheduled).state, api.get(f"campaigns/{scheduled.uid}/report/").json()["warned"]) == (
        "cancelled",
        [],
    )
