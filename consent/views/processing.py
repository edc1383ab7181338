"""The page “Contract and records”: the contract of Art. 28 GDPR, who processes too, the record of Art. 30, breaches."""

import uuid
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import F
from django.http import FileResponse, Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from consent import agreements, printing, queries, records
from consent.actions import agreements as actions
from consent.actions import breaches, handovers
from consent.forms.processing import AgreementForm, BreachForm
from consent.ledger import checking
from consent.models import Agreement, Breach
from consent.rights import concerned
from contacts.importing import escaping
from tenants.pages import Question, TenantRequest, requires

INVALID = 422
CLOSE = Question(
    gettext_lazy("Close this breach"),
    gettext_lazy(
        "It stays in the register as it was saved last, and nobody can change it any more: save first what you have"
        " entered. This cannot be undone."
    ),
    gettext_lazy("Close for good"),
)


@require_GET
@requires("consent:read")
def processing(request: TenantRequest) -> HttpResponse:
    """Everything between controller and processor at a glance."""
    accepted = agreements.accepted(request.tenant)
    own = list(request.tenant.processors.order_by(F("ended_on").desc(nulls_first=True), "name", "pk"))
    context = {
        "tab": "processing",
        "accepted": accepted,
        "is_new": agreements.is_new(accepted),
        "is_open": agreements.is_open(accepted),
        "version": agreements.VERSION,
        "subprocessors": agreements.subprocessors(),
        "processors": own,
        "without_contract": sum(one.lacks_contract for one in own),
        "breaches": request.tenant.breaches.order_by("-known_at", "-pk"),
        "handover": request.tenant.handovers.order_by("-pk").first(),
        "disposals": queries.disposals(request.tenant),
        "ledger": checking.standing(request.tenant),
    }
    return render(request, "consent/processing.html", context)


@require_http_methods(["GET", "POST"])
@requires("consent:read")
def agreement(request: TenantRequest) -> HttpResponse:
    """Read the contract and conclude it; who may not change settings reads it only."""
    may_accept = request.membership.may("settings:write")
    form = AgreementForm(request.POST or None, initial={"signer": request.user.name})
    if request.method == "POST" and not may_accept:
        raise PermissionDenied
    if form.is_valid() and _accepted(request, form):
        return redirect(_address(request, "processing"))
    accepted = agreements.accepted(request.tenant)
    text = _shown(request, accepted)
    form.show(agreements.digest(text))
    context = {
        "sections": agreements.sections(text),
        "form": form,
        "may_accept": may_accept,
        "is_open": agreements.is_open(accepted),
        "accepted": accepted,
        "company": queries.controller_of(request.tenant),
    }
    return render(request, "consent/agreement.html", context, status=INVALID if form.errors else 200)


@require_GET
@requires("consent:read")
def agreement_pdf(request: TenantRequest, uid: uuid.UUID) -> HttpResponse:
    """The contract as it was accepted."""
    found = get_object_or_404(request.tenant.agreements, uid=uid)
    return _pdf(printing.agreement(found), f"avv-{found.version}.pdf")


@require_GET
@requires("consent:read")
def record(request: TenantRequest) -> HttpResponse:
    """The record of processing activities."""
    context = {
        "responsible": records.responsible(request.tenant),
        "recipients": records.recipients(request.tenant),
        "activities": records.activities(request.tenant),
        "measures": records.measures(),
        "company": queries.controller_of(request.tenant),
    }
    return render(request, "consent/record.html", context)


@require_GET
@requires("consent:read")
def record_pdf(request: TenantRequest) -> HttpResponse:
    """The same on paper, for the authority that asks for it (Art. 30 (4) GDPR)."""
    return _pdf(printing.record(request.tenant), "record-of-processing.pdf")


