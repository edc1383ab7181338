"""The pages that people see, in a real browser: by keyboard alone, on a phone, without scripts, and for everybody."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect
from pytest_django import Settings

from consent.actions import preferences, signup_forms, vouchers
from consent.models import SignupCode, SignupForm, SignupRequest
from consent.printing import codes
from consent.queries import may_send
from consent.signups import token_in
from contacts.models import Contact
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.consent.factories import agree, known, open_form, person, published
from tests.qr import text_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PHONE = {"width": 360, "height": 740}


@pytest.fixture
def form(bakery: Tenant) -> SignupForm:
    with tenant_scope(bakery):
        known(bakery, brand_color="#c2410c")
        return open_form(
            bakery,
            extra_wording=published(bakery, name="Messen", covers=[["whatsapp", "tracking"]]).wording,
            benefit="5 € Gutschein",
            benefit_terms="Ab 20 € Einkauf.",
            without_code=True,
            question="choice",
            question_label="Was magst du?",
            question_answers=["Brot", "Kuchen"],
            question_attribute="lieblings",
        )


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


def test_whoever_scans_a_poster_signs_up_on_the_phone_by_keyboard_alone(
    page: Page, live_server: object, form: SignupForm
) -> None:
    page.set_viewport_size(PHONE)
    with tenant_scope(form.tenant):
        place = signup_forms.add_place(form=form, name="Kasse", by=None)
        scanned = urlsplit(text_in(codes.code(form, place, "png"), quiet=4))
    page.goto(f"{live_server}{scanned.path}?{scanned.query}")
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
    for _step in range(5):
        page.keyboard.press("Tab")
        link = page.evaluate("document.activeElement.href || ''")
        if link:
            break
    assert link.startswith("https://wa.me/4930231250?text=START%20")
    with tenant_scope(form.tenant):
        assert [request.place for request in SignupRequest.objects.all()] == [place]


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


def test_the_code_on_the_screen_opens_the_same_message_as_the_link(
    page: Page, live_server: object, form: SignupForm
) -> None:
    page.goto(f"{live_server}/s/bakery/theke/")
    page.locator("#id_agree").check()
    page.get_by_role("button").click()

    code = page.locator(".code svg")
    # Large, before everything else, and on white as it stands in the page.
    code.evaluate("svg => svg.setAttribute('style', 'width: 820px; position: fixed; inset: 0; background: #fff')")

    link = page.get_by_role("link", name="WhatsApp öffnen").get_attribute("href")
    assert text_in(code.screenshot(), quiet=2) == link


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


def test_saying_no_on_a_phone_works_by_keyboard_alone(
    page: Page, live_server: object, bakery: Tenant, anna: Contact
) -> None:
    page.set_viewport_size(PHONE)
    page.goto(address(live_server, anna))
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    reached = []
    for _step in range(10):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.innerText"))
        if reached[-1] == "Von allem abmelden":
            break
    # What has the focus is in sight and marked.
    assert page.evaluate("document.activeElement.matches(':focus-visible')")
    assert page.evaluate("document.activeElement.getBoundingClientRect().bottom <= innerHeight")
    page.keyboard.press("Enter")

    expect(page.get_by_role("status")).to_contain_text("abgemeldet")
    with tenant_scope(bakery):
        assert may_send(contact=anna, channel="whatsapp", purpose="marketing").reason == "withdrawn"


def test_objecting_on_a_phone_works_by_keyboard_alone_and_is_for_everybody(
    page: Page, live_server: object, bakery: Tenant, anna: Contact
) -> None:
    page.set_viewport_size(PHONE)
    page.goto(address(live_server, anna))
    press_until(page, "Werbung widersprechen")
    expect(page.get_by_role("button", name="Ich widerspreche")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    found = problems(page)
    press_until(page, "Ich widerspreche")

    expect(page.get_by_role("status")).to_contain_text("widersprochen")
    assert found + problems(page) == []
    with tenant_scope(bakery):
        assert may_send(contact=anna, channel="whatsapp", purpose="marketing").reason == "objected"


def press_until(page: Page, words: str) -> None:
    """Go by Tab to the button or link with these words, and press it."""
    for _step in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.innerText") == words:
            break
    page.keyboard.press("Enter")


def test_a_person_gets_their_receipt_by_keyboard_and_without_scripts(
    without_scripts: Page, live_server: object, form: SignupForm, bakery: Tenant, anna: Contact
) -> None:
    page = without_scripts
    with tenant_scope(bakery):
        bert = person(bakery)
        agree(bakery, bert, wording=form.wording.versions.get(), language="de")
    page.goto(address(live_server, bert))
    page.locator("summary").focus()
    page.keyboard.press("Enter")
    for _step in range(4):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.innerText") == "ansehen":
            break
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", level=1)).to_have_text("Einwilligungsbeleg")


@pytest.mark.parametrize(("language", "theme"), [("de", "light"), ("en", "dark")])
def test_the_pages_that_nobody_hopes_to_see_are_for_everybody_too(
    page: Page, live_server: object, form: SignupForm, bakery: Tenant, language: str, theme: str
) -> None:
    page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    page.set_viewport_size(PHONE)
    with tenant_scope(bakery):
        signup_forms.update(form=SignupForm.objects.get(), by=None, question="email", question_attribute="")
    url, found = f"{live_server}/s/bakery/theke/?lang={language}", []

    page.goto(url)
    page.locator("#id_agree").check()
    page.locator("#id_answer").fill("anna")
    page.get_by_role("button").click()
    expect(page.locator("#id_answer_error")).to_be_visible()
    assert page.locator("#id_answer").get_attribute("aria-invalid") == "true"
    assert "id_answer_error" in str(page.locator("#id_answer").get_attribute("aria-describedby"))
    found += problems(page)

    page.locator("summary").click()
    expect(page.get_by_text("WhatsApp Ireland Limited")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    found += problems(page)

    for _try in range(30):
        page.request.post(url, form={"agree": "on"})
    page.get_by_role("button").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text({"de": "Zu viele", "en": "Too many"}[language])
    found += problems(page)

    with tenant_scope(bakery):
        signup_forms.close(form=SignupForm.objects.get(), by=None)
    page.goto(url)
    expect(page.get_by_role("heading", level=1)).to_contain_text(
        {"de": "nicht möglich", "en": "not possible"}[language]
    )
    found += problems(page)

    assert found == []


def test_the_persons_page_with_voucher_and_origin_is_for_everybody(
    page: Page, live_server: object, form: SignupForm, bakery: Tenant, anna: Contact
) -> None:
    page.set_viewport_size(PHONE)
    with tenant_scope(bakery):
        bert = person(bakery)
        agree(bakery, bert, wording=form.wording.versions.get(), language="de")
        SignupCode.objects.create(tenant=bakery, form=form, code="SONNE5", contact=bert, issued_at=timezone.now())
    page.goto(address(live_server, bert))
    page.get_by_text("Warum bekomme ich das").click()

    expect(page.get_by_text("SONNE5")).to_be_visible()
    expect(page.locator("blockquote")).to_contain_text("mindestens 16 Jahre")
    assert problems(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


@pytest.fixture
def shop_page(live_server: object) -> Iterator[str]:
    """A web shop at another address whose policy allows no inline styles or scripts, with our tag in its page."""
    tag = f'<script src="{live_server}/s/bakery/theke/widget.js" async data-label="Zum Newsletter"></script>'

    class Shop(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Security-Policy", f"default-src 'self'; script-src {live_server}")
            self.end_headers()
            self.wfile.write(f'<!DOCTYPE html><html lang="de"><title>Shop</title><p>Brot</p>{tag}</html>'.encode())

        def log_message(self, *_args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Shop) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def test_one_tag_on_a_shops_page_leads_to_the_form_under_a_strict_policy(
    page: Page, shop_page: str, live_server: object, form: SignupForm, settings: Settings
) -> None:
    settings.PUBLIC_URL = str(live_server)
    page.goto(shop_page)

    button = page.get_by_role("link", name="Zum Newsletter")
    expect(button).to_have_css("background-color", "rgb(194, 65, 12)")
    assert page.context.cookies() == []
    with page.context.expect_page() as opened:
        button.click()

    expect(opened.value.get_by_role("heading", level=1)).to_have_text("Immer frisch informiert")
    # The shop's page is out of the form's reach, and the form does not hear where people came from.
    assert opened.value.evaluate("window.opener") is None


def test_what_the_team_sees_of_a_form_is_for_everybody_too(
    alice: Page, live_server: object, form: SignupForm, bakery: Tenant
) -> None:
    with tenant_scope(bakery):
        place = signup_forms.add_place(form=form, name="Kasse", by=None)
        vouchers.add(form=form, codes=["EINS", "ZWEI"], by=None)
    base, found = f"{live_server}/bakery/signups/{form.uid}/", []
    parts = ("", "edit/", "codes/remove/", f"places/{place.code}/", "preview/", "preview/confirm/", "preview/chat/")

    for part in parts:
        alice.set_viewport_size({"width": 1280, "height": 900})
        alice.goto(base + part)
        found += problems(alice)
        alice.set_viewport_size(PHONE)
        assert alice.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]

    assert found == []
