"""What a campaign is for decides who gets it and which template may go out for it (M-49, consent-gdpr § 6.7)."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest
from django.test import Client
from django.utils.timezone import now

from campaigns import actions, freezing, queries
from campaigns.models import Campaign
from contacts.models import Contact
from messaging import claiming
from messaging.budget import Budget
from messaging.models import Message
from tenants.actions import NewTenant
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests import factories
from tests.campaigns.cast import change_template, content, launch, refusal, stored
from tests.consent.factories import agree
from tests.contacts.calls import Caller


def sent(campaign: Campaign) -> list[dict[str, Any]]:
    """What Meta gets of a launched campaign."""
    launch(campaign)
    freezing.freeze(campaign.tenant_id, campaign.pk)
    return taken(campaign)


def taken(campaign: Campaign) -> list[dict[str, Any]]:
    source = stored(campaign).source
    assert source
    with tenant_scope(campaign.tenant):
        # All of it in one transaction, whose clock stands still.
        Message.objects.filter(source=source).update(next_attempt_at=now() - timedelta(minutes=1))
        number = campaign.tenant.numbers.select_related("account", "tenant").get()
        found = claiming.claim(number=number, source_id=source.pk, most=10, budget=Budget(number))
    return [orjson.loads(one.content) for one in found]


def test_m_49_a_survey_reaches_only_who_agreed_to_surveys(api: Caller, bakery: Tenant, ready: Campaign) -> None:
    with tenant_scope(bakery):
        asked = Contact.objects.earliest("pk")
        agree(bakery, asked, pairs=[("whatsapp", "survey")])

    answer = api.patch(f"campaigns/{ready.uid}/", {"purpose": "survey"})

    assert answer.json()["purpose"] == "survey"
    with tenant_scope(bakery):
        found = queries.estimate(stored(ready))
    assert (found.reachable, [(code, people) for code, _label, people in found.reasons]) == (1, [("no_consent", 1)])
    [body] = sent(ready)
    assert body["to"] == asked.phone


def test_a_campaign_about_orders_needs_a_template_for_them(api: Caller, ready: Campaign) -> None:
    with tenant_scope(ready.tenant):
        actions.update(campaign=ready, by=None, purpose="transactional")

    assert refusal(api, ready).keys() == {"template"}


def test_an_unknown_purpose_is_refused_by_its_field(api: Caller, ready: Campaign) -> None:
    answer = api.patch(f"campaigns/{ready.uid}/", {"purpose": "profiling"})

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["purpose"])


def test_the_wizard_asks_what_it_is_for_and_the_review_says_it(
    client: Client, bakery_made: NewTenant, ready: Campaign
) -> None:
    client.force_login(bakery_made.owner, backend="django.contrib.auth.backends.ModelBackend")
    path = f"/{ready.tenant.slug}/campaigns/{ready.uid}/edit/"
    with tenant_scope(ready.tenant):
        number = ready.tenant.numbers.get()

    client.post(path, {"name": "Umfrage", "purpose": "survey", "number": str(number.uid)})

    assert stored(ready).purpose == "survey"
    assert "Zweck: Umfrage" in client.get(f"{path}review/").content.decode()


@pytest.mark.parametrize("category", ["UTILITY", "AUTHENTICATION"])
def test_a_template_that_meta_moves_to_another_category_meanwhile_goes_out_no_more(
    ready: Campaign, category: str
) -> None:
    launch(ready)
    freezing.freeze(ready.tenant_id, ready.pk)
    change_template(ready, category=category)

    assert taken(ready) == []
    with tenant_scope(ready.tenant):
        assert set(Message.objects.values_list("state", "reason")) == {(Message.State.SKIPPED, "category_mismatch")}


def test_cg_20_a_message_may_bring_the_way_to_the_persons_own_page(client: Client, ready: Campaign) -> None:
    link = {"name": "2", "from": "own_page"}
    content(ready, body=[factories.VARIABLES["body"][0], link])
    with tenant_scope(ready.tenant):
        assert [missing.people for missing in queries.missing_values(ready)] == [0, 0]

    bodies = sent(ready)

    links = [body["template"]["components"][1]["parameters"][1]["text"] for body in bodies]
    assert len(set(links)) == 2
    page = client.get(urlsplit(links[0]).path)
    assert page.status_code == 200
    assert "Widerspruch gegen Werbung" in page.content.decode()
