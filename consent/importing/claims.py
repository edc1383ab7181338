"""Keeps what imports claim over a person's no (consent-gdpr § 8): nothing opens again, but people may look at it."""

import datetime
from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from django.db import connection

from consent import queries, rules
from consent.importing.wordings import MARKETING
from consent.ledger import suppressing
from consent.ledger.folding import HOLDS, NOES
from consent.ledger.subjects import stranger
from consent.ledger.suppressing import Digest
from consent.models import ConsentEvent, ImportClaim, State
from contacts.models import Contact, Import
from tenants.encryption import CannotDecrypt, decrypt, encrypt
from tenants.models import Tenant

# What a claim consists of, in the order in which it is shown.
SAID = ("at", "source", "wording", "proof")
# To whom nothing is offered, whatever they or a file say: who has objected (Art. 21 GDPR), and whose data are erased or
# only stored (Art. 17, 18 GDPR), for which the rules have one code.
LEFT_ALONE = {rules.OBJECTED, rules.RESTRICTED}
# The latest no that stands against each line: of its person, and of whoever its number and addresses name, also if we
# know that one by a no only. Lines against which only an erasure stands are missing: who had their data deleted is not
# to be won back by a file. On the suppression list an erasure looks like an entry by hand, which the ledger tells of.
# A yes is noted with the contact, not with the stranger they were before: a stranger's no stands while an entry does
# that is as old, or an erasure after the yes would pass for it.
LATEST_NOES = f"""
    WITH wanted AS (
        SELECT * FROM unnest(%(lines)s::int[], %(contacts)s::bigint[]) AS w(line, contact_id)),
    known AS (
        SELECT * FROM unnest(%(known)s::int[], %(subjects)s::uuid[], %(strangers)s::bytea[])
            AS k(line, subject_id, digest)),
    named AS (
        SELECT w.line, i.digest, i.valid_to FROM wanted w
        JOIN contacts_identity i ON i.tenant_id = %(tenant)s AND i.contact_id = w.contact_id
        UNION ALL
        SELECT n.line, n.digest, NULL FROM unnest(%(named)s::int[], %(digests)s::bytea[]) AS n(line, digest)),
    noes AS (
        SELECT k.line, s.since, s.state <> 'erased' AS is_own FROM known k
        JOIN consent_consentstate s ON s.tenant_id = %(tenant)s AND s.subject_id = k.subject_id
            AND s.channel = %(channel)s AND s.purpose = %(purpose)s AND s.state = ANY(%(states)s)
        WHERE k.digest IS NULL OR EXISTS (
            SELECT FROM consent_suppression e WHERE e.tenant_id = %(tenant)s AND e.digest = k.digest
            AND e.lifted_at IS NULL AND e.since <= s.since
            AND e.channel IN (%(channel)s, 'all') AND e.purpose IN (%(purpose)s, 'all'))
        UNION ALL
        SELECT i.line, coalesce(s.said_again_at, s.since), s.reason <> '{suppressing.BLOCKED}' FROM named i
        JOIN consent_suppression s ON s.tenant_id = %(tenant)s AND s.digest = i.digest AND {suppressing.IS_LIVE}
            AND s.channel IN (%(channel)s, 'all') AND s.purpose IN (%(purpose)s, 'all'))
    SELECT line, max(since) FROM noes GROUP BY line HAVING bool_or(is_own)
"""
NO_STATES = [*NOES, *HOLDS, State.META_STOPPED.value]


class Claimed(NamedTuple):
    """A line with complete proof of a yes that the person's no stands against."""

    line: int
    contact_id: int
    subject_id: UUID
    digests: Sequence[Digest]
    said: dict[str, Any]

    @property
    def at(self) -> datetime.datetime:
        return datetime.datetime.fromisoformat(self.said["at"])


