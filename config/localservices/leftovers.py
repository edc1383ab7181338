"""Servers that a killed supervisor left behind on its data, which would spoil a second start."""

import os
import signal
import subprocess
import time
from pathlib import Path

from config.localservices.supervisor import CannotStart


def stop(pid_file: Path, program: str, stop_signal: signal.Signals) -> None:
    """Stop the server named by the first line of its pid file, if it still runs; waits until it has ended."""
    if not pid_file.exists():
        return
    pid = int(pid_file.read_text().split("\n")[0] or 0)
    # The number may belong to somebody else by now, after a reboot for instance.
    if pid <= 1 or program not in _command_of(pid):
        return
    os.kill(pid, stop_signal)
    deadline = time.monotonic() + 30
    while program in _command_of(pid):
        if time.monotonic() > deadline:
            raise CannotStart(f"An old {program} (process {pid}) does not stop: end it, then start again.")
        time.sleep(0.02)


def _command_of(pid: int) -> str:
    """The command line of a process; empty when it has ended."""
    if Path("/proc/self").exists():
        entry = Path(f"/proc/{pid}/cmdline")
        return entry.read_text().replace("\0", " ") if entry.exists() else ""
    done = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], check=False, capture_output=True, text=True)
    return done.stdout
