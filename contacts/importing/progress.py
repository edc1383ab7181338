"""How far an import is, and its rejected lines for the download."""

from collections.abc import Iterator

from django.utils.translation import gettext as _

from contacts.importing import reasons
from contacts.models import Import
from tenants.models import Tenant
from tenants.scope import tenant_scope

LINES_PER_QUERY = 1000


def percent(imported: Import) -> int:
    """0 to 100: half of the way is reading the file, the other half putting its lines into contacts."""
    if imported.state in (Import.State.CHECKED, Import.State.FINISHED):
        return 100
    if imported.state not in (Import.State.CHECKING, Import.State.RUNNING) or not imported.rows_staged:
        return 0
    read = min(imported.staged_bytes / max(imported.file.size, 1), 1)
    return int(50 * read + 50 * min(imported.rows_done / imported.rows_staged, 1)) if read == 1 else int(50 * read)


def rejected_rows(tenant: Tenant, imported: Import) -> Iterator[list[str]]:
    """The header and every rejected line with its number, reason and column; opens scopes of its own, page by page.

    The original columns come first, so that the corrected file can be uploaded as it is.
    """
    width = len(imported.headers)
    yield [*imported.headers, _("Line"), _("Reason"), _("Column")]
    after = 0
    while True:
        with tenant_scope(tenant):
            rows = list(imported.rejected_rows.filter(line__gt=after).order_by("line")[:LINES_PER_QUERY])
        for row in rows:
            cells = [str(cell) for cell in row.cells[:width]]
            padded = cells + [""] * (width - len(cells))
            yield [*padded, str(row.line), str(reasons.REJECTED.get(row.reason, row.reason)), row.column]
        if len(rows) < LINES_PER_QUERY:
            return
        after = rows[-1].line
