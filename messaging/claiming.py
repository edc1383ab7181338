"""Takes due messages out of the queue: the transaction in which consent decides, just before sending."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson
from django.db import connection
from django.db.models import Q
from django.db.models.functions import Now

from consent import rules
from consent.actions.preferences import page_of
from consent.queries import CATEGORY_MISMATCH, serves, special_names, without_special
from messaging import links, queries, rendering
from messaging.budget import Budget
from messaging.models import Content, Message, Source
from messaging.rendering import OWN_PAGE, Person, TemplateText
from tenants.encryption import seal
from tenants.scope import tenant_scope
from whatsapp.markets import country_of, market_of
from whatsapp.models import Number
from whatsapp.pausing import DAILY_LIMIT_PAUSE
from whatsapp.payloads import InvalidPayload

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outgoing:
    """A claimed message, ready to go."""

    message_id: int
    attempt: int
    source_id: int
    content: bytes = b""
    # Attempts before this one that count against the message (messaging.models).
    tries: int = 0


@dataclass(frozen=True)
class Candidate:
    """A due message with what its recipient allows."""

    message_id: int
    attempt: int
    tries: int
    variant: int
    contact_id: int
    person: Person
    is_tracked: bool
    reason: str
    consent_seq: int | None


# Pending messages of one source in exactly the order of their partial index (docs/decisions/0003).
PICK = """
SELECT m.id, m.attempt, m.tries, m.variant, m.contact_id FROM messaging_message m
WHERE m.tenant_id = %s AND m.source_id = %s AND m.queue = 0 AND m.next_attempt_at <= now()
ORDER BY m.next_attempt_at, m.id LIMIT %s FOR UPDATE SKIP LOCKED
"""

DUE_SOURCES = f"""
SELECT s.id, s.priority FROM messaging_source s
JOIN whatsapp_number n ON n.tenant_id = s.tenant_id AND n.id = s.number_id
JOIN whatsapp_account a ON a.tenant_id = n.tenant_id AND a.id = n.account_id
WHERE s.tenant_id = %s AND s.number_id = %s AND s.state = 'open'
  AND (s.expires_at IS NULL OR s.expires_at > now())
  AND {queries.MAY_SEND}
  AND EXISTS (SELECT FROM consent_agreement g WHERE g.tenant_id = s.tenant_id)
  AND {queries.FIRST_DUE} IS NOT NULL
ORDER BY s.priority, s.id
"""

WHO = """
SELECT c.id, c.phone, c.bsuid, c.first_name, c.last_name, c.email, c.postcode, c.country, c.language, c.external_id,
       c.birthday, c.attributes, c.phone_invalid_at IS NOT NULL,
       {measured}, {reason}, {seq}, c.unreachable_since IS NOT NULL, {special}
FROM contacts_contact c {joins}
WHERE c.tenant_id = %s AND c.id = ANY(%s)
"""

TAKE = """
UPDATE messaging_message m SET queue = 1, state = 1, attempt = m.attempt + 1, claimed_at = now(),
       consent_seq = v.seq, market = v.market, reason = '', error_code = NULL
FROM unnest(%s::bigint[], %s::bigint[], %s::text[]) AS v(id, seq, market) WHERE m.tenant_id = %s AND m.id = v.id
"""

SKIP = """
UPDATE messaging_message m SET queue = 2, state = v.state, reason = v.reason
FROM unnest(%s::bigint[], %s::smallint[], %s::text[]) AS v(id, state, reason) WHERE m.tenant_id = %s AND m.id = v.id
"""

RELEASE = """
UPDATE messaging_message m SET attempt = m.attempt - %s,
       queue = CASE WHEN s.state = 'closed' THEN 2 ELSE 0 END,
       state = CASE WHEN s.state = 'closed' THEN 10 ELSE 0 END,
       reason = CASE WHEN s.state = 'closed' THEN 'campaign_cancelled' ELSE '' END
FROM unnest(%s::bigint[], %s::smallint[]) AS v(id, attempt), messaging_source s
WHERE m.tenant_id = %s AND m.id = v.id AND m.attempt = v.attempt AND m.queue = 1 AND m.state IN (1, 7)
  AND s.tenant_id = m.tenant_id AND s.id = m.source_id
