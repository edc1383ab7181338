"""A contact's consent over the REST API: its ledger, a declaration to add, and "may we message them?"."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID, uuid4

import orjson
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.urls import path
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from consent import queries, reasons
from consent.actions import declarations
from consent.api.shapes import DeclarationIn, LedgerRowOut, MaySendIn, MaySendOut, RecordedOut, in_both
from consent.ledger import Appended
from consent.models import Authority, Channel, ConsentEvent, Purpose, Source, State, WordingVersion
from contacts.models import Contact
from tenants.problems import Conflict
from tenants.rest import TenantViewSet


class ConsentViewSet(TenantViewSet):
    """What a contact agreed to and refused."""

    scope_noun = "consent"
    serializer_class = LedgerRowOut
    filter_backends = []

    @property
    def contact(self) -> Contact:
        contact: Contact = get_object_or_404(self.tenant.contacts, uid=self.kwargs["uid"])
        return contact

    def get_queryset(self) -> QuerySet[ConsentEvent]:
        return queries.history(self.contact)

    def list(self, request: Request, uid: UUID) -> Response:
        """The contact's rows of the ledger, newest first."""
        return self.page(self.get_queryset())

    @extend_schema(request=DeclarationIn, responses={201: RecordedOut})
    def create(self, request: Request, uid: UUID) -> Response:
        """Add what the contact declared elsewhere: a yes with proof, a withdrawal or an objection.

        A yes over a no is refused with 409: only the person can lift it, on the channel itself. The same declaration
        sent twice is recorded once.
        """
        contact, said = self.contact, self.given(DeclarationIn)
        done = self._grant(contact, said) if said["state"] == State.GRANTED else self._refuse(contact, said)
        if any(row.skipped == "suppressed" for row in done):
            raise Conflict(_("This person is on the suppression list. Only they can lift that, on the channel itself."))
        if any(row.skipped == "invalid_wording" for row in done):
            raise Conflict(_("This wording was declared invalid. Nobody can agree to it any more."))
        return Response(RecordedOut({"results": done}).data, status=201)

    def _grant(self, contact: Contact, said: dict[str, Any]) -> Sequence[Appended]:
        return declarations.grant(
            tenant=self.tenant,
            contact=contact,
            dedupe=_cause(contact, said),
            source=Source.API,
            authority=Authority.AGENT,
            pairs=[(said["channel"], said["purpose"])],
            occurred_at=said["occurred_at"],
            wording=self._wording(said),
            wording_text=said.get("wording_text", ""),
            language=said.get("language", ""),
            age_confirmed=said["age_confirmed"],
            valid_until=said["valid_until"],
            evidence=_evidence(said),
            by=self.key,
        )

    def _wording(self, said: dict[str, Any]) -> WordingVersion | None:
        if not said.get("wording"):
            return None
        version = queries.published_wording(self.tenant, said["wording"], said.get("wording_version"))
        if version is None:
            raise serializers.ValidationError({"wording": [_("There is no such published wording.")]})
        if [said["channel"], said["purpose"]] not in version.covers:
            raise serializers.ValidationError({"wording": [_("This wording does not cover this channel and purpose.")]})
        return version

    def _refuse(self, contact: Contact, said: dict[str, Any]) -> Sequence[Appended]:
        everything = said["everything"]
        common: dict[str, Any] = {
            "tenant": self.tenant,
            "contact": contact,
            "dedupe": _cause(contact, said),
            "source": Source.API,
            "authority": Authority.AGENT,
            "occurred_at": said.get("occurred_at"),
            "evidence": _evidence(said),
            "by": self.key,
        }
        if said["state"] == State.OBJECTED:
            return declarations.object_(**common, channel=Channel.ALL if everything else said["channel"])
        return declarations.withdraw(**common, channel=said["channel"], purpose=said["purpose"], is_all=everything)


class MaySendView(TenantViewSet):
    """May a contact be messaged?"""

    scope_noun = "consent"
    filter_backends = []

    @extend_schema(parameters=[MaySendIn], responses=MaySendOut)
    def retrieve(self, request: Request, uid: UUID) -> Response:
        """Whether this contact may be messaged now, by the same rules that decide at the moment of sending."""
        asked = MaySendIn(data=request.query_params.dict())
        asked.is_valid(raise_exception=True)
        contact = get_object_or_404(self.tenant.contacts, uid=uid)
        answer = queries.may_send(contact=contact, **asked.validated_data)
        is_contract = asked.validated_data["purpose"] == Purpose.TRANSACTIONAL
        reason = reasons.of(answer.reason, is_contract=is_contract)
        words = {"text": in_both(reason.text), "remedy": in_both(reason.remedy)}
        row = queries.row(contact, answer.seq)
        return Response(MaySendOut({**asdict(answer), **words, "row": row}).data)


def _cause(contact: Contact, said: dict[str, Any]) -> str:
    """Names the declaration by all it says, so that a repeat adds nothing; without a time it is new each time."""
    if "occurred_at" not in said:
        return f"api:{contact.subject_id}:{uuid4()}"
    plain = orjson.dumps(said, option=orjson.OPT_SORT_KEYS)
    return f"api:{contact.subject_id}:{hashlib.sha256(plain).hexdigest()}"


def _evidence(said: dict[str, Any]) -> dict[str, Any]:
    return {name: said[name] for name in ("source", "proof") if said.get(name)}


api_urls = [
    path(
        "contacts/<uuid:uid>/consents/",
        ConsentViewSet.as_view({"get": "list", "post": "create"}),
        name="contact-consents",
    ),
    path("contacts/<uuid:uid>/may-send/", MaySendView.as_view({"get": "retrieve"}), name="contact-may-send"),
]
