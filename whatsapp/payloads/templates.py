"""Bodies of template messages, the only kind a campaign may send outside an open conversation."""

from collections.abc import Mapping, Sequence

from whatsapp.payloads import parts
from whatsapp.payloads.limits import InvalidPayload, required
from whatsapp.payloads.recipient import Payload, Recipient, envelope

NAME_LIMIT = 512
CODE_LIMIT = 15


def template(
    recipient: Recipient,
    name: str,
    language: str,
    *,
    header: Payload | None = None,
    body: Sequence[str] | Mapping[str, str] = (),
    buttons: Sequence[Payload] = (),
    offer: Payload | None = None,
    cards: Sequence[Sequence[Payload]] = (),
    reply_to: str | None = None,
    callback: str | None = None,
) -> Payload:
    """An approved template with its values.

    `header`, `buttons`, `offer` and the parts of `cards` come from `whatsapp.payloads.parts`. Give a
    component only where the template has a variable, media, place or product; count and order must match the
    template. Raises `InvalidPayload`.
    """
    components = [part for part in (header, offer) if part]
    if body:
        components.append(parts.body(body))
    components.extend(buttons)
    if cards:
        components.append(parts.carousel(cards))
    return from_components(recipient, name, language, components, reply_to=reply_to, callback=callback)


def from_components(
    recipient: Recipient,
    name: str,
    language: str,
    components: Sequence[Payload],
    *,
    reply_to: str | None = None,
    callback: str | None = None,
) -> Payload:
    """An approved template whose components are built already."""
    content: Payload = {
        "name": required("template.name", name, NAME_LIMIT),
        "language": {"code": required("template.language", language)},
    }
    if components:
        content["components"] = list(components)
    return envelope(recipient, "template", content, reply_to=reply_to, callback=callback)


def authentication(
    recipient: Recipient, name: str, language: str, code: str, *, callback: str | None = None
) -> Payload:
    """A one-time code: in the body and once more in the copy or autofill button; phone numbers only."""
    required("code", code, CODE_LIMIT)
    if not recipient.phone:
        raise InvalidPayload("to", "one-time codes need a phone number")
    return template(recipient, name, language, body=[code], buttons=[parts.url_button(0, code)], callback=callback)


def for_marketing(body: Payload, *, share_activity: bool = False, fall_back: bool = True) -> Payload:
    """The same template body for POST /{phone number id}/marketing_messages.

    `share_activity` lets Meta use reads and clicks for its own optimisation: off unless the tenant agreed.
    `fall_back` lets Meta deliver it as an ordinary marketing message where the other way is impossible.
    """
    if body.get("type") != "template":
        raise InvalidPayload("type", "only templates can be sent as marketing messages")
    return body | {
        "product_policy": "CLOUD_API_FALLBACK" if fall_back else "STRICT",
        "message_activity_sharing": share_activity,
    }
