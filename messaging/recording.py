"""Writes what became of a batch of attempts: one UPDATE for all, whatever Meta answered."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db import connection

from consent.actions import declarations
from contacts.models import Contact
from messaging import braking, queries
from messaging.braking import Failure
from messaging.models import Message
from tenants.away import is_away
from tenants.scope import tenant_scope
from whatsapp.client import Accepted
from whatsapp.errors import ErrorClass, NotSent, Refused, Rule, UnknownOutcome, rule_for
from whatsapp.models import Number

log = logging.getLogger(__name__)
STATE, QUEUE = Message.State, Message.Queue
# SQLSTATE of a database that takes nothing: it is read-only after a failover, or where its disk is full.
READ_ONLY = "25006"
TEMPLATE_PAUSED = 132015
# What met the rate of number or app waits longer each time, up to so many seconds if Meta names no longer wait.
RATE_WAITS_S = 60
Answer = Accepted | Refused | NotSent | UnknownOutcome


@dataclass(frozen=True)
class Outcome:
    """One attempt and its answer, with the moment the answer came (UTC) and how many before it count as tries."""

    message_id: int
    attempt: int
    source_id: int
    answer: Answer
    at: datetime
    tries: int = 0


@dataclass(frozen=True)
class Verdict:
    """What an answer means for the row."""

    state: int
    queue: int
    wamid: str | None = None
    error_code: int | None = None
    reason: str = ""
    next_attempt_at: datetime | None = None
    tries: int | None = None


# An answer came after its claim and before now; a worker whose clock is wrong says something else.
ANSWERED_AT = "least(greatest(v.at, m.claimed_at), now())"
# Statuses may have overtaken the answer, and the sweeper may have called the attempt uncertain meanwhile: an
# acceptance never lowers a delivery state, a refusal counts only while nothing better is known. A failure may have
# overtaken its own acceptance and queued the message again: such a row waits, was accepted and has a code, which the
# next claim takes away, and its acceptance is no news.
RECORD = f"""
UPDATE messaging_message m SET
  state = CASE WHEN v.queue = 0 AND s.state = 'closed' THEN 10
               WHEN v.accepted_at IS NULL OR m.state IN (0, 1, 7) THEN v.state ELSE m.state END,
  queue = CASE WHEN v.accepted_at IS NOT NULL OR s.state = 'closed' AND v.queue = 0 THEN 2 ELSE v.queue END,
  -- A wamid contains the phone number: an erased person's message takes none (messaging.personal).
  wamid = CASE WHEN m.contact_id < 0 THEN 'erased' ELSE coalesce(m.wamid, v.wamid) END,
  accepted_at = least(m.accepted_at, CASE WHEN v.accepted_at IS NOT NULL THEN {ANSWERED_AT} END),
  failed_at = CASE WHEN v.state = 8 THEN {ANSWERED_AT} ELSE m.failed_at END,
  error_code = coalesce(v.error_code, m.error_code),
  reason = CASE WHEN v.queue = 0 AND s.state = 'closed' THEN 'campaign_cancelled'
                WHEN v.accepted_at IS NULL OR m.state IN (0, 1, 7) THEN v.reason ELSE m.reason END,
  tries = coalesce(v.tries, m.tries),
  -- Of an uncertain one: since when its status could be heard (messaging.sweeping).
  next_attempt_at = CASE WHEN v.next_attempt_at IS NOT NULL THEN {ANSWERED_AT} + (v.next_attempt_at - v.at)
                         WHEN v.state = 7 THEN now() ELSE m.next_attempt_at END
FROM unnest(%s::bigint[], %s::smallint[], %s::smallint[], %s::smallint[], %s::text[], %s::int[], %s::text[],
            %s::timestamptz[], %s::timestamptz[], %s::timestamptz[], %s::smallint[])
     AS v(id, attempt, state, queue, wamid, error_code, reason, next_attempt_at, accepted_at, at, tries),
     messaging_source s
WHERE m.tenant_id = %s AND m.id = v.id AND m.attempt = v.attempt
  AND s.tenant_id = m.tenant_id AND s.id = m.source_id
  AND (v.accepted_at IS NOT NULL AND (m.queue <> 0 OR m.accepted_at IS NULL OR m.error_code IS NULL)
       OR m.state IN (1, 7))
RETURNING m.id
"""


class Away(Exception):
    """The database is not there, or takes nothing for a while."""


def record(number: Number, outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Store the outcomes of one number's attempts and act on what they say about template, number or account.

    Returns those that are stored. What cannot be stored is found by halving and stays claimed, for the sweeper and the
    status webhooks, so its attempt must not be forgotten in Redis: what nobody has named there is sent again. Raises
    Away.
    """
    if not outcomes:
        return []
    try:
        _record(number, outcomes)
        return [*outcomes]
    except Exception as error:
        if is_away(error) or _code(error) == READ_ONLY:
            raise Away from error
        if len(outcomes) > 1:
            middle = len(outcomes) // 2
            return record(number, outcomes[:middle]) + record(number, outcomes[middle:])
        # Never the text of the error: PostgreSQL quotes the values that it refuses.
        log.error("an answer for source %s cannot be stored: %s", outcomes[0].source_id, type(error).__name__)
        return []


def _code(error: Exception) -> str:
    return getattr(error.__cause__, "pgcode", None) or ""


