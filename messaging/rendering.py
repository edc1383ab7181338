"""Turns a frozen content and a contact's values into the body that Meta gets. Pure: no database, no clock.

Shape of `variables` (Content.variables, campaigns' Variant.variables):
{"header": {"kind": "image", "link": "https://…"} | {"kind": "text", "value": Value},
 "body": [Value, …],
 "buttons": [{"index": 0, "kind": "url", "url": "https://shop.example/aktion", "link": <Link id>},
             {"index": 1, "kind": "quick_reply", "payload": "optout:campaign"},
             {"index": 0, "kind": "copy_code", "value": Value}]}
Value = {"name": "1" | "first_name", "from": a field | "attribute:<key>" | "text" | OWN_PAGE, "text": …,
         "fallback": …}

Freezing adds "pieces" to a fixed text of the body that holds tracked addresses: ["Mehr: ", <Link id>, " bis Sonntag"].
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from messaging import links
from whatsapp.payloads import Recipient, parts, templates
from whatsapp.payloads.recipient import envelope

Variables = Mapping[str, Any]
BODY_LIMIT = 1024
VARIABLE = re.compile(r"\{\{\s*([a-z0-9_]+)\s*\}\}")
FIELDS = ("first_name", "last_name", "email", "phone", "postcode", "country", "language", "external_id", "birthday")
# Not a field: the address of the page on which this person sees what they agreed to and ends it (CG-20).
OWN_PAGE = "own_page"


class MissingValue(Exception):
    """The contact has no value for a variable and there is no fallback."""


class TooLong(Exception):
    """The body exceeds 1,024 characters with this contact's values (Meta's 132005)."""


@dataclass(frozen=True)
class Person:
    """What rendering needs to know of a contact."""

    phone: str | None = None
    bsuid: str | None = None
    values: Mapping[str, str | None] = field(default_factory=dict)
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TemplateText:
    """What rendering needs to know of a template."""

    name: str
    language: str
    components: Sequence[Mapping[str, Any]]
    is_named: bool = False

    def part(self, kind: str) -> Mapping[str, Any] | None:
        """The component of this type (HEADER, BODY, FOOTER, BUTTONS), if the template has one."""
        return next((c for c in self.components if str(c.get("type", "")).upper() == kind), None)

    @property
    def body(self) -> str:
        part = self.part("BODY")
        return str(part.get("text", "")) if part else ""

    @property
    def buttons(self) -> list[Mapping[str, Any]]:
        part = self.part("BUTTONS")
        return list(part.get("buttons", [])) if part else []


@dataclass(frozen=True)
class Preview:
    """A message as the recipient will see it, before WhatsApp's own markup is applied."""

    header_kind: str
    header: str
    body: str
    footer: str
    buttons: list[str]


def variables_in(text: str) -> list[str]:
    """The variable names of a template text in order of first appearance: ["1", "2"] or ["first_name"]."""
    return list(dict.fromkeys(VARIABLE.findall(text)))


def body(
    template: TemplateText,
    variables: Variables,
    person: Person,
    *,
    link_tokens: Mapping[int, str],
    callback: str,
) -> dict[str, Any]:
    """The complete body for POST …/messages.

    `link_tokens` maps each of `link_ids` to its token for this message. Raises MissingValue, TooLong, and
    whatsapp.payloads.InvalidPayload for values Meta would refuse.
    """
    texts = body_values(variables, person, link_tokens)
    check_length(template.body, texts)
    return templates.template(
        Recipient(person.phone, person.bsuid),
        template.name,
        template.language,
        header=_header(variables.get("header"), person),
        body=texts if template.is_named else [texts[name] for name in sorted(texts, key=_number)],
        buttons=[b for b in (_button(b, person, link_tokens) for b in variables.get("buttons", [])) if b],
        callback=callback,
    )


def free_form(content: Variables, person: Person, *, link_tokens: Mapping[int, str], callback: str) -> dict[str, Any]:
    """The complete body of a free-form message ({"type": "text", "text": {"body": …}}) in an open conversation.

    A text with tracked addresses has "pieces" beside it, as values of templates have.
    """
    kind = str(content["type"])
    said = content[kind]
    if "pieces" in content:
        said = {**said, "body": _linked(content["pieces"], link_tokens)}
    return envelope(Recipient(person.phone, person.bsuid), kind, said, callback=callback)


