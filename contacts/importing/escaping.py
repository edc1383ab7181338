"""Writes CSV that spreadsheets open without running anything: formulas are disarmed, German Excel finds its columns."""

import csv
from collections.abc import Iterable, Iterator, Sequence

BOM = "\ufeff"
# First characters that Excel, LibreOffice or Google Sheets may take for a formula or command; security § 7.
_ARMED = frozenset("=+-@|%＝＋－＠")
_CONTROLS = frozenset("\t\r\n\x00")


def disarmed(cell: str) -> str:
    """The cell with an apostrophe in front if a spreadsheet could run it; imports take that apostrophe off again."""
    if cell[:1] in _CONTROLS or cell.strip()[:1] in _ARMED:
        return f"'{cell}" if cell else cell
    return cell


def csv_lines(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Each row as one CSV record: semicolons, everything quoted, formulas disarmed; the first one with a BOM."""
    writer = csv.writer(_Echo(), delimiter=";", quoting=csv.QUOTE_ALL)
    for at, row in enumerate(rows):
        line: str = writer.writerow([disarmed(cell) for cell in row])
        yield line if at else BOM + line


class _Echo:
    """A file that hands back what is written to it."""

    def write(self, line: str) -> str:
        return line
