"""Requests of people about their data over the REST API: note one, carry it out, download the export, answer it."""

from collections.abc import Callable
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import django_filters
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import FileResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import path
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from consent.actions import requests as actions
from consent.models import DataRequest
from contacts.api.shapes import ContactIn, data_of
from tenants.problems import Conflict
from tenants.rest import StrictSerializer, TenantViewSet

NAME_HELP = "As a letter has it that gives neither number nor address; nothing can be blocked by it."
CHECK_HELP = "How you know that it is this person; needed for all kinds but restriction and objection."


class DataRequestOut(serializers.Serializer[DataRequest]):
    """A request with its deadline and what became of it."""

    uid = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=DataRequest.Kind.choices)
    state = serializers.ChoiceField(choices=DataRequest.State.choices)
    contact = serializers.SerializerMethodField(help_text="The contact's uid; null once the person is erased.")
    named = serializers.DictField(help_text="Phone, e-mail and name of somebody who is no contact, until the answer.")
    found = serializers.DictField(
        child=serializers.IntegerField(),
        help_text="How much an erasure has found and deleted of somebody who is no contact, by kind.",
    )
    received_at = serializers.DateTimeField()
    due_date = serializers.DateField(help_text="The last day for the answer (Art. 12(3) GDPR).")
    is_overdue = serializers.BooleanField()
    extended_because = serializers.CharField()
    checked_by = serializers.CharField()
    note = serializers.CharField()
    answer = serializers.CharField()
    error = serializers.CharField(help_text="Why the last attempt did not succeed.")
    has_file = serializers.SerializerMethodField(help_text="Whether the export can be downloaded.")
    file_until = serializers.DateTimeField(allow_null=True)
    carried_out_at = serializers.DateTimeField(allow_null=True)
    done_at = serializers.DateTimeField(allow_null=True)

    def get_contact(self, request: DataRequest) -> UUID | None:
        return request.contact.uid if request.contact else None

    def get_has_file(self, request: DataRequest) -> bool:
        return bool(request.file)


class NotedIn(StrictSerializer):
    """How the identity was checked, and what else matters."""

    checked_by = serializers.ChoiceField(choices=DataRequest.Check.choices, required=False, help_text=CHECK_HELP)
    note = serializers.CharField(required=False, allow_blank=True, max_length=2000)


class WhoIn(StrictSerializer):
    """Whose it is."""

    contact = serializers.UUIDField(required=False, help_text="Or `phone` or `email` of somebody who is no contact.")
    phone = serializers.CharField(required=False, max_length=40, help_text="With its country code.")
    email = serializers.CharField(required=False, max_length=254)


class NewRequestIn(NotedIn, WhoIn):
    """What somebody asked for, and when."""

    name = serializers.CharField(required=False, max_length=200, help_text=NAME_HELP)
    kind = serializers.ChoiceField(choices=DataRequest.Kind.choices)
    received_at = serializers.DateTimeField(required=False, help_text="Now by default; the deadline runs from then.")


class ExtendIn(StrictSerializer):
    because = serializers.CharField(max_length=500, help_text="Many or complex requests (Art. 12(3) GDPR).")


class CloseIn(StrictSerializer):
    answer = serializers.CharField(max_length=4000, allow_blank=True, help_text="What the person was told.")
    refused = serializers.BooleanField(default=False, help_text="Needs the reason in the answer (Art. 12(4) GDPR).")


class AtOnceIn(NotedIn):
    """An identity that was checked."""

    checked_by = serializers.ChoiceField(choices=DataRequest.Check.choices, help_text=CHECK_HELP)


class RunIn(StrictSerializer):
    """How it is carried out."""

    alone = serializers.BooleanField(
        default=True,
        help_text="False: an erasure takes the other contacts that the ledger knows of this person with it.",
    )


class EraseIn(AtOnceIn, RunIn):
    """An identity that was checked, and whether only this contact is meant."""