"""


def due_sources(number: Number) -> list[tuple[int, int]]:
    """(id, priority) of this number's open sources with due messages, most urgent first; none while it is paused.

    Nothing is sent after a source's end, even if nobody has looked after it for days.
    """
    with tenant_scope(number.tenant_id), connection.cursor() as cursor:
        cursor.execute(DUE_SOURCES, [number.tenant_id, number.pk])
        return cursor.fetchall()


def claim(*, number: Number, source_id: int, most: int, budget: Budget) -> list[Outgoing]:
    """Claim up to `most` due messages of a source and build their bodies; recipients who must not get it are skipped.

    The consent rows are locked FOR SHARE before they are read: an opt-out either committed before and is seen here,
    or waits and comes after this claim, which covers at most one second of sending (CG-22).
    """
    with tenant_scope(number.tenant_id):
        sources = Source.objects.select_related("number").filter(tenant=number.tenant_id, state=Source.State.OPEN)
        source = sources.filter(pk=source_id).first()
        if source is None:
            return []
        outgoing, skipped = _rendered(source, _candidates(source, most))
        # Last, so that nobody who gets nothing takes a place.
        outgoing = _within_budget(source, outgoing, budget)
        _take([c for c, _ in outgoing], number.tenant_id)
        _skip(skipped, number.tenant_id)
    return [Outgoing(c.message_id, c.attempt + 1, source_id, content, c.tries) for c, content in outgoing]


def _candidates(source: Source, most: int) -> list[Candidate]:
    with connection.cursor() as cursor:
        with queries.in_order_of_claims(cursor):
            cursor.execute(PICK, [source.tenant_id, source.pk, most])
            picked = cursor.fetchall()
        if not picked:
            return []
        contact_ids = [row[4] for row in picked]
        people = _people(cursor, source, contact_ids)
    gone = (Person(), False, "erased", None)
    return [
        Candidate(message_id, attempt, tries, variant, contact_id, *people.get(contact_id, gone))
        for message_id, attempt, tries, variant, contact_id in picked
    ]


def _people(cursor: Any, source: Source, contact_ids: Sequence[int]) -> dict[int, tuple[Person, bool, str, int | None]]:
    special = special_names(source.tenant_id)
    reason, seq, joins = "CASE WHEN c.restricted_at IS NOT NULL THEN 'restricted' END", "0", ""
    params: list[Any] = []
    if source.purpose != "service":
        # Whoever writes anything about a person locks all of their states, so this holds the special one still, too.
        rules.lock_states(source.tenant_id, list(contact_ids), channel="whatsapp", purpose=source.purpose)
        refusal = rules.refusal(channel="whatsapp", purpose=source.purpose, tenant_id=source.tenant_id)
        joins, reason, seq, params = refusal.joins, refusal.reason, refusal.seq, refusal.params
    who = WHO.format(
        joins=joins,
        measured=rules.MAY_MEASURE,
        reason=reason,
        seq=seq,
        special=rules.MAY_USE_SPECIAL if special else "TRUE",
    )
    cursor.execute(who, [*params, source.tenant_id, list(contact_ids)])
    return {row[0]: _person_or_not(row, source, special) for row in cursor.fetchall()}


def _person_or_not(
    row: tuple[Any, ...], source: Source, special: frozenset[str]
) -> tuple[Person, bool, str, int | None]:
    try:
        return _person(row, source, special)
    except Exception as error:
        # Whatever one row does to us, the others are sent. Never the text of the error: it may quote the person.
        log.error("contact %s cannot be read: %s", row[0], type(error).__name__)
        return Person(), False, "invalid_payload", None


def _person(row: tuple[Any, ...], source: Source, special: frozenset[str]) -> tuple[Person, bool, str, int | None]:
    fields = dict(
        zip(
            ("first_name", "last_name", "email", "postcode", "country", "language", "external_id"),
            row[3:10],
            strict=True,
        )
    )
    fields |= {"phone": row[1], "birthday": f"{row[10]:%d.%m.%Y}" if row[10] else None}
    attributes = orjson.loads(row[11]) if isinstance(row[11], str) else row[11]
    if not row[17]:
        # Of no use without a yes to exactly that (CG-08).
        attributes = without_special(attributes, special)
    is_phone_dead, is_tracked, reason, seq = row[12:16]
    phone = None if is_phone_dead else row[1]
    if not row[17] and special.intersection(source.bound_by):
        reason = reason or "no_special"
    reason = reason or _obstacle(source, row[1], row[2], is_phone_dead=is_phone_dead, is_unreachable=row[16])
    return Person(phone, row[2], fields, attributes), is_tracked, reason, seq


def _obstacle(
    source: Source, phone: str | None, bsuid: str | None, *, is_phone_dead: bool, is_unreachable: bool
) -> str:
    """Why nothing can arrive, if so; a test is sent to the unreachable all the same, to see whether that is over."""
    if is_unreachable and source.kind != Source.Kind.TEST:
        return "unreachable"
    if not bsuid and (is_phone_dead or not phone):
        return "unreachable" if is_phone_dead else "no_number"
    if source.refused_countries and country_of(phone, bsuid) in source.refused_countries:
        return "country_refused"
    return ""


def _within_budget(
    source: Source, outgoing: list[tuple[Candidate, bytes]], budget: Budget
) -> list[tuple[Candidate, bytes]]:
    """Leave those in the queue for whom the portfolio's moving 24-hour limit has no room; answers need none."""
    if source.purpose == "service":
        return outgoing
    limit = source.number.daily_limit
    refused, free_at = budget.reserve([c.contact_id for c, _ in outgoing], limit=limit)
    if refused:
        is_less = Q(paused_until=None) | Q(paused_until__lt=Now())
        is_less |= Q(paused_until__lt=free_at, pause_code=DAILY_LIMIT_PAUSE)
        # Unless Meta has raised the limit since, or stopped the number, for answers too.
        numbers = Number.objects.filter(is_less, pk=source.number_id, daily_limit=limit)
        numbers.update(paused_until=free_at, pause_code=DAILY_LIMIT_PAUSE)
    return [(c, content) for c, content in outgoing if c.contact_id not in refused]


