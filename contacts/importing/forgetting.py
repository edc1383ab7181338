"""Deletes uploaded files and what is kept of single lines once their time is over; imports stay, with their counts."""

from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone

from contacts.models import Import, NotedRow, RejectedRow
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
        deleted = [_forget_lines(rows) for rows in (RejectedRow.objects.all(), NotedRow.objects.all())]
    return len(old) == MOST_FILES or MOST_LINES in deleted


def _forget_lines(rows: QuerySet[Any]) -> int:
    some = rows.filter(imported__file="").values("pk")[:MOST_LINES]
    return rows.filter(pk__in=some).delete()[0]
