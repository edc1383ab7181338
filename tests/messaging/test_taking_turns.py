"""Several senders on one number: they take turns, spend one bucket, and nobody gets anything twice or nothing."""

import asyncio
import os
import socket
import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
import redis
from pytest_django import Settings

from benchmarks.fleet import wait_until
from messaging import leases, sending
from messaging.engine import Engine
from messaging.models import Source
from tenants.models import Tenant
from tests import factories
from whatsapp.emulator import Running
from whatsapp.models import Number

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("as_runtime")]

RATE, PEOPLE = 40, 160
# A late timer may make up for a fortieth of a second, and one message always may.
LEAST_SECONDS = (PEOPLE - 1) / RATE - 0.025


@pytest.fixture
def number(bakery: Tenant, meta: Running) -> Number:
    return factories.number(bakery, throughput=RATE)


@pytest.fixture
def source(number: Number) -> Source:
    return factories.source(number, factories.contacts(number.tenant, PEOPLE))


@pytest.fixture
def second() -> Iterator[Engine]:
    """The sender of another process."""
    engine = Engine()
    yield engine
    engine.close()


def test_when_a_senders_time_is_over_the_next_one_goes_on(
    source: Source, meta: Running, engine: Engine, second: Engine
) -> None:
    called: list[int] = []
    started = time.monotonic()

    def has_begun() -> bool:
        called.clear()
        engine.run(2, call_next=lambda: called.append(1))
        return len(meta.ledger) > 0

    # On a busy machine nothing may leave in the first two seconds.
    wait_until(has_begun, "the first message", 30)
    left = PEOPLE - len(meta.ledger)
    second.run(30)

    assert called == [1]
    assert left > 0
    assert_everybody_got_one(source, meta)
    assert time.monotonic() - started >= LEAST_SECONDS


def test_while_one_sends_the_lease_names_it_and_another_leaves_the_number_alone(
    number: Number, source: Source, meta: Running, engine: Engine, second: Engine, settings: Settings
) -> None:
    first = threading.Thread(target=engine.run, args=(30,))
    first.start()
    wait_until(lambda: len(meta.ledger) > 0, "the first message", 30)

    called: list[int] = []
    second.run(0.5, call_next=lambda: called.append(1))
    holder = lease(number, settings)
    first.join()

    assert holder == f"{socket.gethostname()}:{os.getpid()}"
    assert called == []
    assert_everybody_got_one(source, meta)


def test_two_that_send_at_once_because_redis_lost_the_lease_spend_one_bucket(
    number: Number, source: Source, meta: Running, engine: Engine, second: Engine, settings: Settings
) -> None:
    started = time.monotonic()
    first = threading.Thread(target=engine.run, args=(30,))
    first.start()
    wait_until(lambda: len(meta.ledger) > 0, "the first message", 30)
    redis.Redis.from_url(settings.REDIS_URL).delete(f"zusage:lane:{number.pk}")
    other = threading.Thread(target=second.run, args=(30,))
    other.start()
    # The first one only makes a lease last longer that is there.
    wait_until(lambda: lease(number, settings) != "", "the second sender", 30)
    for sender in (first, other):
        sender.join()

    assert_everybody_got_one(source, meta)
    assert time.monotonic() - started >= LEAST_SECONDS


def test_a_sender_whose_claim_outlived_its_lease_leaves_that_of_the_next_one_alone(
    number: Number, source: Source, meta: Running, engine: Engine, settings: Settings
) -> None:
    first = threading.Thread(target=engine.run, args=(30,))
    first.start()
    wait_until(lambda: len(meta.ledger) > 0, "the first message", 30)
    cache, key = redis.Redis.from_url(settings.REDIS_URL), f"zusage:lane:{number.pk}"
    cache.set(key, "elsewhere:1", ex=600)
    first.join()

    assert lease(number, settings) == "elsewhere:1"
    assert cache.ttl(key) > 60
    assert_everybody_got_one(source, meta)


@pytest.fixture
def three(bakery: Tenant, monkeypatch: pytest.MonkeyPatch) -> list[Source]:
    """Campaigns on three numbers, of which one process sends on two with ease."""
    monkeypatch.setattr(sending, "EASE", 2 * RATE)
    numbers = [factories.number(bakery, throughput=RATE, phone_number_id=str(n)) for n in (1, 2, 3)]
    approved = factories.template(bakery)
    groups = [factories.contacts(bakery, PEOPLE, start=n * PEOPLE) for n in range(3)]
    return [
        factories.source(number, people, made_template=approved) for number, people in zip(numbers, groups, strict=True)
    ]


