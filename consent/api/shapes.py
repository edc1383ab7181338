"""How consent looks on the wire, coming in and going out."""

from typing import Any

from django.utils import timezone, translation
from django.utils.translation import gettext as _
from rest_framework import serializers

from consent.models import Channel, ConsentEvent, Purpose, State
from tenants.rest import StrictSerializer

CHANNELS = [choice for choice in Channel.choices if choice[0] != Channel.ALL]
PURPOSES = [choice for choice in Purpose.choices if choice[0] != Purpose.ALL]
SAID = [State.GRANTED.value, State.WITHDRAWN.value, State.OBJECTED.value]


class DeclarationIn(StrictSerializer):
    """What a person declared outside of WhatsApp: a yes with its proof, or a no, which needs none."""

    state = serializers.ChoiceField(choices=SAID)
    channel = serializers.ChoiceField(choices=CHANNELS, default=Channel.WHATSAPP.value)
    purpose = serializers.ChoiceField(choices=PURPOSES, default=Purpose.MARKETING.value)
    everything = serializers.BooleanField(
        default=False, help_text="With a no: for all channels and purposes except what a contract needs."
    )
    occurred_at = serializers.DateTimeField(required=False, help_text="When the person said it; needed for a yes.")
    source = serializers.CharField(  # type: ignore[assignment]
        required=False, max_length=200, help_text="Where and how the person said it; needed for a yes."
    )
    wording = serializers.UUIDField(required=False, help_text="The uid of the wording agreed to.")
    wording_version = serializers.IntegerField(
        required=False, min_value=1, help_text="Its version; without it the one in use."
    )
    wording_text = serializers.CharField(
        required=False, max_length=5000, help_text="The exact text agreed to, where it is no wording of yours here."
    )
    proof = serializers.CharField(
        required=False, max_length=5000, help_text="What proves it: a form's id, a document, a log. Stored encrypted."
    )
    language = serializers.RegexField(r"^[a-z]{2}(_[A-Z]{2})?$", required=False)
    age_confirmed = serializers.BooleanField(
        required=False,
        allow_null=True,
        default=None,
        help_text="Whether the person confirmed to be at least 16. Without it the wording may say so; a yes with"
        " neither allows no advertising where the company demands the age.",
    )
    valid_until = serializers.DateTimeField(required=False, allow_null=True, default=None)

    def validate_occurred_at(self, value: Any) -> Any:
        if value > timezone.now():
            raise serializers.ValidationError(_("This lies in the future. Enter an earlier time."))
        return value

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        errors = _missing(attrs) if attrs["state"] == State.GRANTED else {}
        if errors:
            raise serializers.ValidationError(errors)
        return attrs


def _missing(said: dict[str, Any]) -> dict[str, str]:
    """What a yes lacks to be provable (consent-gdpr CG-03, CG-10), by field."""
    needed = _("A yes counts only with time, source, wording and proof.")
    errors = {name: needed for name in ("occurred_at", "source", "proof") if not said.get(name)}
    if bool(said.get("wording")) == bool(said.get("wording_text")):
        errors["wording"] = _("Give either “wording” or “wording_text”.")
    text = said.get("wording_text")
    if text and said["channel"] == Channel.WHATSAPP and "whatsapp" not in text.lower():
        errors["wording_text"] = _("The text does not name WhatsApp, so it is no consent to messages there.")
    if said["everything"]:
        errors["everything"] = _("A yes names its channel and purpose.")
    return errors


class RecordedSerializer(serializers.Serializer[Any]):
    """What became of one declared pair of channel and purpose; withdrawing marketing ends three."""

    seq = serializers.IntegerField(allow_null=True, help_text="Its number in the ledger; null when it was known.")
    event_id = serializers.UUIDField()
    state = serializers.CharField(source="state_after", help_text="What holds for this channel and purpose now.")


class RecordedOut(serializers.Serializer[Any]):
    """The answer to a declaration."""

    results = RecordedSerializer(many=True)


class MaySendIn(StrictSerializer):
    """What is asked."""

    channel = serializers.ChoiceField(choices=CHANNELS, default=Channel.WHATSAPP.value)
    purpose = serializers.ChoiceField(choices=PURPOSES, default=Purpose.MARKETING.value)
    category = serializers.ChoiceField(choices=["MARKETING", "UTILITY", "AUTHENTICATION"], required=False)


class LedgerRowOut(serializers.Serializer[ConsentEvent]):
    """One row of the ledger; `row_hash` chains it to the row before."""

    event_id = serializers.UUIDField()
    seq = serializers.IntegerField()
    channel = serializers.CharField()
    purpose = serializers.CharField()
    state = serializers.CharField()
    authority = serializers.IntegerField(help_text="3 the person, 2 WhatsApp, 1 agent or API, 0 import.")
    legal_basis = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]
    source_ref = serializers.CharField()
    occurred_at = serializers.DateTimeField()
    recorded_at = serializers.DateTimeField()
    valid_until = serializers.DateTimeField(allow_null=True)
    wording = serializers.SerializerMethodField()
    wording_sha256 = serializers.CharField()
    language = serializers.CharField()
    age_confirmed = serializers.BooleanField(allow_null=True)
    actor_type = serializers.CharField()
    has_evidence = serializers.SerializerMethodField()
    prev_hash = serializers.SerializerMethodField()
    row_hash = serializers.SerializerMethodField()

    def get_wording(self, row: ConsentEvent) -> str:
        version = row.wording_version
        return f"{version.wording.name} v{version.number}" if version else ""

    def get_has_evidence(self, row: ConsentEvent) -> bool:
        return bool(row.evidence_digest)

    def get_prev_hash(self, row: ConsentEvent) -> str:
        return bytes(row.prev_hash).hex()

    def get_row_hash(self, row: ConsentEvent) -> str:
        return bytes(row.row_hash).hex()


class BothLanguages(serializers.Serializer[Any]):
    """A text in German and English."""

    de = serializers.CharField(allow_blank=True)
    en = serializers.CharField(allow_blank=True)


class MaySendOut(serializers.Serializer[Any]):
    """Whether the person may be messaged, why not, what can be done, and which row of the ledger decided."""

    allowed = serializers.BooleanField()
    reason = serializers.CharField(help_text="Empty when allowed.")
    text = BothLanguages(help_text="The reason as a sentence.")
    remedy = BothLanguages(help_text="What can be done; empty where nothing is to be.")
    seq = serializers.IntegerField(allow_null=True)
    row = LedgerRowOut(allow_null=True, help_text="The row of the ledger with this number.")
    evaluated_at = serializers.DateTimeField()


def in_both(text: Any) -> dict[str, str]:
    """A lazily translated text in both languages."""
    return {language: _in(language, text) for language in ("de", "en")}


def _in(language: str, text: Any) -> str:
    with translation.override(language):
        return str(text)
