"""A deploy in the middle of a campaign: every process is replaced by a new one, and `migrate` runs."""

import subprocess
import sys
import threading
import time
from itertools import pairwise
from pathlib import Path

from benchmarks.chaos import Counts, Fault
from benchmarks.chaos.stage import PROCESSES, Stage, staged
from benchmarks.fleet import BROKER
from config.localservices.base import ROOT

RATE = 150
# New ones are started before the old ones are told to stop; a sender finishes what it has begun, ten seconds at most.
DRAINS_S = 30.0
WINDOW_S, EVERY_S = 5.0, 0.25
DIP = 0.3
STAYS = (BROKER, "emulator")


def rolling(folder: Path, people: int) -> Counts:
    """One process after the other, with the migration in between."""
    names = [name for name in (*PROCESSES, "web") if name not in STAYS]
    with staged(folder, people, RATE, processes=(*PROCESSES, "web")) as stage:
        stage.launch()
        stage.reach(0.1)
        drained: list[float] = []
        with _Watch(stage) as watch:
            for at, name in enumerate(names):
                if at == len(names) // 2:
                    _migrate(stage, folder)
                drained.append(stage.fleet.replace(name, within_s=DRAINS_S))
        left = stage.people - stage.accepted
        counts = stage.finish()
    worst = watch.worst()
    broken = (f"the rate fell to {worst:.0f} of {RATE} a second",) if worst < (1 - DIP) * RATE else ()
    broken += () if left else ("the campaign was over before the deploy was",)
    told = (
        f"slowest {WINDOW_S:.0f} s: {worst:.0f}/s of {RATE}/s; the slowest of {len(names)} drained {max(drained):.1f} s"
    )
    return counts + Counts(broken=broken, notes=(told,))


def _migrate(stage: Stage, folder: Path) -> None:
    with (folder / "migrate.log").open("ab") as log:
        arguments = [sys.executable, "manage.py", "migrate", "--no-input"]
        subprocess.run(arguments, cwd=ROOT, env=stage.fleet.environment, stdout=log, stderr=log, check=True)


class _Watch:
    """Notes how many messages Meta has accepted, a few times a second, as long as the block lasts."""

    def __init__(self, stage: Stage) -> None:
        self._stage, self._is_over = stage, threading.Event()
        self._seen: list[tuple[float, int]] = []
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "_Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def worst(self) -> float:
        """The fewest messages a second in any window before the campaign's end."""
        steps = max(int(WINDOW_S / EVERY_S), 1)
        seen = [(at, accepted) for at, accepted in self._seen if accepted < self._stage.people]
        pairs = list(zip(seen, seen[steps:], strict=False)) or list(pairwise(seen))
        return min(((b[1] - a[1]) / (b[0] - a[0]) for a, b in pairs), default=0.0)

    def _watch(self) -> None:
        while not self._is_over.wait(EVERY_S):
            self._seen.append((time.monotonic(), self._stage.accepted))


FAULTS = (
    Fault(
        "deploy",
        "a rolling deploy with a migration in the middle of a campaign: nobody twice, nobody lost, sending goes on.",
        16_000,
        rolling,
    ),
)
