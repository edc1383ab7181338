"""Turns the raw bytes of a webhook into events; one broken item never costs its neighbours."""

import json
from collections.abc import Callable
from typing import Any

import orjson

from whatsapp.events import conversations
from whatsapp.events.administration import read_change
from whatsapp.events.kinds import Broken, Event, Json, Unknown
from whatsapp.events.values import Unreadable, items_of, object_of, text_of

DEEPEST = 64
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_BRACKET_PAIRS = (b"{}", b"[]")

Reader = Callable[[str, str, Json], Event]


class NotJSON(ValueError):
    """The body is no JSON object at all, or nested beyond reason; nothing of it can be used."""


def parse(body: bytes) -> list[Event]:
    """The events of one webhook body, in its order; verify the signature before.

    Unknown fields and statuses become `Unknown`, unreadable items `Broken`; both keep the raw item. Texts
    hold no NUL characters and no lone surrogates, so PostgreSQL takes them. Raises `NotJSON`.
    Source: Meta "Webhooks overview".
    """
    document = _load(body)
    found: list[Event] = []
    kind = document.get("object")
    if kind != "whatsapp_business_account" and "entry" not in document:
        return [Unknown("", "", f"object:{text_of(kind)}", "", document)]
    for entry in items_of(document.get("entry")):
        if not isinstance(entry, dict):
            found.append(Broken("", "entry", "no object", entry))
            continue
        account_id = text_of(entry.get("id"))
        for change in items_of(entry.get("changes")):
            _read_change(account_id, change, found)
    return found


def _read_change(account_id: str, change: Any, found: list[Event]) -> None:
    value = change.get("value") if isinstance(change, dict) else None
    if not isinstance(value, dict):
        found.append(Broken(account_id, "changes", "no value", change))
        return
    field = text_of(change.get("field"))
    number_id = text_of(object_of(value.get("metadata")).get("phone_number_id"))
    before = len(found)
    if "statuses" in value:
        _read_statuses(account_id, number_id, value["statuses"], found)
    if "messages" in value:
        contacts = items_of(value.get("contacts"))
        _read_each(
            account_id,
            number_id,
            "messages",
            value["messages"],
            lambda account, number, item: conversations.read_message(account, number, item, contacts),
            found,
        )
    for key, reader in _LISTS.items():
        if key in value:
            _read_each(account_id, number_id, key, value[key], reader, found)
    if len(found) == before:
        _read_single(account_id, number_id, field, value, found)


def _read_statuses(account_id: str, number_id: str, items: Any, found: list[Event]) -> None:
    # The hot path: four of five items are statuses, so the call per item is all there is.
    read = conversations.read_status
    for item in items_of(items):
        try:
            found.append(read(account_id, number_id, item))
        except (Unreadable, AttributeError, TypeError) as error:
            found.append(Broken(account_id, "statuses", _reason(error), item))


def _read_each(account_id: str, number_id: str, field: str, items: Any, read: Reader, found: list[Event]) -> None:
    for item in items_of(items):
        try:
            if not isinstance(item, dict):
                raise Unreadable("no object")
            found.append(read(account_id, number_id, item))
        except Unreadable as error:
            found.append(Broken(account_id, field, _reason(error), item))


def _read_single(account_id: str, number_id: str, field: str, value: Json, found: list[Event]) -> None:
    if field in ("messages", *_LISTS):
        found.append(Unknown(account_id, number_id, field, "empty", value))
        return
    try:
        found.append(read_change(account_id, field, value))
    except Unreadable as error:
        found.append(Broken(account_id, field, _reason(error), value))


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, Unreadable) else "no object"


_LISTS: dict[str, Reader] = {
    "errors": conversations.read_error,
    "user_preferences": conversations.read_preference,
    "user_id_update": conversations.read_identity,
    "message_echoes": conversations.read_echo,
    "history": conversations.read_history,
}


def _load(body: bytes) -> Json:
    try:
        document = orjson.loads(body)
        dirty = b"\\u0000" in body
    except orjson.JSONDecodeError:
        # Half of an emoji (a lone surrogate) is legal JSON that orjson refuses.
        document = _load_leniently(body)
        dirty = True
    if not isinstance(document, dict):
        raise NotJSON("the body is no JSON object")
    if _may_be_deep(body) and _depth(document) > DEEPEST:
        raise NotJSON("the body is nested too deeply")
    cleaned: Json = _clean(document) if dirty else document
    return cleaned


def _load_leniently(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise NotJSON("the body is no JSON") from None


def _may_be_deep(body: bytes) -> bool:
    """Whether brackets remain after peeling off the levels allowed; brackets in texts make it say yes."""
    if body.count(b"{") + body.count(b"[") <= DEEPEST:
        return False
    brackets = body.translate(None, _NOT_BRACKETS)
    for _ in range(DEEPEST):
        if not brackets:
            return False
        for pair in _BRACKET_PAIRS:
            brackets = brackets.replace(pair, b"")
    return bool(brackets)


def _depth(document: Any) -> int:
    deepest = 0
    todo = [(document, 1)]
    while todo:
        value, depth = todo.pop()
        deepest = max(deepest, depth)
        children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        todo.extend((child, depth + 1) for child in children)
    return deepest


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\x00", "").encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_clean(item) for item in value]
    if isinstance(value, dict):
        return {_clean(key): _clean(item) for key, item in value.items()}
    return value
