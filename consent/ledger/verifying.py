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
from consent.ledger.anchoring import Problem, Signed
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
    because: Problem | None = None
    anchors: int = 0


@dataclass(frozen=True)
class Place:
    """Where a walk along a chain has come to: the last row that holds and its hash, and what it fitted so far."""

    seq: int = 0
    hash: str = ""
    held: int = 0
    anchors: int = 0


def verify(tenant: Tenant, elsewhere: Sequence[Signed] = ()) -> Verdict:
    """Walk a tenant's chain up to its present head, opening the tenant's scope for each page of rows.

    Finds edited columns and texts, removed, added and swapped rows, rows cut off at the end, and by its anchors a chain
    that was built anew. `elsewhere` are anchors that were mailed or kept in files: they also find anchors that were
    taken out of the database.
    """
    found = walk(tenant, Place(), elsewhere)
    assert isinstance(found, Verdict)
    return found


def walk(
    tenant: Tenant, place: Place, elsewhere: Sequence[Signed] = (), *, pages: int | None = None
) -> Verdict | Place:
    """The same from a place on, for so many pages of rows; a place to go on from where more rows are left."""
    own = anchoring.stored(tenant)
    for problem in [*anchoring.faults(tenant, own), *anchoring.missing(tenant, own, elsewhere)]:
        return Verdict(0, 1, problem)
    return _walked(tenant, {anchor.said["seq"]: anchor for anchor in own}, place, pages)


def _walked(tenant: Tenant, signed: Mapping[int, Signed], place: Place, pages: int | None) -> Verdict | Place:
    last_seq, last_hash = _head(tenant)
    expected, previous = place.seq + 1, bytes.fromhex(place.hash) if place.seq else chain.genesis(tenant)
    held, anchors = place.held, place.anchors
    for row in _rows(tenant, place.seq, last_seq, pages):
        if problem := fault(row, expected, previous):
            return Verdict(expected - 1, min(row["seq"], expected), Problem(problem))
        expected, previous = expected + 1, bytes(row["row_hash"])
        if anchor := signed.get(row["seq"]):
            if anchor.said["hash"] != previous.hex():
                problem = gettext_noop("not what was signed on %(day)s up to row %(seq)s")
                return Verdict(held, held + 1, Problem(problem, anchor.said["day"], row["seq"]))
            held, anchors = row["seq"], anchors + 1
    if pages is not None and expected - 1 == place.seq + pages * BATCH and expected - 1 < last_seq:
        return Place(expected - 1, previous.hex(), held, anchors)
    return _ended(signed, expected - 1, previous, last_seq, last_hash) or Verdict(last_seq, anchors=anchors)


def _ended(
    signed: Mapping[int, Signed], walked: int, previous: bytes, last_seq: int, last_hash: bytes
) -> Verdict | None:
    """What is wrong with the end of a chain of which so many rows hold."""
    if signed and max(signed) > last_seq:
        day = signed[max(signed)].said["day"]
        missing = gettext_noop("missing: on %(day)s the chain had %(seq)s rows")
        return Verdict(walked, walked + 1, Problem(missing, day, max(signed)))
    if walked != last_seq:
        return Verdict(walked, walked + 1, Problem(gettext_noop("missing at the end of the chain")))
    if not hmac.compare_digest(previous, last_hash):
        return Verdict(walked, last_seq, Problem(gettext_noop("not the row that the head of the chain names")))
    return None


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


def _rows(tenant: Tenant, walked: int, last_seq: int, pages: int | None) -> Iterator[dict[str, Any]]:
    """The rows in order, in keyset pages, so that memory stays flat and no transaction is long."""
    # From the beginning also rows with numbers that no row can have.
    after, count = walked or -(2**63), 0
    while (pages is None or count < pages) and (page := _page(tenant, after, last_seq)):
        yield from page
        after, count = page[-1]["seq"], count + 1


def _page(tenant: Tenant, after: int, last_seq: int) -> list[dict[str, Any]]:
    with tenant_scope(tenant):
        rows = ConsentEvent.objects.filter(tenant=tenant, seq__gt=after, seq__lte=last_seq)
        return list(rows.order_by("seq").values(*FIELDS)[:BATCH])
