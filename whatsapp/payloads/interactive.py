"""Bodies of interactive messages: buttons, lists, links, products, flows, carousels, requests."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from whatsapp.payloads.limits import InvalidPayload, at_most, between, required, unique
from whatsapp.payloads.parts import product_sections
from whatsapp.payloads.recipient import Payload, Recipient, envelope

BODY_LIMIT = 1024
LIST_BODY_LIMIT = 4096
CARD_BODY_LIMIT = 160
HEADER_LIMIT = 60
FOOTER_LIMIT = 60


class Row(NamedTuple):
    """One line of a list message."""

    id: str
    title: str
    description: str = ""


class Card(NamedTuple):
    """One card of a media carousel: a header from `media_header`, text, and a link button."""

    header: Payload
    body: str
    button: str
    url: str


def text_header(value: str) -> Payload:
    """A header of up to 60 characters."""
    return {"type": "text", "text": required("header.text", value, HEADER_LIMIT)}


def media_header(kind: str, media: Payload) -> Payload:
    """An image, video or document header; `media` comes from `messages.media_object`."""
    if kind not in ("image", "video", "document"):
        raise InvalidPayload("header", "must be an image, a video or a document")
    return {"type": kind, kind: media}


def interactive(
    recipient: Recipient,
    content: Payload,
    *,
    reply_to: str | None = None,
    callback: str | None = None,
) -> Payload:
    """A message around one of the contents below."""
    return envelope(recipient, "interactive", content, reply_to=reply_to, callback=callback)


def buttons(
    body: str, replies: Mapping[str, str], *, header: Payload | None = None, footer: str | None = None
) -> Payload:
    """One to three reply buttons: id to title."""
    between("buttons", replies, 1, 3)
    unique("buttons.title", list(replies.values()))
    for key, title in replies.items():
        required("buttons.id", key, 256)
        required("buttons.title", title, 20)
    choices = [{"type": "reply", "reply": {"id": key, "title": title}} for key, title in replies.items()]
    return _content("button", body, {"buttons": choices}, header, footer)


def choices(
    body: str,
    button: str,
    sections: Mapping[str, Sequence[Row]],
    *,
    header: str | None = None,
    footer: str | None = None,
) -> Payload:
    """A list message: section title to rows, at most ten rows in all; one section needs no title."""
    rows = [row for section in sections.values() for row in section]
    between("sections", sections, 1, 10)
    between("sections.rows", rows, 1, 10)
    unique("rows.id", [row.id for row in rows])
    action = {
        "button": required("button", button, 20),
        "sections": [_section(title, section, len(sections)) for title, section in sections.items()],
    }
    head = text_header(header) if header else None
    return _content("list", body, action, head, footer, limit=LIST_BODY_LIMIT)


def _section(title: str, rows: Sequence[Row], count: int) -> Payload:
    if count > 1:
        required("sections.title", title)
    at_most("sections.title", title, 24)
    return ({"title": title} if title else {}) | {"rows": [_row(row) for row in rows]}


def _row(row: Row) -> Payload:
    at_most("rows.description", row.description, 72)
    line = {"id": required("rows.id", row.id, 200), "title": required("rows.title", row.title, 24)}
    return line | ({"description": row.description} if row.description else {})


def link(body: str, label: str, url: str, *, header: Payload | None = None, footer: str | None = None) -> Payload:
    """One button that opens a web address."""
    return _content("cta_url", body, _link_action(label, url), header, footer)


def _link_action(label: str, url: str) -> Payload:
    parameters = {"display_text": required("button", label, 20), "url": required("url", url, 2000)}
    return {"name": "cta_url", "parameters": parameters}


def product(catalog_id: str, retailer_id: str, *, body: str | None = None, footer: str | None = None) -> Payload:
    """A single product of a catalogue."""
    action = {"catalog_id": catalog_id, "product_retailer_id": retailer_id}
    return _content("product", body, action, None, footer)


def products(
    header: str,
    body: str,
    catalog_id: str,
    sections: Mapping[str, Sequence[str]],
    *,
    footer: str | None = None,
) -> Payload:
    """Up to 30 products in up to 10 sections: section title to product ids."""
    action = {"catalog_id": catalog_id, "sections": product_sections(sections)}
    return _content("product_list", required("body", body), action, text_header(header), footer)


def catalog(body: str, *, thumbnail_retailer_id: str | None = None, footer: str | None = None) -> Payload:
    """A button that opens the whole catalogue."""
    action: Payload = {"name": "catalog_message"}
    if thumbnail_retailer_id:
        action["parameters"] = {"thumbnail_product_retailer_id": thumbnail_retailer_id}
    return _content("catalog_message", required("body", body), action, None, footer)


def flow(
    body: str,
    label: str,
    token: str,
    *,
    flow_id: str | None = None,
    flow_name: str | None = None,
    screen: str | None = None,
    data: Mapping[str, Any] | None = None,
    draft: bool = False,
    header: Payload | None = None,
    footer: str | None = None,
) -> Payload:
    """A form. With `screen` it starts there; without one the form's own endpoint decides."""
    if bool(flow_id) == bool(flow_name):
        raise InvalidPayload("flow", "needs either an id or a name")
    parameters: Payload = {
        "flow_message_version": "3",
        "flow_cta": required("flow_cta", label, 30),
        "flow_token": required("flow_token", token),
        "mode": "draft" if draft else "published",
        "flow_action": "navigate" if screen else "data_exchange",
    }
    parameters |= {"flow_id": flow_id} if flow_id else {"flow_name": flow_name}
    if screen:
        parameters["flow_action_payload"] = {"screen": screen} | ({"data": dict(data)} if data else {})
    return _content("flow", required("body", body), {"name": "flow", "parameters": parameters}, header, footer)


def carousel(body: str, cards: Sequence[Card]) -> Payload:
    """Two to ten cards with a picture or video, a text and a link; all headers of the same kind."""
    between("cards", cards, 2, 10)
    if len({card.header.get("type") for card in cards}) > 1:
        raise InvalidPayload("cards.header", "all cards need the same kind of header")
    action = {"cards": [_card(index, card) for index, card in enumerate(cards)]}
    return _content("carousel", required("body", body), action, None, None)


def _card(index: int, card: Card) -> Payload:
    at_most("cards.body", card.body, CARD_BODY_LIMIT)
    content: Payload = {"card_index": index, "type": "cta_url", "header": card.header}
    if card.body:
        content["body"] = {"text": card.body}
    return content | {"action": _link_action(card.button, card.url)}


def ask_location(body: str) -> Payload:
    """Asks the person to share where they are."""
    return _content("location_request_message", required("body", body), {"name": "send_location"}, None, None)


def ask_phone(body: str) -> Payload:
    """Asks a person known only by user name for their phone number."""
    return _content("request_contact_info", required("body", body), {"name": "request_contact_info"}, None, None)


def _content(
    kind: str,
    body: str | None,
    action: Payload,
    header: Payload | None,
    footer: str | None,
    *,
    limit: int = BODY_LIMIT,
) -> Payload:
    content: Payload = {"type": kind}
    if header:
        content["header"] = header
    if body or kind != "product":
        content["body"] = {"text": required("body", body, limit)}
    if footer:
        at_most("footer", footer, FOOTER_LIMIT)
        content["footer"] = {"text": footer}
    return content | {"action": action}
