"""Whom a message goes to, and the envelope every message shares."""

import re
from dataclasses import dataclass
from typing import Any

from whatsapp.payloads.limits import InvalidPayload, at_most

Payload = dict[str, Any]

CALLBACK_LIMIT = 512
_NOT_DIGITS = re.compile(r"[\s()+\-./]")
_BSUID = re.compile(r"[A-Z]{2}\.[A-Za-z0-9.]{1,140}")


@dataclass(frozen=True, slots=True)
class Recipient:
    """A person known by phone number (with country code), by business-scoped user id, or by both."""

    phone: str | None = None
    bsuid: str | None = None

    def address(self) -> Payload:
        """`to` with a plus and country code if the phone is known, else `recipient`.

        A number without plus may be completed with our own country code and reach a stranger.
        Raises `InvalidPayload` if neither is known or one is malformed.
        """
        if self.phone:
            digits = _NOT_DIGITS.sub("", self.phone)
            if not digits.isdecimal() or not digits.isascii() or not 7 <= len(digits) <= 15 or digits[0] == "0":
                raise InvalidPayload("to", "must be a phone number with country code, 7 to 15 digits")
            return {"to": f"+{digits}"}
        if not self.bsuid:
            raise InvalidPayload("to", "neither a phone number nor a user id is known")
        if not _BSUID.fullmatch(self.bsuid):
            raise InvalidPayload("recipient", "must be a business-scoped user id such as DE.123")
        return {"recipient": self.bsuid}


def envelope(
    recipient: Recipient,
    kind: str,
    content: Any,
    *,
    reply_to: str | None = None,
    callback: str | None = None,
) -> Payload:
    """A complete body for POST /{phone number id}/messages.

    `content` is the object named after `kind`; `reply_to` is the wamid to quote; `callback` comes back in
    every status of this message (our attempt id, at most 512 characters).
    """
    body: Payload = {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        **recipient.address(),
        "type": kind,
        kind: content,
    }
    if reply_to:
        body["context"] = {"message_id": reply_to}
    if callback is not None:
        at_most("biz_opaque_callback_data", callback, CALLBACK_LIMIT)
        body["biz_opaque_callback_data"] = callback
    return body
