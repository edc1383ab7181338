"""What can be done with imports: start one, correct its columns, check it, run it, cancel it, say who knows."""

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO, cast

from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files import File
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from consent import tasks
from contacts.actions import lists
from contacts.importing import converting, layout, limits, staging
from contacts.importing import mapping as mappings
from contacts.models import ContactList, Import
from tenants import waking
from tenants.actions import Actor, audit
from tenants.models import ApiKey, Tenant, User

WORKING = (Import.State.CHECKING, Import.State.RUNNING)
MAX_TAGS = 20


class NotNow(Exception):
    """The import is not in a state in which this can be done; the text says so in the user's language."""


@transaction.atomic
def start_import(
    *,
    tenant: Tenant,
    file: BinaryIO,
    filename: str,
    by: Actor,
    mapping: Mapping[str, str] | None = None,
    default_country: str = "",
    list: ContactList | None = None,
    new_list: str = "",
    tags: Sequence[str] = (),
    is_dry_run: bool = False,
    encoding: str = "",
    delimiter: str = "",
    uid: uuid.UUID | None = None,
) -> Import:
    """Take in a CSV or XLSX file and have it checked (`is_dry_run`) or imported.

    Without `mapping` ({header: target}) the columns are guessed; if the guess names no person, nothing is started and
    the import waits in state "uploaded" with an `error` that says what to do. `default_country` (ISO 3166, the
    tenant's by default) is for phone numbers without a country code. `encoding` and `delimiter` overrule what is
    detected. The contacts go on `list` or on a list made now and called `new_list`. A form that may be sent twice gives
    its own `uid`: the second time is an IntegrityError. Raises ValidationError by field (file, mapping, tags, name of
    the new list) for what the user can put right, PermissionDenied for consent columns and a key that may not write
    consent.
    """
    imported = Import(
        tenant=tenant,
        filename=filename[-200:],
        sha256=_sha256(file),
        is_dry_run=is_dry_run,
        default_country=default_country or tenant.country,
        tags=_checked_tags(tags),
        list=list,
        created_by=by if isinstance(by, User) else None,
        uid=uid or uuid.uuid4(),
    )
    with converting.as_csv(file) as plain:
        _lay_out(imported, layout.detect(plain, encoding=encoding, delimiter=delimiter), mapping)
        _refuse_consent(imported, by)
        if new_list:
            imported.list = lists.create_list(tenant=tenant, name=new_list, by=by)
        # First the row, which refuses a second one of the same uid, so that no file is left without a row.
        imported.save()
        plain.seek(0)
        imported.file.save(f"{uuid.uuid4()}.csv", File(plain))
    audit(tenant=tenant, by=by, verb="import.started", subject=imported, changes={"dry_run": is_dry_run})
    if mappings.names_people(imported.mapping):
        _begin(imported, is_dry_run=is_dry_run)
    return imported


@transaction.atomic
def remap(
    *,
    imported: Import,
    by: Actor,
    mapping: Mapping[str, str] | None = None,
    encoding: str = "",
    delimiter: str = "",
    default_country: str = "",
) -> Import:
    """Correct what was guessed or detected; the import waits as "uploaded" for a check or run.

    Another encoding or delimiter can change the headers; then the columns are guessed anew unless `mapping` is given.
    Raises NotNow while it works or after it has finished, ValidationError by field for a bad mapping, PermissionDenied
    as start_import does.
    """
    imported = _locked(imported)
    _refuse(imported, *WORKING, Import.State.FINISHED)
    _lay_out(imported, _detected_again(imported, encoding, delimiter), mapping)
    _refuse_consent(imported, by)
    imported.default_country = default_country or imported.default_country
    imported.state = Import.State.UPLOADED
    imported.save()
    audit(tenant=imported.tenant, by=by, verb="import.mapped", subject=imported)
    return imported


@transaction.atomic
def check(*, imported: Import, by: Actor) -> Import:
    """Count what an import would do, without writing a contact or consent; raises NotNow, ValidationError."""
    imported = _locked(imported)
    _refuse(imported, *WORKING, Import.State.FINISHED)
    audit(tenant=imported.tenant, by=by, verb="import.checked", subject=imported)
    return _begin(imported, is_dry_run=True)


@transaction.atomic
def run(*, imported: Import, by: Actor) -> Import:
    """Import for real, after a check or without one; also again after it failed or was cancelled.

    What an earlier run has imported already counts as unchanged. Raises NotNow, ValidationError, PermissionDenied.
    """
    imported = _locked(imported)
    _refuse(imported, *WORKING, Import.State.FINISHED)
    _refuse_consent(imported, by)
    audit(tenant=imported.tenant, by=by, verb="import.run", subject=imported)
    return _begin(imported, is_dry_run=False)


