"""Whom a declaration is about: a contact, or somebody known by number or BSUID only."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection
from django.utils import timezone

from consent.ledger.suppressing import Digest, names_of
from consent.models import ConsentEvent, State
from contacts.identities import digest, digests_of
from contacts.models import Contact, Identity
from contacts.queries import is_next_owner
from tenants.models import Tenant

# As `same_person` and `_names`, for many at once. Each step asks two indexes, which an OR would not.
STORED = """
WITH RECURSIVE same AS (
    SELECT subject_id AS wanted, subject_id FROM unnest(%(subjects)s::uuid[]) AS given(subject_id)
    UNION
    SELECT same.wanted, other.subject_id FROM same CROSS JOIN LATERAL (
        SELECT e.source_ref::uuid AS subject_id FROM consent_consentevent e
        WHERE e.tenant_id = %(tenant)s AND e.subject_id = same.subject_id AND e.state = 'merged'
        UNION ALL
        SELECT e.subject_id FROM consent_consentevent e
        WHERE e.tenant_id = %(tenant)s AND e.source_ref = same.subject_id::text AND e.state = 'merged'
    ) other
)
SELECT DISTINCT same.wanted, i.kind, i.digest FROM same
JOIN contacts_contact c ON c.tenant_id = %(tenant)s AND c.subject_id = same.subject_id
JOIN contacts_identity i ON i.tenant_id = c.tenant_id AND i.contact_id = c.id
WHERE same.subject_id = same.wanted OR i.valid_to IS NULL AND i.kind <> 'email'
"""


@dataclass(frozen=True)
class Person:
    """One person of the ledger with every keyed hash that names them; `contact` is None for strangers.

    `told` are the hashes of what the declaration itself named them by.
    """

    subject_id: UUID
    digests: list[Digest]
    contact: Contact | None
    told: Sequence[Digest] = ()


def person(
    tenant: Tenant,
    *,
    contact: Contact | None = None,
    phone: str | None = None,
    bsuid: str | None = None,
    email: str | None = None,
    at: datetime | None = None,
) -> Person:
    """The person a declaration is about; makes no contact for somebody who only said no.

    `at` is when it was said, UTC, now by default: what they had lost by then and another contact has names that one,
    unless the declaration came with it.
    `phone` (E.164 or as Meta writes it) and `bsuid` are what the message or signal came with; they may name more than
    the contact knows. An `email` that several contacts share names none of them alone. A stranger's subject is derived
    from the keyed hash, so that their stop and resume add up.
    Raises ValueError when nobody is named.
    """
    named = [(kind, value) for kind, value in (("phone", phone), ("bsuid", bsuid), ("email", email)) if value]
    digests = [(kind, digest(tenant, kind, value)) for kind, value in named]
    contact = contact or _known(tenant, phone, bsuid, email)
    if contact:
        return Person(contact.subject_id, sorted({*digests, *_names(contact, at or timezone.now())}), contact, digests)
    if not digests:
        raise ValueError("a declaration needs a contact, a phone, a BSUID or an e-mail address")
    return Person(stranger(tenant, digests), digests, None, digests)


def stranger(tenant: Tenant, digests: Sequence[Digest]) -> UUID:
    """The subject of somebody who is no contact, derived from the first thing that names them."""
    return UUID(bytes=digest(tenant, "subject", digests[0][1].hex())[:16], version=4)


def _known(tenant: Tenant, phone: str | None, bsuid: str | None, email: str | None) -> Contact | None:
    contacts = Contact.objects.filter(tenant=tenant)
    by_bsuid = contacts.filter(bsuid=bsuid).first() if bsuid else None
    found = by_bsuid or (contacts.filter(phone="+" + phone.lstrip("+")).first() if phone else None)
    if found and is_next_owner(found, bsuid):
        found = None
    if found or not email:
        return found
    # Families share an address.
    sharing = list(contacts.filter(email=email)[:2])
    return sharing[0] if len(sharing) == 1 else None


def _names(contact: Contact, at: datetime) -> set[Digest]:
    """What a contact is or was known by, and numbers and user ids of those who are the same person now.

    Not their addresses: families share them.
    """
    people = same_person(contact)
    lost = contact.identities.filter(valid_to__lt=at)
    theirs = Identity.objects.filter(tenant=contact.tenant_id, digest__in=lost.values("digest"), valid_to=None)
    others = theirs.exclude(contact__in=people).values_list("kind", "digest")
    also = {named for one in people[1:] for named in digests_of(one) if named[0] != Identity.Kind.EMAIL}
    return {*names_of(contact), *also} - {(kind, bytes(key)) for kind, key in others}


def same_person(contact: Contact) -> list[Contact]:
    """A contact and those that the ledger knows to be the same person, itself first."""
    subjects = [contact.subject_id]
    # Also through those that are deleted.
    for one in subjects:
        subjects += [other for other in _merged_with(contact.tenant_id, one) if other not in subjects]
    others = Contact.objects.select_related("tenant").filter(tenant=contact.tenant_id, subject_id__in=subjects[1:])
    return [contact, *others.order_by("pk")]


def _merged_with(tenant_id: int, subject_id: UUID) -> list[UUID]:
    merges = ConsentEvent.objects.filter(tenant=tenant_id, state=State.MERGED)
    gone = merges.filter(subject_id=subject_id).order_by("seq").values_list("source_ref", flat=True)
    kept = merges.filter(source_ref=str(subject_id)).order_by("seq").values_list("subject_id", flat=True)
    return [*map(UUID, gone), *kept]


def stored_names(tenant: Tenant, subjects: Iterable[UUID]) -> Iterator[tuple[UUID, Digest]]:
    """(subject, name) of what these contacts are or were known by, and what reaches the same people otherwise."""
    with connection.cursor() as cursor:
        cursor.execute(STORED, {"subjects": [str(subject) for subject in subjects], "tenant": tenant.pk})
        for subject, kind, digest in cursor.fetchall():
            yield subject, (kind, bytes(digest))