def link_ids(content: Variables) -> list[int]:
    """The Links that frozen variables or a free-form content lead to, of buttons and of texts."""
    buttons = [int(button["link"]) for button in content.get("buttons", []) if "link" in button]
    texts = [content, *content.get("body", [])]
    return buttons + [piece for text in texts for piece in text.get("pieces", []) if isinstance(piece, int)]


def leads_to_own_page(content: Variables) -> bool:
    """Whether a text of the message brings the address of the person's own page."""
    return any(value.get("from") == OWN_PAGE for value in content.get("body", []))


def preview(template: TemplateText, variables: Variables, person: Person) -> Preview:
    """The message as this person will read it; variables without a value stay visible as {{name}}."""
    header = template.part("HEADER") or {}
    footer = template.part("FOOTER") or {}
    chosen = variables.get("header") or {}
    header_text = str(header.get("text", ""))
    if chosen.get("kind") == "text":
        header_text = _filled(header_text, {chosen["value"].get("name", "1"): _shown(chosen["value"], person)})
    return Preview(
        header_kind=str(header.get("format", "")).lower(),
        header=str(chosen.get("link", "")) or header_text,
        body=_filled(template.body, {name: _shown(value, person) for name, value in _by_name(variables)}),
        footer=str(footer.get("text", "")),
        buttons=[str(b.get("text", "")) for b in template.buttons],
    )


def body_values(variables: Variables, person: Person, link_tokens: Mapping[int, str] | None = None) -> dict[str, str]:
    """The body's values by variable name, in order; raises MissingValue."""
    return {name: value_of(value, person, link_tokens) for name, value in _by_name(variables)}


def value_of(value: Mapping[str, Any], person: Person, link_tokens: Mapping[int, str] | None = None) -> str:
    """One variable's text for this person: the contact's value, else the fallback; raises MissingValue.

    With `link_tokens` a frozen text's addresses are our `/r/<token>`, without it those that somebody entered.
    """
    source = str(value.get("from", "text"))
    if source == "text":
        found = _linked(value["pieces"], link_tokens) if link_tokens and "pieces" in value else value.get("text")
    elif source.startswith("attribute:"):
        found = person.attributes.get(source.removeprefix("attribute:"))
    else:
        found = person.values.get(source)
    text = parts.clean(str(found)) if found not in (None, "") else ""
    text = text or parts.clean(str(value.get("fallback") or ""))
    if not text:
        raise MissingValue(str(value.get("name", source)))
    return text


def check_length(text: str, values: Mapping[str, str]) -> None:
    """Raise TooLong if the text with its values exceeds Meta's limit for bodies."""
    if len(_filled(text, values)) > BODY_LIMIT:
        raise TooLong


def _linked(pieces: Sequence[str | int], link_tokens: Mapping[int, str]) -> str:
    return "".join(piece if isinstance(piece, str) else links.prefix() + link_tokens[piece] for piece in pieces)


def _by_name(variables: Variables) -> list[tuple[str, Variables]]:
    """The body's values; those without a name are numbered as they come."""
    return [(str(value.get("name", n)), value) for n, value in enumerate(variables.get("body", []), start=1)]


def _number(name: str) -> tuple[int, str]:
    """Sorts "2" before "10"."""
    return len(name), name


def _header(chosen: Variables | None, person: Person) -> dict[str, Any] | None:
    if not chosen:
        return None
    if chosen["kind"] == "text":
        value = chosen["value"]
        name = str(value.get("name", "1"))
        return parts.header_text(value_of(value, person), None if name.isdigit() else name)
    return parts.header_media(chosen["kind"], media_id=chosen.get("meta_id"), link=chosen.get("link"))


def _button(chosen: Variables, person: Person, link_tokens: Mapping[int, str]) -> dict[str, Any] | None:
    index = int(chosen["index"])
    match chosen["kind"]:
        case "url" if "link" in chosen:
            return parts.url_button(index, link_tokens[int(chosen["link"])])
        case "url":
            return parts.url_button(index, str(chosen["url"]))
        case "quick_reply":
            return parts.quick_reply_button(index, str(chosen["payload"]))
        case "copy_code":
            return parts.copy_code_button(index, value_of(chosen["value"], person))
    return None


def _filled(text: str, values: Mapping[str, str]) -> str:
    return VARIABLE.sub(lambda match: values.get(match[1], match[0]), text)


def _shown(value: Mapping[str, Any], person: Person) -> str:
    try:
        return value_of(value, person)
    except MissingValue as missing:
        return "{{" + str(missing) + "}}"
