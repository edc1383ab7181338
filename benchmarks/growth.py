"""Does the same for a hundredth, a tenth and all of a million people: what a row costs must not grow with tables."""

import random
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.test import Client
from django.utils import timezone

from benchmarks import Measured, freeze, statuses, world
from benchmarks.send import queued
from benchmarks.world import World
from inbox import receiving, recording
from messaging import claiming
from messaging import recording as answers
from messaging.budget import Budget
from messaging.claiming import Outgoing
from messaging.models import Source
from messaging.recording import Outcome
from tenants.encryption import seal
from tenants.models import Tenant
from tenants.scope import tenant_scope
from whatsapp.client import Accepted
from whatsapp.models import Number

PEOPLE = 1_000_000
PARTS = (100, 10, 1)
CLAIMED = 250
# Statuses of so many messages are applied at each size, the same number so that only the tables differ.
HEARD, PER_BODY = 3_000, 100
CALLS = 20
# Noise of a shared machine and one more level of every index; a scan would be a hundredfold.
MOST_GROWTH = 1.5
MOST_GROWTH_OF_READS = 3.0
MOST_IN_A_DRAIN = 4.0


@dataclass(frozen=True)
class Costs:
    """What was measured at one size, by what was done, and how the claims of one drain compare."""

    people: int
    micros: dict[str, float]
    millis: dict[str, float]
    drain: float


def measure(people: int = PEOPLE) -> list[Measured]:
    """The cost of a row at full size is at most half more than at a hundredth; a list's page at most threefold."""
    found = [_costs(people // part, world.large if part == 1 else world.populate) for part in PARTS]
    small, large = found[0], found[-1]
    return [
        *(_compared(name, "µs a row", small.micros, large.micros, MOST_GROWTH) for name in large.micros),
        *(_compared(name, "ms a page", small.millis, large.millis, MOST_GROWTH_OF_READS) for name in large.millis),
        Measured(
            f"growth: slowest claims of a drain of {large.people:,} against its first (at most {MOST_IN_A_DRAIN:.0f})",
            "×",
            round(large.drain, 2),
            large.drain <= MOST_IN_A_DRAIN,
        ),
    ]


def _compared(name: str, unit: str, small: dict[str, float], large: dict[str, float], most: float) -> Measured:
    grown = large[name] / small[name]
    return Measured(
        f"growth: {name}, {small[name]:,.0f} → {large[name]:,.0f} {unit} (at most {most:g}-fold)",
        "×",
        round(grown, 2),
        grown <= most,
    )


def _costs(people: int, made: Callable[[int], World]) -> Costs:
    found = made(people)
    micros = {"freeze": _frozen(found)}
    source = queued(found, people)
    ids, claims, recorded = _drained(found, source)
    micros |= {"claim": _per_row(claims, len(ids)), "record": _per_row(recorded, len(ids))}
    micros["status"] = _heard(found, ids)
    costs = Costs(people, micros, dict(_read(found)), _slowest_against_first(claims))
    told = [f"{name} {cost:,.0f} µs" for name, cost in micros.items()]
    told += [f"{name} {cost:,.0f} ms" for name, cost in costs.millis.items()]
    print(f"  {people:,} people: {', '.join(told)}; slowest claims {costs.drain:.1f} × the first", flush=True)
    return costs


def _frozen(found: World) -> float:
    # The first time makes segment and excluded list too.
    freeze.frozen(found)
    timed = freeze.frozen(found)
    return timed.seconds / timed.done * 1e6


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
    """Microseconds of applying a status, raw body to KPI, for messages all over the table."""
    with tenant_scope(found.tenant):
        number = found.tenant.numbers.select_related("account").get()
    told = [
        statuses.status(f"wamid.growth.{pk}", name, callback=_callback(found.tenant, pk), at=str(int(time.time())))
        for pk in random.Random(1).sample(ids, min(HEARD, len(ids)))
        for name in ("sent", "delivered", "read")
    ]
    names = {"number_id": number.phone_number_id, "waba_id": number.account.waba_id}
    for some in statuses.batched(told, PER_BODY):
        recording.store([recording.Received(None, recording.STATUSES_ONLY, statuses.body(some, **names))])
    times: list[float] = []
    _timed(times, lambda: receiving.run(seconds=600))
    return _per_row(times, len(told))


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


def _per_row(times: list[float], rows: int) -> float:
    return sum(times) / rows * 1e6


def _slowest_against_first(times: list[float]) -> float:
    """The 99th percentile of all claims against the median of the first twentieth."""
    first = statistics.median(times[: max(len(times) // 20, 1)])
    return statistics.quantiles(times, n=100)[-1] / first
