"""Topics, questions by industry and claims over a no in a real browser: without scripts, by keyboard, for everybody."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from pytest_django import Settings

from consent.models import SignupForm
from consent.queries import may_send
from contacts.models import Contact, ContactList, ListMember
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests import factories
from tests.browser.test_signup import PHONE, address, press_until, problems
from tests.consent.factories import agree, known, open_form, person, stop
from tests.consent.imports import done
from tests.consent.test_imports_consent import PROVEN

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def form(bakery: Tenant) -> SignupForm:
    """An open form that offers topics and asks what people like."""
    factories.number(bakery)
    with tenant_scope(bakery):
        return open_form(
            bakery,
            number="+493023125000",
            question="choice",
            question_label="Was magst du?",
            question_answers=["Brot", "Kuchen"],
            question_attribute="lieblings",
            offers_topics=True,
        )


@pytest.fixture
def anna(bakery: Tenant) -> Contact:
    with tenant_scope(bakery):
        known(bakery)
        found = person(bakery)
        agree(bakery, found)
    return found


@pytest.fixture
def without_scripts(browser: Browser) -> Iterator[Page]:
    """A phone whose browser runs no scripts."""
    context = browser.new_context(viewport=PHONE, locale="de-DE", java_script_enabled=False)
    yield context.new_page()
    context.close()


@pytest.fixture
def news(bakery: Tenant) -> ContactList:
    with tenant_scope(bakery):
        ContactList.objects.create(tenant=bakery, name="öko", is_topic=True, title_de="Nachhaltigkeit")
        return ContactList.objects.create(tenant=bakery, name="neu", is_topic=True, title_de="Neuheiten")


def on(contact: Contact) -> list[str]:
    with tenant_scope(contact.tenant):
        return list(ListMember.objects.filter(contact=contact).values_list("list__name", flat=True))


def test_topics_are_chosen_on_a_phone_without_scripts_and_by_keyboard(
    without_scripts: Page, live_server: object, anna: Contact, news: ContactList
) -> None:
    page = without_scripts
    page.goto(address(live_server, anna))
    page.get_by_label("Neuheiten").focus()
    page.keyboard.press("Space")
    press_until(page, "Themen speichern")

    expect(page.get_by_role("status")).to_contain_text("Deine Auswahl gilt ab sofort")
    expect(page.get_by_label("Neuheiten")).to_be_checked()
    expect(page.get_by_label("Nachhaltigkeit")).not_to_be_checked()
    assert on(anna) == ["neu"]
    with tenant_scope(anna.tenant):
        assert may_send(contact=anna, channel="whatsapp", purpose="marketing").allowed


@pytest.mark.parametrize(("language", "theme"), [("de", "light"), ("en", "dark")])
def test_pages_with_topics_are_for_everybody(
    page: Page, live_server: object, form: SignupForm, anna: Contact, news: ContactList, language: str, theme: str
) -> None:
    page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    page.set_viewport_size(PHONE)
    found = []

    for url in (f"{live_server}/s/bakery/theke/?lang={language}", f"{address(live_server, anna)}?lang={language}"):
        page.goto(url)
        expect(page.get_by_label("Neuheiten")).to_be_visible()
        found += problems(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]

    assert found == []


def test_what_the_team_sees_of_topics_and_claims_is_for_everybody_too(
    alice: Page,
    live_server: object,
    form: SignupForm,
    bakery: Tenant,
    news: ContactList,
    settings: Settings,
    tmp_path: Path,
) -> None:
    settings.MEDIA_ROOT = str(tmp_path)
    with tenant_scope(bakery):
        out = person(bakery, phone="+4915123456780", first_name="Anna")
        stop(bakery, out, occurred_at=datetime(2024, 5, 1, tzinfo=UTC))
    imported = done(bakery, PROVEN)
    claims, found = f"imports/{imported.uid}/claims/", []

    for path in ("topics/", "topics/new/", f"topics/{news.uid}/", claims, f"{claims}2/", "signups/new/"):
        alice.set_viewport_size({"width": 1280, "height": 900})
        alice.goto(f"{live_server}/bakery/{path}")
        expect(alice.get_by_role("heading", level=1)).to_be_visible()
        found += [f"{path}: {problem}" for problem in problems(alice)]
        alice.set_viewport_size(PHONE)
        assert alice.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], path

    assert found == []


def test_the_enter_key_in_a_field_saves_the_form_and_takes_over_no_question(
    alice: Page, live_server: object, form: SignupForm
) -> None:
    alice.goto(f"{live_server}/bakery/signups/{form.uid}/edit/")
    alice.locator("#id_headline").fill("Frisch am Morgen")
    alice.keyboard.press("Enter")

    alice.wait_for_url(f"**/signups/{form.uid}/")
    with tenant_scope(form.tenant):
        stored = SignupForm.objects.get()
    assert (stored.headline, stored.question_label) == ("Frisch am Morgen", "Was magst du?")
