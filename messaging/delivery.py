"""What became of sent messages: applies statuses, replies, clicks and opt-outs to message rows in sets.

Statuses come duplicated and in any order. Delivery is a lattice (whatsapp-cloud-api § 3.4): reading implies
delivery, a failure never undoes a delivery, and times keep the earliest value; so any order gives the same rows.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from django.db import connection

from contacts import actions as contacts
from messaging import braking, queries
from messaging.braking import Failure
from messaging.models import Message
from messaging.recording import rate_wait_s
from tenants.encryption import BadToken, unseal
from tenants.scope import tenant_scope
from whatsapp.errors import Rule, rule_for


@dataclass(frozen=True)
class StatusChange:
    """One status of Meta's webhook; `at` is aware UTC, `callback` our own token as Meta echoed it."""

    wamid: str
    status: str
    at: datetime
    callback: str = ""
    error_code: int | None = None
    price_type: str = ""
    price_category: str = ""


@dataclass(frozen=True)
class Applied:
    """How many statuses named a message of ours, and how many did not."""

    matched: int
    unmatched: int


class Changed(NamedTuple):
    """A message that a batch changed: as it is now, and what the batch said about failure and delivery."""

    message_id: int
    source_id: int
    contact_id: int
    state: int
    error_code: int | None
    claimed_at: datetime
    failed_at: datetime | None
    delivered_at: datetime | None


@dataclass
class Fate:
    """What a batch of statuses says about one message."""

    message_id: int
    # The attempt that failed.
    attempt: int | None = None
    wamid: str = ""
    sent_at: datetime | None = None
    delivered_at: datetime | None = None
    read_at: datetime | None = None
    failed_at: datetime | None = None
    error_code: int | None = None
    price_type: str = ""
    price_category: str = ""

    def add(self, change: StatusChange, attempt: int | None) -> None:
        """Fold one status of an attempt in; of several attempts' failures the latest attempt's counts."""
        self.wamid = change.wamid or self.wamid
        if change.price_type or change.price_category:
            self.price_type, self.price_category = change.price_type, change.price_category
        match change.status:
            case "sent":
                self.sent_at = _earliest(self.sent_at, change.at)
            case "delivered":
                self.delivered_at = _earliest(self.delivered_at, change.at)
            case "read" | "played":
                self.read_at = _earliest(self.read_at, change.at)
            case "failed" if self.failed_at is None or (attempt or 0) > (self.attempt or 0):
                self.attempt, self.failed_at, self.error_code = attempt, change.at, change.error_code
            case "failed" if attempt == self.attempt:
                self.failed_at = _earliest(self.failed_at, change.at)


# A failure counts for its own attempt only, and not once that was queued again; v.attempt is the attempt that failed,
# null where the status named its message by wamid only.
FAILS = "(v.failed_at IS NOT NULL AND m.queue <> 0 AND (v.attempt IS NULL OR v.attempt = m.attempt))"
# Whatever attempt moved the message forward: the person has it or Meta brings it, so nothing more is sent. Except that
# a "sent" may come after the failure for which its attempt was queued again: such a row was accepted and has a code.
MOVES = """(v.sent_at IS NOT NULL AND (v.delivered_at IS NOT NULL OR m.queue <> 0
            OR m.accepted_at IS NULL OR m.error_code IS NULL))"""
