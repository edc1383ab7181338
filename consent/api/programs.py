"""Programs that bring people over the REST API, and whether those people know whence their data come (Art. 14 GDPR)."""

from datetime import date
from uuid import UUID

from django.db.models import QuerySet
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from consent.actions import programs
from consent.rights import informing
from contacts.models import Program
from tenants.rest import StrictSerializer, TenantViewSet


class ProgramIn(StrictSerializer):
    has_notice = serializers.BooleanField(
        help_text="Its people give their data themselves and can read your privacy notice there (Art. 13 GDPR): nobody"
        " has to be told whence they come."
    )


class ProgramOut(serializers.Serializer[Program]):
    """An API key that has brought people."""

    uid = serializers.UUIDField()
    name = serializers.CharField(source="api_key.name", help_text="Of its API key.")
    prefix = serializers.CharField(source="api_key.prefix", help_text="What the key begins with.")
    has_notice = serializers.SerializerMethodField()
    informed_at = serializers.DateTimeField(
        allow_null=True, help_text="When somebody last said that all whom it had brought know."
    )
    looked_at = serializers.DateTimeField(
        allow_null=True, help_text="When they were last counted, every night; null before."
    )
    untold = serializers.IntegerField(
        help_text="How many of them, brought in the last 90 days (or for as long as messages are kept, if that is"
        " shorter), at least have neither signed up themselves nor got a message nor written, as of the last night;"
        " counted up to some thousand."
    )
    inform_until = serializers.SerializerMethodField(
        help_text="By when the first of them has to know where the data are from (Art. 14 GDPR)."
    )

    def get_has_notice(self, program: Program) -> bool:
        return program.notice_at is not None

    def get_inform_until(self, program: Program) -> date | None:
        return informing.until_of(program)


class ProgramViewSet(TenantViewSet):
    """Which programs bring people, and whether these know whence their data come."""

    scope_noun = "contacts"
    serializer_class = ProgramOut

    def get_queryset(self) -> QuerySet[Program]:
        found: QuerySet[Program] = self.tenant.programs.select_related("tenant", "api_key")
        return found

    def list(self, request: Request) -> Response:
        """Every API key that has brought somebody, newest first."""
        return self.page(self.get_queryset())

    def retrieve(self, request: Request, uid: UUID) -> Response:
        """One of them."""
        return Response(ProgramOut(self.get_object()).data)

    @extend_schema(request=ProgramIn, responses=ProgramOut)
    def partial_update(self, request: Request, uid: UUID) -> Response:
        """Say once and for all that its people read your privacy notice where they give their data, or take it back."""
        given = self.given(ProgramIn)
        return Response(ProgramOut(programs.change_notice(program=self.get_object(), by=self.key, **given)).data)

    @extend_schema(request=None, responses=ProgramOut)
    def informed(self, request: Request, uid: UUID) -> Response:
        """Say that all whom it has brought until now were told where you have their data from, however you did it."""
        return Response(ProgramOut(programs.informed(program=self.get_object(), by=self.key)).data)


api_urls = [
    path("programs/", ProgramViewSet.as_view({"get": "list"}), name="programs"),
    path(
        "programs/<uuid:uid>/",
        ProgramViewSet.as_view({"get": "retrieve", "patch": "partial_update"}),
        name="program",
    ),
    path("programs/<uuid:uid>/informed/", ProgramViewSet.as_view({"post": "informed"}), name="program-informed"),
]
