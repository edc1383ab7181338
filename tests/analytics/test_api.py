"""The report API answers with the numbers of the key's own tenant."""

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from django.test import Client

from campaigns.models import Campaign
from consent import ledger
from consent.models import ConsentState
from messaging.models import Message, Source
from tenants import actions
from tenants.actions import NewTenant
from tenants.scope import tenant_scope
from tests import factories
from tests.analytics.cast import NOON, State, campaign_of, click, measured, messages_of, order, reached
from whatsapp.pausing import pause_account

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.analytics.urls")]


@pytest.fixture
def campaign(bakery_made: NewTenant) -> Campaign:
    """Five recipients of whom one was skipped and four got the message; one clicked and ordered."""
    with tenant_scope(bakery_made.tenant):
        campaign = campaign_of(bakery_made.tenant)
        messages_of(campaign.source, 1, state=State.SKIPPED, reason="no_consent")
        messages = measured(messages_of(campaign.source, 4))
        reached(messages, "accepted", "sent", "delivered")
        reached(messages[:2], "read")
        click(messages[0])
        order(messages[0], "49.90")
    return campaign


def get(made: NewTenant, path: str, **query: Any) -> Any:
    """The answer to GET /api/v1/<path> with the tenant's key."""
    headers = {"Authorization": f"Bearer {made.api_key}", "Accept-Language": "en"}
    return Client().get(f"/api/v1/{path}", query, headers=headers)


def test_a_report_is_complete_and_reconciles(bakery_made: NewTenant, campaign: Campaign) -> None:
    body = get(bakery_made, f"campaigns/{campaign.uid}/report/").json()

    assert body["audience"] == sum(body["states"].values()) == 5
    assert body["kpis"]["read_rate"] == {
        "value": "0.500000",
        "unit": "share",
        "name": "Read rate",
        "definition": "Read ÷ delivered, also called open rate. A lower bound: read receipts can be switched off.",
    }
    assert body["counts"]["revenue"] == "49.90"
    assert body["exclusions"] == [{"state": "skipped", "reason": "no_consent", "text": "No opt-in", "messages": 1}]
    assert body["timing"]["median_wait_seconds"] == 0
    assert body["links"][0]["clicks"] == 1


def test_a_report_says_what_keeps_the_campaign_waiting(bakery_made: NewTenant, campaign: Campaign) -> None:
    address = f"campaigns/{campaign.uid}/report/"
    assert get(bakery_made, address).json()["waiting"] is None

    with tenant_scope(bakery_made.tenant):
        pause_account(campaign.number.account, 190)
    waiting = get(bakery_made, address).json()["waiting"]
    assert (waiting["kind"], waiting["text"]) == ("account", "The access token has expired or was revoked.")
    assert "connect_number" in waiting["remedy"]

    with tenant_scope(bakery_made.tenant):
        Source.objects.update(state="paused", pause_code=132015)
        Campaign.objects.update(state="paused")
    assert get(bakery_made, address).json()["waiting"]["kind"] == "campaign"

    with tenant_scope(bakery_made.tenant):
        Source.objects.update(pause_code=None)
    assert get(bakery_made, address).json()["waiting"] is None


def test_a_draft_is_reported_with_nulls_for_rates(bakery_made: NewTenant) -> None:
    with tenant_scope(bakery_made.tenant):
        draft = Campaign.objects.create(tenant=bakery_made.tenant, name="Entwurf")

    body = get(bakery_made, f"campaigns/{draft.uid}/report/").json()

    assert (body["audience"], body["kpis"]["delivery_rate"]["value"]) == (0, None)


@pytest.mark.parametrize("part", ["report", "messages"])
def test_carol_cannot_see_the_bakerys_campaign(shop_made: NewTenant, campaign: Campaign, part: str) -> None:
    assert get(shop_made, f"campaigns/{campaign.uid}/{part}/").status_code == 404