class DataRequestFilter(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(choices=DataRequest.State.choices)
    kind = django_filters.ChoiceFilter(choices=DataRequest.Kind.choices)
    contact = django_filters.UUIDFilter("contact__uid", help_text="A contact's uid.")
    overdue = django_filters.BooleanFilter(method="by_overdue", help_text="Only those past their last day, or not.")

    def by_overdue(self, requests: QuerySet[DataRequest], name: str, value: bool) -> QuerySet[DataRequest]:
        today = timezone.localdate(timezone=ZoneInfo(self.request.auth.tenant.timezone))
        late = {"due_date__lt": today, "done_at": None}
        return requests.filter(**late) if value else requests.exclude(**late)


class DataRequestViewSet(TenantViewSet):
    """What people asked about their data (Art. 12-22 GDPR)."""

    scope_noun = "consent"
    scopes = {"file": "evidence:read"}
    serializer_class = DataRequestOut
    filterset_class = DataRequestFilter

    def get_queryset(self) -> QuerySet[DataRequest]:
        found: QuerySet[DataRequest] = self.tenant.data_requests.select_related("contact", "tenant")
        return found

    def list(self, request: Request) -> Response:
        """All requests, newest first."""
        return self.page(self.get_queryset())

    def retrieve(self, request: Request, uid: UUID) -> Response:
        """One request."""
        return self._answer(self.get_object())

    @extend_schema(request=NewRequestIn, responses={201: DataRequestOut})
    def create(self, request: Request) -> Response:
        """Note a request; its deadline is one month after it was received.

        Somebody who is no contact is named by phone or email, or by name alone, which is kept encrypted until the
        answer.
        """
        return self._done(actions.take, 201, tenant=self.tenant, **self._named(NewRequestIn, request))

    @extend_schema(request=NotedIn, responses=DataRequestOut)
    def partial_update(self, request: Request, uid: UUID) -> Response:
        """Say how the identity was checked, or change the note."""
        return self._done(actions.note, request=self.get_object(), **self.given(NotedIn))

    @extend_schema(request=WhoIn, responses=DataRequestOut)
    def identify(self, request: Request, uid: UUID) -> Response:
        """Say who it is that was known by a name only. The deadline stays, and an identity has to be checked anew."""
        return self._done(actions.identify, request=self.get_object(), **self._named(WhoIn, request))

    @extend_schema(request=RunIn, responses={202: DataRequestOut})
    def run(self, request: Request, uid: UUID) -> Response:
        """Carry out what was asked. Exports and erasures are done in the background: watch `state`.

        An erasure stops all sending at once, deletes the person's data and cannot be undone. Other contacts of the same
        person stay, because one of them may be somebody who had the number before; unless `alone` is false: then they
        get a request of their own and are erased too. An objection that gives a name only needs `identify` before.

        The erasure of somebody who is no contact deletes what names them by number or address in uploaded files, lines
        of imports and raw webhooks; `found` says how much that was.
        """
        return self._run(self.get_object(), alone=self.given(RunIn)["alone"])

    @extend_schema(request=ContactIn, responses=DataRequestOut)
    def correct(self, request: Request, uid: UUID) -> Response:
        """Correct the contact's data, which carries out a rectification; null empties a field."""
        return self._done(actions.correct, request=self.get_object(), data=data_of(self.given(ContactIn)))

    @extend_schema(request=None, responses=DataRequestOut)
    def lift(self, request: Request, uid: UUID) -> Response:
        """End the restriction; tell the person before (Art. 18(3) GDPR)."""
        return self._done(actions.lift, request=self.get_object())

    @extend_schema(request=ExtendIn, responses=DataRequestOut)
    def extend(self, request: Request, uid: UUID) -> Response:
        """Two more months for the answer, once; tell the person why within the first month."""
        return self._done(actions.extend, request=self.get_object(), because=self.given(ExtendIn)["because"])

    @extend_schema(request=CloseIn, responses=DataRequestOut)
    def close(self, request: Request, uid: UUID) -> Response:
        """Note what the person was told; this ends the request."""
        given = self.given(CloseIn)
        is_refused = given["refused"]
        return self._done(actions.close, request=self.get_object(), answer=given["answer"], is_refused=is_refused)

    @extend_schema(responses={(200, "application/zip"): OpenApiTypes.BINARY, 404: OpenApiResponse(description="None.")})
    def file(self, request: Request, uid: UUID) -> HttpResponseBase:
        """The export as ZIP: data.json and index.html. It is deleted after seven days.

        Needs the scope evidence:read, because it holds in clear what proves each declaration.
        """
        found = get_object_or_404(self.get_queryset().exclude(file=""), uid=uid)
        actions.file_taken(request=found, by=self.key)
        return FileResponse(found.file.open("rb"), as_attachment=True, filename=f"export-{found.uid}.zip")

    @extend_schema(request=AtOnceIn, responses={202: DataRequestOut})
    def export(self, request: Request, uid: UUID) -> Response:
        """Note a request for access and build the export: data-requests/{uid}/file/ serves it when it is there."""
        return self._at_once(uid, DataRequest.Kind.ACCESS, **self.given(AtOnceIn))

    @extend_schema(request=EraseIn, responses={202: DataRequestOut})
    def erase(self, request: Request, uid: UUID) -> Response:
        """Note a request for erasure and carry it out, unless `alone` for the person's other contacts too.

        This cannot be undone.
        """
        return self._at_once(uid, DataRequest.Kind.ERASURE, **self.given(EraseIn))

    def _at_once(self, uid: UUID, kind: str, *, alone: bool = True, **given: Any) -> Response:
        contact = get_object_or_404(self.tenant.contacts.select_related("tenant"), uid=uid)
        taken = actions.take(tenant=self.tenant, contact=contact, kind=kind, by=self.key, **given)
        return self._run(taken, alone=alone)

    def _run(self, found: DataRequest, *, alone: bool) -> Response:
        others = None if alone else [str(other.uid) for other in actions.other_contacts(found)]
        return self._done(actions.run, 202, request=found, others=others)

    def _named(self, shape: type[WhoIn], request: Request) -> dict[str, Any]:
        given = self.given(shape)
        uid = given.pop("contact", None)
        contact = get_object_or_404(self.tenant.contacts.select_related("tenant"), uid=uid) if uid else None
        return {"contact": contact, **given}

    def _done(self, action: Callable[..., DataRequest], status: int = 200, **given: Any) -> Response:
        try:
            return self._answer(action(by=self.key, **given), status)
        except actions.NotNow as refusal:
            raise Conflict(str(refusal)) from None
        except ValidationError as refused:
            raise serializers.ValidationError(refused.message_dict) from None

    def _answer(self, request: DataRequest, status: int = 200) -> Response:
        return Response(DataRequestOut(self.get_queryset().get(pk=request.pk)).data, status=status)


def _to(**methods: Any) -> Any:
    return DataRequestViewSet.as_view(methods)


api_urls = [
    path("data-requests/", _to(get="list", post="create"), name="data-requests"),
    path("data-requests/<uuid:uid>/", _to(get="retrieve", patch="partial_update"), name="data-request"),
    path("data-requests/<uuid:uid>/identify/", _to(post="identify"), name="data-request-identify"),
    path("data-requests/<uuid:uid>/run/", _to(post="run"), name="data-request-run"),
    path("data-requests/<uuid:uid>/correct/", _to(post="correct"), name="data-request-correct"),
    path("data-requests/<uuid:uid>/lift/", _to(post="lift"), name="data-request-lift"),
    path("data-requests/<uuid:uid>/extend/", _to(post="extend"), name="data-request-extend"),
    path("data-requests/<uuid:uid>/close/", _to(post="close"), name="data-request-close"),
    path("data-requests/<uuid:uid>/file/", _to(get="file"), name="data-request-file"),
    path("contacts/<uuid:uid>/export/", _to(post="export"), name="contact-export"),
    path("contacts/<uuid:uid>/erase/", _to(post="erase"), name="contact-erase"),
]
