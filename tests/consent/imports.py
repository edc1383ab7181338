"""How tests import files: through the action and the task, as the dashboard and the API do."""

import io
from pathlib import Path
from typing import Any

from consent import importing
from consent.actions import imports
from contacts.models import Import
from tenants.models import Tenant
from tenants.scope import tenant_scope

FILES = Path(__file__).parent.parent / "fixtures" / "csv"


def started(tenant: Tenant, content: bytes | str, **options: Any) -> Import:
    """An import of this content, uploaded and waiting for a worker."""
    raw = content.encode() if isinstance(content, str) else content
    options = {"filename": "kunden.csv", "by": None, **options}
    with tenant_scope(tenant):
        return imports.start_import(tenant=tenant, file=io.BytesIO(raw), **options)


def worked(imported: Import) -> Import:
    """The same import after a worker has gone through it."""
    importing.run(imported.tenant_id, imported.pk)
    with tenant_scope(imported.tenant_id):
        return Import.objects.get(pk=imported.pk)


def done(tenant: Tenant, content: bytes | str, **options: Any) -> Import:
    """The import of this content after everything is done."""
    return worked(started(tenant, content, **options))


def fixture(name: str) -> bytes:
    return (FILES / name).read_bytes()


def counts(imported: Import) -> tuple[int, int, int, int]:
    """(created, updated, unchanged, rejected), which must add up to all lines."""
    four = (imported.created, imported.updated, imported.unchanged, imported.rejected)
    assert imported.state in {"finished", "checked"}
    assert sum(four) == imported.rows_total == imported.rows_done
    return four
