"""A no: withdrawal, objection, a refused question, and an entry of the block list; effective at commit (CG-22)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from consent import ledger
from consent.actions.declarations.writing import EVERYTHING, audit_written, keep_out, write
from consent.ledger import Appended, suppressing
from consent.ledger.folding import ENDS_WITH_MARKETING, GRANTS, Pair
from consent.ledger.subjects import Person, person
from consent.ledger.suppressing import BLOCKED, OBJECTED, WITHDRAWN
from consent.models import Authority, Channel, ConsentState, Purpose, Source, State, WordingVersion
from contacts.models import Contact
from tenants.actions import Actor
from tenants.models import Tenant


def withdraw(
    *,
    tenant: Tenant,
    dedupe: str,
    source: str,
    contact: Contact | None = None,
    phone: str | None = None,
    bsuid: str | None = None,
    channel: str = Channel.WHATSAPP,
    purpose: str = Purpose.MARKETING,
    is_all: bool = False,
    authority: int = Authority.PERSON,
    occurred_at: datetime | None = None,
    source_ref: str = "",
    evidence: dict[str, Any] | None = None,
    by: Actor = None,
) -> list[Appended]:
    """Record a withdrawal and put every identity of the person on the suppression list; effective at commit (CG-22).

    Withdrawing marketing ends tracking and profiling of the channel too; `is_all` ("STOP ALL") ends every channel and
    purpose except what a contract needs. `phone` and `bsuid` are what the message came with: a stranger is suppressed
    by them without becoming a contact. A withdrawal older than the person's later yes is recorded but ends nothing.
    """
    pairs = [EVERYTHING] if is_all else [(str(channel), ended) for ended in _ended_with(purpose)]
    said_at = occurred_at or timezone.now()
    return _refuse(
        tenant,
        person(tenant, contact=contact, phone=phone, bsuid=bsuid, at=said_at),
        pairs,
        State.WITHDRAWN,
        WITHDRAWN,
        dedupe=dedupe,
        source=source,
        authority=authority,
        occurred_at=said_at,
        source_ref=source_ref,
        evidence=evidence,
        by=by,
    )


def object_(
    *,
    tenant: Tenant,
    dedupe: str,
    source: str,
    contact: Contact | None = None,
    phone: str | None = None,
    bsuid: str | None = None,
    email: str | None = None,
    channel: str = Channel.ALL,
    authority: int = Authority.PERSON,
    occurred_at: datetime | None = None,
    source_ref: str = "",
    evidence: dict[str, Any] | None = None,
    by: Actor = None,
) -> list[Appended]:
    """Record an objection (Art. 21 GDPR): ends advertising and its profiling for good, on all channels or on one."""
    said_at = occurred_at or timezone.now()
    return _refuse(
        tenant,
        person(tenant, contact=contact, phone=phone, bsuid=bsuid, email=email, at=said_at),
        [(str(channel), Purpose.ALL.value)],
        State.OBJECTED,
        OBJECTED,
        dedupe=dedupe,
        source=source,
        authority=authority,
        occurred_at=said_at,
        source_ref=source_ref,
        evidence=evidence,
        by=by,
    )


@transaction.atomic
def refuse(
    *,
    tenant: Tenant,
    contact: Contact,
    dedupe: str,
    source: str,
    pairs: Sequence[Pair],
    occurred_at: datetime,
    wording: WordingVersion,
    doi_request_seq: int,
    source_ref: str = "",
    evidence: dict[str, Any] | None = None,
) -> list[Appended]:
    """Record that a person said no to what they were asked: those of `pairs` that they have not agreed to before.

    No import, agent or API says yes for them afterwards. What they had agreed to before goes on, and nobody is put on
    the suppression list: they were never on any other.
    """
    ledger.lock(tenant)
    agreed = ConsentState.objects.filter(tenant=tenant, subject_id=contact.subject_id, state__in=GRANTS)
    held = set(agreed.values_list("channel", "purpose"))
    return write(
        tenant,
        contact.subject_id,
        [(pair, State.REFUSED) for pair in pairs if pair not in held],
        dedupe=dedupe,
        authority=Authority.PERSON,
        source=source,
        source_ref=source_ref,
        occurred_at=occurred_at,
        wording_version_id=wording.pk,
        wording_sha256=wording.sha256,
        doi_request_seq=doi_request_seq,
        evidence=evidence,
    )


def suppress(
    *,
    tenant: Tenant,
    dedupe: str,
    contact: Contact | None = None,
    phone: str | None = None,
    bsuid: str | None = None,
    email: str | None = None,
    channel: str = Channel.ALL,
    purpose: str = Purpose.ALL,
    source: str = Source.AGENT,
    source_ref: str = "",
    evidence: dict[str, Any] | None = None,
    by: Actor = None,
) -> list[Appended]:
    """Put a person or a stranger's number or address on the block list: no advertising until they ask for it."""
    return _refuse(
        tenant,
        person(tenant, contact=contact, phone=phone, bsuid=bsuid, email=email),
        [(str(channel), str(purpose))],
        State.SUPPRESSED,
        BLOCKED,
        dedupe=dedupe,
        source=source,
        authority=Authority.AGENT,
        occurred_at=timezone.now(),
        source_ref=source_ref,
        evidence=evidence,
        by=by,
    )


@transaction.atomic
def _refuse(
    tenant: Tenant, who: Person, pairs: Sequence[Pair], state: State, reason: str, *, by: Actor, **said: Any
) -> list[Appended]:
    done = write(tenant, who.subject_id, [(pair, state) for pair in pairs], by=by, **said)
    since = min(said["occurred_at"], timezone.now())
    written = [(pair, row) for pair, row in zip(pairs, done, strict=True) if row.seq]
    keep_out(tenant, who, [one for pair, row in written for one in _still_refused(pair, row)], reason, since)
    audit_written(tenant, by, f"consent.{state}", who.contact, pairs, done)
    return done


def _still_refused(pair: Pair, row: Appended) -> list[Pair]:
    """The pair itself, or what is left of it where the person has said yes again after this no."""
    reached = suppressing.reached(pair)
    refused = [one for one in reached if one in row.states and row.states[one].is_refused]
    return [pair] if len(refused) == len(reached) else refused


def _ended_with(purpose: str) -> tuple[str, ...]:
    return ENDS_WITH_MARKETING if purpose == Purpose.MARKETING else (str(purpose),)
