"""Finds what was left behind: claims of killed workers, unknown outcomes, what waits at a source's end."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from operator import itemgetter

import redis
from django.conf import settings
from django.db import connection

from messaging import bucket, claiming, queries, reasons
from messaging.budget import client
from messaging.claiming import Outgoing
from tenants.scope import across_tenants

log = logging.getLogger(__name__)
# For how many seconds the oldest webhook has waited to be applied; the app that receives them registers it.
_unread_for: list[Callable[[], float]] = []
# Claims are timed by the database, grants by Redis.
CLOCKS_DIFFER = timedelta(minutes=1)

# Claims of workers that died: longer ago than any answer takes.
LOST = """
SELECT m.tenant_id, s.number_id, m.id, m.attempt, m.source_id, m.claimed_at
FROM messaging_message m JOIN messaging_source s ON s.tenant_id = m.tenant_id AND s.id = m.source_id
WHERE m.queue = 1 AND m.state = 1 AND m.claimed_at < now() - %(grace)s * interval '1 second'
ORDER BY m.tenant_id, s.number_id, m.id
"""

# What got a token may or may not have left, so it is uncertain, never queued. `next_attempt_at` of an uncertain one
# says since when we could have heard of it: while the database was away, no webhook was stored either.
LEFT_BEHIND = """
UPDATE messaging_message SET state = 7, reason = 'worker_lost', next_attempt_at = now()
WHERE queue = 1 AND state = 1 AND claimed_at < now() - %(grace)s * interval '1 second'
"""

# An uncertain attempt may be repeated once its own status would have come: statuses of messages claimed about then or
# later from the same source have arrived, and none is missing of what Meta accepted around the same time (a webhook
# that failed comes again later, out of order). While some are missing it waits, up to four times as long. Without that
# evidence it is given up: rather not sent than sent twice. MATERIALIZED, so that a source's messages are read once and
# not for every unclear one. Those that still wait for others' statuses are left out first: thousands of one company
# would keep all others' from being looked at.
OLD_ENOUGH = """
m.queue = 1 AND m.state = 7 AND m.claimed_at < now() - %(settle)s * interval '1 second'
  AND m.next_attempt_at < now() - %(settle)s * interval '1 second'
"""
EARLY = "(m.source_id, date_trunc('minute', m.claimed_at)) IN (SELECT source_id, minute FROM early)"
OVER = "m.next_attempt_at < now() - 4 * %(settle)s * interval '1 second'"
SETTLE = f"""
WITH early AS MATERIALIZED (
  -- The minutes of which statuses are missing, and those beside them.
  SELECT x.source_id, x.minute + beside.minutes * interval '1 minute' AS minute
  FROM (SELECT DISTINCT l.source_id, date_trunc('minute', l.claimed_at) AS minute
        FROM (SELECT DISTINCT m.tenant_id, m.source_id FROM messaging_message m WHERE {OLD_ENOUGH}) u
        JOIN messaging_message l ON l.tenant_id = u.tenant_id AND l.source_id = u.source_id
        WHERE l.state = 2 AND l.accepted_at < now() - %(settle)s / 2 * interval '1 second'
          AND l.claimed_at IS NOT NULL) x
  CROSS JOIN generate_series(-1, 1) AS beside (minutes)
), unclear AS (
  SELECT m.id, m.tenant_id, m.source_id, m.claimed_at, m.tries, {EARLY} AS is_early FROM messaging_message m
  WHERE {OLD_ENOUGH} AND ({OVER} OR NOT {EARLY})
  ORDER BY m.id LIMIT %(most)s FOR UPDATE SKIP LOCKED
), sources AS (
  -- Held, so that a cancellation comes before and is seen here, or after and finds what was queued again.
  SELECT s.tenant_id, s.id AS source_id, s.state, s.expires_at FROM messaging_source s
  WHERE (s.tenant_id, s.id) IN (SELECT tenant_id, source_id FROM unclear)
  ORDER BY s.id FOR SHARE
), heard AS MATERIALIZED (
  SELECT u.tenant_id, u.source_id,
    (SELECT max(l.claimed_at) FROM messaging_message l
     WHERE l.tenant_id = u.tenant_id AND l.source_id = u.source_id AND l.sent_at IS NOT NULL) AS until
  FROM sources u
), decided AS MATERIALIZED (
  SELECT u.id, NOT u.is_early AND u.tries < 4
    AND coalesce(h.until > u.claimed_at - interval '30 seconds', false)
    AND (s.state = 'paused' OR s.state = 'open' AND now() < coalesce(s.expires_at, 'infinity')) AS again
  FROM unclear u
  JOIN heard h ON h.tenant_id = u.tenant_id AND h.source_id = u.source_id
  JOIN sources s ON s.tenant_id = u.tenant_id AND s.source_id = u.source_id
)
UPDATE messaging_message m SET
  queue = CASE WHEN d.again THEN 0 ELSE 2 END,
  state = CASE WHEN d.again THEN 0 ELSE 7 END,
  reason = CASE WHEN d.again THEN '' ELSE 'never_confirmed' END,
  tries = m.tries + CASE WHEN d.again THEN 1 ELSE 0 END,
  next_attempt_at = now()
FROM decided d WHERE m.id = d.id
"""
SETTLE_AT_A_TIME = 5000

# What waits at a campaign's end although it was due before was held up: by a stopped account or number, or by a limit.
# It is not thrown away and not sent late either: the campaign pauses, and a person decides. Due messages that nothing
# holds up are gone within seconds.
OVERDUE = "m.next_attempt_at < s.expires_at - interval '1 minute'"
HOLD = f"""
UPDATE messaging_source SET state = 'paused', pause_code = %(code)s WHERE id IN (
  SELECT s.id FROM messaging_source s
  WHERE s.kind = 'campaign' AND s.state = 'open' AND s.expires_at < now()
    AND {queries.first_waiting("s.tenant_id", "s.id", such=OVERDUE)} IS NOT NULL
  ORDER BY s.id FOR NO KEY UPDATE SKIP LOCKED)
