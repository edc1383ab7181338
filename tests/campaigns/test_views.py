"""The campaign wizard through its real door: nothing gets lost, errors name their field, launching is guarded."""

import re

import pytest
from django.test import Client

from campaigns import actions, freezing
from campaigns.models import Campaign
from contacts.models import ContactList, ListMember
from tenants.actions import NewTenant
from tenants.models import Membership, Tenant
from tenants.roles import Role
from tenants.scope import tenant_scope
from tests import factories
from whatsapp.models import Template

HTMX = {"HTTP_HX_REQUEST": "true"}
# What the dialog adds to the form, once it was answered with yes.
YES = {"confirmed": "1"}
CONTENT = {
    "header_link": "https://shop.example/bild.jpg",
    "body_1_from": "first_name",
    "body_1_fallback": "liebe Kundschaft",
    "body_2_from": "text",
    "body_2_text": "Sonntag",
    "button_0_url": "https://shop.example/aktion",
}


@pytest.fixture
def alice(client: Client, bakery_made: NewTenant) -> Client:
    client.force_login(bakery_made.owner)
    return client


@pytest.fixture
def template(bakery: Tenant) -> Template:
    factories.number(bakery)
    return factories.template(bakery)


@pytest.fixture
def regulars(bakery: Tenant) -> ContactList:
    people = [*factories.contacts(bakery, 3), *factories.contacts(bakery, 2, consent=False, start=50)]
    return list_of(bakery, "Stammkunden", people)


@pytest.fixture
def draft(bakery_made: NewTenant, bakery: Tenant, template: Template, regulars: ContactList) -> Campaign:
    with tenant_scope(bakery):
        made = actions.create(tenant=bakery, name="Herbst", by=bakery_made.owner)
        actions.set_audience(campaign=made, by=bakery_made.owner, include_lists=[regulars])
        actions.set_content(campaign=made, by=bakery_made.owner, template=template, variables=factories.VARIABLES)
    return made


def list_of(tenant: Tenant, name: str, people: list) -> ContactList:
    with tenant_scope(tenant):
        made = ContactList.objects.create(tenant=tenant, name=name)
        ListMember.objects.bulk_create(ListMember(tenant=tenant, list=made, contact=person) for person in people)
    return made


def stored(campaign: Campaign) -> Campaign:
    with tenant_scope(campaign.tenant_id):
        return Campaign.objects.get(pk=campaign.pk)


def variables(campaign: Campaign) -> dict:
    with tenant_scope(campaign.tenant_id):
        return campaign.variants.get().variables


def at(campaign: Campaign, path: str) -> str:
    return f"/bakery/campaigns/{campaign.uid}/{path}"


def test_a_new_campaign_is_a_draft_as_soon_as_it_has_a_name(alice: Client, bakery: Tenant, template: Template) -> None:
    form = alice.get("/bakery/campaigns/new/")
    page = alice.post(
        "/bakery/campaigns/new/", {"name": "Nikolaus", "purpose": "marketing", "number": str(number_uid(bakery))}
    )

    assert form.status_code == 200
    with tenant_scope(bakery):
        made = bakery.campaigns.get()
    assert (made.name, made.state) == ("Nikolaus", "draft")
    assert page["Location"] == at(made, "edit/audience/")


def number_uid(tenant: Tenant) -> object:
    with tenant_scope(tenant):
        return tenant.numbers.get().uid


def test_a_campaign_without_a_name_is_refused_beside_the_field(alice: Client, template: Template) -> None:
    page = alice.post("/bakery/campaigns/new/", {"name": ""})

    assert page.status_code == 422
    assert 'id="id_name_error"' in page.content.decode()


def test_choosing_lists_answers_with_who_is_reachable_and_why_the_others_are_not(
    alice: Client, draft: Campaign, regulars: ContactList
) -> None:
    page = alice.post(at(draft, "edit/audience/"), {"include_lists": str(regulars.uid)}, **HTMX).content.decode()

    assert "<strong>5</strong>" in page
    assert "<strong>3</strong>" in page
    assert "Keine Einwilligung" in page
    assert "<html" not in page


