"""Keeps accounts, numbers, templates and files on disk, so that a sandbox knows them after a restart, as Meta would.

Messages, people and limits used up are not kept: what was still going to happen ends with the process.
"""

import asyncio
import os
import sys
from copy import copy
from dataclasses import fields, is_dataclass
from itertools import count
from pathlib import Path
from typing import Any

import orjson

from whatsapp.emulator import templates
from whatsapp.emulator.people import People
from whatsapp.emulator.state import Account, File, Number, Template, World

Json = dict[str, Any]
EVERY_S = 1.0
# Clocks that begin anew with the machine, and what lies in files of its own.
LEFT_OUT = {"deleted_at", "edited_at", "uploaded_at", "content"}


class Unreadable(ValueError):
    """The file is not what an emulator has written."""


class Keeper:
    """One world and its file, read once and then written whenever something has changed.

    Raises `Unreadable`, and `OSError` if the file cannot be written.
    """

    def __init__(self, world: World, people: People, path: Path) -> None:
        self._world, self._people, self._path = world, people, path
        self._contents = path.with_name(f"{path.name}.files")
        self._written = b""
        self._trouble = ""
        if path.exists():
            self._read()
        # Whoever cannot write is told at the start, not after a day's work.
        path.parent.mkdir(parents=True, exist_ok=True)
        self.write()

    async def run(self) -> None:
        """Keep for ever; a killed emulator forgets the last second."""
        while True:
            self.keep()
            await asyncio.sleep(EVERY_S)

    def keep(self) -> None:
        """Write if that is possible; what is in the way is said once, and the next call tries again."""
        try:
            self.write()
        except OSError as error:
            if str(error) != self._trouble:
                sys.stderr.write(f"{self._path} cannot be written, so a restart will forget what is new: {error}\n")
            self._trouble = str(error)
        else:
            self._trouble = ""

    def write(self) -> None:
        """Write if something has changed; raises `OSError`."""
        content = _dumped(self._world)
        if content == self._written:
            return
        # What the file names must be there whenever this process is killed: added before, removed after.
        self._contents.mkdir(mode=0o700, exist_ok=True)
        kept = {path.name for path in self._contents.iterdir()}
        for file_id in self._world.files.keys() - kept:
            _replace(self._contents / file_id, self._world.files[file_id].content)
        _replace(self._path, content)
        for name in kept - self._world.files.keys():
            (self._contents / name).unlink(missing_ok=True)
        self._written = content

    def _read(self) -> None:
        try:
            self._load(orjson.loads(self._path.read_bytes()))
        except (ValueError, TypeError, KeyError) as error:
            raise Unreadable(f"{self._path} holds no emulator's state: delete it, then start again") from error
        for account in self._world.accounts.values():
            for template in account.templates.values():
                if template.status == "PENDING":
                    templates.await_review(self._people, template)

    def _load(self, kept: Json) -> None:
        world = self._world
        world.serial = count(kept["serial"])
        for row in kept["accounts"]:
            found = {key: Template(**values) for key, values in row.pop("templates").items()}
            world.accounts[row["id"]] = Account(**row, templates=found)
        for row in kept["numbers"]:
            world.numbers[row["id"]] = Number(**row | {"blocked": set(row["blocked"])})
        for row in kept["files"]:
            content = self._contents / row["id"]
            # Without its content it is like a file that Meta has deleted: it has to be uploaded again.
            if content.exists():
                world.files[row["id"]] = File(**row, content=content.read_bytes())


def _dumped(world: World) -> bytes:
    kept = {
        # Peeked at, so that the next id after a restart is a new one too.
        "serial": next(copy(world.serial)),
        "accounts": list(world.accounts.values()),
        "numbers": list(world.numbers.values()),
        "files": list(world.files.values()),
    }
    return orjson.dumps(kept, default=_plain, option=orjson.OPT_PASSTHROUGH_DATACLASS)


def _plain(item: Any) -> Json | list[str]:
    if is_dataclass(item):
        return {part.name: getattr(item, part.name) for part in fields(item) if part.name not in LEFT_OUT}
    return sorted(item)


def _replace(path: Path, content: bytes) -> None:
    """Write it whole or not at all, for our eyes only: accounts have the secrets of their Meta apps."""
    fresh = path.with_name(f"{path.name}.new")
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
    fresh.replace(path)
