"""Runs the supervisor as a user's shell would, and looks at the processes it leaves."""

import contextlib
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
# A database that nobody connects to: for tests about processes, which PostgreSQL would only slow down.
ELSEWHERE = "postgres://zusage@database.invalid/zusage"


class Services:
    """One place for bases, and a mark in the environment by which their processes are found."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._mark = uuid.uuid4().hex
        self._started: list[subprocess.Popen[str]] = []

    def start(
        self,
        *arguments: str,
        base: str = "run",
        cwd: Path = ROOT,
        before: Sequence[str] = (),
        **environment: str,
    ) -> subprocess.Popen[str]:
        """Start `<before> python -m config.localservices --base <base> <arguments>` and return it running."""
        # Empty rather than absent, so that a developer's own .env does not fill it in.
        fresh = {**os.environ, "DATABASE_URL": "", "REDIS_URL": "", "ZUSAGE_MARK": self._mark}
        module = [sys.executable, "-m", "config.localservices", "--base", str(self.folder / base)]
        started = subprocess.Popen(
            [*before, *module, *arguments],
            cwd=cwd,
            env={**fresh, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._started.append(started)
        return started

    def run(self, *arguments: str, base: str = "run", cwd: Path = ROOT, **environment: str) -> tuple[int, str, str]:
        """Start as above and wait for the end; returns exit code, output and errors."""
        started = self.start(*arguments, base=base, cwd=cwd, **environment)
        output, errors = started.communicate(timeout=60)
        return started.returncode, output, errors

    def processes(self) -> dict[int, str]:
        """Every living process of these services, by id, with what it is."""
        return dict(self._found())

    def _found(self) -> Iterator[tuple[int, str]]:
        mark = f"ZUSAGE_MARK={self._mark}".encode()
        for entry in Path("/proc").iterdir():
            try:
                # PostgreSQL writes its titles over its environment, but stays in its data folder.
                is_ours = mark in (entry / "environ").read_bytes()
                is_ours = is_ours or (entry / "cwd").readlink().is_relative_to(self.folder)
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
            if is_ours and command and entry.name.isdigit():
                yield int(entry.name), command

    def end(self) -> None:
        """Leave nothing behind, however the test went."""
        for started in self._started:
            started.kill()
            started.communicate()
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def eventually(is_true: Callable[[], object], seconds: float = 20) -> bool:
    """Whether something becomes true within the time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if is_true():
            return True
        time.sleep(0.02)
    return False
