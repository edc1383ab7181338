"""Looking at what proves a consent, and handing out receipts: who did is written down."""

from typing import Any

from django.db import transaction

from consent import proving, receipts
from consent.models import ConsentEvent
from consent.proving import Proof
from contacts.models import Contact
from tenants.actions import Actor, audit


@transaction.atomic
def look(*, contact: Contact, by: Actor) -> Proof:
    """The proof of a person with its evidence in clear. The audit trail keeps who looked, and at which rows."""
    found = proving.proof(contact, with_evidence=True)
    seqs = [step.event.seq for step in found.steps if step.proven is not None]
    audit(tenant=contact.tenant, by=by, verb="consent.evidence_read", subject=contact, changes={"seq": seqs})
    return found


@transaction.atomic
def issue(*, contact: Contact, event: ConsentEvent, by: Actor) -> dict[str, Any]:
    """A signed receipt of one row about this person; the audit trail keeps its id and who took it."""
    receipt = receipts.receipt(contact=contact, event=event)
    changes = {"receipt": receipt["receipt_id"], "seq": event.seq}
    audit(tenant=contact.tenant, by=by, verb="consent.receipt_issued", subject=contact, changes=changes)
    return receipt
