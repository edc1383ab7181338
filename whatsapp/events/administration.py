"""Reads what Meta decides about templates, numbers and accounts."""

from collections.abc import Callable

from whatsapp.events.kinds import (
    AccountAlert,
    AccountReview,
    AccountUpdate,
    Capability,
    Event,
    Json,
    NumberName,
    NumberQuality,
    TemplateCategory,
    TemplateComponents,
    TemplateQuality,
    TemplateStatus,
    Unknown,
)
from whatsapp.events.values import items_of, language_of, needed, number_of, object_of, text_of

TIERS = {"TIER_250": 250, "TIER_1K": 1_000, "TIER_2K": 2_000, "TIER_10K": 10_000, "TIER_100K": 100_000}
UNLIMITED = -1


def read_change(account_id: str, field: str, value: Json) -> Event:
    """The value of one change; keys count before the field, since Meta prints one under a wrong name."""
    if "new_quality_score" in value:
        return _template_quality(account_id, value)
    if "message_template_element" in value:
        return _template_components(account_id, value)
    if "message_template_id" in value and "new_category" in value:
        return _template_category(account_id, value)
    if "message_template_id" in value and "event" in value:
        return _template_status(account_id, value)
    reader = _READERS.get(field)
    return reader(account_id, value) if reader else Unknown(account_id, "", field, "", value)


def _template(account_id: str, value: Json) -> tuple[str, str, str, str]:
    return (
        account_id,
        needed(value, "message_template_id"),
        text_of(value.get("message_template_name")),
        language_of(value.get("message_template_language")),
    )


def _template_status(account_id: str, value: Json) -> Event:
    other, rejection = object_of(value.get("other_info")), object_of(value.get("rejection_info"))
    return TemplateStatus(
        *_template(account_id, value),
        needed(value, "event").upper(),
        text_of(value.get("message_template_category")).upper(),
        text_of(value.get("reason")),
        text_of(other.get("title")),
        text_of(other.get("description"))
        or " ".join(filter(None, (text_of(rejection.get("reason")), text_of(rejection.get("recommendation"))))),
        value,
    )


def _template_quality(account_id: str, value: Json) -> Event:
    return TemplateQuality(
        *_template(account_id, value),
        text_of(value.get("previous_quality_score")).upper(),
        text_of(value.get("new_quality_score")).upper(),
        value,
    )


def _template_category(account_id: str, value: Json) -> Event:
    # In the notice `new_category` is the category of today and `correct_category` the one to come.
    correct = text_of(value.get("correct_category")).upper()
    new = text_of(value.get("new_category")).upper()
    previous = new if correct else text_of(value.get("previous_category")).upper()
    return TemplateCategory(*_template(account_id, value), previous, correct or new, bool(correct), value)


def _template_components(account_id: str, value: Json) -> Event:
    return TemplateComponents(
        *_template(account_id, value),
        text_of(value.get("message_template_title")),
        text_of(value.get("message_template_element")),
        text_of(value.get("message_template_footer")),
        [button for button in items_of(value.get("message_template_buttons")) if isinstance(button, dict)],
        value,
    )


def _number_quality(account_id: str, value: Json) -> Event:
    limit = value.get("max_daily_conversations_per_business") or value.get("current_limit")
    return NumberQuality(
        account_id, text_of(value.get("display_phone_number")), needed(value, "event"), text_of(limit), value
    )


def _number_name(account_id: str, value: Json) -> Event:
    return NumberName(
        account_id,
        text_of(value.get("display_phone_number")),
        needed(value, "decision").upper(),
        text_of(value.get("requested_verified_name")),
        text_of(value.get("rejection_reason")),
        value,
    )


def _capability(account_id: str, value: Json) -> Event:
    given = value.get("max_daily_conversations_per_business", value.get("max_daily_conversation_per_phone"))
    tier = text_of(given).upper()
    limit = UNLIMITED if tier == "TIER_UNLIMITED" else TIERS.get(tier, number_of(given))
    return Capability(account_id, tier, limit, value)


def _account_update(account_id: str, value: Json) -> Event:
    waba_id = text_of(object_of(value.get("waba_info")).get("waba_id"))
    return AccountUpdate(account_id, waba_id or account_id, needed(value, "event").upper(), value)


def _account_review(account_id: str, value: Json) -> Event:
    return AccountReview(account_id, needed(value, "decision").upper(), value)


def _account_alert(account_id: str, value: Json) -> Event:
    alert = object_of(value.get("alert_info")) or value
    return AccountAlert(
        account_id,
        text_of(value.get("entity_type")),
        text_of(value.get("entity_id")),
        text_of(alert.get("alert_severity")).upper(),
        text_of(alert.get("alert_status")).upper(),
        text_of(alert.get("alert_type")),
        text_of(alert.get("alert_description")),
        value,
    )


_READERS: dict[str, Callable[[str, Json], Event]] = {
    "message_template_status_update": _template_status,
    "message_template_quality_update": _template_quality,
    "message_template_components_update": _template_components,
    "template_category_update": _template_category,
    "phone_number_quality_update": _number_quality,
    "phone_number_name_update": _number_name,
    "business_capability_update": _capability,
    "account_update": _account_update,
    "account_review_update": _account_review,
    "account_alerts": _account_alert,
}
