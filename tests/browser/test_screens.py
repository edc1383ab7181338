"""What only a browser can tell: accessibility, widths, live counts, polling, questions before what cannot be undone."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from campaigns.models import Campaign
from messaging.models import Source
from messaging.reasons import OVERDUE_PAUSE
from tenants.scope import tenant_scope
from tests.analytics import cast

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
POLL_MS = 8000


@pytest.fixture
def running(draft: Campaign) -> Campaign:
    """A running campaign that has reached seven of nine people."""
    with tenant_scope(draft.tenant):
        campaign = cast.campaign_of(draft.tenant, name="Läuft gerade durch")
        messages = cast.messages_of(campaign.source, 9)
        cast.reached(messages[:7], "accepted", "sent", "delivered")
        cast.reached(messages[:4], "read")
        cast.click(messages[0])
    return campaign


def screens(draft: Campaign, running: Campaign) -> list[str]:
    editing, report = f"campaigns/{draft.uid}/edit", f"campaigns/{running.uid}"
    return [
        *("", "campaigns/", "campaigns/?q=nothing", "campaigns/new/", "company/", "wordings/", "wordings/new/"),
        *(f"processing/{page}" for page in ("", "agreement/", "record/", "breaches/new/")),
        *("signups/", "data-requests/", "data-requests/new/", "log/", "log/?channel=sms", "look/"),
        *("numbers/", "programs/", "../accounts/sessions/"),
        *(f"{editing}/", f"{editing}/audience/", f"{editing}/message/", f"{editing}/review/"),
        *(f"{report}/", f"{report}/recipients/"),
    ]


@pytest.mark.parametrize(("language", "theme"), [("de", "light"), ("en", "dark")])
def test_every_screen_is_accessible(
    alice: Page, live_server: object, draft: Campaign, running: Campaign, language: str, theme: str
) -> None:
    alice.context.add_cookies([{"name": "django_language", "value": language, "url": str(live_server)}])
    alice.emulate_media(color_scheme=theme)
    problems = []

    for path in screens(draft, running):
        alice.goto(f"{live_server}/bakery/{path}")
        assert alice.locator("html").get_attribute("data-bs-theme") == theme
        problems += [
            f"/{path}: {found['id']} at {found['nodes'][0]['target']}"
            for found in Axe().run(alice).response["violations"]
        ]

    assert problems == []


def test_no_screen_is_wider_than_a_phone(alice: Page, live_server: object, draft: Campaign, running: Campaign) -> None:
    alice.set_viewport_size({"width": 390, "height": 844})
    wide = []

    for path in screens(draft, running):
        alice.goto(f"{live_server}/bakery/{path}")
        if alice.evaluate("document.documentElement.scrollWidth") > 390:
            wide.append(path)

    assert wide == []


def test_the_menu_of_a_phone_opens_and_says_so(alice: Page, live_server: object) -> None:
    alice.set_viewport_size({"width": 390, "height": 844})
    link = alice.get_by_role("navigation", name="Hauptnavigation").get_by_role("link", name="Kampagnen")
    expect(link).to_be_hidden()

    alice.get_by_role("button", name="Menü").click()

    expect(link).to_be_visible()
    expect(alice.get_by_role("button", name="Menü")).to_have_attribute("aria-expanded", "true")


def test_the_chosen_theme_survives_a_reload(alice: Page, live_server: object) -> None:
    alice.get_by_text("Konto und Darstellung").locator("..").click()
    alice.get_by_role("button", name="Dunkel").click()

    alice.reload()

    expect(alice.locator("html")).to_have_attribute("data-bs-theme", "dark")


def test_the_reachable_people_are_counted_while_choosing(alice: Page, live_server: object, draft: Campaign) -> None:
    alice.goto(f"{live_server}/bakery/campaigns/{draft.uid}/edit/audience/")
    expect(alice.locator("#estimate")).to_contain_text("3 erreichbar")

    alice.locator("#choices-include").get_by_label("Stammkunden").uncheck()

    expect(alice.locator("#estimate")).to_contain_text("Noch niemand")
    expect(alice.locator("#saved")).to_have_text("Gespeichert")


def test_the_preview_follows_the_typing_and_nothing_is_lost(alice: Page, live_server: object, draft: Campaign) -> None:
    alice.goto(f"{live_server}/bakery/campaigns/{draft.uid}/edit/message/")

    alice.locator("[name=body_2_text]").fill("*Montag* <b>nicht fett</b>")

    expect(alice.locator(".bubble-body strong")).to_have_text("Montag")
    expect(alice.locator(".bubble-body")).to_contain_text("<b>nicht fett</b>")
    expect(alice.locator("#saved")).to_have_text("Gespeichert")
    alice.reload()
    expect(alice.locator("[name=body_2_text]")).to_have_value("*Montag* <b>nicht fett</b>")


def test_a_fixed_text_hides_the_fallback(alice: Page, live_server: object, draft: Campaign) -> None:
    alice.goto(f"{live_server}/bakery/campaigns/{draft.uid}/edit/message/")
    expect(alice.locator("[name=body_1_fallback]")).to_be_visible()

    alice.locator("[name=body_1_from]").select_option("text")

    expect(alice.locator("[name=body_1_fallback]")).to_be_hidden()
    expect(alice.locator("[name=body_1_text]")).to_be_visible()


def test_sending_asks_first_and_then_shows_the_report(alice: Page, live_server: object, draft: Campaign) -> None:
    alice.goto(f"{live_server}/bakery/campaigns/{draft.uid}/edit/review/")
    alice.get_by_role("button", name="3 Nachrichten senden").click()
    alice.keyboard.press("Escape")
    expect(alice).to_have_url(re.compile("/edit/review/$"))

    alice.get_by_role("button", name="3 Nachrichten senden").click()
    alice.get_by_role("dialog").get_by_role("button", name="3 Nachrichten senden").click()

    alice.wait_for_url(f"**/campaigns/{draft.uid}/")
    expect(alice.get_by_role("heading", level=1)).to_contain_text("Läuft")


def test_resuming_says_first_how_many_messages_it_sends(alice: Page, live_server: object, running: Campaign) -> None:
    with tenant_scope(running.tenant):
        Campaign.objects.filter(pk=running.pk).update(state="paused", frozen_at=cast.NOON)
        Source.objects.filter(pk=running.source_id).update(state="paused", pause_code=OVERDUE_PAUSE)
    alice.goto(f"{live_server}/bakery/campaigns/{running.uid}/")

    alice.get_by_role("button", name="Fortsetzen").click()
    dialog = alice.get_by_role("dialog")
    expect(dialog).to_contain_text("2 Nachrichten warten noch und gehen jetzt hinaus.")
    dialog.get_by_role("button", name="Fortsetzen").click()

    expect(alice.get_by_role("heading", level=1)).to_contain_text("Läuft")
    expect(alice.locator(".page-lead")).to_contain_text("sendet bis")


def test_the_report_follows_a_running_campaign_until_it_ends(
    alice: Page, live_server: object, running: Campaign
) -> None:
    alice.goto(f"{live_server}/bakery/campaigns/{running.uid}/")
    alice.locator("#live summary", has_text="Als Tabelle zeigen").click()
    with tenant_scope(running.tenant):
        cast.messages_of(running.source, 1)
        Campaign.objects.filter(pk=running.pk).update(state="finished")

    expect(alice.get_by_role("heading", level=1)).to_contain_text("Abgeschlossen", timeout=POLL_MS)
    expect(alice.locator("#live details").first).to_have_attribute("open", "")
    expect(alice.locator("#live")).not_to_have_attribute("hx-trigger", "every 2s")


def test_a_chart_is_drawn_and_has_its_table(alice: Page, live_server: object, running: Campaign) -> None:
    alice.goto(f"{live_server}/bakery/campaigns/{running.uid}/")

    expect(alice.locator("#hours .chart-canvas svg text").first).to_be_visible()
    alice.locator("#hours summary").click()
    expect(alice.locator("#hours table")).to_be_visible()
