"""A worker's lease on a row: nobody else takes the row until it ends, and whoever died is followed by another then.

Rows have a column `leased_until`, null while nobody has them.
"""

from datetime import timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.db.models.functions import Now

FREE = Q(leased_until=None) | Q(leased_until__lt=Now())


def take(rows: QuerySet[Any], lease: timedelta, **also: Any) -> bool:
    """Take the lease on the one row that `rows` finds and change it in the same statement; False if another has it."""
    return bool(rows.filter(FREE).update(leased_until=Now() + lease, **also))


def unattended(rows: QuerySet[Any], most: int | None = None) -> list[tuple[int, int]]:
    """(tenant id, id) of those of these rows that have no living worker, the oldest first, `most` at once."""
    return list(rows.filter(FREE).order_by("pk").values_list("tenant_id", "pk")[:most])
