"""Segments over the REST API: save rules, and see whom they find before sending anything."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from segments import actions, queries
from segments.models import Segment
from segments.queries import Preview
from segments.rules import InvalidRule
from tenants.problems import Conflict
from tenants.rest import StrictSerializer, TenantViewSet

RULE_HELP = """A tree of groups and conditions; {} is everyone.
Group: {"op": "and" | "or" | "not", "rules": [...]}; "not" holds when none of its rules does.
Conditions: {"field": "postcode", "op": "starts_with", "value": "50"},
{"attribute": "shoe_size", "op": "gte", "value": 42},
{"tag": "<uid>", "op": "has" | "has_not"}, {"list": "<uid>", "op": "in" | "not_in"},
{"consent": {"channel": "whatsapp", "purpose": "marketing"}, "op": "granted" | "not_granted"},
{"event": "order_placed", "op": "ever" | "never", "within_days": 90,
"where": [{"property": "shop", "op": "is", "value": "Köln"}]},
{"event": "order_placed", "measure": "count" | "sum" | "days_since_last", "op": "gte", "value": 3,
"between": ["2026-01-01", "2026-03-31"]},
{"message": "received" | "delivered" | "read" | "clicked" | "replied" | "opted_out" | "failed", "op": "has" | "has_not",
"source": "<uid>", "within_days": 30}."""


@extend_schema_field({"type": "object", "additionalProperties": True})
class RuleField(serializers.DictField):
    """A rule as JSON; segments.rules says which nodes there are."""


class SegmentIn(StrictSerializer):
    name = serializers.CharField(max_length=100)
    description = serializers.CharField(required=False, allow_blank=True, max_length=2000)
    rule = RuleField(help_text=RULE_HELP)


class RuleIn(StrictSerializer):
    rule = RuleField(help_text=RULE_HELP)


class SegmentOut(serializers.Serializer[Segment]):
    uid = serializers.UUIDField()
    name = serializers.CharField()
    description = serializers.CharField()
    rule = RuleField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class CountOut(serializers.Serializer[Any]):
    """The count may be some seconds older than `at`, five minutes at the most."""

    count = serializers.IntegerField(allow_null=True, help_text="null when counting took too long.")
    at = serializers.DateTimeField()


class PersonOut(serializers.Serializer[Any]):
    uid = serializers.UUIDField()
    phone = serializers.CharField(allow_null=True)
    first_name = serializers.CharField()
    last_name = serializers.CharField()


class NodeOut(serializers.Serializer[Any]):
    """How many contacts this node of the rule holds for, by itself; the root's path is empty."""

    path = serializers.CharField(allow_blank=True)
    count = serializers.IntegerField(allow_null=True)


class PreviewOut(CountOut):
    """The people are those of now. The counts may be some seconds older than `at`, five minutes at the most."""

    sample = PersonOut(many=True, help_text="The ten newest contacts.")
    nodes = NodeOut(many=True)


class SegmentViewSet(TenantViewSet):
    """Saved rules that say who belongs, computed when asked."""

    scope_noun = "segments"
    scopes = {"preview_rule": "segments:read"}
    serializer_class = SegmentOut

    def get_queryset(self) -> QuerySet[Segment]:
        segments: QuerySet[Segment] = self.tenant.segments.all()
        return segments

    def list(self, request: Request) -> Response:
        """All segments, newest first."""
        return self.page(self.get_queryset())

    @extend_schema(request=SegmentIn, responses={201: SegmentOut})
    def create(self, request: Request) -> Response:
        """Save a rule under a name."""
        given = self.given(SegmentIn)
        with naming_the_node():
            segment = actions.create(tenant=self.tenant, by=self.key, **given)
        return Response(SegmentOut(segment).data, status=201)

    def retrieve(self, request: Request, uid: UUID) -> Response:
        """One segment."""
        return Response(SegmentOut(self.get_object()).data)

    @extend_schema(request=SegmentIn, responses=SegmentOut)
    def partial_update(self, request: Request, uid: UUID) -> Response:
        """Change a segment; launched campaigns keep the people they had."""
        segment, given = self.get_object(), self.given(SegmentIn, partial=True)
        with naming_the_node():
            actions.update(segment=segment, by=self.key, **given)
        return Response(SegmentOut(segment).data)

    @extend_schema(responses={204: OpenApiResponse(description="Deleted.")})
    def destroy(self, request: Request, uid: UUID) -> Response:
        """Delete a segment; 409 while a campaign uses it."""
        try:
            actions.delete(segment=self.get_object(), by=self.key)
        except actions.SegmentInUse as refusal:
            raise Conflict(str(refusal)) from None
        return Response(status=204)

    @extend_schema(responses=CountOut)
    def count(self, request: Request, uid: UUID) -> Response:
        """How many contacts are in the segment."""
        segment = self.get_object()
        try:
            with naming_the_node():
                found: int | None = queries.count(self.tenant, segment.rule)
        except queries.TookTooLong:
            found = None
        return Response(CountOut({"count": found, "at": timezone.now()}).data)

    @extend_schema(responses=PreviewOut)
    def preview(self, request: Request, uid: UUID) -> Response:
        """The count, ten people, and a count per node of a saved segment."""
        return self._previewed(self.get_object().rule)

    @extend_schema(request=RuleIn, responses=PreviewOut)
    def preview_rule(self, request: Request) -> Response:
        """The same for a rule that is not saved; changes nothing."""
        return self._previewed(self.given(RuleIn)["rule"])

    def _previewed(self, rule: dict[str, Any]) -> Response:
        with naming_the_node():
            found: Preview = queries.preview(self.tenant, rule)
        return Response(PreviewOut(found).data)


@contextmanager
def naming_the_node() -> Iterator[None]:
    """Answers 400 with the faults of a rule by the paths of its nodes: {"rule": {"rules[1].value": [...]}}."""
    try:
        yield
    except InvalidRule as invalid:
        raise serializers.ValidationError({"rule": invalid.errors}) from None


api_urls = [
    path("segments/", SegmentViewSet.as_view({"get": "list", "post": "create"}), name="segments"),
    path("segments/preview/", SegmentViewSet.as_view({"post": "preview_rule"}), name="segments-preview"),
    path(
        "segments/<uuid:uid>/",
        SegmentViewSet.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"}),
        name="segment",
    ),
    path("segments/<uuid:uid>/count/", SegmentViewSet.as_view({"get": "count"}), name="segment-count"),
    path("segments/<uuid:uid>/preview/", SegmentViewSet.as_view({"get": "preview"}), name="segment-preview"),
]