@transaction.atomic
def cancel(*, imported: Import, by: Actor) -> Import:
    """Stop an import after the batch it is at; what is imported stays. Raises NotNow when it is over already."""
    imported = _locked(imported)
    _refuse(imported, Import.State.FINISHED, Import.State.FAILED, Import.State.CANCELLED)
    imported.state, imported.finished_at = Import.State.CANCELLED, timezone.now()
    imported.save(update_fields=["state", "finished_at"])
    audit(tenant=imported.tenant, by=by, verb="import.cancelled", subject=imported)
    return imported


@transaction.atomic
def informed(*, imported: Import, by: Actor) -> Import:
    """Note that the people an import brought were told whence their data come (Art. 14 GDPR), once.

    Raises NotNow when it has brought nobody yet.
    """
    imported = _locked(imported)
    if imported.brought_at is None:
        raise NotNow(_("This import has brought nobody who could be told."))
    if imported.informed_at is None:
        imported.informed_at = timezone.now()
        imported.save(update_fields=["informed_at"])
        audit(tenant=imported.tenant, by=by, verb="import.informed", subject=imported)
    return imported


def _begin(imported: Import, *, is_dry_run: bool) -> Import:
    """Reset counts and hand the import to a worker once this transaction has committed."""
    if not mappings.names_people(imported.mapping):
        raise ValidationError({"mapping": mappings.no_identity()})
    staging.forget(imported)
    imported.rejected_rows.all().delete()
    imported.is_dry_run = is_dry_run
    imported.state = Import.State.CHECKING if is_dry_run else Import.State.RUNNING
    imported.rows_total = imported.rows_staged = imported.staged_bytes = imported.rows_done = 0
    imported.created = imported.updated = imported.unchanged = imported.rejected = 0
    imported.reasons, imported.consent_counts, imported.error = {}, {}, ""
    # A worker that is still at an earlier run loses its lease here and stops.
    imported.leased_until = imported.finished_at = None
    imported.save()
    waking.wake(tasks.run_import, tenant_id=imported.tenant_id, import_id=imported.pk)
    return imported


def _locked(imported: Import) -> Import:
    return Import.objects.select_for_update(of=("self",)).get(tenant=imported.tenant_id, pk=imported.pk)


def _refuse(imported: Import, *states: str) -> None:
    if imported.state in states:
        told = _("Not possible now: this import has the status “%(state)s”. Reload the page.")
        raise NotNow(told % {"state": imported.get_state_display()})
    if imported.is_forgotten:
        raise NotNow(_("The uploaded file was deleted after 30 days. Upload it again."))


def _refuse_consent(imported: Import, by: Actor) -> None:
    """A key that may not write consent cannot do it by file either; what people may do, their screens decide."""
    if isinstance(by, ApiKey) and mappings.tells_of_consent(imported.mapping) and not by.may("consent:write"):
        raise PermissionDenied(
            _("Consent and opt-out columns need the scope “consent:write”. Map them to “” to leave them out.")
        )


def _lay_out(imported: Import, found: layout.Layout, mapping: Mapping[str, str] | None) -> None:
    """Take over what was detected, with the given mapping or, where the headers are new, a guessed one."""
    if mapping is not None:
        imported.mapping = mappings.checked(mapping, found.headers)
    elif imported.headers != found.headers:
        imported.mapping = mappings.guess(found.headers)
    imported.encoding, imported.delimiter, imported.headers = found.encoding, found.delimiter, found.headers
    imported.error = "" if mappings.names_people(imported.mapping) else mappings.no_identity()


def _detected_again(imported: Import, encoding: str, delimiter: str) -> layout.Layout:
    try:
        opened = imported.file.open("rb")
    except FileNotFoundError:
        raise ValidationError({"file": _("The uploaded file is gone. Upload it again.")}) from None
    with opened as file:
        return layout.detect(
            cast(BinaryIO, file),
            encoding=encoding or imported.encoding,
            delimiter=delimiter or imported.delimiter,
        )


def _checked_tags(tags: Sequence[str]) -> list[str]:
    names = [" ".join(tag.split()) for tag in tags]
    if len(names) > MAX_TAGS or any(not 0 < len(name) <= limits.TAG_CHARS for name in names):
        raise ValidationError({"tags": _("Use at most 20 tags of 1 to 60 characters.")})
    return sorted({name.lower(): name for name in names}.values())


def _sha256(file: BinaryIO) -> str:
    file.seek(0)
    return hashlib.file_digest(cast(Any, file), "sha256").hexdigest()
