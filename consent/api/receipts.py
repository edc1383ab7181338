"""Receipts of consent over the REST API: JSON, page and PDF of one row of the ledger, and their verification."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from consent import printing, queries, receipts
from consent.actions import proofs as actions
from tenants.rest import TenantViewSet


class ReceiptCheckOut(serializers.Serializer[Any]):
    """One thing that was looked at."""

    name = serializers.CharField(help_text="form, signature, row_hash, wording or ledger.")
    is_good = serializers.BooleanField()
    told = serializers.CharField(help_text="What was found, in the language asked for.")


class ReceiptVerdictOut(serializers.Serializer[Any]):
    """Whether a receipt is genuine: signed by us, unaltered, and its row is in your ledger."""

    is_genuine = serializers.BooleanField()
    checks = ReceiptCheckOut(many=True)


class ReceiptViewSet(TenantViewSet):
    """Signed receipts of what a contact agreed to or refused."""

    scope_noun = "consent"
    scopes = {"verify": "consent:read"}
    filter_backends = []

    @extend_schema(responses={(200, "application/json"): OpenApiTypes.OBJECT})
    def retrieve(self, request: Request, uid: UUID, event_id: UUID) -> Response:
        """A new receipt as JSON, structured after ISO/IEC TS 27560:2023 with Kantara's names beside, signed."""
        return Response(self._receipt(uid, event_id))

    @extend_schema(responses={(200, "text/html"): OpenApiTypes.STR})
    def page_of(self, request: Request, uid: UUID, event_id: UUID) -> HttpResponseBase:
        """A new receipt as a page to print, made from the JSON."""
        sheet = receipts.read(self._receipt(uid, event_id))
        return render(request._request, "consent/receipt.html", {"sheet": sheet})

    @extend_schema(responses={(200, "application/pdf"): OpenApiTypes.BINARY})
    def paper(self, request: Request, uid: UUID, event_id: UUID) -> HttpResponseBase:
        """A new receipt as PDF, made from the JSON."""
        return HttpResponse(printing.receipt(self._receipt(uid, event_id)), content_type="application/pdf")

    @extend_schema(request=OpenApiTypes.OBJECT, responses=ReceiptVerdictOut)
    def verify(self, request: Request) -> Response:
        """Whether the receipt that is sent as the body is genuine, with every check that says so."""
        return Response(ReceiptVerdictOut(receipts.verify(request.data, self.tenant)).data)

    def _receipt(self, uid: UUID, event_id: UUID) -> dict[str, Any]:
        contact = get_object_or_404(self.tenant.contacts, uid=uid)
        event = get_object_or_404(queries.history(contact), event_id=event_id)
        return actions.issue(contact=contact, event=event, by=self.key)


RECEIPT = "contacts/<uuid:uid>/consents/<uuid:event_id>/receipt"
api_urls = [
    path(f"{RECEIPT}/", ReceiptViewSet.as_view({"get": "retrieve"}), name="receipt"),
    path(f"{RECEIPT}.json", ReceiptViewSet.as_view({"get": "retrieve"}), name="receipt-json"),
    path(f"{RECEIPT}.html", ReceiptViewSet.as_view({"get": "page_of"}), name="receipt-html"),
    path(f"{RECEIPT}.pdf", ReceiptViewSet.as_view({"get": "paper"}), name="receipt-pdf"),
    path("receipts/verify/", ReceiptViewSet.as_view({"post": "verify"}), name="receipts-verify"),
]
