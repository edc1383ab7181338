"""Brings statuses from the wire into message rows and KPI tables: shuffled, a tenth of them twice, one or 100 a body.

Ours is everything from the signed POST to the committed row; the limit only checks signatures and copies the events.
"""

import io
import random
import secrets
import tempfile
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import orjson
from django.db import connection

from benchmarks import Measured, load, naive, rounds, statuses, world
from benchmarks.fleet import Fleet, wait_until
from benchmarks.rounds import Timed
from benchmarks.send import WORKERS, queued
from benchmarks.world import World
from inbox.models import WebhookEvent
from messaging.models import Message, Source
from tenants.encryption import seal
from tenants.scope import across_tenants, tenant_scope
from whatsapp import signature

STATUSES = 1_000_000
# Bodies of one are a tenth as many, and a peer's single tasks a hundredth.
SINGLES, NAIVELY = 10, 150
PATH = "/webhooks/whatsapp/"
NAMES = ("sent", "delivered", "read")
TAKEN = """
UPDATE messaging_message SET queue = 2, state = 2, attempt = 1, claimed_at = now(), accepted_at = now(),
    wamid = 'wamid.' || id WHERE tenant_id = %(tenant)s AND source_id = %(source)s
"""


def measure(count: int = STATUSES) -> list[Measured]:
    """At least 0.05 of bare copying and ten times the ORM, for bodies of one status and of a hundred."""
    found = world.populate(count // 2)
    secret = secrets.token_hex(16)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as base:
        folder = Path(base)
        names = ("door", "receiving", "beat", "naive")
        with Fleet(folder, names, WORKERS, WHATSAPP_APP_SECRET=secret) as fleet:
            bench = Bench(found, fleet, folder, secret)
            return [bench.compare(100, count), bench.compare(1, count // SINGLES)]


class Bench:
    """One world, its processes, and a folder for bodies."""

    def __init__(self, found: World, fleet: Fleet, folder: Path, secret: str) -> None:
        self.found, self.fleet, self.folder, self.secret = found, fleet, folder, secret
        self.heard: list[dict[str, Any]] = []
        with tenant_scope(found.tenant):
            self.number = found.tenant.numbers.select_related("account").get()
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE IF NOT EXISTS bench_event (wamid text, name text, at timestamptz, raw jsonb)")

    def compare(self, size: int, count: int) -> Measured:
        ways: dict[str, rounds.Way] = {
            "ours": partial(self._ours, size, count),
            "naive": partial(self._naive, size, max(count // NAIVELY, size)),
            "limit": partial(self._limit, size),
        }
        name = f"ingest, {size} status{'es' if size > 1 else ''} a body"
        return rounds.compare(name, "statuses/s", ways, bar_naive=10, bar_limit=0.05)

    def _ours(self, size: int, count: int) -> Timed:
        source, told = self._told(count)
        self.heard = told
        bodies = statuses.written(self.folder / "bodies", self.secret, self._bodies(told, size))
        started = time.perf_counter()
        answers = load.post(self.fleet.url("door") + PATH, bodies, connections=min(64, 6400 // size))
        wait_until(_is_all_applied, "the receiving", 600, poll_s=0.02)
        took = time.perf_counter() - started
        assert answers.others == 0
        self._check(source)
        return Timed(len(told), took)

    def _naive(self, size: int, count: int) -> Timed:
        source, told = self._told(count)
        bodies = list(self._bodies(told, size))
        started = time.perf_counter()
        for body in bodies:
            naive.receive_one.delay(self.found.tenant.pk, body.decode())
        # Shuffled: a message that was read before it was delivered stays read.
        wait_until(lambda: self._is_all_read(source), "the peers' tasks", 600, poll_s=0.02)
        return Timed(len(told), time.perf_counter() - started)

    def _limit(self, size: int) -> Timed:
        """The same statuses as ours has just heard."""
        bodies = [(signature.sign(self.secret, body), body) for body in self._bodies(self.heard, size)]
        started = time.perf_counter()
        for some in statuses.batched(bodies, max(1, 1000 // size)):
            _copy([event for header, body in some for event in self._events(header, body)])
        return Timed(len(self.heard), time.perf_counter() - started)

    def _events(self, header: str, body: bytes) -> list[dict[str, Any]]:
        assert signature.is_valid([self.secret], body, header)
        return [s for e in orjson.loads(body)["entry"] for c in e["changes"] for s in c["value"]["statuses"]]

    def _told(self, count: int) -> tuple[Source, list[dict[str, Any]]]:
        """So many statuses, in no order and a tenth of them twice, of a campaign that Meta has just accepted."""
        source = queued(self.found, count * 10 // 11 // len(NAMES), number=self.number)
        world.run(self.found.tenant, TAKEN, source=source.pk)
        with tenant_scope(self.found.tenant):
            messages = Message.objects.filter(tenant=self.found.tenant, source=source)
            ids = list(messages.values_list("pk", flat=True))
        tenant_id, at = self.found.tenant.pk, str(int(time.time()))
        told = [
            statuses.status(f"wamid.{pk}", name, callback=callback, at=at)
            for pk, callback in ((pk, seal("callback", tenant_id, pk, 1)) for pk in ids)
            for name in NAMES
        ]
        dice = random.Random(1)
        told += dice.sample(told, len(told) // 10)
        dice.shuffle(told)
        return source, told

    def _bodies(self, told: Sequence[dict[str, Any]], size: int) -> Iterator[bytes]:
        ids = {"number_id": self.number.phone_number_id, "waba_id": self.number.account.waba_id}
        return (statuses.body(some, **ids) for some in statuses.batched(told, size))

    def _is_all_read(self, source: Source) -> bool:
        with tenant_scope(self.found.tenant):
            left = Message.objects.filter(tenant=self.found.tenant, source=source).exclude(state=Message.State.READ)
            return not left.exists()

    def _check(self, source: Source) -> None:
        assert self._is_all_read(source), "a status was lost"
        with across_tenants("raw webhooks belong to nobody yet"), connection.cursor() as cursor:
            cursor.execute("DELETE FROM inbox_webhookevent")


def _is_all_applied() -> bool:
    with across_tenants("raw webhooks belong to nobody yet"):
        return not WebhookEvent.objects.filter(state=WebhookEvent.State.WAITING).exists()


def _copy(events: Sequence[dict[str, Any]]) -> None:
    lines = (f"{e['id']}\t{e['status']}\tnow\t{orjson.dumps(e).decode()}\n" for e in events)
    with connection.cursor() as cursor:
        cursor.copy_expert("COPY bench_event FROM STDIN", io.StringIO("".join(lines)))
