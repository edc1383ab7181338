"""Proof that a ledger was not altered: every row is hashed again, from its columns, along the chain to its head.

The signed anchors of each day catch a chain that was built anew as a whole.
"""

import hmac
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Max
from django.utils.translation import gettext_noop

from consent.ledger import anchoring, chain
from consent.ledger.anchoring import Signed
from consent.models import ConsentEvent, ConsentHead
from tenants.models import Tenant
from tenants.scope import tenant_scope

BATCH = 5000
FIELDS = [*chain.COLUMNS, "canonical", "prev_hash", "row_hash", "wording_version__sha256"]


@dataclass(frozen=True)
class Verdict:
    """How many rows hold; `broken_seq` names the first row that does not and `because` says what is wrong with it.

    `anchors` are the signed heads that the chain fits. A chain built anew breaks after the last anchor that it fits.
    """

    rows: int
    broken_seq: int | None = None
    because: str = ""
    anchors: int = 0


def verify(tenant: Tenant, elsewhere: Sequence[Signed] = ()) -> Verdict:
    """Walk a tenant's chain up to its present head, opening the tenant's scope for each page of rows.

    Finds edited columns and texts, removed, added and swapped rows, rows cut off at the end, and by its anchors a chain
    that was built anew. `elsewhere` are anchors that were mailed or kept in files: they also find anchors that were
    taken out of the database.
    """
    own = anchoring.stored(tenant)
    for problem in [*anchoring.faults(tenant, own), *anchoring.missing(tenant, own, elsewhere)]:
        return Verdict(0, 1, problem)
    return _walked(tenant, {anchor.said["seq"]: anchor for anchor in own})


def _walked(tenant: Tenant, signed: Mapping[int, Signed]) -> Verdict:
    last_seq, last_hash = _head(tenant)
    expected, previous = 1, chain.genesis(tenant)
    held, anchors = 0, 0
    for row in _rows(tenant, last_seq):
        if problem := fault(row, expected, previous):
            return Verdict(expected - 1, min(row["seq"], expected), problem)
        expected, previous = expected + 1, bytes(row["row_hash"])
        if anchor := signed.get(row["seq"]):
            if anchor.said["hash"] != previous.hex():
                return Verdict(held, held + 1, f"not what was signed on {anchor.said['day']} up to row {row['seq']}")
            held, anchors = row["seq"], anchors + 1
    if signed and max(signed) > last_seq:
        day = signed[max(signed)].said["day"]
        return Verdict(expected - 1, expected, f"missing: on {day} the chain had {max(signed)} rows")
    if expected - 1 != last_seq:
        return Verdict(expected - 1, expected, "missing at the end of the chain")
    if not hmac.compare_digest(previous, last_hash):
        return Verdict(expected - 1, last_seq, "not the row that the head of the chain names")
    return Verdict(last_seq, anchors=anchors)


def _head(tenant: Tenant) -> tuple[int, bytes]:
    with tenant_scope(tenant):
        head = ConsentHead.objects.filter(tenant=tenant).first()
        if head:
            return head.last_seq, bytes(head.last_hash)
        # Rows without a head are looked at, too: somebody removed it.
        stray = ConsentEvent.objects.filter(tenant=tenant).aggregate(last=Max("seq"))["last"]
        return stray or 0, chain.genesis(tenant)


def fault(row: Mapping[str, Any], expected: int, previous: bytes) -> str:
    """What is wrong with one row (of FIELDS) that should have this number and follow this hash; "" if nothing is."""
    if row["seq"] != expected:
        return gettext_noop("missing or out of order")
    if bytes(row["prev_hash"]) != previous:
        return gettext_noop("does not continue the row before it")
    if chain.canonical({name: row[name] for name in chain.COLUMNS}) != row["canonical"]:
        return gettext_noop("its columns differ from the text that was hashed")
    if chain.link(previous, row["canonical"]) != bytes(row["row_hash"]):
        return gettext_noop("its text does not have its hash")
    if row["wording_version__sha256"] not in (None, row["wording_sha256"]):
        return gettext_noop("its wording was changed")
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
