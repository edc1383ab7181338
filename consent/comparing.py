"""What has changed from one text to the next, word by word, as people read it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher

SAME, GONE, NEW = "same", "gone", "new"
_PARTS = re.compile(r"\s+|\w+|[^\w\s]")


@dataclass(frozen=True)
class Piece:
    """A stretch of text that stayed, is gone, or is new."""

    kind: str
    text: str


def compared(old: str, new: str) -> list[Piece]:
    """Both texts in one: `gone` and `same` give the old one, `new` and `same` the new one."""
    return list(_joined(_pieces(_PARTS.findall(old), _PARTS.findall(new))))


def _pieces(old: list[str], new: list[str]) -> Iterator[Piece]:
    for kind, a, b, c, d in SequenceMatcher(a=old, b=new, autojunk=False).get_opcodes():
        if kind == "equal":
            yield Piece(SAME, "".join(old[a:b]))
        else:
            yield Piece(GONE, "".join(old[a:b]))
            yield Piece(NEW, "".join(new[c:d]))


def _joined(pieces: Iterator[Piece]) -> Iterator[Piece]:
    """A blank between two changes belongs to them: "two new words" is one change, not two."""
    gone, new = "", ""
    for piece in pieces:
        if piece.kind == GONE:
            gone += piece.text
        elif piece.kind == NEW:
            new += piece.text
        elif piece.text.isspace() and (gone or new):
            gone, new = gone + piece.text, new + piece.text
        else:
            yield from _change(gone, new)
            gone, new = "", ""
            yield piece
    yield from _change(gone, new)


def _change(gone: str, new: str) -> Iterator[Piece]:
    if gone and new and gone[-1:].isspace() and new[-1:].isspace():
        yield from _change(gone[:-1], new[:-1])
        yield Piece(SAME, gone[-1])
        return
    if gone:
        yield Piece(GONE, gone)
    if new:
        yield Piece(NEW, new)