def test_a_list_that_is_included_and_left_out_at_once_changes_nothing(
    alice: Client, bakery: Tenant, draft: Campaign, regulars: ContactList
) -> None:
    other = list_of(bakery, "Andere", [])
    choice = {"include_lists": str(other.uid), "exclude_lists": str(other.uid)}

    page = alice.post(at(draft, "edit/audience/"), choice)

    assert page.status_code == 422
    with tenant_scope(bakery):
        assert [audience.list for audience in draft.audiences.select_related("list")] == [regulars]


def test_lists_of_another_tenant_cannot_be_chosen(alice: Client, shop: Tenant, draft: Campaign) -> None:
    foreign = list_of(shop, "Fremde", [])

    page = alice.post(at(draft, "edit/audience/"), {"include_lists": str(foreign.uid)})

    assert page.status_code == 422


def test_unfinished_content_is_kept_while_somebody_is_typing(alice: Client, draft: Campaign) -> None:
    unfinished = CONTENT | {"body_1_fallback": "", "button_0_url": ""}

    page = alice.post(at(draft, "edit/message/"), unfinished, **HTMX)

    assert "Gespeichert" in page.content.decode()
    assert variables(draft)["body"][0] == {"name": "1", "from": "first_name", "fallback": ""}


def test_going_on_demands_a_fallback_and_names_the_field(alice: Client, draft: Campaign) -> None:
    page = alice.post(at(draft, "edit/message/"), CONTENT | {"body_1_fallback": ""})

    assert page.status_code == 422
    assert 'id="id_body_1_fallback_error"' in page.content.decode()
    assert variables(draft) == factories.VARIABLES


def test_finished_content_leads_to_the_review(alice: Client, draft: Campaign) -> None:
    page = alice.post(at(draft, "edit/message/"), CONTENT)

    assert page["Location"] == at(draft, "edit/review/")
    assert variables(draft)["buttons"] == [{"index": 0, "kind": "url", "url": "https://shop.example/aktion"}]


def test_the_preview_shows_the_values_of_a_real_contact(alice: Client, draft: Campaign) -> None:
    page = alice.get(at(draft, "edit/preview/?contact=1"), **HTMX).content.decode()

    assert "Hallo Ada1, bis Sonntag" in page


def test_a_template_that_is_not_approved_cannot_be_chosen(alice: Client, bakery: Tenant, draft: Campaign) -> None:
    rejected = factories.template(bakery, name="abgelehnt", status="REJECTED", meta_id="5002")

    page = alice.post(at(draft, "edit/template/"), {"template": str(rejected.uid)}, follow=True)

    assert "nicht (mehr) freigegeben" in page.content.decode()
    with tenant_scope(bakery):
        assert draft.variants.get().template.name == "fruehling"


def test_the_review_counts_the_messages_on_its_button(alice: Client, draft: Campaign) -> None:
    page = alice.get(at(draft, "edit/review/?counted")).content.decode()

    assert "3 Nachrichten senden" in page
    assert "is-bad" not in page


def test_launching_starts_the_campaign_and_shows_its_report(alice: Client, draft: Campaign) -> None:
    page = alice.post(at(draft, "launch/"), YES)

    assert page["Location"] == at(draft, "")
    assert stored(draft).state == "running"
    assert alice.get(at(draft, "")).status_code == 200


def test_without_javascript_a_page_asks_before_sending(alice: Client, draft: Campaign) -> None:
    page = alice.post(at(draft, "launch/"))

    assert page.status_code == 200
    assert stored(draft).state == "draft"
    told = page.content.decode()
    assert "3 Kontakte erhalten sie jetzt." in told
    assert "3 Nachrichten senden</button>" in told
    assert f'href="{at(draft, "edit/review/")}"' in told

    alice.post(at(draft, "launch/"), confirmed(told))

    assert stored(draft).state == "running"


