"""One number's rate, shared by one, two and four worker processes, and by two hosts that share only the servers.

One process at a time sends on a number, and hands it over after ten seconds, so each case lasts for some turns. Meta's
side counts: how many a second, the fullest second, whether anybody got a message twice, and how many each process sent.
Last come four numbers at once, of which one process alone would take all.
"""

import bisect
import contextlib
import itertools
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import redis
from django.conf import settings

from benchmarks import Measured, world
from benchmarks.fleet import READY, Fleet, database_url, wait_until
from benchmarks.send import queued
from benchmarks.world import World
from config.localservices.base import ROOT, Base
from config.localservices.processes import PROCESSES
from messaging import tasks
from messaging.models import Message, Source
from tenants.scope import tenant_scope
from tests import factories
from whatsapp.emulator.profile import Profile
from whatsapp.emulator.remote import Remote

# Forty seconds: four hand-overs. Two hosts get twice as many: that the same one has all turns by chance is rare then.
RATE, MESSAGES = 400, 16_000
# The bucket lets a fortieth of a second be made up for after a late timer (`messaging.bucket`), and what was held up on
# its way arrives with later ones, so a second at Meta may have up to 1.05 of the rate, and the one message that opens
# it. That stays below what Meta allows: 1.05 of the 950 that are set for a number of 1,000.
LEAST, MOST = 0.98, 1.05
# Whoever sent fewer has not had a turn: the lease, looked at ten times a second, names the next one for a moment early.
TURN = 100
COUNTS = (1, 2, 4)
# Of which there is one; the first host has them, too.
ONCE = ("emulator", "beat")
# Of several numbers: together more than one process sends with ease (`messaging.sending`), for as long.
NUMBERS, EACH_RATE, EACH = 4, 520, 20_000
# One process after the other would be seen together at hand-overs only.
BOTH = 0.6
# Celery takes the last: a worker of one process, where production's have two.
ALONE = {"sending": replace(PROCESSES["sending"], arguments=f"{PROCESSES['sending'].arguments} --concurrency 1")}
PAGE = 5000


def measure(messages: int = MESSAGES) -> list[Measured]:
    """At least 0.98 of the rate, no second above 1.05 of it, nobody twice, and where there are several two have turns.

    More is not promised: which process is free first is chance, and about one time in nine the same two of four have
    all four turns.
    """
    found = world.populate(4 * messages, throughput=RATE)
    rows: list[Measured] = []
    for count in COUNTS:
        with _processes(count) as (address, owners):
            rows += _shared(found, f"{count} worker process{'es' if count > 1 else ''}", address, owners, messages)
    with _two_hosts() as (address, owners):
        rows += _shared(found, "2 hosts", address, owners, 2 * messages)
    with _processes(2) as (address, owners), Remote(address) as meta:
        meta.configure(Profile.perfect(throughput_per_s=EACH_RATE))
        return rows + _spread(meta, owners)


# Where Meta is, and what those are called whose children send.
Running = tuple[str, Mapping[int, str]]


@contextlib.contextmanager
def _processes(count: int) -> Iterator[Running]:
    names = [f"sending-{n}" for n in range(1, count + 1)]
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        Fleet(Path(folder), (*ONCE, *names), ALONE, WHATSAPP_APP_SECRET=secrets.token_hex(16)) as fleet,
    ):
        # Four that start at once take both cores from the one that sends already.
        fleet.wait_until_ready()
        yield fleet.url("emulator"), {fleet.leader(name): name for name in names}


@contextlib.contextmanager
def _two_hosts() -> Iterator[Running]:
    secret = secrets.token_hex(16)
    with (
        _host(*ONCE, "sending", WHATSAPP_APP_SECRET=secret) as (first, address),
        _host("sending", WHATSAPP_APP_SECRET=secret, WHATSAPP_API_URL=address) as (second, _),
    ):
        yield address, {first: "host 1", second: "host 2"}


@contextlib.contextmanager
def _host(*names: str, **environment: str) -> Iterator[tuple[int, str]]:
    """The product's own supervisor in a folder of its own, on this process' database and Redis, as on each host.

    Returns the supervisor's process id and where its processes look for Meta.
    """
    servers = {"DATABASE_URL": database_url(), "REDIS_URL": settings.REDIS_URL, "BROKER_URL": "", "CACHE_URL": ""}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, (Path(folder) / "out").open("wb") as out:
        base = Base(Path(folder) / "base")
        module = [sys.executable, "-m", "config.localservices", "--base", str(base.folder)]
        supervisor = subprocess.Popen(
            [*module, "--processes", ",".join(names)],
            cwd=ROOT,
            env={**os.environ, **servers, **environment, "ZUSAGE_DIE_WITH_PARENT": "1"},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        )
        try:
            wait_until(lambda: _is_up(supervisor, base), "the start of a host", 90)
            yield supervisor.pid, base.running()["WHATSAPP_API_URL"]
        finally:
            supervisor.terminate()
            supervisor.wait(60)


def _is_up(supervisor: "subprocess.Popen[bytes]", base: Base) -> bool:
    if supervisor.poll() is not None:
        raise RuntimeError(f"a host did not start: {(base.folder.parent / 'out').read_text()}")
    return bool(base.running()) and bool(READY.search(base.log("sending").read_bytes()))


def _shared(found: World, name: str, address: str, owners: Mapping[int, str], messages: int) -> list[Measured]:
    with Remote(address) as meta:
        meta.configure(Profile.perfect())
        return _judged(name, *_sent(found, meta, messages, owners), messages, least=min(2, len(owners)))


