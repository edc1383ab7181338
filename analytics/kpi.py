"""Every KPI's definition: its name, its formula and the sentence that is printed beside the number."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

# Days between a click and the order it is credited with; analytics/sql/orders.sql counts with the same number.
CLICK_WINDOW_DAYS = 14


@dataclass(frozen=True)
class Counts:
    """What the formulas divide: messages by state now, messages and contacts that ever got this far, and money.

    `revenue` is net of refunds. Both it and `cost` are in the tenant's currency. The cost is in no KPI table:
    analytics.queries.costs works it out, and it is None where nobody did or no price is known.
    """

    in_queued: int = 0
    in_claimed: int = 0
    in_accepted: int = 0
    in_held: int = 0
    in_sent: int = 0
    in_delivered: int = 0
    in_read: int = 0
    in_uncertain: int = 0
    in_failed: int = 0
    in_skipped: int = 0
    in_cancelled: int = 0
    in_expired: int = 0
    accepted: int = 0
    sent: int = 0
    delivered: int = 0
    read: int = 0
    clicked: int = 0
    replied: int = 0
    opted_out: int = 0
    clicks: int = 0
    orders: int = 0
    converted: int = 0
    revenue: Decimal = Decimal(0)
    cost: Decimal | None = None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "Counts":
        """The counts in a row of sums, whose missing and empty values are zero."""
        return cls(**{name: row.get(name) or cls.__dict__[name] for name in COLUMNS})

    @property
    def states(self) -> dict[str, int]:
        """Messages by state ("queued", "delivered" …) now."""
        return {name.removeprefix("in_"): getattr(self, name) for name in COLUMNS if name.startswith("in_")}

    @property
    def audience(self) -> int:
        """Everybody the source was frozen for: the sum of all states, always."""
        return sum(self.states.values())

    @property
    def open(self) -> int:
        """Messages that still wait or are being sent."""
        return self.in_queued + self.in_claimed

    def __add__(self, other: "Counts") -> "Counts":
        known = [counts.cost for counts in (self, other) if counts.cost is not None]
        sums = {name: getattr(self, name) + getattr(other, name) for name in COLUMNS}
        return Counts(**sums, cost=sum(known, Decimal(0)) if known else None)


# What the KPI tables have columns for.
COLUMNS = tuple(field.name for field in fields(Counts) if field.name != "cost")


@dataclass(frozen=True)
class Definition:
    """One KPI. `unit` is "share" (0.25 is 25 %), "money" in the tenant's currency, "factor" (2.5 times), or "count"."""

    key: str
    name: str | Promise
    sentence: str | Promise
    unit: str
    formula: Callable[[Counts], Decimal | None]


@dataclass(frozen=True)
class Kpi:
    """A KPI with its value; None where nothing is there to divide by ("n/a", never zero)."""

    definition: Definition
    value: Decimal | None

    @property
    def key(self) -> str:
        return self.definition.key


def ratio(part: int | Decimal, whole: int | Decimal) -> Decimal | None:
    """part ÷ whole to six places; None if the whole is zero."""
    return (Decimal(part) / Decimal(whole)).quantize(Decimal("0.000001")) if whole else None


def measure(counts: Counts) -> dict[str, Kpi]:
    """Every KPI of these counts by key, in the order in which screens show them."""
    return {d.key: Kpi(d, d.formula(counts)) for d in DEFINITIONS}


def total(counts: Iterable[Counts]) -> Counts:
    """The sum of several counts."""
    return sum(counts, start=Counts())


DEFINITIONS = (
    Definition(
        "delivery_rate",
        _("Delivery rate"),
        _("Delivered ÷ accepted by WhatsApp."),
        "share",
        lambda c: ratio(c.delivered, c.accepted),
    ),
    Definition(
        "read_rate",
        _("Read rate"),
        _("Read ÷ delivered, also called open rate. A lower bound: read receipts can be switched off."),
        "share",
        lambda c: ratio(c.read, c.delivered),
    ),
    Definition(
        "click_rate",
        _("Click rate"),
        _(
            "Contacts with at least one counted click ÷ delivered. Previews and bots do not count. A lower bound:"
            " people who did not agree to tracking are among the delivered, but nobody knows whether they clicked."
        ),
        "share",
        lambda c: ratio(c.clicked, c.delivered),
    ),
    Definition(
        "click_rate_of_read",
        _("Click rate of readers"),
        _("Contacts with at least one counted click ÷ read."),
        "share",
        lambda c: ratio(c.clicked, c.read),
    ),
    Definition(
        "reply_rate",
        _("Reply rate"),
        _("Contacts who replied within 72 hours ÷ delivered."),
        "share",
        lambda c: ratio(c.replied, c.delivered),
    ),
    Definition(
        "conversion_rate",
        _("Conversion rate"),
        _("Contacts with an order within 14 days after their last click ÷ delivered."),
        "share",
        lambda c: ratio(c.converted, c.delivered),
    ),
    Definition(
        "opt_out_rate",
        _("Opt-out rate"),
        _("Opt-outs within 72 hours ÷ delivered."),
        "share",
        lambda c: ratio(c.opted_out, c.delivered),
    ),
    Definition(
        "orders",
        _("Orders"),
        _("Orders within 14 days after the contact's last click. A refunded order stays an order."),
        "count",
        lambda c: Decimal(c.orders),
    ),
    Definition(
        "revenue",
        _("Revenue"),
        _("Net value of these orders minus refunds. Orders in another currency are not converted and not included."),
        "money",
        lambda c: c.revenue,
    ),
    Definition(
        "revenue_per_message",
        _("Revenue per message"),
        _("Revenue by last click, minus refunds, ÷ sent messages."),
        "money",
        lambda c: ratio(c.revenue, c.sent),
    ),
    Definition(
        "cost",
        _("Cost"),
        _("Meta's list price of every delivered message, by market, price class and day, without discounts."),
        "money",
        lambda c: c.cost,
    ),
    Definition(
        "cost_per_order",
        _("Cost per order"),
        _("Cost ÷ orders within 14 days after the contact's last click."),
        "money",
        lambda c: None if c.cost is None else ratio(c.cost, c.orders),
    ),
    Definition(
        "roas",
        _("ROAS (revenue ÷ cost)"),
        _("Revenue by last click, minus refunds, ÷ cost. 5 means: each euro of fees was followed by five of revenue."),
        "factor",
        lambda c: ratio(c.revenue, c.cost or 0),
    ),
)
