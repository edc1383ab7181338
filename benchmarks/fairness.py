"""How long a small company's order confirmation waits while another's million goes out through the same workers."""

import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path

from django.utils.timezone import now

from benchmarks import Measured, stub, world
from benchmarks.fleet import Fleet, wait_until
from benchmarks.send import queued
from messaging import actions as outbox
from messaging.models import Message, Source
from tenants.scope import tenant_scope
from tests import factories
from whatsapp.models import Number

PEOPLE = 1_000_000
MESSAGES, EVERY_S = 30, 0.7
LONGEST_S = 2.0


def measure(people: int = PEOPLE) -> list[Measured]:
    """From being queued to Meta's answer at most two seconds, on another number and on the million's own."""
    found = world.large(people)
    small = _small()
    with (
        stub.serving(0) as url,
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        Fleet(Path(folder), ("sending", "beat"), WHATSAPP_API_URL=url),
    ):
        million = queued(found, people)
        with tenant_scope(found.tenant):
            Source.objects.filter(pk=million.pk).update(state=Source.State.OPEN)
            own = found.tenant.numbers.get()
        wait_until(lambda: stub.accepted_by(url) > 2000, "the million's start", 60)
        return [_waits("another company's number", small), _waits("the million's own number", own)]


def _small() -> Number:
    made = factories.company(slug="klein", name="Klein", owner_email="klein@example.com")
    number = factories.number(made.tenant, throughput=80)
    factories.contacts(made.tenant, MESSAGES)
    return number


def _waits(name: str, number: Number) -> Measured:
    longest = max(_wait(number, n) for n in range(MESSAGES))
    print(f"  fairness, {name}: longest wait {longest:.2f} s", flush=True)
    label = f"fairness: a transactional message on {name} (at most {LONGEST_S:.0f})"
    return Measured(label, "s", round(longest, 2), met=longest <= LONGEST_S)


def _wait(number: Number, n: int) -> float:
    with tenant_scope(number.tenant_id):
        person = number.tenant.contacts.exclude(phone=None).order_by("id")[n]
        message = outbox.queue_reply(
            tenant=number.tenant,
            number=number,
            contact=person,
            text="Ihre Bestellung ist unterwegs.",
            dedupe=f"order {n}",
            expires_at=now() + timedelta(hours=1),
        )
    assert message is not None
    started = now()
    wait_until(lambda: _accepted_at(message) is not None, "a transactional message", 30, poll_s=0.01)
    accepted_at = _accepted_at(message)
    assert accepted_at is not None
    time.sleep(EVERY_S)
    return (accepted_at - started).total_seconds()


def _accepted_at(message: Message) -> datetime | None:
    with tenant_scope(message.tenant_id):
        return Message.objects.values_list("accepted_at", flat=True).get(pk=message.pk)
