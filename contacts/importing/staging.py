"""Reads a file batch by batch, cleans it and stores the lines, so that a killed worker goes on where it stopped."""

import datetime
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from io import StringIO
from typing import BinaryIO
from zoneinfo import ZoneInfo

import orjson
from django.db import connection

from contacts.importing import cleaning, layout, limits, reading, reasons
from contacts.models import Import

LINES_PER_BATCH = 10_000
# Rows that tell how the file writes its dates.
SAMPLE_ROWS = 2000

_SPECIAL = re.compile(r"[\\\t\n\r]")
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_COLUMNS = {
    "line": "integer",
    "phone": "text",
    "bsuid": "text",
    "email": "text",
    "external_id": "text",
    "values": "jsonb",
    "consent": "jsonb",
    "outcome": "text",
}
# The fate of a staged line that is rejected all the same: it is there only because the person says no.
REJECTED = "rejected"


@dataclass
class Batch:
    """Some lines of a file, cleaned: rows to stage, lines to reject, what was left out, and where the next begins."""

    lines: int  # of the whole file, without the header, up to the end of this batch
    end: int
    rows: int = 0
    staged: list[str] = field(default_factory=list)
    rejected: list[tuple[int, str, str, list[str]]] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)
    is_last: bool = True


def plan_for(imported: Import, file: BinaryIO, zone: ZoneInfo) -> cleaning.Plan:
    """How to clean this import's file; the same on every call, so a second worker reads it as the first did."""
    written = layout.Layout(imported.encoding, imported.delimiter, imported.headers, _first_byte(imported, file))
    return cleaning.plan(
        imported.mapping,
        imported.headers,
        layout.first_rows(file, written, SAMPLE_ROWS),
        country=imported.default_country,
        zone=zone,
        now=imported.created_at.astimezone(datetime.UTC),
    )


def read(imported: Import, file: BinaryIO, plan: cleaning.Plan) -> Batch:
    """The next lines after those already staged, at most LINES_PER_BATCH; touches no table.

    Lines are numbered as a spreadsheet shows them: the header is 1. Blank ones count there but are nothing else.
    """
    start = imported.staged_bytes or _first_byte(imported, file)
    batch = Batch(lines=imported.rows_staged, end=start)
    found = reading.records(
        file,
        encoding=imported.encoding,
        delimiter=imported.delimiter,
        start=start,
        width=len(imported.headers),
    )
    for record in found:
        if batch.lines - imported.rows_staged == LINES_PER_BATCH:
            batch.is_last = False
            break
        batch.lines, batch.end = batch.lines + 1, record.end
        _take(batch, record, plan)
    return batch


def store(imported: Import, batch: Batch) -> None:
    """Write a batch and the progress it means, in the caller's transaction; `imported` is locked by the caller."""
    _copy(imported, batch.staged)
    new = reject(imported, batch.rejected)
    imported.rows_total += batch.rows
    imported.rows_staged, imported.staged_bytes = batch.lines, batch.end
    imported.rejected += sum(new.values())
    dropped = Counter({reasons.DROPPED + code: count for code, count in batch.dropped.items()})
    imported.reasons = dict(Counter(imported.reasons) + new + dropped)


def reject(imported: Import, lines: Iterable[tuple[int, str, str, list[str]]]) -> Counter[str]:
    """Store rejected lines as (line, reason, column, cells); returns how many were new, by reason."""
    rows = [(line, reason, column, _json(_kept(cells))) for line, reason, column, cells in lines]
    if not rows:
        return Counter()
    with connection.cursor() as cursor:
        cursor.execute(
            'INSERT INTO contacts_rejectedrow (tenant_id, imported_id, line, reason, "column", cells)'
            " SELECT %s, %s, * FROM unnest(%s::int[], %s::text[], %s::text[], %s::jsonb[])"
            " ON CONFLICT (tenant_id, imported_id, line) DO NOTHING RETURNING reason",
            [imported.tenant_id, imported.pk, *map(list, zip(*rows, strict=True))],
        )
        return Counter(reason for (reason,) in cursor.fetchall())


def forget(imported: Import) -> None:
    """Delete the staged lines; the rejected ones stay for the download."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM contacts_stagedrow WHERE tenant_id = %s AND imported_id = %s",
            [imported.tenant_id, imported.pk],
        )


def cells_of(imported: Import, file: BinaryIO, lines: Sequence[int]) -> dict[int, list[str]]:
    """The cells of some lines, read again from the file, because staging keeps clean values only."""
    wanted, found = set(lines), {}
    rows = reading.records(
        file,
        encoding=imported.encoding,
        delimiter=imported.delimiter,
        start=_first_byte(imported, file),
        width=len(imported.headers),
    )
    for line, record in enumerate(rows, start=2):
        if line in wanted:
            found[line] = record.cells
            if len(found) == len(wanted):
                break
    return found


def _first_byte(imported: Import, file: BinaryIO) -> int:
    return layout.detect(file, encoding=imported.encoding, delimiter=imported.delimiter).first_byte


def _take(batch: Batch, record: reading.Record, plan: cleaning.Plan) -> None:
    """Clean one record into the batch."""
    if record.fault == reading.BLANK:
        return
    batch.rows += 1
    try:
        if record.fault:
            raise cleaning.Unusable(record.fault)
        person = cleaning.clean(plan, record.cells)
    except cleaning.Unusable as fault:
        batch.rejected.append((batch.lines + 1, fault.reason, fault.column, record.cells))
        if objector := cleaning.opted_out(plan, record.cells):
            _stage(batch, objector, REJECTED)
        return
    if person.dropped:
        batch.dropped.update(person.dropped)
    _stage(batch, person)


def _stage(batch: Batch, person: cleaning.Person, outcome: str = "") -> None:
    names = (_text(person.phone), _text(person.bsuid), _text(person.email), _text(person.external_id))
    consent = _escaped(person.consent) if person.consent else r"\N"
    batch.staged.append("\t".join((str(batch.lines + 1), *names, _escaped(person.values), consent, outcome)))


def _copy(imported: Import, rows: Sequence[str]) -> None:
    """COPY refuses tables with row-level security, so the rows take a detour over a temporary one."""
    if not rows:
        return
    columns = ", ".join(f'"{name}" {kind}' for name, kind in _COLUMNS.items())
    names = ", ".join(f'"{name}"' for name in _COLUMNS)
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS staged_lines")
        cursor.execute(f"CREATE TEMP TABLE staged_lines ({columns}) ON COMMIT DROP")
        cursor.copy_expert("COPY staged_lines FROM STDIN", StringIO("\n".join(rows) + "\n"))
        cursor.execute(
            f"INSERT INTO contacts_stagedrow (tenant_id, imported_id, {names}) SELECT %s, %s, {names}"
            " FROM staged_lines ON CONFLICT (tenant_id, imported_id, line) DO NOTHING",
            [imported.tenant_id, imported.pk],
        )
        cursor.execute("DROP TABLE staged_lines")


def _kept(cells: Sequence[str]) -> list[str]:
    return [cell[: limits.CELL_CHARS] for cell in cells[: limits.COLUMNS]]


def _json(value: object) -> str:
    return orjson.dumps(value).decode()


def _escaped(value: object) -> str:
    """JSON for COPY; of the signs that COPY gives a meaning, JSON text holds the backslash only."""
    return _json(value).replace("\\", "\\\\")


def _text(value: str | None) -> str:
    if value is None:
        return r"\N"
    return value.translate(_ESCAPES) if _SPECIAL.search(value) else value
