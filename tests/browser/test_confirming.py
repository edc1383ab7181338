"""Confirming an address, from the sign-up page to the person's own: by keyboard, without scripts, and for everybody."""

import pytest
from django.core import mail
from playwright.sync_api import Page, expect
from pytest_django import Settings

from consent import tasks
from consent.models import SignupForm
from consent.queries import may_send
from contacts.models import Contact
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.browser.test_signup import PHONE, focused, problems, without_scripts
from tests.consent.factories import known, open_form, published
from tests.consent.test_addresses import link

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
__all__ = ["without_scripts"]


@pytest.fixture
def form(bakery: Tenant, live_server: object, settings: Settings) -> SignupForm:
    """A box for WhatsApp, and a second one for e-mail."""
    settings.PUBLIC_URL = str(live_server)
    with tenant_scope(bakery):
        known(bakery, brand_color="#c2410c")
        extra = published(bakery, name="E-Mail", covers=[["email", "marketing"]])
        return open_form(bakery, extra_wording=extra.wording)


def signed_up(page: Page, live_server: object, language: str = "de") -> str:
    """Sign up with both boxes and an address; returns where the link of the mail leads."""
    page.goto(f"{live_server}/s/bakery/theke/?lang={language}")
    page.locator("#id_agree").check()
    page.locator("#id_extra").check()
    page.locator("#id_email").fill("anna@example.com")
    page.get_by_role("button").click()
    expect(page.get_by_text("anna@example.com")).to_be_visible()
    tasks.ask_addresses()
    return f"{live_server}{link(mail.outbox[-1])}"


def may(tenant: Tenant) -> str:
    with tenant_scope(tenant):
        anna = Contact.objects.get(email="anna@example.com")
        return may_send(contact=anna, channel="email", purpose="marketing").reason


def test_confirming_needs_no_script(
    without_scripts: Page,
    live_server: object,
    form: SignupForm,
    bakery: Tenant,
) -> None:
    page = without_scripts
    page.goto(f"{live_server}/s/bakery/theke/")
    page.locator("#id_agree").check()
    page.locator("#id_extra").check()
    page.get_by_role("button").click()
    expect(page.get_by_role("alert")).to_contain_text("name@example.de")

    page.goto(signed_up(page, live_server))
    page.get_by_role("button", name="Ja, ich stimme zu").click()

    expect(page.get_by_role("status")).to_contain_text("E-Mails")
    assert may(bakery) == ""
    page.get_by_role("link", name="abmelden").click()
    page.get_by_role("button", name="Abmelden: E-Mail").click()
    expect(page.get_by_role("status")).to_contain_text("abgemeldet")
    assert may(bakery) == "withdrawn"


def test_confirming_on_a_phone_works_by_keyboard_alone(
    page: Page, live_server: object, form: SignupForm, bakery: Tenant
) -> None:
    page.set_viewport_size(PHONE)
    page.goto(f"{live_server}/s/bakery/theke/")
    visited = []
    for _step in range(12):
        page.keyboard.press("Tab")
        visited.append(focused(page))
        if visited[-1] in ("agree", "extra"):
            page.keyboard.press("Space")
        if visited[-1] == "email":
            page.keyboard.type("anna@example.com")
        if visited[-1] == "submit":
            break
    assert [name for name in visited if name] == ["agree", "extra", "email", "submit"]
    page.keyboard.press("Enter")
    expect(page.get_by_text("anna@example.com")).to_be_visible()
    tasks.ask_addresses()

    page.goto(f"{live_server}{link(mail.outbox[-1])}")
    for _step in range(6):
        page.keyboard.press("Tab")
        if focused(page) == "submit":
            break
    # What has the focus is in sight and marked.
    assert page.evaluate("document.activeElement.matches(':focus-visible')")
    assert page.evaluate("document.activeElement.getBoundingClientRect().bottom <= innerHeight")
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", level=1)).to_contain_text("bestätigt")
    assert may(bakery) == ""


@pytest.mark.parametrize(("language", "theme"), [("de", "light"), ("en", "dark")])
def test_the_pages_of_the_mail_are_for_everybody(
    page: Page, live_server: object, form: SignupForm, language: str, theme: str
) -> None:
    page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    page.set_viewport_size(PHONE)
    found = []
    page.goto(f"{live_server}/s/bakery/theke/?lang={language}")
    page.locator("#id_agree").check()
    page.locator("#id_extra").check()
    page.locator("#id_email").fill("anna")
    page.get_by_role("button").click()
    expect(page.locator("#id_email_error")).to_be_visible()
    assert page.locator("#id_email").get_attribute("aria-invalid") == "true"
    assert "id_email_error" in str(page.locator("#id_email").get_attribute("aria-describedby"))
    found += problems(page)

    address = f"{signed_up(page, live_server, language)}?lang={language}"
    found += problems(page)
    page.goto(address)
    found += problems(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    # At four times the size nothing is cut off either.
    page.set_viewport_size({"width": 320, "height": 256})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.set_viewport_size(PHONE)
    page.get_by_role("button").click()
    expect(page.get_by_role("status")).to_be_visible()
    found += problems(page)
    for over in (address, f"{live_server}/p/made-up/confirm/"):
        page.goto(over)
        found += problems(page)

    assert found == []
    assert page.context.cookies() == []
