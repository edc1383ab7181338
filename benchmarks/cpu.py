"""How much processor time each kind of process takes, PostgreSQL with all its backends included. Linux only."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from django.db import connection

TICK_S = 1 / os.sysconf("SC_CLK_TCK")


class Stat(NamedTuple):
    """Of a process: who started it, its group, seconds of its own and of children that have ended, resident pages."""

    pid: int
    parent: int
    group: int
    own_s: float
    ended_s: float
    pages: int


def stats() -> Iterator[Stat]:
    """Every process that runs now (proc(5))."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The name may hold blanks and brackets; what follows it does not.
            fields = [int(field) for field in path.read_text().rpartition(")")[2].split()[1:]]
        except OSError:
            continue
        own, ended = (sum(fields[at : at + 2]) * TICK_S for at in (10, 12))
        yield Stat(int(path.parent.name), fields[0], fields[1], own, ended, fields[20])


def seconds(groups: Mapping[str, int]) -> dict[str, float]:
    """Seconds of processor time so far by kind: of a fleet, whose leading processes these are, and of PostgreSQL."""
    found = list(stats())
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (backend,) = cursor.fetchone()
    server = next(stat.parent for stat in found if stat.pid == backend)
    taken = {"PostgreSQL": sum(_of(stat) for stat in found if server in (stat.pid, stat.parent))}
    for name, leader in groups.items():
        kind = name.partition("-")[0]
        taken[kind] = taken.get(kind, 0.0) + sum(_of(stat) for stat in found if stat.group == leader)
    return taken


def _of(stat: Stat) -> float:
    return stat.own_s + stat.ended_s
