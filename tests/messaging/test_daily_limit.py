"""Meta's limit of people in 24 hours stops what a company begins, and nothing else."""

from datetime import timedelta

import pytest
import redis
from django.utils.timezone import now
from pytest_django import Settings

from contacts.models import Contact
from messaging import actions
from messaging.engine import Engine
from messaging.models import Message
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests import factories
from whatsapp.emulator import Running
from whatsapp.models import Number

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("as_runtime")]


def test_the_daily_limit_stops_the_number_until_a_place_is_free(bakery: Tenant, meta: Running, engine: Engine) -> None:
    source = factories.source(factories.number(bakery, daily_limit=5), factories.contacts(bakery, 8))

    engine.run(3)

    assert factories.states(source) == {"ACCEPTED": 5, "QUEUED": 3}
    with tenant_scope(bakery):
        number = Number.objects.get(tenant=bakery)
    assert number.pause_code == -24
    assert number.paused_until is not None
    assert number.paused_until > now() + timedelta(hours=23)


def test_who_cannot_get_a_message_takes_no_place_of_the_daily_limit(
    bakery: Tenant, meta: Running, engine: Engine
) -> None:
    people = factories.contacts(bakery, 8)
    source = factories.source(factories.number(bakery, daily_limit=5), people)
    with tenant_scope(bakery):
        # Nobody can build these three.
        Message.objects.filter(contact__in=people[:3]).update(variant=9)

    engine.run(3)

    assert factories.states(source) == {"FAILED": 3, "ACCEPTED": 5}
    with tenant_scope(bakery):
        assert Number.objects.get(tenant=bakery).paused_until is None


def answer(number: Number, person: Contact, dedupe: str) -> Message:
    """The confirmation that somebody gets who has written."""
    with tenant_scope(number.tenant):
        queued = actions.queue_reply(
            tenant=number.tenant,
            number=number,
            contact=person,
            text="Du bist abgemeldet.",
            dedupe=dedupe,
            expires_at=now() + timedelta(hours=1),
        )
    assert queued
    return queued


def test_answers_take_no_place_of_the_daily_limit_and_leave_when_it_is_spent(
    bakery: Tenant, meta: Running, engine: Engine, settings: Settings
) -> None:
    number, people = factories.number(bakery, daily_limit=5), factories.contacts(bakery, 10)
    answers = [answer(number, person, f"before:{person.pk}") for person in people[:2]]
    engine.run(2)
    # Nor do they once Redis has forgotten whom the portfolio has reached.
    redis.Redis.from_url(settings.REDIS_URL).flushdb()
    source = factories.source(number, people[2:])
    engine.run(3)
    assert factories.states(source) == {"ACCEPTED": 5, "QUEUED": 3}

    answers += [answer(number, person, f"after:{person.pk}") for person in people[8:]]
    engine.run(2)

    assert [factories.states(message.source) for message in answers] == [{"ACCEPTED": 1}] * 4
    assert factories.states(source) == {"ACCEPTED": 5, "QUEUED": 3}
    with tenant_scope(bakery):
        assert Number.objects.get(tenant=bakery).pause_code == -24
