"""Events over the REST API: one or many come in, with an answer each; stored ones can be listed."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import django_filters
from django.db.models import QuerySet
from django.urls import path
from django.utils.translation import gettext as _
from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from contacts import actions
from contacts.actions import EventData, Recorded
from contacts.models import Event
from tenants.rest import StrictSerializer, TenantViewSet

MAX_ROWS = 10_000


class EventIn(StrictSerializer):
    """One event of one contact, who is named by phone, external_id, bsuid or uid."""

    id = serializers.CharField(max_length=100, help_text="Your own id; the same id is stored once, however often sent.")
    name = serializers.RegexField(
        r"^[a-z][a-z0-9_.]*$",
        max_length=60,
        error_messages={"invalid": "Use small letters, digits, dots and underscores, for example order_placed."},
        help_text="order_placed, order_refunded, cart_updated, product_viewed, or a name of your own.",
    )
    occurred_at = serializers.DateTimeField(help_text="ISO 8601 with time zone.")
    phone = serializers.CharField(required=False, allow_null=True)
    external_id = serializers.CharField(required=False, allow_null=True)
    bsuid = serializers.CharField(required=False, allow_null=True)
    contact = serializers.UUIDField(required=False, allow_null=True, help_text="The uid of a contact.")
    value = serializers.DecimalField(
        14, 2, required=False, allow_null=True, help_text="The net amount; refunds are positive too."
    )
    currency = serializers.CharField(required=False, allow_blank=True, max_length=3, help_text="ISO 4217, e.g. EUR.")
    order_id = serializers.CharField(required=False, allow_blank=True, max_length=100)
    properties = serializers.DictField(required=False, help_text="Anything else, at most 10,000 characters of JSON.")


class EventOut(serializers.Serializer[Event]):
    id = serializers.CharField(source="event_id")
    name = serializers.CharField()
    contact = serializers.UUIDField(source="contact.uid")
    occurred_at = serializers.DateTimeField()
    value = serializers.DecimalField(14, 2, allow_null=True)
    currency = serializers.CharField()
    order_id = serializers.CharField()
    properties = serializers.DictField()
    received_at = serializers.DateTimeField()


class EventRow(serializers.Serializer[Any]):
    """What became of the event at `index`; a duplicate was stored before and counts as success."""

    index = serializers.IntegerField()
    id = serializers.CharField(allow_null=True)
    outcome = serializers.ChoiceField(choices=["created", "duplicate", "rejected"])
    errors = serializers.DictField(  # type: ignore[assignment]
        child=serializers.ListField(child=serializers.CharField())
    )


class EventsRecorded(serializers.Serializer[Any]):
    created = serializers.IntegerField()
    duplicate = serializers.IntegerField()
    rejected = serializers.IntegerField()
    results = EventRow(many=True)


class EventFilter(django_filters.FilterSet):
    contact = django_filters.UUIDFilter("contact__uid", help_text="The uid of a contact.")
    name = django_filters.CharFilter("name")
    order_id = django_filters.CharFilter("order_id")
    occurred_since = django_filters.IsoDateTimeFilter("occurred_at", "gte")
    occurred_before = django_filters.IsoDateTimeFilter("occurred_at", "lt")


class EventViewSet(TenantViewSet):
    """What contacts did in shops, apps and stores."""

    scopes = {"list": "contacts:read", "create": "events:write"}
    serializer_class = EventOut
    filterset_class = EventFilter

    def get_queryset(self) -> QuerySet[Event]:
        events: QuerySet[Event] = self.tenant.events.select_related("contact")
        return events

    def list(self, request: Request) -> Response:
        """Stored events, newest first."""
        return self.page(self.get_queryset())

    @extend_schema(
        request=PolymorphicProxySerializer(
            component_name="Events",
            serializers=[EventIn, EventIn(many=True)],
            resource_type_field_name=None,
            many=False,
        ),
        responses=EventsRecorded,
    )
    def create(self, request: Request) -> Response:
        """Record one event, or a list of up to 10,000; every row gets its own answer, and good rows are stored.

        One event that cannot be stored is answered with 400; in a list it is only marked as rejected.
        """
        rows = request.data if isinstance(request.data, list) else [request.data]
        if len(rows) > MAX_ROWS:
            message = _("Send at most %(limit)s events at once.") % {"limit": MAX_ROWS}
            raise serializers.ValidationError({"non_field_errors": [message]})
        answers = self._record(rows)
        if not isinstance(request.data, list) and answers[0].errors:
            raise serializers.ValidationError(answers[0].errors)
        counts = Counter(answer.outcome for answer in answers)
        results = [_result(index, row, answer) for index, (row, answer) in enumerate(zip(rows, answers, strict=True))]
        outcomes = ("created", "duplicate", "rejected")
        return Response({**{outcome: counts[outcome] for outcome in outcomes}, "results": results})

    def _record(self, rows: Sequence[Any]) -> Sequence[Recorded]:
        checked = [_checked(row, reader) for reader in [EventIn()] for row in rows]
        good = [row for row in checked if isinstance(row, EventData)]
        stored = iter(actions.record_events(tenant=self.tenant, rows=good))
        return [next(stored) if isinstance(row, EventData) else row for row in checked]


def _checked(row: Any, reader: EventIn) -> EventData | Recorded:
    """The row as the action takes it, or its rejection. One reader serves all rows."""
    try:
        given = dict(reader.run_validation(row))
    except serializers.ValidationError as error:
        detail: Any = error.detail
        return Recorded("rejected", detail if isinstance(detail, dict) else {"non_field_errors": detail})
    return EventData(event_id=given.pop("id"), uid=given.pop("contact", None), **given)


def _result(index: int, row: Any, answer: Recorded) -> dict[str, Any]:
    given = row.get("id") if isinstance(row, dict) else None
    event_id = given if isinstance(given, str) else None
    return {"index": index, "id": event_id, "outcome": answer.outcome, "errors": answer.errors}


api_urls = [path("events/", EventViewSet.as_view({"get": "list", "post": "create"}), name="events")]
