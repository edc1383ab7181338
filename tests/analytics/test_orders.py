"""An order is credited to the last click within 14 days before it, a refund to its order, whatever comes first."""

import threading
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.db.models import Sum

from analytics import recounting
from analytics.models import HourlyKpi, Kpi, OrderCredit
from contacts.models import Contact, Event
from messaging.models import Click, Message, Source
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.analytics.cast import NOON, click, event, messages_of, order, refund, source_of

pytestmark = pytest.mark.django_db
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def money(source: Source) -> tuple[int, int, Decimal]:
    """(orders, converted, revenue) of the source."""
    found = Kpi.objects.filter(source=source).aggregate(Sum("orders"), Sum("converted"), Sum("revenue"))
    return found["orders__sum"] or 0, found["converted__sum"] or 0, found["revenue__sum"] or Decimal(0)


@pytest.fixture
def message(in_bakery: Tenant) -> Message:
    """A message of the campaign Sommer, to a contact who has not clicked yet."""
    return messages_of(source_of(in_bakery))[0]


def test_an_order_after_a_click_is_credited_to_the_message(message: Message) -> None:
    clicked = click(message)

    order(message, "49.90", order_id="A1")

    credit = OrderCredit.objects.get()
    assert (credit.message_id, credit.click_id, credit.value) == (message.pk, clicked.pk, Decimal("49.90"))
    assert money(message.source) == (1, 1, Decimal("49.90"))
    assert HourlyKpi.objects.get(hour=NOON + HOUR).revenue == Decimal("49.90")


def test_the_last_click_before_the_order_gets_the_credit(message: Message, in_bakery: Tenant) -> None:
    later = Message.objects.create(tenant=in_bakery, source=source_of(in_bakery, "Herbst"), contact=message.contact)
    click(message, at=NOON)
    click(later, at=NOON + HOUR)
    click(message, at=NOON + 3 * HOUR)

    order(message, occurred_at=NOON + 2 * HOUR)

    assert money(later.source) == (1, 1, Decimal(10))
    assert money(message.source) == (0, 0, 0)


@pytest.mark.parametrize(("gap", "orders"), [(14 * DAY - HOUR, 1), (14 * DAY, 0), (-HOUR, 0)])
def test_only_clicks_within_14_days_before_the_order_count(message: Message, gap: timedelta, orders: int) -> None:
    click(message)

    order(message, occurred_at=NOON + gap)

    assert OrderCredit.objects.count() == orders


def test_clicks_by_previews_earn_no_credit(message: Message) -> None:
    click(message, is_counted=False)

    order(message)

    assert money(message.source) == (0, 0, 0)


def test_other_peoples_clicks_earn_no_credit(message: Message) -> None:
    click(message)
    other = messages_of(message.source)[0]

    order(other)

    assert not OrderCredit.objects.exists()


def test_other_events_earn_no_credit(message: Message) -> None:
    click(message)

    event(message.contact_id, message.tenant_id, "product_viewed")

    assert not OrderCredit.objects.exists()


def test_an_order_without_value_counts_as_an_order_of_nothing(message: Message) -> None:
    click(message)

    order(message, None)

    assert money(message.source) == (1, 1, 0)


def test_a_contact_who_orders_twice_is_converted_once(message: Message) -> None:
    click(message)

    order(message, "10")
    order(message, "5", occurred_at=NOON + 2 * HOUR)

    assert money(message.source) == (2, 1, 15)


def test_two_first_orders_in_one_statement_convert_once(message: Message) -> None:
    click(message)

    Event.objects.bulk_create(
        Event(
            tenant_id=message.tenant_id, contact_id=message.contact_id, event_id=f"bulk{i}", name="order_placed",
            occurred_at=NOON + HOUR, value=3,
        )
        for i in range(2)
    )  # fmt: skip

    assert money(message.source) == (2, 1, 6)


def test_a_refund_lowers_revenue_and_leaves_the_order(message: Message) -> None:
    click(message)
    order(message, "50", order_id="A1")

    refund(message, "20", "A1", occurred_at=NOON + 40 * DAY)

    assert money(message.source) == (1, 1, 30)
    assert HourlyKpi.objects.get(hour=NOON + 40 * DAY).revenue == -20