def test_without_javascript_a_page_asks_before_cancelling(alice: Client, draft: Campaign) -> None:
    page = alice.post(at(draft, "cancel/"), {"next": "report"})

    assert stored(draft).state == "draft"
    told = page.content.decode()
    assert "„Herbst“ abbrechen" in told
    assert "Was noch nicht gesendet ist, wird nie gesendet." in told

    answer = alice.post(at(draft, "cancel/"), confirmed(told))

    assert stored(draft).state == "cancelled"
    assert answer["Location"] == at(draft, "")


def test_without_javascript_a_page_says_how_many_messages_resuming_sends(alice: Client, draft: Campaign) -> None:
    alice.post(at(draft, "launch/"), YES)
    freezing.freeze(draft.tenant_id, draft.pk)
    alice.post(at(draft, "pause/"))

    told = alice.post(at(draft, "resume/"), {"next": "report"}).content.decode()

    assert stored(draft).state == "paused"
    assert "„Herbst“ fortsetzen" in told
    assert "3 Nachrichten warten noch und gehen jetzt hinaus. Der Versand endet nach 24 Stunden." in told

    answer = alice.post(at(draft, "resume/"), confirmed(told), follow=True)

    assert stored(draft).state == "running"
    assert "höchstens 24 Stunden" in answer.content.decode()


def test_the_review_says_how_long_the_campaign_sends(alice: Client, draft: Campaign) -> None:
    page = alice.get(at(draft, "edit/review/"), **HTMX).content.decode()

    assert "sendet höchstens 24 Stunden lang. Warten dann noch Nachrichten, pausiert sie, und Sie entscheiden." in page


def confirmed(page: str) -> dict[str, str]:
    """What the page's own form sends when its button is pressed."""
    form = re.findall(r'<form class="card"\s+method="post".*?</form>', page, re.DOTALL)[0]
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="(.*?)">', form))


def test_what_stands_in_the_way_of_a_launch_is_listed_and_nothing_is_sent(
    alice: Client, bakery: Tenant, draft: Campaign
) -> None:
    with tenant_scope(bakery):
        draft.audiences.all().delete()

    page = alice.post(at(draft, "launch/"), YES)

    assert page.status_code == 422
    assert f'href="{at(draft, "edit/audience/")}"' in page.content.decode()
    assert stored(draft).state == "draft"


def test_a_campaign_is_scheduled_in_the_tenants_local_time_and_back(alice: Client, draft: Campaign) -> None:
    alice.post(at(draft, "schedule/"), {"local": "2199-07-01T10:00"})

    scheduled = stored(draft)
    assert scheduled.state == "scheduled"
    assert scheduled.due_at.isoformat() == "2199-07-01T08:00:00+00:00"

    alice.post(at(draft, "unschedule/"))

    assert stored(draft).state == "draft"


def test_a_time_that_the_clocks_skip_is_refused_beside_the_field(alice: Client, draft: Campaign) -> None:
    page = alice.post(at(draft, "schedule/"), {"local": "2030-03-31T02:30"})

    assert page.status_code == 422
    assert "Diese Uhrzeit gibt es nicht" in page.content.decode()
    assert 'value="2030-03-31T02:30"' in page.content.decode()
    assert stored(draft).state == "draft"


@pytest.mark.parametrize(
    ("local", "moment", "is_twice"),
    [
        ("2030-10-27T02:30", "2030-10-27T00:30:00+00:00", True),
        ("2030-10-27T01:59", "2030-10-26T23:59:00+00:00", False),
        ("2030-10-27T03:00", "2030-10-27T02:00:00+00:00", False),
        ("2030-03-31T03:00", "2030-03-31T01:00:00+00:00", False),
    ],
)
def test_a_time_that_comes_twice_means_the_first_and_the_page_says_so(
    alice: Client, draft: Campaign, local: str, moment: str, is_twice: bool
) -> None:
    page = alice.post(at(draft, "schedule/"), {"local": local}, follow=True)

    assert stored(draft).due_at.isoformat() == moment
    assert ("Diese Uhrzeit gibt es zweimal" in page.content.decode()) == is_twice


def test_a_time_that_has_passed_is_refused_beside_the_field(alice: Client, draft: Campaign) -> None:
    page = alice.post(at(draft, "schedule/"), {"local": "2020-07-01T10:00"})

    assert page.status_code == 422
    assert 'id="id_local_error"' in page.content.decode()
    assert stored(draft).state == "draft"