"""
# The others would have been tried again later than the end. A paused campaign gets a new end when somebody resumes it;
# nobody resumes a test or a reply.
EXPIRE = f"""
WITH late AS MATERIALIZED (
  SELECT m.id FROM messaging_source s
  JOIN messaging_message m ON m.tenant_id = s.tenant_id AND m.source_id = s.id AND m.queue = 0
  WHERE s.expires_at < now()
    AND CASE WHEN s.kind = 'campaign' THEN s.state = 'open' AND NOT {OVERDUE} ELSE s.state <> 'closed' END
  ORDER BY m.id LIMIT %(most)s FOR UPDATE OF m SKIP LOCKED
)
UPDATE messaging_message m SET queue = 2, state = 11, reason = 'source_expired' FROM late WHERE m.id = late.id
"""
EXPIRE_AT_A_TIME, EXPIRE_FOR_S = 10_000, 2.0

# Tests and replies close themselves; campaigns are finished by their own app. Whoever puts messages back holds their
# source, so it is locked first and looked at again afterwards; a held one waits for the next round.
IS_IDLE = f"""
s.kind IN ('test', 'reply') AND s.state <> 'closed' AND s.created_at < now() - interval '10 seconds'
  AND {queries.first_waiting("s.tenant_id", "s.id")} IS NULL
  AND {queries.first_under_way("s.tenant_id", "s.id")} IS NULL
"""
IDLE = f"SELECT s.id FROM messaging_source s WHERE {IS_IDLE} ORDER BY s.id FOR NO KEY UPDATE SKIP LOCKED"
CLOSE = f"UPDATE messaging_source s SET state = 'closed' WHERE s.id = ANY(%s) AND {IS_IDLE}"


@dataclass(frozen=True)
class Swept:
    """How many messages or sources each step moved."""

    put_back: int
    left_behind: int
    settled: int
    held: int
    expired: int
    closed: int


def register(unread_for: Callable[[], float]) -> None:
    """Ask this before anything is settled: for how many seconds the oldest webhook has waited to be applied, 0 without.

    What Meta said of an unknown outcome may lie there.
    """
    _unread_for.append(unread_for)


def sweep() -> Swept:
    """Do all steps for every tenant; safe to run in several workers at once."""
    # By the database's clock, which wrote when they were claimed.
    grace = {"grace": settings.MESSAGING_CLAIM_GRACE_S}
    return Swept(
        put_back=_put_back(grace),
        left_behind=_run(LEFT_BEHIND, grace),
        settled=_settle(settings.MESSAGING_SETTLE_S),
        held=_run(HOLD, {"code": reasons.OVERDUE_PAUSE}),
        expired=_expire(),
        closed=_close(),
    )


def _settle(settle_s: float) -> int:
    """Nothing while webhooks wait unread that came long ago, so while receivers are stopped or far behind."""
    unread_s = max((ask() for ask in _unread_for), default=0.0)
    if unread_s > max(settle_s / 2, 0):
        log.warning("unknown outcomes wait: webhooks have not been applied for %.0f s", unread_s)
        return 0
    return _run(SETTLE, {"settle": settle_s, "most": SETTLE_AT_A_TIME})


def _put_back(grace: Mapping[str, float]) -> int:
    """Queue again what lost its worker before it got a token: nobody else can send that attempt any more."""
    with across_tenants("nobody knows whose worker died"), connection.cursor() as cursor:
        cursor.execute(LOST, grace)
        lost = cursor.fetchall()
    return sum(
        _put_back_on(tenant_id, number_id, [(Outgoing(*row[2:5]), row[5]) for row in rows])
        for (tenant_id, number_id), rows in groupby(lost, key=itemgetter(0, 1))
    )


def _put_back_on(tenant_id: int, number_id: int, lost: Sequence[tuple[Outgoing, datetime]]) -> int:
    names = [bucket.name(message.message_id, message.attempt) for message, _ in lost]
    try:
        since, unnamed = bucket.take_back(client(), number_id=number_id, attempts=names)
    except redis.RedisError:
        # Nobody can tell, so it stays uncertain.
        return 0
    never_left = [
        message
        for name, (message, claimed_at) in zip(names, lost, strict=True)
        if name in unnamed and claimed_at > since + CLOCKS_DIFFER
    ]
    return claiming.release(tenant_id, never_left, is_unspent=False)


def _run(statement: str, params: Mapping[str, float | datetime] | None = None) -> int:
    with across_tenants("nobody knows whose worker died"), connection.cursor() as cursor:
        cursor.execute(statement, params)
        return cursor.rowcount


def _expire() -> int:
    """Batch by batch, for a campaign of a million may end at once; what is left has its turn in the next round."""
    end, expired, last = time.monotonic() + EXPIRE_FOR_S, 0, EXPIRE_AT_A_TIME
    while last == EXPIRE_AT_A_TIME and time.monotonic() < end:
        last = _run(EXPIRE, {"most": EXPIRE_AT_A_TIME})
        expired += last
    return expired


def _close() -> int:
    with across_tenants("tests and replies of every tenant end by the same rule"), connection.cursor() as cursor:
        cursor.execute(IDLE)
        cursor.execute(CLOSE, [[row[0] for row in cursor.fetchall()]])
        return cursor.rowcount
