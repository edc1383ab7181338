"""The recipients behind every number of a report."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from analytics.queries.campaign import meaning_of
from campaigns.models import Campaign
from consent import queries as consent
from contacts.models import Contact
from messaging import reasons
from messaging.models import Message

# What is only told of people who agreed to being measured (CG-36); numbers over everybody are in the report.
MEASURED = ("read", "clicked")


@dataclass(frozen=True)
class Recipient:
    """One recipient and what became of the message, times in UTC.

    An erased contact has no uid, name and phone. `phone` shows its last four digits only. Who has not agreed to being
    measured has neither `read_at` nor `clicked_at`, and counts as delivered.
    """

    contact_uid: UUID | None
    name: str
    phone: str
    variant: int
    state: str
    reason: str
    reason_text: str
    error_code: int | None
    error_text: str
    accepted_at: datetime | None
    sent_at: datetime | None
    delivered_at: datetime | None
    read_at: datetime | None
    failed_at: datetime | None
    clicked_at: datetime | None
    replied_at: datetime | None
    opted_out_at: datetime | None


def recipients(
    campaign: Campaign,
    *,
    state: str | None = None,
    reason: str | None = None,
    error_code: int | None = None,
    reached: str | None = None,
) -> QuerySet[Message]:
    """The campaign's messages in the order of their contacts, to be cut into pages; a draft has none.

    `state` is a state's name ("delivered"), now. `reached` is a step that was ever reached ("delivered" or "clicked"),
    whatever came later: it lists the people whom the report counts, of reads and clicks only those who may be shown.
    """
    messages = Message.objects.filter(tenant=campaign.tenant_id, source=campaign.source_id).order_by("contact_id")
    if state:
        messages = messages.filter(_shown_as(campaign, Message.State[state.upper()]))
    if reason is not None:
        messages = messages.filter(reason=reason)
    if error_code is not None:
        messages = messages.filter(error_code=error_code)
    if reached:
        messages = messages.filter(**{f"{reached}_at__isnull": False})
    return messages.filter(_is_measured(campaign)) if reached in MEASURED else messages


def _shown_as(campaign: Campaign, state: Message.State) -> Q:
    if state == Message.State.READ:
        return Q(_is_measured(campaign), state=state)
    if state == Message.State.DELIVERED:
        return Q(state=state) | Q(~_is_measured(campaign), state=Message.State.READ)
    return Q(state=state)


def _is_measured(campaign: Campaign) -> Exists:
    agreed = consent.measured(campaign.tenant_id).values("subject_id")
    people = Contact.objects.filter(tenant=campaign.tenant_id, subject_id__in=agreed)
    return Exists(people.filter(pk=OuterRef("contact_id")))


def shown(messages: Sequence[Message]) -> list[Recipient]:
    """One page of messages with the people they went to; two queries, of all messages' one tenant."""
    # Not select_related: the contact may have been erased, and its message stays.
    ids = [message.contact_id for message in messages]
    tenant_ids = {message.tenant_id for message in messages}
    people = Contact.objects.filter(tenant__in=tenant_ids).in_bulk(ids) if ids else {}
    subjects = [contact.subject_id for contact in people.values()]
    measured = [consent.measured(tenant_id).filter(subject_id__in=subjects) for tenant_id in tenant_ids]
    agreed = {row.subject_id for rows in measured for row in rows}
    return [_shown(message, people.get(message.contact_id), agreed) for message in messages]


def _shown(message: Message, contact: Contact | None, agreed: Collection[UUID]) -> Recipient:
    is_measured = contact is not None and contact.subject_id in agreed
    is_read = message.state == Message.State.READ
    state = Message.State.DELIVERED if is_read and not is_measured else Message.State(message.state)
    return Recipient(
        contact_uid=contact.uid if contact else None,
        name=contact.name if contact else "",
        phone=f"…{contact.phone[-4:]}" if contact and contact.phone else "",
        variant=message.variant,
        state=state.name.lower(),
        reason=message.reason,
        reason_text=reasons.label(message.reason) if message.reason else "",
        error_code=message.error_code,
        error_text=meaning_of(message.error_code)[0] if message.error_code else "",
        accepted_at=message.accepted_at,
        sent_at=message.sent_at,
        delivered_at=message.delivered_at,
        read_at=message.read_at if is_measured else None,
        failed_at=message.failed_at,
        clicked_at=message.clicked_at if is_measured else None,
        replied_at=message.replied_at,
        opted_out_at=message.opted_out_at,
    )