def test_a_running_campaign_is_paused_resumed_and_cancelled_by_buttons(alice: Client, draft: Campaign) -> None:
    alice.post(at(draft, "launch/"), YES)
    states = []

    for action in ("pause", "resume", "cancel"):
        alice.post(at(draft, f"{action}/"), YES)
        states.append(stored(draft).state)

    assert states == ["paused", "running", "cancelled"]


def test_a_button_that_comes_too_late_says_so_and_does_nothing(alice: Client, draft: Campaign) -> None:
    alice.post(at(draft, "cancel/"), YES)

    page = alice.post(at(draft, "pause/"), follow=True)

    assert "Nur laufende Kampagnen" in page.content.decode()
    assert stored(draft).state == "cancelled"


def test_a_copy_is_a_draft_with_the_same_audience(alice: Client, bakery: Tenant, draft: Campaign) -> None:
    alice.post(at(draft, "duplicate/"))

    with tenant_scope(bakery):
        copy = bakery.campaigns.order_by("-id").first()
        assert (copy.name, copy.state) == ("Herbst (Kopie)", "draft")
        assert copy.audiences.count() == 1


@pytest.mark.parametrize("path", ["edit/", "edit/audience/", "edit/message/", "edit/review/"])
def test_a_launched_campaign_shows_its_report_instead_of_the_wizard(alice: Client, draft: Campaign, path: str) -> None:
    alice.post(at(draft, "launch/"), YES)

    page = alice.get(at(draft, path), follow=True)

    assert page.redirect_chain == [(at(draft, ""), 302)]
    assert "nicht mehr ändern" in page.content.decode()


def test_an_autosave_after_the_launch_leads_to_the_report(alice: Client, draft: Campaign) -> None:
    alice.post(at(draft, "launch/"), YES)

    saved = alice.post(at(draft, "edit/"), {"name": "Zu spät"}, headers={"HX-Request": "true"})

    assert saved["HX-Redirect"] == at(draft, "")
    assert stored(draft).name != "Zu spät"


@pytest.mark.parametrize("address", ["http://shop.example/bild.jpg", "javascript:alert(1)", "kein bild"])
def test_a_header_file_needs_an_https_address(alice: Client, draft: Campaign, address: str) -> None:
    page = alice.post(at(draft, "edit/message/"), CONTENT | {"header_link": address})

    assert page.status_code == 422
    assert "die mit https:// beginnt" in page.content.decode()


@pytest.mark.parametrize("action", ["schedule/", "launch/"])
def test_opening_the_address_of_a_form_shows_the_review(alice: Client, draft: Campaign, action: str) -> None:
    assert alice.get(at(draft, action)).headers["Location"] == at(draft, "edit/review/")


def test_a_second_browser_that_launches_too_is_shown_the_report(alice: Client, draft: Campaign) -> None:
    alice.post(at(draft, "launch/"), YES)

    assert alice.post(at(draft, "launch/"), YES).headers["Location"] == at(draft, "")


@pytest.mark.parametrize(
    "path", ["edit/", "edit/audience/", "edit/message/", "edit/review/", "edit/preview/", "", "recipients/"]
)
def test_another_tenants_campaign_does_not_exist(
    client: Client, shop_made: NewTenant, draft: Campaign, path: str
) -> None:
    client.force_login(shop_made.owner)

    assert client.get(f"/shop/campaigns/{draft.uid}/{path}").status_code == 404


@pytest.mark.parametrize("action", ["launch", "schedule", "pause", "resume", "cancel", "duplicate"])
def test_an_analyst_starts_and_stops_nothing(
    client: Client, bakery_made: NewTenant, bakery: Tenant, draft: Campaign, action: str
) -> None:
    with tenant_scope(bakery):
        Membership.objects.filter(user=bakery_made.owner).update(role=Role.ANALYST)
    client.force_login(bakery_made.owner)

    assert client.post(at(draft, f"{action}/")).status_code == 403
    assert stored(draft).state == "draft"
