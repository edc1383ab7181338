"""The screens of numbers: overview, campaign list, report and recipients."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from analytics.queries import people
from campaigns.models import Campaign
from consent.actions import agreements
from consent.models import ConsentState
from messaging.models import Message, Source
from messaging.reasons import OVERDUE_PAUSE
from tenants.actions import NewTenant, create_tenant
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.analytics import cast

HTMX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture
def alice(client: Client, bakery_made: NewTenant) -> Client:
    client.force_login(bakery_made.owner)
    return client


@pytest.fixture
def running(bakery: Tenant) -> Campaign:
    """Ten people: four read, three delivered only, one failed, one left out, one still waiting."""
    with tenant_scope(bakery):
        campaign = cast.campaign_of(bakery)
        messages = cast.measured(cast.messages_of(campaign.source, 10))
        cast.reached(messages[:7], "accepted", "sent", "delivered")
        cast.reached(messages[:4], "read")
        cast.click(messages[0])
        Message.objects.filter(pk=messages[7].pk).update(state=8, queue=2, error_code=131049)
        Message.objects.filter(pk=messages[8].pk).update(state=9, queue=2, reason="no_consent")
    return campaign


def finish(campaign: Campaign) -> None:
    with tenant_scope(campaign.tenant_id):
        Campaign.objects.filter(pk=campaign.pk).update(state="finished")


def test_an_empty_workspace_shows_the_way_to_the_first_campaign(alice: Client) -> None:
    page = alice.get("/bakery/").content.decode()

    assert "Der Weg zur ersten Kampagne" in page
    assert "WhatsApp-Nummer verbinden" in page


def test_the_way_begins_with_the_contract_without_which_nothing_is_sent(client: Client, db: None) -> None:
    client.force_login(create_tenant(slug="cafe", name="Café", owner_email="dora@example.com").owner)

    answer = client.get("/cafe/")

    assert 'href="/cafe/signups/"' in answer.content.decode().partition('id="steps-title"')[2]
    steps = answer.context["steps"]
    assert (steps[0]["view"], steps[0]["is_done"], steps[0]["is_next"]) == ("agreement", False, True)


def test_a_contract_that_nobody_of_the_company_has_signed_is_still_to_be_concluded(client: Client, db: None) -> None:
    cafe = create_tenant(slug="cafe", name="Café", owner_email="dora@example.com")
    with tenant_scope(cafe.tenant):
        agreements.accept(tenant=cafe.tenant, signer="", position="", by=None)
    client.force_login(cafe.owner)

    assert not client.get("/cafe/").context["steps"][0]["is_done"]


def test_the_way_is_ticked_off_from_what_is_there(alice: Client, bakery: Tenant) -> None:
    with tenant_scope(bakery):
        cast.number_of(bakery)
        cast.contacts_of(bakery, 1)

    page = alice.get("/bakery/").content.decode()

    # With the contract, which is concluded.
    assert page.count('class="is-ok"') == 3


def test_the_overview_shows_what_runs_and_every_rate_with_its_definition(alice: Client, running: Campaign) -> None:
    page = alice.get("/bakery/?days=90").content.decode()

    assert "Läuft gerade" in page
    assert running.name in page
    assert "Gelesen ÷ zugestellt" in page
    assert "Als Tabelle zeigen" in page


def test_an_unknown_period_falls_back_to_thirty_days(alice: Client, running: Campaign) -> None:
    assert alice.get("/bakery/?days=9999").context["days"] == 30


def test_a_campaigns_name_cannot_break_out_of_the_question(alice: Client, running: Campaign) -> None:
    with tenant_scope(running.tenant_id):
        Campaign.objects.filter(pk=running.pk).update(name="\"'><script>alert(1)</script>")

    for path in ("", f"{running.uid}/"):
        page = alice.get(f"/bakery/campaigns/{path}").content.decode()

        assert "<script>alert" not in page
        assert (
            'data-confirm-title="„&quot;&#x27;&gt;&lt;script&gt;alert(1)&lt;/script&gt;“ abbrechen"'
            ' data-confirm="Was noch nicht gesendet ist'
        ) in page


def test_the_list_names_each_campaign_with_its_rates(alice: Client, running: Campaign) -> None:
    page = alice.get("/bakery/campaigns/").content.decode()

    assert "57,1\u202f%" in page
    assert "14,3\u202f%" in page
    assert "9 von 10" in page


def test_a_campaign_that_is_over_says_how_many_were_sent(alice: Client, running: Campaign) -> None:
    with tenant_scope(running.tenant):
        Campaign.objects.filter(pk=running.pk).update(state="finished", finished_at=now())

    assert "7 gesendet" in alice.get("/bakery/campaigns/").content.decode()


def test_the_list_filters_by_state_and_name_and_says_when_nothing_fits(alice: Client, running: Campaign) -> None:
    assert running.name in alice.get("/bakery/campaigns/?state=running&q=somm").content.decode()

    page = alice.get("/bakery/campaigns/?state=paused").content.decode()

    assert "Keine Treffer" in page
    assert "Filter zurücksetzen" in page


def test_a_workspace_without_campaigns_gets_one_sentence_and_one_button(alice: Client) -> None:
    page = alice.get("/bakery/campaigns/").content.decode()

    assert "Noch keine Kampagnen" in page
    assert page.count('href="/bakery/campaigns/new/"') == 2


@pytest.mark.parametrize("target", ["rows", "live", "running"])
def test_polling_ends_with_the_campaign(alice: Client, running: Campaign, target: str) -> None:
    path = {"rows": "/bakery/campaigns/", "live": f"/bakery/campaigns/{running.uid}/", "running": "/bakery/"}[target]

    during = alice.get(path, **HTMX, HTTP_HX_TARGET=target)
    finish(running)
    after = alice.get(path, **HTMX, HTTP_HX_TARGET=target)

    assert (during.status_code, after.status_code) == (200, 286)
    assert 'hx-trigger="every 2s"' in during.content.decode()
    assert 'hx-trigger="every 2s"' not in after.content.decode()


def test_the_list_costs_the_same_for_one_campaign_and_for_many(
    alice: Client, bakery: Tenant, running: Campaign
) -> None:
    alice.get("/bakery/campaigns/")
    with CaptureQueriesContext(connection) as few:
        alice.get("/bakery/campaigns/")
    with tenant_scope(bakery):
        for number in range(5):
            cast.campaign_of(bakery, cast.source_of(bakery, f"Nummer {number}"))

    with CaptureQueriesContext(connection) as many:
        alice.get("/bakery/campaigns/")

    assert len(many) == len(few)


def test_the_report_explains_every_loss_in_german_and_links_to_the_people(alice: Client, running: Campaign) -> None:
    page = alice.get(f"/bakery/campaigns/{running.uid}/").content.decode()

    assert "gerade genug Werbung" in page
    assert "?state=failed&amp;error=131049" in page
    assert "?state=skipped&amp;reason=no_consent" in page
    assert "Trichter: Zielgruppe 10, Erreichbar 9" in page


def test_a_campaign_whose_account_is_stopped_says_why_it_waits(
    alice: Client, bakery: Tenant, running: Campaign
) -> None:
    with tenant_scope(bakery):
        bakery.accounts.update(paused_at=now(), pause_code=190)

    page = alice.get(f"/bakery/campaigns/{running.uid}/").content.decode()

    assert "kann zurzeit nicht senden" in page
    assert "Das Zugriffstoken ist abgelaufen" in page


def test_a_running_campaign_says_until_when_it_sends(alice: Client, bakery: Tenant, running: Campaign) -> None:
    with tenant_scope(bakery):
        Source.objects.update(expires_at=cast.NOON)

    page = alice.get(f"/bakery/campaigns/{running.uid}/").content.decode()

    assert "sendet bis 01.09.2026 14:00" in page


@pytest.mark.parametrize("path", ["", "{uid}/"])
def test_a_campaign_paused_at_its_end_says_why_and_how_many_messages_resuming_sends(
    alice: Client, bakery: Tenant, running: Campaign, path: str
) -> None:
    with tenant_scope(bakery):
        Campaign.objects.update(state="paused")
        Source.objects.update(state="paused", pause_code=OVERDUE_PAUSE)

    page = alice.get("/bakery/campaigns/" + path.format(uid=running.uid)).content.decode()

    assert 'data-confirm="1 Nachricht wartet noch und geht jetzt hinaus. Der Versand endet nach 24 Stunden."' in page
    if path:
        assert "Von Zusage pausiert" in page
        assert "Als die 24 Stunden Versand vorbei waren, warteten noch Nachrichten." in page
        assert "sendet bis" not in page


@pytest.mark.parametrize(
    ("filters", "people"),
    [
        ("", 10),
        ("state=failed&error=131049", 1),
        ("reason=no_consent", 1),
        ("reached=delivered", 7),
        ("reached=read", 4),
        ("state=delivered", 3),
        ("state=read", 4),
    ],
)
def test_the_people_behind_a_number_are_as_many_as_the_number(
    alice: Client, running: Campaign, filters: str, people: int
) -> None:
    page = alice.get(f"/bakery/campaigns/{running.uid}/recipients/?{filters}")

    assert page.context["page"].paginator.count == people


def test_cg_36_no_spelling_of_a_filter_lists_who_read_it_without_being_measured(
    alice: Client, running: Campaign
) -> None:
    with tenant_scope(running.tenant):
        ConsentState.objects.filter(purpose="tracking").update(state="withdrawn")

    def count(filters: str) -> int:
        return alice.get(f"/bakery/campaigns/{running.uid}/recipients/?{filters}").context["page"].paginator.count

    assert [count(f"state={name}") for name in ("read", "delivered")] == [0, 7]
    assert {count(f"state={name}") for name in ("READ", "Read", "DELIVERED", "delıvered")} == {10}


def test_of_a_large_campaign_the_list_says_that_the_first_were_looked_through(
    alice: Client, running: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    def shown() -> str:
        return alice.get(f"/bakery/campaigns/{running.uid}/recipients/?reached=read").content.decode()

    assert "durchgesehen" not in shown()
    monkeypatch.setattr(people, "LOOKED_AT", 2)
    assert "die ersten 2 durchgesehen" in shown()
    with tenant_scope(running.tenant):
        ConsentState.objects.filter(purpose="tracking").delete()
    assert "Unter den ersten 2 hat niemand in die Messung eingewilligt" in shown()


def test_filters_that_make_no_sense_are_left_out(alice: Client, running: Campaign) -> None:
    page = alice.get(f"/bakery/campaigns/{running.uid}/recipients/?state=xx&error=abc&reached=nowhere&page=99")

    assert page.context["page"].paginator.count == 10


def test_recipients_show_the_last_digits_of_a_number_only(alice: Client, running: Campaign) -> None:
    page = alice.get(f"/bakery/campaigns/{running.uid}/recipients/").content.decode()

    assert "…0000" in page
    assert "+4930" not in page


def test_a_draft_has_no_report_yet_and_leads_to_its_review(alice: Client, bakery: Tenant) -> None:
    with tenant_scope(bakery):
        draft = Campaign.objects.create(tenant=bakery, name="Entwurf")

    page = alice.get(f"/bakery/campaigns/{draft.uid}/")

    assert page["Location"] == f"/bakery/campaigns/{draft.uid}/edit/review/"