def _rendered(
    source: Source, candidates: list[Candidate]
) -> tuple[list[tuple[Candidate, bytes]], list[tuple[int, int, str]]]:
    contents = {content.variant: content for content in queries.contents(source)}
    outgoing: list[tuple[Candidate, bytes]] = []
    skipped: list[tuple[int, int, str]] = []
    for candidate in candidates:
        if candidate.reason:
            skipped.append((candidate.message_id, Message.State.SKIPPED, candidate.reason))
            continue
        try:
            content = contents[candidate.variant]
            # Meta may put a template into another category while its campaign runs.
            if content.template and not serves(content.template.category, source.purpose):
                skipped.append((candidate.message_id, Message.State.SKIPPED, CATEGORY_MISMATCH))
                continue
            outgoing.append((candidate, body(source.tenant_id, content, candidate)))
        except rendering.MissingValue:
            skipped.append((candidate.message_id, Message.State.SKIPPED, "missing_value"))
        except rendering.TooLong:
            skipped.append((candidate.message_id, Message.State.SKIPPED, "too_long"))
        except InvalidPayload:
            skipped.append((candidate.message_id, Message.State.FAILED, "invalid_payload"))
        except Exception as error:
            log.error("message %s cannot be built: %s", candidate.message_id, type(error).__name__)
            skipped.append((candidate.message_id, Message.State.FAILED, "invalid_payload"))
    return outgoing, skipped


def body(tenant_id: int, content: Content, candidate: Candidate) -> bytes:
    """The bytes that Meta gets for this recipient; the attempt's name travels in biz_opaque_callback_data."""
    callback = seal("callback", tenant_id, candidate.message_id, candidate.attempt + 1)
    said = content.variables if content.template else content.free_form or {}
    message_id = candidate.message_id if candidate.is_tracked else None
    tokens = {
        link_id: links.token(tenant_id=tenant_id, link_id=link_id, message_id=message_id)
        for link_id in rendering.link_ids(said)
    }
    person = candidate.person
    if rendering.leads_to_own_page(said):
        person = replace(person, values={**person.values, OWN_PAGE: page_of(tenant_id, candidate.contact_id)})
    if content.template is None:
        return orjson.dumps(rendering.free_form(said, person, link_tokens=tokens, callback=callback))
    template = TemplateText(
        content.template.name,
        content.template.language,
        content.template.components,
        content.template.parameter_format.upper() == "NAMED",
    )
    return orjson.dumps(rendering.body(template, said, person, link_tokens=tokens, callback=callback))


def release(tenant_id: int, messages: Sequence[Outgoing], *, is_unspent: bool = True) -> int:
    """Put claimed messages back that were never sent; their consent is checked again at the next claim.

    An attempt that is unspent does not count. The sweeper may have called them uncertain meanwhile; the caller knows
    better. Returns how many were put back.
    """
    if not messages:
        return 0
    with tenant_scope(tenant_id), connection.cursor() as cursor:
        queries.hold_sources(tenant_id, {message.source_id for message in messages})
        cursor.execute(
            RELEASE,
            [int(is_unspent), [m.message_id for m in messages], [m.attempt for m in messages], tenant_id],
        )
        return cursor.rowcount


def _take(claimed: Sequence[Candidate], tenant_id: int) -> None:
    if claimed:
        markets = [market_of(c.person.phone, c.person.bsuid) for c in claimed]
        with connection.cursor() as cursor:
            cursor.execute(
                TAKE, [[c.message_id for c in claimed], [c.consent_seq for c in claimed], markets, tenant_id]
            )


def _skip(skipped: Sequence[tuple[int, int, str]], tenant_id: int) -> None:
    if skipped:
        with connection.cursor() as cursor:
            cursor.execute(SKIP, [[s[0] for s in skipped], [s[1] for s in skipped], [s[2] for s in skipped], tenant_id])
