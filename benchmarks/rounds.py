"""Runs several ways of doing the same in turn, round by round, so that what slows the machine slows all of them."""

import gc
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks import Measured
from tenants.collector import spare_what_stays

ROUNDS = 3


@dataclass(frozen=True)
class Timed:
    """How many rows, messages or requests were done, and how long the part that counts took."""

    done: int
    seconds: float


# Something to do; it returns how much it did, or, if not all of its time counts, how long that took.
Way = Callable[[], int | Timed]


@dataclass(frozen=True)
class Rates:
    """What one way reached in each round, per second."""

    each: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.each)

    def __str__(self) -> str:
        return f"{self.median:,.0f}/s ({min(self.each):,.0f}–{max(self.each):,.0f})"


@contextmanager
def collector_spared() -> Iterator[None]:
    """Keep Python's collector from what is loaded by now, as web and pool processes do; other benchmarks follow."""
    spare_what_stays()
    try:
        yield
    finally:
        gc.unfreeze()


def compare(
    name: str,
    unit: str,
    ways: Mapping[str, Way],
    *,
    bar_naive: float | None = None,
    bar_limit: float | None = None,
    rounds: int = ROUNDS,
) -> Measured:
    """Rate of "ours" beside "naive" and "limit", medians of interleaved rounds."""
    return judged(name, unit, interleaved(ways, rounds), bar_naive=bar_naive, bar_limit=bar_limit)


def judged(
    name: str, unit: str, found: Mapping[str, Rates], *, bar_naive: float | None = None, bar_limit: float | None = None
) -> Measured:
    """The same of rounds that are over; all ways are printed, also others than these three."""
    for way, rates in found.items():
        print(f"  {name}: {way} {rates}", flush=True)
    ours, naive, limit = (found[way].median if way in found else None for way in ("ours", "naive", "limit"))
    assert ours is not None
    is_met = (not bar_naive or not naive or ours >= bar_naive * naive) and (
        not bar_limit or not limit or ours >= bar_limit * limit
    )
    return Measured(name, unit, round(ours), is_met, _rounded(naive), _rounded(limit), bar_naive, bar_limit)


def interleaved(ways: Mapping[str, Way], rounds: int = ROUNDS) -> dict[str, Rates]:
    """Every way once per round, in turn."""
    rates: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(rounds):
        for way, do in ways.items():
            started = time.perf_counter()
            found = do()
            timed = found if isinstance(found, Timed) else Timed(found, time.perf_counter() - started)
            rates[way].append(timed.done / timed.seconds)
    return {way: Rates(tuple(each)) for way, each in rates.items()}


def _rounded(rate: float | None) -> float | None:
    return None if rate is None else round(rate, 1)
