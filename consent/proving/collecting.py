"""Collects a person's rows of the ledger and hashes exactly these again, with their neighbours and signed anchors."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from consent import queries
from consent.ledger import anchoring, chain, evidence, wordings
from consent.ledger.anchoring import Signed
from consent.ledger.verifying import FIELDS, fault
from consent.models import ConsentEvent, ConsentEvidence, ConsentHead, Suppression
from contacts.models import Contact
from tenants import encryption
from tenants.models import Tenant, User

Row = Mapping[str, Any]
FAULTS = {
    "next": _("the row after it does not continue it"),
    "head": _("it is not the row that the head of the chain names"),
    "wording": _("the wording does not have the hash that it was published with"),
    "anchor": _("the signed end of the chain does not fit the chain"),
    "evidence": _("the evidence does not have the digest that the row names"),
    "sealed": _("the evidence cannot be decrypted: its key is gone"),
}


@dataclass(frozen=True)
class Step:
    """One row about the person; `faults` is empty when row, neighbours, wording and anchors fit each other.

    `before` and `after` are the nearest signed anchors; without `after` the row is not sealed yet. `proven` is what
    proves the row, in clear, where it was asked for and is there.
    """

    event: ConsentEvent
    faults: Sequence[Any]
    before: Signed | None
    after: Signed | None
    text: str = ""
    request: ConsentEvent | None = None
    actor: str = ""
    proven: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Proof:
    """Everything that proves what a person has said, oldest first."""

    contact: Contact
    made_at: datetime
    steps: Sequence[Step]
    suppressions: Sequence[Suppression]
    last_seq: int
    shows_evidence: bool = field(default=False)

    @property
    def is_intact(self) -> bool:
        """Whether every row fits what was hashed and signed."""
        return not any(step.faults for step in self.steps)


def proof(contact: Contact, *, with_evidence: bool = False) -> Proof:
    """The proof of one person inside an open scope, also for rows of contacts that were merged into this one.

    `with_evidence` decrypts what proves each row; callers write down who looked (actions.proofs).
    """
    tenant = contact.tenant
    events = sorted(queries.history(contact), key=lambda event: event.seq)
    rows = _rows(tenant, events)
    anchors = anchoring.stored(tenant)
    head = ConsentHead.objects.filter(tenant=tenant).first()
    proven, unproven = _evidence(tenant, events) if with_evidence else ({}, {})
    people = _people(events)
    by_seq = {event.seq: event for event in events}
    sealed = {event.seq: anchoring.nearest(anchors, event.seq) for event in events}
    wrong = _unfitting(tenant, {signed for pair in sealed.values() for signed in pair if signed})
    steps = []
    for event in events:
        before, after = sealed[event.seq]
        faults = _faults(tenant, event, rows, head)
        if wrong & {before, after}:
            faults.append(FAULTS["anchor"])
        steps.append(
            Step(
                event=event,
                faults=[*faults, *([FAULTS[unproven[event.event_id]]] if event.event_id in unproven else [])],
                before=before,
                after=after,
                text=text_of(event),
                request=by_seq.get(event.doi_request_seq or 0),
                actor=people.get(event.actor_id, "") if event.actor_type == "user" else "",
                proven=proven.get(event.event_id),
            )
        )
    return Proof(
        contact, timezone.now(), steps, queries.suppressions(contact), head.last_seq if head else 0, with_evidence
    )


def text_of(event: ConsentEvent) -> str:
    """The full wording a row is about, in the language of the row; "" where there is none.

    A text that is no published version lies encrypted in the evidence. It is our own text and says nothing of the
    person, so showing it is no look at the evidence.
    """
    if version := event.wording_version:
        texts: dict[str, str] = version.texts
        return texts.get(event.language[:2]) or texts.get("de") or next(iter(texts.values()), "")
    if not event.wording_sha256:
        return ""
    kept = ConsentEvidence.objects.filter(tenant=event.tenant_id, event_id=event.event_id).first()
    try:
        text = str(evidence.unseal(kept).get("wording_text", "")) if kept else ""
    except encryption.CannotDecrypt:
        return ""
    return text if hashlib.sha256(text.encode()).hexdigest() == event.wording_sha256 else ""


def _rows(tenant: Tenant, events: Iterable[ConsentEvent]) -> dict[int, Row]:
    """These rows and their neighbours in the chain, by number."""
    wanted = {event.seq + step for event in events for step in (-1, 0, 1)}
    found = ConsentEvent.objects.filter(tenant=tenant, seq__in=sorted(wanted))
    return {row["seq"]: row for row in found.values(*FIELDS)}


def _faults(tenant: Tenant, event: ConsentEvent, rows: Mapping[int, Row], head: ConsentHead | None) -> list[Any]:
    row, before, after = (rows.get(event.seq + step) for step in (0, -1, 1))
    assert row is not None
    found: list[Any] = []
    previous = bytes(before["row_hash"]) if before else chain.genesis(tenant) if event.seq == 1 else b""
    if problem := fault(row, event.seq, previous):
        found.append(_(problem))
    if after and bytes(after["prev_hash"]) != bytes(row["row_hash"]):
        found.append(FAULTS["next"])
    if not after and (head is None or (head.last_seq, bytes(head.last_hash)) != (event.seq, bytes(row["row_hash"]))):
        found.append(FAULTS["head"])
    if event.wording_version and not wordings.is_unaltered(event.wording_version):
        found.append(FAULTS["wording"])
    return found


def _unfitting(tenant: Tenant, anchors: set[Signed]) -> set[Signed | None]:
    """The anchors that we have not signed, or whose place in the chain has another hash."""
    seqs = sorted({int(signed.said["seq"]) for signed in anchors})
    rows = ConsentEvent.objects.filter(tenant=tenant, seq__in=seqs).values_list("seq", "row_hash")
    hashes = {seq: bytes(row_hash).hex() for seq, row_hash in rows}
    return {
        signed
        for signed in anchors
        if hashes.get(signed.said["seq"]) != signed.said["hash"] or not anchoring.is_ours(signed)
    }


def _evidence(tenant: Tenant, events: Iterable[ConsentEvent]) -> tuple[dict[UUID, dict[str, Any]], dict[UUID, str]]:
    """What proves these rows, and what is wrong with the rest, both by event."""
    digests = {event.event_id: event.evidence_digest for event in events if event.evidence_digest}
    found: dict[UUID, dict[str, Any]] = {}
    wrong: dict[UUID, str] = {}
    for kept in ConsentEvidence.objects.filter(tenant=tenant, event_id__in=list(digests)):
        try:
            found[kept.event_id], digest = evidence.proven(kept)
        except encryption.CannotDecrypt:
            wrong[kept.event_id] = "sealed"
            continue
        if digest != digests[kept.event_id]:
            wrong[kept.event_id] = "evidence"
    return found, wrong


def _people(events: Iterable[ConsentEvent]) -> dict[str, str]:
    """Names of those of the team who recorded something."""
    ids = {event.actor_id for event in events if event.actor_type == "user" and event.actor_id.isdecimal()}
    return {str(user.pk): user.name or user.email for user in User.objects.filter(pk__in=ids)}
