"""What statistics hold of a person: which of their orders were credited to which campaign."""

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _

from analytics.models import OrderCredit
from contacts.models import Contact
from contacts.personal import Section

ROWS_AT_A_TIME = 500


def tell(contact: Contact) -> Iterator[Section]:
    """The orders that count as led by a campaign; there are no other scores of single people."""
    labels = {
        "occurred_at": _("When"),
        "campaign": _("Campaign"),
        "order_id": _("Order"),
        "value": _("Value"),
        "currency": _("Currency"),
    }
    yield Section("credits", _("Orders credited to campaigns"), labels, _credits(contact))


def _credits(contact: Contact) -> Iterator[dict[str, Any]]:
    credits = OrderCredit.objects.filter(tenant=contact.tenant_id, contact=contact.pk).select_related("source")
    for credit in credits.order_by("occurred_at", "pk").iterator(ROWS_AT_A_TIME):
        yield {
            "occurred_at": credit.occurred_at,
            "campaign": credit.source.name,
            "order_id": credit.order_id,
            "value": credit.value,
            "currency": credit.currency,
        }


def forget(contact: Contact) -> None:
    """Drop the order's number, by which the shop could tell who it was; the credit itself is a number in a report."""
    OrderCredit.objects.filter(tenant=contact.tenant_id, contact=contact.pk).update(order_id="")
