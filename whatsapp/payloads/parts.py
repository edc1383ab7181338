"""Pieces of a template message: header, body and button parameters, cards, the offer's end."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from whatsapp.payloads.limits import InvalidPayload, at_most, between, required
from whatsapp.payloads.messages import MediaKind, location_object, media_object
from whatsapp.payloads.recipient import Payload

QUICK_REPLY_LIMIT = 128
COUPON_LIMIT = 15
_LINE_BREAKS = re.compile(r"\s*[\r\n\v\f\x85\u2028\u2029]+\s*")
_BLANKS = re.compile(r"[ \u00a0]{4,}")


def clean(value: str) -> str:
    """A value as Meta accepts it in a template: no line breaks, no tabs, at most three blanks in a row."""
    joined = _LINE_BREAKS.sub(" ", value).replace("\t", " ")
    return _BLANKS.sub("   ", joined).strip()


def text_parameter(field: str, value: str, name: str | None = None) -> Payload:
    """A text value, cleaned; raises `InvalidPayload` if nothing is left. `name` for named templates."""
    parameter: Payload = {"type": "text", "text": required(field, clean(value))}
    if name:
        parameter["parameter_name"] = name
    return parameter


def header_text(value: str, name: str | None = None) -> Payload:
    """The variable of a text header."""
    return _header(text_parameter("header", value, name))


def header_media(
    kind: MediaKind, *, media_id: str | None = None, link: str | None = None, filename: str | None = None
) -> Payload:
    """An image, video or document header."""
    if kind not in ("image", "video", "document"):
        raise InvalidPayload("header", "must be an image, a video or a document")
    return _header({"type": kind, kind: media_object(kind, media_id=media_id, link=link, filename=filename)})


def header_gif(*, media_id: str | None = None, link: str | None = None) -> Payload:
    """A GIF header (an MP4 of at most 3.5 MB), only over the Marketing Messages API."""
    return _header({"type": "gif", "gif": media_object("video", media_id=media_id, link=link)})


def header_location(latitude: float, longitude: float, *, name: str, address: str) -> Payload:
    """A place as header; Meta's examples write the degrees as strings here."""
    place = location_object(latitude, longitude, name=name, address=address)
    place |= {"latitude": str(latitude), "longitude": str(longitude)}
    return _header({"type": "location", "location": place})


def header_product(retailer_id: str, catalog_id: str) -> Payload:
    """One product of a catalogue as header."""
    product = {
        "product_retailer_id": required("header.product", retailer_id),
        "catalog_id": required("header.catalog", catalog_id),
    }
    return _header({"type": "product", "product": product})


def body(values: Sequence[str] | Mapping[str, str]) -> Payload:
    """Body values: a sequence for {{1}}, {{2}} …, a mapping for named variables."""
    if isinstance(values, Mapping):
        parameters = [text_parameter(f"body.{name}", value, name) for name, value in values.items()]
    else:
        parameters = [text_parameter(f"body.{number}", value) for number, value in enumerate(values, 1)]
    return {"type": "body", "parameters": parameters}


def url_button(index: int, suffix: str) -> Payload:
    """The end of a URL button's address, already URL-encoded by the caller."""
    return _button("url", index, {"type": "text", "text": required(f"buttons.{index}.url", suffix)})


def quick_reply_button(index: int, payload: str) -> Payload:
    """The payload that comes back when the person taps this quick reply."""
    value = required(f"buttons.{index}.payload", payload, QUICK_REPLY_LIMIT)
    return _button("quick_reply", index, {"type": "payload", "payload": value})


def copy_code_button(index: int, code: str) -> Payload:
    """The coupon code of a copy-code button: letters and digits, at most 15."""
    field = f"buttons.{index}.coupon_code"
    required(field, code, COUPON_LIMIT)
    if not (code.isascii() and code.isalnum()):
        raise InvalidPayload(field, "must consist of letters and digits")
    return _button("copy_code", index, {"type": "coupon_code", "coupon_code": code})


def catalog_button(index: int, thumbnail_retailer_id: str | None = None) -> Payload:
    """A "view catalogue" button, with the product whose picture is shown."""
    return _button("catalog", index, _action(_thumbnail(thumbnail_retailer_id)))


def products_button(index: int, thumbnail_retailer_id: str, sections: Mapping[str, Sequence[str]]) -> Payload:
    """A multi-product button: section title to product ids, at most 10 sections and 30 products."""
    action = _thumbnail(thumbnail_retailer_id) | {"sections": product_sections(sections)}
    return _button("mpm", index, _action(action))


def flow_button(index: int, token: str, data: Mapping[str, Any] | None = None) -> Payload:
    """Opens a Flow; `token` comes back with the answer, `data` fills the first screen."""
    action: Payload = {"flow_token": required(f"buttons.{index}.flow_token", token)}
    if data:
        action["flow_action_data"] = dict(data)
    return _button("flow", index, _action(action))


def limited_offer(expires_at: datetime) -> Payload:
    """The end of a limited-time offer (an aware datetime)."""
    if expires_at.tzinfo is None:
        raise InvalidPayload("limited_time_offer", "the end needs a time zone")
    offer = {"expiration_time_ms": int(expires_at.timestamp() * 1000)}
    parameter = {"type": "limited_time_offer", "limited_time_offer": offer}
    return {"type": "limited_time_offer", "parameters": [parameter]}


def carousel(cards: Sequence[Sequence[Payload]]) -> Payload:
    """Cards, each a list of header, body and button components; 2 to 10 of them."""
    between("carousel.cards", cards, 2, 10)
    numbered = [{"card_index": index, "components": list(parts)} for index, parts in enumerate(cards)]
    return {"type": "carousel", "cards": numbered}


def product_sections(sections: Mapping[str, Sequence[str]]) -> list[Payload]:
    """Sections of products for catalogue messages and buttons: at most 10 sections and 30 products."""
    between("sections", sections, 1, 10)
    at_most("sections.products", [sku for skus in sections.values() for sku in skus], 30)
    for title, skus in sections.items():
        at_most("sections.title", title, 24)
        between("sections.products", skus, 1, 30)
    return [
        {"title": title, "product_items": [{"product_retailer_id": sku} for sku in skus]}
        for title, skus in sections.items()
    ]


def _header(parameter: Payload) -> Payload:
    return {"type": "header", "parameters": [parameter]}


def _button(sub_type: str, index: int, parameter: Payload) -> Payload:
    if not 0 <= index <= 9:
        raise InvalidPayload("buttons.index", "must lie between 0 and 9")
    return {"type": "button", "sub_type": sub_type, "index": str(index), "parameters": [parameter]}


def _action(action: Payload) -> Payload:
    return {"type": "action", "action": action}


def _thumbnail(retailer_id: str | None) -> Payload:
    return {"thumbnail_product_retailer_id": retailer_id} if retailer_id else {}