def test_a_refund_that_arrives_before_its_order_is_credited_with_it(message: Message) -> None:
    click(message)
    refund(message, "20", "A1", occurred_at=NOON + 2 * HOUR)
    assert not OrderCredit.objects.exists()

    order(message, "50", order_id="A1")

    assert money(message.source) == (1, 1, 30)


def test_a_refund_of_an_order_without_credit_changes_nothing(message: Message) -> None:
    order(message, "50", order_id="A1")
    click(message, at=NOON + 3 * HOUR)

    refund(message, "20", "A1", occurred_at=NOON + 4 * HOUR)
    refund(message, "20", "", occurred_at=NOON + 4 * HOUR)

    assert money(message.source) == (0, 0, 0)


def test_an_order_in_another_currency_counts_but_adds_no_revenue(message: Message) -> None:
    click(message)

    order(message, "50", currency="CHF")
    order(message, "7", currency="EUR")

    assert money(message.source) == (2, 1, 7)
    assert OrderCredit.objects.get(currency="CHF").value == 50


def test_an_order_stored_before_its_click_is_credited_when_the_click_arrives(message: Message) -> None:
    order(message)

    click(message)

    assert money(message.source) == (1, 1, 10)


def test_a_click_unmasked_as_a_robot_gives_its_credits_back(message: Message) -> None:
    click(message)
    order(message, "50", order_id="A1")
    refund(message, "20", "A1")

    Click.objects.update(is_counted=False)

    assert money(message.source) == (0, 0, 0)
    assert not OrderCredit.objects.exists()


def test_a_corrected_order_corrects_the_revenue(message: Message) -> None:
    click(message)
    placed = order(message, "50")

    Event.objects.filter(pk=placed.pk).update(value=40)

    assert money(message.source) == (1, 1, 40)


def test_an_order_given_another_number_takes_its_refund_back(message: Message) -> None:
    click(message)
    placed = order(message, "50", order_id="A1")
    refund(message, "20", "A1")

    Event.objects.filter(pk=placed.pk).update(order_id="A2")

    assert money(message.source) == (1, 1, 50)


def test_an_order_sent_twice_is_credited_once(message: Message) -> None:
    click(message)
    placed = order(message)

    Event.objects.bulk_create(
        [Event(tenant_id=placed.tenant_id, contact_id=placed.contact_id, event_id=placed.event_id,
               name=placed.name, occurred_at=placed.occurred_at, value=10)],
        ignore_conflicts=True,
    )  # fmt: skip

    assert money(message.source) == (1, 1, 10)


def test_erasing_a_contact_keeps_its_credits_in_the_statistics(message: Message) -> None:
    click(message)
    order(message, "50")

    Click.objects.update(contact=None)
    Contact.objects.get(pk=message.contact_id).delete()

    assert not Event.objects.exists()
    assert money(message.source) == (1, 1, 50)
    assert recounting.drifts(message.tenant_id) == []


def test_another_tenants_click_earns_no_credit(bakery: Tenant, shop: Tenant) -> None:
    with tenant_scope(bakery):
        click(messages_of(source_of(bakery))[0])
    with tenant_scope(shop):
        message = messages_of(source_of(shop))[0]
        order(message)
        assert not OrderCredit.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_first_orders_arriving_at_once_convert_a_contact_once(bakery: Tenant) -> None:
    with tenant_scope(bakery):
        message = messages_of(source_of(bakery))[0]
        click(message)
    at_once = threading.Barrier(4)

    def place(number: int) -> None:
        try:
            at_once.wait(timeout=30)
            with tenant_scope(bakery):
                name = "order_placed" if number % 2 else "order_refunded"
                event(
                    message.contact_id, bakery.pk, name, "10" if number % 2 else "1",
                    event_id=f"at-once-{number}", order_id=f"A{number // 2}",
                )  # fmt: skip
        finally:
            connection.close()

    threads = [threading.Thread(target=place, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with tenant_scope(bakery):
        assert money(message.source) == (2, 1, 18)
        assert recounting.drifts(bakery.pk) == []
