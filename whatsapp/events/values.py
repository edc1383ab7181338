"""Reads single values of a webhook tolerantly: texts, numbers, times, people, languages, errors, files."""

from datetime import UTC, datetime
from typing import Any

from whatsapp.events.kinds import EventError, Json, Media

MILLISECONDS_ABOVE = 100_000_000_000


class Unreadable(Exception):
    """An item lacks what it cannot do without. The text names the field and never its value."""


def text_of(value: Any) -> str:
    """A text; whole numbers become text, anything else is empty."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def object_of(value: Any) -> Json:
    """An object, or an empty one."""
    return value if isinstance(value, dict) else {}


def items_of(value: Any) -> list[Any]:
    """A list, or an empty one."""
    return value if isinstance(value, list) else []


def number_of(value: Any) -> int | None:
    """A whole number, also from text; None if it is neither."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return int(value)
    except (ValueError, OverflowError):
        return None


def needed(item: Json, key: str) -> str:
    """A text that must be there; raises `Unreadable`."""
    value = text_of(item.get(key))
    if not value:
        raise Unreadable(f"no {key}")
    return value


def time_of(value: Any) -> datetime:
    """An aware UTC time from seconds or milliseconds, as text or number; raises `Unreadable`."""
    try:
        seconds = int(value)
        if seconds > MILLISECONDS_ABOVE:
            return datetime.fromtimestamp(seconds / 1000, UTC)
        if seconds <= 0:
            raise Unreadable("timestamp is not positive")
        return datetime.fromtimestamp(seconds, UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        raise Unreadable("timestamp") from None


def time_or_now(value: Any) -> datetime:
    """The time told, or now where it is unreadable: a person's STOP must not get lost over a timestamp."""
    try:
        return time_of(value)
    except Unreadable:
        return datetime.now(UTC)


def person_of(phone: Any, bsuid: Any) -> tuple[str, str]:
    """Phone digits and BSUID; a BSUID in the phone field (seen in real traffic) moves to its place."""
    number, user = text_of(phone), text_of(bsuid)
    if number[2:3] == "." and number[:2].isalpha() and number[:2].isupper():
        return "", user or number
    return number.lstrip("+"), user


def language_of(value: Any) -> str:
    """A language code with underscore: Meta writes both en_US and en-US."""
    return text_of(value).replace("-", "_")


def error_of(errors: Any) -> EventError | None:
    """The first error of a list; `error_data` may be an object or a text."""
    for error in items_of(errors):
        if isinstance(error, dict):
            data = error.get("error_data")
            details = text_of(data.get("details")) if isinstance(data, dict) else text_of(data)
            title = text_of(error.get("title")) or text_of(error.get("message"))
            return EventError(number_of(error.get("code")), title, details)
    return None


def media_of(item: Json) -> Media | None:
    """The file of a media message; None for other kinds."""
    content = item.get(text_of(item.get("type")))
    if not isinstance(content, dict) or "mime_type" not in content:
        return None
    return Media(
        text_of(content.get("id")),
        text_of(content.get("mime_type")),
        text_of(content.get("sha256")),
        text_of(content.get("filename")),
        text_of(content.get("url")),
        content.get("voice") is True,
    )
