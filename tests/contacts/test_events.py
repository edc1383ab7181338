"""Events arrive once, whoever sends them and however often."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from contacts import actions
from contacts.actions import ContactData, EventData, Recorded
from contacts.models import Contact, Event
from tenants.models import Tenant
from tenants.scope import tenant_scope

PHONE = "+493023125001"


def order(event_id: str = "1", **changes: Any) -> EventData:
    given: dict[str, Any] = {"name": "order_placed", "value": Decimal("49.90"), "currency": "EUR", "phone": PHONE}
    return EventData(event_id=event_id, **{"occurred_at": timezone.now(), **given, **changes})


def record(tenant: Tenant, *rows: EventData) -> list[Recorded]:
    return actions.record_events(tenant=tenant, rows=rows)


@pytest.fixture
def ada(in_bakery: Tenant) -> Contact:
    keys = {"phone": PHONE, "external_id": "4711", "bsuid": "DE.13491208655302741918"}
    actions.upsert(tenant=in_bakery, rows=[ContactData(keys)], by=None)
    return Contact.objects.get()


@pytest.mark.parametrize("key", ["phone", "external_id", "bsuid", "uid"])
def test_an_event_finds_its_contact_by_any_key(key: str, ada: Contact, in_bakery: Tenant) -> None:
    row = order(**{"phone": None, key: getattr(ada, key), "order_id": "A-1", "properties": {"items": [1, 2]}})

    assert [answer.outcome for answer in record(in_bakery, row)] == ["created"]
    event = Event.objects.get()
    assert (event.contact, event.value, event.currency, event.order_id) == (ada, Decimal("49.90"), "EUR", "A-1")
    assert event.properties == {"items": [1, 2]}
    assert event.occurred_at == row.occurred_at


def test_the_same_event_twice_is_stored_once(ada: Contact, in_bakery: Tenant) -> None:
    first = record(in_bakery, order("1"), order("1"), order("2"))
    second = record(in_bakery, order("1"), order("2"), order("3"))

    assert [answer.outcome for answer in first] == ["created", "duplicate", "created"]
    assert [answer.outcome for answer in second] == ["duplicate", "duplicate", "created"]
    assert Event.objects.count() == 3


def test_an_event_of_a_stranger_is_refused_and_creates_nobody(ada: Contact, in_bakery: Tenant) -> None:
    answers = record(in_bakery, order(phone="+493023125999"), order("2"))

    assert [answer.outcome for answer in answers] == ["rejected", "created"]
    assert answers[0].errors["contact"][0].startswith("unknown_contact")
    assert Contact.objects.count() == 1


def test_keys_that_name_two_people_are_refused(ada: Contact, in_bakery: Tenant) -> None:
    actions.upsert(tenant=in_bakery, rows=[ContactData({"external_id": "42"})], by=None)

    [answer] = record(in_bakery, order(external_id="42"))

    assert answer.errors["contact"][0].startswith("conflicting_contact")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"value": None}, "value"),
        ({"value": None, "name": "order_refunded"}, "value"),
        ({"value": Decimal(-1)}, "value"),
        ({"currency": ""}, "currency"),
        ({"currency": "eur"}, "currency"),
        ({"properties": {"a": "\x00"}}, "properties"),
        ({"properties": {"a": "\ud800"}}, "properties"),
        ({"properties": {"a": "x" * 10_001}}, "properties"),
        ({"occurred_at": timezone.now() + timedelta(days=3)}, "occurred_at"),
    ],
)
def test_an_order_needs_its_money_and_its_time(
    changes: dict[str, Any], field: str, ada: Contact, in_bakery: Tenant
) -> None:
    [answer] = record(in_bakery, order(**changes))

    assert answer.outcome == "rejected"
    assert list(answer.errors) == [field]


def test_other_events_need_no_money(ada: Contact, in_bakery: Tenant) -> None:
    [answer] = record(in_bakery, order(name="product_viewed", value=None, currency=""))

    assert answer.outcome == "created"


def test_thousands_of_events_are_stored_in_a_few_statements(ada: Contact, in_bakery: Tenant) -> None:
    with CaptureQueriesContext(connection) as few:
        answers = record(in_bakery, *[order(str(number)) for number in range(3000)])

    assert {answer.outcome for answer in answers} == {"created"}
    assert Event.objects.count() == 3000
    assert len(few) <= 4
    with pytest.raises(ValidationError):
        record(in_bakery, *[order()] * 10_001)


@pytest.mark.django_db(transaction=True)
def test_senders_of_the_same_events_at_the_same_time_store_them_once(bakery: Tenant) -> None:
    with tenant_scope(bakery):
        actions.upsert(tenant=bakery, rows=[ContactData({"phone": PHONE})], by=None)

    def send(worker: int) -> int:
        rows = [order(str(number)) for number in range(200)]
        try:
            with tenant_scope(bakery):
                answers = record(bakery, *(rows if worker % 2 else rows[::-1]))
            return sum(answer.outcome == "created" for answer in answers)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(send, range(8))) == 200
    with tenant_scope(bakery):
        assert Event.objects.count() == 200
