"""Applies a person's new phone number or BSUID: consent and opt-outs stay with the person."""

from django.db.models import QuerySet

from consent.actions import declarations
from contacts import actions
from contacts.models import Contact
from inbox.models import InboundMessage
from inbox.receiving import conversations, people
from inbox.receiving.routing import Item
from tenants.models import Tenant
from whatsapp.events import NumberChanged


def apply(tenant: Tenant, items: list[Item[NumberChanged]]) -> None:
    """Move known people to their new identifiers; whoever is unknown stays so, and a repeat changes nothing."""
    for item in sorted(items, key=lambda item: item.event.at):
        contact = _mover(tenant, item.event)
        if contact and not _came_after(tenant, contact, item.event):
            _follow(tenant, item, contact)


def apply_to_strangers(tenant: Tenant, items: list[Item[NumberChanged]]) -> None:
    """What must not be sent to somebody unknown must not be sent to their new number either.

    After everything that may say so in the same batch. What known people have moved with is recorded by then; but who
    has written for the first time in this batch, before they moved, is known only now.
    """
    for item in sorted(items, key=lambda item: item.event.at):
        event = item.event
        contact = _mover(tenant, event)
        if contact and _has_just_come(tenant, contact, event) and not _came_after(tenant, contact, event):
            _follow(tenant, item, contact)
        declarations.stranger_moved(
            tenant=tenant,
            old=people.person(event.old_phone, event.old_bsuid),
            new=people.person(event.new_phone, event.new_bsuid),
            occurred_at=event.at,
            dedupe=_dedupe(event),
            evidence=_evidence(event),
        )


def _mover(tenant: Tenant, event: NumberChanged) -> Contact | None:
    old = people.person(event.old_phone, event.old_bsuid)
    return people.find(tenant, [old]).get(old)


def _came_after(tenant: Tenant, contact: Contact, event: NumberChanged) -> bool:
    """Whether a contact known by the number alone may be whoever has it since the move.

    Their first words are later, or they have moved to it later.
    """
    if event.old_bsuid:
        return False
    words = _words(tenant, contact, event)
    first = words.order_by("sent_at").first()
    return bool(first and first.sent_at > event.at) or words.filter(type="system", sent_at__gt=event.at).exists()


def _has_just_come(tenant: Tenant, contact: Contact, event: NumberChanged) -> bool:
    """Whether somebody wrote before they moved and is still known by what they had then."""
    is_still = (contact.bsuid or "") == event.old_bsuid
    return is_still and _words(tenant, contact, event).filter(sent_at__lte=event.at).exists()


def _words(tenant: Tenant, contact: Contact, event: NumberChanged) -> QuerySet[InboundMessage]:
    return tenant.inbound_messages.filter(conversation__contact=contact).exclude(wamid=event.wamid)


def _follow(tenant: Tenant, item: Item[NumberChanged], contact: Contact) -> None:
    if not _was_told_before(tenant, item, contact):
        _move(tenant, contact, item.event)


def _was_told_before(tenant: Tenant, item: Item[NumberChanged], contact: Contact) -> bool:
    """Note the change in the thread, once: a repeat days later could hit the next owner of the old number."""
    event = item.event
    if not (event.wamid and item.number):
        return False
    key = (item.number.pk, contact.pk)
    conversation_id = conversations.touch(tenant, [(*key, None)])[key]
    _, is_new = InboundMessage.objects.get_or_create(
        tenant=tenant,
        wamid=event.wamid,
        defaults={"conversation_id": conversation_id, "type": "system", "sent_at": event.at},
    )
    return not is_new


def _move(tenant: Tenant, contact: Contact, event: NumberChanged) -> None:
    merges: list[tuple[Contact, Contact]] = []
    losses: list[actions.Moved] = []
    old, new = (contact.phone, contact.bsuid), people.person(event.new_phone, event.new_bsuid)
    moved = actions.move_number(
        contact=contact,
        new_phone=new.phone or None,
        new_bsuid=new.bsuid or None,
        old_bsuid=event.old_bsuid or None,
        at=event.at,
        merged=lambda kept, gone: merges.append((kept, gone)),
        lost=losses.append,
    )
    for kept, gone in merges:
        declarations.merged(tenant=tenant, kept=kept, gone=gone)
    declarations.lost(losses, tenant=tenant)
    declarations.moved(
        tenant=tenant,
        contact=moved,
        old_phone=old[0],
        old_bsuid=old[1],
        occurred_at=event.at,
        dedupe=_dedupe(event),
        evidence=_evidence(event),
    )


def _dedupe(event: NumberChanged) -> str:
    return f"moved:{event.wamid or f'{event.old_bsuid}:{event.new_bsuid}'}"


def _evidence(event: NumberChanged) -> dict[str, str] | None:
    return {"wamid": event.wamid} if event.wamid else None