def _sent(found: World, meta: Remote, messages: int, owners: Mapping[int, str]) -> tuple[list[float], int, list[str]]:
    """Send a campaign; returns when Meta accepted each, how many people got one, and who sent each."""
    source = queued(found, messages)
    with tenant_scope(found.tenant):
        holders = Holders(found.tenant.numbers.get().pk, owners)
    with tenant_scope(found.tenant):
        Source.objects.filter(pk=source.pk).update(state=Source.State.OPEN)
    tasks.wake.delay()

    def is_out() -> bool:
        holders.look()
        return _is_out(source)

    wait_until(is_out, "the sending", 60 + 3 * messages / RATE)
    ledger = _ledger(meta)
    times = sorted(row["at"] for row in ledger)
    return times, len({row["recipient"] for row in ledger}), [holders.at(moment) for moment in times]


def _spread(meta: Remote, owners: Mapping[int, str]) -> list[Measured]:
    """Send on four numbers at once: at their rates, to nobody twice, and both processes most of the time."""
    found = world.populate(2 * EACH, throughput=EACH_RATE)
    with tenant_scope(found.tenant):
        numbers = [found.tenant.numbers.get()]
    numbers += [factories.number(found.tenant, throughput=EACH_RATE, phone_number_id=str(n)) for n in range(1, NUMBERS)]
    sources = [queued(found, EACH, number=number) for number in numbers]
    holders = {number.phone_number_id: Holders(number.pk, owners) for number in numbers}
    with tenant_scope(found.tenant):
        Source.objects.filter(pk__in=[source.pk for source in sources]).update(state=Source.State.OPEN)
    tasks.wake.delay()

    def are_out() -> bool:
        for each in holders.values():
            each.look()
        return all(_is_out(source) for source in sources)

    wait_until(are_out, "the sending", 60 + 3 * EACH / EACH_RATE)
    ledger = _ledger(meta)
    people = {(row["phone_number_id"], row["recipient"]) for row in ledger}
    seconds: dict[int, set[str]] = {}
    for row in ledger:
        seconds.setdefault(int(row["at"]), set()).add(holders[row["phone_number_id"]].at(row["at"]))
    both = sum(len(each) == len(owners) for each in seconds.values()) / len(seconds)
    times = [row["at"] for row in ledger]
    rate = (len(ledger) - 1) / (max(times) - min(times))
    name = f"hosts: {NUMBERS} numbers of {EACH_RATE}/s on 2 worker processes"
    most, wrong = NUMBERS * EACH_RATE, len(ledger) - len(people) + NUMBERS * EACH - len(people)
    return [
        Measured(name, "messages/s", round(rate, 1), rate >= LEAST * most, None, most, None, LEAST),
        Measured(f"{name}, twice or left out", "people", wrong, met=wrong == 0),
        Measured(f"{name}, seconds in which both sent (at least {BOTH})", "share", round(both, 2), met=both >= BOTH),
    ]


def _ledger(meta: Remote) -> list[dict[str, Any]]:
    ledger: list[dict[str, Any]] = []
    while page := meta.acceptances(offset=len(ledger), limit=PAGE):
        ledger += page
    return ledger


class Holders:
    """Who holds a number, as its lease in Redis says, looked at ten times a second."""

    def __init__(self, number_id: int, owners: Mapping[int, str]) -> None:
        self._lease = f"zusage:lane:{number_id}"
        self._cache = redis.Redis.from_url(settings.REDIS_URL)
        self._owners = owners
        self._seen: list[tuple[float, str]] = []

    def look(self) -> None:
        """Note who holds it now, if anybody does; the lease of a killed process lasts for some seconds."""
        if value := self._cache.get(self._lease):
            with contextlib.suppress(FileNotFoundError):
                self._seen.append((time.time(), self._owner(value.decode())))

    def at(self, moment: float) -> str:
        """Who held it at that moment, to within a tenth of a second."""
        place = bisect.bisect_right(self._seen, (moment, ""))
        return self._seen[max(0, place - 1)][1]

    def _owner(self, value: str) -> str:
        """The name of the one among whose children that process is; raises KeyError for a stranger."""
        process = int(value.rpartition(":")[2])
        while process and process not in self._owners:
            stat = Path(f"/proc/{process}/stat").read_text()
            process = int(stat.rpartition(")")[2].split()[1])
        return self._owners[process]


def _is_out(source: Source) -> bool:
    with tenant_scope(source.tenant_id):
        left = Message.objects.filter(tenant=source.tenant_id, source=source).exclude(queue=Message.Queue.OUT)
        return not left.exists()


def _judged(
    name: str, times: list[float], people: int, senders: list[str], messages: int, least: int
) -> list[Measured]:
    rate = (len(times) - 1) / (times[-1] - times[0])
    fullest = max(bisect.bisect_left(times, at + 1) - place for place, at in enumerate(times))
    twice = len(times) - people
    each = Counter(senders)
    turns = sum(1 for _ in itertools.groupby(senders))
    print(f"  hosts, {name}: {rate:.0f}/s, fullest second {fullest}, twice {twice}, sent {len(times)}", flush=True)
    shares = ", ".join(f"{sender} {count:,}" for sender, count in sorted(each.items()))
    print(f"  hosts, {name}: {shares}; the number went to another {turns - 1} times", flush=True)
    wrong = twice + messages - people
    had_turns = sum(count >= TURN for count in each.values())
    is_met = rate >= LEAST * RATE and fullest <= MOST * RATE + 1
    return [
        Measured(f"hosts: {name} on one number", "messages/s", round(rate, 1), is_met, None, RATE, None, LEAST),
        Measured(f"hosts: {name}, twice or left out", "people", wrong, met=wrong == 0),
        Measured(
            f"hosts: {name}, how many sent at least {TURN} (at least {least})",
            "senders",
            had_turns,
            met=had_turns >= least,
        ),
    ]
