"""An import as a person does it: drop a file, look at what would happen, import, see what became of it."""

import re
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import LazySettings
from playwright.sync_api import Page, expect

from consent import importing
from contacts.models import Import
from tenants.models import Tenant
from tenants.scope import tenant_scope

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
POLL_MS = 8000
EXAMPLE = Path(__file__).parent.parent.parent / "static" / "kontakte-beispiel.csv"
PEOPLE = "Handy;Vorname;Filiale\n0151 23456780;Anna;Mitte\n12;Bert;Nord\n"
DROP = """text => {
    const dropped = new DataTransfer();
    dropped.items.add(new File([text], "kunden.csv", { type: "text/csv" }));
    document.querySelector("main").dispatchEvent(new DragEvent("drop", { bubbles: true, dataTransfer: dropped }));
}"""


@pytest.fixture(autouse=True)
def uploads(settings: LazySettings, tmp_path: Path) -> None:
    """Uploaded files go away with the test."""
    settings.MEDIA_ROOT = str(tmp_path)


def work() -> None:
    """Let a worker do what is due."""
    for tenant_id, import_id in importing.due():
        importing.run(tenant_id, import_id)


def upload(page: Page, live_server: object, file: Path | dict) -> None:
    page.goto(f"{live_server}/bakery/imports/new/")
    page.get_by_label("Datei", exact=True).set_input_files(file)
    page.get_by_role("button", name="Hochladen und prüfen").click()


def people() -> dict:
    return {"name": "kunden.csv", "mimeType": "text/csv", "buffer": PEOPLE.encode()}


def test_a_file_is_checked_looked_at_and_imported(alice: Page, live_server: object, bakery: Tenant) -> None:
    upload(alice, live_server, EXAMPLE)
    expect(alice.get_by_role("heading", level=1)).to_contain_text("Wird geprüft")
    work()
    expect(alice.get_by_role("button", name="3 Kontakte importieren")).to_be_visible(timeout=POLL_MS)
    expect(alice.locator("#announcer")).to_have_text("Geprüft")
    with tenant_scope(bakery):
        assert not bakery.contacts.exists()

    alice.get_by_role("button", name="3 Kontakte importieren").click()
    expect(alice.get_by_role("heading", level=1)).to_contain_text("Läuft")
    alice.reload()
    work()

    expect(alice.get_by_role("heading", level=1)).to_contain_text("Abgeschlossen", timeout=POLL_MS)
    expect(alice.get_by_role("heading", name="3 Kontakte sind in Ihrem Arbeitsbereich")).to_be_visible()
    expect(alice.locator("#live")).not_to_have_attribute("hx-trigger", "every 2s")
    with tenant_scope(bakery):
        assert bakery.contacts.count() == 3


def test_a_file_may_be_dropped_anywhere(alice: Page, live_server: object) -> None:
    alice.goto(f"{live_server}/bakery/imports/new/")
    alice.evaluate(DROP, PEOPLE)

    alice.get_by_role("button", name="Hochladen und prüfen").click()

    alice.wait_for_url(re.compile(r"/imports/[0-9a-f-]{36}/$"))
    expect(alice.get_by_role("heading", level=1)).to_contain_text("kunden.csv")


def test_a_broken_file_is_named_at_its_field_which_gets_the_focus(alice: Page, live_server: object) -> None:
    upload(alice, live_server, {"name": "leer.csv", "mimeType": "text/csv", "buffer": b""})

    expect(alice.locator("#id_file_error")).to_contain_text("Die Datei ist leer")
    expect(alice.get_by_label("Datei", exact=True)).to_be_focused()


def test_the_name_of_an_attribute_appears_when_it_is_chosen(alice: Page, live_server: object) -> None:
    upload(alice, live_server, people())
    alice.wait_for_url(re.compile(r"/imports/[0-9a-f-]{36}/$"))
    work()
    name = alice.get_by_label("Name des Merkmals für „Filiale“")
    target = alice.get_by_label("„Filiale“ wird zu")
    expect(target).to_be_visible(timeout=POLL_MS)
    expect(name).to_be_hidden()

    target.select_option("attribute:")
    name.fill("Liebste Filiale")
    alice.get_by_role("button", name="Speichern und prüfen").click()
    expect(alice.get_by_role("heading", level=1)).to_contain_text("Wird geprüft")
    work()

    expect(name).to_have_value("liebste_filiale", timeout=POLL_MS)


def test_cancelling_a_running_import_asks_first(alice: Page, live_server: object, bakery: Tenant) -> None:
    upload(alice, live_server, people())
    alice.wait_for_url(re.compile(r"/imports/[0-9a-f-]{36}/$"))
    work()
    alice.get_by_role("button", name="1 Kontakt importieren").click(timeout=POLL_MS)
    alice.get_by_role("button", name="Import abbrechen").click()
    alice.keyboard.press("Escape")
    with tenant_scope(bakery):
        assert bakery.imports.get().state == "running"

    alice.get_by_role("button", name="Import abbrechen").click()
    alice.get_by_role("dialog").get_by_role("button", name="Import abbrechen").click()

    expect(alice.get_by_role("heading", level=1)).to_contain_text("Abgebrochen")
    expect(alice.get_by_role("button", name="Import fortsetzen")).to_be_visible()


@pytest.mark.parametrize(("language", "theme"), [("de", "light"), ("en", "dark")])
def test_every_import_screen_is_accessible_and_fits_a_phone(
    alice: Page, live_server: object, bakery: Tenant, language: str, theme: str
) -> None:
    problems: list[str] = []

    def look(path: str, state: str) -> None:
        alice.context.add_cookies([{"name": "django_language", "value": language, "url": str(live_server)}])
        alice.emulate_media(color_scheme=theme)
        alice.goto(f"{live_server}/bakery/{path}")
        found = Axe().run(alice).response["violations"]
        problems.extend(f"{state}: {each['id']} at {each['nodes'][0]['target']}" for each in found)
        alice.set_viewport_size({"width": 390, "height": 844})
        if (width := alice.evaluate("document.documentElement.scrollWidth")) > 390:
            problems.append(f"{state}: {width} wide")
        alice.set_viewport_size({"width": 1280, "height": 900})

    look("imports/", "empty")
    look("imports/new/", "new")
    alice.context.add_cookies([{"name": "django_language", "value": "de", "url": str(live_server)}])
    upload(alice, live_server, EXAMPLE)
    alice.wait_for_url(re.compile(r"/imports/[0-9a-f-]{36}/$"))
    with tenant_scope(bakery):
        one = f"imports/{bakery.imports.get().uid}/"
    look(one, "checking")
    work()
    look(one, "checked")
    for state in ("uploaded", "running", "cancelled", "failed", "finished"):
        with tenant_scope(bakery):
            Import.objects.update(state=state, is_dry_run=False, error="Etwas ging schief.")
        look(one, state)
    look("imports/", "list")

    assert problems == []