def keep(imported: Import, tenant: Tenant, claimed: Sequence[Claimed]) -> None:
    """Store those that are newer than the no and that nobody has seen yet; in the caller's transaction, in a few steps.

    Who holds the ledger's lock, as the caller does, keeps no claim beside another import that keeps the same one.
    """
    if not claimed:
        return
    since = _latest_noes(tenant, claimed)
    newer = [one for one in claimed if one.line in since and one.at > since[one.line]]
    known = ImportClaim.objects.filter(tenant=tenant, contact__in={one.contact_id for one in newer})
    seen = set(known.values_list("contact", "claimed_at"))
    ImportClaim.objects.bulk_create(
        [
            ImportClaim(
                tenant=tenant,
                imported=imported,
                contact_id=one.contact_id,
                line=one.line,
                claimed_at=one.at,
                sealed=encrypt(_written(one.said), binding=_binding(tenant.pk, imported.pk, one.line)),
            )
            for one in newer
            # Of a file each person has one line only (contacts.importing.deduplicating).
            if (one.contact_id, one.at) not in seen
        ],
        # A broken-off import that is run again from its beginning.
        ignore_conflicts=True,
    )


def may_be_offered(contact: Contact) -> bool:
    """Whether a person may be shown the way back at all; screens and the action ask this."""
    channel, purpose = MARKETING
    # Asked first: a company that may send nothing at all gets its own reason.
    if contact.restricted_at:
        return False
    if queries.may_send(contact=contact, channel=channel, purpose=purpose).reason in LEFT_ALONE:
        return False
    live = [row for row in queries.suppressions(contact) if row.lifted_at is None]
    standing = [row for row in live if suppressing.covers([(row.channel, row.purpose)], channel, purpose)]
    if any(row.reason == suppressing.OBJECTED for row in standing):
        # Said by somebody who was no contact then, or outlived by a later no.
        return False
    blocked = [row.said_at for row in standing if row.reason == suppressing.BLOCKED]
    if not blocked:
        return True
    # Entered by hand, or else left by an erasure, which has no such row in the ledger and may have come after. Nor has
    # a second entry by hand: then rather nothing is offered.
    subjects = _subjects(contact.tenant, contact.subject_id, suppressing.names_of(contact))
    entered = ConsentEvent.objects.filter(tenant=contact.tenant_id, subject_id__in=subjects, state=State.SUPPRESSED)
    return entered.filter(occurred_at__gte=max(blocked)).exists()


def told(claim: ImportClaim) -> dict[str, str]:
    """What the line says: source, wording and proof; empty where the key is gone."""
    try:
        said: dict[str, str] = orjson.loads(
            decrypt(claim.sealed, binding=_binding(claim.tenant_id, claim.imported_id, claim.line))
        )
    except CannotDecrypt:
        return {}
    return said


def _latest_noes(tenant: Tenant, claimed: Sequence[Claimed]) -> dict[int, datetime.datetime]:
    named = [(one.line, digest) for one in claimed for digest in one.digests]
    own = [(one.line, one.subject_id, None) for one in claimed]
    strangers = [(one.line, stranger(tenant, [name]), name[1]) for one in claimed for name in one.digests]
    channel, purpose = MARKETING
    asked: dict[str, Any] = {
        "tenant": tenant.pk,
        "lines": [one.line for one in claimed],
        "contacts": [one.contact_id for one in claimed],
        "known": [line for line, _subject, _key in own + strangers],
        "subjects": [str(subject) for _line, subject, _key in own + strangers],
        "strangers": [key for _line, _subject, key in own + strangers],
        "named": [line for line, _digest in named],
        "digests": [key for _line, (_kind, key) in named],
        "channel": channel,
        "purpose": purpose,
        "states": NO_STATES,
    }
    with connection.cursor() as cursor:
        cursor.execute(LATEST_NOES, asked)
        return dict(cursor.fetchall())


def _subjects(tenant: Tenant, own: UUID, digests: Sequence[Digest]) -> list[UUID]:
    """Whom the ledger may know the person as: the contact, and a stranger by each of their names."""
    return [own, *(stranger(tenant, [named]) for named in digests)]


def _written(said: dict[str, Any]) -> str:
    return orjson.dumps({name: str(said[name]) for name in SAID}).decode()


def _binding(tenant_id: int, import_id: int, line: int) -> str:
    return f"ImportClaim:{tenant_id}:{import_id}:{line}"
