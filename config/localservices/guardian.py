"""A second process that outlives a killed supervisor just long enough to stop what it had started."""

import contextlib
import os
import signal
import time
from collections.abc import Callable

GRACE_SECONDS = 5


class Guardian:
    """Knows every process group in use, and stops them when the pipe to the supervisor breaks.

    PR_SET_PDEATHSIG reaches only direct children, and only on Linux; this reaches their pools too.
    """

    def __init__(self, leave: Callable[[], None]) -> None:
        reading, self._pipe = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            os.close(self._pipe)
            _guard(reading, leave)
        os.close(reading)

    def watch(self, group: int, stop_signal: int) -> None:
        """Stop this process group with this signal if the supervisor dies."""
        self._tell(f"+{group} {stop_signal}\n")

    def forget(self, group: int) -> None:
        """The group has ended."""
        self._tell(f"-{group} 0\n")

    def dismiss(self) -> None:
        """Everything has ended: the guardian goes too, and with it the last hold on the base's lock."""
        os.close(self._pipe)
        os.waitpid(self._pid, 0)

    def _tell(self, line: str) -> None:
        try:
            os.write(self._pipe, line.encode())
        except BrokenPipeError:
            # Somebody killed the guardian. The children still end with us through PR_SET_PDEATHSIG.
            return


def _guard(pipe: int, leave: Callable[[], None]) -> None:
    try:
        os.setsid()
        for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(ignored, signal.SIG_IGN)
        _let_go_of_the_terminal()
        groups = _listen(pipe)
        _stop(groups)
        leave()
    finally:
        os._exit(0)


def _let_go_of_the_terminal() -> None:
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)


def _listen(pipe: int) -> dict[int, int]:
    """Follow the supervisor's news until it ends; returns the groups left, each with its stop signal."""
    groups: dict[int, int] = {}
    with open(pipe) as news:
        for line in news:
            group, stop_signal = line[1:].split()
            if line[0] == "+":
                groups[int(group)] = int(stop_signal)
            else:
                groups.pop(int(group), None)
    return groups


def _stop(groups: dict[int, int]) -> None:
    for leader, stop_signal in groups.items():
        tell(leader, stop_signal)
    deadline = time.monotonic() + GRACE_SECONDS
    while time.monotonic() < deadline and any(tell_group(group, 0) for group in groups):
        time.sleep(0.02)
    for group in groups:
        tell_group(group, signal.SIGKILL)


def tell(leader: int, number: int) -> None:
    """Send a signal to the leader of a group alone, which tells its pool or workers in its own way."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(leader, number)


def tell_group(group: int, number: int) -> bool:
    """Send a signal (0: only ask) to a process group; False when nothing is left that we may signal."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True
