"""What is done with the outbox while senders work on it."""

import contextlib
from datetime import timedelta

import psycopg2
import pytest
from django.db import connection
from django.utils.timezone import now

from messaging import actions
from messaging.models import Message
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests import factories
from tests.consent.factories import stop


def test_a_test_message_is_sent_within_an_hour_or_never(in_bakery: Tenant) -> None:
    number = factories.number(in_bakery)
    (contact,) = factories.contacts(in_bakery, 1)

    message = actions.queue_test(
        number=number, contact=contact, template=factories.template(in_bakery), variables=factories.VARIABLES
    )

    assert message.source.expires_at - now() == pytest.approx(timedelta(hours=1), abs=timedelta(minutes=1))


@pytest.mark.django_db(transaction=True)
def test_an_opt_out_does_not_wait_for_a_claim_that_waits_for_the_opt_out(bakery: Tenant) -> None:
    first, second = factories.contacts(bakery, 2)
    source = factories.source(factories.number(bakery), [first, second])
    sender = psycopg2.connect(**connection.get_connection_params())
    with contextlib.closing(sender), sender.cursor() as locking:
        locking.execute("SELECT set_config('app.tenant_id', %s, true)", [str(bakery.pk)])
        locking.execute("SELECT 1 FROM messaging_message WHERE contact_id = %s FOR UPDATE", [first.pk])
        with tenant_scope(bakery), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '300ms'")
            for person in (first, second):
                stop(bakery, person, occurred_at=now())

    # The claim asks for consent as soon as the opt-out has committed.
    with tenant_scope(bakery):
        assert Message.objects.get(source=source, contact=first).state == Message.State.QUEUED
        assert Message.objects.get(source=source, contact=second).state == Message.State.CANCELLED
