"""The command line: break one thing after the other, print what that did, and sum it up.

    python -m benchmarks.chaos
    python -m benchmarks.chaos --only kills --people 5000

The last line is `twice=0 lost=0 forged=0 unsettled=0` if all is well; any other number, or a promise beside those four
that did not hold, exits with 1.
"""

import argparse
import importlib
import os
import pkgutil
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

import django

from benchmarks import chaos, databases
from benchmarks.chaos import Counts, Fault, machine


def main(arguments: Sequence[str]) -> int:
    """Run what was asked for; returns the exit code."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    chosen, people = _chosen(arguments)
    began, total = time.monotonic(), Counts()
    for fault in chosen:
        total += _run(fault, people or fault.people)
    for line in total.broken:
        print(f"broken: {line}")
    print(f"{len(chosen)} faults, {total.accepted:,} messages, {time.monotonic() - began:.0f} s")
    print(total.verdict, flush=True)
    return 0 if total.is_right else 1


def _chosen(arguments: Sequence[str]) -> tuple[list[Fault], int]:
    """The faults, and how many people, if the command line says so."""
    modules = [module.name for module in pkgutil.iter_modules(chaos.__path__) if module.name != "__main__"]
    found = [importlib.import_module(f"benchmarks.chaos.{name}") for name in modules]
    known: dict[str, Fault] = {fault.name: fault for module in found for fault in getattr(module, "FAULTS", ())}
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chaos", description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=sorted(known), action="append", help="repeatable; all of them without it")
    parser.add_argument("--people", type=int, default=0, help="how many; without it as many as each promises for")
    options = parser.parse_args(arguments)
    return [known[name] for name in options.only or known], options.people


def _run(fault: Fault, people: int) -> Counts:
    print(f"· {fault.name}: {fault.promise}", flush=True)
    began = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix=f"{fault.name}-"))
    # Open to all, for PostgreSQL runs as another user when we are root; every file in it is closed.
    folder.chmod(0o755)
    try:
        with databases.empty(), machine.watched() as seen:
            counts = fault.run(folder, people)
        counts += Counts(notes=tuple(seen))
    except Exception:
        # Nobody knows what it would have counted.
        traceback.print_exc()
        counts = Counts(lost=1, wrong=(f"{fault.name} did not come to its end",))
    print(f"  accepted={counts.accepted} {counts.verdict} seconds={time.monotonic() - began:.0f}")
    for line in (*counts.notes, *(f"broken: {broken}" for broken in counts.broken)):
        print(f"  {line}")
    if counts.is_right:
        shutil.rmtree(folder, ignore_errors=True)
    else:
        print(f"  logs: {folder}")
    sys.stdout.flush()
    return Counts(**{**vars(counts), "notes": ()})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
