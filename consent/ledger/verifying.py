"""Proof that a ledger was not altered: every row is hashed again, from its columns, along the chain to its head."""

import hmac
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Max

from consent.ledger import chain
from consent.models import ConsentEvent, ConsentHead
from tenants.models import Tenant
from tenants.scope import tenant_scope

BATCH = 5000
FIELDS = [*chain.COLUMNS, "canonical", "prev_hash", "row_hash", "wording_version__sha256"]


@dataclass(frozen=True)
class Verdict:
    """How many rows hold; `broken_seq` names the first row that does not and `because` says what is wrong with it."""

    rows: int
    broken_seq: int | None = None
    because: str = ""


def verify(tenant: Tenant) -> Verdict:
    """Walk a tenant's chain up to its present head, opening the tenant's scope for each page of rows.

    Finds edited columns and texts, removed, added and swapped rows, and rows cut off at the end.
    """
    last_seq, last_hash = _head(tenant)
    expected, previous = 1, chain.genesis(tenant)
    for row in _rows(tenant, last_seq):
        if fault := _fault(row, expected, previous):
            return Verdict(expected - 1, min(row["seq"], expected), fault)
        expected, previous = expected + 1, bytes(row["row_hash"])
    if expected - 1 != last_seq:
        return Verdict(expected - 1, expected, "missing at the end of the chain")
    if not hmac.compare_digest(previous, last_hash):
        return Verdict(expected - 1, last_seq, "not the row that the head of the chain names")
    return Verdict(last_seq)


def _head(tenant: Tenant) -> tuple[int, bytes]:
    with tenant_scope(tenant):
        head = ConsentHead.objects.filter(tenant=tenant).first()
        if head:
            return head.last_seq, bytes(head.last_hash)
        # Rows without a head are looked at, too: somebody removed it.
        stray = ConsentEvent.objects.filter(tenant=tenant).aggregate(last=Max("seq"))["last"]
        return stray or 0, chain.genesis(tenant)


def _fault(row: Mapping[str, Any], expected: int, previous: bytes) -> str:
    if row["seq"] != expected:
        return "missing or out of order"
    if bytes(row["prev_hash"]) != previous:
        return "does not continue the row before it"
    if chain.canonical({name: row[name] for name in chain.COLUMNS}) != row["canonical"]:
        return "its columns differ from the text that was hashed"
    if chain.link(previous, row["canonical"]) != bytes(row["row_hash"]):
        return "its text does not have its hash"
    if row["wording_version__sha256"] not in (None, row["wording_sha256"]):
        return "its wording was changed"
    return ""


def _rows(tenant: Tenant, last_seq: int) -> Iterator[dict[str, Any]]:
    """The rows in order, in keyset pages, so that memory stays flat and no transaction is long."""
    after = -(2**63)
    while page := _page(tenant, after, last_seq):
        yield from page
        after = page[-1]["seq"]


def _page(tenant: Tenant, after: int, last_seq: int) -> list[dict[str, Any]]:
    with tenant_scope(tenant):
        rows = ConsentEvent.objects.filter(tenant=tenant, seq__gt=after, seq__lte=last_seq)
        return list(rows.order_by("seq").values(*FIELDS)[:BATCH])
