"""Recording a no that somebody told the team: on the phone, in the shop, by letter (CG-21)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from consent.actions import declarations
from consent.ledger import Appended
from consent.models import Authority, Channel, Source
from contacts.models import Contact
from tenants.models import User


def record(
    *, contact: Contact, scope: str, key: str, occurred_at: datetime, evidence: Mapping[str, Any], by: User
) -> list[Appended]:
    """Write the person's no into the ledger; effective at commit, also for a campaign that is being sent (CG-22).

    `scope` is "whatsapp" (advertising there, with its measuring), "all" (any advertising on all channels) or
    "objection" (Art. 21 GDPR). `key` names this declaration: recorded twice it counts once. `occurred_at` is when the
    person said it, UTC; a yes of their own that is newer stays.
    """
    said: dict[str, Any] = {
        "tenant": contact.tenant,
        "contact": contact,
        "dedupe": f"agent:{key}",
        "source": Source.AGENT,
        "authority": Authority.AGENT,
        "occurred_at": occurred_at,
        "evidence": dict(evidence),
        "by": by,
    }
    if scope == "objection":
        return declarations.object_(channel=Channel.ALL, **said)
    return declarations.withdraw(is_all=scope == "all", **said)
