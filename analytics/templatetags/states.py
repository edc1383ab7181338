"""Names and colours of message states and reasons in tables."""

from django import template

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
