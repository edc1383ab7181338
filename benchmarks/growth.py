"""Does the same for a hundredth, a tenth and all of a million people: what a row costs must not grow with tables."""

import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.test import Client
from django.utils import timezone

from benchmarks import Measured, freeze, imports, segments, statuses, world
from benchmarks.fleet import Fleet
from benchmarks.rounds import Timed, collector_spared
from benchmarks.send import queued
from benchmarks.world import World
from inbox import receiving, recording
from messaging import claiming
from messaging import recording as answers
from messaging.budget import Budget
from messaging.claiming import Outgoing
from messaging.models import Source
from messaging.recording import Outcome
from segments import queries
from tenants.encryption import seal
from tenants.models import Tenant
from tenants.scope import tenant_scope
from whatsapp.client import Accepted
from whatsapp.models import Number

PEOPLE = 1_000_000
PARTS = (100, 10, 1)
ROUNDS = 3
CLAIMED = 250
# In each round so many messages are claimed, told of and lines imported: the same at each size of a whole run, so that
# only the tables differ. A whole queue is drained once before.
DRAINED, HEARD, PER_BODY, IMPORTED = 10_000, 2_000, 100, 10_000
CALLS = 20
# Noise of a shared machine and one more level of every index; a scan would be a hundredfold.
MOST_GROWTH = 1.5
MOST_GROWTH_OF_READS = 3.0
MOST_IN_A_DRAIN = 4.0

MICROS = 1e6
Times = dict[str, list[float]]
REGION = {"op": "and", "rules": [segments.REGION, segments.GRANTED]}


@dataclass(frozen=True)
class Round:
    """What was measured once, by what was done."""

    micros: dict[str, float]
    millis: dict[str, float]


@dataclass(frozen=True)
class Costs:
    """All rounds at one size, and how the slowest claims of a whole drain compare with its first."""

    micros: Times
    millis: Times
    drain: float


