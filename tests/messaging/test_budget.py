"""The daily limit is counted in Redis and known by PostgreSQL: a Redis that forgets lets nobody slip through."""

from datetime import timedelta

import pytest
import redis
from django.utils.timezone import now
from pytest_django import Settings

from contacts.models import Contact
from messaging.budget import Budget
from messaging.models import Message, Source
from tenants.models import Tenant
from tests import factories
from whatsapp.models import Number

LIMIT = 3


@pytest.fixture
def number(in_bakery: Tenant) -> Number:
    return factories.number(in_bakery, daily_limit=LIMIT)


@pytest.fixture
def people(number: Number) -> list[Contact]:
    return factories.contacts(number.tenant, 6)


@pytest.fixture
def source(number: Number, people: list[Contact]) -> Source:
    return factories.source(number, people)


@pytest.fixture
def cache(settings: Settings) -> "redis.Redis":
    cache = redis.Redis.from_url(settings.REDIS_URL)
    cache.flushdb()
    return cache


def reached(people: list[Contact], **fields: object) -> None:
    """Let Meta have accepted a message to them an hour ago, if nothing else is said."""
    values = {"state": Message.State.ACCEPTED, "queue": 2, "accepted_at": now() - timedelta(hours=1)}
    Message.objects.filter(contact__in=people).update(**(values | fields))


def refused(number: Number, people: list[Contact]) -> int:
    """How many of them have no room."""
    return len(Budget(number).reserve([person.pk for person in people], limit=LIMIT)[0])


def test_an_emptied_redis_learns_from_the_messages_whom_we_reached(
    number: Number, people: list[Contact], source: Source, cache: "redis.Redis"
) -> None:
    reached(people[:2])

    assert refused(number, people[2:]) == 3


def test_a_count_that_lost_its_beginning_is_made_anew(
    number: Number, people: list[Contact], source: Source, cache: "redis.Redis"
) -> None:
    reached(people[:3])
    assert refused(number, people[3:]) == 3
    budget = Budget(number)
    # Redis is emptied after one asked and before another one writes.
    cache.flushdb()
    cache.zadd(budget._key, {str(people[0].pk): now().timestamp()})

    assert refused(number, people[3:]) == 3


def test_who_is_being_sent_to_or_may_have_been_reached_counts(
    number: Number, people: list[Contact], source: Source, cache: "redis.Redis"
) -> None:
    reached(people[:1], state=Message.State.CLAIMED, queue=1, consent_seq=1, accepted_at=None, claimed_at=now())
    reached(people[1:2], state=Message.State.UNCERTAIN, accepted_at=None, claimed_at=now())

    assert refused(number, people[2:]) == 3


def test_nobody_reached_yet_leaves_the_whole_day_and_names_when_a_place_is_free(
    number: Number, people: list[Contact], source: Source, cache: "redis.Redis"
) -> None:
    without_room, free_at = Budget(number).reserve([person.pk for person in people], limit=LIMIT)

    assert len(without_room) == len(people) - LIMIT
    assert timedelta(hours=23) < free_at - now() <= timedelta(hours=24)


def test_the_same_person_needs_one_place_however_often(
    number: Number, people: list[Contact], source: Source, cache: "redis.Redis"
) -> None:
    assert [refused(number, people[:LIMIT]) for _ in range(3)] == [0, 0, 0]
    assert refused(number, people[LIMIT:]) == 3
