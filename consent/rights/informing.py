"""Whether people of an import were told whence their data come, and until when they have to be (Art. 14 GDPR)."""

from datetime import date, timedelta

from django.db.models import QuerySet
from django.utils import timezone

from consent.rights import periods
from contacts.models import Import
from tenants.models import Tenant

# Ten days before the month is over; an import of long ago is no news.
REMINDED, LOOKS_BACK = timedelta(days=20), timedelta(days=90)
# What an import has brought before it was cancelled or failed stays.
OVER = (Import.State.FINISHED, Import.State.CANCELLED, Import.State.FAILED)


def until(imported: Import) -> date | None:
    """The last day to tell the people an import brought whence their data come; None if it brought nobody yet.

    Art. 14 (3) (a) GDPR: within a month.
    """
    if imported.state not in OVER or imported.is_dry_run or not imported.created or imported.finished_at is None:
        return None
    return periods.due(imported.finished_at, imported.tenant)


def uninformed(tenant: Tenant) -> QuerySet[Import]:
    """Imports whose month for that is nearly or just over and of which nobody has said that the people know."""
    brought = Import.objects.filter(tenant=tenant, state__in=OVER, is_dry_run=False, created__gt=0, informed_at=None)
    now = timezone.now()
    due = brought.filter(finished_at__range=(now - LOOKS_BACK, now - REMINDED))
    return due.select_related("tenant").order_by("finished_at")
