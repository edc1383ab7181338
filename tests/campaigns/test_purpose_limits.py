"""What was gathered for contracts is of no use for advertising (Art. 5 (1) (b) GDPR, CG-55)."""

from typing import Any

import pytest
from django.utils import translation

from campaigns import actions, preflight
from campaigns.models import Campaign
from consent.actions import controllers
from segments import actions as segments
from tenants.scope import tenant_scope
from tests.campaigns.cast import content, launch, refusal, stored
from tests.contacts.calls import Caller

BY_ATTRIBUTE = {"attribute": "lieferhinweis", "op": "is_set"}
BY_EVENT = {"event": "reklamation", "op": "ever"}
BY_PROPERTY = {
    "event": "besuch",
    "op": "ever",
    "where": [{"property": "Lieferhinweis", "op": "is", "value": "Hof"}],
}


@pytest.fixture(autouse=True)
def marked(ready: Campaign) -> None:
    """The company keeps these for contracts."""
    with tenant_scope(ready.tenant):
        controllers.update(tenant=ready.tenant, by=None, contract_attributes=["Lieferhinweis", "Reklamation"])


def choose(campaign: Campaign, rule: dict[str, Any], *, is_excluded: bool = False) -> None:
    """Include or exclude a segment beside the list."""
    with tenant_scope(campaign.tenant):
        chosen = campaign.audiences.get().list
        assert chosen
        segment = segments.create(tenant=campaign.tenant, name="Hinterhof", rule=rule, by=None)
        actions.set_audience(
            campaign=campaign,
            by=None,
            include_lists=[chosen],
            include_segments=[] if is_excluded else [segment],
            exclude_segments=[segment] if is_excluded else [],
        )


def limits(campaign: Campaign) -> list[preflight.Check]:
    with tenant_scope(campaign.tenant), translation.override("en"):
        return [check for check in preflight.checks(stored(campaign)) if check.code == "purpose"]


@pytest.mark.parametrize("is_excluded", [False, True])
@pytest.mark.parametrize("rule", [BY_ATTRIBUTE, BY_EVENT, BY_PROPERTY, {"op": "not", "rules": [BY_ATTRIBUTE]}])
def test_cg_55_what_was_gathered_for_contracts_chooses_nobody_for_advertising(
    alice: Caller, ready: Campaign, rule: dict[str, Any], is_excluded: bool
) -> None:
    choose(ready, rule, is_excluded=is_excluded)

    [check] = limits(ready)

    assert (check.ok, check.field) == (False, "audience")
    assert "“Hinterhof”" in check.text
    assert refusal(alice, ready).keys() == {"audience"}


def test_nor_does_it_stand_in_an_advertising_message(alice: Caller, ready: Campaign) -> None:
    value = {"name": "1", "from": "attribute:lieferhinweis", "fallback": "Haustür"}
    content(ready, body=[value, {"name": "2", "from": "text", "text": "Sonntag"}])

    [check] = limits(ready)

    assert (check.ok, check.field) == (False, "variables")
    assert "lieferhinweis" in check.text
    assert refusal(alice, ready).keys() == {"variables"}
    with tenant_scope(ready.tenant):
        assert "purpose" in {check.code for check in preflight.test_problems(ready, ready.variants.get())}


def test_everything_else_goes_on_and_so_do_messages_of_a_contract(ready: Campaign) -> None:
    choose(ready, {"attribute": "filiale", "op": "is_set"})
    assert limits(ready) == []

    with tenant_scope(ready.tenant):
        Campaign.objects.filter(pk=ready.pk).update(purpose="transactional")
        segment = ready.audiences.exclude(segment=None).get().segment
        assert segment
        segments.update(segment=segment, rule=BY_ATTRIBUTE, by=None)
    assert limits(ready) == []


def test_without_a_mark_it_may_be_used(ready: Campaign) -> None:
    with tenant_scope(ready.tenant):
        controllers.update(tenant=ready.tenant, by=None, contract_attributes=[])
    choose(ready, BY_ATTRIBUTE)

    assert limits(ready) == []
    assert launch(ready).state != "draft"
