"""Sums of KPI rows over their shards, as counts that formulas understand."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import Max, Min, Sum

from analytics.kpi import COLUMNS, Counts
from analytics.models import HourlyKpi, Kpi, ReasonKpi
from messaging.models import Message

HOURLY = ("accepted", "sent", "delivered", "read", "failed", "clicked", "replied", "opted_out", "orders", "revenue")


@dataclass(frozen=True)
class VariantSum:
    """Counts of one variant, with the first and last time WhatsApp accepted a message of it (UTC)."""

    variant: int
    counts: Counts
    first_accepted_at: datetime | None
    last_accepted_at: datetime | None


@dataclass(frozen=True)
class Reason:
    """How many messages are in an unhappy state for one reason; `error_code` is Meta's, 0 without one."""

    state: Message.State
    reason: str
    error_code: int
    messages: int


@dataclass(frozen=True)
class Hour:
    """What happened in the hour that begins at `hour` (UTC); `revenue` in the tenant's currency."""

    hour: datetime
    accepted: int
    sent: int
    delivered: int
    read: int
    failed: int
    clicked: int
    replied: int
    opted_out: int
    orders: int
    revenue: Decimal


def by_variant(tenant_id: int, source_id: int) -> list[VariantSum]:
    """One sum per variant of a source, in order; no row for a variant without messages."""
    rows = Kpi.objects.filter(tenant=tenant_id, source=source_id).values("variant").order_by("variant")
    sums = {name: Sum(name) for name in COLUMNS}
    return [
        VariantSum(row["variant"], Counts.of(row), row["first_accepted_at"], row["last_accepted_at"])
        for row in rows.annotate(
            first_accepted_at=Min("first_accepted_at"), last_accepted_at=Max("last_accepted_at"), **sums
        )
    ]


def by_source(tenant_id: int, source_ids: Iterable[int]) -> dict[int, Counts]:
    """Counts of several sources by source id; a source without messages is missing."""
    rows = Kpi.objects.filter(tenant=tenant_id, source__in=list(source_ids)).values("source_id").order_by()
    return {row["source_id"]: Counts.of(row) for row in rows.annotate(**{name: Sum(name) for name in COLUMNS})}


def by_reason(tenant_id: int, source_id: int) -> list[Reason]:
    """Messages of a source by state, reason and error code, the largest group first."""
    rows = ReasonKpi.objects.filter(tenant=tenant_id, source=source_id).values("state", "reason", "error_code")
    sums = rows.annotate(count=Sum("messages")).filter(count__gt=0).order_by("-count", "state", "reason", "error_code")
    return [Reason(Message.State(r["state"]), r["reason"], r["error_code"], r["count"]) for r in sums]


def by_hour(tenant_id: int, source_id: int) -> list[Hour]:
    """What happened to a source hour by hour; hours in which nothing happened are missing."""
    rows = HourlyKpi.objects.filter(tenant=tenant_id, source=source_id).values("hour").order_by("hour")
    sums = rows.annotate(**{name: Sum(name) for name in HOURLY})
    return [Hour(*row) for row in sums.values_list("hour", *HOURLY)]
