"""What Meta would refuse never leaves a draft: every part of the template and its value are compared before launch."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils.timezone import now

from campaigns import actions, freezing
from campaigns.models import Campaign
from messaging.engine import Engine
from tenants.actions import NewTenant
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests import factories
from tests.campaigns.cast import draft, launch, states, stored
from tests.contacts.calls import Caller
from whatsapp.emulator import Running
from whatsapp.models import Media, Template

Json = dict[str, Any]
BODY: Json = {"type": "BODY", "text": "Heute gibt es 20 Prozent auf alles. Abmelden mit STOPP. Ihre Bäckerei Sonne"}
IMAGE: Json = {"type": "HEADER", "format": "IMAGE"}
TITLE: Json = {"type": "HEADER", "format": "TEXT", "text": "Für {{1}}"}
REPLY: Json = {"type": "QUICK_REPLY", "text": "Abmelden"}
SHOP: Json = {"type": "URL", "text": "Ansehen", "url": "https://shop.example/{{1}}"}
TRACKED: Json = {"type": "URL", "text": "Ansehen", "url": "http://127.0.0.1:8000/r/{{1}}"}
FIXED: Json = {"type": "URL", "text": "Karte", "url": "https://shop.example/karte"}
CALL: Json = {"type": "PHONE_NUMBER", "text": "Anrufen", "phone_number": "+4930231250"}
CODE: Json = {"type": "COPY_CODE", "text": "Code kopieren", "example": "SAVE20"}
LINK = "https://shop.example/bild.jpg"


def buttons(*given: Json) -> Json:
    return {"type": "BUTTONS", "buttons": list(given)}


def code(**value: str) -> Json:
    return {"index": 0, "kind": "copy_code", "value": value}


def url(index: int, address: str) -> Json:
    return {"index": index, "kind": "url", "url": address}


def reply(index: int, payload: str) -> Json:
    return {"index": index, "kind": "quick_reply", "payload": payload}


def title(**value: str) -> Json:
    return {"kind": "text", "value": value}


@pytest.fixture
def campaign(bakery: Tenant) -> Campaign:
    return draft(bakery, factories.contacts(bakery, 2))


def says(campaign: Campaign, components: list[Json], variables: Json, **template: Any) -> None:
    """The campaign's template has these parts besides a body, and these values."""
    parts = components if any(part["type"].upper() == "BODY" for part in components) else [BODY, *components]
    with tenant_scope(campaign.tenant):
        Template.objects.filter(tenant=campaign.tenant).update(components=parts, **template)
        made = campaign.variants.get().template
        actions.set_content(campaign=campaign, by=None, template=made, variables=variables)


def refusal(api: Caller, campaign: Campaign) -> dict[str, list[str]]:
    answer = api.post(f"campaigns/{campaign.uid}/launch/")
    assert answer.status_code == 400, answer.content
    assert (stored(campaign).state, stored(campaign).source) == ("draft", None)
    errors: dict[str, list[str]] = answer.json()["errors"]
    return errors


