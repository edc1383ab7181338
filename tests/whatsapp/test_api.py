"""Templates and numbers over the REST API."""

import uuid
from typing import Any

import pytest

from tenants.actions import NewTenant
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests import factories
from tests.contacts.calls import Caller
from whatsapp.models import Account, Number, Template
from whatsapp.pausing import pause_account

GIVEN = {
    "name": "fruehling",
    "language": "de",
    "category": "MARKETING",
    "components": [
        {"type": "BODY", "text": "Bei uns gibt es heute frische Brote."},
        {"type": "FOOTER", "text": "Abmelden mit STOPP"},
    ],
}


@pytest.fixture
def number(bakery: Tenant) -> Number:
    return factories.number(bakery)


@pytest.fixture
def api(bakery_made: NewTenant, number: Number) -> Caller:
    return Caller(bakery_made.api_key)


@pytest.fixture
def carol(shop_made: NewTenant) -> Caller:
    return Caller(shop_made.api_key)


def templates(tenant: Tenant) -> int:
    with tenant_scope(tenant):
        return Template.objects.count()


def test_a_template_is_written_read_changed_and_deleted(api: Caller, bakery: Tenant) -> None:
    answer = api.post("templates/", GIVEN)
    assert answer.status_code == 201, answer.json()
    made = answer.json()
    assert {name: made[name] for name in GIVEN} == GIVEN
    assert (made["status"], made["meta_id"], made["parameter_format"]) == ("DRAFT", "", "POSITIONAL")

    assert api.get(f"templates/{made['uid']}/").json() == made
    changed = api.patch(f"templates/{made['uid']}/", {"language": "en"}).json()
    assert {**changed, "updated_at": ""} == {**made, "language": "en", "updated_at": ""}
    assert [row["uid"] for row in api.get("templates/", language="en").json()["results"]] == [made["uid"]]
    assert api.get("templates/", status="APPROVED").json()["results"] == []

    assert api.delete(f"templates/{made['uid']}/").status_code == 204
    assert api.get(f"templates/{made['uid']}/").status_code == 404


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": "Frühling"}, "name"),
        ({"name": ""}, "name"),
        ({"category": "SPAM"}, "category"),
        ({"components": "Hallo"}, "components"),
        ({"components": ["Hallo"]}, "components"),
        ({"components": [{"type": "BUTTONS", "buttons": "x"}]}, "components"),
        ({"components": [{"type": "BUTTONS", "buttons": ["x"]}]}, "components"),
        ({"components": [{"type": "CAROUSEL", "cards": [{"components": {}}, {"components": 7}]}]}, "components"),
        ({"parameter_format": "RANDOM"}, "parameter_format"),
        ({"status": "APPROVED"}, "status"),
        ({"account": str(uuid.uuid4())}, "account"),
    ],
)
def test_a_wrong_field_is_named(api: Caller, bakery: Tenant, change: dict[str, Any], field: str) -> None:
    answer = api.post("templates/", {**GIVEN, **change})

    assert answer.status_code == 400
    assert field in answer.json()["errors"]
    assert templates(bakery) == 0


def test_a_taken_name_is_named(api: Caller, bakery: Tenant) -> None:
    api.post("templates/", GIVEN)

    answer = api.post("templates/", GIVEN)

    assert (answer.status_code, set(answer.json()["errors"])) == (400, {"name"})
    assert templates(bakery) == 1


def test_without_an_account_there_can_be_no_template(carol: Caller) -> None:
    answer = carol.post("templates/", GIVEN)

    assert (answer.status_code, set(answer.json()["errors"])) == (400, {"account"})


def test_lint_names_what_meta_would_reject_and_submit_refuses_it(api: Caller) -> None:
    faulty = [{"type": "BODY", "text": "{{1}} ist da, liebe Leute von nebenan.", "example": {"body_text": [["Ada"]]}}]
    uid = api.post("templates/", {**GIVEN, "components": faulty}).json()["uid"]

    problems = api.get(f"templates/{uid}/lint/").json()
    answer = api.post(f"templates/{uid}/submit/")

    assert [problem["field"] for problem in problems] == ["body"]
    assert answer.status_code == 400
    assert answer.json()["errors"] == {"body": [problems[0]["message"]]}
    assert api.get(f"templates/{uid}/").json()["status"] == "DRAFT"


