"""Answers who asks in the chat why they get messages, or whence their number is known (R-36)."""

from typing import NamedTuple

from django.utils import timezone

from consent import explaining
from consent.actions import preferences
from contacts.models import Contact
from inbox.models import InboundMessage
from inbox.receiving.opt_outs import WINDOW
from messaging import actions
from tenants.models import Tenant
from whatsapp.models import Number


class Question(NamedTuple):
    """A message that asks so and is no opt-out, and the language in which it asks."""

    contact: Contact
    number: Number
    inbound: InboundMessage
    language: str


def apply(tenant: Tenant, questions: list[Question]) -> None:
    """One answer per person and day, however often they ask; it changes nothing of what they agreed to."""
    for question in questions:
        inbound, contact = question.inbound, question.contact
        if inbound.sent_at > timezone.now() - WINDOW:
            actions.queue_reply(
                tenant=tenant,
                number=question.number,
                contact=contact,
                text=explaining.in_chat(contact, question.language, own_page=preferences.url(contact)),
                dedupe=f"why:{contact.pk}:{inbound.sent_at:%Y-%m-%d}",
                expires_at=inbound.sent_at + WINDOW,
            )
