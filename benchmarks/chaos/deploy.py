"""A deploy in the middle of a campaign: every process is replaced by a new one, and a migration runs. Then a pause."""

import subprocess
import sys
import threading
import time
from itertools import pairwise
from pathlib import Path

import httpx
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from benchmarks.chaos import Counts, Fault, campaign
from benchmarks.chaos.stage import PROCESSES, Stage, staged
from benchmarks.fleet import BROKER
from config.localservices.base import ROOT
from tenants.actions import NewTenant

RATE = 150
# New ones are started before the old ones are told to stop; a sender finishes what it has begun, ten seconds at most.
DRAINS_S = 30.0
WINDOW_S, EVERY_S = 5.0, 0.25
DIP = 0.3
STAYS = (BROKER, "emulator")
# The state that the campaign begins with: later migrations of consent make an index of the ledger alone, to which every
# STOPP is written, so today's code runs before them too. Move it on with the first that today's code needs.
BEFORE = ("consent", "0054_proofs_left_over")
# Whoever pressed pause is answered; so long later nothing leaves any more. What leaves in the same time before the end
# of the pause was never stopped.
PAUSES_S, PAUSED_S = 2.0, 6.0


def rolling(folder: Path, people: int) -> Counts:
    """One process after the other, with the migration in between."""
    names = [name for name in (*PROCESSES, "web") if name not in STAYS]
    call_command("migrate", *BEFORE, verbosity=0)
    ahead = _ahead()
    made = campaign.tenant_made()
    with staged(folder, people, RATE, processes=(*PROCESSES, "web"), made=made) as stage:
        stage.launch()
        stage.reach(0.1)
        drained: list[float] = []
        with _Watch(stage) as watch:
            for at, name in enumerate(names):
                if at == len(names) // 2:
                    _migrate(stage, folder)
                drained.append(stage.fleet.replace(name, within_s=DRAINS_S))
        # Of a campaign that would be over by itself nobody could tell that the pause has stopped it.
        has_enough = stage.people - stage.accepted > RATE * (PAUSED_S + PAUSES_S)
        paused = _pause(stage, made) if has_enough else Counts(late=("the campaign was over before the deploy was",))
        counts = stage.finish()
    worst = watch.worst()
    late = (f"the rate fell to {worst:.0f} of {RATE} a second",) if worst < (1 - DIP) * RATE else ()
    log = (folder / "migrate.log").read_text()
    undone = [name for name in ahead if f"Applying {name}... OK" not in log]
    wrong = () if ahead else ("there was nothing to migrate",)
    wrong += (f"not migrated: {', '.join(undone)}",) if undone else ()
    told = (
        f"{len(ahead)} migrations; slowest {WINDOW_S:.0f} s: {worst:.0f}/s of {RATE}/s;"
        f" the slowest of {len(names)} drained {max(drained):.1f} s"
    )
    return counts + paused + Counts(wrong=wrong, late=late, notes=(told,))


def _ahead() -> list[str]:
    """The migrations that the database does not have yet."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]


def _migrate(stage: Stage, folder: Path) -> None:
    with (folder / "migrate.log").open("ab") as log:
        arguments = [sys.executable, "manage.py", "migrate", "--no-input"]
        subprocess.run(arguments, cwd=ROOT, env=stage.fleet.environment, stdout=log, stderr=log, check=True)


def _pause(stage: Stage, made: NewTenant) -> Counts:
    """Press pause while the senders send, wait, and resume; what Meta accepted after the answer."""
    headers = {"Authorization": f"Bearer {made.api_key}"}
    path = f"{stage.fleet.url('web')}/api/v1/campaigns/{stage.campaign.uid}/"
    with httpx.Client(base_url=path, headers=headers, timeout=60, trust_env=False) as http:
        before = stage.accepted
        http.post("pause/").raise_for_status()
        answered = time.time()
        time.sleep(PAUSED_S)
        until = time.time()
        http.post("resume/").raise_for_status()
    resumed = stage.resumed()
    # The emulator has the same clock.
    after_s = [row["at"] - answered for row in stage.ledger() if answered < row["at"] < until]
    missed = sum(seconds > PAUSES_S for seconds in after_s)
    is_stopped = all(seconds < until - answered - PAUSES_S for seconds in after_s)
    wrong = () if is_stopped else ("the pause stopped nothing",)
    late = (f"{missed} messages left more than {PAUSES_S:.0f} s after the pause",) if missed else ()
    told = (
        f"paused after {before} messages: {len(after_s)} more left, the last {max(after_s, default=0):.1f} s after the"
        f" answer, {missed} later than {PAUSES_S:.0f} s; sending again {resumed:.1f} s after resume"
    )
    return Counts(wrong=wrong, late=late, notes=(told,))


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
        "a rolling deploy of the same code with an index migration in the middle of a campaign: nobody twice, nobody"
        " lost, sending goes on; a pause afterwards stops it within 2 seconds.",
        30_000,
        rolling,
    ),
)
