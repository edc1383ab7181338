"""Receipts to download, and the page that says whether a receipt is genuine."""

import uuid
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from consent import printing, queries, receipts
from consent.actions import proofs as actions
from consent.forms.receipts import ReceiptForm
from consent.views.proofs import as_pdf
from tenants.pages import TenantRequest, requires

INVALID = 422


@require_GET
@requires("consent:read")
def receipt(request: TenantRequest, uid: uuid.UUID, event_id: uuid.UUID, kind: str) -> HttpResponse:
    """A new receipt of one row about a contact: JSON to keep and check, a page to print, or a PDF to hand over."""
    contact = get_object_or_404(request.tenant.contacts, uid=uid)
    event = get_object_or_404(queries.history(contact), event_id=event_id)
    return handed_out(request, actions.issue(contact=contact, event=event, by=request.user), kind)


def handed_out(request: HttpRequest, document: dict[str, Any], kind: str) -> HttpResponse:
    """A receipt as "json", "html" or "pdf"."""
    name = _("receipt of consent %(receipt)s") % {"receipt": document["receipt_id"]}
    if kind == "pdf":
        return as_pdf(printing.receipt(document), f"{name}.pdf")
    if kind == "html":
        return render(request, "consent/receipt.html", {"sheet": receipts.read(document)})
    disposition = content_disposition_header(as_attachment=True, filename=f"{name}.json") or "attachment"
    content = orjson.dumps(document, option=orjson.OPT_INDENT_2)
    return HttpResponse(content, content_type="application/json", headers={"Content-Disposition": disposition})


@require_http_methods(["GET", "POST"])
@requires("consent:read")
def verify(request: TenantRequest) -> HttpResponse:
    """Check a receipt that somebody shows: is it ours, unaltered, and is its row in the ledger?"""
    if request.method == "GET":
        return render(request, "consent/receipt_verify.html", {"form": ReceiptForm()})
    form = ReceiptForm(request.POST, request.FILES)
    if not form.is_valid():
        return render(request, "consent/receipt_verify.html", {"form": form}, status=INVALID)
    verdict = receipts.verify(form.document, request.tenant)
    return render(request, "consent/receipt_verify.html", {"form": form, "verdict": verdict})
