"""What can go wrong when we talk to Meta, as exceptions whose text is safe to log.

    WhatsAppError
    ├── Refused          Meta said no, with a code: `rule` says what follows
    ├── UnknownOutcome   nobody knows whether Meta took it: never retry blindly
    └── NotSent          the request surely never reached Meta: safe to try again

Messages of these exceptions hold codes and reasons only: no token, no message text, no phone number.
`details`, `user_title` and `user_msg` are Meta's words and may quote input: show them, do not log them.
"""

from typing import Any

from whatsapp.errors.rules import Rule
from whatsapp.errors.table import rule_for


class WhatsAppError(Exception):
    """Anything that kept a call to WhatsApp from succeeding."""


class Refused(WhatsAppError):
    """Meta answered with an error envelope that carries a code, whatever the HTTP status was."""

    def __init__(
        self,
        code: int,
        subcode: int | None = None,
        details: str = "",
        http_status: int | None = None,
        fbtrace_id: str = "",
        user_title: str = "",
        user_msg: str = "",
        is_transient: bool | None = None,
        regain_s: int | None = None,
    ) -> None:
        super().__init__(f"WhatsApp refused: code {code}, subcode {subcode}, HTTP {http_status}")
        self.code = code
        self.subcode = subcode
        self.details = details
        self.http_status = http_status
        self.fbtrace_id = fbtrace_id
        self.user_title = user_title
        self.user_msg = user_msg
        self.is_transient = is_transient
        self.regain_s = regain_s

    @property
    def rule(self) -> Rule:
        """What this refusal means and what to do about it."""
        return rule_for(self.code, subcode=self.subcode, http_status=self.http_status, is_transient=self.is_transient)

    @property
    def retry_after_s(self) -> int | None:
        """Seconds to wait: Meta's own estimate if its headers gave one, else the rule's."""
        return self.regain_s or self.rule.retry_after_s

    def __reduce__(self) -> tuple[Any, ...]:
        """Let the exception survive pickling between worker processes."""
        return type(self), (
            self.code,
            self.subcode,
            self.details,
            self.http_status,
            self.fbtrace_id,
            self.user_title,
            self.user_msg,
            self.is_transient,
            self.regain_s,
        )


class UnknownOutcome(WhatsAppError):
    """Time-out, reset, 5xx or an answer nobody can read: Meta may or may not have taken the request."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NotSent(WhatsAppError):
    """No connection could be made, so not one byte of the request left us."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
