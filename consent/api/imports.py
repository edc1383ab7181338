"""Imports over the REST API: upload, check, run, watch, cancel, say who knows, download what was left out."""

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any, cast
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from django.urls import path
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_field
from rest_framework import exceptions, parsers, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from consent.actions import imports
from consent.rights import informing
from contacts.importing import escaping, layout, noting, progress, reasons
from contacts.models import ContactList, Import
from tenants.models import Tenant
from tenants.problems import Conflict
from tenants.rest import Json, StrictSerializer, TenantViewSet, form_of

# What a download reads its lines with, the header first.
Download = Callable[[Tenant, Import], Iterator[list[str]]]


class Gone(exceptions.APIException):
    """It was there, and has been deleted because its time was over."""

    status_code = 410
    default_code = "gone"


class CountedSerializer(serializers.Serializer[Any]):
    """A reason with its sentence in the language of the request, and how often it applied."""

    code = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    count = serializers.IntegerField()


class ImportSerializer(serializers.Serializer[Any]):
    """An import with its progress and counts; created + updated + unchanged + rejected = rows_total when it is over."""

    uid = serializers.UUIDField()
    filename = serializers.CharField()
    state = serializers.ChoiceField(choices=Import.State.choices)
    is_dry_run = serializers.BooleanField(help_text="The counts say what would happen; nothing has been written.")
    percent = serializers.SerializerMethodField()
    encoding = serializers.CharField()
    delimiter = serializers.CharField(trim_whitespace=False)
    headers = serializers.ListField(child=serializers.CharField())
    mapping = serializers.DictField(child=serializers.CharField(allow_blank=True))
    default_country = serializers.CharField()
    tags = serializers.ListField(child=serializers.CharField())
    list = serializers.SerializerMethodField()
    rows_total = serializers.IntegerField()
    rows_done = serializers.IntegerField()
    created = serializers.IntegerField()
    updated = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    rejected = serializers.IntegerField()
    reasons = serializers.SerializerMethodField(help_text="Why lines were rejected; the counts add up to `rejected`.")
    warnings = serializers.SerializerMethodField(help_text="Values that were left out while their line was imported.")
    consent = serializers.SerializerMethodField(
        help_text="What became of each line where columns are about consent; the counts add up to `rows_done`, but an"
        " opt-out on a rejected line counts for each contact it names."
    )
    error = serializers.CharField()
    inform_until = serializers.SerializerMethodField(
        help_text="By when the people it brought have to know where their data are from (Art. 14 GDPR)."
    )
    informed_at = serializers.DateTimeField(allow_null=True, help_text="When somebody said that they know.")
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)

    def get_percent(self, imported: Import) -> int:
        return progress.percent(imported)

    def get_inform_until(self, imported: Import) -> date | None:
        return informing.until(imported)

    def get_list(self, imported: Import) -> UUID | None:
        return imported.list.uid if imported.list else None

    @extend_schema_field(CountedSerializer(many=True))
    def get_reasons(self, imported: Import) -> Any:
        return CountedSerializer(reasons.rejected(imported.reasons), many=True).data

    @extend_schema_field(CountedSerializer(many=True))
    def get_warnings(self, imported: Import) -> Any:
        return CountedSerializer(reasons.left_out(imported.reasons), many=True).data

    @extend_schema_field(CountedSerializer(many=True))
    def get_consent(self, imported: Import) -> Any:
        return CountedSerializer(reasons.consent(imported.consent_counts), many=True).data


MAPPING_HELP = (
    'JSON object {"<column header>": "<target>"}; columns not named are ignored. Targets: phone, email, external_id,'
    " bsuid, first_name, last_name, name, language, country, postcode, birthday, tags, attribute:<key>,"
    " consent.whatsapp, consent.at, consent.source, consent.wording, consent.proof, consent.age (yes or no: at least"
    " 16 years old), optout; these seven need a key with the scope consent:write, also where they were guessed."
)


