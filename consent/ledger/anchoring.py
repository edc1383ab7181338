"""Signs what a ledger ends with, once a day: a chain alone does not stop who can rewrite it all (consent-gdpr § 4)."""

import hashlib
import logging
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

import orjson
from django.utils import timezone
from django.utils.translation import gettext_noop

from consent.models import ConsentHead, LedgerAnchor, LedgerDeposit
from tenants import encryption
from tenants.models import Tenant
from tenants.scope import tenant_scope

log = logging.getLogger(__name__)
USE = "ledger-anchor"
TENANTS_AT_A_TIME = 500
FIRST = ""


class Problem(NamedTuple):
    """What is wrong with a ledger: a text to translate, with the day and the row that it names."""

    text: str
    day: str = ""
    seq: int = 0

    def __str__(self) -> str:
        return self.text % {"day": self.day, "seq": self.seq}


@dataclass(frozen=True)
class Signed:
    """An anchor as it is stored, mailed and kept elsewhere."""

    text: str
    key_id: str
    signature: bytes

    @property
    def said(self) -> dict[str, Any]:
        """{"tenant": uid, "number": n, "day": iso, "seq": n, "hash": hex, "previous": hex}."""
        found: dict[str, Any] = orjson.loads(self.text)
        return found

    def as_line(self) -> str:
        """One line of JSON, as files and mails carry it."""
        kept = {"text": self.text, "key_id": self.key_id, "signature": self.signature.hex()}
        return orjson.dumps(kept | {"public_key": encryption.public_key(USE, self.key_id).hex()}).decode()

    @classmethod
    def from_line(cls, line: str) -> "Signed":
        """What `as_line` wrote; raises ValueError for anything else."""
        try:
            kept: Mapping[str, str] = orjson.loads(line)
            signed = cls(kept["text"], kept["key_id"], bytes.fromhex(kept["signature"]))
            said = signed.said
            date.fromisoformat(said["day"])
            if not (
                isinstance(said["number"], int) and isinstance(said["seq"], int) and isinstance(said["tenant"], str)
            ):
                raise ValueError("not an anchor: number, seq or tenant")
            return signed
        except (KeyError, TypeError) as error:
            raise ValueError(f"not an anchor: {error}") from None


def anchor_all() -> None:
    """Sign the head of every ledger that has grown since yesterday; one that cannot be signed keeps no other back."""
    after = 0
    while page := list(Tenant.objects.filter(pk__gt=after).order_by("pk")[:TENANTS_AT_A_TIME]):
        for tenant in page:
            try:
                anchor(tenant)
            except Exception:
                log.exception("the head of tenant %s cannot be signed", tenant.pk)
        after = page[-1].pk


def anchor(tenant: Tenant) -> Signed | None:
    """Sign the present end of the chain; None when today's anchor is there or nothing was added since the last.

    The day is that of UTC. A second caller at the same moment waits at the head's lock and finds it done.
    """
    today = timezone.now().date()
    with tenant_scope(tenant):
        head = ConsentHead.objects.select_for_update().filter(tenant=tenant).first()
        last = LedgerAnchor.objects.filter(tenant=tenant).order_by("-number").first()
        if head is None or not head.last_seq or (last and (last.day >= today or last.seq == head.last_seq)):
            return None
        signed = _signed(tenant, last, head, today)
        said = signed.said
        LedgerAnchor.objects.create(
            tenant=tenant,
            number=said["number"],
            day=today,
            seq=head.last_seq,
            text=signed.text,
            key_id=signed.key_id,
            signature=signed.signature,
        )
        # The work that takes it out of the database (consent.ledger.depositing).
        deposit = LedgerDeposit(tenant=tenant, signed=said["number"])
        LedgerDeposit.objects.bulk_create(
            [deposit], update_conflicts=True, unique_fields=["tenant"], update_fields=["signed"]
        )
    return signed


def _signed(tenant: Tenant, last: LedgerAnchor | None, head: ConsentHead, today: date) -> Signed:
    said = {
        "tenant": str(tenant.uid),
        "number": last.number + 1 if last else 1,
        "day": today.isoformat(),
        "seq": head.last_seq,
        "hash": bytes(head.last_hash).hex(),
        "previous": hashed(last.text) if last else FIRST,
    }
    text = orjson.dumps(said, option=orjson.OPT_SORT_KEYS)
    key_id, signature = encryption.sign(USE, text)
    return Signed(text.decode(), key_id, signature)


def stored(tenant: Tenant) -> list[Signed]:
    """A tenant's anchors in order, one a day at most."""
    with tenant_scope(tenant):
        rows = LedgerAnchor.objects.filter(tenant=tenant).order_by("number")
        return [_read(row) for row in rows]


def latest(tenant: Tenant) -> Signed | None:
    """A tenant's newest anchor, in an open scope."""
    row = LedgerAnchor.objects.filter(tenant=tenant).order_by("-number").first()
    return _read(row) if row else None


def _read(row: LedgerAnchor) -> Signed:
    return Signed(row.text, row.key_id, bytes(row.signature))


def nearest(anchors: Sequence[Signed], seq: int) -> tuple[Signed | None, Signed | None]:
    """The last anchor that ends before a row, and the first one that stands over it; `anchors` in their order."""
    at = bisect_left(anchors, seq, key=lambda signed: int(signed.said["seq"]))
    return (anchors[at - 1] if at else None), (anchors[at] if at < len(anchors) else None)


def faults(tenant: Tenant, anchors: Iterable[Signed]) -> Iterator[Problem]:
    """What is wrong with these anchors by themselves: forged, of another company, or with gaps between them."""
    number, previous = 0, FIRST
    for signed in anchors:
        said = signed.said
        if not is_ours(signed):
            yield Problem(gettext_noop("the anchor of %(day)s is not signed by us"), said["day"])
        elif said["tenant"] != str(tenant.uid):
            yield Problem(gettext_noop("the anchor of %(day)s belongs to another company"), said["day"])
        elif (said["number"], said["previous"]) != (number + 1, previous):
            yield Problem(gettext_noop("before the anchor of %(day)s others are missing"), said["day"])
        number, previous = said["number"], hashed(signed.text)


def missing(tenant: Tenant, own: Iterable[Signed], elsewhere: Iterable[Signed]) -> Iterator[Problem]:
    """Anchors kept elsewhere that are forged, or that the database does not know any more."""
    known = {signed.text for signed in own}
    for signed in elsewhere:
        day = signed.said["day"]
        if not is_ours(signed):
            yield Problem(gettext_noop("the anchor of %(day)s that was kept elsewhere is not signed by us"), day)
        elif signed.said["tenant"] == str(tenant.uid) and signed.text not in known:
            text = gettext_noop("the anchor of %(day)s that was kept elsewhere is missing in the database")
            yield Problem(text, day)


def is_ours(signed: Signed) -> bool:
    """Whether one of our keys has signed exactly this text."""
    return encryption.is_signed(USE, signed.text.encode(), signed.key_id, signed.signature)


def hashed(text: str) -> str:
    """SHA-256 of an anchor's text, in hex."""
    return hashlib.sha256(text.encode()).hexdigest()
