"""Reads the records of a CSV file one by one with their byte positions, and isolates the broken ones."""

import csv
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from contacts.importing import limits

BLANK = "blank"
EOL = "\r\n"
_OPEN = "unexpected end of data"  # what the csv module says of a quotation mark that is not closed


class Record(NamedTuple):
    """One record: its cells, the byte after it, and why it cannot be used ("" when it can, "blank" when empty)."""

    cells: list[str]
    end: int
    fault: str


def records(file: BinaryIO, *, encoding: str, delimiter: str, start: int, width: int) -> Iterator[Record]:
    """The records from byte `start` to the end of the file, each with exactly `width` cells unless it has a fault.

    A cell may hold line breaks inside quotes. A quotation mark that never closes spoils its own line only: reading
    goes on with the next line. `file` must be seekable and nobody else may move in it meanwhile.
    """
    file.seek(start)
    position = start
    empty = delimiter + '" \t\r\n\u00a0'
    while raw := file.readline(limits.LINE_BYTES):
        position += len(raw)
        if len(raw) == limits.LINE_BYTES and not raw.endswith(b"\n"):
            position += _skip_line(file)
            yield Record([raw[:200].decode(encoding, "replace")], position, "too_long")
            continue
        try:
            text = raw.decode(encoding).rstrip(EOL)
        except UnicodeDecodeError:
            yield Record(_cells_anyway(raw.decode("cp1252", "replace"), delimiter), position, "bad_encoding")
            continue
        if '"' not in text:
            cells, is_open = text.split(delimiter), False
        else:
            cells, extra, is_open = _quoted(file, text, encoding, delimiter, width, position)
            position += extra
        if not text.strip(empty):
            yield Record([], position, BLANK)
        elif "\x00" in text:
            yield Record([cell.replace("\x00", "") for cell in cells], position, "malformed_row")
        elif len(text) > limits.CELL_CHARS and max(map(len, cells)) > limits.CELL_CHARS:
            yield Record(cells, position, "too_long")
        elif not is_open and (len(cells) == width or _only_adds_blanks(cells, width)):
            yield Record(cells[:width], position, "")
        else:
            yield Record(cells, position, "malformed_row")


def header(file: BinaryIO, *, encoding: str, delimiter: str, start: int) -> Record:
    """The first record that is not blank, with as many cells as it has; no cells when the file has none."""
    file.seek(start)
    position = start
    while raw := file.readline(limits.LINE_BYTES):
        position += len(raw)
        text = raw.decode(encoding, "replace").rstrip(EOL)
        if not text.strip(delimiter + '" \t\u00a0'):
            continue
        if '"' not in text:
            return Record(text.split(delimiter), position, "")
        cells, extra, _is_open = _quoted(file, text, encoding, delimiter, 0, position)
        return Record(cells, position + extra, "")
    return Record([], position, BLANK)


def _quoted(
    file: BinaryIO, text: str, encoding: str, delimiter: str, width: int, position: int
) -> tuple[list[str], int, bool]:
    """A line with quotation marks: its cells, how many bytes of the next lines belong to it, and whether one of the
    marks stays open."""
    try:
        return next(csv.reader((text,), delimiter=delimiter, strict=True)), 0, False
    except csv.Error as error:
        is_open = _OPEN in str(error)
    whole = _joined(file, text, encoding, delimiter, width) if is_open else None
    if whole is not None:
        return whole, file.tell() - position, False
    file.seek(position)
    return _cells_anyway(text, delimiter), 0, is_open


def _joined(file: BinaryIO, text: str, encoding: str, delimiter: str, width: int) -> list[str] | None:
    """The cells of a record that goes on over the next lines; None when its quotation mark never closes sensibly."""
    for _line in range(limits.QUOTED_LINES):
        raw = file.readline(limits.LINE_BYTES)
        if not raw or len(text) > limits.LINE_BYTES:
            return None
        more = raw.decode(encoding, "replace").rstrip(EOL)
        text = f"{text}\n{more}"
        if '"' not in more:
            continue
        try:
            cells = next(csv.reader((text,), delimiter=delimiter, strict=True))
        except csv.Error as error:
            if _OPEN in str(error):
                continue
            return None
        # Two broken lines can look like one long cell; then the number of columns is wrong.
        return cells if not width or len(cells) == width else None
    return None


def _cells_anyway(text: str, delimiter: str) -> list[str]:
    """The cells of a line whose quotation marks follow no rule."""
    try:
        return next(csv.reader((text.rstrip(EOL),), delimiter=delimiter), [])
    except csv.Error:
        return text.split(delimiter)


def _only_adds_blanks(cells: list[str], width: int) -> bool:
    return len(cells) > width and not any(cell.strip() for cell in cells[width:])


def _skip_line(file: BinaryIO) -> int:
    skipped = 0
    while raw := file.readline(limits.LINE_BYTES):
        skipped += len(raw)
        if raw.endswith(b"\n"):
            break
    return skipped
