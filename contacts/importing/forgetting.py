"""Deletes uploaded files and the lines they rejected once their time is over; the import stays, with its counts."""

from datetime import timedelta

from django.db.models.functions import Coalesce
from django.utils import timezone

from contacts.models import Import, RejectedRow
from tenants.scope import across_tenants

WORKING = (Import.State.CHECKING, Import.State.RUNNING)
MOST_FILES = 100
MOST_LINES = 10_000


def forget(*, older_than: timedelta) -> bool:
    """Delete a batch of files of imports that ended, or were left alone, longer ago; True if more may be left.

    The file goes before its name does, so that a killed worker leaves no file behind that nobody knows of. Storage
    may be slow, so no transaction is open meanwhile; who starts the import just then is told that its file is gone.
    """
    with across_tenants("imports of every tenant grow old"):
        idle = Import.objects.exclude(state__in=WORKING).exclude(file="")
        aged = idle.alias(over_at=Coalesce("finished_at", "created_at"))
        old = list(aged.filter(over_at__lt=timezone.now() - older_than).order_by("pk")[:MOST_FILES])
    for imported in old:
        imported.file.delete(save=False)
    with across_tenants("imports of every tenant grow old"):
        idle.filter(pk__in=[imported.pk for imported in old]).update(file="")
        lines = RejectedRow.objects.filter(imported__file="").values("pk")[:MOST_LINES]
        deleted, _by_model = RejectedRow.objects.filter(pk__in=lines).delete()
    return len(old) == MOST_FILES or deleted == MOST_LINES
