"""A campaign of the bakery that Meta has accepted."""

from datetime import datetime

from contacts import identities
from contacts.models import Contact
from messaging.models import Message, Source
from tenants.scope import tenant_scope
from tests.inbox.meta import NOON
from whatsapp.models import Number


def send(number: Number, count: int, *, accepted_at: datetime = NOON) -> list[Message]:
    """Messages of one campaign to +49302312500<n>, accepted by Meta as wamid.<n>; n counts from 1."""
    tenant = number.tenant
    with tenant_scope(tenant):
        source = Source.objects.create(
            tenant=tenant, kind="campaign", name="Sommerfest", number=number, purpose="marketing"
        )
        contacts = Contact.objects.bulk_create(
            Contact(tenant=tenant, phone=f"+4930231{25000 + n}") for n in range(1, count + 1)
        )
        identities.record(tenant, contacts)
        return Message.objects.bulk_create(
            Message(
                tenant=tenant,
                source=source,
                contact=contact,
                state=Message.State.ACCEPTED,
                queue=Message.Queue.OUT,
                attempt=1,
                wamid=f"wamid.{n}",
                accepted_at=accepted_at,
            )
            for n, contact in enumerate(contacts, 1)
        )


def plan(number: Number, *, purpose: str = "marketing") -> Source:
    """A campaign to everybody known that has not been sent yet."""
    tenant = number.tenant
    with tenant_scope(tenant):
        source = Source.objects.create(
            tenant=tenant, kind="campaign", name="Herbstfest", number=number, purpose=purpose
        )
        Message.objects.bulk_create(
            Message(tenant=tenant, source=source, contact=contact) for contact in Contact.objects.order_by("id")
        )
        return source
