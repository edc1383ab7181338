"""A record of erasures outside the database, because a restored backup knows the person again (CG-43).

One line of JSON each, in `settings.ERASURE_LOG_DIR`: the company, the ledger's random subject and keyed hashes. Who has
only the file learns nothing about anybody. `manage.py replay_erasures` reads it after a restore.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

import orjson
from django.conf import settings

from contacts.identities import digests_of
from contacts.models import Contact

NAME = "erasures.jsonl"


@dataclass(frozen=True)
class Erased:
    """Somebody whose data was erased: `digests` are (kind, keyed hash) of what named them then.

    `is_forgotten` when they wished for no hash of them to stay.
    """

    tenant: UUID
    subject: UUID
    digests: list[tuple[str, bytes]]
    at: datetime
    is_forgotten: bool = False


def path() -> Path:
    """Where the record lies; the folder is made on first use."""
    return Path(settings.ERASURE_LOG_DIR) / NAME


def write(contact: Contact, at: datetime) -> None:
    """Note an erasure, durably, before it is committed: rather one line too many than one too few.

    Raises OSError.
    """
    line = orjson.dumps(
        {
            "tenant": str(contact.tenant.uid),
            "subject": str(contact.subject_id),
            "digests": [[kind, key.hex()] for kind, key in digests_of(contact)],
            "at": at.isoformat(),
        },
        option=orjson.OPT_APPEND_NEWLINE,
    )
    with _alone():
        _put(path(), line, os.O_APPEND)


def forget(subject: UUID) -> None:
    """Take somebody's hashes out of the record at their own wish; that they were erased stays, by the random subject.

    Raises OSError, and ValueError for a damaged record.
    """
    with _alone():
        kept = [
            orjson.dumps(said | ({"digests": [], "forgotten": True} if said["subject"] == str(subject) else {}))
            for said in map(orjson.loads, path().read_bytes().splitlines() if path().exists() else ())
        ]
        anew = path().with_suffix(".new")
        _put(anew, b"".join(line + b"\n" for line in kept), os.O_TRUNC)
        anew.replace(path())


@contextmanager
def _alone() -> Iterator[None]:
    """One writer at a time, on this host and on others that share the folder: `forget` replaces the file."""
    path().parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(path().with_suffix(".lock"), os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        fcntl.lockf(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _put(to: Path, content: bytes, how: int) -> None:
    handle = os.open(to, os.O_WRONLY | os.O_CREAT | how, 0o600)
    try:
        # A disk that is nearly full takes a part and says so only by the count.
        while content:
            content = content[os.write(handle, content) :]
        os.fsync(handle)
    finally:
        os.close(handle)


def read() -> Iterator[Erased]:
    """Every erasure, oldest first; raises ValueError with the number of a line that is damaged."""
    if not path().exists():
        return
    with path().open("rb") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                yield _read(number, line)


def _read(number: int, line: bytes) -> Erased:
    try:
        said = orjson.loads(line)
        digests = [(str(kind), bytes.fromhex(key)) for kind, key in said["digests"]]
        at, is_forgotten = datetime.fromisoformat(said["at"]), bool(said.get("forgotten"))
        return Erased(UUID(said["tenant"]), UUID(said["subject"]), digests, at, is_forgotten)
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"line {number} of {path()} is damaged: {error}") from None
