"""Redis loses what it knows, in three ways."""

from pathlib import Path

from benchmarks.chaos import Counts, Fault, counting
from benchmarks.chaos.stage import staged
from benchmarks.fleet import BROKER

RATE = 150
AWAY_S = 60.0
RESUMES_S = 10.0
# A fresh bucket begins with one message; a twentieth of a second may be made up for. More is a broken limit.
WINDOW_S, MOST = 10, 1.1


def lost(folder: Path, people: int, *, away_s: float = AWAY_S) -> Counts:
    """Flushed while it runs, then killed and back at once with nothing in it, then gone for a minute."""
    with staged(folder, people, RATE) as stage:
        stage.launch()
        stage.reach(0.15)
        stage.redis.flushall()
        flushed = stage.resumed()
        stage.reach(0.35)
        stage.fleet.kill(BROKER)
        restarted = stage.resumed()
        stage.reach(0.6)
        stage.fleet.kill(BROKER, away_s=away_s)
        gone = stage.resumed()
        counts = stage.finish()
        busiest = counting.busiest(stage.ledger(), WINDOW_S)
    late = tuple(
        f"sending went on only {seconds:.0f} s after Redis was {what}"
        for what, seconds in (("flushed", flushed), ("restarted", restarted), ("gone for a minute", gone))
        if seconds > RESUMES_S
    )
    fast = (f"{busiest:.0f} a second where {RATE} are allowed",) if busiest > RATE * MOST else ()
    told = (
        f"sending again {flushed:.1f} s after the flush, {restarted:.1f} s after the restart,"
        f" {gone:.1f} s after {away_s:.0f} s without Redis; busiest {WINDOW_S} s: {busiest:.0f}/s of {RATE}/s"
    )
    return counts + Counts(wrong=fast, late=late, notes=(told,))


FAULTS = (
    Fault(
        "redis",
        "Redis flushed, restarted empty, or gone for a minute costs seconds, and no message, status or consent.",
        4_500,
        lost,
    ),
)
