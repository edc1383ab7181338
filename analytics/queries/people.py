"""The recipients behind every number of a report."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from analytics.kpi import Counts
from analytics.queries.campaign import meaning_of
from analytics.queries.sums import by_source
from campaigns.models import Campaign
from consent import queries as consent
from contacts.models import Contact
from messaging import reasons
from messaging.measuring import is_measured
from messaging.models import Message

# What is only told of people who agreed to being measured (CG-36); numbers over everybody are in the report.
MEASURED = ("read", "clicked")
# What the index `message_out_of_line` is found by: each of these states comes with a reason, a code or a failure.
UNHAPPY = {"uncertain", "failed", "skipped", "cancelled", "expired"}
HAS_WHY = ~Q(reason="") | Q(error_code__isnull=False) | Q(failed_at__isnull=False)
# So many people are asked for their consent while somebody waits for a page.
LOOKED_AT = 3_000
FEW = 5_000


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


def recipients(campaign: Campaign, **chosen: Any) -> QuerySet[Message]:
    """The campaign's messages in the order of their contacts, to be cut into pages by contact; a draft has none.

    `state` is a state's name ("delivered"), now; `reason` and `error_code` say why. `reached` is a step that was ever
    reached ("delivered" or "clicked"), whatever came later: it lists the people whom the report counts, of reads and
    clicks only those who may be shown.
    """
    asked = _asked(campaign, **chosen)
    if not _depends_on_consent(**chosen):
        return asked
    # Where few agree, asking row by row for a page of them may take all rows.
    few = _few_who_agree(campaign)
    return _shown_of(asked, Q(is_measured()) if few is None else Q(contact__in=few), **chosen)


def first_recipients(campaign: Campaign, **chosen: Any) -> tuple[QuerySet[Message], bool]:
    """The same to be counted, too; and whether only the first `LOOKED_AT` were asked, because consent decides."""
    asked = _asked(campaign, **chosen)
    if not _depends_on_consent(**chosen):
        return asked, False
    first = list(asked.values_list("pk", flat=True)[: LOOKED_AT + 1])
    messages = Message.objects.filter(tenant=campaign.tenant_id)
    # Once, though a page counts them and shows some.
    found = _shown_of(messages.filter(pk__in=first[:LOOKED_AT]), Q(is_measured()), **chosen).values_list(
        "pk", flat=True
    )
    return messages.filter(pk__in=list(found)).order_by("contact_id"), len(first) > LOOKED_AT


def _asked(
    campaign: Campaign,
    *,
    state: str | None = None,
    reason: str | None = None,
    error_code: int | None = None,
    reached: str | None = None,
) -> QuerySet[Message]:
    """What was asked for, whether or not it may be shown."""
    messages = Message.objects.filter(tenant=campaign.tenant_id, source=campaign.source_id).order_by("contact_id")
    if state:
        # Whoever has read it counts as delivered to those who may not know.
        states = {state, "read"} if state == "delivered" else {state}
        if not _has_any(campaign, [f"in_{name}" for name in states]):
            return messages.none()
        messages = messages.filter(state__in=[Message.State[name.upper()] for name in states])
        messages = messages.filter(HAS_WHY) if state in UNHAPPY else messages
    if reason is not None:
        messages = messages.filter(reason=reason)
    if error_code is not None:
        messages = messages.filter(error_code=error_code)
    # Failures are in no sum: the index finds them.
    if reached and reached != "failed" and not _has_any(campaign, [reached]):
        return messages.none()
    return messages.filter(**{f"{reached}_at__isnull": False}) if reached else messages


def _has_any(campaign: Campaign, columns: Iterable[str]) -> bool:
    """Whether the numbers know of one: what nothing is in would be looked for among all messages of the campaign."""
    counts = by_source(campaign.tenant_id, [campaign.source_id or 0]).get(campaign.source_id or 0, Counts())
    return any(getattr(counts, column) for column in columns)


def _depends_on_consent(*, state: str | None = None, reached: str | None = None, **_others: Any) -> bool:
    return state in ("read", "delivered") or reached in MEASURED


def _few_who_agree(campaign: Campaign) -> list[int] | None:
    """The contacts who agree to being measured; None if they are many."""
    agreed = consent.measured(campaign.tenant_id).values("subject_id")
    people = Contact.objects.filter(tenant=campaign.tenant_id, subject_id__in=agreed).order_by()
    found = list(people.values_list("pk", flat=True)[: FEW + 1])
    return found if len(found) <= FEW else None


def _shown_of(
    messages: QuerySet[Message], agrees: Q, *, state: str = "", reached: str = "", **_others: Any
) -> QuerySet[Message]:
    if state == "delivered":
        messages = messages.filter(Q(state=Message.State.DELIVERED) | ~agrees)
    return messages.filter(agrees) if state == "read" or reached in MEASURED else messages


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