@require_GET
@requires("consent:read")
def impact_assessment(request: TenantRequest) -> HttpResponse:
    """A template for the impact assessment of Art. 35 GDPR, to be filled in elsewhere."""
    text = agreements.impact_assessment(request.tenant, agreements.spoken())
    answer = HttpResponse(text, content_type="text/plain; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="dsfa.txt"'
    return answer


@require_POST
@requires("settings:write")
def handover_ask(request: TenantRequest) -> HttpResponse:
    """Have everything of the company put into a file."""
    handovers.ask(tenant=request.tenant, by=request.user)
    messages.success(request, _("The file is being built. It stands here when it is ready."))
    return redirect(_address(request, "processing") + "#handover-title")


@require_GET
@requires("settings:write")
def handover(request: TenantRequest, uid: uuid.UUID) -> FileResponse:
    """The file, as long as it is there; the audit trail keeps who took it."""
    found = get_object_or_404(request.tenant.handovers.exclude(file=""), uid=uid)
    if not found.file.storage.exists(str(found.file.name)):
        raise Http404
    handovers.taken(handover=found, by=request.user)
    name = f"zusage-{request.tenant.slug}-{found.asked_at.date().isoformat()}.zip"
    return FileResponse(found.file.open(), as_attachment=True, filename=name)


@require_http_methods(["GET", "POST"])
@requires("consent:write")
def breach_new(request: TenantRequest) -> HttpResponse:
    """Note a breach."""
    form = BreachForm(request.POST or None)
    if form.is_valid():
        breaches.note(tenant=request.tenant, by=request.user, **form.values)
        messages.success(request, _("Noted."))
        return redirect(_address(request, "processing"))
    return _breach(request, form)


@require_http_methods(["GET", "POST"])
@requires("consent:write")
def breach(request: TenantRequest, uid: uuid.UUID) -> HttpResponse:
    """Read a breach and add what became known."""
    found = get_object_or_404(request.tenant.breaches, uid=uid)
    form = BreachForm(request.POST or None, instance=found)
    if form.is_valid():
        try:
            breaches.change(breach=found, by=request.user, version=form.cleaned_data["version"], **form.values)
        except ValidationError as refused:
            # The form has written its values into it.
            found.refresh_from_db()
            form.refuse(refused, found.version)
        else:
            messages.success(request, _("Saved."))
            return redirect(_address(request, "breach", uid=uid))
    return _breach(request, form, found)


@require_GET
@requires("settings:write")
def breach_people(request: TenantRequest, uid: uuid.UUID) -> StreamingHttpResponse:
    """Whom to inform, as CSV; the audit trail keeps who took it."""
    found = get_object_or_404(request.tenant.breaches, uid=uid)
    breaches.people_taken(breach=found, by=request.user)
    name = _("people concerned %(day)s.csv") % {"day": found.known_at.date().isoformat()}
    return StreamingHttpResponse(
        escaping.csv_lines(concerned.rows(request.tenant, found)),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": content_disposition_header(as_attachment=True, filename=name) or "attachment"},
    )


@require_POST
@requires("consent:write")
def breach_close(request: TenantRequest, uid: uuid.UUID) -> HttpResponse:
    """End the work on a breach, once somebody has confirmed it; says what is missing."""
    found = get_object_or_404(request.tenant.breaches, uid=uid)
    if not request.POST.get("confirmed"):
        return render(request, "confirm.html", {"question": CLOSE, "back": _address(request, "breach", uid=uid)})
    try:
        breaches.close(breach=found, by=request.user)
    except ValidationError as refused:
        messages.error(request, " ".join(refused.messages))
        return redirect(_address(request, "breach", uid=uid))
    messages.success(request, _("Closed. The entry stays in the register."))
    return redirect(_address(request, "processing"))


def _shown(request: TenantRequest, accepted: Agreement | None) -> str:
    """The text to be concluded; what was concluded, word for word, where nothing newer is there."""
    if accepted and not agreements.is_open(accepted):
        return accepted.text
    return agreements.text(request.tenant, agreements.spoken())


def _accepted(request: TenantRequest, form: AgreementForm) -> bool:
    """Conclude the contract; False when the action has refused and the form says why."""
    said = {name: form.cleaned_data[name] for name in ("signer", "position", "shown")}
    try:
        actions.accept(tenant=request.tenant, language=agreements.spoken(), by=request.user, **said)
    except ValidationError as refused:
        form.refuse(refused)
        return False
    messages.success(request, _("The contract is concluded. You find it here as PDF at any time."))
    return True


def _breach(request: TenantRequest, form: BreachForm, found: Breach | None = None) -> HttpResponse:
    context: dict[str, Any] = {"form": form, "breach": found, "close": CLOSE}
    return render(request, "consent/breach.html", context, status=INVALID if form.errors else 200)


def _address(request: TenantRequest, name: str, **kwargs: Any) -> str:
    return reverse(name, kwargs={"tenant_slug": request.tenant.slug, **kwargs})


def _pdf(content: bytes, name: str) -> HttpResponse:
    return HttpResponse(
        content, content_type="application/pdf", headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )
