"""Topics: made in the dashboard and over the API, joined and left by people themselves, used in segments (R-34)."""

import re
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from campaigns import actions as campaigns
from campaigns import freezing
from campaigns.models import Campaign
from consent.actions import preferences, signup_forms
from consent.models import ConsentEvent, SignupForm, SignupRequest
from consent.queries import may_send
from consent.rights import walking
from contacts.models import Contact, ContactList, Event, ListMember
from messaging.models import Message
from segments import queries as segments
from tenants.actions import NewTenant
from tenants.encryption import decrypt
from tenants.models import Tenant
from tenants.roles import Role
from tenants.scope import tenant_scope
from tests import factories
from tests.campaigns.cast import launch
from tests.consent.factories import agree, known, open_form, person, stop
from tests.consent.test_signups import write
from tests.consent.views.pages import as_role, shown
from tests.contacts.calls import Caller

URL = "/bakery/topics/"


@pytest.fixture
def client_of_alice(bakery_made: NewTenant, client: Client) -> Client:
    client.force_login(bakery_made.owner)
    client.cookies["django_language"] = "en"
    return client


@pytest.fixture
def news(bakery: Tenant) -> ContactList:
    return topic(bakery, "intern-neu", "Neuheiten", "New things")


@pytest.fixture
def green(bakery: Tenant) -> ContactList:
    return topic(bakery, "intern-öko", "Nachhaltigkeit")


@pytest.fixture
def anna(bakery: Tenant) -> Contact:
    with tenant_scope(bakery):
        known(bakery)
        found = person(bakery, language="de")
        agree(bakery, found)
    return found


def topic(tenant: Tenant, name: str, title: str, english: str = "") -> ContactList:
    with tenant_scope(tenant):
        return ContactList.objects.create(tenant=tenant, name=name, is_topic=True, title_de=title, title_en=english)


def path(contact: Contact) -> str:
    return urlsplit(preferences.url(contact)).path


def choose(client: Client, contact: Contact, *topics: ContactList, language: str = "de") -> str:
    """The person's page after they saved exactly these topics."""
    given = {"topic": [str(one.uid) for one in topics]}
    answer = client.post(f"{path(contact)}topics/?lang={language}", given, follow=True)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def on(contact: Contact) -> list[str]:
    with tenant_scope(contact.tenant):
        members = ListMember.objects.filter(contact=contact).order_by("list__name")
        return list(members.values_list("list__name", flat=True))


def events(contact: Contact) -> list[tuple[str, str]]:
    with tenant_scope(contact.tenant):
        found = Event.objects.filter(contact=contact).order_by("pk")
        return [(event.name, event.properties["topic"]) for event in found]


# On the person's own page


def test_a_person_joins_and_leaves_topics_on_their_own_page_and_it_stands_in_their_history(
    client: Client, anna: Contact, news: ContactList, green: ContactList
) -> None:
    page = client.get(f"{path(anna)}?lang=de").content.decode()
    assert page.index("Nachhaltigkeit") < page.index("Neuheiten")
    assert "intern-neu" not in page

    saved = choose(client, anna, news, green)
    again = choose(client, anna, news, green)
    choose(client, anna, green)

    assert "Deine Auswahl gilt ab sofort." in saved
    assert saved.count("checked") == again.count("checked") == 2
    assert on(anna) == ["intern-öko"]
    assert sorted(events(anna)[:2]) == [("topic_joined", "Nachhaltigkeit"), ("topic_joined", "Neuheiten")]
    assert events(anna)[2:] == [("topic_left", "Neuheiten")]
    with tenant_scope(anna.tenant):
        told = {section.name: list(section.rows) for section in walking.told(anna)}
    assert [row["name"] for row in told["lists"]] == ["intern-öko"]
    assert [row["name"] for row in told["events"]][-1] == "topic_left"


def test_topics_are_read_in_the_persons_language_and_a_missing_translation_is_marked(
    client: Client, anna: Contact, news: ContactList, green: ContactList
) -> None:
    page = client.get(f"{path(anna)}?lang=en").content.decode()

    assert "New things" in page
    assert 'lang="de">Nachhaltigkeit' in " ".join(page.split())
    assert "Saved. Your choice holds from now on." in choose(client, anna, news, language="en")


def test_a_topic_is_no_consent_and_widens_none(client: Client, anna: Contact, news: ContactList) -> None:
    with tenant_scope(anna.tenant):
        bert = person(anna.tenant)
        stop(anna.tenant, anna)
        before = ConsentEvent.objects.count()

    for contact in (anna, bert):
        choose(client, contact, news)

    with tenant_scope(anna.tenant):
        reasons = [
            may_send(contact=contact, channel="whatsapp", purpose="marketing").reason for contact in (anna, bert)
        ]
        assert reasons == ["withdrawn", "no_consent"]
        assert ConsentEvent.objects.count() == before


