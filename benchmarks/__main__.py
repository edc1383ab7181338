"""The command line: run the benchmarks on an empty database of their own, print a table, keep the numbers as JSON.

    python -m benchmarks
    python -m benchmarks --only send --people 5000
    python -m benchmarks --tenth

Exits with 1 if something that is promised does not hold.
"""

import argparse
import importlib
import inspect
import json
import os
import sys
import time
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import django

from benchmarks import Measured, databases, memory

# The first five share a large world, each adding to what the one before needs.
ORDER = (
    *("freeze", "growth", "segments", "screens", "fairness"),
    *("send", "door", "ingest", "imports", "hosts", "ceiling"),
)
LARGE = 100_000
RESULTS = Path(__file__).parent / "results"
COLUMNS = ("name", "unit", "ours", "naive", "limit", "ratio_naive", "bar_naive", "ratio_limit", "bar_limit", "met")


def main(arguments: Sequence[str]) -> int:
    """Run what was asked for; returns the exit code."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    options = _options(arguments)
    measured: list[Measured] = []
    path = RESULTS / f"{datetime.now(UTC):%Y-%m-%dT%H%M%SZ}.json"
    with databases.empty():
        for name in options.only or ORDER:
            print(f"· {name}", flush=True)
            started = time.monotonic()
            found = _measured(name, options)
            importlib.import_module("benchmarks.world").close()
            databases.settle()
            measured += found
            # Whoever has to break off keeps what is known by then.
            _print(found)
            _keep(measured, path)
            print(f"  ({name} took {time.monotonic() - started:.0f} s)", flush=True)
    measured += memory.measured()
    _print(measured)
    _keep(measured, path)
    print(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
    return 0 if all(row.met for row in measured) else 1


def _measured(name: str, options: argparse.Namespace) -> list[Measured]:
    """What one benchmark found; one that breaks is not met, and the others go on: a run takes most of an hour."""
    try:
        measure = importlib.import_module(f"benchmarks.{name}").measure
        (size,) = inspect.signature(measure).parameters.values()
        found: list[Measured] = measure(options.people or (_tenth(size.default) if options.tenth else size.default))
    except Exception:
        traceback.print_exc()
        return [Measured(f"{name}: ended by an error", "", 0, met=False)]
    return found


def _tenth(size: int) -> int:
    """Of what is large; what is small already would be over before it is steady."""
    return size // 10 if size >= LARGE else size


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    """The benchmarks' names, and how many people, if the command line says so."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=ORDER, action="append", help="repeatable; all of them without it")
    parser.add_argument("--people", type=int, help="how many; without it as many as each promises its bars for")
    parser.add_argument(
        "--tenth", action="store_true", help="a tenth of the large numbers: a first look in a quarter of an hour"
    )
    return parser.parse_args(arguments)


def _print(measured: Sequence[Measured]) -> None:
    rows = [COLUMNS, *([_cell(row.as_json()[column]) for column in COLUMNS] for row in measured)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(COLUMNS))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _cell(value: object) -> str:
    if value is None:
        return "–"
    return (
        f"{value:,.2f}".removesuffix(".00")
        if isinstance(value, int | float) and not isinstance(value, bool)
        else str(value)
    )


def _keep(measured: Sequence[Measured], path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps([row.as_json() for row in measured], indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
