"""What the report API takes and answers."""

from datetime import timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework import serializers

from messaging.models import Message
from tenants.rest import StrictSerializer

STATES = [state.name.lower() for state in Message.State]
REACHED = ["accepted", "sent", "delivered", "read", "failed", "clicked", "replied", "opted_out"]
LONGEST_PERIOD = timedelta(days=366)


class PeriodQuery(StrictSerializer):
    """Days in the workspace's time zone, both included; the last 30 days without them."""

    since = serializers.DateField(required=False)
    until = serializers.DateField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        until = attrs.get("until") or timezone.localdate(timezone=self.context["zone"])
        since = attrs.get("since") or until - timedelta(days=29)
        if since > until:
            raise serializers.ValidationError({"since": [_("The period must not end before it begins.")]})
        if until - since > LONGEST_PERIOD:
            raise serializers.ValidationError({"since": [_("Choose at most 366 days.")]})
        return {"since": since, "until": until}


class RecipientQuery(StrictSerializer):
    """Which recipients to list. `state` is where a message is now, `reached` what it ever reached."""

    state = serializers.ChoiceField(choices=STATES, required=False)
    reached = serializers.ChoiceField(choices=REACHED, required=False)
    reason = serializers.CharField(required=False, max_length=24, allow_blank=True)
    error_code = serializers.IntegerField(required=False)
    cursor = serializers.CharField(required=False)
    page_size = serializers.IntegerField(required=False, min_value=1)


class KpiSerializer(serializers.Serializer[Any]):
    """One KPI: null where there is nothing to divide by. A share of 0.25 is 25 %."""

    value = serializers.DecimalField(max_digits=24, decimal_places=6, allow_null=True)
    unit = serializers.ChoiceField(choices=["share", "money", "factor", "count"], source="definition.unit")
    name = serializers.CharField(source="definition.name")
    definition = serializers.CharField(source="definition.sentence")


class CountsSerializer(serializers.Serializer[Any]):
    """Messages that ever got this far, contacts who clicked, replied and ordered, net revenue and Meta's fees.

    The cost is null where it was not worked out or no price is known.
    """

    accepted = serializers.IntegerField()
    sent = serializers.IntegerField()
    delivered = serializers.IntegerField()
    read = serializers.IntegerField()
    clicked = serializers.IntegerField()
    replied = serializers.IntegerField()
    opted_out = serializers.IntegerField()
    clicks = serializers.IntegerField()
    orders = serializers.IntegerField()
    converted = serializers.IntegerField()
    revenue = serializers.DecimalField(max_digits=20, decimal_places=2)
    cost = serializers.DecimalField(max_digits=24, decimal_places=6, allow_null=True)


class ExclusionSerializer(serializers.Serializer[Any]):
    state = serializers.ChoiceField(choices=STATES)
    reason = serializers.CharField()
    text = serializers.CharField(source="label")
    messages = serializers.IntegerField()


class StepSerializer(serializers.Serializer[Any]):
    key = serializers.CharField()
    name = serializers.CharField()
    messages = serializers.IntegerField()
    share = serializers.DecimalField(max_digits=24, decimal_places=6, allow_null=True)
    share_of_previous = serializers.DecimalField(max_digits=24, decimal_places=6, allow_null=True)


class FailureSerializer(serializers.Serializer[Any]):
    state = serializers.ChoiceField(choices=STATES)
    error_code = serializers.IntegerField()
    reason = serializers.CharField()
    messages = serializers.IntegerField()
    meaning = serializers.CharField()
    remedy = serializers.CharField()


class VariantReportSerializer(serializers.Serializer[Any]):
    number = serializers.IntegerField()
    letter = serializers.CharField()
    template = serializers.CharField()
    audience = serializers.IntegerField(source="counts.audience")
    counts = CountsSerializer()
    kpis = serializers.DictField(child=KpiSerializer())


class HourSerializer(serializers.Serializer[Any]):
    """What happened in the hour that begins at `hour`, UTC."""

    hour = serializers.DateTimeField()
    accepted = serializers.IntegerField()
    sent = serializers.IntegerField()
    delivered = serializers.IntegerField()
    read = serializers.IntegerField()
    failed = serializers.IntegerField()
    clicked = serializers.IntegerField()
    replied = serializers.IntegerField()
    opted_out = serializers.IntegerField()
    orders = serializers.IntegerField()
    revenue = serializers.DecimalField(max_digits=20, decimal_places=2)


class TimingSerializer(serializers.Serializer[Any]):
    launched_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    first_accepted_at = serializers.DateTimeField(allow_null=True)
    last_accepted_at = serializers.DateTimeField(allow_null=True)
    median_wait_seconds = serializers.SerializerMethodField(help_text="From queueing to WhatsApp's acceptance.")
    per_minute = serializers.DecimalField(max_digits=12, decimal_places=1, allow_null=True)
    ends_at = serializers.DateTimeField(allow_null=True, help_text="A forecast, only while messages are being sent.")

    def get_median_wait_seconds(self, timing: Any) -> float | None:
        return timing.median_wait.total_seconds() if timing.median_wait is not None else None


class LinkReportSerializer(serializers.Serializer[Any]):
    uid = serializers.UUIDField()
    label = serializers.CharField()  # type: ignore[assignment]
    url = serializers.URLField()
    variant = serializers.IntegerField()
    clicks = serializers.IntegerField()
    people = serializers.IntegerField()
    anonymous = serializers.IntegerField()


