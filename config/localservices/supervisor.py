"""Starts children, restarts those that crash, passes signals on, and stops everything in the right order."""

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, TracebackType
from typing import IO, Any, Self

from config.localservices.base import ROOT, Base
from config.localservices.guardian import Guardian, tell, tell_group

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
STOP_SECONDS = {"command": 20, "process": 15, "server": 60}
LONGEST_BACKOFF_SECONDS = 30
LOG_BYTES = 5_000_000
PR_SET_PDEATHSIG = 1
IS_LINUX = sys.platform == "linux"
LIBC = ctypes.CDLL(None, use_errno=True)


class CannotStart(Exception):
    """What is missing and what to do about it, in one sentence."""


class Stopped(BaseException):
    """Somebody asked us to stop, by this signal."""

    def __init__(self, number: int) -> None:
        self.signal = number


@dataclass
class Child:
    """One process that we start, in a session of its own, so that Ctrl-C reaches only the supervisor.

    `log` None means the terminal. `popen` holds further arguments of subprocess.Popen, `prepare` runs in the
    child just before it becomes the program. A child that `restarts` is started again whenever it ends.
    """

    name: str
    arguments: Sequence[str]
    log: Path | None
    kind: str = "command"
    stop_signal: signal.Signals = signal.SIGTERM
    restarts: bool = False
    popen: dict[str, Any] = field(default_factory=dict)
    prepare: Callable[[], None] = lambda: None
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    due_at: float = 0.0
    crashes: int = 0

    def poll(self) -> int | None:
        """The exit code of a child that has ended (negative for a signal), None while it runs."""
        return self.process.poll() if self.process else 1


class Supervisor:
    """Owns the children of one base from `with` to the end of the block."""

    def __init__(self, base: Base) -> None:
        self._base = base
        self._children: list[Child] = []
        self._received: int | None = None
        self._parent = os.getppid() if os.environ.pop("ZUSAGE_DIE_WITH_PARENT", None) else None

    def __enter__(self) -> Self:
        self._guardian = Guardian(self._base.leave)
        self._wakeup, writing = os.pipe()
        os.set_blocking(writing, False)
        os.set_blocking(self._wakeup, False)
        signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        for number in STOP_SIGNALS:
            signal.signal(number, self._note)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        if self._parent is not None:
            end_with_parent(signal.SIGTERM)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop the command, then the processes, then the servers; a second Ctrl-C changes nothing."""
        asked = error.signal if isinstance(error, Stopped) else None
        for part in ("command", "process", "server"):
            self._stop([child for child in self._children if child.kind == part], asked)
        self._base.leave()
        self._guardian.dismiss()

    def start(self, child: Child) -> None:
        """Start a child and keep an eye on it; raises CannotStart when there is no such program."""
        self._children.append(child)
        try:
            self._spawn(child)
        except FileNotFoundError as error:
            raise CannotStart(f"There is no program {child.arguments[0]}.") from error

    def run(self, child: Child) -> int:
        """Start a child and wait for its end; returns its exit code, 128 + n if signal n ended it."""
        self.start(child)
        while (code := child.poll()) is None:
            self.pause(1)
        self._forget(child)
        return code if code >= 0 else 128 - code

    def wait(self, is_ready: Callable[[], bool], child: Child, seconds: float) -> bool:
        """Wait until `is_ready`; False when the child has ended or the time is over before."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if child.poll() is not None:
                return False
            if is_ready():
                return True
            self.pause(0.02)
        return False

    def discard(self, child: Child) -> None:
        """Stop a child and forget it."""
        self._stop([child], None)

    def pause(self, seconds: float) -> None:
        """Sleep until something happens, at most `seconds`; restarts what crashed.

        Raises Stopped when a signal asked us to stop, or when our parent has died and we were to die with it.
        """
        # Every wait of the supervisor passes here, so a signal never interrupts a half-done step.
        select.select([self._wakeup], [], [], seconds)
        with contextlib.suppress(BlockingIOError):
            os.read(self._wakeup, 4096)
        if self._parent is not None and os.getppid() != self._parent:
            raise Stopped(signal.SIGTERM)
        if self._received is not None:
            raise Stopped(self._received)
        for child in self._children:
            if child.restarts:
                self._keep_alive(child)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._received = number

    def _spawn(self, child: Child) -> None:
        parent = os.getpid()

        def prepare() -> None:
            child.prepare()
            # After the change of user, which would clear it.
            end_with_parent(child.stop_signal)
            if os.getppid() != parent:
                os._exit(1)

        with _open_log(child.log) as output:
            child.process = subprocess.Popen(
                child.arguments,
                stdin=None if child.log is None else subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=prepare,
                **{"cwd": ROOT, **child.popen},
            )
        child.started_at = time.monotonic()
        self._guardian.watch(child.process.pid, child.stop_signal)

    def _keep_alive(self, child: Child) -> None:
        now = time.monotonic()
        if child.process is None:
            if now >= child.due_at:
                self._spawn(child)
        elif child.process.poll() is not None:
            if now - child.started_at > 60:
                child.crashes = 0
            delay = min(2**child.crashes, LONGEST_BACKOFF_SECONDS)
            child.crashes += 1
            child.due_at = now + delay
            code = child.process.returncode
            say(f"{child.name} ended with {code}; it starts again in {delay} s ({child.log}).")
            self._bury(child)

    def _stop(self, children: list[Child], asked: int | None) -> None:
        for child in children:
            if child.process is not None:
                if child.kind == "command":
                    # All of it hears the very signal, so that Ctrl-C in a test run looks like Ctrl-C.
                    tell_group(child.process.pid, asked or child.stop_signal)
                else:
                    tell(child.process.pid, child.stop_signal)
        started_at = time.monotonic()
        for child in children:
            if child.process is not None:
                try:
                    child.process.wait(max(0, started_at + STOP_SECONDS[child.kind] - time.monotonic()))
                except subprocess.TimeoutExpired:
                    say(f"{child.name} did not stop in time and was killed.")
            self._forget(child)

    def _forget(self, child: Child) -> None:
        if child.process is not None:
            self._bury(child)
        self._children.remove(child)

    def _bury(self, child: Child) -> None:
        """End what a dead child left in its group, such as the pool of a killed worker."""
        assert child.process is not None
        tell_group(child.process.pid, signal.SIGKILL)
        child.process.wait()
        self._guardian.forget(child.process.pid)
        child.process = None


def end_with_parent(number: signal.Signals) -> None:
    """Ask Linux to send us this signal when our parent dies; elsewhere the guardian does that."""
    if IS_LINUX:
        LIBC.prctl(PR_SET_PDEATHSIG, int(number), 0, 0, 0)


def say(line: str, file: IO[str] | None = None) -> None:
    """Print a line at once; a closed terminal must not keep us from stopping the children."""
    try:
        print(line, file=file, flush=True)
    except OSError:
        return


def _open_log(log: Path | None) -> contextlib.AbstractContextManager[IO[bytes] | None]:
    if log is None:
        return contextlib.nullcontext()
    if log.exists() and log.stat().st_size > LOG_BYTES:
        log.rename(log.with_suffix(".log.old"))
    return log.open("ab")