def test_more_numbers_than_a_process_sends_on_with_ease_are_left_to_another(
    three: list[Source],
    meta: Running,
    engine: Engine,
    second: Engine,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(leases, "OTHERS_HAVE_S", 600)
    first = threading.Thread(target=engine.run, args=(30,))
    first.start()
    wait_until(lambda: len({row.phone_number_id for row in meta.ledger}) == 2, "the first two", 30)
    assert [lease(source.number, settings) for source in three].count("") == 1
    second.run(30)
    first.join()

    assert_all_were_sent_at_once(three, meta)


def test_a_process_that_is_alone_sends_on_all_numbers_at_once_after_a_while(
    three: list[Source], meta: Running, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "OTHERS_HAVE_S", 0.5)

    engine.run(30)

    assert_all_were_sent_at_once(three, meta)
    # And knows that it is alone in its next task.
    monkeypatch.setattr(leases, "OTHERS_HAVE_S", 600)
    assert not asyncio.run(engine.others.may_have(three[0].number_id))


def test_who_leaves_numbers_to_others_calls_one_of_them_once(
    three: list[Source], meta: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "EASE", RATE)
    called: list[int] = []
    engine = Engine(call_others=lambda: called.append(1))

    engine.run(30)
    engine.close()

    assert_all_were_sent_at_once(three, meta)
    assert called == [1]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time by which numbers are left to others, as its only item."""
    clock = [1000.0]
    monkeypatch.setattr(leases, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    return clock


def test_who_leaves_a_number_in_vain_is_alone_for_a_minute(clock: list[float]) -> None:
    others = leases.Others()

    def after(seconds: float) -> bool:
        clock[0] += seconds
        return asyncio.run(others.may_have(7))

    assert [after(0), after(1), after(1.5), after(59), after(2)] == [True, True, False, False, True]
    # What was left long before this task says nothing.
    clock[0] += 3600
    others.begin()
    assert after(0)
    # But nobody waits anew because a task begins.
    clock[0] += 1
    others.begin()
    assert not after(1)
    # Another process has it, so there is one.
    others.saw(7, is_mine=False)
    assert after(1)


def test_nobody_is_called_again_while_another_sends_on_what_was_left(clock: list[float]) -> None:
    called: list[float] = []
    others = leases.Others(lambda: called.append(clock[0]))

    def look_for(seconds: int) -> None:
        """Five looks a second, as a sender takes them, while another process has the number."""
        for _ in range(seconds * 5):
            clock[0] += 0.2
            if not asyncio.run(others.may_have(7)):
                others.saw(7, is_mine=False)

    look_for(60)
    assert called == [1000.2]
    # The other may long be gone when the next number is left.
    clock[0] += 3600
    others.begin()
    look_for(60)
    assert len(called) == 2


def test_a_number_that_another_process_has_makes_none_wait_that_nobody_takes(clock: list[float]) -> None:
    others = leases.Others()

    def leaves(*number_ids: int) -> list[bool]:
        return [asyncio.run(others.may_have(number_id)) for number_id in number_ids]

    assert leaves(7, 8) == [True, True]
    clock[0] += 1.5
    assert leaves(7) == [False]
    others.saw(7, is_mine=False)
    assert leaves(8) == [False]


def assert_all_were_sent_at_once(sources: list[Source], meta: Running) -> None:
    assert [factories.states(source) for source in sources] == [{"ACCEPTED": PEOPLE}] * 3
    assert meta.duplicates() == {}
    last = {row.phone_number_id: row.at for row in meta.ledger}
    first = {row.phone_number_id: row.at for row in reversed(list(meta.ledger))}
    assert max(first.values()) < min(last.values())


def lease(number: Number, settings: Settings) -> str:
    return (redis.Redis.from_url(settings.REDIS_URL).get(f"zusage:lane:{number.pk}") or b"").decode()


def assert_everybody_got_one(source: Source, meta: Running) -> None:
    assert factories.states(source) == {"ACCEPTED": PEOPLE}
    assert len(meta.ledger) == PEOPLE
    assert meta.duplicates() == {}
