"""A worker that dies: what had no token yet certainly never left and goes back, what had one stays uncertain."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

import pytest
import redis
import redis.asyncio
import time_machine
from django.db import connection
from django.utils.timezone import now
from pytest_django import Settings

from messaging import bucket, claiming, sweeping
from messaging.bucket import Bucket, Grant
from messaging.budget import Budget
from messaging.claiming import Outgoing
from messaging.engine import Engine
from messaging.models import Message, Source
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests import factories
from whatsapp.emulator import Running
from whatsapp.models import Number

pytestmark = pytest.mark.django_db(transaction=True)


class DyingLane:
    """A lane that claims and takes tokens, and then is never heard of again."""

    def __init__(self, number: Number, url: str) -> None:
        self.number, self.url, self.mark = number, url, 0

    def claim(self, source: Source) -> list[Outgoing]:
        with tenant_scope(self.number.tenant_id):
            number = Number.objects.select_related("account", "tenant").get(pk=self.number.pk)
        return claiming.claim(number=number, source_id=source.pk, most=10, budget=Budget(number))

    def take(self, attempts: Sequence[Outgoing], *, times: int = 1) -> Grant:
        return asyncio.run(self._take([bucket.name(a.message_id, a.attempt) for a in attempts], times))

    async def _take(self, names: list[str], times: int) -> Grant:
        async with redis.asyncio.Redis.from_url(self.url) as cache:
            rate = Bucket(cache, number_id=self.number.pk, rate=1_000_000, run=await bucket.run_of(cache))
            # A bucket that was silent begins with one message; at this rate it has room for all a moment later.
            await rate.take([])
            for _ in range(times):
                grant = await rate.take(names)
            return grant

    def grants(self, *, rate: int, most: int) -> int:
        """How many of so many attempts get a token right now."""
        return asyncio.run(self._grants(rate, most))

    async def _grants(self, rate: int, most: int) -> int:
        async with redis.asyncio.Redis.from_url(self.url) as cache:
            taken = Bucket(cache, number_id=self.number.pk, rate=rate, run=await bucket.run_of(cache))
            return (await taken.take([bucket.name(message_id, 1) for message_id in range(most)])).count


@pytest.fixture
def lane(bakery: Tenant, settings: Settings) -> DyingLane:
    """On a Redis that has been remembering for a while."""
    redis.Redis.from_url(settings.REDIS_URL).flushdb()
    lane = DyingLane(factories.number(bakery), settings.REDIS_URL)
    lane.take([])
    return lane


def die(source: Source, settings: Settings) -> None:
    """Let so much time pass since the claim that its worker must be dead, and Redis' memory be older than the claim."""
    settings.MESSAGING_CLAIM_GRACE_S = -300
    with tenant_scope(source.tenant_id):
        Message.objects.filter(source=source, queue=1).update(claimed_at=now() + timedelta(minutes=2))


def test_what_got_no_token_goes_back_and_what_got_one_is_uncertain(lane: DyingLane, settings: Settings) -> None:
    source = factories.source(lane.number, factories.contacts(lane.number.tenant, 3))
    claimed = lane.claim(source)
    assert lane.take(claimed[:2]).count == 2
    die(source, settings)

    swept = sweeping.sweep()

    assert (swept.put_back, swept.left_behind) == (1, 2)
    assert factories.states(source) == {"QUEUED": 1, "UNCERTAIN": 2}


def test_a_redis_that_was_emptied_since_knows_nothing_so_all_are_uncertain(lane: DyingLane, settings: Settings) -> None:
    source = factories.source(lane.number, factories.contacts(lane.number.tenant, 3))
    lane.take(lane.claim(source))
    redis.Redis.from_url(settings.REDIS_URL).flushdb()
    settings.MESSAGING_CLAIM_GRACE_S = -1

    sweeping.sweep()

    assert factories.states(source) == {"UNCERTAIN": 3}


