"""Looks at scheduled campaigns take their time: they hold no start up for long, and two rounds do not fight."""

import contextlib
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from threading import Thread
from typing import Any

import psycopg2
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from benchmarks.fleet import wait_until
from campaigns import actions, launching, tasks, warning
from campaigns.models import Campaign
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
from tests.campaigns.test_first_messages import BOTH, NOTICE
from tests.consent.factories import known
from tests.consent.test_meeting import waiting
from tests.contacts.calls import Caller
from whatsapp import profiles

Import = Callable[[Campaign], None]


@contextlib.contextmanager
def locked(table: str) -> Iterator[None]:
    """Whoever reads this table waits."""
    with contextlib.closing(psycopg2.connect(**connection.get_connection_params())) as other:
        other.cursor().execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        yield


def beside(job: Callable[[], Any]) -> Thread:
    """A worker that does this beside what else happens."""

    def work() -> None:
        try:
            job()
        finally:
            connection.close()

    return Thread(target=work, daemon=True)


@pytest.mark.django_db(transaction=True)
def test_a_look_that_takes_too_long_holds_no_start_up(
    scheduled: Campaign, import_into: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes out with what it was warned of before, not with what would have kept it."""
    monkeypatch.setattr(warning, "SECONDS", 0.1)
    import_into(scheduled)
    come_due(scheduled, warned=["template_status", *BOTH])

    starting = beside(tasks.launch_due)
    # What a look reads and a start does not.
    with locked("messaging_message"):
        starting.start()
        starting.join(10)
        found = stored(scheduled)
    starting.join(10)

    assert (found.state, found.warned) == ("running", BOTH)


@pytest.mark.django_db(transaction=True)
def test_an_audience_that_takes_too_long_to_look_at_hides_nothing_else(
    scheduled: Campaign, api: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Long enough for whatever does not wait.
    monkeypatch.setattr(warning, "SECONDS", 1)
    change(scheduled, warned=["nobody_reachable"])
    # What only looks at the audience read.
    with locked("contacts_listmember"):
        pause_template(scheduled)
        tasks.look_ahead()
        while_paused = stored(scheduled).warned
        change_template(scheduled, status="APPROVED")
        hours_pass(scheduled, 1.1)
        approved = stored(scheduled).warned

    assert while_paused == ["template_status", "nobody_reachable"]
    assert approved == ["nobody_reachable"]
    hours_pass(scheduled, 1.1)
    assert stored(scheduled).warned == []


def test_a_round_that_has_looked_for_long_enough_starts_the_others_with_what_was_found_before(
    scheduled: Campaign, import_into: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launching, "LOOKING_SECONDS", 0)
    import_into(scheduled)
    come_due(scheduled, warned=["warning.order"])

    tasks.launch_due()

    assert (stored(scheduled).state, stored(scheduled).warned) == ("running", ["warning.order"])


def rename(campaign: Campaign) -> None:
    actions.update(campaign=campaign, by=None, name="Neu")


def take_back(campaign: Campaign) -> None:
    actions.unschedule(campaign=campaign, by=None)


def put_off(campaign: Campaign) -> None:
    actions.schedule(campaign=campaign, local=datetime(2030, 1, 1, 9), timezone="Europe/Berlin", by=None)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("happens", "state", "warned"),
    [(rename, "running", BOTH), (take_back, "draft", []), (put_off, "scheduled", [])],
)
def test_one_that_is_changed_while_it_is_looked_at_is_next_rounds_as_it_is_then(
    scheduled: Campaign,
    import_into: Import,
    happens: Callable[[Campaign], None],
    state: str,
    warned: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(warning, "SECONDS", 60)
    monkeypatch.setattr(launching, "LOOKING_SECONDS", 60)
    import_into(scheduled)
    come_due(scheduled, looked_at=None)

    starting = beside(tasks.launch_due)
    # The look waits for it.
    with locked("messaging_message"):
        starting.start()
        wait_until(lambda: stored(scheduled).looked_at is not None, "the look", 10)
        with tenant_scope(scheduled.tenant):
            happens(stored(scheduled))
        # Another round looks at what it is now.
        change(scheduled, looked_at=now())
    starting.join(10)
    assert not starting.is_alive()
    assert stored(scheduled).state != "running"

    tasks.launch_due()

    assert (stored(scheduled).state, stored(scheduled).warned) == (state, warned)


def test_rounds_of_the_schedule_share_the_moment_by_which_they_know_that_nothing_was_changed(
    scheduled: Campaign,
) -> None:
    """A look ahead leaves what is due alone: whoever starts it finds the moment of the look that it has seen."""
    looked_at = now() - timedelta(hours=2)
    come_due(scheduled, looked_at=looked_at)

    tasks.look_ahead()
    tasks.launch_due()

    assert (stored(scheduled).state, stored(scheduled).looked_at) == ("running", looked_at)


@pytest.mark.django_db(transaction=True)
def test_of_two_rounds_at_once_one_looks(scheduled: Campaign) -> None:
    looks: list[bool] = []

    def look() -> None:
        with CaptureQueriesContext(connection) as asked:
            tasks.look_ahead()
        looks.append(any("campaigns_variant" in each["sql"] for each in asked))

    rounds = [beside(look), beside(look)]
    with tenant_scope(scheduled.tenant):
        Campaign.objects.select_for_update().get(pk=scheduled.pk)
        for each in rounds:
            each.start()
        # Both have found that it is to be looked at.
        wait_until(lambda: waiting() >= 2, "both rounds", 10)
    for each in rounds:
        each.join(10)

    assert sorted(looks) == [False, True]


@pytest.mark.django_db(transaction=True)
def test_a_look_that_has_begun_ends_though_the_round_is_over_and_the_others_are_left_to_the_next(
    scheduled: Campaign, api: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Long enough for whatever does not wait.
    monkeypatch.setattr(warning, "SECONDS", 1)
    monkeypatch.setattr(warning, "ROUND_SECONDS", 0.5)
    later = schedule(
        api, draft(scheduled.tenant, factories.contacts(scheduled.tenant, 1, start=50)), hours=47, minutes=30
    )
    with tenant_scope(scheduled.tenant):
        known(scheduled.tenant, privacy_url=NOTICE)
    change_number(scheduled, profile=profiles.kept({}))

    # All that it takes the round for is asked before the rest.
    with locked("contacts_listmember"):
        tasks.look_ahead()

    assert stored(scheduled).warned == ["warning.profile"]
    assert stored(later).looked_at is None
    tasks.look_ahead()
    assert stored(later).warned == ["warning.profile"]


def test_one_that_was_just_changed_waits_behind_no_other_that_is_due_before(
    scheduled: Campaign, api: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warning, "AT_A_TIME", 1)
    tasks.look_ahead()
    people = factories.contacts(scheduled.tenant, 1, start=50)
    later = schedule(api, draft(scheduled.tenant, people), hours=47, minutes=30)

    hours_pass(scheduled, 1.1)

    assert stored(later).looked_at is not None