@pytest.mark.parametrize(
    ("components", "variables", "sentence"),
    [
        ([], {"header": {"kind": "image", "link": LINK}}, "The template has no header."),
        ([IMAGE], {}, "The header needs an image."),
        ([IMAGE], {"header": {"kind": "document", "link": LINK}}, "The header needs an image."),
        ([IMAGE], {"header": title(name="1", text="Sie")}, "The header needs an image."),
        ([{**IMAGE, "format": "VIDEO"}], {"header": {"kind": "image", "link": LINK}}, "The header needs a video."),
        ([{**IMAGE, "format": "DOCUMENT"}], {"header": {"kind": "document"}}, "The header needs a document."),
        ([IMAGE], {"header": {"kind": "image", "link": LINK, "media": "a" * 32}}, "not both"),
        ([TITLE], {}, "The header's variable has no value."),
        ([TITLE], {"header": {"kind": "image", "link": LINK}}, "The header needs a text."),
        ([TITLE], {"header": title(**{"name": "1", "from": "first_name"})}, "The header's variable needs a fallback"),
        ([TITLE], {"header": title(name="1", text=" \n ")}, "The header's variable has no value."),
        ([TITLE], {"header": title(name="anrede", text="Sie")}, "The header's variable is called {{1}}."),
        ([TITLE], {"header": title(name="1", text="x" * 61)}, "at most 60 characters"),
        ([{**TITLE, "text": "Angebot"}], {"header": title(name="1", text="Sie")}, "The header is a fixed text."),
        ([buttons(CODE)], {}, "“Code kopieren” needs a code."),
        ([buttons(CODE)], {"buttons": [code(text=" ")]}, "“Code kopieren” needs a code."),
        ([buttons(CODE)], {"buttons": [code(text="SPARE 20")]}, "at most 15 letters and digits"),
        ([buttons(CODE)], {"buttons": [code(text="A" * 16)]}, "at most 15 letters and digits"),
        ([buttons(CODE)], {"buttons": [code(**{"from": "attribute:code"})]}, "needs a fallback"),
        ([buttons(CODE)], {"buttons": [url(0, "SAVE20")]}, "takes a value of the kind “copy_code”"),
        ([buttons(REPLY)], {"buttons": [url(0, "https://shop.example")]}, "takes a value of the kind “quick_reply”"),
        ([buttons(REPLY)], {"buttons": [reply(0, "x" * 129)]}, "at most 128 characters"),
        ([buttons(REPLY)], {"buttons": [reply(0, " ")]}, "“Abmelden” needs a payload."),
        ([buttons(REPLY)], {"buttons": [reply(1, "optout:campaign")]}, "no button with the index 1"),
        ([], {"buttons": [reply(0, "optout:campaign")]}, "no button with the index 0"),
        ([buttons(SHOP)], {"buttons": [reply(0, "optout:campaign")]}, "takes a value of the kind “url”"),
        ([buttons(SHOP)], {}, "“Ansehen” needs a destination."),
        ([buttons(SHOP)], {"buttons": [url(0, " ")]}, "“Ansehen” needs a destination."),
        ([buttons(SHOP)], {"buttons": [url(0, "a"), url(0, "b")]}, "twice for the same button"),
        ([buttons(TRACKED)], {"buttons": [url(0, "shop.example")]}, "must begin with https://"),
        ([buttons(FIXED)], {"buttons": [url(0, "https://shop.example")]}, "“Karte” takes no value."),
        ([buttons(CALL, SHOP)], {"buttons": [url(0, "a"), url(1, "b")]}, "“Anrufen” takes no value."),
        (
            [{**BODY, "text": "Bis {{1}}. STOPP. Bäckerei Sonne"}],
            {"body": [{"from": "birthday", "fallback": "x" * 1020}]},
            "1024 characters",
        ),
        (
            [{**BODY, "text": "Bis {{1}}. STOPP. Bäckerei Sonne"}],
            {"body": [{"from": "text", "text": f"{'x' * 970} https://shop.example/a"}]},
            "Each address in its texts counts 78, for it is sent as a tracked link.",
        ),
        (
            [{**BODY, "text": "Bis {{1}}. STOPP. Bäckerei Sonne"}],
            {"body": [{"from": "text", "text": "\t"}]},
            "The variable {{1}} has no value.",
        ),
    ],
)
def test_a_value_that_does_not_fit_its_part(
    api: Caller, campaign: Campaign, components: list[Json], variables: Json, sentence: str
) -> None:
    says(campaign, components, variables)

    errors = refusal(api, campaign)

    assert set(errors) == {"variables"}
    assert len(errors["variables"]) == 1
    assert sentence in errors["variables"][0]


@pytest.mark.parametrize(
    ("component", "part"),
    [
        ({"type": "CAROUSEL", "cards": []}, "a carousel"),
        ({"type": "LIMITED_TIME_OFFER", "limited_time_offer": {"text": "Nur heute"}}, "a limited-time offer"),
        ({"type": "ORBIT"}, "a part of the kind ORBIT"),
        ({"type": "HEADER", "format": "LOCATION"}, "a location in its header"),
        ({"type": "HEADER", "format": "PRODUCT"}, "a product in its header"),
        ({"type": "HEADER", "format": "GIF"}, "a GIF in its header"),
        (buttons({"type": "FLOW", "text": "Termin", "flow_id": "1"}), "a button that opens a Flow"),
        (buttons({"type": "CATALOG", "text": "Katalog"}), "a button that opens the catalogue"),
        (buttons({"type": "MPM", "text": "Auswahl"}), "a button that shows several products"),
        (buttons({"type": "OTP", "otp_type": "COPY_CODE"}), "a button for a one-time code"),
    ],
)
def test_a_template_with_a_part_that_cannot_be_filled(
    api: Caller, campaign: Campaign, component: Json, part: str
) -> None:
    says(campaign, [component], {"buttons": [reply(5, "x")]})

    remedy = f"The template has {part}, which cannot be filled here. Choose a template without it."
    assert refusal(api, campaign) == {"template": [remedy]}


