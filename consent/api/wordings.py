"""Wordings over the REST API: which texts there are, what each version says, and writing, publishing and retiring them.

Writing needs the scope "wordings:write": a key that records consents does not change what they are to. Declaring one
invalid stays with people: it ends consents and cannot be taken back.
"""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.urls import path
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from consent import linting, queries
from consent.actions import wordings as actions
from consent.api.shapes import CHANNELS, PURPOSES
from consent.forms.wordings import LONGEST
from consent.linting import Draft
from consent.models import Wording, WordingVersion
from tenants.problems import Conflict
from tenants.rest import StrictSerializer, TenantViewSet

State = WordingVersion.State
WRITE = "wordings:write"
DISCARDED = {204: OpenApiResponse(description="Discarded.")}


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


class TextsIn(StrictSerializer):
    """What people read, by language; one of them is enough."""

    de = serializers.CharField(required=False, allow_blank=True, max_length=LONGEST)
    en = serializers.CharField(required=False, allow_blank=True, max_length=LONGEST)


class CoveredIn(StrictSerializer):
    """One thing a text is a yes to."""

    channel = serializers.ChoiceField(choices=CHANNELS)
    purpose = serializers.ChoiceField(choices=PURPOSES)


class TextIn(StrictSerializer):
    """What a text says and what it is a yes to; a draft may be unfinished."""

    texts = TextsIn(required=False)
    covers = CoveredIn(many=True, required=False)


class DraftIn(TextIn):
    """Everything that a draft consists of."""

    name = serializers.CharField(max_length=100, help_text="For you; the people who agree do not see it.")
    policy_version = serializers.CharField(
        required=False, allow_blank=True, max_length=40, help_text="Of the privacy notice, for example its date."
    )
    policy_sha256 = serializers.RegexField(
        r"^[0-9a-fA-F]{64}$", required=False, allow_blank=True, help_text="Of a privacy notice that you keep as a file."
    )


class FindingOut(serializers.Serializer[Any]):
    """A duty that the text leaves open, with the remedy, in the language of the request."""

    rule = serializers.CharField(help_text="The requirement it comes from, for example CG-03.")
    duty = serializers.CharField()
    language = serializers.CharField(help_text="Of the text that leaves it open; empty for all.")
    problem = serializers.CharField()
    remedy = serializers.CharField()


class FindingsOut(serializers.Serializer[Any]):
    """What keeps a text from being published; nothing may be left."""

    findings = FindingOut(many=True)


class DraftOut(serializers.Serializer[WordingVersion]):
    """A draft, and what keeps it from being published."""

    wording = serializers.UUIDField(source="wording.uid")
    name = serializers.CharField(source="wording.name")
    version = WordingVersionSerializer(source="*")
    sha256 = serializers.SerializerMethodField(
        help_text="Of its texts and what they cover as they are now; publishing it asks for this."
    )
    findings = serializers.SerializerMethodField()

    def get_sha256(self, version: WordingVersion) -> str:
        return actions.fingerprint(version)

    @extend_schema_field(FindingOut(many=True))
    def get_findings(self, version: WordingVersion) -> Any:
        draft = queries.draft_of(version, queries.controller_of(version.tenant))
        return FindingOut(linting.findings(draft), many=True).data


class PublishIn(StrictSerializer):
    """Which draft was checked: nobody publishes what somebody else has written meanwhile."""

    sha256 = serializers.RegexField(r"^[0-9a-fA-F]{64}$", help_text="Of the draft, as it was answered last.")


class WordingViewSet(TenantViewSet):
    """The texts that people agree to."""

    scope_noun = "consent"
    scopes = {"lint": "consent:read", "create": WRITE}
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

    @extend_schema(request=DraftIn, responses={201: DraftOut})
    def create(self, request: Request) -> Response:
        """A new text, as a draft: nobody is offered it before it is published."""
        values = {"texts": {}, "covers": [], **_values(self.given(DraftIn))}
        return Response(DraftOut(actions.create(tenant=self.tenant, by=self.key, **values)).data, status=201)

    @extend_schema(request=TextIn, responses=FindingsOut)
    def lint(self, request: Request) -> Response:
        """Which duties a text would leave open, without storing anything."""
        values, company = _values(self.given(TextIn)), queries.controller_of(self.tenant)
        draft = Draft(values.get("texts", {}), values.get("covers", []), company.legal_name, company.privacy_url)
        return Response(FindingsOut({"findings": linting.findings(draft)}).data)


