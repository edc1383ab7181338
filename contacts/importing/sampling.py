"""Takes a few values of each column from the first lines of a file, so that people see what they assign."""

from collections.abc import Iterable
from typing import BinaryIO, cast

from django.core.exceptions import ValidationError
from django.utils.text import Truncator

from contacts.importing import layout
from contacts.models import Import

ROWS = 50
VALUES = 3
CHARS = 40


def examples(imported: Import) -> dict[str, list[str]] | None:
    """Up to three different values by header, shortened for display; None when the uploaded file is gone."""
    try:
        opened = imported.file.open("rb")
    except (FileNotFoundError, ValueError):
        return None
    with opened as file:
        rows = _rows(imported, cast(BinaryIO, file))
    return {header: _different(row[at] for row in rows) for at, header in enumerate(imported.headers)}


def _rows(imported: Import, file: BinaryIO) -> list[list[str]]:
    try:
        found = layout.detect(file, encoding=imported.encoding, delimiter=imported.delimiter)
    except ValidationError:
        return []
    # The headers of another moment would give the values to the wrong columns.
    return layout.first_rows(file, found, ROWS) if found.headers == imported.headers else []


def _different(cells: Iterable[str]) -> list[str]:
    values = dict.fromkeys(" ".join(cell.split()) for cell in cells)
    return [Truncator(value).chars(CHARS) for value in values if value][:VALUES]
