"""Deletes uploaded files and what is kept of single lines once their time is over; imports stay, with their counts."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta

from django.db.models.functions import Coalesce
from django.utils import timezone

from contacts.models import Import, NotedRow, RejectedRow
from tenants.scope import across_tenants

WORKING = (Import.State.CHECKING, Import.State.RUNNING)
MOST_FILES = 100
MOST_LINES = 10_000


# How many files and lines went, by (tenant id, "files" or "lines").
Gone = Counter[tuple[int, str]]


def forget(*, older_than: timedelta, note: Callable[[Gone], None]) -> bool:
    """Delete a batch of files of imports that ended, or were left alone, longer ago; True if more may be left.

    `note` writes down what went, in the transaction that forgets it and sees every company's rows. The file goes before
    its name does, so that a killed worker leaves no file behind that nobody knows of. Storage may be slow, so no
    transaction is open meanwhile; who starts the import just then is told that its file is gone.
    """
    with across_tenants("imports of every tenant grow old"):
        idle = Import.objects.exclude(state__in=WORKING).exclude(file="")
        aged = idle.alias(over_at=Coalesce("finished_at", "created_at"))
        old = list(aged.filter(over_at__lt=timezone.now() - older_than).order_by("pk")[:MOST_FILES])
    for imported in old:
        imported.file.delete(save=False)
    with across_tenants("imports of every tenant grow old"):
        idle.filter(pk__in=[imported.pk for imported in old]).update(file="")
        lines = [_forget_lines(model) for model in (RejectedRow, NotedRow)]
        note(Gone((imported.tenant_id, "files") for imported in old) + sum(lines, Gone()))
    return len(old) == MOST_FILES or MOST_LINES in map(Counter.total, lines)


def _forget_lines(model: type[RejectedRow] | type[NotedRow]) -> Gone:
    lines = list(model.objects.filter(imported__file="").values_list("pk", "tenant_id")[:MOST_LINES])
    model.objects.filter(pk__in=[pk for pk, _tenant in lines]).delete()
    return Gone((tenant_id, "lines") for _pk, tenant_id in lines)
