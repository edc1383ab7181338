"""Wordings over the REST API: which texts there are, and what each version says. Publishing stays with people."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.urls import path
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from consent.api.shapes import CHANNELS, PURPOSES
from consent.models import Wording, WordingVersion
from tenants.rest import TenantViewSet

State = WordingVersion.State


class CoveredSerializer(serializers.Serializer[Any]):
    """One thing a text is a yes to."""

    channel = serializers.ChoiceField(choices=CHANNELS)
    purpose = serializers.ChoiceField(choices=PURPOSES)


class EndingSerializer(serializers.Serializer[Any]):
    """How far the yeses to an invalid text have been ended in the ledger; nothing is sent on their strength before."""

    declared_at = serializers.DateTimeField()
    percent = serializers.IntegerField()
    ended = serializers.IntegerField(help_text="How many yeses have been ended so far.")
    finished_at = serializers.DateTimeField(allow_null=True)


class WordingVersionSerializer(serializers.Serializer[WordingVersion]):
    """One version: what people who agreed to it have read."""

    number = serializers.IntegerField()
    state = serializers.CharField(help_text="draft, in_use, retired or invalid.")
    texts = serializers.DictField(child=serializers.CharField(), help_text="By language.")
    covers = serializers.SerializerMethodField(help_text="What it is a yes to.")
    policy_url = serializers.CharField()
    policy_version = serializers.CharField(help_text="Of the privacy notice, as the company names it.")
    policy_sha256 = serializers.CharField(help_text="Of the privacy notice, as the company names it; or empty.")
    sha256 = serializers.CharField(
        help_text="Of texts and what they cover, as the ledger's rows name it; empty in a draft."
    )
    published_at = serializers.DateTimeField(allow_null=True)
    retired_at = serializers.DateTimeField(allow_null=True)
    invalid_reason = serializers.CharField()
    invalidation = serializers.SerializerMethodField()

    @extend_schema_field(CoveredSerializer(many=True))
    def get_covers(self, version: WordingVersion) -> Any:
        return [{"channel": channel, "purpose": purpose} for channel, purpose in version.covers]

    @extend_schema_field(EndingSerializer(allow_null=True))
    def get_invalidation(self, version: WordingVersion) -> Any:
        found = next(iter(version.invalidations.all()), None)
        return EndingSerializer(found).data if found else None


class WordingSerializer(serializers.Serializer[Wording]):
    """A text people agree to, with the version that is offered to them now."""

    uid = serializers.UUIDField()
    name = serializers.CharField()
    in_use = serializers.SerializerMethodField(help_text="null when nobody is offered this text.")

    @extend_schema_field(WordingVersionSerializer(allow_null=True))
    def get_in_use(self, wording: Wording) -> Any:
        in_use = [version for version in wording.versions.all() if version.state == State.IN_USE]
        return WordingVersionSerializer(max(in_use, key=lambda version: version.number)).data if in_use else None


class WordingViewSet(TenantViewSet):
    """The texts that people agree to."""

    scope_noun = "consent"
    serializer_class = WordingSerializer
    filter_backends = []

    def get_queryset(self) -> QuerySet[Wording]:
        found: QuerySet[Wording] = self.tenant.wordings.prefetch_related("versions__invalidations")
        return found

    def list(self, request: Request) -> Response:
        """All texts, newest first."""
        return self.page(self.get_queryset())

    def retrieve(self, request: Request, uid: UUID) -> Response:
        """One text."""
        return Response(WordingSerializer(self.get_object()).data)


class WordingVersionViewSet(TenantViewSet):
    """What a text says and said."""

    scope_noun = "consent"
    serializer_class = WordingVersionSerializer
    filter_backends = []

    def get_queryset(self) -> QuerySet[WordingVersion]:
        wording = get_object_or_404(self.tenant.wordings, uid=self.kwargs["uid"])
        found: QuerySet[WordingVersion] = wording.versions.prefetch_related("invalidations")
        return found

    @extend_schema(responses=WordingVersionSerializer(many=True))
    def list(self, request: Request, uid: UUID) -> Response:
        """The versions of a text, newest first, its draft among them."""
        return self.page(self.get_queryset())


api_urls = [
    path("wordings/", WordingViewSet.as_view({"get": "list"}), name="wordings"),
    path("wordings/<uuid:uid>/", WordingViewSet.as_view({"get": "retrieve"}), name="wording"),
    path("wordings/<uuid:uid>/versions/", WordingVersionViewSet.as_view({"get": "list"}), name="wording-versions"),
]
