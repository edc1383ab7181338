"""The business profile of a number leads to the company, or the company is told and helped (CG-61)."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from django.test import Client
from pytest_django import Settings

from campaigns import preflight
from tenants.actions import NewTenant
from tenants.models import AuditEvent, Membership, Tenant
from tenants.roles import Role
from tenants.scope import tenant_scope
from tests import factories
from tests.campaigns.cast import draft, launch, stored
from tests.consent.factories import known
from tests.contacts.calls import Caller
from whatsapp import syncing, tasks
from whatsapp.emulator import Running
from whatsapp.models import Number

NOTICE = "https://sonne.example/datenschutz"
SHOPS = ["https://laden.example/", "https://laden.example/filialen"]
NUMBERS = "/bakery/numbers/"
LEADS, LEADS_NOWHERE = "leads to your privacy notice or your site", "leads neither to"
NO_PERMISSION, QUOTA_SPENT = 10, 80008


@pytest.fixture
def number(bakery: Tenant, meta: Running) -> Number:
    """A number of a company that has told where its privacy notice is."""
    made = factories.number(bakery)
    meta.add_number(made.phone_number_id, made.account.waba_id)
    with tenant_scope(bakery):
        known(bakery, privacy_url=NOTICE)
    return made


@pytest.fixture
def owner(client: Client, bakery_made: NewTenant) -> Client:
    client.force_login(bakery_made.owner)
    client.cookies["django_language"] = "en"
    return client


@pytest.fixture
def on_the_way(monkeypatch: pytest.MonkeyPatch) -> list[Callable[[], object]]:
    """What happens, once, while Meta's answer about a profile is on its way to us."""
    happening: list[Callable[[], object]] = []
    ask = httpx.HTTPTransport.handle_request

    def asked(transport: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
        answer = ask(transport, request)
        if happening and request.method == "GET" and request.url.path.endswith("/whatsapp_business_profile"):
            happening.pop()()
        return answer

    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", asked)
    return happening


def at_meta(number: Number, **profile: Any) -> None:
    """Somebody enters this in Meta's own pages, and an hour goes by."""
    if profile:
        with syncing.client_for(number.account) as client:
            client.edit_profile(number.phone_number_id, profile)
    tasks.sync_account(tenant_id=number.tenant_id, account_id=number.account_id)


def profile_of(number: Number) -> dict[str, Any]:
    with syncing.client_for(number.account) as client:
        return dict(client.profile(number.phone_number_id))


def page(owner: Client) -> str:
    return owner.get(NUMBERS).content.decode()


def warnings(api: Caller) -> list[str]:
    return [each["text"] for each in api.get("reports/overview/").json()["attention"] if each["kind"] == "number"]


def add(owner: Client, number: Number, **given: str) -> Any:
    """Press the button; without `confirmed` as a browser without scripts does."""
    answer = owner.post(f"{NUMBERS}{number.uid}/profile/", given, follow=True)
    tasks.write_profile(tenant_id=number.tenant_id, number_id=number.pk)
    return answer.content.decode()


@pytest.mark.parametrize(
    ("profile", "is_leading"),
    [
        ({"websites": [NOTICE]}, True),
        ({"websites": ["https://www.sonne.example/"]}, True),
        ({"about": "Mehr auf Sonne.example."}, True),
        ({"description": "Impressum: https://sonne.example/impressum"}, True),
        ({"websites": SHOPS}, False),
        ({"websites": ["https://sonne.example.com/", "https://meine-sonne.example/"]}, False),
        ({"description": "Fragen an daten@sonne.example", "email": "daten@sonne.example"}, False),
        ({}, False),
    ],
)
def test_cg_61_a_profile_that_does_not_lead_to_the_company_needs_attention(
    number: Number, owner: Client, api: Caller, profile: dict[str, Any], is_leading: bool
) -> None:
    assert "not told us" in page(owner)
    assert warnings(api) == []

    at_meta(number, **profile)

    assert (LEADS in page(owner), LEADS_NOWHERE in page(owner)) == (is_leading, not is_leading)
    assert len(warnings(api)) == (0 if is_leading else 1)
    assert (f'<p class="strong"><a href="{NUMBERS}">' in owner.get("/bakery/").content.decode()) is not is_leading
    assert api.get("numbers/").json()["results"][0]["profile"]["websites"] == profile.get("websites", [])


def test_who_has_not_told_where_the_notice_is_reads_that_first(number: Number, owner: Client, api: Caller) -> None:
    with tenant_scope(number.tenant):
        known(number.tenant, privacy_url="", imprint_url="")

    at_meta(number)

    assert "Enter the address of your privacy notice" in page(owner)
    assert warnings(api) == []


def test_cg_61_one_click_adds_the_notice_beside_the_website_that_stands_there(
    number: Number, owner: Client, api: Caller
) -> None:
    at_meta(number, websites=SHOPS[:1], about="Backwaren")
    assert f"become {SHOPS[0]}, {NOTICE}." in add(owner, number)
    assert profile_of(number)["websites"] == SHOPS[:1]

    add(owner, number, confirmed="1")

    assert profile_of(number) | {"websites": [*SHOPS[:1], NOTICE], "about": "Backwaren"} == profile_of(number)
    assert LEADS in page(owner)
    assert warnings(api) == []
    with tenant_scope(number.tenant):
        assert AuditEvent.objects.filter(verb="number.profile_linked").count() == 1


def test_what_was_entered_at_meta_since_the_last_look_stays_too(number: Number, owner: Client) -> None:
    at_meta(number)
    with syncing.client_for(number.account) as client:
        client.edit_profile(number.phone_number_id, {"websites": SHOPS[:1]})

    add(owner, number, confirmed="1")
    add(owner, number, confirmed="1")

    assert profile_of(number)["websites"] == [*SHOPS[:1], NOTICE]


def test_an_hourly_look_does_not_undo_what_was_added_while_it_was_under_way(
    number: Number, owner: Client, on_the_way: list[Callable[[], object]]
) -> None:
    at_meta(number)
    on_the_way.append(lambda: add(owner, number, confirmed="1"))

    at_meta(number, about="Backwaren")

    assert (on_the_way, profile_of(number)["websites"]) == ([], [NOTICE])
    assert LEADS in page(owner)


def test_a_first_look_does_not_undo_what_another_one_has_found_meanwhile(
    number: Number, owner: Client, on_the_way: list[Callable[[], object]]
) -> None:
    on_the_way.append(lambda: at_meta(number, websites=[NOTICE]))

    at_meta(number)

    assert (on_the_way, LEADS in page(owner)) == ([], True)


def test_where_both_websites_are_taken_the_description_takes_it(number: Number, owner: Client) -> None:
    at_meta(number, websites=SHOPS, description="Brot und Kuchen")
    assert "goes into its description" in add(owner, number)

    add(owner, number, confirmed="1")

    assert profile_of(number) | {"websites": SHOPS, "description": f"Brot und Kuchen\n{NOTICE}"} == profile_of(number)
    assert LEADS in page(owner)


def test_where_there_is_no_room_nothing_is_written_and_the_remedy_is_told(
    number: Number, owner: Client, api: Caller
) -> None:
    full = {"websites": SHOPS, "description": "x" * 512}
    at_meta(number, **full)
    assert "has no room" in page(owner)
    assert "Add the privacy notice<" not in page(owner)

    # Once as the answer, and where the button was.
    assert add(owner, number, confirmed="1").count("Change one of them in Meta") == 2

    assert profile_of(number) | full == profile_of(number)
    refused = api.post(f"numbers/{number.uid}/profile/", {"address": NOTICE})
    assert (refused.status_code, list(refused.json()["errors"])) == (400, ["profile"])


def test_what_meta_refuses_is_told_with_its_remedy_and_can_be_tried_again(
    number: Number, owner: Client, meta: Running, api: Caller
) -> None:
    at_meta(number)
    meta.configure(calls_refused=NO_PERMISSION)

    add(owner, number, confirmed="1")

    assert "Meta refused" in page(owner)
    assert api.get(f"numbers/{number.uid}/").json()["profile_error"] == NO_PERMISSION
    meta.configure(calls_refused=0)
    add(owner, number, confirmed="1")
    assert "Meta refused" not in page(owner)
    assert LEADS in page(owner)


def test_a_refusal_is_over_when_somebody_has_mended_the_profile_at_meta(
    number: Number, owner: Client, meta: Running, api: Caller
) -> None:
    at_meta(number)
    meta.configure(calls_refused=NO_PERMISSION)
    add(owner, number, confirmed="1")
    meta.configure(calls_refused=0)

    at_meta(number, websites=[NOTICE])

    assert "Meta refused" not in page(owner)
    assert api.get(f"numbers/{number.uid}/").json()["profile_error"] is None


def test_a_spent_quota_is_no_refusal_and_the_next_hour_writes_it(number: Number, owner: Client, meta: Running) -> None:
    at_meta(number)
    meta.configure(calls_refused=QUOTA_SPENT)
    add(owner, number, confirmed="1")
    assert "is being added" in page(owner)
    assert "Meta refused" not in page(owner)
    meta.configure(calls_refused=0)

    at_meta(number)

    assert profile_of(number)["websites"] == [NOTICE]


def test_while_meta_is_away_it_waits_for_the_next_hour(
    number: Number, owner: Client, meta: Running, settings: Settings
) -> None:
    at_meta(number)
    settings.WHATSAPP_API_URL = "http://127.0.0.1:9"
    add(owner, number, confirmed="1")
    assert "is being added" in page(owner)
    polled = owner.get(NUMBERS, headers={"HX-Request": "true"})
    assert (polled.status_code, "hx-get" in polled.content.decode()) == (200, True)

    settings.WHATSAPP_API_URL = meta.base_url
    at_meta(number)

    assert owner.get(NUMBERS, headers={"HX-Request": "true"}).status_code == 286
    assert profile_of(number)["websites"] == [NOTICE]


def test_a_program_adds_it_too_and_may_not_without_the_scope(number: Number, api: Caller, carol: Caller) -> None:
    at_meta(number)
    address = f"numbers/{number.uid}/profile/"
    assert carol.post(address, {"address": NOTICE}).status_code == 404

    assert api.post(address, {"address": NOTICE}).status_code == 202
    tasks.write_profile(tenant_id=number.tenant_id, number_id=number.pk)

    assert api.get(f"numbers/{number.uid}/").json()["profile"]["websites"] == [NOTICE]


def test_only_who_may_change_settings_adds_it(number: Number, owner: Client, bakery_made: NewTenant) -> None:
    at_meta(number)
    with tenant_scope(number.tenant):
        Membership.objects.filter(user=bakery_made.owner).update(role=Role.MARKETER)

    assert "Add the privacy notice" not in page(owner)
    assert owner.post(f"{NUMBERS}{number.uid}/profile/", {"confirmed": "1"}).status_code == 403


def test_cg_61_the_page_before_the_launch_warns_and_lets_the_campaign_go(number: Number, api: Caller) -> None:
    # Of a template without an id the comparison knows nothing.
    template = factories.template(number.tenant, meta_id="")
    campaign = draft(number.tenant, factories.contacts(number.tenant, 1), template=template)
    at_meta(number)

    def codes() -> list[str]:
        with tenant_scope(number.tenant):
            found = preflight.checks(stored(campaign))
        assert all(check.ok for check in found), found
        return [check.code for check in found if check.code == "warning.profile"]

    assert codes() == ["warning.profile"]
    told = api.post(f"campaigns/{campaign.uid}/schedule/", {"local_time": "2030-12-01T09:00:00"}).json()["warnings"]
    assert [each["code"] for each in told] == ["warning.profile"]
    assert api.post(f"campaigns/{campaign.uid}/unschedule/").status_code == 200
    at_meta(number, websites=[NOTICE])
    assert codes() == []
    at_meta(number, websites=SHOPS)
    assert launch(campaign).state != "draft"
