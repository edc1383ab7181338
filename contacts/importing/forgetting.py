"""Deletes uploaded files and what is kept of single lines once their time is over; imports stay, with their counts."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import connection
from django.db.models.functions import Coalesce
from django.utils import timezone

from contacts.models import Import, NotedRow, RejectedRow
from tenants.scope import across_tenants

WORKING = (Import.State.CHECKING, Import.State.RUNNING)
MOST_FILES = 100
MOST_LINES = 10_000
# What another worker forgets just then is gone when its row is asked again, and counted by that one.
FORGET_FILES = """
UPDATE contacts_import SET file = '' WHERE id = ANY(%s) AND file <> '' AND state <> ALL(%s) RETURNING tenant_id
"""
FORGET_LINES = """
DELETE FROM {table} WHERE id = ANY(ARRAY(
    SELECT l.id FROM {table} l JOIN contacts_import i ON i.tenant_id = l.tenant_id AND i.id = l.imported_id
    WHERE i.file = '' LIMIT %s))
RETURNING tenant_id
"""

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
        files = _gone("files", FORGET_FILES, [imported.pk for imported in old], list(WORKING))
        lines = [
            _gone("lines", FORGET_LINES.format(table=model._meta.db_table), MOST_LINES)
            for model in (RejectedRow, NotedRow)
        ]
        note(files + sum(lines, Gone()))
    return len(old) == MOST_FILES or MOST_LINES in map(Counter.total, lines)


def _gone(what: str, statement: str, *params: Any) -> Gone:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return Gone((tenant_id, what) for (tenant_id,) in cursor.fetchall())
