"""The estimate says how many people a campaign reaches and, for all others, why not; the freeze finds the same."""

from datetime import date

import pytest
from django.utils.timezone import now

from campaigns import actions, freezing
from consent.actions import declarations
from contacts import identities
from contacts.models import Contact
from segments import actions as segments
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests import factories
from tests.campaigns.cast import draft, launch, listed, messages
from tests.consent.factories import stop
from tests.contacts.calls import Caller
from whatsapp.models import Rate


@pytest.fixture
def people(bakery: Tenant) -> list[Contact]:
    """Seven people: two reachable, and one each who is excluded, gave no yes, said no, has no number, is blocked."""
    people = factories.contacts(bakery, 6)
    people += factories.contacts(bakery, 1, consent=False, start=10)
    with tenant_scope(bakery):
        identities.record(bakery, people)
        stop(bakery, people[3], occurred_at=now())
        Contact.objects.filter(pk=people[4].pk).update(phone=None, email="ada@example.com")
        declarations.suppress(tenant=bakery, contact=people[5], dedupe="blocked", by=None)
    return people


def test_every_person_of_the_audience_is_reachable_or_has_a_reason(
    api: Caller, bakery: Tenant, people: list[Contact]
) -> None:
    campaign = draft(bakery, people)
    with tenant_scope(bakery):
        chosen = campaign.audiences.get().list
        out = listed(bakery, [people[2]], "Aus")
        actions.set_audience(campaign=campaign, by=None, include_lists=[chosen], exclude_lists=[out])  # type: ignore[list-item]

    found = api.get(f"campaigns/{campaign.uid}/estimate/").json()

    reasons = {row["code"]: row["people"] for row in found["reasons"]}
    assert reasons == {"excluded": 1, "no_consent": 1, "withdrawn": 1, "no_number": 1, "suppressed": 1}
    # As many of each, so by name: the page keeps their places.
    assert list(reasons) == sorted(reasons)
    assert (found["audience"], found["reachable"]) == (7, 2)
    assert all(row["text"] and row["text"] != row["code"] for row in found["reasons"])
    assert [check["field"] for check in found["checks"] if not check["ok"]] == []

    launch(campaign)
    freezing.freeze(bakery.pk, campaign.pk)
    frozen: dict[str, int] = {}
    for message in messages(campaign):
        frozen[message.reason] = frozen.get(message.reason, 0) + 1
    assert frozen == {**reasons, "": 2}


def test_an_estimate_writes_nothing(api: Caller, bakery: Tenant, people: list[Contact]) -> None:
    campaign = draft(bakery, people)

    first = api.get(f"campaigns/{campaign.uid}/estimate/").json()

    assert api.get(f"campaigns/{campaign.uid}/estimate/").json() == first
    assert messages(campaign) == []


def test_without_an_audience_nobody_is_counted_and_the_remedy_is_named(api: Caller, bakery: Tenant) -> None:
    factories.contacts(bakery, 3)
    uid = api.post("campaigns/", {"name": "Leer"}).json()["uid"]

    found = api.get(f"campaigns/{uid}/estimate/").json()

    assert (found["audience"], found["reachable"], found["seconds"]) == (0, 0, 0)
    assert {check["field"] for check in found["checks"] if not check["ok"]} == {"audience", "number", "template"}


def test_someone_on_two_lists_and_in_a_segment_counts_once(bakery: Tenant, api: Caller) -> None:
    people = factories.contacts(bakery, 3)
    campaign = draft(bakery, people)
    with tenant_scope(bakery):
        segment = segments.create(tenant=bakery, name="Alle", rule={}, by=None)
        both = [listed(bakery, people, "A"), listed(bakery, people[:1], "B")]
        actions.set_audience(campaign=campaign, by=None, include_lists=both, include_segments=[segment])

    assert api.get(f"campaigns/{campaign.uid}/estimate/").json()["audience"] == 3


def test_an_excluded_segment_takes_its_people_out(bakery: Tenant, api: Caller) -> None:
    people = factories.contacts(bakery, 3)
    campaign = draft(bakery, people)
    rule = {"field": "first_name", "op": "is", "value": people[0].first_name}
    with tenant_scope(bakery):
        segment = segments.create(tenant=bakery, name="Eine", rule=rule, by=None)
        chosen = campaign.audiences.get().list
        actions.set_audience(campaign=campaign, by=None, include_lists=[chosen], exclude_segments=[segment])  # type: ignore[list-item]

    found = api.get(f"campaigns/{campaign.uid}/estimate/").json()

    assert found["reachable"] == 2
    assert [(row["code"], row["people"]) for row in found["reasons"]] == [("excluded", 1)]


def test_the_time_to_send_follows_from_the_numbers_rate(api: Caller, bakery: Tenant) -> None:
    factories.number(bakery, throughput=2)
    campaign = draft(bakery, factories.contacts(bakery, 5))

    assert api.get(f"campaigns/{campaign.uid}/estimate/").json()["seconds"] == 3


def test_the_next_doors_people_are_never_counted(bakery: Tenant, shop: Tenant, api: Caller) -> None:
    factories.contacts(shop, 4)
    people = factories.contacts(bakery, 2)
    campaign = draft(bakery, people)
    with tenant_scope(bakery):
        segment = segments.create(tenant=bakery, name="Alle", rule={}, by=None)
        actions.set_audience(campaign=campaign, by=None, include_segments=[segment])

    assert api.get(f"campaigns/{campaign.uid}/estimate/").json()["audience"] == 2


def test_the_estimate_says_what_the_reachable_cost_by_country(bakery: Tenant, api: Caller) -> None:
    people = factories.contacts(bakery, 5)
    with tenant_scope(bakery):
        Contact.objects.filter(pk=people[3].pk).update(phone="+436601234567")
        Contact.objects.filter(pk=people[4].pk).update(phone=None, bsuid="FR.1234567")
    Rate.objects.all().delete()
    for market, price in (("DE", "0.10"), ("rest_of_western_europe", "0.04")):
        Rate.objects.create(
            currency="EUR", market=market, category="marketing", valid_from=date(2026, 1, 1), price=price
        )

    cost = api.get(f"campaigns/{draft(bakery, people).uid}/estimate/").json()["cost"]

    assert (cost["total"], cost["currency"], cost["unpriced"], cost["as_of"]) == ("0.340000", "EUR", 1, "2026-01-01")
    assert [(row["market"], row["people"], row["cost"]) for row in cost["markets"]] == [
        *(("DE", 3, "0.300000"), ("rest_of_western_europe", 1, "0.040000"), ("FR", 1, None)),
    ]


def test_people_in_the_united_states_are_left_out_because_meta_delivers_them_no_marketing(
    bakery: Tenant, api: Caller
) -> None:
    people = factories.contacts(bakery, 4)
    numbers = {"phone": "+12125550100"}, {"phone": "+14165550100"}, {"phone": "+18095550100"}
    with tenant_scope(bakery):
        for person, values in zip(people, numbers, strict=False):
            Contact.objects.filter(pk=person.pk).update(**values)
        Contact.objects.filter(pk=people[3].pk).update(phone=None, bsuid="US.1234567")

    found = api.get(f"campaigns/{draft(bakery, people).uid}/estimate/").json()

    assert [(row["code"], row["people"]) for row in found["reasons"]] == [("us_marketing", 2)]
    assert found["reachable"] == 2
