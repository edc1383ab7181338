"""The life of one import in a worker: take a lease, stage, settle, put into contacts, finish; each step a transaction.

A worker that dies leaves an expired lease; the next one goes on after the last committed batch, so nothing is counted
twice. A worker that was only slow finds its lease gone and stops.
"""

import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

import orjson
from django.core.files import File
from django.db import Error, IntegrityError, connection
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _

from consent import leases
from consent.importing import declaring
from contacts.importing import deduplicating, noting, staging, upserting
from contacts.models import Import
from tenants.away import is_away
from tenants.models import Tenant
from tenants.scope import across_tenants, tenant_scope

LEASE = timedelta(seconds=30)
WORKING = (Import.State.CHECKING, Import.State.RUNNING)
LATE_CELLS = 2000
ATTEMPTS = 5
WRITTEN = (
    *("contacts_contact", "contacts_identity", "contacts_listmember", "contacts_contacttag"),
    *("consent_consentstate", "consent_suppression"),
)

log = logging.getLogger(__name__)


class Stopped(Exception):
    """The import was cancelled, or another worker has it."""


class CannotGoOn(Exception):
    """The import failed for good; says which kind of error, never a person's data."""


def due() -> list[tuple[int, int]]:
    """(tenant id, import id) of imports that should be worked on and have no living worker."""
    # A cancelled import is cleaned up by whoever had it, or after them.
    wanted = Q(state__in=WORKING) | Q(state=Import.State.CANCELLED, leased_until__isnull=False)
    with across_tenants("a lost worker's import can belong to any tenant"):
        return leases.unattended(Import.objects.filter(wanted))


def run(tenant_id: int, import_id: int) -> None:
    """Work on an import until it is checked, finished, cancelled or failed; returns at once if another worker has it.

    Raises CannotGoOn after marking the import as failed, and its error when the database went away (the lease
    expires and another worker goes on).
    """
    tenant = Tenant.objects.get(pk=tenant_id)
    imported = _leased(tenant, import_id)
    if imported is None:
        return
    try:
        with imported.file.open("rb") as opened:
            _work(tenant, imported, _bare(opened))
    except Stopped:
        _clean_up(tenant, imported)
    except FileNotFoundError:
        _fail(tenant, imported, _("The uploaded file is gone. Upload it again."))
        raise CannotGoOn("file missing") from None
    except Error as error:
        if is_away(error):
            raise
        # The database's words quote values of the row, so they go nowhere.
        _fail(tenant, imported, _unexpected(imported))
        raise CannotGoOn(type(error).__name__) from None
    except Exception:
        _fail(tenant, imported, _unexpected(imported))
        raise


def _leased(tenant: Tenant, import_id: int) -> Import | None:
    """The import with a fresh lease; None when it needs no work or another worker is at it."""
    with tenant_scope(tenant):
        if not leases.take(Import.objects.filter(tenant=tenant, pk=import_id), LEASE):
            return None
        imported = Import.objects.get(tenant=tenant, pk=import_id)
        if imported.state in WORKING:
            return imported
        if imported.state == Import.State.CANCELLED:
            staging.forget(imported)
        Import.objects.filter(tenant=tenant, pk=import_id).update(leased_until=None)
        return None


def _work(tenant: Tenant, imported: Import, file: BinaryIO) -> None:
    if not imported.rows_staged:
        with _held(tenant, imported) as imported:
            # Not where the run was asked for: there can be a million, and a request must not wait for them.
            noting.forget(imported)
    is_lost = _is_staging_lost(tenant, imported)
    if is_lost:
        imported = _stage_again(tenant, imported)
    imported = _stage(tenant, imported, file)
    if is_lost or not imported.rows_done:
        with _held(tenant, imported) as imported:
            deduplicating.settle(imported)
    ranges = 0
    while imported.rows_done < imported.rows_staged:
        imported = _next_range(tenant, imported)
        ranges += 1
        # After the first range, the second, the fourth …: the next ones are planned by what these have written.
        if not imported.is_dry_run and ranges.bit_count() == 1:
            _renew_statistics()
    while _fill_cells(tenant, imported, file):
        pass
    if not imported.is_dry_run:
        _renew_statistics()
    _finish(tenant, imported)


def _renew_statistics(*tables: str) -> None:
    """Tell the planner about the new rows: before autovacuum does, it takes a new tenant's thousands for one."""
    with connection.cursor() as cursor:
        for table in tables or WRITTEN:
            cursor.execute("SELECT zusage_analyze(%s)", [table])


def _bare(file: Any) -> BinaryIO:
    """The file inside Django's wrappers, which cost a microsecond on every line."""
    while isinstance(file, File):
        file = file.file
    return file


def _is_staging_lost(tenant: Tenant, imported: Import) -> bool:
    """Staged lines live in an unlogged table, which PostgreSQL empties when it recovers from a crash."""
    if not imported.rows_staged:
        return False
    if imported.rejected == imported.rows_total and "optout" not in imported.mapping.values():
        # Then nothing was staged; of rejected lines only those that say no are.
        return False
    with tenant_scope(tenant):
        return not imported.staged_rows.filter(tenant=tenant).exists()


def _stage_again(tenant: Tenant, imported: Import) -> Import:
    with _held(tenant, imported) as held:
        held.rejected_rows.filter(line__gt=held.rows_done + 1).delete()
        left = Counter(held.rejected_rows.values_list("reason", flat=True))
        held.staged_bytes = held.rows_staged = held.rows_total = 0
        held.rejected, held.reasons = sum(left.values()), dict(left)
    return held


