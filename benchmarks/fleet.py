"""Runs the product's real processes against the caller's database and Redis, and kills them like a bad day would."""

import contextlib
import os
import re
import secrets
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self
from urllib.parse import quote, urlsplit

from django.conf import settings
from django.db import connection

from benchmarks import cpu, memory
from config.localservices import ports, valkey
from config.localservices.base import ROOT
from config.localservices.processes import PROCESSES, Place, Process
from config.localservices.supervisor import end_with_parent

POLL_S = 0.1
# The one name that is not in the table of processes.
BROKER = "valkey"
# What Celery, uvicorn and gunicorn log when they begin to work; beat says nothing.
READY = re.compile(rb" ready\.|startup complete|Booting worker")
SILENT = {"beat"}
# As systemd, docker and our own supervisor do with a process that ends by itself.
REVIVED_AFTER_S = 2.0


class TookTooLong(Exception):
    """Something that was waited for did not happen in time."""


def wait_until(is_true: Callable[[], bool], what: str, seconds: float, *, poll_s: float = POLL_S) -> None:
    """Ask again and again until it is true; raises TookTooLong after that many seconds."""
    ends_at = time.monotonic() + seconds
    while not is_true():
        if time.monotonic() > ends_at:
            raise TookTooLong(f"{what} took longer than {seconds:.0f} s")
        time.sleep(poll_s)


