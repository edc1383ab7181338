"""Answers to an Idempotency-Key live for a day: then the key is free again, and the answer is deleted."""

from datetime import timedelta

import pytest
from django.utils.timezone import now

from tenants import repeating, tasks
from tenants.models import IdempotencyKey, Tenant
from tenants.scope import tenant_scope
from tests.contacts.calls import Caller
from tests.tenants.test_rest import campaigns

KEY = {"Idempotency-Key": "k1"}
DAY = timedelta(hours=24)
MINUTE = timedelta(minutes=1)


def age(tenant: Tenant, by: timedelta) -> None:
    """Let this time pass for the tenant's stored answers."""
    with tenant_scope(tenant):
        IdempotencyKey.objects.filter(tenant=tenant).update(created_at=now() - by)


def stored(tenant: Tenant) -> list[str]:
    """The keys whose answers are stored."""
    with tenant_scope(tenant):
        return list(IdempotencyKey.objects.order_by("id").values_list("key", flat=True))


def test_an_answer_is_repeated_until_its_day_is_over(alice: Caller, bakery: Tenant) -> None:
    first = alice.post("campaigns/", {"name": "Einmal"}, **KEY)
    age(bakery, DAY - MINUTE)

    again = alice.post("campaigns/", {"name": "Einmal"}, **KEY)

    assert again.json() == first.json()
    assert campaigns(bakery) == ["Einmal"]


@pytest.mark.parametrize("name", ["Einmal", "Anders"])
def test_after_a_day_the_key_is_free_for_the_same_and_for_another_request(
    alice: Caller, bakery: Tenant, name: str
) -> None:
    alice.post("campaigns/", {"name": "Einmal"}, **KEY)
    age(bakery, DAY + MINUTE)

    answers = [alice.post("campaigns/", {"name": name}, **KEY) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert campaigns(bakery) == ["Einmal", name]
    assert stored(bakery) == ["k1"]


def test_answers_of_every_company_are_deleted_after_a_day_and_younger_ones_stay(
    alice: Caller, carol: Caller, bakery: Tenant, shop: Tenant
) -> None:
    for caller, tenant in ((alice, bakery), (carol, shop)):
        caller.post("campaigns/", {"name": "x"}, **{"Idempotency-Key": "old"})
        age(tenant, DAY + MINUTE)
        caller.post("campaigns/", {"name": "x"}, **{"Idempotency-Key": "young"})

    tasks.forget_answers()

    assert (stored(bakery), stored(shop)) == (["young"], ["young"])


def test_many_are_deleted_batch_by_batch(alice: Caller, bakery: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeating, "MOST_DELETED", 2)
    for number in range(5):
        alice.post("campaigns/", {"name": "x"}, **{"Idempotency-Key": str(number)})
    age(bakery, DAY + MINUTE)

    left = [repeating.forget() for _ in range(3)]

    assert left == [True, True, False]
    assert stored(bakery) == []