class CostLineSerializer(serializers.Serializer[Any]):
    """Delivered messages of one market and price class at one price; null where no price is known."""

    market = serializers.CharField()
    market_name = serializers.CharField()
    category = serializers.CharField()
    price_type = serializers.CharField()
    messages = serializers.IntegerField()
    price = serializers.DecimalField(max_digits=12, decimal_places=6, allow_null=True)
    cost = serializers.DecimalField(max_digits=24, decimal_places=6, allow_null=True)


class CostsSerializer(serializers.Serializer[Any]):
    """Meta's list prices over what was delivered, in the currency of the WhatsApp account."""

    currency = serializers.CharField()
    total = serializers.DecimalField(max_digits=24, decimal_places=6, source="total.amount")
    unpriced = serializers.IntegerField(source="total.unpriced", help_text="Messages that the total leaves out.")
    as_of = serializers.DateField(allow_null=True, help_text="Day of the newest price in the list.")
    lines = CostLineSerializer(many=True)


class WaitingSerializer(serializers.Serializer[Any]):
    """Why a campaign sends nothing at the moment though nobody paused it, and what to do about it."""

    kind = serializers.ChoiceField(choices=["account", "number", "campaign"])
    text = serializers.CharField()
    remedy = serializers.CharField()


class ReportSerializer(serializers.Serializer[Any]):
    """A campaign in numbers; `audience` is the sum of `states`."""

    campaign = serializers.UUIDField(source="campaign.uid")
    state = serializers.CharField(source="campaign.state")
    sends_until = serializers.DateTimeField(source="campaign.sends_until", allow_null=True)
    waiting = WaitingSerializer(allow_null=True)
    warned = serializers.ListField(
        child=serializers.CharField(),
        help_text="What there was to look at when the schedule started it; before that, what the last look found, also"
        " what keeps it from starting; in words.",
    )
    currency = serializers.CharField()
    audience = serializers.IntegerField()
    states = serializers.DictField(child=serializers.IntegerField())
    counts = CountsSerializer()
    kpis = serializers.DictField(child=KpiSerializer())
    exclusions = ExclusionSerializer(many=True)
    funnel = StepSerializer(many=True)
    failures = FailureSerializer(many=True)
    variants = VariantReportSerializer(many=True)
    hours = HourSerializer(many=True)
    timing = TimingSerializer()
    links = LinkReportSerializer(many=True)
    costs = CostsSerializer()


class RecipientSerializer(serializers.Serializer[Any]):
    """One recipient; an erased contact is null, and its phone shows the last four digits only."""

    contact = serializers.UUIDField(source="contact_uid", allow_null=True)
    name = serializers.CharField()
    phone = serializers.CharField()
    variant = serializers.IntegerField()
    state = serializers.ChoiceField(choices=STATES)
    reason = serializers.CharField()
    reason_text = serializers.CharField()
    error_code = serializers.IntegerField(allow_null=True)
    error_text = serializers.CharField()
    accepted_at = serializers.DateTimeField(allow_null=True)
    sent_at = serializers.DateTimeField(allow_null=True)
    delivered_at = serializers.DateTimeField(allow_null=True)
    read_at = serializers.DateTimeField(allow_null=True)
    failed_at = serializers.DateTimeField(allow_null=True)
    clicked_at = serializers.DateTimeField(allow_null=True)
    replied_at = serializers.DateTimeField(allow_null=True)
    opted_out_at = serializers.DateTimeField(allow_null=True)


class RecipientPageSerializer(serializers.Serializer[Any]):
    """A page of recipients; `next` is the address of the following page, null on the last one."""

    next = serializers.URLField(allow_null=True)
    results = RecipientSerializer(many=True)


class DaySerializer(serializers.Serializer[Any]):
    date = serializers.DateField()
    counts = CountsSerializer()


class PeriodSerializer(serializers.Serializer[Any]):
    since = serializers.DateField()
    until = serializers.DateField()
    counts = CountsSerializer()
    kpis = serializers.DictField(child=KpiSerializer())
    days = DaySerializer(many=True)


class RunningSerializer(serializers.Serializer[Any]):
    campaign = serializers.UUIDField(source="campaign.uid")
    name = serializers.CharField(source="campaign.name")
    state = serializers.CharField(source="campaign.state")
    audience = serializers.IntegerField(source="counts.audience")
    open = serializers.IntegerField(source="counts.open")
    counts = CountsSerializer()
    kpis = serializers.DictField(child=KpiSerializer())


class AttentionSerializer(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(
        choices=[
            *("account", "number", "campaign", "scheduled", "template", "uncertain"),
            *("import", "program", "signup_form"),
        ]
    )
    level = serializers.ChoiceField(choices=["danger", "warning"])
    uid = serializers.UUIDField()
    name = serializers.CharField()
    text = serializers.CharField()
    remedy = serializers.CharField()


class OverviewSerializer(serializers.Serializer[Any]):
    """A period beside the one before it, what runs, and what needs attention."""

    currency = serializers.CharField()
    current = PeriodSerializer()
    previous = PeriodSerializer()
    changes = serializers.DictField(
        child=serializers.DecimalField(max_digits=24, decimal_places=6, allow_null=True),
        help_text="By KPI: percentage points as a share for rates, relative change for the rest.",
    )
    running = RunningSerializer(many=True)
    attention = AttentionSerializer(many=True)
