"""Watches the machine while something is broken: whoever is late may have had a host that was busy elsewhere."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

STAT = Path("/proc/stat")
EVERY_S, WINDOW_S = 0.5, 5.0
# With less left, somebody waits for a turn.
FULL = 0.95
# Fields of the first line (proc(5)), in ticks of all processors: idle, waiting for a disk, taken by the host.
IDLE, WAITING, STOLEN = 3, 4, 7


class Sample(NamedTuple):
    """Ticks so far, and how many seconds too late they were read: the watch waits for its turn like everybody else."""

    total: int
    idle: int
    stolen: int
    late_s: float


@contextmanager
def watched() -> Iterator[list[str]]:
    """What was seen while the block lasted stands in the list afterwards; nothing where there is no /proc."""
    notes: list[str] = []
    samples: list[Sample] = []
    is_over = threading.Event()
    thread = threading.Thread(target=_watch, args=(samples, is_over), name="machine", daemon=True)
    if STAT.exists():
        thread.start()
    try:
        yield notes
    finally:
        is_over.set()
        if thread.ident:
            thread.join()
            notes += _told(samples)


def _watch(samples: list[Sample], is_over: threading.Event) -> None:
    due = time.monotonic()
    while not is_over.is_set():
        late_s, due = time.monotonic() - due, time.monotonic() + EVERY_S
        ticks = [int(field) for field in STAT.read_text().split("\n", 1)[0].split()[1:]]
        samples.append(Sample(sum(ticks[: STOLEN + 1]), ticks[IDLE] + ticks[WAITING], ticks[STOLEN], late_s))
        is_over.wait(EVERY_S)


def _told(samples: list[Sample]) -> list[str]:
    pairs = list(zip(samples, samples[int(WINDOW_S / EVERY_S) :], strict=False))
    windows = [(a, b, b.total - a.total) for a, b in pairs if b.total > a.total]
    if not windows:
        return []
    full = sum((b.idle - a.idle) / total < 1 - FULL for a, b, total in windows) / len(windows)
    stolen = max((b.stolen - a.stolen) / total for a, b, total in windows)
    late_s = max(sample.late_s for sample in samples)
    return [
        f"the machine: processors full for {full:.0%} of the time, in {WINDOW_S:.0f} s at most {stolen:.0%} of them"
        f" taken by its host; whoever woke waited {late_s:.1f} s at most"
    ]
