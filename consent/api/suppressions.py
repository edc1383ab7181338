"""Blocking a number or an address over the REST API, whether or not it belongs to a contact."""

from django.core.exceptions import ValidationError
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from consent.actions import blocking
from consent.models import BlockReason, Way
from tenants.rest import StrictSerializer, TenantViewSet


class SuppressionIn(StrictSerializer):
    """A phone number, an e-mail address, or both of one person."""

    phone = serializers.CharField(required=False, max_length=40, help_text="With its country code.")
    email = serializers.CharField(required=False, max_length=254)
    reason = serializers.ChoiceField(choices=BlockReason.choices)
    way = serializers.ChoiceField(choices=Way.choices, help_text="How the person said it; any way counts.")
    note = serializers.CharField(required=False, max_length=2000, help_text="Kept encrypted with the proof.")


class SuppressionOut(serializers.Serializer[dict[str, bool]]):
    """The same answer for everybody, known or not."""

    blocked = serializers.BooleanField()


class SuppressionViewSet(TenantViewSet):
    """Numbers and addresses that get no advertising."""

    scope_noun = "consent"
    filter_backends = []

    @extend_schema(request=SuppressionIn, responses={201: SuppressionOut})
    def create(self, request: Request) -> Response:
        """Block a number or an address until the person asks for advertising themselves.

        No contact is created, blocking twice changes nothing, and the answer never tells whether somebody is known.
        """
        given = self.given(SuppressionIn)
        try:
            blocking.block(tenant=self.tenant, by=self.key, **given)
        except ValidationError as refused:
            raise serializers.ValidationError(refused.message_dict) from None
        return Response(SuppressionOut({"blocked": True}).data, status=201)


api_urls = [path("suppressions/", SuppressionViewSet.as_view({"post": "create"}), name="suppressions")]
