"""What keeps a campaign from being launched, each named by the field that mends it."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils.timezone import now

from campaigns import actions, preflight, queries
from campaigns.models import Campaign
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests import factories
from tests.campaigns.cast import change_number, change_template, content, draft, refusal, states, stored
from tests.contacts.calls import Caller
from whatsapp.models import Account, Media, Template


def test_what_is_ready_is_launched(api: Caller, ready: Campaign) -> None:
    answer = api.post(f"campaigns/{ready.uid}/launch/")

    assert (answer.status_code, answer.json()["state"]) == (200, "running")
    assert answer.json()["launched_at"]


def test_everything_that_is_missing_is_named_at_once(api: Caller, bakery: Tenant) -> None:
    uid = api.post("campaigns/", {"name": "Leer"}).json()["uid"]

    answer = api.post(f"campaigns/{uid}/launch/")

    assert answer.status_code == 400
    assert set(answer.json()["errors"]) == {"audience", "number", "template"}


def test_an_audience_that_nobody_chose(api: Caller, ready: Campaign) -> None:
    with tenant_scope(ready.tenant):
        actions.set_audience(campaign=ready, by=None)

    assert set(refusal(api, ready)) == {"audience"}


def test_an_audience_in_which_nobody_may_be_reached(api: Caller, bakery: Tenant) -> None:
    campaign = draft(bakery, factories.contacts(bakery, 3, consent=False))

    errors = refusal(api, campaign)

    assert set(errors) == {"audience"}
    assert "3" in errors["audience"][0]


@pytest.mark.parametrize("status", sorted(set(Template.Status.values) - {"APPROVED"}))
def test_a_template_that_meta_would_refuse(api: Caller, ready: Campaign, status: str) -> None:
    change_template(ready, status=status)

    assert set(refusal(api, ready)) == {"template"}


def test_a_template_of_another_account_than_the_numbers(api: Caller, ready: Campaign) -> None:
    with tenant_scope(ready.tenant):
        other = Account.objects.create(tenant=ready.tenant, waba_id="99", portfolio_id="99", token_encrypted="")
    change_template(ready, account=other)

    assert set(refusal(api, ready)) == {"template"}


def test_a_utility_template_for_marketing(api: Caller, ready: Campaign) -> None:
    change_template(ready, category="UTILITY")

    assert set(refusal(api, ready)) == {"template"}


def test_a_marketing_message_that_does_not_show_the_way_out(api: Caller, ready: Campaign) -> None:
    without = [part for part in factories.MARKETING_COMPONENTS if part["type"] != "FOOTER"]
    change_template(ready, components=without)

    assert set(refusal(api, ready)) == {"template"}


@pytest.mark.parametrize(
    "variables",
    [
        {"body": []},
        {"body": factories.VARIABLES["body"][:1]},  # type: ignore[index]
        {"body": [*factories.VARIABLES["body"], {"name": "3", "from": "text", "text": "x"}]},  # type: ignore[misc]
        {"body": [{"name": "1", "from": "first_name"}, {"name": "2", "from": "text", "text": "Sonntag"}]},
        {"body": [{"name": "1", "from": "text", "text": "Ada"}, {"name": "2", "from": "text", "text": ""}]},
        {"header": {}},
        {"header": {"kind": "image"}},
        {"header": {"kind": "image", "media": "3f2b1c9e-8d21-4a6b-9c55-1f0a3b7d9e10"}},
        {"buttons": []},
        {"buttons": [{"index": 0, "kind": "url", "url": ""}]},
        {"buttons": [{"index": 0, "kind": "url", "url": "javascript:alert(1)"}]},
        {"buttons": [{"index": 1, "kind": "url", "url": "https://shop.example"}]},
    ],
)
def test_a_variable_that_is_missing_unknown_or_without_a_fallback(
    api: Caller, ready: Campaign, variables: dict[str, Any]
) -> None:
    content(ready, **variables)

    assert set(refusal(api, ready)) == {"variables"}


def test_an_uploaded_picture_is_as_good_as_a_link(api: Caller, ready: Campaign) -> None:
    with tenant_scope(ready.tenant):
        media = Media.objects.create(
            tenant=ready.tenant,
            number=ready.number,
            file="bild.jpg",
            filename="bild.jpg",
            mime_type="image/jpeg",
            sha256="0" * 64,
            meta_id="4711",
            expires_at=now() + timedelta(days=1),
        )
    content(ready, header={"kind": "image", "media": str(media.uid)})

    assert api.post(f"campaigns/{ready.uid}/launch/").status_code == 200


def test_no_number(api: Caller, ready: Campaign) -> None:
    with tenant_scope(ready.tenant):
        Campaign.objects.filter(pk=ready.pk).update(number=None)

    assert set(refusal(api, ready)) == {"number"}


def test_a_number_that_meta_gives_no_quota(api: Caller, ready: Campaign) -> None:
    change_number(ready, daily_limit=0)

    assert set(refusal(api, ready)) == {"number"}


def test_a_limit_below_the_audience_is_a_warning_and_no_obstacle(api: Caller, ready: Campaign) -> None:
    with tenant_scope(ready.tenant):
        reachable = queries.estimate(ready).reachable
    change_number(ready, daily_limit=1)

    with tenant_scope(ready.tenant):
        ready.refresh_from_db()
        checks = {check.code: check for check in preflight.checks(ready, queries.estimate(ready))}

    assert reachable > 1
    assert checks["warning.daily_limit"].ok
    assert str(reachable - 1) in checks["warning.daily_limit"].text
    assert api.post(f"campaigns/{ready.uid}/launch/").status_code == 200


@pytest.mark.parametrize("code", [131048, -24])
def test_a_paused_number(api: Caller, ready: Campaign, code: int) -> None:
    change_number(ready, paused_until=now() + timedelta(hours=1), pause_code=code, daily_limit=250)

    assert set(refusal(api, ready)) == {"number"}
    change_number(ready, paused_until=now() - timedelta(seconds=1))
    assert api.post(f"campaigns/{ready.uid}/launch/").status_code == 200


def test_a_stopped_account(api: Caller, ready: Campaign) -> None:
    with tenant_scope(ready.tenant):
        Account.objects.filter(tenant=ready.tenant).update(paused_at=now(), pause_code=190)

    errors = refusal(api, ready)

    assert set(errors) == {"number"}
    assert "190" in errors["number"][0]


def test_a_refused_launch_leaves_no_message(api: Caller, ready: Campaign) -> None:
    change_number(ready, daily_limit=0)

    refusal(api, ready)

    assert states(ready) == {}


def test_a_test_message_goes_to_one_contact_from_a_draft(api: Caller, ready: Campaign) -> None:
    person = factories.contacts(ready.tenant, 1, start=50)[0]

    answer = api.post(f"campaigns/{ready.uid}/test-send/", {"contact": str(person.uid)})

    assert answer.status_code == 202
    with tenant_scope(ready.tenant):
        message = person.messages.select_related("source__number").get()  # type: ignore[attr-defined]
    assert (message.source.kind, message.source.number_id, message.state) == ("test", ready.number_id, 0)
    assert stored(ready).state == "draft"


@pytest.mark.parametrize(
    ("given", "field"),
    [({"variant": 7}, "variant"), ({"variant": -1}, "variant"), ({"contact": "x"}, "contact"), ({"to": "x"}, "to")],
)
def test_a_test_of_something_unknown_is_refused(
    api: Caller, ready: Campaign, given: dict[str, Any], field: str
) -> None:
    person = factories.contacts(ready.tenant, 1, start=50)[0]

    answer = api.post(f"campaigns/{ready.uid}/test-send/", {"contact": str(person.uid), **given})

    assert answer.status_code == 400
    assert field in answer.json()["errors"]


def test_a_test_of_an_unapproved_template_or_without_values_is_refused(api: Caller, ready: Campaign) -> None:
    person = factories.contacts(ready.tenant, 1, start=50)[0]
    content(ready, body=[])
    answer = api.post(f"campaigns/{ready.uid}/test-send/", {"contact": str(person.uid)})
    assert set(answer.json()["errors"]) == {"variables"}

    change_template(ready, status="PAUSED")
    answer = api.post(f"campaigns/{ready.uid}/test-send/", {"contact": str(person.uid)})
    assert set(answer.json()["errors"]) == {"template"}


def test_the_one_who_can_be_reached_is_found_behind_a_thousand_who_cannot(api: Caller, bakery: Tenant) -> None:
    before = factories.contacts(bakery, 1100, consent=False)
    one = factories.contacts(bakery, 1, start=1100)
    after = factories.contacts(bakery, 1100, consent=False, start=1101)
    campaign = draft(bakery, [*before, *one, *after])

    assert api.post(f"campaigns/{campaign.uid}/launch/").status_code == 200