def test_a_key_without_the_scope_is_refused(bakery_made: NewTenant, campaign: Campaign) -> None:
    with tenant_scope(bakery_made.tenant):
        _, secret = actions.issue_key(tenant=bakery_made.tenant, name="x", scopes=["campaigns:read"], by=None)

    answer = Client().get(f"/api/v1/campaigns/{campaign.uid}/report/", headers={"Authorization": f"Bearer {secret}"})

    assert answer.status_code == 403


def test_recipients_come_page_by_page_in_the_order_of_contacts(bakery_made: NewTenant, campaign: Campaign) -> None:
    first = get(bakery_made, f"campaigns/{campaign.uid}/messages/", page_size=3).json()
    second = Client().get(first["next"], headers={"Authorization": f"Bearer {bakery_made.api_key}"}).json()

    people = [row["contact"] for row in first["results"] + second["results"]]
    assert (len(first["results"]), len(set(people)), second["next"]) == (3, 5, None)


def test_recipients_can_be_filtered(bakery_made: NewTenant, campaign: Campaign) -> None:
    def states(**query: Any) -> list[str]:
        return [
            row["state"] for row in get(bakery_made, f"campaigns/{campaign.uid}/messages/", **query).json()["results"]
        ]

    assert states(state="read") == ["read"] * 2
    assert states(reached="delivered") == ["read", "read", "delivered", "delivered"]
    assert states(reason="no_consent") == ["skipped"]


def test_cg_36_the_reads_and_clicks_of_who_is_not_measured_are_nowhere_in_the_api(
    bakery_made: NewTenant, campaign: Campaign
) -> None:
    with tenant_scope(bakery_made.tenant):
        clicker = Message.objects.exclude(clicked_at=None).get(source=campaign.source).contact
        ConsentState.objects.filter(subject_id=clicker.subject_id).update(state="withdrawn")
    path = f"campaigns/{campaign.uid}/messages/"

    def of_clicker(**query: Any) -> list[tuple[str, Any, Any]]:
        rows = get(bakery_made, path, **query).json()["results"]
        return [(r["state"], r["read_at"], r["clicked_at"]) for r in rows if r["contact"] == str(clicker.uid)]

    assert of_clicker() == of_clicker(state="delivered") == of_clicker(reached="delivered")
    assert of_clicker() == [("delivered", None, None)]
    assert of_clicker(state="read") == of_clicker(reached="read") == of_clicker(reached="clicked") == []
    timeline = get(bakery_made, f"contacts/{clicker.uid}/timeline/").json()["results"]
    assert {entry["kind"] for entry in timeline} == {"message", "event"}
    [message] = [entry["data"] for entry in timeline if entry["kind"] == "message"]
    assert (message["state"], message["read_at"]) == ("delivered", None)
    # Numbers over everybody stay.
    assert get(bakery_made, f"campaigns/{campaign.uid}/report/").json()["counts"]["clicked"] == 1


def test_recipients_show_no_full_phone_number(bakery_made: NewTenant, campaign: Campaign) -> None:
    answer = get(bakery_made, f"campaigns/{campaign.uid}/messages/")

    with tenant_scope(bakery_made.tenant):
        phones = [message.contact.phone for message in Message.objects.select_related("contact").order_by("contact")]
    assert answer.json()["results"][0]["phone"] == f"…{phones[0][-4:]}"
    assert not [phone for phone in phones if phone in answer.content.decode()]


@pytest.mark.parametrize(("name", "value"), [("state", "happy"), ("stat", "read"), ("error_code", "x")])
def test_a_bad_filter_is_refused_by_name(bakery_made: NewTenant, campaign: Campaign, name: str, value: str) -> None:
    answer = get(bakery_made, f"campaigns/{campaign.uid}/messages/", **{name: value})

    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [name]


def test_the_overview_covers_the_period_asked_for(bakery_made: NewTenant, campaign: Campaign) -> None:
    since, until = NOON.date() - timedelta(days=1), NOON.date()

    body = get(bakery_made, "reports/overview/", since=since, until=until).json()

    assert body["current"]["counts"]["sent"] == 4
    assert [day["counts"]["sent"] for day in body["current"]["days"]] == [0, 4]
    assert body["running"][0]["campaign"] == str(campaign.uid)
    assert body["changes"]["revenue"] is None


