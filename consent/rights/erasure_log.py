"""A record of erasures outside the database, because a restored backup knows the person again (CG-43).

One line of JSON each, in `settings.ERASURE_LOG_DIR`: the company, the ledger's random subject and keyed hashes. Who has
only the file learns nothing about anybody. `manage.py replay_erasures` reads it after a restore.
"""

import os
from collections.abc import Iterator
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
    """Somebody whose data was erased: `digests` are (kind, keyed hash) of what named them then."""

    tenant: UUID
    subject: UUID
    digests: list[tuple[str, bytes]]
    at: datetime


def path() -> Path:
    """Where the record lies; the folder is made on first use."""
    return Path(settings.ERASURE_LOG_DIR) / NAME


def write(contact: Contact, at: datetime) -> None:
    """Note an erasure, durably, before it is committed: rather one line too many than one too few.

    One write to a file opened for appending, so that several workers never mix their lines. Raises OSError.
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
    path().parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(path(), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(handle, line)
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
        return Erased(UUID(said["tenant"]), UUID(said["subject"]), digests, datetime.fromisoformat(said["at"]))
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"line {number} of {path()} is damaged: {error}") from None
