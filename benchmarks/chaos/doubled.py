"""Everything runs twice, as after a deploy that forgot to stop the old machine."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.chaos import Counts, Fault
from benchmarks.chaos.ringing import RANG
from benchmarks.chaos.stage import PROCESSES, staged
from config.localservices.processes import PROCESSES as TABLE
from config.localservices.processes import Process

# Beat keeps its own schedule in a file, which two of them on two machines would not share.
SECOND = Process(
    TABLE["beat"]
    .arguments.replace("celerybeat-schedule", "second-schedule")
    .replace("-m celery", "-m benchmarks.chaos.ringing", 1)
)
TWICE = (*PROCESSES, "second", "receiving-2", "default-2")


# Unknown outcomes give the sweepers work.
TROUBLE = {"hangs": 0.02, "hang_s": 4.0, "server_errors": 0.02, "duplicates": 0.1, "shuffled": True}


def beats(folder: Path, people: int, *, trouble: Mapping[str, Any] = TROUBLE) -> Counts:
    """Two beats ring for two sweepers, two receivers and two senders."""
    with staged(folder, people, 150, processes=TWICE, more={"second": SECOND}, **trouble) as stage:
        stage.launch()
        counts = stage.finish()
        rung = (folder / "second.log").read_text().count(RANG)
        died = sorted({"beat", "second"} & set(stage.fleet.revived))
    wrong = () if rung else ("the second beat never rang",)
    wrong += (f"ended by themselves: {', '.join(died)}",) if died else ()
    return counts + Counts(wrong=wrong, notes=(f"the second beat rang {rung} times",))


FAULTS = (Fault("doubled", "two beats, sweepers and receivers for a whole campaign change nothing.", 3_000, beats),)
