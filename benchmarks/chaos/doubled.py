"""Everything runs twice, as after a deploy that forgot to stop the old machine."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.chaos import Counts, Fault, telling
from benchmarks.chaos.stage import DEADLINE_S, PROCESSES, staged
from benchmarks.fleet import TookTooLong, wait_until
from config.localservices.processes import PROCESSES as TABLE
from config.localservices.processes import Process

RECEIVE, SWEEP = "inbox.tasks.receive", "messaging.tasks.sweep"
BELLS = (RECEIVE, SWEEP, "messaging.tasks.wake")
BEATS, RECEIVERS = ("beat", "second"), ("receiving", "receiving-2")
# Senders sweep, too.
SWEEPERS = ("sending-1", "sending-2")
TWICE = (*PROCESSES, "second", "receiving-2", "default-2")
# Unknown outcomes give the sweepers work.
TROUBLE = {"hangs": 0.02, "hang_s": 4.0, "server_errors": 0.02, "duplicates": 0.1, "shuffled": True}


def _telling(kind: str) -> Process:
    """This kind of process, whose log tells what it did."""
    arguments = TABLE[kind].arguments.replace("-m celery", "-m benchmarks.chaos.telling", 1)
    return replace(TABLE[kind], arguments=arguments)


TELLING = {kind: _telling(kind) for kind in ("beat", "receiving", "sending")}
# Beat keeps its own schedule in a file, which two of them on two machines would not share.
SECOND = replace(TELLING["beat"], arguments=TELLING["beat"].arguments.replace("celerybeat-", "second-"))


def beats(folder: Path, people: int, *, trouble: Mapping[str, Any] = TROUBLE) -> Counts:
    """Two beats ring for two receivers and two senders, who also sweep, and each has its part."""
    with staged(folder, people, 150, processes=TWICE, more=TELLING | {"second": SECOND}, **trouble) as stage:
        stage.launch()
        # People write and beats ring for as long as it takes.
        with suppress(TookTooLong):
            wait_until(lambda: not _idle(folder), "the part of each", DEADLINE_S)
        counts = stage.finish()
        died = sorted({*BEATS, *RECEIVERS, *SWEEPERS} & set(stage.fleet.revived))
    applied, swept = (
        [sum(telling.wrote(_log(folder, name), task)) for name in names]
        for names, task in ((RECEIVERS, RECEIVE), (SWEEPERS, SWEEP))
    )
    wrong = _idle(folder)
    wrong += (f"ended by themselves: {', '.join(died)}",) if died else ()
    wrong += ("the sweepers had nothing to do",) if trouble and not any(swept) else ()
    return counts + Counts(wrong=wrong, notes=(f"rows written: by the receivers {applied}, by the sweepers {swept}",))


def _idle(folder: Path) -> tuple[str, ...]:
    """Who has not done its part yet. Which sweeper finds something is chance; that each looks is not."""
    logs = {name: _log(folder, name) for name in (*BEATS, *RECEIVERS, *SWEEPERS)}
    idle = [f"{beat} never rang {bell}" for beat in BEATS for bell in BELLS if not telling.rung(logs[beat], bell)]
    idle += [f"{name} applied nothing" for name in RECEIVERS if not any(telling.wrote(logs[name], RECEIVE))]
    idle += [f"{name} never swept" for name in SWEEPERS if not telling.wrote(logs[name], SWEEP)]
    return tuple(idle)


def _log(folder: Path, name: str) -> str:
    return (folder / f"{name}.log").read_text()


FAULTS = (Fault("doubled", "two beats, sweepers and receivers for a whole campaign change nothing.", 3_000, beats),)
