"""Records what a sign-up page asked for, and what the person said yes to on one of the channels (CG-11)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from consent import signups
from consent.actions import declarations
from consent.ledger import Appended
from consent.ledger.folding import Pair
from consent.models import Authority, ConsentEvent, SignupRequest, Source, WordingVersion
from contacts.models import Contact
from tenants.models import Tenant


def grant(
    found: SignupRequest,
    version: WordingVersion,
    contact: Contact,
    pairs: Sequence[Pair],
    *,
    at: datetime,
    asked: dict[str, Any],
    said: dict[str, Any],
) -> list[Appended]:
    """Record the request for everything that a version covers, and the yes to `pairs` of it, each with its proof.

    Returns what became of the yes.

    The request is recorded once, for whoever confirms first; a yes on the other channel points to the same rows.
    """
    common: dict[str, Any] = {
        "tenant": contact.tenant,
        "contact": contact,
        "source": Source.QR if found.place else Source.SIGNUP_PAGE,
        "source_ref": signups.ref(found.form, found.place),
        "wording": version,
        "language": found.language,
        "age_confirmed": True,
    }
    key, wanted = f"signup:{found.token_digest}:{version.pk}", signups.pairs_of(version)
    rows = declarations.request(dedupe=key, occurred_at=found.requested_at, pairs=wanted, evidence=asked, **common)
    if pairs and _is_of_another(contact, rows):
        # The mail was confirmed by one contact and the number by another: each has a request and a proof of their own.
        wanted = list(pairs)
        own = f"{key}:{contact.subject_id}"
        rows = declarations.request(dedupe=own, occurred_at=found.requested_at, pairs=wanted, evidence=asked, **common)
    if not pairs:
        return []
    return declarations.grant(
        dedupe=f"{key}:confirmed",
        occurred_at=at,
        authority=Authority.PERSON,
        pairs=pairs,
        doi_request_seq=_seq(contact.tenant, rows[wanted.index(pairs[0])]),
        incentive_id=f"form {found.form.slug}" if "benefit" in asked else "",
        evidence=said,
        **common,
    )


def _is_of_another(contact: Contact, rows: Sequence[Appended]) -> bool:
    known = [row.event_id for row in rows if row.seq is None and row.event_id]
    own = ConsentEvent.objects.filter(tenant=contact.tenant_id, subject_id=contact.subject_id, event_id__in=known)
    return bool(known) and not own.exists()


def _seq(tenant: Tenant, row: Appended) -> int:
    """The number of a row that was written now or before."""
    # What the person asks for is never refused.
    assert row.event_id
    return row.seq or ConsentEvent.objects.get(tenant=tenant, event_id=row.event_id).seq
