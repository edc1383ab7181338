"""Finds out how a CSV file is written: its encoding, delimiter and header, or why it cannot be read."""

import codecs
import csv
import io
import re
from dataclasses import dataclass
from itertools import islice
from typing import BinaryIO, NoReturn

from charset_normalizer import from_bytes
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from contacts.importing import limits, reading

DELIMITERS = ";,\t|"
# What people may choose where the detection was wrong.
ENCODINGS = ("utf-8", "cp1252", "iso8859-15", "cp850", "mac-roman")
SAMPLE_BYTES = 256 * 1024
CHUNK = 4 * 1024 * 1024
# Letters and signs that German and other western European texts use; other characters speak against cp1252.
USUAL = set("äöüÄÖÜßéèêëáàâãåæçíìîïñóòôõøúùûÉÈÁÀÇÑÓØÅ€–—„“”‚‘’…§°²³·®™´«»\u00a0")
LIKELY = ("cp1252", "cp850", "mac-roman")
LOOKS_LIKE_DATA = re.compile(r"[^@\s]+@[^@\s]+\.[a-z]{2,}|'?[+(]?[0-9][0-9 ()/.+-]{6,}")
_EXCEL_HINT = re.compile(rb'"?sep=(.)"?\r?\n')


@dataclass(frozen=True)
class Layout:
    """How a file is written; `first_byte` is where its data begins, after the header."""

    encoding: str
    delimiter: str
    headers: list[str]
    first_byte: int


def detect(file: BinaryIO, *, encoding: str = "", delimiter: str = "") -> Layout:
    """The layout of a CSV file; a given encoding or delimiter is taken as it is.

    Raises ValidationError for the field `file`, with what is wrong and what to do, when it is empty, binary, has only
    a header, no header, or too many columns.
    """
    sample = _sample(file)
    start = len(codecs.BOM_UTF8) if sample.startswith(codecs.BOM_UTF8) else 0
    encoding = encoding or ("utf-8" if start or _is_utf8(file) else _legacy_encoding(file))
    start, hinted = _after_excel_hint(sample, start)
    delimiter = delimiter or hinted or _delimiter(sample[start:].decode(encoding, "replace"))
    first = reading.header(file, encoding=encoding, delimiter=delimiter, start=start)
    headers = _headers(first.cells)
    _refuse_no_data(file, encoding, delimiter, first.end, len(headers))
    return Layout(encoding, delimiter, headers, first.end)


def first_rows(file: BinaryIO, layout: Layout, count: int) -> list[list[str]]:
    """Up to `count` readable rows among the first of the file, for previews and guesses."""
    rows: list[list[str]] = []
    found = reading.records(
        file,
        encoding=layout.encoding,
        delimiter=layout.delimiter,
        start=layout.first_byte,
        width=len(layout.headers),
    )
    # Under a wrong delimiter no row is readable, and a large file must not be read to its end for that.
    for record in islice(found, 4 * count):
        if not record.fault:
            rows.append(record.cells)
        if len(rows) == count:
            break
    return rows


def _sample(file: BinaryIO) -> bytes:
    size = file.seek(0, io.SEEK_END)
    if size > limits.FILE_BYTES:
        _refuse("too_large", _("The file is larger than 200 MB. Split it into several files."))
    file.seek(0)
    sample = file.read(SAMPLE_BYTES)
    if not sample.strip():
        _refuse("empty", _("The file is empty. Export it again and check it in a text editor."))
    if b"\x00" in sample:
        _refuse("binary", _("This is not a text file. Save the table as CSV (UTF-8) or XLSX and upload that."))
    return sample


