"""Answers who asks in the chat why they get messages, or whence their number is known (R-36)."""

from datetime import timedelta
from typing import NamedTuple

from django.utils import timezone

from consent import explaining
from consent.actions import preferences
from contacts.models import Contact
from inbox.models import InboundMessage
from inbox.receiving.opt_outs import WINDOW
from messaging import actions, queries
from tenants.models import Tenant
from whatsapp.models import Number

DAY = timedelta(hours=24)


class Question(NamedTuple):
    """A message that asks so and is no opt-out, and the language in which it asks."""

    contact: Contact
    number: Number
    inbound: InboundMessage
    language: str


def apply(tenant: Tenant, questions: list[Question]) -> None:
    """One answer per person and day, however often they ask; it changes nothing of what they agreed to.

    A question that gets no real answer waits for a look: one that comes late or again, one of somebody of whom nothing
    is known, and one from a number that may be somebody else's by now, to whom nothing of anybody is told.
    """
    answered = queries.replied(tenant.pk, [_dedupe(one) for one in questions], within=DAY)
    open_ = [one for one in questions if _dedupe(one) in answered or not _is_answered(tenant, one)]
    InboundMessage.objects.filter(tenant=tenant, pk__in=[one.inbound.pk for one in open_]).update(needs_a_look=True)


def _is_answered(tenant: Tenant, question: Question) -> bool:
    """Whether the question got a real answer."""
    inbound, contact = question.inbound, question.contact
    if inbound.sent_at <= timezone.now() - WINDOW or explaining.may_be_somebody_else(contact):
        return False
    answer = explaining.in_chat(contact, question.language, own_page=preferences.url(contact))
    queued = actions.queue_reply(
        tenant=tenant,
        number=question.number,
        contact=contact,
        text=answer.text,
        dedupe=_dedupe(question),
        expires_at=inbound.sent_at + WINDOW,
        again_after=DAY,
    )
    return queued is not None and answer.is_complete


def _dedupe(question: Question) -> str:
    return f"why:{question.contact.pk}"
