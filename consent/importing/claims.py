"""Keeps what imports claim over a person's no (consent-gdpr § 8): nothing opens again, but people may look at it."""

import datetime
from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from django.db import connection

from consent.importing.wordings import MARKETING
from consent.models import ImportClaim
from contacts.models import Import
from tenants.encryption import CannotDecrypt, decrypt, encrypt
from tenants.models import Tenant

# What a claim consists of, in the order in which it is shown.
SAID = ("at", "source", "wording", "proof")
SINCE = """
    SELECT s.subject_id, s.since FROM unnest(%s::uuid[]) AS wanted(subject_id)
    JOIN consent_consentstate s ON s.tenant_id = %s AND s.subject_id = wanted.subject_id
        AND s.channel = %s AND s.purpose = %s
"""


class Claimed(NamedTuple):
    """A line with complete proof of a yes that the person's no stands against."""

    line: int
    contact_id: int
    subject_id: UUID
    said: dict[str, Any]

    @property
    def at(self) -> datetime.datetime:
        return datetime.datetime.fromisoformat(self.said["at"])


def keep(imported: Import, tenant: Tenant, claimed: Sequence[Claimed]) -> None:
    """Store those that are newer than the no; in the caller's transaction, one read and one insert for all of them."""
    if not claimed:
        return
    with connection.cursor() as cursor:
        cursor.execute(SINCE, [[str(one.subject_id) for one in claimed], tenant.pk, *MARKETING])
        since = dict(cursor.fetchall())
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
            for one in claimed
            if one.subject_id not in since or one.at > since[one.subject_id]
        ],
        # A broken-off import that is run again from its beginning.
        ignore_conflicts=True,
    )


def told(claim: ImportClaim) -> dict[str, str]:
    """What the line says: source, wording and proof; empty where the key is gone."""
    try:
        said: dict[str, str] = orjson.loads(
            decrypt(claim.sealed, binding=_binding(claim.tenant_id, claim.imported_id, claim.line))
        )
    except CannotDecrypt:
        return {}
    return said


def _written(said: dict[str, Any]) -> str:
    return orjson.dumps({name: str(said[name]) for name in SAID}).decode()


def _binding(tenant_id: int, import_id: int, line: int) -> str:
    return f"ImportClaim:{tenant_id}:{import_id}:{line}"
