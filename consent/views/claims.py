"""The review of what an import claims over a no (consent-gdpr § 8): the proof to read, and the way back to offer."""

import uuid
from typing import Any, NamedTuple

import segno
from django.contrib import messages
from django.db.models import F
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from consent import queries, reasons, signups
from consent.actions import claims as actions
from consent.importing import claims
from consent.models import Channel, ImportClaim, Purpose, SignupForm
from consent.opening import unlawful, unspoken
from tenants.pages import TenantRequest, page_of, requires

PER_PAGE = 25
QR_SCALE = 4
State = ImportClaim.State


class WayBack(NamedTuple):
    """An open form by which the person can say yes again; `chat` opens WhatsApp, "" where the text is too long for it.

    `code` is the QR code of the shortest of both ways.
    """

    form: SignupForm
    page: str
    chat: str
    code: str


@require_GET
@requires("consent:write")
def listing(request: TenantRequest, uid: uuid.UUID) -> HttpResponse:
    """What one import claims, what nobody has decided about first."""
    imported = get_object_or_404(request.tenant.imports.all(), uid=uid)
    found = imported.claims.filter(tenant=request.tenant).select_related("contact")
    found = found.order_by(F("decided_at").desc(nulls_first=True), "line")
    page = page_of(found, request, size=PER_PAGE)
    people = {claim.contact_id: claim.contact for claim in page}
    codes = queries.refusals(request.tenant, list(people.values()), Channel.WHATSAPP, Purpose.MARKETING)
    rows = [{"claim": claim, "reason": reasons.of(codes.get(claim.contact_id, ""))} for claim in page]
    return render(request, "consent/claims.html", {"imported": imported, "page": page, "rows": rows})


@require_GET
@requires("consent:write")
def show(request: TenantRequest, uid: uuid.UUID, line: int) -> HttpResponse:
    """One claim with its proof, why it opens nothing, and how the person can."""
    claim = _claim(request, uid, line)
    answer = queries.may_send(contact=claim.contact, channel=Channel.WHATSAPP, purpose=Purpose.MARKETING)
    may_be_offered = claims.may_be_offered(claim.contact)
    context = {
        "claim": claim,
        "said": claims.told(claim),
        "reason": reasons.of(answer.reason),
        "is_back": answer.allowed,
        "is_left_alone": not may_be_offered,
        "ways": _ways(request) if may_be_offered else [],
    }
    return render(request, "consent/claim.html", context)


@require_POST
@requires("consent:write")
def offer(request: TenantRequest, uid: uuid.UUID, line: int) -> HttpResponse:
    """Note that the person turned to the company and was shown the way back."""
    return _decided(request, uid, line, State.OFFERED, _("Noted. Only the person's own message opens anything again."))


@require_POST
@requires("consent:write")
def dismiss(request: TenantRequest, uid: uuid.UUID, line: int) -> HttpResponse:
    """Be done with a claim without offering anything."""
    return _decided(request, uid, line, State.DISMISSED, _("Dismissed. The person's no holds as before."))


def _decided(request: TenantRequest, uid: uuid.UUID, line: int, state: str, told: str) -> HttpResponse:
    try:
        actions.decide(claim=_claim(request, uid, line), state=state, by=request.user)
        messages.success(request, told)
    except actions.NotNow as refusal:
        messages.warning(request, str(refusal))
    return redirect("import_claims", tenant_slug=request.tenant.slug, uid=uid)


def _claim(request: TenantRequest, uid: uuid.UUID, line: int) -> ImportClaim:
    found = request.tenant.import_claims.select_related("contact__tenant", "imported")
    return get_object_or_404(found, imported__uid=uid, line=line)


def _ways(request: TenantRequest) -> list[WayBack]:
    """The company's forms that people can sign up by at the moment; a company has a handful."""
    live = request.tenant.signup_forms.select_related("tenant", "wording", "extra_wording").order_by("pk")
    return [_way(form) for form in live.filter(state=SignupForm.State.LIVE) if not unlawful(form)]


def _way(form: SignupForm) -> WayBack:
    page = signups.page_url(form)
    chat = "" if unspoken(form) else signups.keyword_link(form)
    code: Any = segno.make(chat or page, error="m").svg_inline(scale=QR_SCALE, border=2, omitsize=True)
    return WayBack(form, page, chat, code)
