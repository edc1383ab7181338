"""Rows to count: a source with messages, clicks and orders, written as raw as any writer may."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from campaigns.models import Campaign
from consent.models import ConsentState
from contacts.models import Contact, Event
from messaging.models import Click, Content, Link, Message, Source
from tenants.models import Tenant
from whatsapp.models import Account, Number, Template

NOON = timezone.make_aware(datetime(2026, 9, 1, 12), timezone.get_fixed_timezone(0))
State = Message.State


def number_of(tenant: Tenant) -> Number:
    """The tenant's one number, made on first use."""
    account = Account.objects.filter(tenant=tenant).first() or Account.objects.create(
        tenant=tenant, waba_id=f"waba{tenant.pk}", portfolio_id=f"p{tenant.pk}", token_encrypted="x"
    )
    return Number.objects.filter(tenant=tenant).first() or Number.objects.create(
        tenant=tenant, account=account, phone_number_id=f"n{tenant.pk}", display_number="+49 30 1"
    )


def source_of(tenant: Tenant, name: str = "Sommer", kind: str = "campaign") -> Source:
    """An open source."""
    return Source.objects.create(tenant=tenant, kind=kind, name=name, number=number_of(tenant), purpose="marketing")


def campaign_of(tenant: Tenant, source: Source | None = None, **fields: Any) -> Campaign:
    """A running campaign with one variant whose template is called summer."""
    source = source or source_of(tenant)
    template = Template.objects.filter(tenant=tenant).first() or Template.objects.create(
        tenant=tenant, account=source.number.account, name="summer", language="de", category="MARKETING"
    )
    Content.objects.create(tenant=tenant, source=source, variant=0, template=template)
    values = {"name": source.name, "state": "running", "launched_at": NOON, "number": source.number, **fields}
    return Campaign.objects.create(tenant=tenant, source=source, **values)


def contacts_of(tenant: Tenant, count: int) -> list[Contact]:
    """So many new contacts."""
    start = Contact.objects.filter(tenant=tenant).count()
    return Contact.objects.bulk_create(
        Contact(tenant=tenant, phone=f"+4930{10000000 + start + i}", first_name=f"Person {start + i}")
        for i in range(count)
    )


def messages_of(source: Source, count: int = 1, **fields: Any) -> list[Message]:
    """So many queued messages to new contacts."""
    return Message.objects.bulk_create(
        Message(tenant_id=source.tenant_id, source=source, contact=contact, created_at=NOON, **fields)
        for contact in contacts_of(source.tenant, count)
    )


def reached(messages: list[Message], *steps: str, at: datetime = NOON) -> None:
    """Move messages through these steps ("accepted", "sent", "delivered", "read"), one statement each."""
    for step in steps:
        Message.objects.filter(pk__in=[m.pk for m in messages]).update(**{f"{step}_at": at}, state=State[step.upper()])


def measured(messages: list[Message]) -> list[Message]:
    """The people of these messages agree to being measured."""
    people = Contact.objects.filter(pk__in=[message.contact_id for message in messages])
    agreed = {"channel": "whatsapp", "purpose": "tracking", "state": "granted", "since": NOON, "seq": 1}
    ConsentState.objects.bulk_create(
        ConsentState(tenant_id=who.tenant_id, subject_id=who.subject_id, **agreed) for who in people
    )
    return messages


def link_of(source: Source, variant: int = 0) -> Link:
    """A tracked link of the source."""
    return Link.objects.create(
        tenant_id=source.tenant_id, source=source, variant=variant, label="Shop", url="https://shop.example/"
    )


def click(message: Message, *, at: datetime = NOON, link: Link | None = None, is_counted: bool = True) -> Click:
    """A request of the message's tracked link; a counted one marks the message as the product does."""
    link = link or Link.objects.filter(source=message.source_id).first() or link_of(message.source)
    if is_counted:
        Message.objects.filter(pk=message.pk, clicked_at=None).update(clicked_at=at)
    return Click.objects.create(
        tenant_id=message.tenant_id,
        link=link,
        source_id=message.source_id,
        message=message,
        contact_id=message.contact_id,
        at=at,
        is_counted=is_counted,
    )


def event(contact_id: int, tenant_id: int, name: str, value: str | None = "10", **fields: Any) -> Event:
    """An event of the contact one hour after noon, unless said otherwise."""
    values = {"event_id": f"e{Event.objects.count() + 1}", "occurred_at": NOON + timedelta(hours=1), **fields}
    return Event.objects.create(
        tenant_id=tenant_id, contact_id=contact_id, name=name, value=None if value is None else Decimal(value), **values
    )


def order(message: Message, value: str | None = "10", **fields: Any) -> Event:
    """An order of the message's contact."""
    return event(message.contact_id, message.tenant_id, Event.ORDER_PLACED, value, **fields)


def refund(message: Message, value: str, order_id: str, **fields: Any) -> Event:
    """A refund of an order of the message's contact."""
    return event(message.contact_id, message.tenant_id, Event.ORDER_REFUNDED, value, order_id=order_id, **fields)
