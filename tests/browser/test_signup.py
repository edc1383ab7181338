"""The pages that people see, in a real browser: by keyboard alone, on a phone, without scripts, and for everybody."""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from consent.actions import preferences, signup_forms
from consent.models import Controller, SignupForm
from consent.queries import may_send
from consent.signups import token_in
from contacts.models import Contact
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.consent.factories import agree, person, published

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PHONE = {"width": 360, "height": 740}


@pytest.fixture
def form(bakery: Tenant) -> SignupForm:
    with tenant_scope(bakery):
        Controller.objects.create(tenant=bakery, legal_name="Bäckerei Sonne GmbH", brand_color="#c2410c")
        made = signup_forms.create(
            tenant=bakery,
            by=None,
            name="Theke",
            slug="theke",
            number="+4930231250",
            wording=published(bakery, covers=[["whatsapp", "marketing"]]).wording,
            extra_wording=published(bakery, name="Messen", covers=[["whatsapp", "tracking"]]).wording,
            headline="Frisches zuerst erfahren",
            benefit="5 € Gutschein",
            benefit_terms="Ab 20 € Einkauf.",
            question="choice",
            question_label="Was magst du?",
            question_answers=["Brot", "Kuchen"],
            question_attribute="lieblings",
        )
        signup_forms.open_(form=made, by=None)
    return made


@pytest.fixture
def anna(bakery: Tenant) -> Contact:
    with tenant_scope(bakery):
        anna = person(bakery)
        agree(bakery, anna, pairs=[("whatsapp", "marketing"), ("whatsapp", "tracking")])
    return anna


@pytest.fixture
def without_scripts(browser: Browser) -> Iterator[Page]:
    """A phone whose browser runs no scripts."""
    context = browser.new_context(viewport=PHONE, locale="de-DE", java_script_enabled=False)
    yield context.new_page()
    context.close()


def address(live_server: object, contact: Contact) -> str:
    return f"{live_server}/p/{preferences.url(contact).rstrip('/').rpartition('/')[2]}/"


def problems(page: Page) -> list[str]:
    return [f"{found['id']} at {found['nodes'][0]['target']}" for found in Axe().run(page).response["violations"]]


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.name || document.activeElement.type || ''"))


def test_signing_up_needs_no_script(without_scripts: Page, live_server: object, form: SignupForm) -> None:
    page = without_scripts
    page.goto(f"{live_server}/s/bakery/theke/")
    page.get_by_role("button", name="Weiter zu WhatsApp").click()
    expect(page.get_by_role("alert")).to_contain_text("Häkchen")

    page.locator("#id_agree").check()
    page.get_by_role("button", name="Weiter zu WhatsApp").click()

    link = page.get_by_role("link", name="WhatsApp öffnen").get_attribute("href")
    assert link
    assert link.startswith("https://wa.me/4930231250?text=START%20")
    assert token_in(page.locator(".by-hand").inner_text())


def test_signing_up_works_by_keyboard_alone(page: Page, live_server: object, form: SignupForm) -> None:
    page.set_viewport_size(PHONE)
    page.goto(f"{live_server}/s/bakery/theke/")
    visited = []
    for _step in range(12):
        page.keyboard.press("Tab")
        visited.append(focused(page))
        if visited[-1] == "agree":
            page.keyboard.press("Space")
        if visited[-1] == "submit":
            break

    assert [name for name in visited if name] == ["agree", "extra", "answer", "submit"]
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="WhatsApp öffnen")).to_be_visible()


@pytest.mark.parametrize(("language", "theme"), [("de", "light"), ("en", "dark")])
def test_the_pages_are_for_everybody(
    page: Page, live_server: object, form: SignupForm, anna: Contact, language: str, theme: str
) -> None:
    page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    page.set_viewport_size(PHONE)
    found = []

    page.goto(f"{live_server}/s/bakery/theke/?lang={language}")
    found += problems(page)
    page.get_by_role("button").click()
    found += problems(page)
    page.locator("#id_agree").check()
    page.get_by_role("button").click()
    found += problems(page)
    for end in ("", "?ok=1"):
        page.goto(address(live_server, anna) + end)
        found += problems(page)
    page.goto(f"{live_server}/p/made-up/")
    found += problems(page)

    assert found == []
    # At four times the size nothing is cut off either.
    page.set_viewport_size({"width": 320, "height": 256})
    page.goto(f"{live_server}/s/bakery/theke/")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_saying_no_takes_one_key_and_no_script(
    without_scripts: Page, live_server: object, bakery: Tenant, anna: Contact
) -> None:
    page = without_scripts
    page.goto(address(live_server, anna))
    page.get_by_role("button", name="Von allem abmelden").focus()
    page.keyboard.press("Enter")

    expect(page.get_by_role("status")).to_contain_text("abgemeldet")
    with tenant_scope(bakery):
        assert may_send(contact=anna, channel="whatsapp", purpose="marketing").reason == "withdrawn"
