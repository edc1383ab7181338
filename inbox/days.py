"""Keeps stored webhooks in one partition a day, so that forgetting drops a table instead of deleting rows.

The tables belong to the owner of the database, whose functions inbox_make_day and inbox_drop_day make and drop them
(migration 0007).
"""

import logging
import re
from datetime import UTC, date, datetime, timedelta

from django.db import OperationalError, connection
from django.utils import timezone
from psycopg2 import errors

from tenants.scope import across_tenants

logger = logging.getLogger(__name__)

# Days that are there before they come. Without beat for longer, bodies gather in the partition for the rest.
AHEAD = timedelta(days=7)
# Who waits for a lock makes the door wait behind it.
PATIENCE = "SET LOCAL lock_timeout = '300ms'"

PARTITIONS = """
SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = 'inbox_webhookevent'::regclass
"""
IN_THE_REST = """
SELECT DISTINCT (received_at AT TIME ZONE 'UTC')::date FROM inbox_webhookevent_rest WHERE received_at >= %s
"""


def turn(*, kept: timedelta) -> None:
    """Make the partitions of the coming week and drop the days that began longer ago than `kept`.

    A body is thus kept for a day less than that, at least. What others lock is left for the next call.
    """
    oldest = timezone.now() - kept
    try:
        for day in sorted(_wanted(oldest) - set(_made())):
            _make(day)
        for day in sorted(_made()):
            if _midnight(day) < oldest:
                _drop(day)
                # They belong to no company until they are read, so the log of periods is the operator's (CG-55).
                logger.info("stored webhooks of %s were deleted after their %d days", day, kept.days)
        _empty_the_rest(oldest)
    except OperationalError as error:
        if not isinstance(error.__cause__, errors.LockNotAvailable):
            raise
        logger.info("stored webhooks are in use: their days are turned at the next call")


def _wanted(oldest: datetime) -> set[date]:
    """The coming days, and those of which bodies lie in the rest."""
    today = timezone.now().astimezone(UTC).date()
    coming = {today + timedelta(days=n) for n in range(AHEAD.days + 1)}
    with across_tenants("stored webhooks belong to no tenant"), connection.cursor() as cursor:
        cursor.execute(IN_THE_REST, [oldest])
        return coming | {day for (day,) in cursor.fetchall() if _midnight(day) >= oldest}


def _made() -> list[date]:
    with connection.cursor() as cursor:
        cursor.execute(PARTITIONS)
        found = [re.fullmatch(r"inbox_webhookevent_(\d{8})", name) for (name,) in cursor.fetchall()]
    return [datetime.strptime(name[1], "%Y%m%d").date() for name in found if name]


def _make(day: date) -> None:
    with across_tenants("stored webhooks belong to no tenant"), connection.cursor() as cursor:
        cursor.execute(PATIENCE)
        cursor.execute("SELECT inbox_make_day(%s)", [day])


def _drop(day: date) -> None:
    with across_tenants("stored webhooks belong to no tenant"), connection.cursor() as cursor:
        cursor.execute(PATIENCE)
        cursor.execute("SELECT inbox_drop_day(%s)", [day])


def _empty_the_rest(oldest: datetime) -> None:
    """Nothing is in it unless beat was away for more than a week."""
    with across_tenants("stored webhooks belong to no tenant"), connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM inbox_webhookevent_rest WHERE received_at < %s", [_midnight(oldest.date() + timedelta(days=1))]
        )


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
