"""Keyed hashes of what names a contact, so that a suppression is recognised without storing the value."""

import base64
import hmac
import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import lru_cache

from django.db import connection
from django.db.models import Value
from django.db.models.functions import Least, Now

from contacts import phones
from contacts.models import Contact, Identity
from tenants.encryption import decrypt
from tenants.models import Tenant

# How many tenants' peppers a process keeps decrypted.
PEPPERS = 256


def digest(tenant: Tenant, kind: str, value: str) -> bytes:
    """HMAC-SHA256 of one identity with the tenant's pepper: 32 bytes, equal for every spelling of the same value.

    `kind` is one of Identity.Kind. Keyed, because plain hashes of phone numbers can be reversed by trying them all
    (consent-gdpr § 4); the key differs per tenant, so that digests cannot be compared across tenants.
    """
    message = f"{kind}:{normalised(kind, value)}".encode()
    return hmac.digest(key(tenant), message, "sha256")


def key(tenant: Tenant) -> bytes:
    """The company's key for digests, for the company itself when it moves elsewhere with its suppression list."""
    return _pepper(tenant.pk, tenant.pepper_encrypted)


def normalised(kind: str, value: str) -> str:
    """The one spelling of an identity that is hashed: E.164, lower-case e-mail, the BSUID as Meta writes it."""
    if kind == Identity.Kind.PHONE:
        return value if phones.E164.fullmatch(value) else phones.normalise(value) or value.strip()
    return value.strip().lower() if kind == Identity.Kind.EMAIL else value.strip()


def digests_of(contact: Contact) -> list[tuple[str, bytes]]:
    """(kind, digest) of everything that names this contact now; a number that was given away names somebody else."""
    phone = None if contact.phone_invalid_at else contact.phone
    named = [(Identity.Kind.PHONE, phone), (Identity.Kind.BSUID, contact.bsuid)]
    named.append((Identity.Kind.EMAIL, contact.email))
    return [(str(kind), digest(contact.tenant, kind, value)) for kind, value in named if value]


def digests_of_name(tenant: Tenant, name: str) -> list[tuple[str, bytes]]:
    """("name", digest) of each word of a name, by any of which it is found again; nobody is identified by it."""
    words = re.findall(r"\w+", name.casefold()) or [name]
    return [("name", digest(tenant, "name", word)) for word in dict.fromkeys(words)]


def record(tenant: Tenant, contacts: Sequence[Contact], *, at: datetime | None = None) -> None:
    """Store the identities of these contacts; identities they no longer have are kept, with their end `at` a time.

    An ended identity still finds the suppressions of its time: an opt-out belongs to the person, also after a number
    change. Later ones are the business of whoever has the number now. So the end is when it was lost (UTC, now by
    default), not when we were told.
    """
    current = [(contact.pk, kind, key) for contact in contacts for kind, key in digests_of(contact)]
    _end_others(tenant, [contact.pk for contact in contacts], current, at)
    _store(tenant, current)


def share(tenant: Tenant, contacts: Sequence[Contact], *, to: Sequence[Contact] | None = None) -> None:
    """Give each of these contacts the identities of all, because they turned out to be the same person.

    Whatever is on the suppression list for one of these names blocks every one of them (consent-gdpr § 8: restrictions
    of either side apply), and so does what is said under them as long as they have them.
    What one of them had before comes with its end: it may be somebody else's by now. With `to` only those are given
    the others'.
    """
    ids, takers = ([contact.pk for contact in some] for some in (contacts, contacts if to is None else to))
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO contacts_identity (tenant_id, contact_id, kind, digest, valid_to)"
            " SELECT DISTINCT ON (other.id, i.kind, i.digest) i.tenant_id, other.id, i.kind, i.digest, i.valid_to"
            " FROM contacts_identity i CROSS JOIN unnest(%s::bigint[]) AS other(id)"
            " WHERE i.tenant_id = %s AND i.contact_id = ANY(%s) AND i.contact_id <> other.id"
            # Whatever one of them still has comes first.
            " ORDER BY other.id, i.kind, i.digest, i.valid_to DESC NULLS FIRST"
            " ON CONFLICT (tenant_id, contact_id, kind, digest) DO NOTHING",
            [takers, tenant.pk, ids],
        )


