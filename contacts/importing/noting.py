"""Keeps which imported lines got no consent and why, and lists them for the download with the cells of the file."""

from collections.abc import Iterator, Mapping
from typing import BinaryIO, cast

from django.db import connection
from django.utils.translation import gettext as _

from contacts.importing import reasons, staging
from contacts.models import Import
from tenants.models import Tenant
from tenants.scope import tenant_scope

LINES_PER_QUERY = 1000


def note(imported: Import, codes: Mapping[int, str]) -> None:
    """Store {line: a code of `reasons.CONSENT`} in one statement; no cells, because the file has them."""
    if codes:
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO contacts_notedrow (tenant_id, imported_id, line, reason)"
                " SELECT %s, %s, * FROM unnest(%s::int[], %s::text[])",
                [imported.tenant_id, imported.pk, list(codes), list(codes.values())],
            )


def forget(imported: Import) -> None:
    """Delete the notes of an earlier run."""
    imported.noted_rows.all().delete()


def noted_rows(tenant: Tenant, imported: Import) -> Iterator[list[str]]:
    """The header and every imported line without consent, with its number and the reason; opens scopes of its own.

    File and notes are read side by side, so that memory stays flat; where the file is gone, the cells stay empty.
    """
    width = len(imported.headers)
    labels = reasons.CONSENT | reasons.CONSENT_AHEAD if imported.is_dry_run else reasons.CONSENT
    yield [*imported.headers, _("Line"), _("Note")]
    lines = _lines(imported)
    for line, reason in _noted(tenant, imported):
        cells = next((found for at, found in lines if at == line), [])[:width]
        yield [*cells, *[""] * (width - len(cells)), str(line), str(labels.get(reason, reason))]


def _lines(imported: Import) -> Iterator[tuple[int, list[str]]]:
    try:
        opened = imported.file.open("rb")
    except FileNotFoundError:
        return
    with opened as file:
        yield from staging.lines(imported, cast(BinaryIO, file))


def _noted(tenant: Tenant, imported: Import) -> Iterator[tuple[int, str]]:
    after = 0
    while True:
        with tenant_scope(tenant):
            rows = imported.noted_rows.filter(line__gt=after).order_by("line")
            page = list(rows.values_list("line", "reason")[:LINES_PER_QUERY])
        yield from page
        if len(page) < LINES_PER_QUERY:
            return
        after = page[-1][0]
