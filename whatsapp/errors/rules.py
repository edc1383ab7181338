"""What each of Meta's error codes means for a campaign, as data: who is hit, what to do, when to retry."""

from dataclasses import dataclass, replace
from enum import StrEnum


class ErrorClass(StrEnum):
    """How the sender reacts to a code."""

    RETRY_SOON = "retry_soon"
    RETRY_LATER = "retry_later"
    RECIPIENT = "recipient"
    TEMPLATE = "template"
    ACCOUNT = "account"
    INPUT = "input"


class Scope(StrEnum):
    """What a refusal speaks about, and therefore what has to slow down or stop."""

    MESSAGE = "message"
    PAIR = "pair"
    NUMBER = "number"
    ACCOUNT = "account"
    APP = "app"
    TEMPLATE = "template"
    COUNTRY = "country"


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the table.

    `retry_after_s` is the least wait in seconds before another attempt, None if none makes sense by itself.
    `max_attempts` counts all attempts, the first included: 1 means never again, None as long as the message may be
    sent at all, because the code speaks of the rate or state of number or app and not of the message.
    `suppress_marketing` is true where the person told WhatsApp to stop our marketing.
    """

    code: int | None
    error_class: ErrorClass
    scope: Scope
    meaning_de: str
    meaning_en: str
    remedy_de: str
    remedy_en: str
    retry_after_s: int | None = None
    max_attempts: int | None = 1
    suppress_marketing: bool = False

    @property
    def is_retryable(self) -> bool:
        """Whether the sender may try again by itself."""
        return self.max_attempts is None or self.max_attempts > 1

    def sentences(self, language: str) -> tuple[str, str]:
        """Meaning and remedy, in German for a language such as "de" or "de-at", else in English."""
        if language.startswith("de"):
            return self.meaning_de, self.remedy_de
        return self.meaning_en, self.remedy_en

    def with_code(self, code: int | None) -> "Rule":
        """The same rule for another code of its range."""
        return replace(self, code=code)
