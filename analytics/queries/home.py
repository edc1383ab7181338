"""The home screen: a period in numbers beside the period before it, what runs, and what needs attention."""

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.db.models import Sum
from django.db.models.functions import TruncDate

from analytics.kpi import COLUMNS, Counts, Kpi, measure, total
from analytics.models import HourlyKpi
from analytics.queries import costs
from analytics.queries.attention import Attention, attention
from analytics.queries.sums import HOURLY, by_source
from campaigns.models import Campaign
from messaging.models import Source
from tenants.models import Tenant
from tenants.replica import report_scope

# What hourly rows can tell; who converted is known per campaign only.
SHOWN = (
    *("delivery_rate", "read_rate", "click_rate", "reply_rate", "opt_out_rate"),
    *("orders", "revenue", "revenue_per_message", "cost", "cost_per_order", "roas"),
)
RUNNING_SHOWN = 20


@dataclass(frozen=True)
class Day:
    """What happened on one day of the tenant's time zone."""

    date: date
    counts: Counts


@dataclass(frozen=True)
class Period:
    """The counts and KPIs of the days `since` to `until`, both included."""

    since: date
    until: date
    counts: Counts
    kpis: dict[str, Kpi]
    days: list[Day]


@dataclass(frozen=True)
class Running:
    """A running or paused campaign with its counts so far."""

    campaign: Campaign
    counts: Counts
    kpis: dict[str, Kpi]


@dataclass(frozen=True)
class Overview:
    """The home screen in numbers. `changes` by KPI key, and "sent": points for shares, relative for the rest."""

    currency: str
    current: Period
    previous: Period
    changes: dict[str, Decimal | None]
    running: list[Running]
    attention: list[Attention]


def overview(tenant: Tenant, since: date, until: date) -> Overview:
    """Campaign messages of the days `since` to `until` (included, in the tenant's zone); needs the tenant's scope.

    Everything counts on the day it happened, so reads of the first day may belong to deliveries of the day before.
    The period before has the same length. Tests and replies are left out. Sixteen queries.
    """
    length = until - since + timedelta(days=1)
    # Not what runs and what needs attention: somebody may have just launched the one and seen to the other.
    with report_scope(tenant):
        days = _days(tenant, since - length, until)
    current, previous = _period(days, since, until), _period(days, since - length, since - timedelta(days=1))
    return Overview(
        currency=tenant.currency,
        current=current,
        previous=previous,
        changes=_changes(current, previous),
        running=_running(tenant),
        attention=attention(tenant),
    )


def _days(tenant: Tenant, since: date, until: date) -> dict[date, Counts]:
    zone = ZoneInfo(tenant.timezone)
    start, end = (datetime.combine(day, time.min, zone) for day in (since, until + timedelta(days=1)))
    rows = (
        HourlyKpi.objects.filter(tenant=tenant, source__kind=Source.Kind.CAMPAIGN, hour__gte=start, hour__lt=end)
        .values(day=TruncDate("hour", tzinfo=zone))
        .annotate(**{name: Sum(name) for name in HOURLY if name in COLUMNS})
        .order_by()
    )
    bills = costs.by_day(tenant, start, end)
    return {row["day"]: replace(Counts.of(row), cost=bills[row["day"]].known) for row in rows}


def _period(days: dict[date, Counts], since: date, until: date) -> Period:
    dates = [since + timedelta(days=i) for i in range((until - since).days + 1)]
    counts = total(days.get(each, Counts()) for each in dates)
    kpis = {key: kpi for key, kpi in measure(counts).items() if key in SHOWN}
    return Period(since, until, counts, kpis, [Day(each, days.get(each, Counts())) for each in dates])


def _changes(current: Period, previous: Period) -> dict[str, Decimal | None]:
    changes = {key: _change(kpi, previous.kpis[key]) for key, kpi in current.kpis.items()}
    return {"sent": _relative(Decimal(current.counts.sent), Decimal(previous.counts.sent)), **changes}


def _change(kpi: Kpi, before: Kpi) -> Decimal | None:
    if kpi.value is None or before.value is None:
        return None
    return kpi.value - before.value if kpi.definition.unit == "share" else _relative(kpi.value, before.value)


def _relative(value: Decimal, before: Decimal) -> Decimal | None:
    return ((value - before) / abs(before)).quantize(Decimal("0.0001")) if before else None


def _running(tenant: Tenant) -> list[Running]:
    states = (Campaign.State.RUNNING, Campaign.State.PAUSED)
    campaigns = list(
        Campaign.objects.filter(tenant=tenant, state__in=states)
        .select_related("source")
        .order_by("-id")[:RUNNING_SHOWN]
    )
    counts = by_source(tenant.pk, [campaign.source_id for campaign in campaigns if campaign.source_id])
    found = [counts.get(campaign.source_id or 0, Counts()) for campaign in campaigns]
    return [Running(campaign, each, measure(each)) for campaign, each in zip(campaigns, found, strict=True)]
