"""A yes and the request for one; a yes by the person opens again what an earlier no had closed."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from consent import ledger
from consent.actions.declarations.writing import MARKETING, audit_written, write
from consent.ledger import Appended, suppressing
from consent.ledger.folding import GRANTS, Pair
from consent.linting import ages
from consent.models import Authority, ConsentEvent, ConsentState, State, WordingVersion
from contacts.models import Contact
from tenants.actions import Actor
from tenants.models import Tenant


@transaction.atomic
def grant(
    *,
    tenant: Tenant,
    contact: Contact,
    dedupe: str,
    source: str,
    authority: int,
    pairs: Sequence[Pair] = (MARKETING,),
    occurred_at: datetime | None = None,
    wording: WordingVersion | None = None,
    wording_text: str = "",
    language: str = "",
    age_confirmed: bool | None = None,
    valid_until: datetime | None = None,
    doi_request_seq: int | None = None,
    incentive_id: str = "",
    source_ref: str = "",
    evidence: dict[str, Any] | None = None,
    by: Actor = None,
) -> list[Appended]:
    """Record a yes, one ledger row per (channel, purpose) pair (CG-04); returns what became of each pair.

    Said by the person on the channel (authority 3) it lifts withdrawal, objection and suppressions of exactly these
    pairs; what Meta stopped stays stopped until Meta's resume. Said by import, agent or API (0, 1) over a no, it
    writes nothing and the answer's `skipped` is "suppressed"; nor does it for a `wording` that was declared invalid
    meanwhile ("invalid_wording"). `wording` is the published version agreed to, or
    `wording_text` its text where there is none; `occurred_at` is when the person said it, UTC, now by default.
    `age_confirmed` is what the person said of being at least 16; None leaves it to what the text says (CG-07).
    """
    ledger.lock(tenant)
    if wording and _is_invalid(wording):
        return [Appended(None, None, None, "invalid_wording") for _pair in pairs]
    earlier, said_at = _granted(contact), occurred_at or timezone.now()
    done = write(
        tenant,
        contact.subject_id,
        [(pair, State.RENEWED if pair in earlier else State.GRANTED) for pair in pairs],
        dedupe=dedupe,
        authority=authority,
        source=source,
        source_ref=source_ref,
        occurred_at=said_at,
        by=by,
        language=language,
        age_confirmed=ages.confirmed(age_confirmed, wording.texts.values() if wording else [wording_text]),
        valid_until=valid_until,
        doi_request_seq=doi_request_seq,
        incentive_id=incentive_id,
        **_wording(wording, wording_text, evidence),
    )
    if authority == Authority.PERSON:
        open_ = [pair for pair, row in zip(pairs, done, strict=True) if _is_open(row)]
        # Nothing can have happened after it was recorded.
        _lift(tenant, contact, dict.fromkeys(open_, min(said_at, timezone.now())), dedupe, source)
    audit_written(tenant, by, "consent.granted", contact, pairs, done)
    return done


@transaction.atomic
def request(
    *,
    tenant: Tenant,
    contact: Contact,
    dedupe: str,
    source: str,
    authority: int = Authority.PERSON,
    pairs: Sequence[Pair] = (MARKETING,),
    occurred_at: datetime | None = None,
    wording: WordingVersion | None = None,
    wording_text: str = "",
    language: str = "",
    age_confirmed: bool | None = None,
    source_ref: str = "",
    evidence: dict[str, Any] | None = None,
    by: Actor = None,
) -> list[Appended]:
    """Record that somebody asked to sign up but has not confirmed yet; allows nothing (CG-11, § 5.5)."""
    done = write(
        tenant,
        contact.subject_id,
        [(pair, State.REQUESTED) for pair in pairs],
        dedupe=dedupe,
        authority=authority,
        source=source,
        source_ref=source_ref,
        occurred_at=occurred_at or timezone.now(),
        by=by,
        language=language,
        age_confirmed=age_confirmed,
        **_wording(wording, wording_text, evidence),
    )
    audit_written(tenant, by, "consent.requested", contact, pairs, done)
    return done


@transaction.atomic
def keep_open(*, tenant: Tenant, contact: Contact, dedupe: str, source: str) -> None:
    """Let the person's yeses outweigh older entries of the suppression list that became theirs after the yes.

    That happens where somebody turns out to have another address, or to be the same person as another contact: in
    which order they confirmed what must not decide what they agreed to. A no after the yes stays.
    """
    ledger.lock(tenant)
    states = ConsentState.objects.filter(tenant=tenant, subject_id=contact.subject_id, state__in=GRANTS)
    own = ConsentEvent.objects.filter(tenant=tenant, authority=Authority.PERSON, seq__in=states.values("seq"))
    said = {(row.channel, row.purpose): row.occurred_at for row in own}
    _lift(tenant, contact, said, dedupe, source)


def _is_open(row: Appended) -> bool:
    """Whether a yes was written and no later no was recorded before it arrived."""
    return bool(row.seq and row.after and not row.after.is_refused)


def _lift(tenant: Tenant, contact: Contact, said: Mapping[Pair, datetime], dedupe: str, source: str) -> None:
    """Open what the person's yeses open, each pair with when they said it."""
    opened = suppressing.outweighed(tenant, contact, said) if said else []
    if not opened:
        return
    lifts = write(
        tenant,
        contact.subject_id,
        [(pair, State.SUPPRESSION_LIFTED) for pair in opened],
        dedupe=f"{dedupe}:lifted",
        authority=Authority.PERSON,
        source=source,
        occurred_at=timezone.now(),
    )
    seqs = [row.seq for row in lifts if row.seq]
    suppressing.lift_by_person(tenant, contact, {pair: said[pair] for pair in opened}, max(seqs))


def _granted(contact: Contact) -> set[Pair]:
    known = ConsentState.objects.filter(tenant=contact.tenant_id, subject_id=contact.subject_id, state__in=GRANTS)
    return set(known.values_list("channel", "purpose"))


def _is_invalid(wording: WordingVersion) -> bool:
    """Asked under the lock under which wordings are declared invalid, so that no yes slips in behind it."""
    return WordingVersion.objects.filter(tenant=wording.tenant_id, pk=wording.pk).exclude(invalid_reason="").exists()


def _wording(version: WordingVersion | None, text: str, evidence: dict[str, Any] | None) -> dict[str, Any]:
    """What ties an entry to the words agreed to: a published version, or a text kept in the evidence."""
    if version is None:
        digest = hashlib.sha256(text.encode()).hexdigest() if text else ""
        return {"wording_sha256": digest, "evidence": {**(evidence or {}), **({"wording_text": text} if text else {})}}
    return {
        "wording_version_id": version.pk,
        "wording_sha256": version.sha256,
        "policy_url": version.policy_url,
        "policy_version": version.policy_version,
        "policy_sha256": version.policy_sha256,
        "evidence": evidence,
    }
