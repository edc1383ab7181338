"""The timeline of a contact over the REST API."""

import base64
import binascii
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from analytics.queries.timeline import KINDS, Entry, timeline
from contacts.models import Contact
from tenants.rest import StrictSerializer, TenantView

Position = tuple[datetime, str, int]


@extend_schema_field(str)
class CursorField(serializers.Field[Position, str, str, Position]):
    """Where a page starts: behind the last entry of the one before."""

    def to_internal_value(self, data: str) -> Position:
        try:
            at, kind, row_id = base64.urlsafe_b64decode(data).decode().split("|")
            return datetime.fromisoformat(at), kind, int(row_id)
        except (ValueError, binascii.Error):
            raise serializers.ValidationError(_("Use the address in “next” as it is.")) from None

    def to_representation(self, value: Position) -> str:
        at, kind, row_id = value
        return base64.urlsafe_b64encode(f"{at.isoformat()}|{kind}|{row_id}".encode()).decode()


class TimelineQuery(StrictSerializer):
    """Which entries to list; `kind` may be repeated."""

    kind = serializers.ListField(child=serializers.ChoiceField(choices=KINDS), required=False)
    cursor = CursorField(required=False)
    page_size = serializers.IntegerField(default=50, min_value=1, max_value=200)


class EntrySerializer(serializers.Serializer[Entry]):
    """Something that happened; what `data` holds depends on `kind`."""

    at = serializers.DateTimeField()
    kind = serializers.ChoiceField(choices=KINDS)
    data = serializers.DictField()  # type: ignore[assignment]


class TimelinePageSerializer(serializers.Serializer[Any]):
    """A page, newest first; `next` is the address of the following page, null on the last one."""

    next = serializers.URLField(allow_null=True)
    results = EntrySerializer(many=True)


class ContactTimeline(TenantView):
    """What happened with one contact."""

    scope_noun = "contacts"

    @extend_schema(parameters=[TimelineQuery], responses=TimelinePageSerializer, operation_id="contacts_timeline")
    def get(self, request: Request, uid: UUID) -> Response:
        """Messages, clicks, replies, events and consents of a contact, newest first, page by page."""
        contact: Contact = get_object_or_404(self.tenant.contacts, uid=uid)
        wanted = TimelineQuery(data=request.query_params)
        wanted.is_valid(raise_exception=True)
        values = wanted.validated_data
        most = values["page_size"]
        found = timeline(contact, most=most + 1, kinds=values.get("kind"), after=values.get("cursor"))
        next_page = _behind(request, found[most - 1]) if len(found) > most else None
        return Response(TimelinePageSerializer({"next": next_page, "results": found[:most]}).data)


def _behind(request: Request, last: Entry) -> str:
    cursor = CursorField().to_representation(last.position)
    return replace_query_param(request.build_absolute_uri(), "cursor", cursor)