def measure(people: int = PEOPLE) -> list[Measured]:
    """The cost of a row at any size is at most half more than at any smaller one; a list's page at most threefold."""
    found = [_costs(people // part, world.large if part == 1 else world.populate) for part in PARTS]
    small, large = found[0], found[-1]
    return [
        *(_compared(name, "µs a row", [each.micros for each in found], MOST_GROWTH) for name in small.micros),
        *(_compared(name, "ms a page", [each.millis for each in found], MOST_GROWTH_OF_READS) for name in small.millis),
        Measured(
            f"growth: slowest claims of a drain of {people:,} against its first (at most {MOST_IN_A_DRAIN:.0f})",
            "×",
            round(large.drain, 2),
            large.drain <= MOST_IN_A_DRAIN,
        ),
    ]


def _compared(name: str, unit: str, sizes: list[Times], most: float) -> Measured:
    """The most that a size costs against the cheapest of those before it: a dear first one hides no growth."""
    costs = [statistics.median(times[name]) for times in sizes]
    told = " → ".join(f"{each:,.1f}" for each in costs)
    growth = max(cost / min(costs[:place]) for place, cost in enumerate(costs) if place)
    return Measured(f"growth: {name}, {told} {unit} (at most {most:g}-fold)", "×", round(growth, 2), growth <= most)


def _costs(people: int, made: Callable[[int], World]) -> Costs:
    found = made(people)
    # The first time makes segment and excluded list too.
    freeze.frozen(found)
    # One full collection costs as much as all statuses of a round.
    with collector_spared():
        return _measured(found, people)


def _measured(found: World, people: int) -> Costs:
    ids, claims, _recorded = _drained(found, queued(found, people))
    # All over the table, and each of them once.
    told = random.Random(1).sample(ids, min(len(ids), ROUNDS * HEARD))
    rounds = [_round(found, people, told[at::ROUNDS]) for at in range(ROUNDS)]
    micros = {"import": _imported()} | _by_name(each.micros for each in rounds)
    millis = _by_name(each.millis for each in rounds)
    for name, times in (micros | millis).items():
        unit = "µs" if name in micros else "ms"
        print(f"  {people:,} people: {name} {_spread(times)} {unit}", flush=True)
    costs = Costs(micros, millis, _slowest_against_first(claims))
    print(f"  {people:,} people: slowest claims of a drain {costs.drain:.1f} × the first", flush=True)
    return costs


def _round(found: World, people: int, told: list[int]) -> Round:
    micros = {"freeze": _per_row(freeze.frozen(found)), "segment": _counted(found, people)}
    ids, claims, recorded = _drained(found, queued(found, min(people, DRAINED)))
    micros |= {"claim": sum(claims) / len(ids) * MICROS, "record": sum(recorded) / len(ids) * MICROS}
    micros["status"] = _heard(found, told)
    return Round(micros, dict(_read(found)))


def _imported() -> list[float]:
    """Microseconds of a line of a file for a new company, in tables that hold everybody from before."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, Fleet(Path(folder), ("default",)):
        # A worker that has just begun reads what is known of phone numbers first.
        imports.imported(IMPORTED // 10)
        return [_per_row(imports.imported(IMPORTED)) for _ in range(ROUNDS)]


def _counted(found: World, people: int) -> float:
    times: list[float] = []
    with tenant_scope(found.tenant):
        for _ in range(CALLS):
            _timed(times, lambda: queries.count(found.tenant, REGION))
    return statistics.median(times) / people * MICROS


def _drained(found: World, source: Source) -> tuple[list[int], list[float], list[float]]:
    """Claim and record until nothing waits; returns the messages' ids and the seconds of every batch."""
    with tenant_scope(found.tenant):
        number = found.tenant.numbers.select_related("account").get()
        Source.objects.filter(tenant=found.tenant, pk=source.pk).update(state=Source.State.OPEN)
    ids: list[int] = []
    claims: list[float] = []
    recorded: list[float] = []
    while claimed := _timed(claims, lambda: _claimed(number, source)):
        ids += [message.message_id for message in claimed]
        outcomes = [_accepted(message) for message in claimed]
        _timed(recorded, lambda outcomes=outcomes: answers.record(number, outcomes))
    return ids, claims[:-1], recorded


def _claimed(number: Number, source: Source) -> list[Outgoing]:
    return claiming.claim(number=number, source_id=source.pk, most=CLAIMED, budget=Budget(number))


def _accepted(message: Outgoing) -> Outcome:
    answer = Accepted(f"wamid.growth.{message.message_id}", "", "", "accepted")
    return Outcome(message.message_id, message.attempt, message.source_id, answer, timezone.now())


def _heard(found: World, ids: list[int]) -> float:
    """Microseconds of applying a status, raw body to KPI."""
    with tenant_scope(found.tenant):
        number = found.tenant.numbers.select_related("account").get()
    told = [
        statuses.status(f"wamid.growth.{pk}", name, callback=_callback(found.tenant, pk), at=str(int(time.time())))
        for pk in ids
        for name in ("sent", "delivered", "read")
    ]
    names = {"number_id": number.phone_number_id, "waba_id": number.account.waba_id}
    for some in statuses.batched(told, PER_BODY):
        recording.store([recording.Received(None, recording.STATUSES_ONLY, statuses.body(some, **names))])
    times: list[float] = []
    _timed(times, lambda: receiving.run(seconds=600))
    return sum(times) / len(told) * MICROS


def _callback(tenant: Tenant, message_id: int) -> str:
    return seal("callback", tenant.pk, message_id, 1)


def _read(found: World) -> Iterator[tuple[str, float]]:
    """The median of a warm call of each list, in milliseconds."""
    client = Client(SERVER_NAME="localhost", headers={"Authorization": f"Bearer {found.made.api_key}"})
    with tenant_scope(found.tenant):
        campaign = found.tenant.campaigns.order_by("-id").first()
    for name, path in (
        ("contacts", "contacts/"),
        ("contacts found by name", "contacts/?search=Muster42"),
        ("a campaign's messages", f"campaigns/{campaign.uid}/messages/"),
        ("a report", f"campaigns/{campaign.uid}/report/"),
    ):
        times: list[float] = []
        for _ in range(CALLS):
            answer = _timed(times, lambda path=path: client.get(f"/api/v1/{path}"))
            assert answer.status_code == 200, path
        yield name, statistics.median(times) * 1e3


def _timed(times: list[float], work: Callable[[], Any]) -> Any:
    started = time.perf_counter()
    result = work()
    times.append(time.perf_counter() - started)
    return result


def _per_row(timed: Timed) -> float:
    return timed.seconds / timed.done * MICROS


def _by_name(rounds: Iterable[dict[str, float]]) -> Times:
    found: Times = {}
    for each in rounds:
        for name, value in each.items():
            found.setdefault(name, []).append(value)
    return found


def _spread(times: list[float]) -> str:
    return f"{statistics.median(times):,.1f} ({min(times):,.1f}–{max(times):,.1f})"


def _slowest_against_first(times: list[float]) -> float:
    """The 99th percentile of all claims against the median of the first twentieth."""
    first = statistics.median(times[: max(len(times) // 20, 1)])
    return statistics.quantiles(times, n=100)[-1] / first
