"""Checks the values of a template message against the registered template; finds its links and buttons."""

import re
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from whatsapp.emulator.answers import Failure
from whatsapp.emulator.state import Account, Template

Json = dict[str, Any]

_VARIABLE = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")
_LINK = re.compile(r"https?://[^\s<>\"]+")
_SENTENCE_ENDS = ".,;:!?…)'*_~"
_FORBIDDEN = re.compile(r"[\n\t\r]| {5,}")
BODY_LIMIT = 1024


def find(account: Account, content: Json, *, must_exist: bool) -> Template | None:
    """The template a message names, None if none of the name is registered; raises `Failure`.

    132001 unknown language or not approved, 132015 paused, 132016 disabled.
    """
    name, code = content["name"], str(content["language"]["code"]).replace("-", "_")
    versions = [item for item in account.templates.values() if item.name == name]
    for item in versions:
        if item.language == code:
            _check_state(item)
            return item
    if versions or must_exist:
        raise Failure(132001, f"template name ({name}) does not exist in {code}")
    return None


def _check_state(template: Template) -> None:
    if template.status == "PAUSED":
        raise Failure(132015, "The template is paused due to low quality.")
    if template.status == "DISABLED":
        raise Failure(132016, "The template is disabled.")
    if template.status != "APPROVED":
        raise Failure(132001, f"template is {template.status}, not approved")


def check(template: Template, components: list[Any]) -> None:
    """Compare header, body and buttons with the template; raises `Failure` with the codes of section 7.5."""
    given = {str(part.get("type", "")).lower(): part for part in components if isinstance(part, dict)}
    defined = {str(part.get("type", "")).lower(): part for part in template.components}
    is_named = template.parameter_format.upper() == "NAMED"
    _check_header(defined.get("header") or {}, _parameters(given.get("header")), is_named)
    body = defined.get("body") or {}
    _check_texts("body", str(body.get("text", "")), _parameters(given.get("body")), is_named)
    _check_buttons(template, components)
    cards = (defined.get("carousel") or {}).get("cards") or []
    if cards and not (given.get("carousel") or {}).get("cards"):
        raise Failure(132012, "carousel: cards are missing")


def _parameters(part: Any) -> list[Json]:
    items = part.get("parameters") if isinstance(part, dict) else None
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _check_header(header: Json, given: list[Json], is_named: bool) -> None:
    kind = str(header.get("format", "TEXT")).lower()
    if kind == "text":
        _check_texts("header", str(header.get("text", "")), given, is_named)
    elif not given or str(given[0].get("type", "")).lower() != kind:
        raise Failure(132012, f"header: Format mismatch, expected {kind.upper()}")


def _check_texts(part: str, text: str, given: list[Json], is_named: bool) -> None:
    wanted, length = _shape(text)
    if len(given) != len(wanted):
        details = f"{part}: number of localizable_params ({len(given)}) does not match the expected number"
        raise Failure(132000, f"{details} of params ({len(wanted)})")
    if is_named and {item.get("parameter_name") for item in given} != wanted:
        raise Failure(132000, f"{part}: parameter names do not match the template")
    for item in given:
        value = str(item.get("text", "") or (item.get(str(item.get("type"))) or {}).get("fallback_value", ""))
        if not value:
            raise Failure(131008, f"{part}: parameter of type text is missing text value")
        if _FORBIDDEN.search(value):
            raise Failure(132018, f"{part}: Param text cannot have new-line/tab characters or more than 4 blanks")
        length += len(value)
    if length > BODY_LIMIT:
        raise Failure(132005, f"{part}: translated text too long")


@lru_cache(maxsize=10_000)
def _shape(text: str) -> tuple[frozenset[str], int]:
    """The variables of a text, and how long it is without them; the same few texts are sent again and again."""
    return frozenset(_VARIABLE.findall(text)), len(_VARIABLE.sub("", text))


