"""Templates, files, numbers and accounts over the REST API."""

import mimetypes
from typing import Any
from uuid import UUID

from django.db.models import ProtectedError, QuerySet
from django.http import HttpRequest
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_field
from rest_framework import parsers, serializers, status
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from tenants.problems import Conflict
from tenants.rest import StrictSerializer, TenantViewSet, form_of
from whatsapp import actions
from whatsapp.errors import rule_for
from whatsapp.models import Account, Media, Number, Template
from whatsapp.payloads import Problem

# A carousel holds cards, a card components, a component buttons.
MOST_NESTED = 4


@extend_schema_field({"type": "array", "items": {"type": "object", "additionalProperties": True}})
class ComponentsField(serializers.ListField):
    """A template's components, as Meta writes them."""

    child = serializers.DictField()


class ComponentsIn(ComponentsField):
    """What Meta knows besides passes; where we look for a list of objects, there must be one."""

    def to_internal_value(self, data: Any) -> Any:
        components = super().to_internal_value(data)
        odd = [number for number, component in enumerate(components) if not _is_sound(component)]
        if odd:
            text = _("“buttons”, “cards” and their “components” must be lists of objects.")
            raise ValidationError({str(number): [text] for number in odd})
        return components


def _is_sound(part: Any, depth: int = 0) -> bool:
    if not isinstance(part, dict) or depth == MOST_NESTED:
        return False
    inner = [part.get(name) or [] for name in ("buttons", "cards", "components")]
    return all(isinstance(parts, list) and all(_is_sound(one, depth + 1) for one in parts) for parts in inner)


class TemplateIn(StrictSerializer):
    account = serializers.UUIDField(required=False, help_text="uid; the tenant's first account without it")
    name = serializers.RegexField(r"^[a-z0-9_]{1,512}$", help_text="lower-case letters, digits and underscores")
    language = serializers.CharField(max_length=10, help_text="de, en_US, …")
    category = serializers.ChoiceField(choices=Template.Category.choices)
    parameter_format = serializers.ChoiceField(choices=["POSITIONAL", "NAMED"], default="POSITIONAL")
    components = ComponentsIn(
        help_text="HEADER, BODY, FOOTER, BUTTONS as in Meta's template API. In `example.header_handle` of a header the"
        " `uid` of a file from `POST media/` may stand: submitting brings it to Meta as sample."
    )


class TemplateOut(serializers.Serializer[Template]):
    uid = serializers.UUIDField()
    account = serializers.UUIDField(source="account.uid")
    meta_id = serializers.CharField()
    name = serializers.CharField()
    language = serializers.CharField()
    category = serializers.CharField()
    status = serializers.CharField()
    quality = serializers.CharField()
    rejected_reason = serializers.CharField()
    parameter_format = serializers.CharField()
    components = ComponentsField()
    updated_at = serializers.DateTimeField()


class ProblemOut(serializers.Serializer[Any]):
    field = serializers.CharField()
    message = serializers.SerializerMethodField()
    is_warning = serializers.SerializerMethodField(help_text="Meta would take it, but not for what it is meant for.")

    def get_message(self, problem: Problem) -> str:
        return actions.told(problem)

    def get_is_warning(self, problem: Problem) -> bool:
        return problem in self.context.get("warnings", ())


class ProfileOut(serializers.Serializer[Any]):
    """Where people are led by a number's business profile in WhatsApp."""

    websites = serializers.ListField(child=serializers.CharField())
    about = serializers.CharField()
    description = serializers.CharField()


