"""Stored webhooks lie in one partition a day; the days past their time are dropped, whoever uses the log meanwhile."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import psycopg2
import pytest
from django.db import connection
from django.utils import timezone

from inbox import days, tasks
from inbox.models import WebhookEvent
from inbox.recording import Received, store
from tenants.scope import across_tenants

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("truncatable"),
    pytest.mark.usefixtures("as_runtime"),
]


@pytest.fixture(autouse=True)
def no_days_yet() -> Iterator[None]:
    drop_days()
    yield
    drop_days()


def drop_days() -> None:
    with connection.cursor() as cursor:
        for name in partitions() - {"inbox_webhookevent_rest"}:
            cursor.execute(f"DROP TABLE {name}")


def partitions() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(days.PARTITIONS)
        return {name for (name,) in cursor.fetchall()}


def name_of(at: datetime) -> str:
    return f"inbox_webhookevent_{at.astimezone(UTC):%Y%m%d}"


def stored(body: bytes, *, ago: timedelta = timedelta(0)) -> None:
    """Put a body where the door would have put it so long ago."""
    store([Received(None, 1, body)])
    with across_tenants("this test"):
        WebhookEvent.objects.filter(body=body).update(received_at=timezone.now() - ago)


def bodies() -> dict[bytes, str]:
    """Each stored body and the partition it lies in."""
    with across_tenants("this test"), connection.cursor() as cursor:
        cursor.execute("SELECT body, tableoid::regclass::text FROM inbox_webhookevent ORDER BY id")
        return {bytes(body): table for body, table in cursor.fetchall()}


@contextmanager
def somebody_reading() -> Iterator[None]:
    other = psycopg2.connect(**connection.get_connection_params())
    try:
        other.cursor().execute("SELECT count(*) FROM inbox_webhookevent")
        yield
    finally:
        other.close()


def test_a_week_is_ready_before_it_comes_and_turning_again_changes_nothing() -> None:
    now = timezone.now()

    tasks.forget()
    made = partitions()
    tasks.forget()

    assert made == partitions() == {"inbox_webhookevent_rest", *(name_of(now + timedelta(days=n)) for n in range(8))}
    stored(b"today")
    assert bodies() == {b"today": name_of(now)}


def test_what_came_while_its_day_was_missing_is_moved_there() -> None:
    now = timezone.now()
    stored(b"today")
    stored(b"last week", ago=timedelta(days=7))
    assert set(bodies().values()) == {"inbox_webhookevent_rest"}

    tasks.forget()

    assert bodies() == {b"today": name_of(now), b"last week": name_of(now - timedelta(days=7))}


def test_a_day_is_dropped_before_its_first_body_is_older_than_thirty_days() -> None:
    stored(b"young", ago=timedelta(days=28))
    tasks.forget()
    stored(b"in the rest", ago=timedelta(days=31))
    days.turn(kept=timedelta(days=28) - timedelta(seconds=1))
    assert bodies() == {}

    stored(b"young", ago=timedelta(days=28))
    tasks.forget()
    assert list(bodies()) == [b"young"]


def test_cg_55_every_day_that_is_dropped_stands_in_the_operators_log(caplog: pytest.LogCaptureFixture) -> None:
    ago = timedelta(days=20)
    stored(b"old", ago=ago)
    tasks.forget()

    with caplog.at_level("INFO", logger="inbox.days"):
        days.turn(kept=timedelta(days=10))
        days.turn(kept=timedelta(days=10))

    day = f"{(timezone.now() - ago).astimezone(UTC):%Y-%m-%d}"
    assert caplog.messages.count(f"stored webhooks of {day} were deleted after their 10 days") == 1


def test_turning_waits_for_nobody_and_nobody_waits_for_it() -> None:
    stored(b"old", ago=timedelta(days=20))
    tasks.forget()

    with somebody_reading():
        days.turn(kept=timedelta(days=10))
        store([Received(None, 1, b"meanwhile")])
        assert list(bodies()) == [b"old", b"meanwhile"]

    days.turn(kept=timedelta(days=10))
    assert list(bodies()) == [b"meanwhile"]


def test_a_partition_shows_nothing_to_who_may_not_look_across_tenants() -> None:
    tasks.forget()
    stored(b"today")

    with connection.cursor() as cursor:
        for table in partitions():
            cursor.execute(f"SELECT count(*) FROM {table}")
            assert cursor.fetchone() == (0,)
    assert len(bodies()) == 1
