"""How contacts look on the wire, coming in and going out."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from contacts.actions import ContactData
from contacts.models import Contact
from tenants.rest import StrictSerializer

PHONE_HELP = "As people write it; stored as E.164. Without a country code it belongs to `country`, else the tenant's."


def text(help_text: str = "") -> serializers.CharField:
    """An optional text that null or an empty text empties."""
    return serializers.CharField(required=False, allow_null=True, allow_blank=True, help_text=help_text)


@extend_schema_field({"type": "object", "additionalProperties": {"type": ["string", "number", "boolean", "null"]}})
class AttributesField(serializers.DictField):
    """Plain values by name."""


class ContactIn(StrictSerializer):
    """What to store about a contact; fields that are left out stay as they are."""

    phone = text(PHONE_HELP)
    bsuid = text("WhatsApp's business-scoped user id.")
    email = text()
    external_id = text("The customer's number in your shop.")
    first_name = text()
    last_name = text()
    language = text("For example de or en_GB.")
    country = text("ISO 3166, two letters.")
    postcode = text()
    birthday = serializers.DateField(required=False, allow_null=True)
    attributes = AttributesField(required=False, help_text="Merged into the stored ones; null deletes a key.")
    tags = serializers.ListField(
        child=serializers.CharField(),
        required=False,
        help_text="Names; unknown ones are created. They are added, but a PATCH replaces the tags there are.",
    )


def data_of(validated: dict[str, Any]) -> ContactData:
    """The action's input from a valid ContactIn."""
    values = dict(validated)
    attributes, tags = values.pop("attributes", {}), values.pop("tags", ())
    return ContactData(values, attributes, tags)


class ContactOut(serializers.Serializer[Contact]):
    """A contact as stored."""

    uid = serializers.UUIDField()
    phone = serializers.CharField(allow_null=True)
    bsuid = serializers.CharField(allow_null=True)
    email = serializers.CharField(allow_null=True)
    external_id = serializers.CharField(allow_null=True)
    first_name = serializers.CharField()
    last_name = serializers.CharField()
    language = serializers.CharField()
    country = serializers.CharField()
    postcode = serializers.CharField()
    birthday = serializers.DateField(allow_null=True)
    attributes = AttributesField()
    tags = serializers.SerializerMethodField()
    is_restricted = serializers.SerializerMethodField(help_text="Stored only, never messaged (Art. 18 GDPR).")
    phone_invalid_at = serializers.DateTimeField(
        source="not_reached_since",
        allow_null=True,
        help_text="When WhatsApp told that the number was given away, or that three messages in a row did not arrive."
        " Without a phone: since when somebody else, who is a contact of their own, is known by the number.",
    )
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_tags(self, contact: Contact) -> list[str]:
        return [tagged.tag.name for tagged in contact.contact_tags.all()]

    def get_is_restricted(self, contact: Contact) -> bool:
        return contact.restricted_at is not None


@extend_schema_field(ContactIn(many=True))
class Rows(serializers.ListField):
    """Contacts that are judged row by row, so that one bad row does not stop the others."""


class BulkIn(StrictSerializer):
    contacts = Rows(child=serializers.JSONField(), min_length=1, max_length=10_000)


class BulkRow(serializers.Serializer[Any]):
    """What became of the row at `index`, counted from 0."""

    index = serializers.IntegerField()
    outcome = serializers.ChoiceField(choices=["created", "updated", "unchanged", "rejected"])
    uid = serializers.UUIDField(allow_null=True)
    errors = serializers.DictField(  # type: ignore[assignment]
        child=serializers.ListField(child=serializers.CharField())
    )


class BulkOut(serializers.Serializer[Any]):
    created = serializers.IntegerField()
    updated = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    rejected = serializers.IntegerField()
    results = BulkRow(many=True)


class Members(StrictSerializer):
    contacts = serializers.ListField(
        child=serializers.UUIDField(), min_length=1, max_length=10_000, help_text="The uids of contacts."
    )


class MembersChanged(serializers.Serializer[Any]):
    changed = serializers.IntegerField(help_text="How many contacts this added or removed.")
    unknown = serializers.ListField(child=serializers.UUIDField(), help_text="Uids that name no contact.")
    restricted = serializers.ListField(
        child=serializers.UUIDField(),
        help_text="Uids of people whose processing is restricted (Art. 18 GDPR); they stay as they are.",
    )
