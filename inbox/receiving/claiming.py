"""Takes waiting bodies so that no other receiver takes them too, and marks what became of them."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from django.db import connection

from inbox.recording import PEOPLE_FIRST, STATUSES_ONLY

# What people wrote costs more than a status, and a STOPP should be through within two seconds.
MOST_ROWS = {PEOPLE_FIRST: 100, STATUSES_ONLY: 500}
# Bounds the transaction: about 5,000 statuses, however many Meta put into one body.
MOST_BYTES = 2 * 1024 * 1024


class Row(NamedTuple):
    """A stored body; `account_id` is the account whose own app signed it, None for the shared app."""

    id: int
    # Names the partition it lies in.
    received_at: datetime
    account_id: int | None
    body: bytes


def claim() -> list[Row]:
    """Lock the oldest waiting bodies, those with people's messages before those with statuses only.

    The two kinds never share a transaction, so that a STOPP does not wait for statuses to be applied.
    """
    return _claim(PEOPLE_FIRST) or _claim(STATUSES_ONLY)


def _claim(priority: int) -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, received_at, octet_length(body) FROM inbox_webhookevent WHERE state = 0 AND priority = %s"
            " ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED",
            [priority, MOST_ROWS[priority]],
        )
        found = cursor.fetchall()
        if not found:
            return []
        cursor.execute(
            "SELECT id, received_at, account_id, body FROM inbox_webhookevent"
            " WHERE id = ANY(%s) AND received_at BETWEEN %s AND %s ORDER BY id",
            [_within_bounds(found), *_span(at for _, at, _ in found)],
        )
        return [Row(row_id, at, account_id, bytes(body)) for row_id, at, account_id, body in cursor.fetchall()]


def _within_bounds(found: list[tuple[int, datetime, int]]) -> list[int]:
    ids: list[int] = []
    size = 0
    for row_id, _, length in found:
        size += length
        if ids and size > MOST_BYTES:
            break
        ids.append(row_id)
    return ids


def _span(times: Iterable[datetime]) -> tuple[datetime, datetime]:
    """From the first to the last: PostgreSQL then looks only into the days between."""
    found = list(times)
    return min(found), max(found)


def mark(rows: list[Row], faults: dict[int, str]) -> None:
    """Mark bodies done, or set aside with the fault found in them; as late as now, not when the batch began."""
    if not rows:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE inbox_webhookevent e SET state = CASE f.fault WHEN '' THEN 1 ELSE 2 END,"
            " done_at = clock_timestamp(), attempts = e.attempts + 1, error = f.fault"
            " FROM unnest(%s::bigint[], %s::text[]) f (id, fault)"
            " WHERE e.id = f.id AND e.received_at BETWEEN %s AND %s",
            [
                [row.id for row in rows],
                [faults.get(row.id, "")[:200] for row in rows],
                *_span(row.received_at for row in rows),
            ],
        )


def drop(rows: list[Row]) -> None:
    """Delete bodies about which nobody may know any more."""
    if rows:
        with connection.cursor() as cursor:
            cursor.execute(
                "DELETE FROM inbox_webhookevent WHERE id = ANY(%s) AND received_at BETWEEN %s AND %s",
                [[row.id for row in rows], *_span(row.received_at for row in rows)],
            )