def _record(number: Number, outcomes: Sequence[Outcome]) -> None:
    verdicts = [(outcome, verdict(outcome)) for outcome in outcomes]
    with tenant_scope(number.tenant_id):
        queries.hold_sources(
            number.tenant_id, {outcome.source_id for outcome, v in verdicts if v.queue == QUEUE.WAITING}
        )
        changed = _update(number.tenant_id, verdicts)
        _note_stops(number, outcomes)
        # Who records a batch again, because the answer of its COMMIT got lost, counts nothing again and stops nothing
        # again that somebody may have resumed.
        _brake(number.tenant_id, [outcome for outcome in outcomes if outcome.message_id in changed])


def verdict(outcome: Outcome) -> Verdict:
    """What an answer means for its row, by the class of Meta's code (whatsapp-cloud-api § 7)."""
    match outcome.answer:
        case Accepted(wamid=wamid) as accepted:
            # Also under a paused template Meta has the message and may still release it: sending it again could
            # double it, so it waits there, and only what follows waits here.
            is_held = accepted.is_held or accepted.is_paused
            return Verdict(STATE.HELD if is_held else STATE.ACCEPTED, QUEUE.OUT, wamid)
        case NotSent():
            # Nothing left this machine, so sending again cannot double it.
            return _again(outcome, None, wait_s=min(2**outcome.attempt, 300))
        case UnknownOutcome():
            # May have arrived: never sent again blindly; a status webhook or the sweeper settles it.
            return Verdict(STATE.UNCERTAIN, QUEUE.CLAIMED, reason="no_answer")
        case Refused() as refused:
            return _refused(outcome, refused)
    raise AssertionError(outcome.answer)


def _refused(outcome: Outcome, refused: Refused) -> Verdict:
    rule = refused.rule
    if rule.suppress_marketing:
        return Verdict(STATE.SKIPPED, QUEUE.OUT, error_code=rule.code, reason="meta_stop")
    if rule.error_class in (ErrorClass.TEMPLATE, ErrorClass.ACCOUNT):
        # Everything after it would fail the same way: the source or number pauses, this message waits with the rest.
        return _again(outcome, rule.code, wait_s=0)
    wait, tries = refused.retry_after_s or 0, outcome.tries + 1
    if rule.max_attempts is None:
        # As often as it takes: the source's end is its end, too.
        return _again(outcome, rule.code, wait_s=rate_wait_s(wait, outcome.attempt))
    if tries < rule.max_attempts:
        wait = wait * 2**outcome.tries if wait < 3600 else wait
        return replace(_again(outcome, rule.code, wait_s=wait), tries=tries)
    return Verdict(STATE.FAILED, QUEUE.OUT, error_code=rule.code)


def rate_wait_s(wait_s: int, attempt: int) -> int:
    """How many seconds an attempt waits that met the rate of number or app, `wait_s` at least."""
    return max(wait_s, min(wait_s * 2 ** (attempt - 1), RATE_WAITS_S))


def _again(outcome: Outcome, code: int | None, *, wait_s: float) -> Verdict:
    due = outcome.at + timedelta(seconds=wait_s)
    return Verdict(STATE.QUEUED, QUEUE.WAITING, error_code=code, next_attempt_at=due)


def _update(tenant_id: int, verdicts: Sequence[tuple[Outcome, Verdict]]) -> set[int]:
    """Write the rows; returns the ids of those that it is the answer of."""
    rows = [
        (
            o.message_id,
            o.attempt,
            int(v.state),
            int(v.queue),
            v.wamid,
            v.error_code,
            v.reason,
            v.next_attempt_at,
            o.at if isinstance(o.answer, Accepted) else None,
            o.at,
            v.tries,
        )
        # In id order, so that two writers of the same rows wait for, and never deadlock with, each other.
        for o, v in sorted(verdicts, key=lambda pair: pair[0].message_id)
    ]
    with connection.cursor() as cursor:
        cursor.execute(RECORD, [*(list(column) for column in zip(*rows, strict=True)), tenant_id])
        return {row[0] for row in cursor.fetchall()}


def _note_stops(number: Number, outcomes: Sequence[Outcome]) -> None:
    """Record who stopped our marketing, whatever became of the message; the ledger takes each once."""
    for outcome in outcomes:
        if (rule := _rule_of(outcome.answer)) and rule.suppress_marketing:
            _stopped_in_whatsapp(number, outcome)


def _brake(tenant_id: int, outcomes: Sequence[Outcome]) -> None:
    """Stop what Meta's answers speak about beyond their messages."""
    told = [(outcome, rule) for outcome in outcomes if (rule := _rule_of(outcome.answer))]
    braking.brake(tenant_id, [Failure(o.message_id, o.source_id, rule, claimed_at=o.at, at=o.at) for o, rule in told])


def _rule_of(answer: Answer) -> Rule | None:
    if isinstance(answer, Refused):
        return answer.rule
    return rule_for(TEMPLATE_PAUSED) if isinstance(answer, Accepted) and answer.is_paused else None


def _stopped_in_whatsapp(number: Number, outcome: Outcome) -> None:
    contact = Contact.objects.filter(tenant=number.tenant_id, messages__pk=outcome.message_id).first()
    if contact:
        declarations.meta_stopped(
            tenant=number.tenant,
            contact=contact,
            phone_number_id=number.phone_number_id,
            occurred_at=outcome.at,
            source="meta_error",
            source_ref="131050",
            dedupe=f"131050:{outcome.message_id}:{outcome.attempt}",
        )
