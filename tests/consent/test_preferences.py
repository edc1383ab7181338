"""The link by which a person says no without any login (CG-20, CG-44): one look, one click, at once."""

from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client

from consent.actions import preferences
from consent.models import ConsentEvent
from consent.queries import may_send
from contacts.models import Contact
from tenants.encryption import seal
from tenants.models import Tenant
from tests.consent.factories import agree, person

pytestmark = pytest.mark.usefixtures("in_bakery")
MARKETING, TRACKING = ("whatsapp", "marketing"), ("whatsapp", "tracking")


@pytest.fixture
def anna(in_bakery: Tenant) -> Contact:
    found = person(in_bakery)
    agree(in_bakery, found, pairs=[MARKETING, TRACKING])
    return found


def path(contact: Contact) -> str:
    return urlsplit(preferences.url(contact)).path


def may(contact: Contact, purpose: str = "marketing") -> str:
    return may_send(contact=contact, channel="whatsapp", purpose=purpose).reason


def say_no(client: Client, contact: Contact, pair: str) -> Any:
    return client.post(path(contact), {"pair": pair}, follow=True)


def test_cg_20_one_click_ends_marketing_at_once_and_measuring_with_it(client: Client, anna: Contact) -> None:
    assert may(anna) == ""

    answer = say_no(client, anna, "whatsapp:marketing")

    assert may(anna) == "withdrawn"
    assert may(anna, "tracking") == "withdrawn"
    assert "abgemeldet" in answer.content.decode()
    no = ConsentEvent.objects.filter(state="withdrawn").first()
    assert no
    assert (no.source, no.authority) == ("preference_link", 3)


def test_the_page_speaks_the_persons_own_language_whatever_the_browser_does(client: Client, anna: Contact) -> None:
    Contact.objects.update(language="en_GB")

    answer = client.get(path(anna), headers={"accept-language": "de"})

    assert '<html lang="en"' in answer.content.decode()


def test_the_language_stays_after_a_no(client: Client, anna: Contact) -> None:
    answer = client.post(f"{path(anna)}?lang=en", {"pair": "whatsapp:marketing"}, follow=True)

    assert "You are unsubscribed." in answer.content.decode()


def test_one_purpose_can_end_alone(client: Client, anna: Contact) -> None:
    say_no(client, anna, "whatsapp:tracking")

    assert may(anna, "tracking") == "withdrawn"
    assert may(anna) == ""


@pytest.mark.parametrize("pair", ["all", "", "whatsapp:no such purpose", "email:marketing"])
def test_whatever_else_is_sent_ends_everything_because_who_comes_here_wants_to_stop(
    client: Client, anna: Contact, pair: str
) -> None:
    say_no(client, anna, pair)

    assert may(anna) == "withdrawn"
    assert may_send(contact=anna, channel="email", purpose="marketing").reason == "withdrawn"


def test_looking_changes_nothing_and_sets_no_cookie(client: Client, anna: Contact) -> None:
    answer = client.get(path(anna))

    assert answer.status_code == 200
    assert not answer.cookies
    assert answer["X-Robots-Tag"] == "noindex"
    assert may(anna) == ""


def test_the_link_says_nothing_but_no(client: Client, anna: Contact) -> None:
    say_no(client, anna, "all")

    shown = client.get(path(anna)).content.decode()

    assert anna.phone
    assert anna.phone not in shown
    assert 'value="whatsapp:marketing"' not in shown


def test_only_what_was_agreed_to_once_is_listed_as_ended(client: Client, in_bakery: Tenant) -> None:
    bert = person(in_bakery)
    agree(in_bakery, bert, pairs=[MARKETING])

    say_no(client, bert, "whatsapp:marketing")
    assert may(bert, "tracking") == "withdrawn"
    ended = preferences.choices(preferences.Person(in_bakery, bert))
    assert [(one.value, one.is_on) for one in ended] == [("whatsapp:marketing", False)]

    say_no(client, bert, "all")
    assert preferences.choices(preferences.Person(in_bakery, bert)) == ended


def test_a_no_to_everything_is_offered_until_it_is_said_and_the_objection_stays(client: Client, anna: Contact) -> None:
    say_no(client, anna, "whatsapp:marketing")
    assert 'value="all"' in client.get(path(anna)).content.decode()

    say_no(client, anna, "all")

    shown = client.get(path(anna)).content.decode()
    assert 'value="all"' not in shown
    assert f'href="{path(anna)}object/' in shown


def test_who_agreed_to_nothing_and_said_no_to_nothing_can_say_no_to_everything(
    client: Client, in_bakery: Tenant
) -> None:
    bert = person(in_bakery)
    shown = client.get(path(bert)).content.decode()
    assert 'value="all"' in shown
    assert f'href="{path(bert)}object/' in shown

    say_no(client, bert, "all")

    assert may(bert) == "withdrawn"
    assert 'value="all"' not in client.get(path(bert)).content.decode()


@pytest.mark.parametrize("token", ["x", "A" * 43, "../../etc"])
def test_a_link_that_was_not_made_here_says_how_to_stop_all_the_same(client: Client, token: str) -> None:
    answer = client.get(f"/p/{token.replace('/', '')}/")

    assert answer.status_code == 410
    assert "STOPP" in answer.content.decode()


def test_a_token_made_for_something_else_opens_nobodys_page(client: Client, anna: Contact) -> None:
    assert client.get(f"/p/{seal('link', anna.tenant_id, anna.pk)}/").status_code == 410


def test_an_objection_is_named_apart_asked_once_and_ends_all_advertising_on_all_channels(
    client: Client, anna: Contact
) -> None:
    page = client.get(f"{path(anna)}?lang=de").content.decode()
    assert "Widerspruch gegen Werbung" in page
    assert f'href="{path(anna)}object/?lang=de"' in page

    asked = client.get(f"{path(anna)}object/?lang=de")

    assert "nicht per E-Mail und nicht per SMS" in asked.content.decode()
    assert not asked.cookies
    assert may(anna) == ""

    answer = client.post(f"{path(anna)}object/?lang=de", follow=True)

    for channel in ("whatsapp", "email", "sms"):
        for purpose in ("marketing", "tracking", "profiling", "survey"):
            assert may_send(contact=anna, channel=channel, purpose=purpose).reason == "objected"
    assert "Du hast der Werbung widersprochen." in answer.content.decode()
    assert "Werbung widersprechen</a>" not in answer.content.decode()
    no = ConsentEvent.objects.get(state="objected")
    assert (no.source, no.authority, no.channel, no.purpose) == ("preference_link", 3, "all", "all")


def test_who_agreed_to_nothing_can_object_all_the_same(client: Client, in_bakery: Tenant) -> None:
    bert = person(in_bakery)

    client.post(f"{path(bert)}object/")

    assert may(bert) == "objected"


def test_an_objection_by_a_link_that_was_not_made_here_says_how_to_stop(client: Client) -> None:
    assert client.post("/p/nonsense/object/").status_code == 410
