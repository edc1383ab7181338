"""Waits for what workers do, with a progress bar on a terminal and with a deadline everywhere."""

import sys
import time
from collections.abc import Callable

WIDTH = 30
POLL_S = 0.25


class TookTooLong(Exception):
    """Something the demo waits for did not happen in time; the text names it and where to look."""


def wait_until(is_done: Callable[[], bool], what: str, *, seconds: float = 120) -> None:
    """Poll until it is done; raises TookTooLong."""
    ends_at = time.monotonic() + seconds
    while not is_done():
        if time.monotonic() > ends_at:
            raise TookTooLong(f"{what} took longer than {seconds:.0f} seconds: look into .local/demo/logs")
        time.sleep(POLL_S)


def watch(progress: Callable[[], tuple[int, int]], what: str, *, seconds: float = 600) -> None:
    """Show (done, total) as a bar until they are equal; without a terminal, only the end. Raises TookTooLong."""

    def is_done() -> bool:
        done, total = progress()
        _draw(what, done, total)
        return bool(total) and done >= total

    wait_until(is_done, what, seconds=seconds)
    done, total = progress()
    _draw(what, done, total, is_last=True)


def _draw(what: str, done: int, total: int, *, is_last: bool = False) -> None:
    if not (sys.stdout.isatty() or is_last):
        return
    filled = WIDTH * done // total if total else 0
    bar = "█" * filled + "·" * (WIDTH - filled)
    end = "\n" if is_last else "\r"
    sys.stdout.write(f"  {what:34} {bar} {done:>7,} / {total:,}{end}".replace(",", "."))
    sys.stdout.flush()
