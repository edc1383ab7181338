"""The list as a table for a file, read a stretch at a time, so that years of it need no memory."""

from collections.abc import Iterator
from datetime import tzinfo

from django.utils.translation import gettext as _

from consent.trail.reading import Asked, Place, page
from consent.trail.words import Told, told
from tenants.models import AuditEvent, Tenant
from tenants.scope import tenant_scope

AT_A_TIME = 1000


def table(tenant: Tenant, asked: Asked, zone: tzinfo) -> Iterator[list[str]]:
    """A heading, then a row for each; people are named by uid alone. Opens the scope for each stretch by itself."""
    yield [
        *(_("When"), _("Who"), _("What"), _("About"), _("Contact (uid)"), _("Details"), _("Row of the ledger")),
        *(_("Code"), _("Request")),
    ]
    place: Place | None = None
    while True:
        with tenant_scope(tenant):
            found = page(tenant, asked, place, AT_A_TIME)
            rows = told(tenant, found.rows)
        yield from (_cells(row, zone) for row in rows)
        if found.older is None:
            return
        place = found.older


def _cells(one: Told, zone: tzinfo) -> list[str]:
    contact = str(one.contact.uid) if one.contact else ""
    told = [one.at.astimezone(zone).isoformat(timespec="seconds"), one.who, one.what, one.about, contact, one.details]
    if isinstance(one.row, AuditEvent):
        return [*told, "", one.row.verb, one.row.request_id]
    return [*told, str(one.row.seq), one.row.state, ""]
