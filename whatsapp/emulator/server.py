"""Serves the emulator: for ever on a port, or for the length of a `with` block in a thread of its own."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import uvicorn

from whatsapp.emulator.app import Emulator
from whatsapp.emulator.ledger import Ledger
from whatsapp.emulator.profile import Profile
from whatsapp.emulator.remote import Remote

START_TIMEOUT_S = 20.0
BACKLOG = 4096


class Running(Remote):
    """An emulator in this process: everything of `Remote`, and its ledger without the way over HTTP."""

    def __init__(self, base_url: str, emulator: Emulator) -> None:
        super().__init__(base_url)
        self.emulator = emulator

    @property
    def ledger(self) -> Ledger:
        """Every acceptance since the start or the last reset."""
        return self.emulator.world.ledger


def serve(emulator: Emulator, *, host: str = "127.0.0.1", port: int = 0) -> None:
    """Serve until the process is told to stop (SIGINT, SIGTERM). Raises `OSError` if the port is taken."""
    with listening(host, port) as listener, suppress(KeyboardInterrupt):
        emulator.world.base_url = f"http://{host}:{listener.getsockname()[1]}"
        uvicorn.Server(_config(emulator)).run([listener])


@contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """A socket that takes connections from now on."""
    # Named as TCP, or asyncio does not switch off Nagle's algorithm and every answer waits 40 ms.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
        yield listener


@contextmanager
def running(
    profile: Profile | None = None, *, webhook_url: str = "", app_secret: str = "", state: Path | None = None
) -> Iterator[Running]:
    """An emulator on a free port of this machine, stopped at the end of the block.

    Without `webhook_url` webhooks are kept: fetch them with `take_webhooks`. The default profile is
    `Profile.perfect()`: everything delivered and read at once, no limits. `state` is the file that outlives it.
    """
    emulator = Emulator(profile or Profile.perfect(), webhook_url, app_secret, state)
    server = uvicorn.Server(_config(emulator))
    with listening("127.0.0.1", 0) as listener:
        base_url = emulator.world.base_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread = threading.Thread(target=server.run, args=([listener],), name="emulator", daemon=True)
        thread.start()
        try:
            _wait_until_started(server, thread)
            with Running(base_url, emulator) as handle:
                yield handle
        finally:
            server.should_exit = True
            thread.join(START_TIMEOUT_S)


def _wait_until_started(server: uvicorn.Server, thread: threading.Thread) -> None:
    until = time.monotonic() + START_TIMEOUT_S
    while not server.started:
        if not thread.is_alive() or time.monotonic() > until:
            raise RuntimeError("the emulator did not start")
        time.sleep(0.002)


def _config(emulator: Emulator) -> uvicorn.Config:
    return uvicorn.Config(
        emulator,
        log_level="critical",
        access_log=False,
        ws="none",
        lifespan="on",
        backlog=BACKLOG,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=1,
        timeout_keep_alive=75,
    )
