"""Hears in what people wrote that they want to sign up, and answers: the wording with a button, or the confirmation."""

from dataclasses import replace
from datetime import timedelta
from typing import NamedTuple

from django.utils import timezone

from consent import signups, speaking
from consent.actions import preferences
from consent.actions.hearing import hear
from consent.actions.signups import Heard, Said
from consent.models import Channel, Purpose
from consent.queries import keywords_among, may_send
from consent.rules import META_STOP
from contacts.models import Contact
from inbox import queries
from inbox.models import InboundMessage
from messaging import actions
from messaging.queries import last_message, question_with
from tenants.models import Tenant
from whatsapp.models import Number

# Meta takes a free answer for 24 hours after the person wrote; a little less, because sending takes time too.
WINDOW = timedelta(hours=23, minutes=50)
# Meta's limit for the words on a button.
BUTTON = 20


class Message(NamedTuple):
    """A message that is no opt-out; `is_start` when it is one of the general words for signing up."""

    contact: Contact
    number: Number
    inbound: InboundMessage
    is_start: bool


def apply(tenant: Tenant, messages: list[Message]) -> None:
    """Record what was asked or confirmed, and answer each person once."""
    named = keywords_among(tenant, [message.inbound.text for message in messages])
    for message in messages:
        heard = hear(
            tenant=tenant, contact=message.contact, said=_said(message), is_start=message.is_start, named=named
        )
        if heard is None:
            continue
        if heard.outcome == "refused":
            # "Nein danke" was the answer to a question, so nobody has to look what it was about.
            InboundMessage.objects.filter(pk=message.inbound.pk).update(needs_a_look=False)
        if message.inbound.sent_at > timezone.now() - WINDOW:
            _answer(tenant, message, heard)


def _said(message: Message) -> Said:
    """The message with what stands before it in the chat, where it can be an answer to a question of ours."""
    inbound, number = message.inbound, message.number
    said = Said(
        inbound.wamid,
        inbound.text,
        inbound.sent_at,
        phone_number_id=number.phone_number_id,
        payload=inbound.payload,
        number=signups.stored(number.display_number),
    )
    if signups.PAYLOAD.fullmatch(inbound.payload):
        asked = question_with(message.contact, number, inbound.payload)
        return replace(said, question_wamid=asked.wamid) if asked else said
    if inbound.payload or not (signups.is_yes(inbound.text) or signups.is_no(inbound.text)):
        return said
    asked = last_message(message.contact, number)
    # Who quotes another message answers that one.
    if asked is None or inbound.answers_id not in (None, asked.message_id):
        return said
    before = queries.written_before(inbound)
    return replace(said, question=asked.payload, question_wamid=asked.wamid, previous_at=before)


def _answer(tenant: Tenant, message: Message, heard: Heard) -> None:
    said = speaking.texts(tenant, heard.language)
    actions.queue_reply(
        tenant=tenant,
        number=message.number,
        contact=message.contact,
        text=_text(message, heard, said),
        buttons=_buttons(heard, said),
        dedupe=_dedupe(message, heard),
        expires_at=message.inbound.sent_at + WINDOW,
    )


def _text(message: Message, heard: Heard, said: dict[str, str]) -> str:
    if heard.outcome == "asked" and heard.version:
        return speaking.question(message.contact.tenant, heard.language, heard.version)
    is_signed_up = heard.outcome in ("confirmed", "known")
    told = "stopped" if is_signed_up and _is_stopped(message.contact) else heard.outcome
    own_page = preferences.url(message.contact) if heard.outcome == "confirmed" else ""
    page = signups.page_url(heard.form)
    return speaking.answer(said, told, page=page, code=heard.code, is_owed=heard.is_owed, own_page=own_page)


def _is_stopped(contact: Contact) -> bool:
    """Whether the person stopped marketing in WhatsApp's own settings, which no yes of theirs lifts."""
    return may_send(contact=contact, channel=Channel.WHATSAPP, purpose=Purpose.MARKETING).reason == META_STOP


def _buttons(heard: Heard, said: dict[str, str]) -> list[tuple[str, str]]:
    if heard.outcome != "asked" or heard.version is None:
        return []
    return [(signups.payload(heard.form, heard.version.pk), said["button"][:BUTTON])]


def _dedupe(message: Message, heard: Heard) -> str:
    """A question goes out once a day, however often somebody writes the keyword; every other answer once.

    Another version is another question, and who has answered one is asked anew.
    """
    if heard.outcome == "asked" and heard.version:
        day = f"{message.inbound.sent_at:%Y-%m-%d}"
        return f"sign-up:{heard.form.pk}:{message.contact.pk}:{heard.version.pk}:{heard.since}:{day}"
    return f"sign-up:{message.inbound.pk}"
