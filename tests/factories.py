"""Makes what tests need, in plain functions; every one opens the tenant's scope itself."""

from typing import Any

from django.utils.timezone import now

from consent import ledger
from consent.actions import agreements
from consent.ledger import Entry
from contacts.models import Contact
from messaging import actions as outbox
from messaging.models import Message, Source
from tenants.actions import NewTenant, create_tenant
from tenants.models import Tenant
from tenants.scope import tenant_scope
from whatsapp import actions as whatsapp
from whatsapp.models import Number, Template


def components(sender: str) -> list[dict[str, Any]]:
    """Image, two variables, a tracked button, and a footer that names the sender and the way out."""
    return [
        {"type": "HEADER", "format": "IMAGE", "example": {"header_handle": ["4::aW5k"]}},
        {
            "type": "BODY",
            "text": "Hallo {{1}}, bis {{2}} gibt es 20 Prozent auf alles.",
            "example": {"body_text": [["Ada", "Sonntag"]]},
        },
        {"type": "FOOTER", "text": f"{sender} · Abmelden mit STOPP"},
        {
            "type": "BUTTONS",
            "buttons": [
                {
                    "type": "URL",
                    "text": "Ansehen",
                    "url": "http://127.0.0.1:8000/r/{{1}}",
                    "example": ["http://127.0.0.1:8000/r/abc"],
                }
            ],
        },
    ]


MARKETING_COMPONENTS = components("Bäckerei Sonne")
VARIABLES = {
    "header": {"kind": "image", "link": "https://shop.example/bild.jpg"},
    "body": [
        {"name": "1", "from": "first_name", "fallback": "du"},
        {"name": "2", "from": "text", "text": "Sonntag"},
    ],
    "buttons": [{"index": 0, "kind": "url", "url": "https://shop.example/aktion"}],
}


def company(**given: Any) -> NewTenant:
    """A new company that has concluded the data processing agreement, without which nothing is sent."""
    made = create_tenant(**given)
    with tenant_scope(made.tenant):
        agreements.accept(tenant=made.tenant, signer="Alice Sonne", position="Inhaberin", by=made.owner)
    return made


def number(tenant: Tenant, *, throughput: int = 1000, phone_number_id: str = "", **fields: Any) -> Number:
    """A connected number of an account with an own token."""
    with tenant_scope(tenant):
        made = whatsapp.connect_number(
            tenant=tenant,
            waba_id=f"10{tenant.pk}",
            phone_number_id=phone_number_id or f"20{tenant.pk}",
            display_number="+49 30 23125000",
            token=f"token-{tenant.slug}",
            throughput=throughput,
            by=None,
        )
        if fields:
            Number.objects.filter(pk=made.pk).update(**fields)
            made.refresh_from_db()
        return made


def template(tenant: Tenant, **fields: Any) -> Template:
    """An approved marketing template of this company."""
    values = {
        "name": "fruehling",
        "language": "de",
        "category": Template.Category.MARKETING,
        "status": Template.Status.APPROVED,
        "components": components(tenant.name),
        "meta_id": "5001",
    }
    with tenant_scope(tenant):
        return Template.objects.create(tenant=tenant, account=tenant.accounts.get(), **(values | fields))


def contacts(tenant: Tenant, count: int, *, consent: bool = True, start: int = 0) -> list[Contact]:
    """People with drama numbers, who are 16 and said yes to marketing and tracking unless `consent` is false."""
    with tenant_scope(tenant):
        made = Contact.objects.bulk_create(
            Contact(tenant=tenant, phone=f"+4930231250{start + n:05d}", first_name=f"Ada{start + n}")
            for n in range(count)
        )
        if consent:
            ledger.append(tenant, [entry for contact in made for entry in yes(contact)])
        return made


def yes(contact: Contact) -> list[Entry]:
    """Ledger entries of a plain yes by the person."""
    return [
        Entry(
            subject_id=contact.subject_id,
            channel="whatsapp",
            purpose=purpose,
            state="granted",
            authority=3,
            source="signup_page",
            occurred_at=now(),
            key=f"yes:{contact.subject_id}:{purpose}",
            age_confirmed=True,
        )
        for purpose in ("marketing", "tracking")
    ]


def source(sender: Number, people: list[Contact], *, made_template: Template | None = None) -> Source:
    """An open campaign source with one queued message per person."""
    tenant = sender.tenant
    with tenant_scope(tenant):
        row = outbox.open_source(
            tenant=tenant, kind=Source.Kind.CAMPAIGN, name="Frühling", number=sender, purpose="marketing"
        )
        outbox.add_content(source=row, variant=0, template=made_template or template(tenant), variables=VARIABLES)
        Message.objects.bulk_create(Message(tenant=tenant, source=row, contact=person) for person in people)
    return row


def states(row: Source) -> dict[str, int]:
    """How many messages of a source are in each state: {"ACCEPTED": 3}."""
    with tenant_scope(row.tenant_id):
        found: dict[str, int] = {}
        for state in Message.objects.filter(tenant=row.tenant_id, source=row).values_list("state", flat=True):
            name = Message.State(state).name
            found[name] = found.get(name, 0) + 1
        return found
