"""PostgreSQL dies, is away, or has no room left: one of the fault's own, with fsync and synchronous commits."""

import time
from pathlib import Path

from django.db import connection

from benchmarks.chaos import Counts, Fault
from benchmarks.chaos.postgres import Server, own_server
from benchmarks.chaos.stage import Stage, staged
from tenants.scope import across_tenants

RATE = 150
AWAY_S = 60.0
# Meta repeats a webhook after at most as long as it has tried already, about the minute, and an unknown outcome must
# wait for that; in production it waits for a quarter of an hour.
SLOW_TO_SETTLE = {"MESSAGING_SETTLE_S": "75"}
RECONNECTS_S, RESUMES_S = 15.0, 60.0
# A segment of the write-ahead log, 16 MB, still fits; the table of webhooks, made larger before, cannot grow.
ROOM, BALLAST_ROWS = 17 * 1024 * 1024, 18_000
FULL_S = 20.0
BALLAST = """
INSERT INTO inbox_webhookevent (priority, state, body, done_at)
SELECT 1, 1, decode(repeat(md5(n::text), 64), 'hex'), now() FROM generate_series(1, %s) n
"""


def away(folder: Path, people: int, *, away_s: float = AWAY_S) -> Counts:
    """Shut down at once in the middle of everything and started again; later gone for a minute."""
    with own_server(folder) as server, staged(folder, people, RATE, environment=SLOW_TO_SETTLE) as stage:
        stage.launch()
        stage.reach(0.25)
        back = [_without_server(server, stage, 0)]
        stage.reach(0.6)
        back.append(_without_server(server, stage, away_s))
        counts = stage.finish()
        restart, gone = (stage.postman.resumed_after(moment) for moment in back)
    late = tuple(
        f"the door took {seconds:.0f} s to find PostgreSQL again"
        for seconds in (restart, gone)
        if seconds > RECONNECTS_S
    )
    told = f"the door answers 200 again {restart:.1f} s after the restart, {gone:.1f} s after {away_s:.0f} s without"
    return counts + Counts(late=late, notes=(told,))


def full(folder: Path, people: int, *, full_s: float = FULL_S) -> Counts:
    """No file of the server may grow beyond 17 MB for a while, and the webhooks' table has more already."""
    with own_server(folder) as server, staged(folder, people, RATE) as stage:
        with across_tenants("ballast"), connection.cursor() as cursor:
            cursor.execute(BALLAST, [BALLAST_ROWS])
        stage.launch()
        stage.reach(0.25)
        server.limit_files(ROOM)
        began = time.monotonic()
        time.sleep(full_s)
        lifted = time.monotonic()
        server.limit_files(-1)
        counts = stage.finish()
        odd = {status for status in stage.postman.said_between(began, lifted) if status != 200 and status < 500}
        refused, resumed = stage.postman.refused_between(began, lifted), stage.postman.resumed_after(lifted)
    late = (f"the door took {resumed:.0f} s to store again",) if resumed > RESUMES_S else ()
    wrong = () if refused else ("the disk was never full",)
    wrong += (f"the door said {sorted(odd)} without room",) if odd else ()
    told = f"{refused} webhooks refused in {full_s:.0f} s without room, 200 again {resumed:.1f} s after there was some"
    return counts + Counts(wrong=wrong, late=late, notes=(told,))


def _without_server(server: Server, stage: Stage, seconds: float) -> float:
    """End the server for so many seconds and wait until sending goes on; returns when it was back (monotonic)."""
    server.end()
    time.sleep(seconds)
    server.start()
    started = time.monotonic()
    stage.resumed()
    return started


FAULTS = (
    Fault(
        "database",
        "PostgreSQL restarted or gone for a minute: every webhook answered with 200 is there, and all goes on.",
        4_500,
        away,
    ),
    Fault(
        "disk_full",
        "with no room left for webhooks the door says 5xx, and never a 200 for one that is lost, and it stores again a"
        " minute after there is room.",
        4_000,
        full,
    ),
)