def test_a_redis_that_was_restarted_since_may_have_lost_grants_so_all_are_uncertain(
    lane: DyingLane, settings: Settings
) -> None:
    source = factories.source(lane.number, factories.contacts(lane.number.tenant, 3))
    lane.claim(source)
    die(source, settings)
    broker = redis.Redis.from_url(settings.REDIS_URL)
    (run, since), *_ = broker.zrange(f"zusage:granted:{lane.number.pk}", 0, 0, withscores=True)
    broker.zrem(f"zusage:granted:{lane.number.pk}", run)
    broker.zadd(f"zusage:granted:{lane.number.pk}", {"run:before": since})
    # Its memory begins now, while the claims are from before.
    with tenant_scope(source.tenant_id):
        Message.objects.filter(source=source, queue=1).update(claimed_at=now())

    sweeping.sweep()

    assert factories.states(source) == {"UNCERTAIN": 3}


def test_an_accepted_message_whose_answer_the_database_refuses_is_not_sent_again(
    lane: DyingLane, meta: Running, engine: Engine, settings: Settings
) -> None:
    source = factories.source(lane.number, factories.contacts(lane.number.tenant, 3))
    with refusing_an_answer(source):
        engine.run(10)
    assert factories.states(source) == {"ACCEPTED": 2, "CLAIMED": 1}
    die(source, settings)

    swept = sweeping.sweep()
    engine.run(10)

    assert (swept.put_back, swept.left_behind) == (0, 1)
    assert factories.states(source) == {"ACCEPTED": 2, "UNCERTAIN": 1}
    assert len(meta.ledger) == 3


def test_what_may_have_arrived_is_remembered_for_a_sweeper_that_has_just_read_it_as_claimed(
    lane: DyingLane, meta: Running, engine: Engine, settings: Settings
) -> None:
    settings.WHATSAPP_TIMEOUT_S = 0.3
    meta.configure(hangs=1.0, hang_s=2.0)
    source = factories.source(lane.number, factories.contacts(lane.number.tenant, 3))
    engine.run(3)
    assert factories.states(source) == {"UNCERTAIN": 3}
    with tenant_scope(source.tenant_id):
        names = [bucket.name(message.pk, message.attempt) for message in Message.objects.filter(source=source)]

    _since, unnamed = bucket.take_back(
        redis.Redis.from_url(settings.REDIS_URL), number_id=lane.number.pk, attempts=names
    )

    assert unnamed == set()


def test_a_worker_whose_clock_is_days_behind_does_not_forget_what_it_has_named(
    lane: DyingLane, settings: Settings
) -> None:
    source = factories.source(lane.number, factories.contacts(lane.number.tenant, 3))
    claimed = lane.claim(source)
    with time_machine.travel(now() - timedelta(days=3)):
        assert lane.take(claimed).count == 3
    die(source, settings)

    sweeping.sweep()

    assert factories.states(source) == {"UNCERTAIN": 3}


@contextmanager
def refusing_an_answer(source: Source) -> Iterator[None]:
    """The database refuses what Meta answers to the first message of a source."""
    with tenant_scope(source.tenant_id), connection.cursor() as cursor:
        first = Message.objects.filter(source=source).earliest("pk")
        cursor.execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$"
        )
        cursor.execute(
            "CREATE TRIGGER refuses BEFORE UPDATE ON messaging_message FOR EACH ROW"
            f" WHEN (NEW.id = {first.pk} AND NEW.wamid IS NOT NULL) EXECUTE FUNCTION refuse()"
        )
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP FUNCTION refuse() CASCADE")


def test_a_bucket_from_before_redis_clock_stepped_back_is_a_fresh_one(lane: DyingLane, settings: Settings) -> None:
    cache = redis.Redis.from_url(settings.REDIS_URL)
    seconds, _ = cache.time()
    cache.set(f"zusage:bucket:{lane.number.pk}", (seconds + 600) * 1_000_000)

    assert lane.grants(rate=1, most=200) == 1
    assert lane.grants(rate=1, most=200) == 0


