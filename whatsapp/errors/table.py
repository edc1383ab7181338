"""Finds the rule of a code; codes nobody has described yet fall back to Meta's hints."""

from dataclasses import replace

from whatsapp.errors import account, content, management, recipient, remedies, throttling
from whatsapp.errors.rules import ErrorClass, Rule, Scope

RULES: dict[int, Rule] = {
    rule.code: rule
    for module in (account, throttling, recipient, content, management)
    for rule in module.RULES
    if rule.code is not None
}

_RANGES: tuple[tuple[int, int, Rule], ...] = (*account.RANGES, *management.RANGES)

_UNKNOWN_TRANSIENT = Rule(
    None,
    ErrorClass.RETRY_SOON,
    Scope.MESSAGE,
    "WhatsApp meldet eine vorübergehende Störung, die wir noch nicht kennen.",
    "WhatsApp reports a temporary failure that we do not know yet.",
    *remedies.WAIT,
    retry_after_s=30,
    max_attempts=3,
)
_UNKNOWN = Rule(
    None,
    ErrorClass.RECIPIENT,
    Scope.MESSAGE,
    "WhatsApp hat mit einem Fehlercode abgelehnt, den wir noch nicht kennen.",
    "WhatsApp refused with an error code that we do not know yet.",
    *remedies.OUR_SUPPORT,
)


def rule_for(
    code: int | None,
    *,
    subcode: int | None = None,
    http_status: int | None = None,
    is_transient: bool | None = None,
) -> Rule:
    """The rule for a code Meta sent in an answer or a webhook.

    A subcode of the template range (2388xxx) or of the token (463) says more than the code beside it.
    Unknown codes keep their number: transient, HTTP 5xx or 429 means retry soon, anything else is a failure
    of this one message, until the same code fails many of a campaign (messaging.braking).
    Source: Meta "Error codes", September 2026.
    """
    if subcode in RULES and (subcode // 1000 == 2388 or subcode == 463):
        return RULES[subcode]
    if code is not None:
        known = RULES.get(code) or _in_range(code)
        if known is not None:
            return known
    unavailable = http_status is not None and (http_status >= 500 or http_status == 429)
    return _naming(_UNKNOWN_TRANSIENT if is_transient or unavailable else _UNKNOWN, code)


def _naming(rule: Rule, code: int | None) -> Rule:
    """The rule with the code in its sentences: all that anybody can tell about it."""
    if code is None:
        return rule
    meaning_de, meaning_en = (
        f"{sentence.removesuffix('.')}: {code}." for sentence in (rule.meaning_de, rule.meaning_en)
    )
    return replace(rule, code=code, meaning_de=meaning_de, meaning_en=meaning_en)


def is_known(code: int | None) -> bool:
    """Whether the table describes this code."""
    return code is not None and (code in RULES or _in_range(code) is not None)


def _in_range(code: int) -> Rule | None:
    for first, last, rule in _RANGES:
        if first <= code <= last:
            return rule.with_code(code)
    return None
