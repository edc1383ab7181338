"""Reads what Meta answered: an acceptance, a refusal with a code, or something nobody can be sure about."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, NamedTuple, NoReturn

import orjson

from whatsapp.errors import NotSent, Refused, UnknownOutcome
from whatsapp.events.values import number_of


class Accepted(NamedTuple):
    """Meta took the message; whether it arrives is told by webhooks later.

    `wa_id` may differ from the number we sent to; `user_id` is set instead where we sent to a BSUID.
    `message_status` is empty, or `accepted`, `held_for_quality_assessment` or `paused` under template pacing.
    """

    wamid: str
    wa_id: str
    user_id: str
    message_status: str

    @property
    def is_held(self) -> bool:
        """Whether Meta holds the message back until it has seen how the template is received."""
        return self.message_status == "held_for_quality_assessment"

    @property
    def is_paused(self) -> bool:
        """Whether Meta paused the template for bad feedback; it may still deliver the message, or drop it."""
        return self.message_status == "paused"


class Usage(NamedTuple):
    """How much of Meta's management quota is used, in percent of the tightest limit."""

    percent: int
    regain_s: int


def read_answer(status: int, content: bytes, headers: Mapping[str, str] | None = None) -> Accepted:
    """The acceptance in an answer to a send.

    Raises `Refused` for an error envelope with a code (whatever the HTTP status), `NotSent` for a 429 without one,
    which a gateway gives instead of passing the request on (RFC 6585 § 4), and `UnknownOutcome` for what is neither:
    5xx without envelope, HTML of a proxy, an empty or cut body.
    Source: Meta "Send messages" and "Error codes".
    """
    try:
        answer = read_json(status, content, headers)
    except UnknownOutcome:
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            raise NotSent("HTTP 429 of a gateway") from None
        raise
    message = _first(answer, "messages")
    wamid = message.get("id")
    if not isinstance(wamid, str) or not wamid:
        raise UnknownOutcome(f"HTTP {status} without a message id")
    contact = _first(answer, "contacts")
    return Accepted(
        wamid,
        _text(contact.get("wa_id")),
        _text(contact.get("user_id")),
        _text(message.get("message_status")),
    )


def read_json(status: int, content: bytes, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The JSON object of a successful answer; raises `Refused` and `UnknownOutcome` as `read_answer` does."""
    try:
        answer = orjson.loads(content)
    except orjson.JSONDecodeError:
        raise UnknownOutcome(f"HTTP {status} with an unreadable body") from None
    if not isinstance(answer, dict):
        raise UnknownOutcome(f"HTTP {status} with an unexpected body")
    error = answer.get("error")
    if isinstance(error, dict) and number_of(error.get("code")) is not None:
        refuse(error, status, headers)
    if not 200 <= status < 300 or error is not None:
        raise UnknownOutcome(f"HTTP {status} without an error code")
    return answer


def refuse(error: Mapping[str, Any], status: int, headers: Mapping[str, str] | None = None) -> NoReturn:
    """Raise `Refused` from Meta's error object; `error_data` may be an object or a string."""
    data = error.get("error_data")
    details = data.get("details") if isinstance(data, dict) else data
    usage = read_usage(headers) if headers is not None else None
    raise Refused(
        number_of(error.get("code")) or 0,
        subcode=number_of(error.get("error_subcode")),
        details=_text(details) or _text(error.get("message")),
        http_status=status,
        fbtrace_id=_text(error.get("fbtrace_id")),
        user_title=_text(error.get("error_user_title")),
        user_msg=_text(error.get("error_user_msg")),
        is_transient=error.get("is_transient") is True,
        regain_s=usage.regain_s if usage else None,
    )


def read_usage(headers: Mapping[str, str]) -> Usage | None:
    """Usage from `X-Business-Use-Case-Usage` and `X-App-Usage`; None if neither is there or readable.

    Header names in lower case or of a case-insensitive mapping. `regain_s` is Meta's estimate in seconds.
    """
    entries = _usage_entries(headers.get("x-business-use-case-usage"))
    entries += _usage_entries(headers.get("x-app-usage"))
    if not entries:
        return None
    parts = ("call_count", "total_cputime", "total_time")
    percent = max(number_of(entry.get(part)) or 0 for entry in entries for part in parts)
    minutes = max(number_of(entry.get("estimated_time_to_regain_access")) or 0 for entry in entries)
    return Usage(percent, minutes * 60)


def _usage_entries(header: str | None) -> list[dict[str, Any]]:
    if not header:
        return []
    try:
        value = orjson.loads(header)
    except orjson.JSONDecodeError:
        return []
    if not isinstance(value, dict):
        return []
    groups = [item if isinstance(item, list) else [value] for item in value.values()]
    return [entry for group in groups for entry in group if isinstance(entry, dict)]


def _first(answer: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    items = answer.get(key)
    if isinstance(items, list) and items and isinstance(items[0], dict):
        return items[0]
    return {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
