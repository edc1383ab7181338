"""What people decide in WhatsApp's own settings: stop and resume marketing per sending number, and error 131050."""

from datetime import datetime
from typing import Any

from django.db import transaction

from consent import ledger
from consent.actions.declarations.writing import MARKETING, keep_out, write
from consent.ledger import Appended, suppressing
from consent.ledger.subjects import Person, person
from consent.ledger.suppressing import META_STOP
from consent.models import Authority, ConsentState, Source, State
from contacts.models import Contact
from tenants.models import Tenant


@transaction.atomic
def meta_stopped(
    *,
    tenant: Tenant,
    phone_number_id: str,
    occurred_at: datetime,
    dedupe: str,
    contact: Contact | None = None,
    phone: str | None = None,
    bsuid: str | None = None,
    source: str = Source.META_WEBHOOK,
    source_ref: str = "",
    evidence: dict[str, Any] | None = None,
) -> list[Appended]:
    """Record that a person stopped our marketing in WhatsApp; blocks it tenant-wide while any number is stopped.

    `source` "meta_error" (131050) adds nothing when the stop of this number is known already. A stop older than a
    resume that arrived before it is recorded but closes nothing.
    """
    ledger.lock(tenant)
    who = person(tenant, contact=contact, phone=phone, bsuid=bsuid, at=occurred_at)
    if source == Source.META_ERROR and _is_stopped(tenant, who, phone_number_id):
        return []
    done = write(
        tenant,
        who.subject_id,
        [(MARKETING, State.META_STOPPED)],
        dedupe=dedupe,
        authority=Authority.META,
        source=source,
        source_ref=source_ref,
        phone_number_id=phone_number_id,
        occurred_at=occurred_at,
        evidence=evidence,
    )
    if done[0].seq and _holds(done[0], phone_number_id):
        keep_out(tenant, who, [MARKETING], META_STOP, occurred_at, phone_number_id)
    return done


@transaction.atomic
def meta_resumed(
    *,
    tenant: Tenant,
    phone_number_id: str,
    occurred_at: datetime,
    dedupe: str,
    contact: Contact | None = None,
    phone: str | None = None,
    bsuid: str | None = None,
    source: str = Source.META_WEBHOOK,
    source_ref: str = "",
    evidence: dict[str, Any] | None = None,
) -> list[Appended]:
    """Record that a person resumed our marketing in WhatsApp: lifts the stop of this number and nothing else (§ 5.3).

    Marketing opens again only when no number is stopped and an earlier yes lies beneath; a STOPP by text stays.
    """
    ledger.lock(tenant)
    who = person(tenant, contact=contact, phone=phone, bsuid=bsuid, at=occurred_at)
    done = write(
        tenant,
        who.subject_id,
        [(MARKETING, State.META_RESUMED)],
        dedupe=dedupe,
        authority=Authority.META,
        source=source,
        source_ref=source_ref,
        phone_number_id=phone_number_id,
        occurred_at=occurred_at,
        evidence=evidence,
    )
    if (seq := done[0].seq) and not _holds(done[0], phone_number_id):
        suppressing.lift_by_meta(tenant, who.contact, who.told, phone_number_id, occurred_at, seq)
    return done


def _holds(row: Appended, phone_number_id: str) -> bool:
    return row.after is not None and phone_number_id in row.after.stopped_numbers


def _is_stopped(tenant: Tenant, who: Person, phone_number_id: str) -> bool:
    channel, purpose = MARKETING
    known = ConsentState.objects.filter(tenant=tenant, subject_id=who.subject_id, channel=channel, purpose=purpose)
    return known.filter(stopped_numbers__contains=[phone_number_id]).exists()
