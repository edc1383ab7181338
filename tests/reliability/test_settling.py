"""What a sender leaves behind when its surroundings fail: put back if it never left, repeated only on evidence."""

import threading
from datetime import timedelta

import pytest
import redis
from django.utils.timezone import now
from pytest_django import Settings

from messaging import claiming, sweeping
from messaging.budget import Budget
from messaging.engine import Engine
from messaging.models import Message, Source
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests import factories
from whatsapp.emulator import Running
from whatsapp.models import Number

pytestmark = pytest.mark.django_db(transaction=True)


def unclear(source: Source, *, claimed_s_ago: float, status: bool) -> None:
    """Let one message be uncertain, one of the same minute be accepted, and one that came later be confirmed."""
    with tenant_scope(source.tenant_id):
        lost, neighbour, later = Message.objects.filter(source=source).order_by("id")
        at = now() - timedelta(seconds=claimed_s_ago)
        Message.objects.filter(pk=lost.pk).update(
            queue=1, consent_seq=1, state=7, attempt=1, claimed_at=at, next_attempt_at=at
        )
        Message.objects.filter(pk=neighbour.pk).update(
            queue=2, state=4 if status else 2, claimed_at=at, accepted_at=at, sent_at=at if status else None
        )
        soon = at + timedelta(minutes=5)
        Message.objects.filter(pk=later.pk).update(queue=2, state=4, claimed_at=soon, accepted_at=soon, sent_at=soon)


def test_an_uncertain_one_is_repeated_when_everybody_of_its_minute_was_heard_of(
    bakery: Tenant, settings: Settings
) -> None:
    settings.MESSAGING_SETTLE_S = 900
    source = factories.source(factories.number(bakery), factories.contacts(bakery, 3))
    unclear(source, claimed_s_ago=1000, status=True)

    sweeping.sweep()

    assert factories.states(source) == {"QUEUED": 1, "SENT": 2}


def test_while_statuses_of_its_minute_are_missing_it_waits_and_is_then_given_up(
    bakery: Tenant, settings: Settings
) -> None:
    settings.MESSAGING_SETTLE_S = 900
    source = factories.source(factories.number(bakery), factories.contacts(bakery, 3))
    unclear(source, claimed_s_ago=1000, status=False)

    sweeping.sweep()
    with tenant_scope(bakery):
        assert Message.objects.get(source=source, state=7).queue == Message.Queue.CLAIMED
    unclear(source, claimed_s_ago=3700, status=False)
    sweeping.sweep()

    with tenant_scope(bakery):
        given_up = Message.objects.get(source=source, state=7)
    assert (given_up.queue, given_up.reason) == (Message.Queue.OUT, "never_confirmed")


def test_redis_that_drops_its_clients_stops_nobody(
    bakery: Tenant, meta: Running, engine: Engine, settings: Settings
) -> None:
    source = factories.source(factories.number(bakery, throughput=200), factories.contacts(bakery, 400))
    broker, is_over = redis.Redis.from_url(settings.REDIS_URL), threading.Event()

    def drop_clients() -> None:
        while not is_over.wait(0.3):
            broker.client_kill_filter(_type="normal", skipme=True)

    wrecker = threading.Thread(target=drop_clients)
    wrecker.start()
    try:
        engine.run(20)
    finally:
        is_over.set()
        wrecker.join()

    assert factories.states(source) == {"ACCEPTED": 400}
    assert meta.duplicates() == {}


def test_what_never_left_goes_back_even_if_it_was_called_uncertain(bakery: Tenant, settings: Settings) -> None:
    settings.MESSAGING_CLAIM_GRACE_S = -1
    source = factories.source(factories.number(bakery), factories.contacts(bakery, 3))
    with tenant_scope(bakery):
        number = Number.objects.select_related("account", "tenant").get(tenant=bakery)
        batch = claiming.claim(number=number, source_id=source.pk, most=3, budget=Budget(number))
    settings.MESSAGING_SETTLE_S = 900
    sweeping.sweep()
    assert factories.states(source) == {"UNCERTAIN": 3}

    claiming.release(bakery.pk, batch)

    assert factories.states(source) == {"QUEUED": 3}
