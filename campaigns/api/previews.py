"""How a template reads with somebody's values, over the REST API."""

from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from campaigns import contents, queries
from campaigns.api.shapes import VARIABLES_HELP, VariablesField
from contacts.models import Contact
from messaging import rendering
from tenants.rest import StrictSerializer, TenantView
from whatsapp.models import Template


class TemplatePreviewIn(StrictSerializer):
    contact = serializers.UUIDField(required=False, help_text="uid; without it the fallbacks show")
    variables = VariablesField(required=False, help_text=VARIABLES_HELP)


class TemplatePreviewOut(serializers.Serializer[Any]):
    """The message before WhatsApp's own markup; what has no value stays visible as {{name}}."""

    header_kind = serializers.CharField()
    header = serializers.CharField()
    body = serializers.CharField()
    footer = serializers.CharField()
    buttons = serializers.ListField(child=serializers.CharField())
    problems = serializers.ListField(
        child=serializers.CharField(), help_text="What keeps a campaign with these variables from starting."
    )


class TemplatePreview(TenantView):
    """A template with values."""

    scope_noun = "templates"
    scopes = {"post": "templates:read"}

    @extend_schema(request=TemplatePreviewIn, responses=TemplatePreviewOut, operation_id="templates_preview")
    def post(self, request: Request, uid: UUID) -> Response:
        """The message as this contact would read it. Nothing is stored or sent."""
        template: Template = get_object_or_404(self.tenant.templates, uid=uid)
        given = TemplatePreviewIn(data=request.data)
        given.is_valid(raise_exception=True)
        variables = given.validated_data.get("variables", {})
        person = queries.person_of(self._contact(given.validated_data.get("contact")))
        shown = rendering.preview(contents.text_of(template), variables, person)
        problems = contents.problems(template, variables)
        return Response(TemplatePreviewOut({**vars(shown), "problems": problems}).data)

    def _contact(self, uid: UUID | None) -> Contact | None:
        if uid is None:
            return None
        found: Contact | None = self.tenant.contacts.filter(uid=uid).first()
        if found is None:
            raise ValidationError({"contact": [_("There is no contact with this uid.")]})
        return found
