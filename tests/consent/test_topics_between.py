"""What comes between a click and its topics: a mark, a no, a restriction; and who only looks (R-34)."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from consent.actions import signup_forms, topics
from consent.models import SignupForm, SignupRequest
from consent.signups import message
from contacts.models import Contact, ContactList
from tenants.actions import NewTenant
from tenants.models import Tenant
from tests.consent.factories import known, open_form, person, stop
from tests.consent.test_signups import may, tick, write
from tests.consent.test_topics import choose, events, on, path, topic
from tests.consent.views.pages import shown


@pytest.fixture
def form(in_bakery: Tenant) -> SignupForm:
    return open_form(in_bakery, offers_topics=True)


@pytest.fixture
def news(in_bakery: Tenant) -> ContactList:
    return topic(in_bakery, "intern-neu", "Neuheiten")


@pytest.fixture
def anna(in_bakery: Tenant) -> Contact:
    return person(in_bakery)


def test_who_only_looks_at_the_address_by_which_topics_are_chosen_leaves_none(
    client: Client, anna: Contact, news: ContactList
) -> None:
    choose(client, anna, news)

    for look in (client.get, client.head):
        assert look(f"{path(anna)}topics/").status_code == 302

    assert on(anna) == ["intern-neu"]


def test_nobody_leaves_what_they_never_joined(client: Client, anna: Contact, news: ContactList) -> None:
    choose(client, anna)

    assert events(anna) == []


def test_art_18_a_restriction_that_comes_while_somebody_clicks_holds(anna: Contact, news: ContactList) -> None:
    Contact.objects.filter(pk=anna.pk).update(restricted_at=timezone.now())

    # As the page had read them before.
    topics.choose(anna, [str(news.uid)])

    assert on(anna) == []


def test_cg_08_a_topic_that_is_marked_before_the_sign_up_is_confirmed_is_not_joined(
    client: Client, form: SignupForm, anna: Contact, news: ContactList
) -> None:
    green = topic(form.tenant, "intern-öko", "Nachhaltigkeit")
    token = tick(client, form, topic=[str(news.uid), str(green.uid)])
    known(form.tenant, special_attributes=["intern-neu"])

    write(anna, message(token))

    assert (may(anna), on(anna)) == ("", ["intern-öko"])


def test_a_yes_that_a_later_no_came_before_joins_nothing(
    client: Client, form: SignupForm, anna: Contact, news: ContactList
) -> None:
    token = tick(client, form, topic=str(news.uid))
    SignupRequest.objects.update(requested_at=timezone.now() - timedelta(minutes=2))
    stop(form.tenant, anna, occurred_at=timezone.now())

    assert write(anna, message(token), later=-timedelta(minutes=1)) is None

    assert (may(anna), on(anna)) == ("withdrawn", [])


def test_a_form_that_offers_no_topics_takes_none_that_are_sent_to_it(
    client: Client, form: SignupForm, anna: Contact, news: ContactList
) -> None:
    signup_forms.update(form=form, by=None, offers_topics=False)

    write(anna, message(tick(client, form, topic=str(news.uid))))

    assert (may(anna), on(anna)) == ("", [])


def test_the_team_reads_what_this_person_joined_and_left_newest_first(
    client: Client, bakery_made: NewTenant, anna: Contact, news: ContactList
) -> None:
    green = topic(anna.tenant, "intern-öko", "Nachhaltigkeit")
    choose(client, anna, news)
    choose(client, anna)
    choose(client, person(anna.tenant), green)
    client.force_login(bakery_made.owner)

    page = shown(client, f"/bakery/contacts/{anna.uid}/", HTTP_ACCEPT_LANGUAGE="en")

    assert page.index("Left “Neuheiten”") < page.index("Joined “Neuheiten”")
    assert "Nachhaltigkeit" not in page
