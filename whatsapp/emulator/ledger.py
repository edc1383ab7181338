"""Remembers every accepted message in few bytes, so a test can prove "exactly once" from Meta's side."""

import secrets
from array import array
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections import Counter
from collections.abc import Iterator
from hashlib import blake2b
from typing import NamedTuple


class Acceptance(NamedTuple):
    """One accepted message. `at` is Unix time in seconds; equal bodies have equal `body_hash`."""

    row: int
    wamid: str
    callback: str
    recipient: str
    phone_number_id: str
    category: str
    at: float
    body_hash: int


class _Words:
    """Numbers a few texts that occur again and again."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self._index: dict[str, int] = {}

    def index(self, word: str) -> int:
        if word not in self._index:
            self._index[word] = len(self.words)
            self.words.append(word)
        return self._index[word]


class Ledger:
    """Append-only columns of about 100 bytes a message, so that millions fit in memory."""

    def __init__(self) -> None:
        # Ids of one ledger never meet those of another, also after a reset.
        self._salt = secrets.token_hex(4).upper().encode()
        self._at = array("d")
        self._hash = array("Q")
        self._number = array("L")
        self._category = array("B")
        self._ends = array("Q")
        self._texts = bytearray()
        self._numbers = _Words()
        self._categories = _Words()

    def __len__(self) -> int:
        return len(self._at)

    def add(self, phone_number_id: str, recipient: str, callback: str, category: str, at: float, body: bytes) -> int:
        """Remember an acceptance; returns its row."""
        self._texts += f"{recipient}\x00{callback}".encode()
        self._ends.append(len(self._texts))
        self._hash.append(int.from_bytes(blake2b(body, digest_size=8).digest(), "big"))
        self._number.append(self._numbers.index(phone_number_id))
        self._category.append(self._categories.index(category))
        self._at.append(at)
        return len(self._at) - 1

    def __getitem__(self, row: int) -> Acceptance:
        start = self._ends[row - 1] if row else 0
        recipient, _, callback = self._texts[start : self._ends[row]].decode().partition("\x00")
        return Acceptance(
            row,
            self.wamid(recipient, row),
            callback,
            recipient,
            self._numbers.words[self._number[row]],
            self._categories.words[self._category[row]],
            self._at[row],
            self._hash[row],
        )

    def __iter__(self) -> Iterator[Acceptance]:
        return (self[row] for row in range(len(self)))

    def wamid(self, recipient: str, row: int) -> str:
        """A message id in Meta's form: base64 around the recipient, constants and a serial number."""
        address = recipient[:32].encode()
        head = b"\x1d\x08" + bytes((len(address),)) + address + b"\x15\x02\x00\x11\x18\x12"
        return "wamid." + b64encode(head + self._salt + b"%010X" % row).decode()

    def row_of(self, wamid: str) -> int | None:
        """The row of a message id of this ledger, None for others."""
        try:
            row = int(b64decode(wamid.removeprefix("wamid."), validate=True)[-10:], 16)
        except (ValueError, NotBase64):
            return None
        return row if 0 <= row < len(self) and self[row].wamid == wamid else None

    def with_callback(self, callback: str) -> list[Acceptance]:
        """Every acceptance that carries this callback data; a scan."""
        wanted = callback.encode()
        return [self[row] for row, (_, found) in enumerate(self._names()) if found == wanted]

    def to(self, recipient: str) -> list[Acceptance]:
        """Every acceptance for a recipient (digits without plus, or BSUID); a scan."""
        wanted = recipient.encode()
        return [self[row] for row, (found, _) in enumerate(self._names()) if found == wanted]

    def duplicates(self) -> dict[str, int]:
        """Callback data that was accepted more than once, with how often: empty if all is well."""
        counts = Counter(callback for _, callback in self._names() if callback)
        return {callback.decode(): count for callback, count in counts.items() if count > 1}

    def _names(self) -> Iterator[tuple[bytes, bytes]]:
        """Recipient and callback data of every row."""
        start = 0
        for end in self._ends[:]:
            recipient, _, callback = bytes(self._texts[start:end]).partition(b"\x00")
            yield recipient, callback
            start = end
