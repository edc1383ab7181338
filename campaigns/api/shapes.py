"""What campaigns look like in requests and answers; unknown and misshapen values are refused by name."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from campaigns import preflight
from campaigns.models import Campaign
from messaging.rendering import FIELDS, OWN_PAGE
from tenants.rest import StrictSerializer

VALUE_SOURCES = rf"^(text|{OWN_PAGE}|attribute:.{{1,100}}|{'|'.join(FIELDS)})$"
# What a button of each kind cannot do without.
BUTTON_NEEDS = {"url": "url", "quick_reply": "payload", "copy_code": "value"}
VARIABLES_HELP = """Where the template's values come from:
{"header": {"kind": "image", "link": "https://…"} or {"kind": "image", "media": "<uid of POST media/>"},
"body": [{"name": "1", "from": "first_name", "fallback": "du"}, {"name": "2", "from": "text", "text": "Sonntag"}],
"buttons": [{"index": 0, "kind": "url", "url": "https://shop.example/aktion"}]}.
`from` is a contact field, "attribute:<key>", "text", or in the body "own_page": the address of the person's own page,
on which they see what they agreed to and end it.
A button of a template with the url <PUBLIC_URL>/r/{{1}} counts clicks,
and so does every http(s) address in a fixed text of the body: it is sent as <PUBLIC_URL>/r/<token>."""


class ValueIn(StrictSerializer):
    """The value of one variable."""

    name = serializers.CharField(max_length=60, required=False)
    text = serializers.CharField(max_length=1024, required=False, allow_blank=True)
    fallback = serializers.CharField(max_length=1024, required=False, allow_blank=True)

    def get_fields(self) -> dict[str, Any]:
        return {**super().get_fields(), "from": serializers.RegexField(VALUE_SOURCES, required=False)}


class HeaderIn(StrictSerializer):
    kind = serializers.ChoiceField(choices=["image", "video", "document", "text"])
    link = serializers.URLField(max_length=2000, required=False)
    media = serializers.UUIDField(required=False)
    value = ValueIn(required=False)

    def validate(self, attrs: Any) -> Any:
        if attrs["kind"] == "text" and "value" not in attrs:
            raise ValidationError({"value": [_("This field is required.")]})
        return attrs


class ButtonIn(StrictSerializer):
    index = serializers.IntegerField(min_value=0, max_value=9)
    kind = serializers.ChoiceField(choices=list(BUTTON_NEEDS))
    url = serializers.CharField(max_length=2000, required=False)
    payload = serializers.CharField(max_length=256, required=False)
    value = ValueIn(required=False)
    label = serializers.CharField(max_length=60, required=False, allow_blank=True)  # type: ignore[assignment]

    def validate(self, attrs: Any) -> Any:
        needed = BUTTON_NEEDS[attrs["kind"]]
        if needed not in attrs:
            raise ValidationError({needed: [_("This field is required.")]})
        return attrs


class VariablesIn(StrictSerializer):
    header = HeaderIn(required=False)
    body = ValueIn(many=True, required=False)
    buttons = ButtonIn(many=True, required=False)


@extend_schema_field({"type": "object", "additionalProperties": True})
class VariablesField(serializers.DictField):
    """The values of a template as JSON, stored as they were given; messaging.rendering says which there are.

    Only the uid of a file, which may be spelled in several ways, is stored in the usual one.
    """

    def to_internal_value(self, data: Any) -> Any:
        variables = VariablesIn(data=super().to_internal_value(data))
        variables.is_valid(raise_exception=True)
        uid = variables.validated_data.get("header", {}).get("media")
        return {**data, "header": {**data["header"], "media": str(uid)}} if uid else data


class WallClockField(serializers.DateTimeField):
    """A time as the clock on the wall shows it; one with an offset is refused, for the zone says the offset."""

    default_error_messages = {
        "offset": gettext_lazy("Give the local time without an offset, and the zone in “timezone”.")
    }

    def enforce_timezone(self, value: datetime) -> datetime:
        if value.tzinfo is not None:
            self.fail("offset")
        return value


class GroupsIn(StrictSerializer):
    lists = serializers.ListField(child=serializers.UUIDField(), default=list, max_length=50)
    segments = serializers.ListField(child=serializers.UUIDField(), default=list, max_length=50)


class AudienceIn(StrictSerializer):
    include = GroupsIn()
    exclude = GroupsIn(required=False)


class VariantIn(StrictSerializer):
    template = serializers.UUIDField(help_text="uid of an approved template")
    variables = VariablesField(required=False, help_text=VARIABLES_HELP)
    weight = serializers.IntegerField(min_value=1, max_value=100, default=100)


class CampaignIn(StrictSerializer):
    name = serializers.CharField(max_length=200)
    purpose = serializers.ChoiceField(
        choices=Campaign.PURPOSES,
        required=False,
        help_text="Whoever has not agreed to exactly this is left out; `marketing` without it.",
    )
    number = serializers.UUIDField(required=False, help_text="uid; the tenant's first number without it")
    audience = AudienceIn(required=False)
    variants = serializers.ListField(
        child=VariantIn(),
        required=False,
        allow_empty=False,
        max_length=10,
        help_text="One, or several for an A/B test.",
    )


class CampaignPatchIn(CampaignIn):
    name = serializers.CharField(max_length=200, required=False)


class ScheduleIn(StrictSerializer):
    local_time = WallClockField(help_text="Wall-clock time without offset: 2026-12-01T09:00:00")
    timezone = serializers.CharField(max_length=50, required=False, help_text="IANA zone; the tenant's without it")


class TestIn(StrictSerializer):
    contact = serializers.UUIDField()
    variant = serializers.IntegerField(min_value=0, max_value=9, default=0)


class GroupsOut(serializers.Serializer[Any]):
    lists = serializers.ListField(child=serializers.UUIDField())
    segments = serializers.ListField(child=serializers.UUIDField())


class AudienceOut(serializers.Serializer[Any]):
    include = GroupsOut()
    exclude = GroupsOut()


class VariantOut(serializers.Serializer[Any]):
    number = serializers.IntegerField()
    weight = serializers.IntegerField()
    template = serializers.UUIDField(source="template.uid", allow_null=True, default=None)
    variables = VariablesField()


class CampaignOut(serializers.Serializer[Campaign]):
    uid = serializers.UUIDField()
    name = serializers.CharField()
    state = serializers.ChoiceField(choices=Campaign.State.choices)
    purpose = serializers.CharField()
    number = serializers.UUIDField(source="number.uid", allow_null=True, default=None)
    audience = serializers.SerializerMethodField()
    variants = VariantOut(many=True)
    due_at = serializers.DateTimeField(allow_null=True)
    timezone = serializers.CharField()
    problem = serializers.CharField()
    created_at = serializers.DateTimeField()
    launched_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    sends_until = serializers.DateTimeField(
        allow_null=True,
        help_text="While it is being sent: nothing goes out later. If messages are still waiting then, it pauses.",
    )

    @extend_schema_field(AudienceOut)
    def get_audience(self, campaign: Campaign) -> dict[str, dict[str, list[UUID]]]:
        chosen: dict[str, dict[str, list[UUID]]] = {
            side: {"lists": [], "segments": []} for side in ("include", "exclude")
        }
        for entry in campaign.audiences.all():
            side = chosen["exclude" if entry.is_excluded else "include"]
            if entry.segment is not None:
                side["segments"].append(entry.segment.uid)
            elif entry.list is not None:
                side["lists"].append(entry.list.uid)
        return chosen


class ReasonOut(serializers.Serializer[Any]):
    code = serializers.CharField()
    text = serializers.CharField()
    people = serializers.IntegerField()


class CheckOut(serializers.Serializer[Any]):
    code = serializers.CharField()
    text = serializers.CharField()
    ok = serializers.BooleanField()
    field = serializers.CharField()


class WarnedCampaignOut(CampaignOut):
    """A campaign on its way, with what to look at although nothing keeps it from being sent."""

    warnings = serializers.SerializerMethodField(
        help_text=(
            "The estimate's checks whose code begins with “warning.”, for example that the first advertising to people"
            " of an import does not name their right to object. The people are not counted again: of more than a"
            " thousand only those who came last are looked at, and what needs the whole number stands in the estimate"
            " alone."
        )
    )

    @extend_schema_field(CheckOut(many=True))
    def get_warnings(self, campaign: Campaign) -> Any:
        return CheckOut(preflight.warnings(campaign), many=True).data


class MarketCostOut(serializers.Serializer[Any]):
    """The reachable people of one market; null where no price is known."""

    market = serializers.CharField()
    name = serializers.CharField()
    people = serializers.IntegerField()
    price = serializers.DecimalField(max_digits=12, decimal_places=6, allow_null=True)
    cost = serializers.DecimalField(max_digits=24, decimal_places=6, allow_null=True)


class CostOut(serializers.Serializer[Any]):
    """Meta's list price if everybody is reached, in the currency of the WhatsApp account."""

    currency = serializers.CharField()
    total = serializers.DecimalField(max_digits=24, decimal_places=6, allow_null=True)
    unpriced = serializers.IntegerField(help_text="People whose market has no known price; the total leaves them out.")
    as_of = serializers.DateField(allow_null=True, help_text="Day of the newest price in the list.")
    markets = MarketCostOut(many=True)


class EstimateOut(serializers.Serializer[Any]):
    audience = serializers.IntegerField()
    reachable = serializers.IntegerField()
    reasons = ReasonOut(many=True)
    seconds = serializers.IntegerField(help_text="To send all at the number's rate.")
    cost = CostOut()
    checks = CheckOut(many=True)