@pytest.mark.parametrize(
    "components",
    [[{}], [{"type": "BODY"}], [{"type": 7}], [{"type": "BUTTONS", "buttons": [{}]}], [{"type": "BODY", "text": 7}]],
)
def test_odd_components_are_linted_without_an_accident(api: Caller, components: list[Any]) -> None:
    answer = api.post("templates/", {**GIVEN, "components": components})

    assert answer.status_code == 201
    problems = api.get(f"templates/{answer.json()['uid']}/lint/")
    assert problems.status_code == 200
    assert isinstance(problems.json(), list)


def test_a_good_draft_is_submitted_once(api: Caller) -> None:
    uid = api.post("templates/", GIVEN).json()["uid"]
    assert api.get(f"templates/{uid}/lint/").json() == []

    first, second = api.post(f"templates/{uid}/submit/"), api.post(f"templates/{uid}/submit/")

    assert (first.status_code, first.json()["status"]) == (202, "PENDING")
    assert (second.status_code, set(second.json()["errors"])) == (400, {"status"})
    assert api.patch(f"templates/{uid}/", {"language": "en"}).status_code == 400


def test_a_template_in_a_campaign_is_kept(api: Caller, number: Number) -> None:
    template = factories.template(number.tenant)
    factories.source(number, [], made_template=template)

    answer = api.delete(f"templates/{template.uid}/")

    assert (answer.status_code, templates(number.tenant)) == (409, 1)


def test_a_sync_is_taken_on_for_later(api: Caller) -> None:
    assert api.post("templates/sync/").status_code == 202


def test_cg_31_a_utility_template_with_a_voucher_is_warned_about(api: Caller, number: Number) -> None:
    body = {"type": "BODY", "text": "Ihre Bestellung ist da, mit einem Gutschein für Sie."}
    template = factories.template(number.tenant, status="DRAFT", category="UTILITY", components=[body])
    marketing = factories.template(number.tenant, name="herbst", status="DRAFT", meta_id="2", components=[body])

    [warning] = api.get(f"templates/{template.uid}/lint/").json()

    assert (warning["field"], warning["is_warning"]) == ("category", True)
    assert "Gutschein" in warning["message"]
    assert api.get(f"templates/{marketing.uid}/lint/").json() == []


def test_a_number_shows_its_health_and_no_secret(api: Caller, number: Number) -> None:
    [shown] = api.get("numbers/").json()["results"]

    assert shown == api.get(f"numbers/{number.uid}/").json()
    assert (shown["phone_number_id"], shown["throughput"], shown["daily_limit"]) == (number.phone_number_id, 1000, None)
    assert not [name for name in shown if "token" in name or "secret" in name]


def test_a_number_shows_why_its_account_is_stopped_and_what_to_do(api: Caller, number: Number) -> None:
    shown = api.get(f"numbers/{number.uid}/").json()
    assert (shown["account"], shown["account_paused_at"]) == (str(number.account.uid), None)
    assert (shown["account_pause_code"], shown["account_pause_text"]) == (None, "")
    with tenant_scope(number.tenant):
        pause_account(number.account, 190)

    shown = api.get(f"numbers/{number.uid}/").json()

    assert shown["account_paused_at"]
    assert shown["account_pause_code"] == 190
    assert shown["account_pause_text"].startswith("The access token has expired")
    assert "connect_number" in shown["account_pause_text"]


@pytest.mark.parametrize(
    ("method", "path"),
    [("get", ""), ("patch", ""), ("delete", ""), ("get", "lint/"), ("post", "submit/")],
)
def test_carols_key_finds_a_foreign_template_as_little_as_an_invented_one(
    carol: Caller, number: Number, method: str, path: str
) -> None:
    template = factories.template(number.tenant, status="DRAFT")
    sent = [{"name": "meins"}] if method == "patch" else []

    foreign = getattr(carol, method)(f"templates/{template.uid}/{path}", *sent)
    invented = getattr(carol, method)(f"templates/{uuid.uuid4()}/{path}", *sent)

    assert foreign.status_code == invented.status_code == 404
    assert {**foreign.json(), "request_id": ""} == {**invented.json(), "request_id": ""}
    assert templates(number.tenant) == 1


def test_carol_neither_sees_numbers_nor_uses_accounts_of_the_bakery(
    carol: Caller, number: Number, shop: Tenant
) -> None:
    factories.number(shop, phone_number_id="777")
    with tenant_scope(number.tenant):
        account = Account.objects.get()

    assert [row["phone_number_id"] for row in carol.get("numbers/").json()["results"]] == ["777"]
    assert carol.get(f"numbers/{number.uid}/").status_code == 404
    assert carol.post("templates/", {**GIVEN, "account": str(account.uid)}).status_code == 400
