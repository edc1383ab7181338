"""Turns what is not a plain CSV file into one: XLSX tables, UTF-16 text, and the line ends of old Macs."""

import csv
import datetime
import io
import re
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO, NoReturn, cast

import python_calamine
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from contacts.importing import limits

ZIP = b"PK\x03\x04"
OLD_OFFICE = b"\xd0\xcf\x11\xe0"
UTF_16 = (b"\xff\xfe", b"\xfe\xff")
IN_MEMORY = 5 * 1024 * 1024
_QUOTED = re.compile(rb'"[^"]*"')
_LONE_CR = re.compile(rb"\r(?!\n)")


@contextmanager
def as_csv(file: BinaryIO) -> Iterator[BinaryIO]:
    """The file itself if it is CSV already, else a temporary UTF-8 file with the same table.

    Raises ValidationError for the field `file` when it is a spreadsheet that cannot be read or is too large.
    """
    file.seek(0)
    start = file.read(64 * 1024)
    if start.startswith(OLD_OFFICE):
        _refuse("old_spreadsheet", _("This spreadsheet is in an old format or protected. Save it as XLSX or CSV."))
    with SpooledTemporaryFile(max_size=IN_MEMORY) as temporary:
        target = cast(BinaryIO, temporary)
        if start.startswith(ZIP):
            _from_spreadsheet(file, target)
        elif start.startswith(UTF_16):
            _rewrite(file, "utf-16", target, "utf-8")
        elif _ends_lines_as_old_macs_did(start):
            _rewrite(file, "latin-1", target, "latin-1")
        else:
            target = file
        yield target


def _ends_lines_as_old_macs_did(start: bytes) -> bool:
    """Whether lines end with CR alone, as in Excel for Mac; a line break inside a cell is an LF there too."""
    between_cells = _QUOTED.sub(b"", start)
    return len(_LONE_CR.findall(between_cells)) > between_cells.count(b"\n")


def _from_spreadsheet(file: BinaryIO, target: BinaryIO) -> None:
    _refuse_bombs(file)
    file.seek(0)
    try:
        book = python_calamine.CalamineWorkbook.from_filelike(file)
        sheet = _first_filled(book)
        rows = sheet.iter_rows() if sheet else iter(())
        _write_csv(([_text(cell) for cell in row] for row in rows), target)
    except (python_calamine.CalamineError, OSError, ValueError):
        _refuse("broken_spreadsheet", _("This spreadsheet cannot be read. Open it, save it again as XLSX or CSV."))


def _refuse_bombs(file: BinaryIO) -> None:
    size = file.seek(0, io.SEEK_END)
    try:
        unpacked = sum(part.file_size for part in zipfile.ZipFile(file).infolist())
    except zipfile.BadZipFile:
        _refuse("broken_spreadsheet", _("This spreadsheet cannot be read. Open it, save it again as XLSX or CSV."))
    if size > limits.SPREADSHEET_BYTES or unpacked > limits.UNPACKED_BYTES:
        _refuse("too_large", _("This spreadsheet is too large. Save it as CSV (up to 200 MB) and upload that."))


def _first_filled(book: Any) -> Any:
    """The first visible sheet with cells; None when there is none."""
    for about in book.sheets_metadata:
        is_table = about.typ == python_calamine.SheetTypeEnum.WorkSheet
        if is_table and about.visible == python_calamine.SheetVisibleEnum.Visible:
            sheet = book.get_sheet_by_name(about.name)
            if sheet.height:
                return sheet
    return None


def _text(cell: object) -> str:
    """A cell as a German would type it; phone and customer numbers keep all their digits."""
    if isinstance(cell, bool):
        return "1" if cell else "0"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else repr(cell)
    if isinstance(cell, datetime.datetime):
        return cell.date().isoformat() if cell.time() == datetime.time() else cell.isoformat(" ")
    return str(cell).replace("\x00", "")


def _write_csv(rows: Iterable[list[str]], target: BinaryIO) -> None:
    text = io.TextIOWrapper(target, encoding="utf-8", newline="", write_through=True)
    csv.writer(text, delimiter=";").writerows(rows)
    text.detach()


def _rewrite(file: BinaryIO, source: str, target: BinaryIO, encoding: str) -> None:
    """Copy a text with line feeds as line ends."""
    file.seek(0)
    reader = io.TextIOWrapper(cast(Any, _Borrowed(file)), encoding=source, newline=None)
    try:
        while chunk := reader.read(1024 * 1024):
            target.write(chunk.encode(encoding))
    except UnicodeError:
        _refuse("binary", _("This is not a text file. Save the table as CSV (UTF-8) or XLSX and upload that."))


class _Borrowed(io.BufferedIOBase):
    """Lets a TextIOWrapper read a file without closing it afterwards."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        return self.file.read(-1 if size is None else size)

    def read1(self, size: int = -1, /) -> bytes:
        return self.file.read(size)


def _refuse(code: str, message: str) -> NoReturn:
    raise ValidationError({"file": ValidationError(message, code=code)})
