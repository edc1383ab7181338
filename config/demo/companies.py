"""The two companies of the demo, each with an owner, a number in the sandbox, and an approved template."""

import secrets
from dataclasses import dataclass

from django.conf import settings
from django.utils.timezone import now

from config.demo.people import WORDING, WORDING_TEXT
from config.demo.waiting import wait_until
from consent.actions import agreements
from consent.ledger import wordings
from consent.models import Wording, WordingVersion
from tenants import actions as tenants
from tenants.models import Tenant, User
from tenants.scope import tenant_scope
from whatsapp import actions as whatsapp
from whatsapp import syncing
from whatsapp.emulator import Remote
from whatsapp.models import Number, Template

PASSWORD = "zusage-demo-2026"  # noqa: S105 - printed on purpose, for a sandbox on this machine
# Shared by the demo and the sandbox; Meta's default is 80, the highest is 1,000.
THROUGHPUT = 300


@dataclass(frozen=True)
class Company:
    """One tenant of the demo."""

    tenant: Tenant
    email: str
    api_key: str
    number: Number
    template: Template


def found(meta: Remote, *, slug: str, name: str, area: str) -> Company:
    """Create a company, connect its number, and take a template through Meta's review."""
    email = f"demo@{slug}.example"
    made = tenants.create_tenant(slug=slug, name=name, owner_email=email, password=PASSWORD)
    tenant, waba_id, phone_number_id = (
        made.tenant,
        f"1{secrets.randbelow(10**14):014}",
        f"2{secrets.randbelow(10**14):014}",
    )
    meta.add_account(waba_id, name=name)
    meta.add_number(
        phone_number_id, waba_id, display=area, name=name, quality="GREEN", tier="TIER_100K", throughput_per_s=1000
    )
    with tenant_scope(tenant):
        agreements.accept(tenant=tenant, signer="Demo", position="Geschäftsführung", by=made.owner)
        publish_wording(tenant, made.owner)
        number = whatsapp.connect_number(
            tenant=tenant,
            waba_id=waba_id,
            phone_number_id=phone_number_id,
            display_number=area,
            token=f"demo-{slug}",
            throughput=THROUGHPUT,
            by=made.owner,
        )
    with syncing.client_for(number.account) as client:
        # Where signing_up says that the privacy notice is.
        client.edit_profile(phone_number_id, {"websites": [f"https://{slug}.example/datenschutz"]})
    # Subscribes to webhooks, and reads name, quality, limit and profile.
    syncing.sync(tenant.pk, number.account_id)
    with tenant_scope(tenant):
        draft = whatsapp.save_template(
            tenant=tenant,
            account=number.account,
            name="herbst_aktion",
            language="de",
            category=Template.Category.MARKETING,
            components=components(name),
            by=made.owner,
        )
        whatsapp.submit_template(template=draft, by=made.owner)
    return Company(tenant, email, made.api_key, number, _approved(tenant, draft))


def publish_wording(tenant: Tenant, owner: User) -> None:
    """The text that the files' people agreed to: advertising, and measuring clicks (CG-35)."""
    texts = {"de": WORDING_TEXT.format(company=tenant.name)}
    covers = [["whatsapp", "marketing"], ["whatsapp", "tracking"]]
    WordingVersion.objects.create(
        tenant=tenant,
        wording=Wording.objects.create(tenant=tenant, name=WORDING),
        number=1,
        texts=texts,
        covers=covers,
        sha256=wordings.digest(texts, covers),
        published_at=now(),
        published_by=owner,
    )


def components(name: str) -> list[dict[str, object]]:
    """An image, two variables, a tracked button, and the way out."""
    button = {
        "type": "URL",
        "text": "Angebot ansehen",
        "url": f"{settings.PUBLIC_URL}/r/{{{{1}}}}",
        "example": [f"{settings.PUBLIC_URL}/r/abc"],
    }
    text = (
        f"Hallo {{{{1}}}}, bei {name} gibt es bis {{{{2}}}} 20 Prozent auf alles. Schauen Sie vorbei, wir freuen uns."
    )
    return [
        {"type": "HEADER", "format": "IMAGE", "example": {"header_handle": ["4::aW1hZ2U="]}},
        {"type": "BODY", "text": text, "example": {"body_text": [["Ada", "Sonntag"]]}},
        {"type": "FOOTER", "text": "Abmelden: STOPP"},
        {"type": "BUTTONS", "buttons": [button]},
    ]


def variables(name: str) -> dict[str, object]:
    """Where the template's values come from."""
    return {
        "header": {"kind": "image", "link": "https://shop.example/herbst.jpg"},
        "body": [
            {"name": "1", "from": "first_name", "fallback": "und herzlich willkommen"},
            {"name": "2", "from": "text", "text": "Sonntag, 20 Uhr"},
        ],
        "buttons": [{"index": 0, "kind": "url", "url": "https://shop.example/herbst", "label": "Angebot ansehen"}],
    }


def _approved(tenant: Tenant, draft: Template) -> Template:
    def is_approved() -> bool:
        with tenant_scope(tenant):
            draft.refresh_from_db()
        return draft.is_sendable

    wait_until(is_approved, "Meta's review of the template")
    return draft