class Fleet:
    """The processes of `config.localservices`' table, as children of this one for the length of a `with` block.

    A name may be followed by a number ("sending-2") to have several of a kind. Listening sockets are held here, so
    that a killed process refuses nobody, as under the supervisor. `environment` is what the processes see.
    With "valkey", named first, they have a Redis of their own that can be killed too; the caller's bells ring
    unheard then, in its own Redis, and beat finds the work. `more` are processes that the product does not have,
    or has otherwise.

    A process that ends by itself is started again, as in production, and `revived` names it: Celery gives up a worker
    that holds a message when the broker goes away, about one time in eight.
    """

    def __init__(
        self, folder: Path, names: Sequence[str], more: Mapping[str, Process] | None = None, **environment: str
    ) -> None:
        self.folder = folder
        # The web server's workers keep files there.
        (folder / "tmp").mkdir(exist_ok=True)
        self._names = names
        self._table = PROCESSES | dict(more or {})
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._leaders: dict[str, int] = {}
        self.revived: list[str] = []
        self._is_over = threading.Event()
        # Held while processes are exchanged, so that nobody revives what somebody has ended.
        self._exchange = threading.RLock()
        self._reviver = threading.Thread(target=self._revive, daemon=True)
        self._watch = memory.Watch(self._leaders)
        self._broker = valkey.Server(folder, ports.free(), secrets.token_hex(16)) if BROKER in names else None
        self._places = {
            name: Place(port)
            for name in names
            if name != BROKER and (port := self._table[_kind(name)].port) is not None
        }
        addresses = {
            variable: self.url(name)
            for variable, name in (("WHATSAPP_API_URL", "emulator"), ("PUBLIC_URL", "web"))
            if name in self._places
        }
        self.redis_url = self._broker.url if self._broker else settings.REDIS_URL
        servers = {"DATABASE_URL": database_url(), "REDIS_URL": self.redis_url, "BROKER_URL": "", "CACHE_URL": ""}
        self.environment = {**os.environ, **servers, **addresses, **environment, "PYTHONUNBUFFERED": "1"}

    def __enter__(self) -> Self:
        try:
            for name in self._names:
                self.start(name)
            for name in self._places:
                wait_until(lambda name=name: self._is_up(name), f"the start of {name}", 60)
            self._watch.start()
            self._reviver.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._watch.stop()
        self.stop()

    def url(self, name: str) -> str:
        """Where a process listens."""
        return self._places[name].url

    def leader(self, name: str) -> int:
        """The process id of a process, whose children are its pool."""
        return self._leaders[name]

    def cpu_seconds(self) -> dict[str, float]:
        """Processor time so far by kind of process, PostgreSQL's included."""
        return cpu.seconds(self._leaders)

    def kill(self, name: str, *, away_s: float = 0.0) -> None:
        """End a process and its pool with SIGKILL, without warning, and start it again after so many seconds.

        "valkey" comes back on its port with nothing in it and as a new run, and is up when this returns.
        """
        self.end(name)
        time.sleep(away_s)
        self.start(name)

    def replace(self, name: str, *, within_s: float) -> float:
        """Replace a process as a deploy does: start a new one, and once it is ready end the old one with SIGTERM.

        Returns how many seconds the old one took to end. Raises TookTooLong when it does not end by itself, and
        RuntimeError when it ends with an error.
        """
        old, before = self._running[name], self._times_ready(name)
        self._spawn(name)
        try:
            if _kind(name) not in SILENT:
                wait_until(lambda: self._times_ready(name) > before, f"the start of {name}", 60)
            began = time.monotonic()
            # Only it: what a worker leaves to its pool is its own affair.
            old.terminate()
            wait_until(lambda: old.poll() is not None, f"the end of {name}", within_s)
            took = time.monotonic() - began
        finally:
            _end(old)
        # uvicorn and gunicorn end by the signal itself when they are done.
        if old.returncode not in (0, -signal.SIGTERM):
            raise RuntimeError(f"{name} ended with {old.returncode}: see {self.folder / name}.log")
        return took

    def wait_until_ready(self) -> None:
        """Wait until the workers, which nobody can ask, have said that they are ready, too."""
        for name in self._running:
            if name not in self._places and _kind(name) not in SILENT:
                wait_until(lambda name=name: self._times_ready(name) > 0, f"the start of {name}", 60)

    def _times_ready(self, name: str) -> int:
        """How often a process of this name has said that it is ready."""
        return len(READY.findall((self.folder / f"{name}.log").read_bytes()))

    def stop(self) -> None:
        """End everything; nothing is left behind."""
        self._is_over.set()
        for name in list(self._running):
            self.end(name)
        for place in self._places.values():
            if place.listener:
                place.listener.close()

    def _revive(self) -> None:
        """Start again what has ended by itself."""
        ended: dict[int, float] = {}
        while not self._is_over.wait(0.5):
            with self._exchange:
                for name, process in list(self._running.items()):
                    if process.poll() is None or self._is_over.is_set():
                        continue
                    if time.monotonic() - ended.setdefault(process.pid, time.monotonic()) >= REVIVED_AFTER_S:
                        self.revived.append(name)
                        # What is left of its pool goes first.
                        self.end(name)
                        self._spawn(name)

    def _is_up(self, name: str) -> bool:
        if self._running[name].poll() is not None:
            raise RuntimeError(f"{name} did not start: see {self.folder / name}.log")
        return self._broker.answers() if name == BROKER and self._broker else _answers(self.url(name))

    def start(self, name: str) -> None:
        """Start what was ended; "valkey" is up when this returns."""
        self._spawn(name)
        if name == BROKER:
            wait_until(lambda: self._is_up(name), f"the start of {name}", 60)

    def _spawn(self, name: str) -> None:
        with self._exchange:
            self._running[name] = self._spawned(name)
        self._leaders[name] = self._running[name].pid

    def _spawned(self, name: str) -> "subprocess.Popen[bytes]":
        place = self._places.get(name)
        handed = (place.listener.fileno(),) if place and place.listener else ()
        with (self.folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                self._arguments(name, handed, place),
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                pass_fds=handed,
                # Also when this process itself is killed.
                preexec_fn=lambda: end_with_parent(signal.SIGKILL),
            )

    def _arguments(self, name: str, handed: Sequence[int], place: Place | None) -> list[str]:
        if name == BROKER and self._broker:
            return self._broker.command()
        door = self._places.get("door")
        filled = {
            "base": str(self.folder),
            "fd": str(handed[0]) if handed else "",
            "port": str(place.port) if place else "",
            "door": door.url if door else "",
        }
        kind = _kind(name)
        parts = [
            part.format_map(filled).replace(f"{kind}@", f"{name}@") for part in self._table[kind].arguments.split()
        ]
        return [sys.executable, *parts]

    def end(self, name: str) -> None:
        """End a process and its pool with SIGKILL, for good."""
        with self._exchange:
            _end(self._running.pop(name))


def _end(process: "subprocess.Popen[bytes]") -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _kind(name: str) -> str:
    return name.partition("-")[0]


def database_url() -> str:
    """This process' own database, which in tests is not the one that the environment names."""
    name = quote(str(connection.settings_dict["NAME"]))
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):
            return True
    except urllib.error.HTTPError as error:
        error.close()
        return True
    except OSError:
        return False