def _is_utf8(file: BinaryIO) -> bool:
    """Whether the whole file is UTF-8, or was meant to be: some broken lines do not make it another encoding."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    file.seek(0)
    try:
        while chunk := file.read(CHUNK):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return _is_mostly_utf8(file)
    return True


def _is_mostly_utf8(file: BinaryIO) -> bool:
    text = _unusual_lines(file).decode("utf-8", "replace")
    broken = text.count("\ufffd")
    whole = sum(not char.isascii() for char in text) - broken
    return whole > 5 * broken


def _legacy_encoding(file: BinaryIO) -> str:
    """The encoding under which the letters look German, Windows-1252 if several do: it is what German Excel writes."""
    sample = _unusual_lines(file)
    likely = max(LIKELY, key=lambda encoding: _share_of_usual(sample.decode(encoding, "replace")))
    if _share_of_usual(sample.decode(likely, "replace")) >= 0.7:
        return likely
    best = from_bytes(sample).best()
    encoding = codecs.lookup(best.encoding).name if best else "cp1252"
    # Encodings whose line breaks are not single bytes cannot be read line by line.
    return "cp1252" if encoding.startswith(("utf-16", "utf-32")) else encoding[:20]


def _share_of_usual(text: str) -> float:
    """Which part of the characters beyond ASCII is common in German and its neighbours."""
    unusual = [char for char in text if not char.isascii()]
    return round(sum(char in USUAL for char in unusual) / max(len(unusual), 1), 1)


def _unusual_lines(file: BinaryIO) -> bytes:
    """Up to 64 kB of the lines that are not plain ASCII."""
    file.seek(0)
    found = bytearray()
    while len(found) < 64 * 1024 and (raw := file.readline(limits.LINE_BYTES)):
        if not raw.isascii():
            found += raw[: 16 * 1024]
    return bytes(found)


def _after_excel_hint(sample: bytes, start: int) -> tuple[int, str]:
    """Excel's own first line "sep=;" names the delimiter."""
    hint = _EXCEL_HINT.match(sample, start)
    return (hint.end(), hint[1].decode("latin-1")) if hint else (start, "")


def _delimiter(text: str) -> str:
    """The sign that cuts the first lines into the same number of columns, the more the better."""
    lines = [line for line in text.splitlines()[:60] if line.strip()]
    # The sample may end inside a line.
    lines = lines[:-1] if len(lines) > 2 else lines
    return max(DELIMITERS, key=lambda sign: _evenness(lines, sign))


def _evenness(lines: list[str], delimiter: str) -> tuple[float, int]:
    try:
        rows = list(csv.reader([f"{line}\n" for line in lines], delimiter=delimiter))
    except csv.Error:
        rows = [line.split(delimiter) for line in lines]
    rows = [row for row in rows if row]
    width = len(rows[0]) if rows else 0
    if width < 2:
        return (0.0, 0)
    return (round(sum(len(row) == width for row in rows) / len(rows), 1), width)


def _headers(cells: list[str]) -> list[str]:
    names = [" ".join(cell.split()) for cell in cells]
    while names and not names[-1]:
        names.pop()
    if len(names) > limits.COLUMNS:
        message = _("The file has %(count)s columns; at most %(limit)s are possible. Delete those you do not need.")
        _refuse("too_many_columns", message % {"count": len(names), "limit": limits.COLUMNS})
    if not names:
        _refuse("empty", _("The file is empty. Export it again and check it in a text editor."))
    if any(LOOKS_LIKE_DATA.fullmatch(name.lower()) for name in names):
        _refuse("no_header", _("The first line holds data. Add a line with the names of the columns above it."))
    return _distinct([name[: limits.HEADER_CHARS] for name in names])


def _distinct(names: list[str]) -> list[str]:
    """Headers name columns, so empty ones get a number and repeated ones are told apart."""
    distinct: list[str] = []
    for at, name in enumerate(names, start=1):
        base = name or f"#{at}"
        candidate, copy = base, 2
        while candidate in distinct:
            candidate, copy = f"{base[: limits.HEADER_CHARS - 6]} ({copy})", copy + 1
        distinct.append(candidate)
    return distinct


def _refuse_no_data(file: BinaryIO, encoding: str, delimiter: str, start: int, width: int) -> None:
    found = reading.records(file, encoding=encoding, delimiter=delimiter, start=start, width=width)
    if all(record.fault == reading.BLANK for record in found):
        _refuse("only_header", _("The file has column names but no lines below them. Export it again with data."))


def _refuse(code: str, message: str) -> NoReturn:
    raise ValidationError({"file": ValidationError(message, code=code)})
