"""Reads what arrives in the field `messages` and its kin: statuses, inbound messages, preferences, echoes."""

from typing import Any

import orjson

from whatsapp.events.kinds import (
    AccountError,
    Echo,
    Event,
    EventError,
    History,
    Inbound,
    Json,
    NumberChanged,
    Preference,
    Pricing,
    Status,
    Unknown,
)
from whatsapp.events.values import (
    Unreadable,
    error_of,
    items_of,
    media_of,
    needed,
    number_of,
    object_of,
    person_of,
    text_of,
    time_of,
    time_or_now,
)

STATUSES = frozenset(("sent", "delivered", "read", "played", "failed"))
NUMBER_CHANGES = frozenset(("user_changed_number", "user_changed_user_id", "customer_changed_number"))


def read_status(account_id: str, number_id: str, item: Json) -> Event:
    """One status; unknown ones become `Unknown`. Source: Meta "Status messages webhook"."""
    status = item.get("status")
    if status not in STATUSES:
        return Unknown(account_id, number_id, "statuses", text_of(status), item)
    phone, bsuid = person_of(item.get("recipient_id"), item.get("recipient_user_id"))
    errors = item.get("errors")
    pricing = item.get("pricing")
    return Status(
        account_id,
        number_id,
        needed(item, "id"),
        status,
        time_of(item.get("timestamp")),
        phone,
        bsuid,
        text_of(item.get("recipient_parent_user_id")),
        text_of(item.get("biz_opaque_callback_data")),
        error_of(errors) or (EventError(None, "", "") if status == "failed" else None),
        _pricing(pricing) if isinstance(pricing, dict) else None,
        item,
    )


def _pricing(pricing: Json) -> Pricing:
    return Pricing(
        text_of(pricing.get("type")),
        text_of(pricing.get("category")).replace("-", "_"),
        text_of(pricing.get("pricing_model")),
    )


def read_message(account_id: str, number_id: str, item: Json, contacts: list[Any]) -> Event:
    """One inbound message, or a change of number told as a system message."""
    kind = text_of(item.get("type"))
    if kind == "system":
        return _read_system(account_id, number_id, item)
    phone, bsuid = person_of(item.get("from"), item.get("from_user_id"))
    contact = _contact_of(contacts, phone, bsuid)
    contact_phone, contact_bsuid = person_of(contact.get("wa_id"), contact.get("user_id"))
    if not (phone or bsuid or contact_phone or contact_bsuid):
        raise Unreadable("no sender")
    profile = object_of(contact.get("profile"))
    text, payload, title = _words_of(kind, item)
    return Inbound(
        account_id,
        number_id,
        needed(item, "id"),
        phone or contact_phone,
        bsuid or contact_bsuid,
        text_of(item.get("from_parent_user_id")) or text_of(contact.get("parent_user_id")),
        text_of(profile.get("username")),
        text_of(profile.get("name")),
        time_or_now(item.get("timestamp")),
        kind,
        text,
        payload,
        title,
        _context_of(kind, item),
        _form_of(payload) if title == "" and kind == "interactive" else None,
        media_of(item),
        object_of(item.get("referral")) or None,
        error_of(item.get("errors")),
        item,
    )


def _contact_of(contacts: list[Any], phone: str, bsuid: str) -> Json:
    known = [contact for contact in contacts if isinstance(contact, dict)]
    for contact in known:
        contact_phone, contact_bsuid = person_of(contact.get("wa_id"), contact.get("user_id"))
        if (phone and contact_phone == phone) or (bsuid and contact_bsuid == bsuid):
            return contact
        comparable = (phone and contact_phone) or (bsuid and contact_bsuid)
        # One contact and no id to compare by: it can only be the sender.
        if len(known) == 1 and not comparable:
            return contact
    return {}


