"""Contacts, proofs and receipts in a real browser: nothing a screen reader or a keyboard stumbles over."""

import json
import re
from pathlib import Path
from urllib.parse import urlencode

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from consent.models import Source
from contacts.models import Contact
from tenants.models import Tenant
from tenants.pages import SEARCH, sealed_search
from tenants.scope import tenant_scope
from tests.consent.factories import agree, person, published, stop

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def anna(bakery: Tenant) -> Contact:
    with tenant_scope(bakery):
        anna = person(bakery, first_name="Anna", last_name="Müller", phone="+493023125001", email="anna@example.com")
        answer = {"wamid": "wamid.1", "text": "Ja, anmelden"}
        agree(bakery, anna, wording=published(bakery), language="de", source=Source.WA_BUTTON, evidence=answer)
        stop(bakery, anna)
        return anna


def screens(contact: Contact, event_id: object) -> list[str]:
    own = f"contacts/{contact.uid}/"
    receipt = f"{own}consents/{event_id}/receipt.html"
    nobody = f"contacts/?{urlencode({SEARCH: sealed_search('nobody', of=str(contact.tenant_id))})}"
    return ["contacts/", nobody, own, f"{own}proof/", f"{own}withdraw/", "receipts/verify/", receipt]


@pytest.mark.parametrize(("language", "theme"), [("de", "light"), ("en", "dark")])
def test_every_screen_is_accessible(
    alice: Page, live_server: object, bakery: Tenant, anna: Contact, language: str, theme: str
) -> None:
    alice.context.add_cookies([{"name": "django_language", "value": language, "url": str(live_server)}])
    alice.emulate_media(color_scheme=theme)
    with tenant_scope(bakery):
        event_id = bakery.consent_events.get(seq=1).event_id
    problems = []

    for path in screens(anna, event_id):
        alice.goto(f"{live_server}/bakery/{path}")
        problems += [
            f"/{path}: {found['id']} at {found['nodes'][0]['target']}"
            for found in Axe().run(alice).response["violations"]
        ]

    assert problems == []


def test_a_person_is_found_while_typing_and_their_receipt_is_checked(
    alice: Page, live_server: object, anna: Contact, tmp_path: Path
) -> None:
    alice.goto(f"{live_server}/bakery/contacts/")
    alice.locator("#contact-search").press_sequentially("030 23125-001")
    expect(alice).to_have_url(re.compile(r"/bakery/contacts/\?search="))
    assert "23125" not in alice.url
    expect(alice.locator("#list tbody tr")).to_have_count(1)
    alice.get_by_role("link", name="Anna Müller").click()
    with alice.expect_download() as download:
        alice.locator("a[href$='receipt.json']").last.click()
    file = tmp_path / "receipt.json"
    download.value.save_as(file)

    def checked() -> None:
        alice.goto(f"{live_server}/bakery/receipts/verify/")
        alice.set_input_files("input[type=file]", str(file))
        alice.locator("form.card button").click()

    checked()
    expect(alice.locator(".checklist .is-ok")).to_have_count(4)
    document = json.loads(file.read_text())
    document["controller"]["name"] = "Andere GmbH"
    file.write_text(json.dumps(document))
    checked()
    expect(alice.locator(".checklist .is-bad")).to_have_count(1)