@extend_schema_field({"type": "object", "additionalProperties": {"type": "string"}})
class MappingField(serializers.JSONField):
    """A mapping of headers to targets, as JSON object or, in a form, as its text."""

    def to_internal_value(self, data: Any) -> dict[str, str]:
        value = super().to_internal_value(data)
        if not isinstance(value, dict) or not all(isinstance(target, str) for target in value.values()):
            raise serializers.ValidationError(_('Send a JSON object, e.g. {"Handy": "phone"}.'))
        return cast(dict[str, str], value)


class LayoutSerializer(StrictSerializer):
    """What was guessed and may be corrected."""

    mapping = MappingField(required=False, help_text=MAPPING_HELP)
    default_country = serializers.RegexField(
        r"^[A-Z]{2}$", required=False, help_text="ISO 3166; for phone numbers without country code."
    )
    encoding = serializers.ChoiceField(choices=layout.ENCODINGS, required=False)
    delimiter = serializers.ChoiceField(choices=list(layout.DELIMITERS), required=False)


class NewImportSerializer(LayoutSerializer):
    """A file to import, as multipart/form-data."""

    file = serializers.FileField(allow_empty_file=True, help_text="CSV (up to 200 MB) or XLSX (up to 50 MB).")
    list = serializers.UUIDField(required=False, help_text="Add every imported contact to this list.")
    tags = serializers.ListField(child=serializers.CharField(), required=False, help_text="Repeat the field per tag.")
    dry_run = serializers.BooleanField(required=False, default=False, help_text="Only count what would happen.")


