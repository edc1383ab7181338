"""Checks a message body as Meta would: required fields first, then lengths and counts."""

import re
from collections.abc import Iterator
from typing import Any

from whatsapp.emulator.answers import Failure

Json = dict[str, Any]

KINDS = frozenset(
    (
        *("text", "image", "video", "audio", "document", "sticker", "location", "contacts"),
        *("interactive", "reaction", "template"),
    )
)
MEDIA_KINDS = ("image", "video", "audio", "document", "sticker")
BSUID = re.compile(r"[A-Z]{2}\.[A-Za-z0-9.]{1,140}")
_TOLERATED = str.maketrans("", "", "+ -()")


def recipient_of(body: Json) -> tuple[str, str]:
    """Phone digits and BSUID of a body, one of them empty; `to` wins over `recipient`. Raises `Failure`."""
    to = body.get("to")
    if to:
        digits = str(to).translate(_TOLERATED)
        if not digits.isdecimal() or not 7 <= len(digits) <= 15:
            raise Failure(131009, "Parameter value is not valid: to")
        return digits, ""
    user = body.get("recipient")
    if not user:
        raise Failure(100, "The parameter to or recipient is required.")
    if not isinstance(user, str) or not BSUID.fullmatch(user):
        raise Failure(131009, "Parameter value is not valid: recipient")
    return "", user


def check_content(body: Json) -> Json | list[Any]:
    """The object named after the type, checked; raises `Failure` with 100, 131008, 131009 or 131051."""
    kind = body.get("type", "text")
    if kind not in KINDS:
        raise Failure(131051 if isinstance(kind, str) else 100, "Param type must be one of the known types.")
    callback = body.get("biz_opaque_callback_data", "")
    if not isinstance(callback, str) or len(callback) > 512:
        raise Failure(100, "Param biz_opaque_callback_data must be at most 512 characters.")
    content = body.get(kind)
    if kind == "contacts":
        if not isinstance(content, list) or not content:
            raise Failure(131008, "Required parameter is missing: contacts")
        return content
    if not isinstance(content, dict):
        raise Failure(131008, f"Required parameter is missing: {kind}")
    if kind in MEDIA_KINDS:
        _check_media(kind, content)
    elif kind in _CHECKS:
        _CHECKS[kind](content)
    return content


def media_in(kind: str, content: Any) -> Iterator[tuple[str, str]]:
    """The media ids a checked message names, each with where it stands."""
    if kind in MEDIA_KINDS and content.get("id"):
        yield kind, str(content["id"])
    elif kind == "template":
        yield from _media_of_parts(content.get("components") or [])
    elif kind == "interactive":
        cards = content["action"].get("cards") or []
        headers = [holder["header"] for holder in (content, *cards) if holder.get("header")]
        yield from _media_of_parts([{"parameters": headers}])


def _media_of_parts(parts: list[Any]) -> Iterator[tuple[str, str]]:
    for part in parts:
        for parameter in part.get("parameters") or ():
            kind = str(parameter.get("type", ""))
            if kind == "text":
                continue
            # `IMAGE` may be written for the type and `image` for the key, and the other way round.
            for key, file in parameter.items():
                if key.lower() == kind.lower() and isinstance(file, dict) and file.get("id"):
                    yield kind.lower(), str(file["id"])
        for card in part.get("cards") or ():
            yield from _media_of_parts(card.get("components") or [])


def need(content: Json, key: str, limit: int | None = None) -> str:
    """A text that must be there and not too long; raises `Failure`."""
    value = content.get(key)
    if not isinstance(value, str) or not value:
        raise Failure(131008, f"Required parameter is missing: {key}")
    if limit is not None and len(value) > limit:
        raise Failure(131009, f"Param {key} must be at most {limit} characters long.")
    return value


def _check_text(content: Json) -> None:
    need(content, "body", 4096)


def _check_media(kind: str, content: Json) -> None:
    if not content.get("id") and not content.get("link"):
        raise Failure(131008, f"Required parameter is missing: {kind} needs id or link")
    if len(str(content.get("caption", ""))) > 1024:
        raise Failure(131009, "Param caption must be at most 1024 characters long.")


def _check_location(content: Json) -> None:
    for key in ("latitude", "longitude"):
        try:
            float(content.get(key, ""))
        except (TypeError, ValueError):
            raise Failure(131008, f"Required parameter is missing: {key}") from None


def _check_reaction(content: Json) -> None:
    need(content, "message_id")


def _check_template(content: Json) -> None:
    need(content, "name", 512)
    language = content.get("language")
    need(language if isinstance(language, dict) else {}, "code")
    if not isinstance(content.get("components", []), list):
        raise Failure(131009, "Param components must be an array.")


def _check_interactive(content: Json) -> None:
    kind = need(content, "type")
    action = content.get("action")
    if not isinstance(action, dict):
        raise Failure(131008, "Required parameter is missing: action")
    if kind != "product":
        body = content.get("body")
        need(body if isinstance(body, dict) else {}, "text", 4096 if kind == "list" else 1024)
    if kind == "button":
        buttons = action.get("buttons") or []
        titles = [str((button.get("reply") or {}).get("title", "")) for button in buttons]
        if not 1 <= len(buttons) <= 3 or len(set(titles)) != len(titles) or max(map(len, titles)) > 20:
            raise Failure(131009, "Buttons: 1 to 3 with unique titles of at most 20 characters.")
    if kind == "list":
        rows = [row for section in action.get("sections") or [] for row in section.get("rows") or []]
        if not 1 <= len(rows) <= 10:
            raise Failure(131009, "Total row count must be between 1 and 10.")


_CHECKS = {
    "text": _check_text,
    "location": _check_location,
    "reaction": _check_reaction,
    "template": _check_template,
    "interactive": _check_interactive,
}