def test_saving_topics_ends_no_consent(client: Client, anna: Contact, news: ContactList) -> None:
    choose(client, anna)

    with tenant_scope(anna.tenant):
        assert may_send(contact=anna, channel="whatsapp", purpose="marketing").allowed


def test_where_there_are_no_topics_the_page_does_not_speak_of_any(client: Client, anna: Contact) -> None:
    with tenant_scope(anna.tenant):
        ContactList.objects.create(tenant=anna.tenant, name="Nur intern")

    page = client.get(f"{path(anna)}?lang=de").content.decode()

    assert "Themen" not in page
    assert "Nur intern" not in page


def test_nobody_joins_what_is_no_topic_or_of_another_company(
    client: Client, anna: Contact, shop: Tenant, news: ContactList
) -> None:
    theirs = topic(shop, "fremd", "Fremd")
    with tenant_scope(anna.tenant):
        plain = ContactList.objects.create(tenant=anna.tenant, name="Nur intern")

    choose(client, anna, theirs, plain, news)

    assert on(anna) == ["intern-neu"]


def test_art_18_nobody_is_changed_whose_processing_is_restricted(
    client: Client, anna: Contact, news: ContactList
) -> None:
    with tenant_scope(anna.tenant):
        Contact.objects.update(restricted_at=anna.created_at)

    page = choose(client, anna, news)

    assert "Neuheiten" not in page
    assert on(anna) == []


@pytest.mark.parametrize("marked", ["special_attributes", "contract_attributes"])
def test_cg_08_what_is_special_or_for_contracts_is_offered_to_nobody_and_can_still_be_left(
    client: Client, client_of_alice: Client, anna: Contact, news: ContactList, marked: str
) -> None:
    with tenant_scope(anna.tenant):
        bert = person(anna.tenant)
    choose(client, anna, news)
    with tenant_scope(anna.tenant):
        known(anna.tenant, **{marked: ["intern-neu"]})

    assert "Neuheiten" not in client.get(f"{path(bert)}?lang=de").content.decode()
    choose(client, bert, news)
    assert on(bert) == []
    assert "Offered to nobody" in shown(client_of_alice, URL)
    choose(client, anna)
    assert on(anna) == []


def test_an_old_link_changes_nothing_and_leads_to_the_page_that_says_so(client: Client, news: ContactList) -> None:
    answer = client.post("/p/nonsense/topics/", {"topic": [str(news.uid)]}, follow=True)

    assert answer.status_code == 410


def test_the_page_of_topics_sets_no_cookie(client: Client, anna: Contact, news: ContactList) -> None:
    assert not client.post(f"{path(anna)}topics/", {"topic": [str(news.uid)]}).cookies


# When signing up


@pytest.fixture
def form(bakery: Tenant) -> SignupForm:
    factories.number(bakery)
    with tenant_scope(bakery):
        return open_form(bakery, number="+493023125000", offers_topics=True)


def test_who_signs_up_joins_what_they_ticked_once_they_have_confirmed(
    client: Client, form: SignupForm, news: ContactList, green: ContactList
) -> None:
    page = client.get("/s/bakery/theke/?lang=de").content.decode()
    assert "Was interessiert dich?" in page
    assert "Nachhaltigkeit" in page
    given = {"agree": "on", "topic": [str(green.uid), "nonsense"]}

    sent = client.post("/s/bakery/theke/?lang=de", given).content.decode()

    with tenant_scope(form.tenant):
        signup = SignupRequest.objects.get()
        sealed = decrypt(signup.sealed, binding=f"SignupRequest:{form.tenant_id}:{signup.token_digest}")
        # A worker of the release before makes everything in there part of the proof, beside the answer.
        assert not {"topics", "token"} & set(orjson.loads(sealed))
        anna = person(form.tenant)
        assert not ListMember.objects.exists()
        write(anna, str(re.search(r"START [A-Z2-7]{26}", sent)[0]))  # type: ignore[index]
        assert may_send(contact=anna, channel="whatsapp", purpose="marketing").allowed
    assert on(anna) == ["intern-öko"]
    with tenant_scope(form.tenant):
        assert Event.objects.get().properties["where"] == "form theke"


def test_without_the_box_of_the_consent_the_ticked_topics_stay_ticked_and_nobody_joins(
    client: Client, form: SignupForm, green: ContactList
) -> None:
    answer = client.post("/s/bakery/theke/?lang=de", {"topic": [str(green.uid)]})

    assert answer.status_code == 422
    assert "checked" in answer.content.decode()
    with tenant_scope(form.tenant):
        assert not ListMember.objects.exists()


def test_a_form_offers_topics_only_where_somebody_has_switched_them_on(
    client: Client, form: SignupForm, green: ContactList
) -> None:
    with tenant_scope(form.tenant):
        signup_forms.update(form=SignupForm.objects.get(), by=None, offers_topics=False)

    assert "Nachhaltigkeit" not in client.get("/s/bakery/theke/").content.decode()


# In the dashboard, over the API, in segments and campaigns


