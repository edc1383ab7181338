"""Blocking a phone number or an e-mail address that may belong to nobody we know (CG-21)."""

from typing import Any
from uuid import uuid4

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from consent import ledger
from consent.actions import declarations
from consent.actions.declarations.writing import EVERYTHING, keep_out
from consent.ledger import suppressing
from consent.ledger.subjects import person
from consent.models import Source
from contacts.actions import ContactData
from contacts.actions.values import cleaned
from tenants.actions import Actor, audit
from tenants.models import ApiKey, Tenant


@transaction.atomic
def block(
    *, tenant: Tenant, reason: str, way: str, by: Actor, phone: str = "", email: str = "", note: str = ""
) -> None:
    """Send no advertising to this number or address until the person asks for it themselves; makes no contact.

    Whoever asks learns nothing of whether somebody is known by it; of blocking it again only the time is kept. What was
    said lies encrypted with the ledger's row; the audit trail names neither number nor address. Raises
    ValidationError by field.
    """
    named = spelled(tenant, phone, email)
    # Nobody else blocks it between the look and the row.
    ledger.lock(tenant)
    who = person(tenant, **named)
    if suppressing.is_listed(tenant, who.digests, EVERYTHING, suppressing.BLOCKED):
        keep_out(tenant, who, [EVERYTHING], suppressing.BLOCKED, timezone.now())
        return
    said = {"reason": reason, "way": way, **({"note": note} if note else {})}
    source = Source.API if isinstance(by, ApiKey) else Source.AGENT
    declarations.suppress(tenant=tenant, dedupe=f"block:{uuid4()}", source=source, evidence=said, by=by, **named)
    audit(tenant=tenant, by=by, verb="consent.blocked", subject=tenant, changes={"reason": reason, "way": way})


def spelled(tenant: Tenant, phone: str, email: str) -> dict[str, Any]:
    """The number and the address in their one spelling; raises ValidationError by field."""
    given = {name: value for name, value in (("phone", phone.strip()), ("email", email.strip())) if value}
    if not given:
        raise ValidationError({"phone": _("Enter a phone number or an e-mail address.")})
    data, errors = cleaned(tenant, ContactData(given))
    if errors:
        raise ValidationError(errors)
    return dict(data.values)
