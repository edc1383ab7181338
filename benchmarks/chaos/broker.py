"""Redis loses what it knows, in three ways."""

import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.chaos import Counts, Fault, counting
from benchmarks.chaos.stage import Stage, staged
from benchmarks.fleet import BROKER

RATE = 150
AWAY_S = 60.0
RESUMES_S = 10.0
# So long is looked at the gaps after each fault, whenever in it sending stops; there are people enough for all of it.
SEEN_S = 15.0
# A fresh bucket begins with one message; a fortieth of a second may be made up for. More is a broken limit.
WINDOW_S, MOST = 10, 1.1


def lost(folder: Path, people: int, *, away_s: float = AWAY_S, seen_s: float = SEEN_S) -> Counts:
    """Flushed while it runs, then killed and back at once with nothing in it, then gone for a minute."""
    with staged(folder, people, RATE) as stage:
        stage.launch()
        stage.reach(0.1)
        spans = [
            _seen(stage, seen_s, lambda: stage.redis.flushall()),
            _seen(stage, seen_s, lambda: stage.fleet.kill(BROKER)),
            _seen(stage, seen_s, lambda: stage.fleet.kill(BROKER, away_s=away_s)),
        ]
        left = people - stage.accepted
        counts = stage.finish()
        ledger = stage.ledger()
    busiest = counting.busiest(ledger, WINDOW_S)
    flushed, restarted, gone = (counting.longest_gap(ledger, *span) for span in spans)
    late = tuple(
        f"nothing was sent for {seconds:.0f} s after Redis was {what}"
        for what, seconds in (("flushed", flushed), ("restarted", restarted), ("back after a minute", gone))
        if seconds > RESUMES_S
    )
    late += () if left > 0 else ("the campaign was over before all gaps were seen",)
    fast = (f"{busiest:.0f} a second where {RATE} are allowed",) if busiest > RATE * MOST else ()
    told = (
        f"longest gap {flushed:.1f} s after the flush, {restarted:.1f} s after the restart,"
        f" {gone:.1f} s after {away_s:.0f} s without Redis; busiest {WINDOW_S} s: {busiest:.0f}/s of {RATE}/s"
    )
    return counts + Counts(wrong=fast, late=late, notes=(told,))


def _seen(stage: Stage, seconds: float, deed: Callable[[], object]) -> tuple[float, float]:
    """Break it and look on until it sends; from when to when, by the clock that the emulator's ledger has too.

    From the moment on at which Redis is there again. What had its token before goes out in any case, so the first
    acceptances after a fault tell nothing.
    """
    deed()
    began = time.time()
    time.sleep(seconds)
    stage.resumed()
    return began, time.time()


FAULTS = (
    Fault(
        "redis",
        "Redis flushed, restarted empty, or gone for a minute costs seconds, and no message, status or consent.",
        8_000,
        lost,
    ),
)
