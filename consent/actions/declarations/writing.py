"""What all declarations share: one ledger entry per pair, the suppression of every identity, the audit row."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from consent import ledger
from consent.ledger import Appended, Entry, suppressing
from consent.ledger.folding import Pair
from consent.ledger.subjects import Person
from consent.ledger.suppressing import Suppressed
from consent.models import Channel, Purpose
from contacts.models import Contact
from tenants.actions import Actor, audit
from tenants.models import Tenant

MARKETING: Pair = (Channel.WHATSAPP.value, Purpose.MARKETING.value)
EVERYTHING: Pair = (Channel.ALL.value, Purpose.ALL.value)


def write(
    tenant: Tenant, subject_id: UUID, pairs: Sequence[tuple[Pair, str]], *, dedupe: str, **said: Any
) -> list[Appended]:
    """Append one entry per (pair, state); `said` are the other fields of Entry. Answers in the order of the pairs."""
    entries = [
        Entry(
            subject_id=subject_id,
            channel=channel,
            purpose=purpose,
            state=state,
            key=f"{dedupe}:{channel}:{purpose}",
            **said,
        )
        for (channel, purpose), state in pairs
    ]
    return ledger.append(tenant, entries)


def keep_out(
    tenant: Tenant, who: Person, pairs: Sequence[Pair], reason: str, since: datetime, number: str = ""
) -> None:
    """Put every identity of a person whose no was just written on the suppression list for these pairs."""
    rows = [Suppressed(*identity, *pair, reason, since, number) for identity in who.digests for pair in pairs]
    suppressing.suppress(tenant, rows, stopped={who.subject_id})


def audit_written(
    tenant: Tenant, by: Actor, verb: str, contact: Contact | None, pairs: Sequence[Pair], done: Sequence[Appended]
) -> None:
    """Say who acted for a person; what a stranger's number asked for stands in the ledger alone."""
    written = [row.seq for row in done if row.seq]
    if by is not None and contact is not None and written:
        changes = {"pairs": [list(pair) for pair in pairs], "seq": written}
        audit(tenant=tenant, by=by, verb=verb, subject=contact, changes=changes)
