"""Consent texts in a real browser: checked while somebody types, published after a question, ended while one looks."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from consent import invalidating
from consent.actions import controllers
from consent.models import Invalidation
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.consent.factories import agree, person, published
from tests.consent.texts import COMPANY, NOTICE

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def company(bakery: Tenant) -> None:
    """The bakery has said who it is."""
    with tenant_scope(bakery):
        controllers.update(tenant=bakery, by=None, legal_name=COMPANY, privacy_url=NOTICE)


def violations(page: Page) -> list[str]:
    return [f"{found['id']} at {found['nodes'][0]['target']}" for found in Axe().run(page).response["violations"]]


def test_a_text_is_written_checked_and_published(alice: Page, live_server: object, company: None) -> None:
    alice.goto(f"{live_server}/bakery/wordings/")
    alice.get_by_role("link", name="Ersten Text schreiben").click()
    duties = alice.get_by_role("region", name="Was das Gesetz verlangt")
    expect(duties).to_contain_text("Alles erfüllt")

    german = alice.get_by_label("Text auf Deutsch")
    whole = german.input_value()
    german.fill(whole.replace("Ich bin mindestens 16 Jahre alt. ", ""))
    expect(duties).to_contain_text("Der Text fragt nicht nach dem Alter")
    german.fill(whole)
    expect(duties).to_contain_text("Alles erfüllt")
    alice.get_by_label("Messung von Klicks und Lesen, WhatsApp").check()
    expect(duties).to_contain_text("in einem Ja verbunden")
    alice.get_by_label("Messung von Klicks und Lesen, WhatsApp").uncheck()
    alice.get_by_role("button", name="Entwurf speichern").click()

    alice.get_by_role("button", name="Veröffentlichen").click()
    alice.get_by_role("dialog").get_by_role("button", name="Veröffentlichen").click()
    expect(alice.get_by_role("main")).to_contain_text("Version 1 ist veröffentlicht")
    expect(alice.get_by_role("region", name="Version 1")).to_contain_text("In Verwendung")
    assert violations(alice) == []


def test_the_end_of_an_invalid_text_is_watched(alice: Page, live_server: object, bakery: Tenant) -> None:
    with tenant_scope(bakery):
        version = published(bakery)
        agree(bakery, person(bakery), wording=version)
        published(bakery, 2)
    alice.goto(f"{live_server}/bakery/wordings/{version.wording.uid}/1/invalid/")
    assert violations(alice) == []

    alice.get_by_label("Warum sie ungültig ist").fill("Der Anbieter fehlte.")
    alice.get_by_role("button", name="Einwilligung von 1 Kontakt beenden").click()
    first = alice.get_by_role("region", name="Version 1")
    expect(first).to_contain_text("Der Anbieter fehlte.")
    assert violations(alice) == []
    with tenant_scope(bakery):
        over = Invalidation.objects.get()
    invalidating.run(bakery.pk, over.pk)

    expect(first).to_contain_text("1 Einwilligung beendet", timeout=8000)
