"""Celery with a clock that jumps: `python -m benchmarks.chaos.travelling <file> <Celery's arguments>`.

The file says by how many seconds the clock is wrong at the moment; no file, no seconds.
"""

import sys
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import time_machine
from celery.__main__ import main
from celery.signals import worker_process_init

EVERY_S = 0.05


def follow(file: Path) -> None:
    """Do what the file says, for ever."""
    seconds, travel = 0.0, None
    while True:
        with suppress(OSError, ValueError):
            wanted = float(file.read_text())
            if wanted != seconds:
                if travel:
                    travel.stop()
                # What the clock says without travelling.
                travel = time_machine.travel(datetime.now(UTC) + timedelta(seconds=wanted))
                travel.start()
                seconds = wanted
        time.sleep(EVERY_S)


def begin(file: Path) -> None:
    """Follow in a thread of this process."""
    threading.Thread(target=follow, args=[file], name="clock", daemon=True).start()


if __name__ == "__main__":
    clock = Path(sys.argv.pop(1))
    begin(clock)

    # Threads do not survive the fork of a pool process.
    @worker_process_init.connect(weak=False)
    def begin_again(**_: Any) -> None:
        begin(clock)

    sys.exit(main())
