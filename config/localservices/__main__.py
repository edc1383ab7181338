"""The command line: start the servers, start the processes, run a command, and leave nothing behind.

    python -m config.localservices -- manage.py shell
    python -m config.localservices --base .local/test -- -m pytest tests/contacts
    python -m config.localservices --processes all

`DATABASE_URL` and `REDIS_URL`, from the environment or `.env`, each replace the server we would start.
A base named `test` or `once` is temporary: every start gets a fresh folder in it, fast, and deleted at the end.
A command without processes joins the servers that already run on the same base.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import environ

from config.localservices import postgres, valkey
from config.localservices.base import ROOT, Base
from config.localservices.processes import PROCESSES, Started, chosen, start_all
from config.localservices.supervisor import CannotStart, Child, Stopped, Supervisor, say


def main(arguments: Sequence[str]) -> int:
    """Do what the arguments say; returns the command's exit code, or 128 + the signal that stopped us."""
    options, command = _parse(arguments)
    if (ROOT / ".env").exists():
        environ.Env.read_env(ROOT / ".env")
    try:
        base = Base(options.base)
        if not base.lock():
            return _join(base, command, options.processes)
        with Supervisor(base) as supervisor:
            return _run(supervisor, base, options, command)
    except CannotStart as error:
        say(str(error), file=sys.stderr)
        return 1
    except PermissionError as error:
        say(f"{error.filename} belongs to another user: start as that user, or delete it.", file=sys.stderr)
        return 1
    except Stopped as stopped:
        return 128 + stopped.signal


def _parse(arguments: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    own, command = list(arguments), []
    if "--" in own:
        at = own.index("--")
        own, command = own[:at], own[at + 1 :]
    parser = argparse.ArgumentParser(prog="python -m config.localservices", description=__doc__.splitlines()[0])
    parser.add_argument("--base", type=Path, default=Path(".local/run"), help="folder of data, logs and secrets")
    parser.add_argument("--processes", default="", help=f"comma-separated, or all: {', '.join(PROCESSES)}")
    parser.add_argument("--keep", action="store_true", help="keep serving after the command has ended well")
    return parser.parse_args(own), _with_python(command)


def _with_python(command: list[str]) -> list[str]:
    # Scripts are never started by their first line: it breaks when the checkout's path has spaces.
    if command and (command[0] == "-m" or command[0].endswith(".py")):
        return [sys.executable, *command]
    return command


def _join(base: Base, command: list[str], processes: str) -> int:
    running = base.running()
    if not command or processes or not running:
        raise CannotStart(f"{base.folder} is in use: stop the other `make run` or `make demo` first.")
    own = {name: value for name, value in os.environ.items() if value}
    os.execvpe(command[0], command, {**running, **own})


def _run(supervisor: Supervisor, base: Base, options: argparse.Namespace, command: list[str]) -> int:
    _export_secrets(base)
    runtime = ""
    if os.environ.get("DATABASE_URL"):
        postgres.refuse_unbound(os.environ["DATABASE_URL"])
    else:
        os.environ["DATABASE_URL"], runtime = postgres.start(supervisor, base)
    if not os.environ.get("REDIS_URL"):
        os.environ["REDIS_URL"] = valkey.start(supervisor, base)
    started: list[Started] = []
    if options.processes:
        started = start_all(supervisor, base, chosen(options.processes), runtime)
    base.announce()
    if command:
        code = supervisor.run(Child("command", command, log=None))
        if code or not options.keep:
            return code
    return _serve(supervisor, started)


def _export_secrets(base: Base) -> None:
    # Whoever keeps an own .env names the secrets there; inventing a missing one would hide the mistake.
    if base.is_temporary or not (ROOT / ".env").exists():
        for name, value in base.secrets().items():
            os.environ.setdefault(name, value)
    os.environ.update(TMPDIR=str(base.folder / "tmp"), PYTHONUNBUFFERED="1")
    if os.environ.pop("PYTHONDONTWRITEBYTECODE", ""):
        # Nothing is written beside the code, as was asked for; but each of a dozen processes would compile all of it.
        os.environ["PYTHONPYCACHEPREFIX"] = str(ROOT / ".local" / "pycache")


def _serve(supervisor: Supervisor, started: list[Started]) -> int:
    if not started:
        return 0
    say("Running. Ctrl-C stops everything.")
    while True:
        supervisor.pause(1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
