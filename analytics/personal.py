"""What statistics hold of a person: which of their orders were credited to which campaign."""

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _

from analytics.models import Kpi, OrderCredit
from consent import records
from consent.receipts import terms
from consent.records import Activity
from contacts.models import Contact
from contacts.personal import Section
from tenants.models import Tenant

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


def activities(tenant: Tenant) -> Iterator[Activity]:
    """Measuring what campaigns achieve, for the record of Art. 30 GDPR."""
    if not Kpi.objects.filter(tenant=tenant).exists():
        return
    yield Activity(
        title=_("Statistics on campaigns"),
        legal_basis=_(
            "The interest in knowing what campaigns achieve, Art. 6 (1) (f) GDPR; clicks and reads of single people"
            " only with their consent to measuring, Art. 6 (1) (a) GDPR and § 25 TDDDG"
        ),
        people=_("Recipients of campaigns"),
        data=[
            _("how many messages were sent, delivered, read and clicked"),
            _("orders that followed a click, with number, value and time"),
        ],
        recipients=terms.processors(),
        third_country=records.abroad(tenant),
        retention=_(
            "Counts for good, for they name nobody. An order stays linked to its contact as long as the company keeps"
            " the contact; after an erasure only its value and time are left, which lead to nobody."
        ),
    )


def forget(contact: Contact) -> None:
    """Drop the order's number, by which the shop could tell who it was; the credit itself is a number in a report."""
    OrderCredit.objects.filter(tenant=contact.tenant_id, contact=contact.pk).update(order_id="")