class NumberOut(serializers.Serializer[Number]):
    uid = serializers.UUIDField()
    phone_number_id = serializers.CharField()
    display_number = serializers.CharField()
    verified_name = serializers.CharField()
    quality = serializers.CharField()
    throughput = serializers.IntegerField(help_text="messages a second")
    daily_limit = serializers.IntegerField(allow_null=True, help_text="people per 24 hours; null is unlimited")
    paused_until = serializers.DateTimeField(allow_null=True)
    pause_code = serializers.IntegerField(
        allow_null=True, help_text="Meta's error code; -24: the limit of people per 24 hours is used up"
    )
    profile = ProfileOut(allow_null=True, help_text="As Meta told it within the last hour; null before the first look.")
    profile_error = serializers.IntegerField(
        allow_null=True, help_text="The code with which Meta refused to add an address to it."
    )
    account = serializers.UUIDField(source="account.uid")
    account_paused_at = serializers.DateTimeField(
        source="account.paused_at", allow_null=True, help_text="Since then nothing is sent, until somebody mends it."
    )
    account_pause_code = serializers.IntegerField(source="account.pause_code", allow_null=True)
    account_pause_text = serializers.SerializerMethodField(help_text="What the code means and what to do.")

    def get_account_pause_text(self, number: Number) -> str:
        code = number.account.pause_code
        return " ".join(rule_for(code).sentences(get_language() or "")) if code is not None else ""