def _check_buttons(template: Template, components: list[Any]) -> None:
    given = {str(part.get("index")): part for part in components if _is_button(part)}
    for index, button in enumerate(buttons_of(template)):
        needs = "{{" in str(button.get("url", "")) or str(button.get("type")).upper() == "COPY_CODE"
        if needs and not _parameters(given.get(str(index))):
            raise Failure(131008, f"buttons: Button at index {index} requires a parameter")
    for place in given:
        if not place.isdecimal() or int(place) >= len(buttons_of(template)):
            raise Failure(132018, f"buttons: the template has no button at index {place}")


def _is_button(part: Any) -> bool:
    return isinstance(part, dict) and str(part.get("type", "")).lower() == "button"


def buttons_of(template: Template) -> list[Json]:
    """The buttons of a template in order."""
    for part in template.components:
        if str(part.get("type", "")).lower() == "buttons":
            return [button for button in part.get("buttons") or [] if isinstance(button, dict)]
    return []


def link_of(template: Template | None, kind: str, content: Any, fallback: str) -> str:
    """The first link a person could follow: the URL button's, else one in the text, else none.

    `fallback` stands for the URL of an unregistered template's button, with {{1}} for the suffix.
    """
    if kind != "template":
        return _link_in(_plain_text(kind, content))
    for part in content.get("components") or []:
        if _is_button(part) and str(part.get("sub_type", "")).lower() == "url":
            suffix = str((_parameters(part) or [{}])[0].get("text", ""))
            return _fill(_pattern(template, part, fallback), suffix)
    for button in buttons_of(template) if template else []:
        if button.get("url") and "{{" not in str(button["url"]):
            return str(button["url"])
    return _link_in(" ".join(str(item.get("text", "")) for item in _body_values(content)))


def _link_in(text: str) -> str:
    """What a phone makes tappable; the end of a sentence is not part of it."""
    found = _LINK.search(text)
    return found.group().rstrip(_SENTENCE_ENDS) if found else ""


def _fill(pattern: str, suffix: str) -> str:
    return _VARIABLE.sub(lambda _: quote(suffix, safe="/?&=%#:+"), pattern)


def _pattern(template: Template | None, part: Json, fallback: str) -> str:
    index = str(part.get("index", "0"))
    buttons = buttons_of(template) if template else []
    if index.isdecimal() and int(index) < len(buttons):
        return str(buttons[int(index)].get("url", ""))
    return fallback


def _plain_text(kind: str, content: Any) -> str:
    if not isinstance(content, dict):
        return ""
    if kind == "interactive":
        parameters = (content.get("action") or {}).get("parameters") or {}
        return f"{parameters.get('url', '')} {(content.get('body') or {}).get('text', '')}"
    return str(content.get("body") or content.get("caption") or "")


def _body_values(content: Json) -> list[Json]:
    for part in content.get("components") or []:
        if isinstance(part, dict) and str(part.get("type", "")).lower() == "body":
            return _parameters(part)
    return []


def tap_of(template: Template | None, kind: str, content: Any) -> tuple[str, str]:
    """Payload and text of the first quick reply of a message, empty if it has none."""
    if kind == "interactive" and content.get("type") == "button":
        reply = (content["action"]["buttons"][0].get("reply")) or {}
        return str(reply.get("id", "")), str(reply.get("title", ""))
    if kind != "template":
        return "", ""
    buttons = buttons_of(template) if template else []
    for part in content.get("components") or []:
        if _is_button(part) and str(part.get("sub_type", "")).lower() == "quick_reply":
            payload = str((_parameters(part) or [{}])[0].get("payload", ""))
            index = str(part.get("index", "0"))
            known = buttons[int(index)] if index.isdecimal() and int(index) < len(buttons) else {}
            return payload, str(known.get("text", payload))
    for button in buttons:
        if str(button.get("type", "")).upper() == "QUICK_REPLY":
            return str(button.get("text", "")), str(button.get("text", ""))
    return "", ""
