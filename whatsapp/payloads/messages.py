"""Bodies of the plain message kinds: text, media, place, contact cards, reactions, read receipts."""

from collections.abc import Sequence
from typing import Any, Literal

from whatsapp.payloads.limits import InvalidPayload, at_most, required
from whatsapp.payloads.recipient import Payload, Recipient, envelope

MediaKind = Literal["image", "video", "document", "audio", "sticker"]
_WITH_CAPTION = ("image", "video", "document")
TEXT_LIMIT = 4096
CAPTION_LIMIT = 1024


def text(
    recipient: Recipient,
    body: str,
    *,
    preview_url: bool = True,
    reply_to: str | None = None,
    callback: str | None = None,
) -> Payload:
    """Free text, allowed within 24 hours of the person's last message."""
    content = {"body": required("text.body", body, TEXT_LIMIT), "preview_url": preview_url}
    return envelope(recipient, "text", content, reply_to=reply_to, callback=callback)


def media_object(
    kind: MediaKind, *, media_id: str | None = None, link: str | None = None, filename: str | None = None
) -> Payload:
    """The `{"id"}` or `{"link"}` object of a file; exactly one of both is needed."""
    if bool(media_id) == bool(link):
        raise InvalidPayload(kind, "needs either an id or a link")
    content: Payload = {"id": media_id} if media_id else {"link": link}
    if filename is not None:
        if kind != "document":
            raise InvalidPayload(f"{kind}.filename", "only documents have a file name")
        content["filename"] = filename
    return content


def media(
    recipient: Recipient,
    kind: MediaKind,
    *,
    media_id: str | None = None,
    link: str | None = None,
    caption: str | None = None,
    filename: str | None = None,
    voice: bool = False,
    reply_to: str | None = None,
    callback: str | None = None,
) -> Payload:
    """An image, video, document, audio or sticker. `voice` shows audio (ogg/opus) as a voice note."""
    content = media_object(kind, media_id=media_id, link=link, filename=filename)
    if caption:
        if kind not in _WITH_CAPTION:
            raise InvalidPayload(f"{kind}.caption", "this kind has no caption")
        at_most(f"{kind}.caption", caption, CAPTION_LIMIT)
        content["caption"] = caption
    if voice:
        if kind != "audio":
            raise InvalidPayload(f"{kind}.voice", "only audio can be a voice note")
        content["voice"] = True
    return envelope(recipient, kind, content, reply_to=reply_to, callback=callback)


def location_object(
    latitude: float, longitude: float, *, name: str | None = None, address: str | None = None
) -> Payload:
    """A place in degrees, with an optional name and address."""
    if not -90 <= latitude <= 90 or not -180 <= longitude <= 180:
        raise InvalidPayload("location", "latitude or longitude is out of range")
    content: Payload = {"latitude": latitude, "longitude": longitude}
    if name:
        content["name"] = name
    if address:
        content["address"] = address
    return content


def location(
    recipient: Recipient,
    latitude: float,
    longitude: float,
    *,
    name: str | None = None,
    address: str | None = None,
    reply_to: str | None = None,
    callback: str | None = None,
) -> Payload:
    """A place on the map."""
    content = location_object(latitude, longitude, name=name, address=address)
    return envelope(recipient, "location", content, reply_to=reply_to, callback=callback)


def contacts(
    recipient: Recipient,
    cards: Sequence[dict[str, Any]],
    *,
    reply_to: str | None = None,
    callback: str | None = None,
) -> Payload:
    """Contact cards as Meta defines them; each needs `name.formatted_name` and one more part of the name."""
    if not cards:
        raise InvalidPayload("contacts", "must not be empty")
    for card in cards:
        name = card.get("name") or {}
        required("contacts.name.formatted_name", name.get("formatted_name"))
        if not any(value for part, value in name.items() if part != "formatted_name"):
            raise InvalidPayload("contacts.name", "needs one more part of the name")
    return envelope(recipient, "contacts", list(cards), reply_to=reply_to, callback=callback)


def reaction(recipient: Recipient, wamid: str, emoji: str, *, callback: str | None = None) -> Payload:
    """React to a message of at most 30 days ago; an empty emoji takes the reaction back."""
    content = {"message_id": required("reaction.message_id", wamid), "emoji": emoji}
    return envelope(recipient, "reaction", content, callback=callback)


def mark_read(wamid: str, *, typing: bool = False) -> Payload:
    """Mark an inbound message and all before it as read; "typing …" shows for up to 25 seconds."""
    body: Payload = {
        "messaging_product": "whatsapp",
        "status": "read",
        "message_id": required("message_id", wamid),
    }
    if typing:
        body["typing_indicator"] = {"type": "text"}
    return body