class ImportViewSet(TenantViewSet):
    """Imports of contacts from files."""

    scope_noun = "contacts"
    serializer_class = ImportSerializer

    def get_queryset(self) -> QuerySet[Import]:
        found: QuerySet[Import] = self.tenant.imports.select_related("list", "tenant")
        return found

    def get_parsers(self) -> list[parsers.BaseParser]:
        is_upload = self.request and self.request.method == "POST" and "uid" not in self.kwargs
        return [parsers.MultiPartParser()] if is_upload else [Json()]

    def body_of(self, request: HttpRequest) -> bytes:
        """The form, so that a repeated upload is answered once."""
        return form_of(request)

    def list(self, request: Request) -> Response:
        """All imports, newest first."""
        return self.page(self.get_queryset())

    def retrieve(self, request: Request, uid: UUID) -> Response:
        """One import with its progress, counts and reasons."""
        return self._answer(self.get_object())

    @extend_schema(request={"multipart/form-data": NewImportSerializer}, responses={201: ImportSerializer})
    def create(self, request: Request) -> Response:
        """Upload a file and import it, or with `dry_run` only count what would happen.

        The answer comes at once; the work goes on in the background. Where no column names a person, the import waits
        in state "uploaded" with an `error` until its mapping is corrected. Consent and opt-out columns need the scope
        `consent:write` besides `contacts:write`, else 403. The file is deleted 30 days after the import is over.
        """
        given = self.given(NewImportSerializer)
        file = given.pop("file")
        imported = imports.start_import(
            tenant=self.tenant,
            file=file,
            filename=file.name,
            list=self._list(given.pop("list", None)),
            is_dry_run=given.pop("dry_run"),
            by=self.key,
            **given,
        )
        return self._answer(imported, 201)

    @extend_schema(request=LayoutSerializer, responses=ImportSerializer)
    def mapping(self, request: Request, uid: UUID) -> Response:
        """Correct the mapping, encoding, delimiter or default country; then check or run.

        Consent and opt-out columns need the scope `consent:write`, else 403.
        """
        given = self.given(LayoutSerializer)
        return self._answer(_now(imports.remap, imported=self.get_object(), by=self.key, **given))

    @extend_schema(request=None, responses=ImportSerializer)
    def check(self, request: Request, uid: UUID) -> Response:
        """Count what would happen, without writing anything."""
        return self._answer(_now(imports.check, imported=self.get_object(), by=self.key))

    @extend_schema(request=None, responses=ImportSerializer)
    def run(self, request: Request, uid: UUID) -> Response:
        """Import for real; with consent or opt-out columns only under the scope `consent:write`."""
        return self._answer(_now(imports.run, imported=self.get_object(), by=self.key))

    @extend_schema(request=None, responses=ImportSerializer)
    def cancel(self, request: Request, uid: UUID) -> Response:
        """Stop after the batch it is at; what is imported stays."""
        return self._answer(_now(imports.cancel, imported=self.get_object(), by=self.key))

    @extend_schema(request=None, responses=ImportSerializer)
    def informed(self, request: Request, uid: UUID) -> Response:
        """Say that the people it brought were told where you have their data from, in your first message or otherwise.

        Answers 409 while it has brought nobody.
        """
        return self._answer(_now(imports.informed, imported=self.get_object(), by=self.key))

    @extend_schema(responses={(200, "text/csv"): OpenApiResponse(OpenApiTypes.BINARY)})
    def rejected(self, request: Request, uid: UUID) -> StreamingHttpResponse:
        """The rejected lines as CSV with line number, reason and column; correct it and upload it again.

        They are deleted 30 days after the import is over: 410.
        """
        return self._download("rejected", progress.rejected_rows)

    @extend_schema(responses={(200, "text/csv"): OpenApiResponse(OpenApiTypes.BINARY)})
    def notes(self, request: Request, uid: UUID) -> StreamingHttpResponse:
        """The imported lines whose claimed consent was not recorded, as CSV with line number and the reason.

        As many as `consent` counts with the codes no_proof, wording_without_whatsapp, wording_not_uniform,
        wording_invalid and skipped_suppressed; after a dry run those that would get none. Deleted 30 days after the
        import is over: 410.
        """
        return self._download("notes", noting.noted_rows)

    def _download(self, name: str, rows: Download) -> StreamingHttpResponse:
        imported = self.get_object()
        if imported.is_forgotten:
            raise Gone(_("The file and its lines were deleted 30 days after the import; the counts stay."))
        return StreamingHttpResponse(
            escaping.csv_lines(rows(self.tenant, imported)),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}-{imported.uid}.csv"'},
        )

    def _answer(self, imported: Import, status: int = 200) -> Response:
        return Response(ImportSerializer(imported).data, status=status)

    def _list(self, uid: UUID | None) -> ContactList | None:
        if uid is None:
            return None
        found: ContactList | None = self.tenant.lists.filter(uid=uid).first()
        if found is None:
            raise serializers.ValidationError({"list": [_("There is no list with this uid.")]})
        return found


def _now(action: Callable[..., Import], **given: Any) -> Import:
    """Do it, or answer 409 when the import's state does not allow it."""
    try:
        return action(**given)
    except imports.NotNow as refusal:
        raise Conflict(str(refusal)) from None


api_urls = [
    path("imports/", ImportViewSet.as_view({"get": "list", "post": "create"}), name="imports"),
    path("imports/<uuid:uid>/", ImportViewSet.as_view({"get": "retrieve"}), name="import"),
    path("imports/<uuid:uid>/mapping/", ImportViewSet.as_view({"patch": "mapping"}), name="import-mapping"),
    path("imports/<uuid:uid>/check/", ImportViewSet.as_view({"post": "check"}), name="import-check"),
    path("imports/<uuid:uid>/run/", ImportViewSet.as_view({"post": "run"}), name="import-run"),
    path("imports/<uuid:uid>/cancel/", ImportViewSet.as_view({"post": "cancel"}), name="import-cancel"),
    path("imports/<uuid:uid>/informed/", ImportViewSet.as_view({"post": "informed"}), name="import-informed"),
    path("imports/<uuid:uid>/rejected/", ImportViewSet.as_view({"get": "rejected"}), name="import-rejected"),
    path("imports/<uuid:uid>/notes/", ImportViewSet.as_view({"get": "notes"}), name="import-notes"),
]
