"""Reads that prepare a campaign: how many it reaches and why not more, whether it is ready, what it looks like."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import Prefetch, QuerySet
from django.utils.timezone import localdate

from campaigns import audience, contents
from campaigns.models import Audience, Campaign, Variant
from consent.actions import preferences
from consent.queries import usable_attributes
from contacts.models import Contact
from messaging import reasons, rendering
from messaging.models import Message
from messaging.rendering import Person, Preview
from whatsapp.markets import market_name
from whatsapp.models import Template
from whatsapp.queries import price_list


@dataclass(frozen=True)
class MarketCost:
    """The reachable people of one market and what one message to each costs; None where no price is known."""

    market: str
    name: str
    people: int
    price: Decimal | None

    @property
    def cost(self) -> Decimal | None:
        return None if self.price is None else self.price * self.people


@dataclass(frozen=True)
class Cost:
    """Meta's list price for the reachable, in the currency of the WhatsApp account, if all of them are reached.

    `as_of` is the day of the newest price in the list.
    """

    currency: str
    as_of: date | None
    markets: list[MarketCost]

    @property
    def total(self) -> Decimal | None:
        """None if no price at all is known."""
        known = [market.cost for market in self.markets if market.cost is not None]
        return sum(known, Decimal(0)) if known or not self.markets else None

    @property
    def unpriced(self) -> int:
        """People whose market has no known price; the total leaves them out."""
        return sum(market.people for market in self.markets if market.price is None)


@dataclass(frozen=True)
class Estimate:
    """The audience before launch: `reasons` is (code, sentence, people), largest first; `seconds` to send all."""

    audience: int
    reachable: int
    reasons: list[tuple[str, str, int]]
    seconds: int
    cost: Cost


@dataclass(frozen=True)
class Missing:
    """How many reachable people have no value of their own for a variable and get the fallback."""

    name: str
    people: int


def with_parts(campaigns: QuerySet[Campaign]) -> QuerySet[Campaign]:
    """The same campaigns with audiences and variants loaded in their order, in two further queries."""
    audiences = Audience.objects.select_related("list", "segment").order_by("pk")
    variants = Variant.objects.select_related("template").order_by("number")
    return campaigns.prefetch_related(
        Prefetch("audiences", queryset=audiences), Prefetch("variants", queryset=variants)
    )


def estimate(campaign: Campaign) -> Estimate:
    """Count the audience by one statement, as freezing would find it now."""
    counted = audience.count(campaign)
    rows = [(code, reasons.label(code), people) for code, people in counted.by_reason.items() if code]
    rate = campaign.number.throughput if campaign.number else 70
    return Estimate(
        audience=counted.audience,
        reachable=counted.reachable,
        reasons=sorted(rows, key=lambda row: (-row[2], row[0])),
        seconds=-(-counted.reachable // rate),
        cost=_cost(campaign, counted.by_market),
    )


def _cost(campaign: Campaign, by_market: Mapping[str, int]) -> Cost:
    """What these people cost today; without a template yet, as marketing."""
    currency = campaign.number.account.currency if campaign.number else campaign.tenant.currency
    prices = price_list(currency)
    template = campaign.variants.exclude(template=None).order_by("number").values_list("template__category").first()
    category = (template[0] if template else Template.Category.MARKETING).lower()
    markets = [
        MarketCost(market, market_name(market), people, prices.price(market, category, localdate()))
        for market, people in by_market.items()
    ]
    return Cost(currency, prices.as_of, sorted(markets, key=lambda m: (-(m.cost or 0), -m.people, m.name)))


def waiting(campaign: Campaign) -> int:
    """How many messages resuming would send; 0 unless it is paused."""
    if campaign.state != Campaign.State.PAUSED:
        return 0
    left = Message.objects.filter(tenant=campaign.tenant_id, source=campaign.source_id, queue=Message.Queue.WAITING)
    return left.count()


def preview(campaign: Campaign, contact: Contact | None, variant: int = 0) -> Preview | None:
    """The message as this contact will read it; None while no template is chosen."""
    row = campaign.variants.select_related("template").filter(number=variant).first()
    if row is None or row.template is None:
        return None
    return rendering.preview(contents.text_of(row.template), row.variables, person_of(contact))


def person_of(contact: Contact | None) -> Person:
    """What rendering may know of a contact (CG-08); nothing for none, so that fallbacks show."""
    if contact is None:
        return Person()
    values = {name: getattr(contact, name) for name in rendering.FIELDS if name != "birthday"}
    values["birthday"] = f"{contact.birthday:%d.%m.%Y}" if contact.birthday else None
    # Not the real one: who has it speaks for the person.
    values[rendering.OWN_PAGE] = preferences.example()
    return Person(contact.phone, contact.bsuid, values, usable_attributes(contact))


def preview_contacts(campaign: Campaign, limit: int = 10) -> list[Contact]:
    """Some contacts of the campaign's audience, for looking at the message with real values."""
    chosen = audience.selection(campaign)
    rows = Contact.objects.raw(
        "SELECT c.* FROM contacts_contact c WHERE c.tenant_id = %s AND c.restricted_at IS NULL"
        f" AND ({chosen.included}) ORDER BY c.id LIMIT %s",
        [campaign.tenant_id, *chosen.included_params, limit],
    )
    return list(rows)


def missing_values(campaign: Campaign, variant: int = 0) -> list[Missing]:
    """For each body variable that comes from a contact: how many of the audience lack it and get the fallback."""
    row = campaign.variants.filter(number=variant).first()
    wanted = [v for v in (row.variables.get("body", []) if row else []) if v.get("from", "text") != "text"]
    if not wanted:
        return []
    chosen = audience.selection(campaign)
    counts = audience.count_missing(campaign, chosen, [str(v["from"]) for v in wanted])
    return [Missing(str(v.get("name", "")), people) for v, people in zip(wanted, counts, strict=True)]