class TemplateViewSet(TenantViewSet):
    """Message templates as Meta last described them, and drafts on their way there."""

    scope_noun = "templates"
    scopes = {"lint": "templates:read"}
    serializer_class = TemplateOut
    filterset_fields = ["status", "category", "name", "language"]

    def get_queryset(self) -> QuerySet[Template]:
        templates: QuerySet[Template] = self.tenant.templates.select_related("account")
        return templates

    def list(self, request: Request) -> Response:
        """Newest first; filter by status, category, name, language."""
        return self.page(self.get_queryset())

    def retrieve(self, request: Request, uid: UUID) -> Response:
        """One template."""
        return Response(TemplateOut(self.get_object()).data)

    @extend_schema(request=TemplateIn, responses={201: TemplateOut})
    def create(self, request: Request) -> Response:
        """A new draft; submit it when it is ready."""
        values = self.given(TemplateIn)
        template = actions.save_template(
            tenant=self.tenant, account=self._account(values.pop("account", None)), by=self.key, **values
        )
        return Response(TemplateOut(template).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=TemplateIn, responses={200: TemplateOut})
    def partial_update(self, request: Request, uid: UUID) -> Response:
        """Change a draft or a rejected template."""
        values = self.given(TemplateIn, partial=True)
        template = self.get_object()
        values.pop("account", None)
        kept = ("name", "language", "category", "components", "parameter_format")
        merged = {name: values.get(name, getattr(template, name)) for name in kept}
        actions.save_template(tenant=self.tenant, account=template.account, template=template, by=self.key, **merged)
        return Response(TemplateOut(template).data)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, uid: UUID) -> Response:
        """Remove a template here and at Meta; a campaign that uses it keeps it (409)."""
        try:
            actions.delete_template(template=self.get_object(), by=self.key)
        except ProtectedError:
            raise Conflict(_("A campaign uses this template.")) from None
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=None, responses={202: TemplateOut})
    def submit(self, request: Request, uid: UUID) -> Response:
        """Send a draft to Meta for review; the answer comes by webhook."""
        template = self.get_object()
        actions.submit_template(template=template, by=self.key)
        template.refresh_from_db()
        return Response(TemplateOut(template).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(request=None, responses={202: OpenApiResponse(description="Asking Meta in the background.")})
    def sync(self, request: Request) -> Response:
        """Fetch templates and numbers of all accounts from Meta."""
        for account in self.tenant.accounts.all():
            actions.sync_templates(account=account)
        return Response(status=status.HTTP_202_ACCEPTED)

    @extend_schema(responses={200: ProblemOut(many=True)}, filters=False)
    def lint(self, request: Request, uid: UUID) -> Response:
        """What Meta would reject, found before sending it there, and warnings; an empty list is good."""
        template = self.get_object()
        problems, warnings = actions.problems_of(template), actions.warnings_of(template)
        return Response(ProblemOut([*problems, *warnings], many=True, context={"warnings": warnings}).data)

    def _account(self, uid: UUID | None) -> Account:
        accounts = self.tenant.accounts.order_by("id")
        account = accounts.filter(uid=uid).first() if uid else accounts.first()
        if account is None:
            raise ValidationError({"account": [_("Connect a WhatsApp account first.")]})
        return account


class ProfileIn(StrictSerializer):
    address = serializers.URLField(max_length=200, help_text="Of your privacy notice, for example.")


class NumberViewSet(TenantViewSet):
    """Connected numbers with their health."""

    scope_noun = "templates"
    scopes = {"profile": "settings:write"}
    serializer_class = NumberOut

    def get_queryset(self) -> QuerySet[Number]:
        numbers: QuerySet[Number] = self.tenant.numbers.select_related("account")
        return numbers

    def list(self, request: Request) -> Response:
        """All numbers, newest first."""
        return self.page(self.get_queryset())

    def retrieve(self, request: Request, uid: UUID) -> Response:
        """One number."""
        return Response(NumberOut(self.get_object()).data)

    @extend_schema(request=ProfileIn, responses={202: NumberOut})
    def profile(self, request: Request, uid: UUID) -> Response:
        """Add an address to what people see of the number in WhatsApp; what stands there stays.

        It goes to the websites, and where two stand there already, to the description. Meta is asked in the background:
        `profile` has it then, or `profile_error` says why not. 400 where there is no room for it.
        """
        given = self.given(ProfileIn)
        number = self.get_object()
        actions.add_to_profile(number=number, by=self.key, **given)
        return Response(NumberOut(number).data, status=status.HTTP_202_ACCEPTED)


class MediaIn(StrictSerializer):
    """A file, as multipart/form-data."""

    file = serializers.FileField(
        allow_empty_file=True,
        help_text="JPEG, PNG (5 MB), MP4, 3GP, audio (16 MB), PDF, text, Office (100 MB), WebP sticker (100 KB, 500 KB"
        " animated).",
    )
    number = serializers.UUIDField(required=False, help_text="uid; the tenant's first number without it")


class MediaOut(serializers.Serializer[Media]):
    uid = serializers.UUIDField()
    number = serializers.UUIDField(source="number.uid")
    kind = serializers.CharField(help_text="image, video, audio, document, sticker")
    filename = serializers.CharField()
    mime_type = serializers.CharField()
    state = serializers.ChoiceField(choices=Media.State.choices, help_text="Campaigns can send what is ready.")
    error = serializers.CharField(help_text="Why Meta refused it.")
    expires_at = serializers.DateTimeField(
        allow_null=True, help_text="What scheduled and running campaigns need is renewed before."
    )
    created_at = serializers.DateTimeField()


class MediaViewSet(TenantViewSet):
    """Files for the headers of messages, and samples for templates."""

    scope_noun = "templates"
    serializer_class = MediaOut
    parser_classes = [parsers.MultiPartParser]

    def get_queryset(self) -> QuerySet[Media]:
        media: QuerySet[Media] = self.tenant.media.select_related("number")
        return media

    def body_of(self, request: HttpRequest) -> bytes:
        """The form, so that a repeated upload is answered once."""
        return form_of(request)

    def list(self, request: Request) -> Response:
        """All files, newest first."""
        return self.page(self.get_queryset())

    def retrieve(self, request: Request, uid: UUID) -> Response:
        """One file, and whether it can be sent."""
        return Response(MediaOut(self.get_object()).data)

    @extend_schema(request={"multipart/form-data": MediaIn}, responses={201: MediaOut})
    def create(self, request: Request) -> Response:
        """Upload a file; it is brought to Meta in the background, and `state` becomes "ready".

        The same file of the same type for the same number keeps its uid; one that Meta refused or forgot is brought
        there again.
        """
        given = self.given(MediaIn)
        file = given["file"]
        declared = file.content_type or ""
        guessed = mimetypes.guess_type(file.name)[0] or declared
        media = actions.add_media(
            tenant=self.tenant,
            number=self._number(given.get("number")),
            file=file,
            filename=file.name,
            mime_type=guessed if declared in ("", "application/octet-stream") else declared,
            by=self.key,
        )
        return Response(MediaOut(media).data, status=status.HTTP_201_CREATED)

    def _number(self, uid: UUID | None) -> Number:
        numbers: QuerySet[Number] = self.tenant.numbers.order_by("id")
        number = numbers.filter(uid=uid).first() if uid else numbers.first()
        if number is None:
            text = _("There is no number with this uid.") if uid else _("Connect a WhatsApp number first.")
            raise ValidationError({"number": [text]})
        return number
