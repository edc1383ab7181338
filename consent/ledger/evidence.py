"""Evidence of ledger rows: encrypted, salted, deletable; the row keeps only its digest."""

import hashlib
import os
from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from django.db import connection

from consent.models import ConsentEvidence
from tenants.encryption import decrypt, encrypt
from tenants.models import Tenant

INSERT = """
    INSERT INTO consent_consentevidence (tenant_id, event_id, salt, sealed)
    SELECT %s, * FROM unnest(%s::uuid[], %s::bytea[], %s::text[])
"""


class Sealed(NamedTuple):
    """Evidence ready to be stored; `digest` = SHA-256(salt ‖ JSON) goes into the ledger row."""

    event_id: UUID
    salt: bytes
    text: str
    digest: str


def seal(tenant: Tenant, event_id: UUID, evidence: dict[str, Any]) -> Sealed:
    """Encrypt what proves a row, bound to this tenant and row."""
    salt, plain = os.urandom(16), orjson.dumps(evidence, option=orjson.OPT_SORT_KEYS)
    digest = hashlib.sha256(salt + plain).hexdigest()
    return Sealed(event_id, salt, encrypt(plain.decode(), binding=_binding(tenant.pk, event_id)), digest)


def unseal(row: ConsentEvidence) -> dict[str, Any]:
    """What proves a ledger row: for the legal role and the receipt. Raises CannotDecrypt."""
    return proven(row)[0]


def proven(row: ConsentEvidence) -> tuple[dict[str, Any], str]:
    """What proves a ledger row, and the digest that the row must name if nothing of it was changed.

    Raises CannotDecrypt.
    """
    text = decrypt(row.sealed, binding=_binding(row.tenant_id, row.event_id)).encode()
    plain: dict[str, Any] = orjson.loads(text)
    return plain, hashlib.sha256(bytes(row.salt) + text).hexdigest()


def store(tenant: Tenant, rows: Sequence[Sealed]) -> None:
    """Insert sealed evidence in one statement."""
    if not rows:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            INSERT, [tenant.pk, [str(r.event_id) for r in rows], [r.salt for r in rows], [r.text for r in rows]]
        )


def _binding(tenant_id: int, event_id: UUID) -> str:
    return f"ConsentEvidence:{tenant_id}:{event_id}"