def test_a_marketer_makes_topics_and_sees_how_many_have_joined(
    client_of_alice: Client, client: Client, anna: Contact
) -> None:
    assert "No topic yet" in shown(client_of_alice, URL)
    refused = client_of_alice.post(f"{URL}new/", {"name": "Neu", "is_topic": "on"})
    assert refused.status_code == 422
    assert "Give the topic a title in German" in refused.content.decode()

    made = client_of_alice.post(f"{URL}new/", {"name": "Neu", "is_topic": "on", "title_de": "Neuheiten"}, follow=True)
    with tenant_scope(anna.tenant):
        news = ContactList.objects.get()
    choose(client, anna, news)

    assert "Neuheiten" in made.content.decode()
    page = shown(client_of_alice, URL)
    assert '<td class="num" data-label="Members">1</td>' in page
    assert "No sign-up form offers topics yet" in page
    told = shown(client_of_alice, f"/bakery/contacts/{anna.uid}/")
    assert "Joined “Neuheiten”" in told


def test_a_list_becomes_a_topic_and_none_again_and_keeps_its_people(
    client_of_alice: Client, client: Client, anna: Contact
) -> None:
    with tenant_scope(anna.tenant):
        plain = ContactList.objects.create(tenant=anna.tenant, name="Kundenbrief")
        ListMember.objects.create(tenant=anna.tenant, list=plain, contact=anna)
    given = {"name": "Kundenbrief", "title_de": "Brief", "title_en": "Letter"}

    client_of_alice.post(f"{URL}{plain.uid}/", given | {"is_topic": "on"})
    assert "Brief" in client.get(f"{path(anna)}?lang=de").content.decode()
    client_of_alice.post(f"{URL}{plain.uid}/", given)

    assert "Brief" not in client.get(f"{path(anna)}?lang=de").content.decode()
    assert on(anna) == ["Kundenbrief"]


def test_who_may_only_read_changes_no_topic(
    client_of_alice: Client, bakery_made: NewTenant, news: ContactList, shop: Tenant
) -> None:
    theirs = topic(shop, "fremd", "Fremd")
    assert client_of_alice.get(f"{URL}{theirs.uid}/").status_code == 404
    as_role(bakery_made, Role.LEGAL)

    assert "Neuheiten" in shown(client_of_alice, URL)
    assert client_of_alice.get(f"{URL}new/").status_code == 403
    assert client_of_alice.post(f"{URL}{news.uid}/", {"name": "Meins"}).status_code == 403


def test_a_program_makes_a_list_a_topic(alice: Caller, bakery: Tenant) -> None:
    made = alice.post("lists/", {"name": "Neu", "is_topic": True, "title_de": "Neuheiten", "title_en": "New"})
    assert made.status_code == 201, made.content
    told = made.json()
    assert (told["is_topic"], told["title_de"], told["title_en"]) == (True, "Neuheiten", "New")

    without = alice.post("lists/", {"name": "Ohne", "is_topic": True})
    emptied = alice.patch(f"lists/{told['uid']}/", {"title_de": ""})
    ended = alice.patch(f"lists/{told['uid']}/", {"is_topic": False})

    assert (without.status_code, emptied.status_code, ended.status_code) == (400, 400, 200)
    assert "title_de" in without.json()["errors"]
    assert (ended.json()["is_topic"], ended.json()["title_de"]) == (False, "Neuheiten")


def test_the_database_takes_no_topic_without_a_title(bakery: Tenant) -> None:
    with tenant_scope(bakery), pytest.raises(IntegrityError, match="topic_has_a_title"), transaction.atomic():
        ContactList.objects.create(tenant=bakery, name="Ohne Titel", is_topic=True)


def test_a_form_offers_topics_over_the_api(alice: Caller, form: SignupForm) -> None:
    changed = alice.patch(f"forms/{form.uid}/", {"offers_topics": False})

    assert changed.json()["offers_topics"] is False


def test_a_topic_counts_in_segments_at_once_and_leaving_it_too_until_a_campaign_is_frozen(
    client: Client, bakery: Tenant, news: ContactList
) -> None:
    factories.number(bakery)
    template = factories.template(bakery)
    [ada, bea] = factories.contacts(bakery, 2)
    rule: dict[str, Any] = {"list": str(news.uid), "op": "in"}
    for contact in (ada, bea):
        choose(client, contact, news)
    with tenant_scope(bakery):
        assert segments.count(bakery, rule) == 2
        campaign = campaigns.create(tenant=bakery, name="Neu", by=None)
        campaigns.set_audience(campaign=campaign, by=None, include_lists=[news])
        campaigns.set_content(campaign=campaign, by=None, template=template, variables=factories.VARIABLES)
    launch(campaign)

    choose(client, bea)
    freezing.freeze(bakery.pk, campaign.pk)

    with tenant_scope(bakery):
        assert segments.count(bakery, rule) == 1
        assert list(Message.objects.filter(source=Campaign.objects.get().source).values_list("contact", flat=True)) == [
            ada.pk
        ]
