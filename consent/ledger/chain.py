"""The hash chain: the exact text of a row that is hashed, and each row's hash over the one before."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from tenants.models import Tenant

# The columns a row's canonical text consists of, with their PostgreSQL types. Not the primary key of the wording
# version, which is ours; its SHA-256 says what the wording was.
COLUMNS = {
    "seq": "bigint",
    "event_id": "uuid",
    "subject_id": "uuid",
    "channel": "text",
    "purpose": "text",
    "state": "text",
    "authority": "smallint",
    "legal_basis": "text",
    "wording_sha256": "text",
    "language": "text",
    "policy_url": "text",
    "policy_version": "text",
    "policy_sha256": "text",
    "incentive_id": "text",
    "age_confirmed": "boolean",
    "source": "text",
    "source_ref": "text",
    "phone_number_id": "text",
    "occurred_at": "timestamptz",
    "recorded_at": "timestamptz",
    "idempotency_key": "text",
    "actor_type": "text",
    "actor_id": "text",
    "supersedes_seq": "bigint",
    "doi_request_seq": "bigint",
    "valid_until": "timestamptz",
    "evidence_digest": "text",
}
# Columns that came later stand in the text only where they say something, so that older rows keep their hash.
LATER = ("policy_sha256",)
MOMENTS = ("occurred_at", "recorded_at", "valid_until")


def genesis(tenant: Tenant) -> bytes:
    """The hash before the first row of a tenant's chain."""
    return hashlib.sha256(f"consent:{tenant.uid}".encode()).digest()


def canonical(row: Mapping[str, Any]) -> str:
    """The text of a row that is hashed: JSON with sorted keys, no floats, times in UTC with microseconds."""
    plain = {name: value for name, value in row.items() if value or name not in LATER}
    for name in MOMENTS:
        moment: datetime | None = plain[name]
        plain[name] = moment and moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    return orjson.dumps(plain, option=orjson.OPT_SORT_KEYS).decode()


def link(prev_hash: bytes, text: str) -> bytes:
    """The hash of a row: SHA-256 over the previous row's hash and its own canonical text."""
    return hashlib.sha256(prev_hash + text.encode()).digest()