def _stage(tenant: Tenant, imported: Import, file: BinaryIO) -> Import:
    plan = staging.plan_for(imported, file, ZoneInfo(tenant.timezone))
    while True:
        batch = staging.read(imported, file, plan)
        with _held(tenant, imported) as imported:
            staging.store(imported, batch)
        if batch.is_last:
            return imported


def _next_range(tenant: Tenant, imported: Import) -> Import:
    """Put the next range of lines into contacts and the ledger, or only count what would happen."""
    for attempt in range(ATTEMPTS):
        try:
            with _held(tenant, imported) as held:
                _put(tenant, held)
            return held
        except (upserting.Raced, IntegrityError):
            # Somebody created or changed the same contacts meanwhile: look again.
            if attempt == ATTEMPTS - 1:
                raise
    raise AssertionError("unreachable")


def _put(tenant: Tenant, imported: Import) -> None:
    upto = min(imported.rows_done + upserting.LINES_PER_RANGE, imported.rows_staged)
    outcomes = upserting.decide(imported, upto)
    if not imported.is_dry_run:
        upserting.write(imported, tenant, outcomes)
        if not imported.rows_done:
            # Already for this range: a planner that has not met a new tenant's people compares all of them with all.
            _renew_statistics("contacts_contact", "contacts_identity")
    accepted = outcomes["created"] + outcomes["updated"] + outcomes["unchanged"]
    # Not the rest of the range: blank lines are in it, too.
    rejected = imported.rejected_rows.filter(tenant=tenant, line__gt=imported.rows_done + 1, line__lte=upto + 1).count()
    said = declaring.declare(imported, tenant, accepted=accepted, rejected=rejected)
    refused = Counter({reason: outcomes[reason] for reason in upserting.REFUSALS if outcomes[reason]})
    imported.created += outcomes["created"]
    if outcomes["created"] and not imported.is_dry_run:
        _note_newcomers(imported)
    imported.updated += outcomes["updated"]
    imported.unchanged += outcomes["unchanged"]
    imported.rejected += sum(refused.values())
    imported.reasons = dict(Counter(imported.reasons) + refused)
    imported.consent_counts = dict(Counter(imported.consent_counts) + said)
    imported.rows_done = upto


def _note_newcomers(imported: Import) -> None:
    """The month to tell them runs from the first; who is brought after somebody said that all know, does not."""
    if imported.brought_at is None or imported.informed_at:
        imported.brought_at, imported.informed_at = timezone.now(), None


def _fill_cells(tenant: Tenant, imported: Import, file: BinaryIO) -> bool:
    """Read the cells of lines that were rejected after staging from the file; False when none is left."""
    with tenant_scope(tenant):
        lines = deduplicating.without_cells(imported, LATE_CELLS)
    if not lines:
        return False
    found = staging.cells_of(imported, file, lines)
    with _held(tenant, imported):
        deduplicating.fill_cells(imported, [(line, orjson.dumps(found[line]).decode()) for line in lines])
    return True


def _finish(tenant: Tenant, imported: Import) -> None:
    with _held(tenant, imported) as held:
        staging.forget(held)
        held.rows_done = held.rows_total
        held.state = Import.State.CHECKED if held.is_dry_run else Import.State.FINISHED
        held.finished_at = timezone.now()
    with tenant_scope(tenant):
        Import.objects.filter(tenant=tenant, pk=imported.pk).update(leased_until=None)


@contextmanager
def _held(tenant: Tenant, imported: Import) -> Iterator[Import]:
    """A transaction with the import's row locked and fresh, saved with a longer lease at the end.

    Raises Stopped when it was cancelled or another worker has taken the lease. `imported` must be as the last step
    left it: its lease is the fencing token.
    """
    with tenant_scope(tenant):
        held = Import.objects.select_for_update(of=("self",)).filter(tenant=tenant, pk=imported.pk).first()
        if held is None or held.state not in WORKING or held.leased_until != imported.leased_until:
            raise Stopped
        yield held
        held.save()
        Import.objects.filter(tenant=tenant, pk=held.pk).update(leased_until=Now() + LEASE)
        held.refresh_from_db(fields=["leased_until"])
        # The caller's copy stays usable for the next step.
        imported.leased_until = held.leased_until


def _clean_up(tenant: Tenant, imported: Import) -> None:
    """After a cancel: drop the staged lines. Nothing to do when another worker has the import."""
    with tenant_scope(tenant):
        cancelled = Import.objects.filter(
            tenant=tenant, pk=imported.pk, state=Import.State.CANCELLED, leased_until=imported.leased_until
        )
        if cancelled.update(leased_until=None):
            staging.forget(imported)


def _fail(tenant: Tenant, imported: Import, error: str) -> None:
    log.error("import %s of tenant %s failed at line %s", imported.pk, tenant.pk, imported.rows_done)
    with tenant_scope(tenant):
        staging.forget(imported)
        Import.objects.filter(tenant=tenant, pk=imported.pk, state__in=WORKING).update(
            state=Import.State.FAILED, error=error, leased_until=None, finished_at=timezone.now()
        )


def _unexpected(imported: Import) -> str:
    if imported.is_dry_run:
        return _("The check stopped because of an error of ours. Nothing was imported; please check again.")
    return _("The import stopped because of an error of ours. Lines up to %(line)s are imported; run it again.") % {
        "line": imported.rows_done + 1
    }
