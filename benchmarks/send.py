"""Sends through the real Celery worker, consent asked in every claim, against a server that costs nothing.

The limit is httpx's client on aiohttp posting from one process without any database, and, in a row of its own with the
same bar, its transport alone, which ours uses without the client around it; aiohttp alone is printed beside.
"""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import connection

from benchmarks import Measured, blast, naive, rounds, stub, world
from benchmarks.fleet import Fleet, wait_until
from benchmarks.rounds import Timed
from benchmarks.world import World
from config.localservices.processes import Process
from messaging import actions as outbox
from messaging import tasks
from messaging.models import Message, Source
from tenants.scope import tenant_scope
from tests import factories
from whatsapp.models import Number

PEOPLE = 40_000
# Peers need their time: they send this part. What is printed beside is told by a quarter.
NAIVELY = {0: 30, 100: 120}
BESIDE = 4
OPEN_BUCKET = 1_000_000
LATENCIES_MS = (0, 100)
BARS = {0: 0.6, 100: 0.9}
QUEUE = """
INSERT INTO messaging_message (tenant_id, source_id, contact_id)
SELECT %(tenant)s, %(source)s, c.id FROM contacts_contact c
JOIN consent_consentstate s ON s.tenant_id = c.tenant_id AND s.subject_id = c.subject_id
    AND s.channel = 'whatsapp' AND s.purpose = 'marketing' AND s.state = 'granted'
WHERE c.tenant_id = %(tenant)s AND c.phone IS NOT NULL ORDER BY c.id LIMIT %(count)s
"""
WORKERS = {
    "naive": Process(f"-m celery -A benchmarks.naive worker --queues {naive.QUEUE} --hostname naive@%h --concurrency 4")
}


def measure(people: int = PEOPLE) -> list[Measured]:
    """At least 0.6 of the client's and of its transport's speed with an instant server, 0.9 at 100 ms.

    And ten times a task per message.
    """
    # Seven in ten have a number and said yes.
    found = world.populate(2 * people, throughput=OPEN_BUCKET)
    return [row for latency in LATENCIES_MS for row in _at(found, people, latency)]


def _at(found: World, people: int, latency_ms: int) -> list[Measured]:
    with stub.serving(latency_ms) as url, _workers(url):
        # Workers open their connections, PostgreSQL fills its cache.
        _ours(found, url, 500)
        ways: dict[str, rounds.Way] = {
            "ours": lambda: _ours(found, url, people),
            "naive": lambda: _naive(found, url, people // NAIVELY[latency_ms]),
            "limit": lambda: _blast(url, people, "client"),
            "transport": lambda: _blast(url, people, "transport"),
            "aiohttp": lambda: _blast(url, people // BESIDE, "aiohttp"),
        }
        rates = rounds.interleaved(ways)
    name, unit, bar = f"send, server answers after {latency_ms} ms", "messages/s", BARS[latency_ms]
    # The client is slower than what ours uses of it, so that bar is the stricter one.
    stricter = {"ours": rates["ours"], "limit": rates["transport"]}
    return [
        rounds.judged(name, unit, rates, bar_naive=10, bar_limit=bar),
        rounds.judged(f"{name}: of the client's transport alone", unit, stricter, bar_limit=bar),
        Measured(f"{name}: of aiohttp alone", unit, round(rates["ours"].median), True, None, rates["aiohttp"].median),
    ]


@contextmanager
def _workers(url: str) -> Iterator[None]:
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        Fleet(Path(folder), ("sending", "naive"), WORKERS, WHATSAPP_API_URL=url),
    ):
        yield


def _ours(found: World, url: str, count: int) -> Timed:
    source = queued(found, count)
    return _timed(found, source, url, count, lambda: _open(source))


def _open(source: Source) -> None:
    with tenant_scope(source.tenant_id):
        Source.objects.filter(pk=source.pk).update(state=Source.State.OPEN)
    tasks.wake.delay()


def _naive(found: World, url: str, count: int) -> Timed:
    source = queued(found, count)
    with tenant_scope(found.tenant):
        ids = list(Message.objects.filter(tenant=found.tenant, source=source).values_list("pk", flat=True))

    def begin() -> None:
        for message_id in ids:
            naive.send_one.delay(found.tenant.pk, message_id)

    return _timed(found, source, url, count, begin)


def _timed(found: World, source: Source, url: str, count: int, begin: Callable[[], None]) -> Timed:
    """From the start until Meta has and we have recorded every message."""
    before, started = stub.accepted_by(url), time.perf_counter()
    begin()
    wait_until(lambda: stub.accepted_by(url) >= before + count, "the sending", 120, poll_s=0.02)
    wait_until(lambda: _accepted(found, source) == count, "the recording", 60, poll_s=0.02)
    return Timed(count, time.perf_counter() - started)


def _accepted(found: World, source: Source) -> int:
    with tenant_scope(found.tenant):
        return Message.objects.filter(tenant=found.tenant, source=source, state=Message.State.ACCEPTED).count()


def _blast(url: str, count: int, client: str) -> Timed:
    return Timed(count, blast.seconds(url, count, client))


def queued(found: World, count: int, *, number: Number | None = None) -> Source:
    """A paused campaign source with so many queued messages."""
    tenant = found.tenant
    with tenant_scope(tenant):
        source = outbox.open_source(
            tenant=tenant,
            kind=Source.Kind.CAMPAIGN,
            name="Herbst",
            number=number or tenant.numbers.get(),
            purpose="marketing",
            is_paused=True,
        )
        outbox.add_content(source=source, variant=0, template=tenant.templates.get(), variables=factories.VARIABLES)
    world.run(tenant, QUEUE, source=source.pk, count=count)
    # As freezing a campaign does before the first message is sent.
    with connection.cursor() as cursor:
        cursor.execute("SELECT zusage_analyze('messaging_message', waits => false)")
    return source