def end(tenant: Tenant, kind: str, value: str, *, at: datetime | None = None) -> int:
    """Mark that nobody who was known by this is any more, `at` as in `record`; says how many were.

    Who has it now is recorded after that.
    """
    live = Identity.objects.filter(tenant=tenant, kind=kind, digest=digest(tenant, kind, value), valid_to=None)
    return live.update(valid_to=Least(Now(), Value(at)) if at else Now())


def ended_by(tenant: Tenant, kind: str, value: str, at: datetime) -> None:
    """Correct the end of what nobody who had it then has any more: it was somebody else's at that time already."""
    ended = Identity.objects.filter(tenant=tenant, kind=kind, digest=digest(tenant, kind, value), valid_to__gte=at)
    ended.update(valid_to=at - timedelta(microseconds=1))


def was_known_by(contact: Contact, kind: str, value: str) -> bool:
    """Whether this names the contact or did before."""
    own = Identity.objects.filter(tenant=contact.tenant_id, contact=contact, kind=kind)
    return own.filter(digest=digest(contact.tenant, kind, value)).exists()


def bsuids_of_person(contact: Contact) -> set[bytes]:
    """Hashes of the user ids by which a contact is known now, or another that has or had one of them, too.

    Nobody else ever has somebody's user id, so whoever shares one is the same person.
    """
    ids = Identity.objects.filter(tenant=contact.tenant_id, kind=Identity.Kind.BSUID)
    sharing = ids.filter(digest__in=ids.filter(contact=contact).values("digest")).values("contact")
    return {bytes(key) for key in ids.filter(contact__in=sharing, valid_to=None).values_list("digest", flat=True)}


def prove(contact: Contact, kind: str, value: str, at: datetime) -> None:
    """Note that the person has proven one of their identities; it counts until they have it no more."""
    own = Identity.objects.filter(tenant=contact.tenant_id, contact=contact, kind=kind)
    own.filter(digest=digest(contact.tenant, kind, value)).update(proven_at=at)


def last_to_prove(tenant: Tenant, kind: str, value: str) -> Contact | None:
    """Whoever has this identity and was the last to prove it; None when nobody who has it ever did."""
    proven = Identity.objects.filter(tenant=tenant, kind=kind, digest=digest(tenant, kind, value), valid_to=None)
    last = proven.filter(proven_at__isnull=False).select_related("contact").order_by("-proven_at", "-pk").first()
    return last.contact if last else None


def _end_others(
    tenant: Tenant, contact_ids: list[int], current: Iterable[tuple[int, str, bytes]], at: datetime | None
) -> None:
    """Mark what these contacts were known by before and are not any more."""
    ids, kinds, keys = _columns(current)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE contacts_identity i SET valid_to = least(now(), %s::timestamptz)"
            " WHERE i.tenant_id = %s AND i.contact_id = ANY(%s) AND i.valid_to IS NULL AND NOT EXISTS ("
            " SELECT 1 FROM unnest(%s::bigint[], %s::text[], %s::bytea[]) AS now_has(contact_id, kind, digest)"
            " WHERE now_has.contact_id = i.contact_id AND now_has.kind = i.kind AND now_has.digest = i.digest)",
            [at, tenant.pk, contact_ids, ids, kinds, keys],
        )


def _store(tenant: Tenant, current: Iterable[tuple[int, str, bytes]]) -> None:
    """What comes back was typed by somebody: that it was proven once says nothing of whose it is now."""
    ids, kinds, keys = _columns(current)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO contacts_identity (tenant_id, contact_id, kind, digest)"
            " SELECT %s, contact_id, kind, digest"
            " FROM unnest(%s::bigint[], %s::text[], %s::bytea[]) AS given(contact_id, kind, digest)"
            " ORDER BY contact_id, kind, digest"
            " ON CONFLICT (tenant_id, contact_id, kind, digest) DO UPDATE SET valid_to = NULL, proven_at = NULL"
            " WHERE contacts_identity.valid_to IS NOT NULL",
            [tenant.pk, ids, kinds, keys],
        )


def _columns(rows: Iterable[tuple[int, str, bytes]]) -> tuple[list[int], list[str], list[bytes]]:
    rows = list(rows)
    return [row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows]


@lru_cache(maxsize=PEPPERS)
def _pepper(tenant_id: int, encrypted: str) -> bytes:
    """The tenant's key, decrypted once per process."""
    return base64.b64decode(decrypt(encrypted, binding=f"Tenant.pepper:{tenant_id}"))