class WordingVersionViewSet(TenantViewSet):
    """What a text says and said."""

    scope_noun = "consent"
    scopes = {"retire": WRITE}
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

    @extend_schema(request=None, responses=WordingVersionSerializer)
    def retire(self, request: Request, uid: UUID, number: int) -> Response:
        """Offer a version to nobody any more; who agreed to it still has agreed. 409 unless it is in use."""
        version = get_object_or_404(self.get_queryset(), number=number)
        try:
            return Response(WordingVersionSerializer(actions.retire(version=version, by=self.key)).data)
        except actions.NotNow as refusal:
            raise Conflict(str(refusal)) from None


class DraftViewSet(TenantViewSet):
    """The version of a text that is being written; a text has one at most."""

    scope_noun = "consent"
    scopes = dict.fromkeys(("create", "partial_update", "destroy", "publish"), WRITE)
    serializer_class = DraftOut
    filter_backends = []

    def get_queryset(self) -> QuerySet[WordingVersion]:
        found: QuerySet[WordingVersion] = self.tenant.wording_versions.select_related("wording", "tenant")
        return found.filter(wording__uid=self.kwargs["uid"], published_at=None)

    def retrieve(self, request: Request, uid: UUID) -> Response:
        """The draft, with the duties that it leaves open; 404 where there is none."""
        return Response(DraftOut(self._draft()).data)

    @extend_schema(request=None, responses=DraftOut)
    def create(self, request: Request, uid: UUID) -> Response:
        """Start the next version: it says what the latest one says. A draft that is there already is answered."""
        wording = get_object_or_404(self.tenant.wordings.select_related("tenant"), uid=uid)
        return Response(DraftOut(actions.revise(wording=wording, by=self.key)).data)

    @extend_schema(request=DraftIn(partial=True), responses=DraftOut)
    def partial_update(self, request: Request, uid: UUID) -> Response:
        """Change the draft; what is not given stays, and `texts` and `covers` are given as a whole."""
        values = _values(self.given(DraftIn, partial=True))
        try:
            return Response(DraftOut(actions.save_draft(version=self._draft(), by=self.key, **values)).data)
        except actions.NotNow as refusal:
            raise Conflict(str(refusal)) from None

    @extend_schema(responses=DISCARDED)
    def destroy(self, request: Request, uid: UUID) -> Response:
        """Discard the draft, and the text with it where nothing of it was ever published."""
        try:
            actions.discard(version=self._draft(), by=self.key)
        except actions.NotNow as refusal:
            raise Conflict(str(refusal)) from None
        return Response(status=204)

    @extend_schema(request=PublishIn, responses=WordingVersionSerializer)
    def publish(self, request: Request, uid: UUID) -> Response:
        """Let people agree to the draft from now on; nobody can change it then.

        409 says which duties are open, or that the draft says something else than the one whose `sha256` is given.
        """
        given = self.given(PublishIn)
        try:
            checked = given["sha256"].lower()
            version = actions.publish(version=self._draft(), checked=checked, by=self.key)
        except actions.NotPublishable as refusal:
            told = [f"{found.rule}: {found.problem} {found.remedy}" for found in refusal.findings]
            raise Conflict(" ".join([str(refusal), *told])) from None
        except actions.NotNow as refusal:
            raise Conflict(str(refusal)) from None
        return Response(WordingVersionSerializer(version).data)

    def _draft(self) -> WordingVersion:
        return get_object_or_404(self.get_queryset())


def _values(given: dict[str, Any]) -> dict[str, Any]:
    """What actions and linter take: pairs instead of objects."""
    if "covers" in given:
        given["covers"] = list(dict.fromkeys((one["channel"], one["purpose"]) for one in given["covers"]))
    if "policy_sha256" in given:
        given["policy_sha256"] = given["policy_sha256"].lower()
    return given


DRAFT: dict[str, Any] = {"get": "retrieve", "post": "create", "patch": "partial_update", "delete": "destroy"}
RETIRE = WordingVersionViewSet.as_view({"post": "retire"})
api_urls = [
    path("wordings/", WordingViewSet.as_view({"get": "list", "post": "create"}), name="wordings"),
    path("wordings/lint/", WordingViewSet.as_view({"post": "lint"}), name="wording-lint"),
    path("wordings/<uuid:uid>/", WordingViewSet.as_view({"get": "retrieve"}), name="wording"),
    path("wordings/<uuid:uid>/versions/", WordingVersionViewSet.as_view({"get": "list"}), name="wording-versions"),
    path("wordings/<uuid:uid>/versions/<int:number>/retire/", RETIRE, name="wording-version-retire"),
    path("wordings/<uuid:uid>/draft/", DraftViewSet.as_view(DRAFT), name="wording-draft"),
    path("wordings/<uuid:uid>/draft/publish/", DraftViewSet.as_view({"post": "publish"}), name="wording-publish"),
]
