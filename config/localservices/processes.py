"""The product's processes, in one table, and how they are started together."""

import os
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass
from urllib.parse import urlsplit

from config.localservices import ports
from config.localservices.base import Base
from config.localservices.postgres import last_line
from config.localservices.supervisor import CannotStart, Child, Supervisor, say


@dataclass(frozen=True)
class Process:
    """One row of the table: Python's arguments, in which {fd}, {port}, {base} and {door} are filled in.

    `port` is the preferred one of a process that is handed a listening socket as {fd}; 0 asks for any free
    one as {port}. `health` is the path that answers once it serves, `queues` what a Celery worker takes from.
    """

    arguments: str
    port: int | None = None
    health: str = ""
    queues: tuple[str, ...] = ()


class Place:
    """Where a process listens: on a socket that we hold for it, or on a port that it opens itself."""

    def __init__(self, preferred: int) -> None:
        self.listener = ports.listen(preferred) if preferred else None
        self.port: int = self.listener.getsockname()[1] if self.listener else ports.free()
        self.url = f"http://{ports.ADDRESS}:{self.port}"


@dataclass(frozen=True)
class Started:
    """A process that runs, with the place where it listens, if it does."""

    name: str
    child: Child
    place: Place | None

    @property
    def url(self) -> str:
        """Its address; empty if it does not listen."""
        return self.place.url if self.place else ""


def _worker(*queues: str, concurrency: int) -> Process:
    place = f"--queues {','.join(queues)} --hostname {queues[0]}@%h --concurrency {concurrency}"
    # One machine: what tells workers about each other is only noise.
    quiet = "--without-gossip --without-mingle --without-heartbeat"
    return Process(f"-m celery --quiet -A config worker {place} --loglevel INFO {quiet}", queues=queues)


PROCESSES: dict[str, Process] = {
    "web": Process(
        # The control socket would lie in the home folder.
        "-m gunicorn config.wsgi --bind fd://{fd} --preload --worker-class gthread --workers 2 --threads 4"
        " --graceful-timeout 10 --no-control-socket --worker-tmp-dir {base}/tmp",
        port=8000,
        health="/healthz",
    ),
    "door": Process(
        "-m uvicorn inbox.door:application --fd {fd} --no-access-log --timeout-graceful-shutdown 10",
        port=8001,
        health="/healthz",
    ),
    # Sending and receiving have workers of their own, so that an import never delays a message or an opt-out.
    "sending": _worker("sending", concurrency=2),
    "receiving": _worker("receiving", concurrency=1),
    "default": _worker("default", concurrency=2),
    "beat": Process("-m celery --quiet -A config beat --schedule {base}/celerybeat-schedule --pidfile="),
    "emulator": Process(
        "manage.py emulator --port {port} --webhook-url {door}/webhooks/whatsapp/ --state {base}/emulator.json",
        port=0,
        health="/",
    ),
}
# The sandbox stands in for Meta only where somebody asked for it.
UNASKED = tuple(name for name in PROCESSES if name != "emulator")


def chosen(names: str) -> list[str]:
    """The processes named by a comma-separated list, in the table's order; `all` means all but the emulator.

    Raises CannotStart for a name that the table does not know.
    """
    wanted = {part for name in names.split(",") for part in (UNASKED if name == "all" else (name.strip(),))}
    unknown = wanted - PROCESSES.keys()
    if unknown:
        raise CannotStart(f"Unknown process {', '.join(sorted(unknown))}: choose from {', '.join(PROCESSES)}.")
    return [name for name in PROCESSES if name in wanted]


def start_all(supervisor: Supervisor, base: Base, names: list[str], runtime: str = "") -> list[Started]:
    """Bring the database up to date, start the processes, and wait until those that listen answer.

    Sets PUBLIC_URL, DOOR_URL and, with the emulator, WHATSAPP_API_URL for them and for the command. With `runtime`,
    a second DATABASE_URL, the first one's role only migrates, and the processes and the command run as the second's.
    Raises CannotStart when one of them does not come up.
    """
    places = {name: Place(port) for name in names if (port := PROCESSES[name].port) is not None}
    _export_addresses(places)
    _manage(supervisor, base, "migrate", "--no-input")
    if runtime:
        _manage(supervisor, base, "grant_runtime", str(urlsplit(runtime).username))
        os.environ["DATABASE_URL"] = runtime
    started = [_start(supervisor, base, name, places.get(name)) for name in names]
    for process in started:
        _wait_for(supervisor, process)
        process.child.restarts = True
        say(f"{process.name:10} {process.url:24} {process.child.log}")
    return started


def _export_addresses(places: dict[str, Place]) -> None:
    if "web" in places:
        os.environ.setdefault("PUBLIC_URL", places["web"].url)
    if "door" in places:
        os.environ["DOOR_URL"] = places["door"].url
    if "emulator" in places:
        # Never left to .env: whoever asks for the emulator must not reach Meta.
        os.environ["WHATSAPP_API_URL"] = places["emulator"].url


def _manage(supervisor: Supervisor, base: Base, command: str, argument: str) -> None:
    log = base.log(command)
    if supervisor.run(Child(command, [sys.executable, "manage.py", command, argument], log)):
        raise CannotStart(f"`manage.py {command}` failed: {last_line(log)}")


def _start(supervisor: Supervisor, base: Base, name: str, place: Place | None) -> Started:
    handed = (place.listener.fileno(),) if place and place.listener else ()
    filled = {"base": base.folder, "fd": handed[0] if handed else "", "port": place.port if place else ""}
    filled["door"] = os.environ.get("DOOR_URL", "")
    arguments = [sys.executable, *(part.format(**filled) for part in PROCESSES[name].arguments.split())]
    child = Child(name, arguments, base.log(name), kind="process", popen={"pass_fds": handed})
    supervisor.start(child)
    # With its place, so that the socket stays open for a restart.
    return Started(name, child, place)


def _wait_for(supervisor: Supervisor, process: Started) -> None:
    health = PROCESSES[process.name].health
    if health and not supervisor.wait(lambda: _answers(process.url + health), process.child, seconds=60):
        raise CannotStart(f"{process.name} did not start: {last_line(process.child.log)}")


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