def test_the_overview_covers_thirty_days_by_default(bakery_made: NewTenant) -> None:
    assert len(get(bakery_made, "reports/overview/").json()["current"]["days"]) == 30


@pytest.mark.parametrize("since", ["2026-09-03", "2024-01-01"])
def test_an_impossible_period_is_refused(bakery_made: NewTenant, since: str) -> None:
    answer = get(bakery_made, "reports/overview/", since=since, until="2026-09-02")

    assert answer.status_code == 400
    assert "since" in answer.json()["errors"]


def test_a_contacts_timeline_holds_everything_newest_first(bakery_made: NewTenant, campaign: Campaign) -> None:
    with tenant_scope(bakery_made.tenant):
        clicker = Message.objects.exclude(clicked_at=None).get(source=campaign.source).contact
        ledger.append(bakery_made.tenant, factories.yes(clicker))

    body = get(bakery_made, f"contacts/{clicker.uid}/timeline/").json()

    assert body["next"] is None
    times = [entry["at"] for entry in body["results"]]
    assert times == sorted(times, reverse=True)
    kinds = {entry["kind"]: entry["data"] for entry in body["results"]}
    assert set(kinds) == {"message", "click", "event", "consent"}
    assert (kinds["message"]["name"], kinds["message"]["state"]) == ("Sommer", "read")
    assert kinds["event"]["value"] == "49.90"
    assert kinds["consent"]["state"] == "granted"


def test_a_timeline_can_be_paged_without_losing_or_repeating_an_entry(
    bakery_made: NewTenant, campaign: Campaign
) -> None:
    with tenant_scope(bakery_made.tenant):
        clicker = Message.objects.exclude(clicked_at=None).get(source=campaign.source).contact
    path = f"contacts/{clicker.uid}/timeline/"
    whole = get(bakery_made, path).json()["results"]

    pages, address = [], f"/api/v1/{path}?page_size=1"
    while address:
        answer = Client().get(address, headers={"Authorization": f"Bearer {bakery_made.api_key}"}).json()
        pages += answer["results"]
        address = answer["next"]

    assert len(whole) == 3
    assert pages == whole
    assert get(bakery_made, path, kind="click").json()["results"] == [e for e in whole if e["kind"] == "click"]


def test_an_invented_cursor_is_refused_by_name(bakery_made: NewTenant, campaign: Campaign) -> None:
    with tenant_scope(bakery_made.tenant):
        contact = Message.objects.filter(source=campaign.source)[0].contact

    answer = get(bakery_made, f"contacts/{contact.uid}/timeline/", cursor="xyz")

    assert answer.status_code == 400
    assert set(answer.json()["errors"]) == {"cursor"}


def test_carol_cannot_see_a_timeline_of_the_bakery(shop_made: NewTenant, campaign: Campaign) -> None:
    with tenant_scope(campaign.tenant):
        contact = Message.objects.filter(source=campaign.source)[0].contact

    assert get(shop_made, f"contacts/{contact.uid}/timeline/").status_code == 404


def test_messages_that_name_nobody_any_more_are_listed_to_the_last_page(
    bakery_made: NewTenant, campaign: Campaign
) -> None:
    with tenant_scope(bakery_made.tenant):
        messages = list(Message.objects.order_by("pk"))
        Message.objects.filter(pk__in=[message.pk for message in messages[:2]]).update(contact=-F("pk"))

    found, path = [], f"/api/v1/campaigns/{campaign.uid}/messages/?page_size=1"
    while path:
        page = Client().get(path, headers={"Authorization": f"Bearer {bakery_made.api_key}"}).json()
        found += [row["contact"] for row in page["results"]]
        path = page["next"]

    assert len(found) == len(messages)
    assert found.count(None) == 2
