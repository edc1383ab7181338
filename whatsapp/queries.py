"""Reads of the WhatsApp side that others need: what a message costs."""

from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from whatsapp.models import Rate

# Marketing messages sent through the MM API cost the same; since 2026-10-01 non-template messages cost the market's
# utility price (Meta "Pricing for non-template messages"), unless the list has a price of their own.
SAME_AS = {"marketing_lite": "marketing", "service": "utility"}
FREE = frozenset(("free_customer_service", "free_entry_point"))


@dataclass(frozen=True)
class PriceList:
    """Meta's list prices in one currency, without volume discounts; `rates` by (market, category) in order of days."""

    currency: str
    rates: dict[tuple[str, str], list[tuple[date, Decimal | None]]]

    def price(self, market: str, category: str, on: date, price_type: str = "regular") -> Decimal | None:
        """What one delivered message of that day costs; zero for a free one, None where no price is known.

        `price_type` and `category` are those of the webhook; without a category the class is unknown, hence the price.
        """
        if price_type in FREE:
            return Decimal(0)
        rates = self.rates.get((market, category)) or self.rates.get((market, SAME_AS.get(category, "")), [])
        past = bisect_right(rates, on, key=lambda rate: rate[0])
        return rates[past - 1][1] if past else None

    @property
    def as_of(self) -> date | None:
        """The day of the newest price; None for an empty list."""
        return max((day for rates in self.rates.values() for day, price in rates if price is not None), default=None)


def price_list(currency: str) -> PriceList:
    """The price list in a currency, empty if Meta's was never read in; one query."""
    rates: dict[tuple[str, str], list[tuple[date, Decimal | None]]] = defaultdict(list)
    rows = Rate.objects.filter(currency=currency).order_by("valid_from")
    for market, category, valid_from, price in rows.values_list("market", "category", "valid_from", "price"):
        rates[market, category].append((valid_from, price))
    return PriceList(currency, dict(rates))
