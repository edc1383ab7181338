"""How much memory each kind of process takes while benchmarks run, and whether it keeps growing. Linux only."""

import os
import statistics
import threading
from collections.abc import Mapping

from benchmarks import Measured, cpu

EVERY_S = 1.0
PAGE = os.sysconf("SC_PAGE_SIZE")
MB = 1024 * 1024
# Shorter runs say nothing about growth; this much more from the second quarter to the last is none.
LONG, MORE, MORE_MB = 60, 1.1, 8

# By kind of process, one list of megabytes per run: the largest process of each kind, every second.
runs: dict[str, list[list[float]]] = {}


class Watch:
    """Looks at the process groups of a fleet every second; `groups` maps names to the leading process' id."""

    def __init__(self, groups: Mapping[str, int]) -> None:
        self._groups = groups
        self._samples: dict[str, list[float]] = {}
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="memory", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Stop looking and add what was seen to `runs`."""
        self._is_over.set()
        self._thread.join()
        for name, samples in self._samples.items():
            runs.setdefault(name.partition("-")[0], []).append(samples)

    def _run(self) -> None:
        while not self._is_over.wait(EVERY_S):
            largest = _largest_by_group()
            for name, leader in list(self._groups.items()):
                if leader in largest:
                    self._samples.setdefault(name, []).append(largest[leader])


def measured() -> list[Measured]:
    """The peak of each kind of process in all runs since the start; met where no long run kept growing."""
    return [
        Measured(
            f"memory: largest {kind} process",
            "MB",
            round(max(max(samples) for samples in found)),
            met=all(is_flat(samples) for samples in found),
        )
        for kind, found in sorted(runs.items())
    ]


def is_flat(samples: list[float]) -> bool:
    """Whether the last quarter of a long run takes no more than the second, within a tenth."""
    if len(samples) < LONG:
        return True
    quarter = len(samples) // 4
    early, late = statistics.median(samples[quarter : 2 * quarter]), statistics.median(samples[-quarter:])
    return late <= early * MORE + MORE_MB


def _largest_by_group() -> dict[int, float]:
    """The resident megabytes of the largest process in each process group."""
    found: dict[int, float] = {}
    for stat in cpu.stats():
        found[stat.group] = max(found.get(stat.group, 0.0), stat.pages * PAGE / MB)
    return found