APPLY = f"""
UPDATE messaging_message m SET
  -- A wamid contains the phone number: an erased person's message takes none (messaging.personal).
  wamid = CASE WHEN m.contact_id < 0 THEN 'erased' ELSE coalesce(m.wamid, v.wamid) END,
  accepted_at = coalesce(m.accepted_at, v.sent_at, v.failed_at),
  sent_at = least(m.sent_at, v.sent_at),
  delivered_at = least(m.delivered_at, v.delivered_at),
  read_at = least(m.read_at, v.read_at),
  failed_at = CASE WHEN {FAILS} THEN least(m.failed_at, v.failed_at) ELSE m.failed_at END,
  price_type = coalesce(nullif(m.price_type, ''), v.price_type),
  price_category = coalesce(nullif(m.price_category, ''), v.price_category),
  error_code = CASE WHEN coalesce(m.delivered_at, v.delivered_at) IS NOT NULL THEN NULL
                    WHEN {FAILS} THEN coalesce(v.error_code, m.error_code) ELSE m.error_code END,
  reason = CASE WHEN {FAILS} AND v.error_code = 131050 AND coalesce(m.delivered_at, v.delivered_at) IS NULL
                THEN 'meta_stop' ELSE '' END,
  queue = 2,
  state = CASE
    WHEN coalesce(m.read_at, v.read_at) IS NOT NULL THEN 6
    WHEN coalesce(m.delivered_at, v.delivered_at) IS NOT NULL THEN 5
    WHEN {FAILS} AND v.error_code = 131050 THEN 9
    WHEN {FAILS} OR m.failed_at IS NOT NULL THEN 8
    ELSE 4 END
FROM (SELECT * FROM unnest(%s::bigint[], %s::smallint[], %s::text[], %s::timestamptz[], %s::timestamptz[],
                           %s::timestamptz[], %s::timestamptz[], %s::int[], %s::text[], %s::text[])
      AS u(id, attempt, wamid, sent_at, delivered_at, read_at, failed_at, error_code, price_type, price_category)) v
WHERE m.tenant_id = %s AND m.id = v.id AND (m.state NOT IN (9, 10) OR m.accepted_at IS NOT NULL)
  AND ({FAILS} OR {MOVES})
  AND (m.sent_at IS NULL AND v.sent_at IS NOT NULL
       OR m.sent_at > v.sent_at
       OR v.delivered_at IS NOT NULL AND (m.delivered_at IS NULL OR m.delivered_at > v.delivered_at)
       OR v.read_at IS NOT NULL AND (m.read_at IS NULL OR m.read_at > v.read_at)
       OR {FAILS} AND m.failed_at IS NULL
       OR v.price_type <> '' AND m.price_type = '' OR m.wamid IS NULL OR m.state IN (0, 1, 2, 3, 7))
RETURNING m.id, m.source_id, m.contact_id, m.state, m.error_code, coalesce(m.claimed_at, m.created_at), v.failed_at,
  v.delivered_at
"""


def apply(tenant_id: int, changes: Sequence[StatusChange]) -> Applied:
    """Apply statuses to message rows; idempotent and independent of order. Runs in the caller's scope or its own."""
    with tenant_scope(tenant_id):
        fates, unmatched = _by_message(tenant_id, changes)
        again = _passing(fates)
        if again:
            _hold_sources(tenant_id, [message_id for message_id, *_ in again])
        changed = _update(tenant_id, fates) if fates else []
        if again:
            _retry(tenant_id, again)
        braking.brake(tenant_id, _failures(changed))
        contacts.note_reached(tenant_id=tenant_id, contact_ids={c.contact_id for c in changed if c.delivered_at})
        return Applied(len(changes) - unmatched, unmatched)


def _by_message(tenant_id: int, changes: Sequence[StatusChange]) -> tuple[list[Fate], int]:
    """One fate per message, in id order so that two receivers never deadlock, and how many found none."""
    named = [(change, _attempt_of(tenant_id, change.callback)) for change in changes]
    by_wamid = _ids_of(tenant_id, [change.wamid for change, attempt in named if attempt is None])
    fates: dict[int, Fate] = {}
    unmatched = 0
    for change, attempt in named:
        message_id = attempt[0] if attempt else by_wamid.get(change.wamid)
        if message_id is None:
            unmatched += 1
            continue
        fate = fates.setdefault(message_id, Fate(message_id))
        fate.add(change, attempt[1] if attempt else None)
    return [fates[key] for key in sorted(fates)], unmatched


def _attempt_of(tenant_id: int, callback: str) -> tuple[int, int] | None:
    """(message id, attempt) behind our token; None for a foreign one or another tenant's."""
    try:
        owner, message_id, attempt = unseal("callback", callback)
    except (BadToken, ValueError):
        return None
    return (message_id, attempt) if owner == tenant_id else None


def _ids_of(tenant_id: int, wamids: Sequence[str]) -> dict[str, int]:
    if not wamids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT wamid, id FROM messaging_message WHERE tenant_id = %s AND wamid = ANY(%s)",
            [tenant_id, list(set(wamids))],
        )
        return dict(cursor.fetchall())


def _update(tenant_id: int, fates: Sequence[Fate]) -> list[Changed]:
    rows = [
        (
            f.message_id,
            f.attempt,
            f.wamid or None,
            _earliest(f.sent_at, f.delivered_at, f.read_at),
            _earliest(f.delivered_at, f.read_at),
            f.read_at,
            f.failed_at,
            f.error_code,
            f.price_type,
            f.price_category,
        )
        for f in fates
    ]
    with connection.cursor() as cursor:
        cursor.execute(APPLY, [*(list(column) for column in zip(*rows, strict=True)), tenant_id])
        return [Changed(*row) for row in cursor.fetchall()]


