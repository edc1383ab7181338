"""What campaigns cost: Meta's price list over the deliveries that its statuses have classed."""

from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import QuerySet, Sum
from django.db.models.functions import TruncDate

from analytics.kpi import Counts
from analytics.models import CostKpi
from campaigns.models import Campaign
from messaging.models import Source
from tenants.models import Tenant
from whatsapp.markets import market_name
from whatsapp.queries import price_list


@dataclass
class Bill:
    """An amount, and how many messages are not in it because their price is not known."""

    amount: Decimal = Decimal(0)
    unpriced: int = 0

    def add(self, price: Decimal | None, messages: int) -> None:
        """Put so many messages on the bill."""
        if price is None:
            self.unpriced += messages
        else:
            self.amount += price * messages

    @property
    def known(self) -> Decimal | None:
        """The amount; None if there is something on the bill and no price of it is known, lest it look free."""
        return None if self.unpriced and not self.amount else self.amount


@dataclass(frozen=True)
class CostLine:
    """Delivered messages of one market and price class at one price; `price` and `cost` None where none is known."""

    market: str
    market_name: str
    category: str
    price_type: str
    messages: int
    price: Decimal | None

    @property
    def cost(self) -> Decimal | None:
        return None if self.price is None else self.price * self.messages


@dataclass(frozen=True)
class Costs:
    """What a campaign cost in the currency of its WhatsApp account, by variant and line by line, the largest first.

    `as_of` is the day of the newest price in the list.
    """

    currency: str
    as_of: date | None
    lines: list[CostLine]
    total: Bill
    by_variant: dict[int, Bill]

    def added_to(self, counts: Counts, bill: Bill, currency: str) -> Counts:
        """The counts with this bill's amount as cost, unless they are in another currency: nothing is converted."""
        return replace(counts, cost=bill.known if currency == self.currency else None)


def of_campaign(campaign: Campaign) -> Costs:
    """The cost of a campaign so far; two queries."""
    currency = campaign.number.account.currency if campaign.number else campaign.tenant.currency
    prices = price_list(currency)
    total, by_variant = Bill(), defaultdict[int, Bill](Bill)
    lines: Counter[tuple[str, str, str, str, Decimal | None]] = Counter()
    rows = CostKpi.objects.filter(tenant=campaign.tenant_id, source=campaign.source_id)
    for variant, market, price_type, category, day, messages in _by_class(campaign.tenant, rows, "variant"):
        price = prices.price(market, category, day, price_type)
        total.add(price, messages)
        by_variant[variant].add(price, messages)
        lines[market, market_name(market), category, price_type, price] += messages
    shown = [CostLine(*key[:4], messages, key[4]) for key, messages in lines.items()]
    shown.sort(key=lambda line: (-(line.cost or 0), -line.messages, line.market_name))
    return Costs(currency, prices.as_of, shown, total, by_variant)


def by_day(tenant: Tenant, since: datetime, until: datetime) -> dict[date, Bill]:
    """What campaigns cost by day of the tenant's zone, in its currency; two queries.

    The price of what Meta bills in another currency counts as not known.
    """
    prices = price_list(tenant.currency)
    rows = CostKpi.objects.filter(tenant=tenant, source__kind=Source.Kind.CAMPAIGN, hour__gte=since, hour__lt=until)
    days = defaultdict[date, Bill](Bill)
    by_class = _by_class(tenant, rows, "source__number__account__currency")
    for currency, market, price_type, category, day, messages in by_class:
        is_ours = currency == tenant.currency
        days[day].add(prices.price(market, category, day, price_type) if is_ours else None, messages)
    return days


def _by_class(tenant: Tenant, rows: QuerySet[CostKpi], key: str) -> QuerySet[CostKpi, tuple[Any, ...]]:
    """(key, market, price type, price category, day in the tenant's zone, messages) of what was delivered."""
    day = TruncDate("hour", tzinfo=ZoneInfo(tenant.timezone))
    grouped = rows.annotate(day=day).values_list(key, "market", "price_type", "price_category", "day")
    return grouped.annotate(delivered=Sum("messages")).filter(delivered__gt=0).order_by()