def _words_of(kind: str, item: Json) -> tuple[str, str, str]:
    """Text, payload and title of a message."""
    content = object_of(item.get(kind))
    if kind == "text":
        return text_of(content.get("body")), "", ""
    if kind == "button":
        return "", text_of(content.get("payload")), text_of(content.get("text"))
    if kind == "interactive":
        reply = object_of(content.get(text_of(content.get("type"))))
        if "response_json" in reply:
            return "", text_of(reply.get("response_json")), ""
        return "", text_of(reply.get("id")), text_of(reply.get("title"))
    if kind == "edit":
        message = object_of(content.get("message"))
        return _words_of(text_of(message.get("type")), message) if message.get("type") != "edit" else ("", "", "")
    if kind == "reaction":
        return text_of(content.get("emoji")), "", ""
    return text_of(content.get("caption")) or text_of(content.get("text")), "", ""


def _context_of(kind: str, item: Json) -> str:
    content = object_of(item.get(kind))
    if kind == "reaction":
        return text_of(content.get("message_id"))
    if kind in ("edit", "revoke"):
        return text_of(content.get("original_message_id"))
    return text_of(object_of(item.get("context")).get("id"))


def _form_of(payload: str) -> Json | None:
    try:
        form = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return None
    return form if isinstance(form, dict) else None


def _read_system(account_id: str, number_id: str, item: Json) -> Event:
    system = object_of(item.get("system"))
    if text_of(system.get("type")) not in NUMBER_CHANGES:
        return Unknown(account_id, number_id, "messages", f"system:{text_of(system.get('type'))}", item)
    old_phone, old_bsuid = person_of(item.get("from"), item.get("from_user_id"))
    new_phone, new_bsuid = person_of(system.get("wa_id") or system.get("new_wa_id"), system.get("user_id"))
    return NumberChanged(
        account_id,
        number_id,
        text_of(item.get("id")),
        old_phone,
        new_phone,
        old_bsuid,
        new_bsuid,
        text_of(item.get("from_parent_user_id")),
        text_of(system.get("parent_user_id")),
        time_of(item.get("timestamp")),
        item,
    )


def read_identity(account_id: str, number_id: str, item: Json) -> Event:
    """One item of the field `user_id_update`: a BSUID was replaced."""
    phone, _ = person_of(item.get("wa_id"), None)
    user, parent = object_of(item.get("user_id")), object_of(item.get("parent_user_id"))
    return NumberChanged(
        account_id,
        number_id,
        "",
        phone,
        phone,
        text_of(user.get("previous")),
        text_of(user.get("current")),
        text_of(parent.get("previous")),
        text_of(parent.get("current")),
        time_of(item.get("timestamp")),
        item,
    )


def read_preference(account_id: str, number_id: str, item: Json) -> Event:
    """One item of the field `user_preferences`."""
    phone, bsuid = person_of(item.get("wa_id"), item.get("user_id"))
    return Preference(
        account_id,
        number_id,
        phone,
        bsuid,
        text_of(item.get("parent_user_id")),
        text_of(item.get("category")),
        needed(item, "value").lower(),
        text_of(item.get("signup_id")),
        time_or_now(item.get("timestamp")),
        item,
    )


def read_echo(account_id: str, number_id: str, item: Json) -> Event:
    """One message typed in the WhatsApp Business app."""
    phone, bsuid = person_of(item.get("to"), item.get("to_user_id"))
    kind = text_of(item.get("type"))
    return Echo(
        account_id,
        number_id,
        needed(item, "id"),
        phone,
        bsuid,
        time_of(item.get("timestamp")),
        kind,
        _words_of(kind, item)[0],
        media_of(item),
        item,
    )


def read_history(account_id: str, number_id: str, item: Json) -> Event:
    """One piece of past chats."""
    meta = object_of(item.get("metadata"))
    threads = [thread for thread in items_of(item.get("threads")) if isinstance(thread, dict)]
    return History(
        account_id,
        number_id,
        number_of(meta.get("phase")) or 0,
        number_of(meta.get("chunk_order")) or 0,
        number_of(meta.get("progress")) or 0,
        threads,
        item,
    )


def read_error(account_id: str, number_id: str, item: Json) -> Event:
    """One error that belongs to no message."""
    return AccountError(account_id, number_id, error_of([item]) or EventError(None, "", ""), item)
