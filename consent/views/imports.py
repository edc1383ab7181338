"""The import screens: all imports, a new file, and one import from its columns to its result."""

import uuid
from collections.abc import Callable, Iterator
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from consent.actions import imports as actions
from consent.forms.imports import ColumnsForm, UploadForm
from consent.models import ImportClaim
from consent.rights import informing
from contacts.importing import escaping, mapping, noting, progress, reasons, sampling
from contacts.models import Import
from tenants.models import Tenant
from tenants.pages import STOP_POLLING, TenantRequest, page_of, requires

State = Import.State
INVALID = 422
PER_PAGE = 25


@require_GET
@requires("contacts:read")
def imports(request: TenantRequest) -> HttpResponse:
    """Every import, newest first; polled by htmx while one of those shown is being worked on."""
    page = page_of(request.tenant.imports.select_related("created_by").order_by("-id"), request, size=PER_PAGE)
    rows = [{"imported": imported, "percent": progress.percent(imported)} for imported in page]
    is_moving = any(imported.state in actions.WORKING for imported in page)
    context = {"page": page, "rows": rows, "is_moving": is_moving}
    if request.htmx:
        # The last poll still swaps, so that the end shows.
        return render(request, "consent/imports.html#rows", context, status=200 if is_moving else STOP_POLLING)
    return render(request, "consent/imports.html", context)


@require_http_methods(["GET", "POST"])
@requires("contacts:write")
def new(request: TenantRequest) -> HttpResponse:
    """Take in a file and have it checked; nothing is written before somebody has looked at what it would do."""
    if request.method == "POST":
        form = UploadForm(request.tenant, request.POST, request.FILES)
        if form.is_valid() and (imported := _started(request, form)):
            return _to(request, imported)
        template = "consent/import_new.html#upload" if request.htmx else "consent/import_new.html"
        return render(request, template, {"form": form}, status=INVALID)
    return render(request, "consent/import_new.html", {"form": UploadForm(request.tenant)})


@require_GET
@requires("contacts:read")
def show(request: TenantRequest, uid: uuid.UUID) -> HttpResponse:
    """One import as it stands: its columns, what a check has found, how far it is, what became of it."""
    imported = _import(request, uid)
    is_working = imported.state in actions.WORKING
    is_over = imported.state == State.FINISHED or imported.is_forgotten
    context = _context(request, imported, None if is_working or is_over else ColumnsForm(imported))
    if request.htmx:
        return render(request, "consent/import.html#live", context, status=200 if is_working else STOP_POLLING)
    return render(request, "consent/import.html", context)


@require_POST
@requires("contacts:write")
def columns(request: TenantRequest, uid: uuid.UUID) -> HttpResponse:
    """Save what the columns become, and check anew what that would do."""
    imported = _import(request, uid)
    form = ColumnsForm(imported, request.POST)
    try:
        if form.is_valid() and _remapped(request, imported, form):
            return _to(request, imported)
    except actions.NotNow as refusal:
        messages.warning(request, str(refusal))
        return _to(request, imported)
    return render(request, "consent/import.html", _context(request, imported, form), status=INVALID)


@require_POST
@requires("contacts:write")
def check(request: TenantRequest, uid: uuid.UUID) -> HttpResponse:
    """Count again what the import would do."""
    return _change(request, uid, actions.check)


@require_POST
@requires("contacts:write")
def run(request: TenantRequest, uid: uuid.UUID) -> HttpResponse:
    """Import for real; with columns about consent only for those who may write it."""
    if not _may_run(request, _import(request, uid)):
        raise PermissionDenied
    return _change(request, uid, actions.run)


@require_POST
@requires("contacts:write")
def cancel(request: TenantRequest, uid: uuid.UUID) -> HttpResponse:
    """Stop after the batch it is at; what is imported stays."""
    return _change(request, uid, actions.cancel)


@require_POST
@requires("contacts:write")
def informed(request: TenantRequest, uid: uuid.UUID) -> HttpResponse:
    """Note that the people it brought know whence their data come."""
    return _change(request, uid, actions.informed)


@require_GET
@requires("contacts:read")
def rejected(request: TenantRequest, uid: uuid.UUID) -> HttpResponseBase:
    """The rejected lines as CSV, with line number, reason and column: to be corrected and uploaded again."""
    return _download(request, uid, _("rejected lines of %(file)s.csv"), progress.rejected_rows)


@require_GET
@requires("contacts:read")
def notes(request: TenantRequest, uid: uuid.UUID) -> HttpResponseBase:
    """The imported lines whose claimed consent was not recorded, as CSV, with line number and the reason."""
    return _download(request, uid, _("lines without consent of %(file)s.csv"), noting.noted_rows)


