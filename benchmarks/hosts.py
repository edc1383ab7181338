"""One number's rate, shared by one, two and four worker processes, and by two hosts that share only the servers.

Meta's side counts: how many a second, the fullest second, and whether anybody got a message twice.
"""

import bisect
import secrets
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from benchmarks import Measured, world
from benchmarks.fleet import Fleet, wait_until
from benchmarks.send import queued
from benchmarks.world import World
from messaging import tasks
from messaging.models import Message, Source
from tenants.scope import tenant_scope
from whatsapp.emulator.profile import Profile
from whatsapp.emulator.remote import Remote

RATE, MESSAGES = 400, 4000
# A twentieth of a second may be made up for after a late timer, which the fullest second shows.
LEAST, MOST = 0.98, 1.05
# Each host's processes; the first also runs what there is one of.
HOSTS: dict[str, Sequence[Sequence[str]]] = {
    "1 worker process": [("sending-1",)],
    "2 worker processes": [("sending-1", "sending-2")],
    "4 worker processes": [("sending-1", "sending-2", "sending-3", "sending-4")],
    "2 hosts": [("sending-1",), ("sending-2",)],
}
ONCE = ("emulator", "beat")
PAGE = 5000


def measure(messages: int = MESSAGES) -> list[Measured]:
    """At least 0.98 of the rate, no second above 1.05 of it, and nobody twice, however many processes send."""
    found = world.populate(2 * messages, throughput=RATE)
    return [row for name, hosts in HOSTS.items() for row in _shared(found, name, hosts, messages)]


def _shared(found: World, name: str, hosts: Sequence[Sequence[str]], messages: int) -> list[Measured]:
    with ExitStack() as stack:
        secret = secrets.token_hex(16)
        first = stack.enter_context(Host([*ONCE, *hosts[0]], WHATSAPP_APP_SECRET=secret))
        address = first.url("emulator")
        for others in hosts[1:]:
            stack.enter_context(Host(others, WHATSAPP_API_URL=address))
        meta = stack.enter_context(Remote(address))
        meta.configure(Profile.perfect())
        return _judged(name, _sent(found, meta, messages), messages)


class Host(Fleet):
    """A fleet in a folder of its own, which is gone with it."""

    def __init__(self, names: Sequence[str], **environment: str) -> None:
        self._base = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        super().__init__(Path(self._base.name), names, **environment)

    def __enter__(self) -> Self:
        super().__enter__()
        # Four that start at once take both cores from the one that sends already.
        self.wait_until_ready()
        return self

    def stop(self) -> None:
        super().stop()
        self._base.cleanup()


def _sent(found: World, meta: Remote, messages: int) -> list[dict[str, Any]]:
    """Send a campaign; returns Meta's ledger of it."""
    source = queued(found, messages)
    with tenant_scope(found.tenant):
        Source.objects.filter(pk=source.pk).update(state=Source.State.OPEN)
    tasks.wake.delay()
    wait_until(lambda: _is_out(source), "the sending", 120)
    ledger: list[dict[str, Any]] = []
    while page := meta.acceptances(offset=len(ledger), limit=PAGE):
        ledger += page
    return ledger


def _is_out(source: Source) -> bool:
    with tenant_scope(source.tenant_id):
        left = Message.objects.filter(tenant=source.tenant_id, source=source).exclude(queue=Message.Queue.OUT)
        return not left.exists()


def _judged(name: str, ledger: list[dict[str, Any]], messages: int) -> list[Measured]:
    times = sorted(row["at"] for row in ledger)
    rate = (len(times) - 1) / (times[-1] - times[0])
    fullest = max(bisect.bisect_left(times, at + 1) - place for place, at in enumerate(times))
    twice = len(ledger) - len({row["recipient"] for row in ledger})
    print(f"  hosts, {name}: {rate:.0f}/s, fullest second {fullest}, twice {twice}, sent {len(ledger)}", flush=True)
    wrong = twice + messages - (len(ledger) - twice)
    is_met = rate >= LEAST * RATE and fullest <= MOST * RATE + 1
    return [
        Measured(f"hosts: {name} on one number", "messages/s", round(rate, 1), is_met, None, RATE, None, LEAST),
        Measured(f"hosts: {name}, twice or left out", "people", wrong, met=wrong == 0),
    ]
