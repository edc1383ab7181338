"""The proof of one person's consent, as a page and as PDF; with its evidence only when somebody asks for it."""

import uuid

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from consent import printing, proving, telling
from consent.actions import proofs as actions
from consent.ledger import checking
from consent.proving import Proof
from contacts.models import Contact
from tenants.pages import TenantRequest, requires


@require_http_methods(["GET", "POST"])
@requires("consent:read")
def proof(request: TenantRequest, uid: uuid.UUID) -> HttpResponse:
    """The page. Opened, it shows no evidence; its button asks for that by POST, so that no look happens unasked."""
    found = _proof(request, uid)
    suppressions = [
        {"entry": entry, "reason": telling.suppression(entry.reason), "kind": telling.identity(entry.kind)}
        for entry in found.suppressions
    ]
    context = {
        "proof": found,
        "contact": found.contact,
        "sections": proving.sections(found),
        "suppressions": suppressions,
        "ledger": checking.standing(request.tenant),
        "may_look": request.membership.may("evidence:read"),
    }
    return render(request, "consent/proof.html", context)


@require_http_methods(["GET", "POST"])
@requires("consent:read")
def pdf(request: TenantRequest, uid: uuid.UUID) -> HttpResponse:
    """The same on paper: by GET without evidence, by POST with it."""
    found = _proof(request, uid)
    name = _("proof of consent %(person)s.pdf") % {"person": found.contact.uid}
    return as_pdf(printing.proof(found), name)


def as_pdf(content: bytes, name: str) -> HttpResponse:
    """A PDF to download."""
    disposition = content_disposition_header(as_attachment=True, filename=name) or "attachment"
    return HttpResponse(content, content_type="application/pdf", headers={"Content-Disposition": disposition})


def _proof(request: TenantRequest, uid: uuid.UUID) -> Proof:
    contact: Contact = get_object_or_404(request.tenant.contacts, uid=uid)
    if request.method == "GET":
        return proving.proof(contact)
    if not request.membership.may("evidence:read"):
        raise PermissionDenied
    return actions.look(contact=contact, by=request.user)
