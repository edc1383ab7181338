"""A real browser in front of the real server; skipped where none is installed."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, Page, Playwright, sync_playwright

from campaigns import actions
from campaigns.models import Campaign
from contacts.models import ContactList, ListMember
from tenants.actions import NewTenant
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests import factories
from tests.conftest import PASSWORD

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium: the machine's own or playwright's."""
    # Playwright's loop makes Django believe it runs inside async code.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        browser = _started(playwright)
        yield browser
        browser.close()


def _started(playwright: Playwright) -> Browser:
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    bundled = playwright.chromium.executable_path
    if not found and not Path(bundled).exists():
        pytest.skip("no Chromium found: install one, or run `python -m playwright install chromium`")
    try:
        return playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
    except Error as error:
        pytest.skip(f"Chromium does not start: {str(error).splitlines()[0]}")


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A German desktop window; every complaint of the browser fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="de-DE", reduced_motion="reduce")
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if "Content Security Policy" in said.text else None)
    yield page
    context.close()
    assert complaints == []


@pytest.fixture
def alice(page: Page, live_server: object, bakery_made: NewTenant) -> Page:
    """Alice, logged in, on the overview of her bakery."""
    page.goto(f"{live_server}/accounts/login/")
    page.get_by_label("E-Mail").fill("alice@example.com")
    page.get_by_label("Passwort").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Anmelden").click()
    page.wait_for_url("**/bakery/")
    return page


@pytest.fixture
def draft(bakery_made: NewTenant, bakery: Tenant) -> Campaign:
    """A campaign to five people, two of whom never said yes, ready to be sent."""
    factories.number(bakery)
    template = factories.template(bakery)
    people = [*factories.contacts(bakery, 3), *factories.contacts(bakery, 2, consent=False, start=50)]
    with tenant_scope(bakery):
        regulars = ContactList.objects.create(tenant=bakery, name="Stammkunden")
        ListMember.objects.bulk_create(ListMember(tenant=bakery, list=regulars, contact=person) for person in people)
        made = actions.create(tenant=bakery, name="Herbst", by=bakery_made.owner)
        actions.set_audience(campaign=made, by=bakery_made.owner, include_lists=[regulars])
        actions.set_content(campaign=made, by=bakery_made.owner, template=template, variables=factories.VARIABLES)
    return made
