"""Names and colours of message states and reasons in tables."""

from typing import Any

from django import template
from django.utils.translation import gettext as _

from messaging import reasons
from messaging.models import Message

register = template.Library()
TONES = {"read": "good", "delivered": "info", "sent": "info", "accepted": "info", "failed": "bad", "uncertain": "warn"}


@register.filter
def state_label(name: str) -> str:
    """The state's name in the active language."""
    return str(Message.State[name.upper()].label)


@register.filter
def state_tone(name: str) -> str:
    """The badge's colour: never the only sign, since the name stands in it."""
    return TONES.get(name, "neutral")


@register.filter
def reason_label(code: str) -> str:
    """The sentence of a reason code."""
    return reasons.label(code)


@register.filter
def price_class(line: Any) -> str:
    """How Meta classed the messages of a cost line, in words; its own word for a class we do not know."""
    names = {
        "marketing": _("Marketing"),
        "marketing_lite": _("Marketing"),
        "utility": _("Utility"),
        "authentication": _("Authentication"),
        "service": _("Service"),
        "": _("not classed by Meta"),
    }
    if line.price_type == "free_entry_point":
        return _("Free: came from an ad")
    if line.price_type == "free_customer_service":
        return _("Free: inside the service window")
    return names.get(line.category, line.category)
