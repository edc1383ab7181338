"""A campaign costs Meta's price of each delivered message: by its market, its class and the day it was delivered."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.test import Client

from analytics import queries, recounting
from analytics.queries import costs
from analytics.queries.campaign import Report
from campaigns.models import Campaign
from messaging import delivery
from messaging.delivery import StatusChange
from messaging.models import Message
from tenants.encryption import seal
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.analytics.cast import NOON, campaign_of, messages_of, order, reached
from tests.contacts.calls import Caller
from whatsapp.models import Rate

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def prices(db: None) -> None:
    """Germany at ten cents, eight from the second of September on; Austria at four; France at an unknown price."""
    Rate.objects.all().delete()
    for market, day, price in [
        ("DE", 1, "0.10"),
        ("DE", 2, "0.08"),
        ("rest_of_western_europe", 1, "0.04"),
        ("FR", 1, None),
    ]:
        Rate.objects.create(
            currency="EUR", market=market, category="marketing", valid_from=date(2026, 9, day), price=price
        )
    Rate.objects.create(currency="EUR", market="DE", category="utility", valid_from=date(2026, 9, 1), price="0.05")


def delivered(campaign: Campaign, count: int, market: str = "DE", *, days: int = 0, **billed: str) -> list[Message]:
    """Messages that Meta delivered so many days after the first of September, classed as told: marketing by default."""
    assert campaign.source
    messages = messages_of(
        campaign.source, count, market=market, attempt=1, queue=1, consent_seq=1, state=1, claimed_at=NOON
    )
    classed = {"price_type": "regular", "price_category": "marketing", **billed}
    delivery.apply(
        campaign.tenant_id,
        [
            StatusChange(
                "w", "delivered", NOON + timedelta(days=days), seal("callback", m.tenant_id, m.pk, 1), **classed
            )
            for m in messages
        ],
    )
    return messages


def found(campaign: Campaign) -> Report:
    return queries.report(campaign)


def test_each_delivery_costs_its_markets_price_of_its_day(in_bakery: Tenant) -> None:
    campaign = campaign_of(in_bakery)
    delivered(campaign, 3)
    delivered(campaign, 2, days=1)
    delivered(campaign, 5, "rest_of_western_europe")

    report = found(campaign)

    assert report.kpis["cost"].value == report.costs.total.amount == Decimal("0.66")
    assert [(line.market, line.messages, line.price) for line in report.costs.lines] == [
        ("DE", 3, Decimal("0.10")),
        ("rest_of_western_europe", 5, Decimal("0.04")),
        ("DE", 2, Decimal("0.08")),
    ]
    assert report.costs.as_of == date(2026, 9, 2)


def test_what_is_only_sent_or_failed_costs_nothing_and_what_was_read_does(in_bakery: Tenant) -> None:
    campaign = campaign_of(in_bakery)
    assert campaign.source
    reached(messages_of(campaign.source, 2, market="DE", price_category="marketing"), "accepted", "sent")
    read = messages_of(campaign.source, 1, market="DE", attempt=1, queue=1, consent_seq=1, state=1, claimed_at=NOON)[0]
    status = StatusChange("w", "read", NOON, seal("callback", in_bakery.pk, read.pk, 1), None, "regular", "marketing")
    delivery.apply(in_bakery.pk, [status, status])

    assert found(campaign).costs.total == costs.Bill(Decimal("0.10"), 0)


def test_a_new_price_list_counts_for_what_was_delivered_before(in_bakery: Tenant) -> None:
    campaign = campaign_of(in_bakery)
    delivered(campaign, 10)

    Rate.objects.filter(market="DE", valid_from=date(2026, 9, 1), category="marketing").update(price="0.20")

    assert found(campaign).kpis["cost"].value == 2


@pytest.mark.parametrize("free", ["free_entry_point", "free_customer_service"])
def test_a_free_message_costs_nothing_and_is_listed(in_bakery: Tenant, free: str) -> None:
    campaign = campaign_of(in_bakery)
    delivered(campaign, 4, price_type=free)

    report = found(campaign)

    assert report.kpis["cost"].value == 0
    assert [(line.price_type, line.messages, line.cost) for line in report.costs.lines] == [(free, 4, 0)]


def test_service_messages_cost_the_utility_price_and_marketing_over_the_other_endpoint_the_same(
    in_bakery: Tenant,
) -> None:
    campaign = campaign_of(in_bakery)
    delivered(campaign, 1, price_category="service")
    delivered(campaign, 1, price_category="marketing_lite")

    assert sorted(line.price or 0 for line in found(campaign).costs.lines) == [Decimal("0.05"), Decimal("0.10")]


@pytest.mark.parametrize(
    ("market", "category"),
    [("FR", "marketing"), ("BR", "marketing"), ("DE", ""), ("DE", "brand_new"), ("", "marketing")],
)
def test_without_a_known_price_nothing_looks_free(in_bakery: Tenant, market: str, category: str) -> None:
    campaign = campaign_of(in_bakery)
    delivered(campaign, 2, market, price_category=category)

    assert found(campaign).kpis["cost"].value is None

    delivered(campaign, 1)
    report = found(campaign)
    assert report.kpis["cost"].value == Decimal("0.10")
    assert report.costs.total.unpriced == 2


def test_nothing_is_converted_from_the_accounts_currency(in_bakery: Tenant) -> None:
    campaign = campaign_of(in_bakery)
    assert campaign.number
    campaign.number.account.currency = "USD"
    campaign.number.account.save()
    Rate.objects.create(currency="USD", market="DE", category="marketing", valid_from=date(2026, 1, 1), price="0.1365")
    delivered(campaign, 2)

    report = found(campaign)

    assert report.kpis["cost"].value is None
    assert (report.costs.currency, report.costs.total.amount) == ("USD", Decimal("0.273"))


def test_variants_share_the_cost(in_bakery: Tenant) -> None:
    campaign = campaign_of(in_bakery)
    delivered(campaign, 1)
    Message.objects.filter(pk__in=[m.pk for m in delivered(campaign, 3)]).update(variant=1)

    assert [variant.kpis["cost"].value for variant in found(campaign).variants] == [Decimal("0.10"), Decimal("0.30")]


def test_the_class_may_come_after_the_delivery(in_bakery: Tenant) -> None:
    campaign = campaign_of(in_bakery)
    late = delivered(campaign, 1, price_type="", price_category="")[0]
    assert found(campaign).costs.total.unpriced == 1

    sent = StatusChange("w", "sent", NOON, seal("callback", in_bakery.pk, late.pk, 1), None, "regular", "marketing")
    delivery.apply(in_bakery.pk, [sent])

    assert found(campaign).costs.total == costs.Bill(Decimal("0.10"), 0)
    assert recounting.drifts(in_bakery.pk) == []


def test_cost_per_order_and_revenue_per_cost_follow(in_bakery: Tenant) -> None:
    from tests.analytics.cast import click

    campaign = campaign_of(in_bakery)
    messages = delivered(campaign, 10)
    click(messages[0])
    order(messages[0], "20")

    kpis = found(campaign).kpis

    assert (kpis["cost_per_order"].value, kpis["roas"].value) == (1, 20)


def test_the_overview_adds_up_the_days_of_the_workspace(in_bakery: Tenant) -> None:
    first, second = campaign_of(in_bakery), campaign_of(in_bakery)
    delivered(first, 1)
    delivered(second, 2, days=1)
    in_dollars = campaign_of(in_bakery)
    delivered(in_dollars, 7, "FR")

    period = queries.overview(in_bakery, date(2026, 9, 1), date(2026, 9, 2)).current

    assert period.kpis["cost"].value == Decimal("0.26")
    assert [day.counts.cost for day in period.days] == [Decimal("0.10"), Decimal("0.16")]


def test_the_api_reports_cost_line_by_line(in_bakery: Tenant, alice: Caller) -> None:
    campaign = campaign_of(in_bakery)
    delivered(campaign, 2)

    body = alice.get(f"campaigns/{campaign.uid}/report/").json()

    assert body["costs"] == {
        "currency": "EUR",
        "total": "0.200000",
        "unpriced": 0,
        "as_of": "2026-09-02",
        "lines": [
            {
                "market": "DE",
                "market_name": "Germany",
                "category": "marketing",
                "price_type": "regular",
                "messages": 2,
                "price": "0.100000",
                "cost": "0.200000",
            }
        ],
    }
    assert body["kpis"]["cost"]["value"] == "0.200000"


def test_the_neighbours_costs_are_not_seen(bakery: Tenant, shop: Tenant) -> None:
    with tenant_scope(bakery):
        campaign = campaign_of(bakery)
        delivered(campaign, 2)

    with tenant_scope(shop):
        assert found(campaign).costs.lines == []


def test_the_report_page_shows_the_costs_in_german(in_bakery: Tenant) -> None:
    campaign = campaign_of(in_bakery)
    delivered(campaign, 1234)
    client = Client(headers={"Accept-Language": "de"})
    client.force_login(in_bakery.memberships.get().user)

    page = client.get(f"/bakery/campaigns/{campaign.uid}/").content.decode()

    assert "123,40\xa0€" in page
    assert "0,1000\xa0€" in page
    assert "Deutschland" in page