def test_a_rest_is_not_shortened_by_an_answer_that_asks_for_a_shorter_one(lane: DyingLane, settings: Settings) -> None:
    async def rest() -> None:
        async with redis.asyncio.Redis.from_url(settings.REDIS_URL) as cache:
            braked = Bucket(cache, number_id=lane.number.pk, rate=10, run=await bucket.run_of(cache))
            for seconds in (1, 600, 1):
                await braked.brake(seconds)

    asyncio.run(rest())

    assert redis.Redis.from_url(settings.REDIS_URL).ttl(f"zusage:brake:{lane.number.pk}") > 60


def test_a_lane_that_wakes_up_late_may_not_send_what_was_taken_back(lane: DyingLane, settings: Settings) -> None:
    source = factories.source(lane.number, factories.contacts(lane.number.tenant, 3))
    claimed = lane.claim(source)
    die(source, settings)
    sweeping.sweep()

    grant = lane.take(claimed)

    assert grant.lost == {bucket.name(message.message_id, 1) for message in claimed}


def test_a_lane_that_asks_again_because_the_connection_broke_keeps_its_tokens(lane: DyingLane) -> None:
    source = factories.source(lane.number, factories.contacts(lane.number.tenant, 3))

    grant = lane.take(lane.claim(source), times=2)

    assert (grant.count, grant.lost) == (3, frozenset())


def test_what_another_lane_gave_back_after_its_token_is_sent_by_the_next_one(
    lane: DyingLane, meta: Running, engine: Engine
) -> None:
    source = factories.source(lane.number, factories.contacts(lane.number.tenant, 3))
    lane.take([])
    claimed = lane.claim(source)
    # Redis granted, but its answer got lost, and the lane gave up waiting for it.
    lane.take(claimed)
    claiming.release(source.tenant_id, claimed)

    engine.run(5)

    assert factories.states(source) == {"ACCEPTED": 3}
    assert meta.duplicates() == {}


def test_what_was_put_back_is_sent_and_leaves_nothing_in_redis(
    lane: DyingLane, meta: Running, engine: Engine, settings: Settings
) -> None:
    source = factories.source(lane.number, factories.contacts(lane.number.tenant, 50))
    lane.take([])
    lane.claim(source)
    die(source, settings)
    sweeping.sweep()

    engine.run(10)

    assert factories.states(source) == {"ACCEPTED": 50}
    assert meta.duplicates() == {}
    granted = redis.Redis.from_url(settings.REDIS_URL).zrange(f"zusage:granted:{lane.number.pk}", 0, -1)
    assert {name for name in granted if not name.startswith(b"run:")} <= {
        bucket.name(message.pk, 1).encode() for message in messages(source)
    }


def test_a_claim_that_was_put_back_unsent_does_not_count_as_an_attempt(lane: DyingLane) -> None:
    source = factories.source(lane.number, factories.contacts(lane.number.tenant, 2))

    claiming.release(source.tenant_id, lane.claim(source))

    assert {message.attempt for message in messages(source)} == {0}


def messages(source: Source) -> list[Message]:
    with tenant_scope(source.tenant_id):
        return list(Message.objects.filter(source=source))


def test_a_number_that_was_silent_begins_with_one_message_and_no_burst_at_any_rate(
    lane: DyingLane, settings: Settings
) -> None:
    cache = redis.Redis.from_url(settings.REDIS_URL)

    def first(rate: int) -> int:
        cache.flushdb()
        return lane.grants(rate=rate, most=200)

    assert {rate: first(rate) for rate in range(1, 1001)} == dict.fromkeys(range(1, 1001), 1)


def test_a_late_timer_is_made_up_for_by_a_fortieth_of_a_second_at_most(lane: DyingLane, settings: Settings) -> None:
    cache = redis.Redis.from_url(settings.REDIS_URL)
    seconds, _ = cache.time()
    cache.set(f"zusage:bucket:{lane.number.pk}", (seconds - 1) * 1_000_000)

    assert lane.grants(rate=1000, most=200) == 25