def _download(
    request: TenantRequest, uid: uuid.UUID, name: str, rows: Callable[[Tenant, Import], Iterator[list[str]]]
) -> HttpResponseBase:
    imported = _import(request, uid)
    if imported.is_forgotten:
        messages.info(request, _("The file and its lines were deleted 30 days after the import; the counts stay."))
        return _to(request, imported)
    name = name % {"file": imported.filename.rsplit(".", 1)[0]}
    return StreamingHttpResponse(
        escaping.csv_lines(rows(request.tenant, imported)),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": content_disposition_header(as_attachment=True, filename=name) or "attachment"},
    )


def _import(request: TenantRequest, uid: uuid.UUID) -> Import:
    return get_object_or_404(request.tenant.imports.select_related("list", "tenant", "created_by"), uid=uid)


def _may_run(request: TenantRequest, imported: Import) -> bool:
    return request.membership.may("consent:write") or not mapping.tells_of_consent(imported.mapping)


def _started(request: TenantRequest, form: UploadForm) -> Import | None:
    """The import that is being checked now; None when the file was refused and the form says why."""
    given = form.cleaned_data
    try:
        return actions.start_import(
            tenant=request.tenant,
            file=given["file"],
            filename=given["file"].name,
            by=request.user,
            default_country=given["country"],
            list=given["list"],
            new_list=given["new_list"],
            tags=given["tags"],
            is_dry_run=True,
            uid=given["uid"],
        )
    except ValidationError as refused:
        form.refuse(refused)
        return None
    except IntegrityError:
        # The same form was sent twice, and the first one has started it.
        return get_object_or_404(request.tenant.imports.all(), uid=given["uid"])


def _remapped(request: TenantRequest, imported: Import, form: ColumnsForm) -> bool:
    """Save the columns and check them; False when the action has refused and the form says why."""
    try:
        saved = actions.remap(imported=imported, by=request.user, mapping=form.mapping, **form.written)
    except ValidationError as refused:
        if not form.is_read_anew or "mapping" not in refused.message_dict:
            form.refuse(refused)
            return False
        # Read in another way, the file has other columns than those that were assigned.
        saved = actions.remap(imported=imported, by=request.user, **form.written)
        messages.info(request, _("The file was read anew. Please look at what its columns become."))
    if mapping.names_people(saved.mapping):
        actions.check(imported=saved, by=request.user)
    return True


def _change(request: TenantRequest, uid: uuid.UUID, action: Callable[..., Import]) -> HttpResponse:
    imported = _import(request, uid)
    try:
        action(imported=imported, by=request.user)
    except actions.NotNow as refusal:
        messages.warning(request, str(refusal))
    except ValidationError as refused:
        messages.error(request, " ".join(refused.messages))
    return _to(request, imported)


def _context(request: TenantRequest, imported: Import, form: ColumnsForm | None) -> dict[str, Any]:
    examples = sampling.examples(imported) if form else {}
    is_ahead = imported.is_dry_run or imported.state == State.UPLOADED
    return {
        "imported": imported,
        "form": form,
        "columns": _columns(form, examples or {}) if form else [],
        "is_file_gone": examples is None or imported.is_forgotten,
        "may_run": _may_run(request, imported),
        "is_working": imported.state in actions.WORKING,
        "step": "check" if is_ahead else "import",
        "has_counts": imported.state in (State.CHECKED, State.FINISHED) or (imported.rows_done and not is_ahead),
        "percent": progress.percent(imported),
        "people": imported.created + imported.updated + imported.unchanged,
        "reasons": reasons.rejected(imported.reasons),
        "warnings": reasons.left_out(imported.reasons),
        "consents": reasons.consent(imported.consent_counts, is_ahead=imported.is_dry_run),
        "has_notes": imported.noted_rows.exists() and not imported.is_forgotten,
        "claims": _open_claims(request, imported),
        "inform_until": informing.until(imported),
        "unproven": imported.consent_counts.get("no_proof", 0),
        "asks_consent": any(target.startswith("consent.") for target in imported.mapping.values()),
        "names_people": mapping.names_people(imported.mapping),
    }


def _open_claims(request: TenantRequest, imported: Import) -> int:
    """How many claims over a no wait for somebody who may decide about them."""
    if not request.membership.may("consent:write"):
        return 0
    return int(imported.claims.filter(tenant=request.tenant, state=ImportClaim.State.OPEN).count())


def _columns(form: ColumnsForm, values: dict[str, list[str]]) -> list[dict[str, Any]]:
    """Each column with some of its values and the fields that say what it becomes."""
    return [
        {"header": header, "examples": values.get(header, []), "target": target, "key": key}
        for header, target, key in form.columns()
    ]


def _to(request: TenantRequest, imported: Import) -> HttpResponse:
    address = reverse("import", kwargs={"tenant_slug": request.tenant.slug, "uid": imported.uid})
    return HttpResponse(headers={"HX-Redirect": address}) if request.htmx else redirect(address)
