"""The demo's sign-up form, open to everybody, and one sign-up by it: page, START in WhatsApp, confirmed."""

import httpx

from config.demo.companies import Company
from config.demo.waiting import wait_until
from consent import signups
from consent.actions import controllers, signup_forms, wordings
from consent.models import SignupForm, Wording
from consent.starters import STARTERS
from contacts.actions import lists
from messaging.models import Message, Source
from tenants.models import Tenant, User
from tenants.scope import tenant_scope
from whatsapp.emulator import Remote

SLUG = "theke"
# A mobile drama number (Bundesnetzagentur, Mitteilung 148/2021); none of the files has it.
PHONE = "491713920012"
TOPICS = [("Neuheiten", "New things"), ("Nachhaltigkeit", "Sustainability")]


def open_form(company: Company) -> SignupForm:
    """Say who the company is, write and publish its texts, and open a form with two topics."""
    tenant = company.tenant
    with tenant_scope(tenant):
        owner = User.objects.get(email=company.email)
        site = f"https://{tenant.slug}.example"
        controllers.update(
            tenant=tenant,
            by=owner,
            legal_name=f"{tenant.name} GmbH",
            street="Lindenweg 3",
            postcode="10115",
            city="Berlin",
            email=f"datenschutz@{tenant.slug}.example",
            privacy_url=f"{site}/datenschutz",
            imprint_url=f"{site}/impressum",
        )
        for german, english in TOPICS:
            lists.create_list(
                tenant=tenant, name=f"Thema {german}", is_topic=True, title_de=german, title_en=english, by=owner
            )
        form = signup_forms.create(
            tenant=tenant,
            by=owner,
            name="Theke",
            slug=SLUG,
            number=signups.stored(company.number.display_number),
            wording=_published(tenant, owner, "marketing"),
            extra_wording=_published(tenant, owner, "tracking"),
            headline=f"Neues von {tenant.name} per WhatsApp",
            intro="Angebote zuerst, und nur zu dem, was dich interessiert.",
            translations={
                "en": {
                    "headline": f"News from {tenant.name} on WhatsApp",
                    "intro": "Offers first, and only about what interests you.",
                }
            },
            offers_topics=True,
        )
        signup_forms.open_(form=form, by=owner)
    return form


def _published(tenant: Tenant, owner: User, key: str) -> Wording:
    """One of our texts, for this company."""
    starter = STARTERS[key]
    draft = wordings.create(
        tenant=tenant,
        name=f"Anmeldung an der Theke: {starter.label}",
        texts=starter.texts(controllers.controller_of(tenant)),
        covers=starter.covers,
        by=owner,
    )
    return wordings.publish(version=draft, by=owner).wording


def sign_up(form: SignupForm, company: Company, meta: Remote) -> None:
    """Somebody ticks the boxes on the page and sends the prepared message; waits until they are told that it worked."""
    tenant, page = company.tenant, signups.page_url(form)
    with tenant_scope(tenant):
        topic = tenant.lists.filter(is_topic=True).order_by("pk")[0]
    with httpx.Client(timeout=60, trust_env=False) as http:
        answer = http.post(page, data={"agree": "on", "topic": str(topic.uid)})
        answer.raise_for_status()
    token = signups.token_in(answer.text)
    assert token, "the page shows the message to send"
    meta.say(company.number.phone_number_id, PHONE, signups.message(token), name="Frieda Beispiel")

    def is_told() -> bool:
        with tenant_scope(tenant):
            told = Message.objects.filter(tenant=tenant, contact__phone=f"+{PHONE}", source__kind=Source.Kind.REPLY)
            # Sometimes the sandbox refuses one, as Meta does.
            return told.filter(queue=Message.Queue.OUT).exists()

    wait_until(is_told, "the confirmation of a sign-up")


def open_page(tenant: Tenant) -> str:
    """The address of the company's open sign-up page; "" where there is none."""
    with tenant_scope(tenant):
        form = tenant.signup_forms.select_related("tenant").filter(state=SignupForm.State.LIVE).order_by("pk").first()
        return signups.page_url(form) if form else ""
