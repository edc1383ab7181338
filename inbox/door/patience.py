"""Gives up on requests that take too long, all of them by one timer."""

import asyncio
from types import TracebackType
from typing import Any

LOOKS_PER_LIMIT = 10


class Patience:
    """`with patience:` around what a task awaits; raises TimeoutError there after `seconds`, at most a tenth later.

    As `asyncio.timeout` does, whose timer of its own for every request costs the door a sixth of its time. For tasks
    of one event loop; a task is in one such block at a time.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        # In the order of their beginnings, so whoever is too slow stands first.
        self._since: dict[asyncio.Task[Any], float] = {}
        self._is_watching = False

    def __enter__(self) -> None:
        loop = asyncio.get_running_loop()
        self._since[_this_task()] = loop.time()
        if not self._is_watching:
            self._look_later(loop)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        task = _this_task()
        was_given_up = self._since.pop(task, None) is None
        # Somebody else may have cancelled it, too, and means it.
        if was_given_up and task.uncancel() == 0 and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def _look_later(self, loop: asyncio.AbstractEventLoop) -> None:
        self._is_watching = bool(self._since)
        if self._is_watching:
            loop.call_later(self._seconds / LOOKS_PER_LIMIT, self._look, loop)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        too_slow = loop.time() - self._seconds
        for task, since in list(self._since.items()):
            if since > too_slow:
                break
            del self._since[task]
            task.cancel()
        self._look_later(loop)


def _this_task() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    assert task
    return task
