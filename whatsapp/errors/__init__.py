"""Meta's errors: the table of what each code means to a marketer, and the exceptions that carry them."""

from whatsapp.errors.exceptions import NotSent, Refused, UnknownOutcome, WhatsAppError
from whatsapp.errors.rules import ErrorClass, Rule, Scope
from whatsapp.errors.table import RULES, is_known, rule_for

__all__ = [
    "RULES",
    "ErrorClass",
    "NotSent",
    "Refused",
    "Rule",
    "Scope",
    "UnknownOutcome",
    "WhatsAppError",
    "is_known",
    "rule_for",
]
