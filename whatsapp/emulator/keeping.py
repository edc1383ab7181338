"""Keeps accounts, numbers and templates in a file, so that a sandbox knows them after a restart, as Meta would.

Messages, people and files are not kept: what was still going to happen to them ends with the process.
"""

import asyncio
from copy import copy
from itertools import count
from pathlib import Path
from typing import Any

import orjson

from whatsapp.emulator import templates
from whatsapp.emulator.people import People
from whatsapp.emulator.state import Account, Number, Template, World

Json = dict[str, Any]
EVERY_S = 1.0


class Unreadable(ValueError):
    """The file is not what an emulator has written."""


class Keeper:
    """One world and its file, which is read once and then written whenever something has changed."""

    def __init__(self, world: World, people: People, path: Path) -> None:
        self._world, self._people, self._path = world, people, path
        self._written = b""
        if path.exists():
            self._read()

    async def run(self) -> None:
        """Write for ever; a killed emulator forgets the last second."""
        while True:
            self.write()
            await asyncio.sleep(EVERY_S)

    def write(self) -> None:
        """Write if something has changed."""
        content = _dumped(self._world)
        if content != self._written:
            fresh = self._path.with_name(f"{self._path.name}.new")
            fresh.write_bytes(content)
            fresh.replace(self._path)
            self._written = content

    def _read(self) -> None:
        self._written = self._path.read_bytes()
        try:
            _load(self._world, orjson.loads(self._written))
        except (ValueError, TypeError, KeyError) as error:
            raise Unreadable(f"{self._path} holds no emulator's state: delete it, then start again") from error
        for account in self._world.accounts.values():
            for template in account.templates.values():
                if template.status == "PENDING":
                    templates.await_review(self._people, template)


def _dumped(world: World) -> bytes:
    kept = {
        # Peeked at, so that the next id after a restart is a new one too.
        "serial": next(copy(world.serial)),
        "accounts": list(world.accounts.values()),
        "numbers": list(world.numbers.values()),
    }
    return orjson.dumps(kept, default=sorted)


def _load(world: World, kept: Json) -> None:
    world.serial = count(kept["serial"])
    for row in kept["accounts"]:
        found = {key: Template(**values) for key, values in row.pop("templates").items()}
        world.accounts[row["id"]] = Account(**row, templates=found)
    for row in kept["numbers"]:
        world.numbers[row["id"]] = Number(**row | {"blocked": set(row["blocked"])})