def test_an_uploaded_file_of_another_kind_than_the_header(api: Caller, campaign: Campaign) -> None:
    with tenant_scope(campaign.tenant):
        flyer = Media.objects.create(
            tenant=campaign.tenant,
            number=campaign.number,
            mime_type="application/pdf",
            sha256="0" * 64,
            meta_id="4711",
            expires_at=now() + timedelta(days=1),
        )
    says(campaign, [IMAGE], {"header": {"kind": "image", "media": str(flyer.uid)}})
    assert refusal(api, campaign) == {"variables": ["The header needs an image."]}

    says(campaign, [{**IMAGE, "format": "DOCUMENT"}], {"header": {"kind": "document", "media": str(flyer.uid)}})
    assert api.post(f"campaigns/{campaign.uid}/launch/").status_code == 200


def test_a_test_message_and_the_preview_name_the_same_obstacle(api: Caller, campaign: Campaign) -> None:
    says(campaign, [{"type": "CAROUSEL", "cards": []}], {})
    person = factories.contacts(campaign.tenant, 1, start=50)[0]

    test = api.post(f"campaigns/{campaign.uid}/test-send/", {"contact": str(person.uid)})
    with tenant_scope(campaign.tenant):
        template = campaign.variants.get().template
    preview = api.post(f"templates/{template.uid}/preview/", {"variables": {}})

    assert "a carousel" in test.json()["errors"]["template"][0]
    assert preview.json()["problems"] == test.json()["errors"]["template"]


def test_the_dashboard_says_what_does_not_fit_and_where_to_mend_it(
    client: Client, bakery_made: NewTenant, campaign: Campaign
) -> None:
    client.force_login(bakery_made.owner)
    says(campaign, [buttons(CODE)], {"buttons": []})

    page = client.get(f"/bakery/campaigns/{campaign.uid}/edit/review/").content.decode()

    assert "Die Schaltfläche „Code kopieren“ braucht einen Code." in page
    assert f'href="/bakery/campaigns/{campaign.uid}/edit/message/"' in page


@pytest.mark.parametrize("step", ["message", "review"])
def test_the_dashboard_says_at_once_which_template_cannot_be_filled(
    client: Client, bakery_made: NewTenant, campaign: Campaign, step: str
) -> None:
    client.force_login(bakery_made.owner)
    says(campaign, [{"type": "CAROUSEL", "cards": []}], {})

    page = client.get(f"/bakery/campaigns/{campaign.uid}/edit/{step}/").content.decode()

    assert "Die Vorlage enthält ein Karussell" in page
    assert "Wählen Sie eine Vorlage ohne diesen Teil." in page


@pytest.fixture
def strict(meta: Running) -> Iterator[Running]:
    """Meta's check of every message against the template that it knows."""
    meta.configure(templates_must_exist=True)
    yield meta
    meta.reset(everything=True)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("components", "variables"),
    [
        ([], {}),
        ([{**IMAGE, "format": "VIDEO"}], {"header": {"kind": "video", "link": "https://shop.example/film.mp4"}}),
        ([TITLE], {"header": title(**{"name": "1", "from": "last_name", "fallback": "Sie"})}),
        ([{**TITLE, "text": "Angebot"}], {"header": {}}),
        ([buttons(REPLY, FIXED, CALL)], {}),
        ([buttons(REPLY, SHOP)], {"buttons": [url(1, "herbst?x=1"), reply(0, "optout:campaign")]}),
        ([buttons(CODE)], {"buttons": [code(**{"from": "attribute:code", "fallback": "SPARE20"})]}),
        (
            [{"type": "body", "text": "Hallo {{1}}, 20 Prozent. STOPP. Bäckerei Sonne"}],
            {"body": [{"from": "text", "text": "Ada"}]},
        ),
    ],
)
def test_what_passes_the_check_is_taken_by_meta(
    bakery: Tenant, strict: Running, engine: Engine, components: list[Json], variables: Json
) -> None:
    campaign = draft(bakery, factories.contacts(bakery, 2))
    says(campaign, components, variables)
    with tenant_scope(bakery):
        sender, template = campaign.number, campaign.variants.get().template
        strict.add_number(sender.phone_number_id, sender.account.waba_id)  # type: ignore[union-attr]
        definition = {"name": template.name, "language": "de", "components": template.components}
        strict.add_template(sender.account.waba_id, definition)  # type: ignore[union-attr]

    launch(campaign)
    freezing.freeze(bakery.pk, campaign.pk)
    engine.run(5)

    assert states(campaign) == {"ACCEPTED": 2}
