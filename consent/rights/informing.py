"""Until when the people that an import brought have to know whence their data come (Art. 14 (3) (a) GDPR)."""

from datetime import date, timedelta

from django.db.models import QuerySet
from django.utils import timezone

from consent.rights import periods
from contacts.models import Import
from tenants.models import Tenant

# Ten days before the month is over; what is long past is no news.
REMINDED, LOOKS_BACK = timedelta(days=20), timedelta(days=90)


def until(imported: Import) -> date | None:
    """The last day, a month after the first of them; None if it brought nobody."""
    return periods.due(imported.brought_at, imported.tenant) if imported.brought_at else None


def uninformed(tenant: Tenant) -> QuerySet[Import]:
    """Imports whose month is nearly or just over and of which nobody has said that the people know."""
    now = timezone.now()
    due = (now - LOOKS_BACK, now - REMINDED)
    brought = Import.objects.filter(tenant=tenant, informed_at=None, brought_at__range=due)
    return brought.select_related("tenant").order_by("brought_at", "pk")