def _failures(changed: Iterable[Changed]) -> list[Failure]:
    """What failed by this batch, and not already before."""
    return [
        Failure(c.message_id, c.source_id, rule_for(c.error_code), c.claimed_at, c.failed_at, is_late=True)
        for c in changed
        if c.state == Message.State.FAILED and c.failed_at and c.error_code is not None
    ]


def _passing(fates: Sequence[Fate]) -> list[tuple[int, int | None, int, int | None]]:
    """(message id, attempt, seconds to wait, most tries if they count) of what failed for a passing reason."""
    rows = [(f, rule_for(f.error_code)) for f in fates if f.failed_at and f.error_code]
    return [(f.message_id, f.attempt, _wait_s(f, r), r.max_attempts) for f, r in rows if r.is_retryable]


def _wait_s(fate: Fate, rule: Rule) -> int:
    wait_s = rule.retry_after_s or 60
    return rate_wait_s(wait_s, fate.attempt or 1) if rule.max_attempts is None else wait_s


def _hold_sources(tenant_id: int, message_ids: Sequence[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT source_id FROM messaging_message WHERE tenant_id = %s AND id = ANY(%s)",
            [tenant_id, list(message_ids)],
        )
        queries.hold_sources(tenant_id, [row[0] for row in cursor.fetchall()])


def _retry(tenant_id: int, again: Sequence[tuple[int, int | None, int, int | None]]) -> None:
    """Queue messages again as a new attempt, if their source ends late enough; a paused one gets a new end."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE messaging_message m SET queue = 0, state = 0, wamid = NULL, failed_at = NULL,"
            " tries = m.tries + CASE WHEN v.most IS NULL THEN 0 ELSE 1 END,"
            " next_attempt_at = now() + v.wait * interval '1 second'"
            " FROM unnest(%s::bigint[], %s::smallint[], %s::int[], %s::int[]) AS v(id, attempt, wait, most),"
            " messaging_source s"
            " WHERE m.tenant_id = %s AND m.id = v.id AND m.state = 8 AND (v.most IS NULL OR m.tries + 1 < v.most)"
            " AND (v.attempt IS NULL OR v.attempt = m.attempt)"
            " AND s.tenant_id = m.tenant_id AND s.id = m.source_id AND s.state <> 'closed'"
            " AND (s.state = 'paused' OR now() + v.wait * interval '1 second' < coalesce(s.expires_at, 'infinity'))",
            [*(list(column) for column in zip(*again, strict=True)), tenant_id],
        )


def mark_replied(tenant_id: int, replies: Iterable[tuple[int, datetime]]) -> None:
    """Note the first reply to messages: (message id, time in UTC), if within 72 hours of acceptance."""
    _mark(tenant_id, "replied_at", replies)


def mark_opted_out(tenant_id: int, opt_outs: Iterable[tuple[int, datetime]]) -> None:
    """Note that a message was followed by an opt-out: (message id, time in UTC), within 72 hours of acceptance."""
    _mark(tenant_id, "opted_out_at", opt_outs)


def mark_clicked(tenant_id: int, clicks: Iterable[tuple[int, datetime]]) -> None:
    """Note the first counted click on a message's links: (message id, time in UTC)."""
    _mark(tenant_id, "clicked_at", clicks, within=timedelta(days=90))


def _mark(
    tenant_id: int, column: str, marks: Iterable[tuple[int, datetime]], within: timedelta = timedelta(hours=72)
) -> None:
    earliest: dict[int, datetime] = {}
    for message_id, at in marks:
        earliest[message_id] = min(at, earliest.get(message_id, at))
    if not earliest:
        return
    ids = sorted(earliest)
    with tenant_scope(tenant_id), connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE messaging_message m SET {column} = v.at"
            " FROM unnest(%s::bigint[], %s::timestamptz[]) AS v(id, at)"
            f" WHERE m.tenant_id = %s AND m.id = v.id AND (m.{column} IS NULL OR m.{column} > v.at)"
            " AND v.at <= coalesce(m.accepted_at, m.claimed_at) + %s * interval '1 second'",
            [ids, [earliest[i] for i in ids], tenant_id, within.total_seconds()],
        )


def _earliest(*times: datetime | None) -> datetime | None:
    known = [time.astimezone(UTC) for time in times if time]
    return min(known) if known else None
