"""Whose yes to e-mail it is: the contact known by the address, who signed up in WhatsApp too, or somebody new."""

import re
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from consent.actions import declarations, people, preferences
from consent.models import ConsentEvent, SignupForm, Suppression
from consent.signups import message
from contacts.actions import ContactData
from contacts.models import Contact
from tenants.models import Tenant
from tests.consent.factories import agree, open_form, person, published, stop
from tests.consent.test_addresses import BOTH, ask, mailed, yes
from tests.consent.test_signups import may, tick, write

pytestmark = pytest.mark.usefixtures("as_runtime")

ADDRESS = "anna@example.com"
LATER = timedelta(seconds=1)


@pytest.fixture
def form(in_bakery: Tenant) -> SignupForm:
    return open_form(in_bakery, published(in_bakery, covers=BOTH))


def confirmed(client: Client, form: SignupForm, email: str = ADDRESS) -> str:
    """Sign up with an address and confirm it; returns the token for WhatsApp."""
    token = ask(client, form, email=email)
    yes(client, mail.outbox[-1])
    return token


def test_a_customer_who_is_known_by_the_address_keeps_one_contact(client: Client, form: SignupForm) -> None:
    customer = person(form.tenant, email=ADDRESS, external_id="K-1")

    confirmed(client, form, "ANNA@example.com")

    assert Contact.objects.get() == customer
    assert (mailed(customer), may(customer)) == ("", "pending")


def test_of_a_family_that_shares_an_address_nobody_is_taken_for_another(client: Client, form: SignupForm) -> None:
    family = [person(form.tenant, email=ADDRESS, phone=f"+49151234567{n}0") for n in (1, 2)]

    confirmed(client, form)
    new = Contact.objects.exclude(pk__in=[one.pk for one in family]).get()
    assert mailed(new) == ""
    assert [mailed(one) for one in family] == ["no_consent", "no_consent"]

    # Who proved the address is known by it the next time.
    confirmed(client, form)
    assert Contact.objects.count() == 3


def test_of_several_who_are_known_by_the_address_alone_nobody_is_taken_for_another(
    client: Client, form: SignupForm
) -> None:
    known = [person(form.tenant, email=ADDRESS, external_id=f"K-{n}") for n in (1, 2)]

    confirmed(client, form)

    assert Contact.objects.count() == 3
    assert [mailed(one) for one in known] == ["no_consent", "no_consent"]


def test_who_said_no_to_e_mail_before_may_say_yes_again_themselves(client: Client, form: SignupForm) -> None:
    anna = person(form.tenant, email=ADDRESS)
    stop(form.tenant, anna, is_all=True, occurred_at=timezone.now() - LATER)
    assert mailed(anna) == "withdrawn"

    confirmed(client, form)

    assert (mailed(anna), may(anna)) == ("", "withdrawn")
    [lifted] = ConsentEvent.objects.filter(state="suppression_lifted")
    assert (lifted.channel, lifted.authority) == ("email", 3)


def test_a_blocked_address_of_nobody_is_opened_by_its_owner_only_for_e_mail(client: Client, form: SignupForm) -> None:
    declarations.suppress(tenant=form.tenant, email=ADDRESS, dedupe="block")

    confirmed(client, form)

    anna = Contact.objects.get()
    assert mailed(anna) == ""
    assert may(anna) == "suppressed"
    left = Suppression.objects.filter(lifted_at=None).values_list("channel", flat=True)
    assert "email" not in left.filter(purpose="marketing")
    assert "whatsapp" in left


def test_confirmed_in_whatsapp_after_the_mail_both_are_one_person_and_a_no_of_either_holds(
    client: Client, form: SignupForm
) -> None:
    token = confirmed(client, form)
    by_mail = Contact.objects.get()
    on_whatsapp = person(form.tenant)

    write(on_whatsapp, message(token))

    # Nothing is agreed to by being one person.
    assert (mailed(by_mail), may(by_mail)) == ("", "pending")
    assert (mailed(on_whatsapp), may(on_whatsapp)) == ("no_consent", "")
    granted = ConsentEvent.objects.get(state="granted", channel="whatsapp")
    request = ConsentEvent.objects.get(seq=granted.doi_request_seq)
    assert (request.channel, request.state) == ("whatsapp", "requested")
    # Each has a request and with it a proof of their own: the other one may be erased.
    assert request.subject_id == granted.subject_id == on_whatsapp.subject_id

    stop(form.tenant, on_whatsapp, is_all=True, occurred_at=timezone.now() + LATER)
    assert mailed(by_mail) == "suppressed"


def test_the_yes_in_whatsapp_outweighs_an_older_no_of_the_address(client: Client, form: SignupForm) -> None:
    declarations.suppress(tenant=form.tenant, email=ADDRESS, dedupe="block")
    token = confirmed(client, form)
    on_whatsapp = person(form.tenant)

    write(on_whatsapp, message(token), later=LATER)

    assert may(on_whatsapp) == ""


def test_an_old_no_of_the_address_outweighs_no_message_because_it_was_read_late(
    client: Client, form: SignupForm
) -> None:
    stop(form.tenant, person(form.tenant, email=ADDRESS), is_all=True, occurred_at=timezone.now() - LATER)
    token = confirmed(client, form)
    on_whatsapp = person(form.tenant)

    # Written a moment before anybody reads it.
    write(on_whatsapp, message(token))

    assert may(on_whatsapp) == ""


def test_who_has_the_address_in_their_contact_has_both_yeses_by_writing_first(client: Client, form: SignupForm) -> None:
    anna = person(form.tenant, phone="+4915123456780", email=ADDRESS)

    write(anna, message(ask(client, form)))
    yes(client, mail.outbox[-1])

    assert (mailed(anna), may(anna)) == ("", "")
    assert Contact.objects.count() == 1


def test_by_mail_first_it_is_another_contact_of_the_same_person(client: Client, form: SignupForm) -> None:
    anna = person(form.tenant, phone="+4915123456780", email=ADDRESS)
    token = confirmed(client, form)
    by_mail = Contact.objects.exclude(pk=anna.pk).get()

    write(anna, message(token))

    assert (mailed(by_mail), may(anna)) == ("", "")
    merged = ConsentEvent.objects.get(state="merged")
    assert (merged.subject_id, merged.source_ref) == (anna.subject_id, str(by_mail.subject_id))


def test_who_proved_the_address_before_is_known_by_it_whatever_their_number(client: Client, form: SignupForm) -> None:
    anna = person(form.tenant)
    write(anna, message(ask(client, form)))
    yes(client, mail.outbox[-1])
    other = open_form(
        form.tenant, published(form.tenant, name="Mehr", covers=[["email", "survey"], *BOTH]), slug="mehr"
    )

    confirmed(client, other)

    assert Contact.objects.get() == anna
    assert may(anna, channel="email", purpose="survey") == ""


def test_an_address_that_was_changed_since_proves_nothing_of_the_new_one(client: Client, form: SignupForm) -> None:
    anna = person(form.tenant)
    write(anna, message(ask(client, form)))
    yes(client, mail.outbox[-1])
    people.patch(contact=anna, data=ContactData({"email": "ben@example.com"}), by=None)

    confirmed(client, form, "ben@example.com")

    ben = Contact.objects.exclude(pk=anna.pk).get()
    assert (ben.email, mailed(ben)) == ("ben@example.com", "")


def test_who_has_another_address_since_is_not_whom_the_old_one_names(client: Client, form: SignupForm) -> None:
    anna = person(form.tenant)
    write(anna, message(ask(client, form)))
    yes(client, mail.outbox[-1])
    people.patch(contact=anna, data=ContactData({"email": "neu@example.com"}), by=None)

    confirmed(client, form)

    new = Contact.objects.exclude(pk=anna.pk).get()
    assert (new.email, mailed(new)) == (ADDRESS, "")


def test_somebody_with_another_number_is_not_taken_for_the_same_person(client: Client, form: SignupForm) -> None:
    husband = person(form.tenant, phone="+4915123456781", email=ADDRESS)
    agree(form.tenant, husband)
    wife = person(form.tenant)
    stop(form.tenant, wife, is_all=True)

    write(wife, message(confirmed(client, form)))
    [by_mail] = Contact.objects.exclude(pk__in=[husband.pk, wife.pk])
    assert (may(wife), mailed(by_mail)) == ("", "")
    stop(form.tenant, wife, is_all=True, occurred_at=timezone.now() + LATER)

    assert (may(wife), may(husband)) == ("withdrawn", "")
    # She is known to be who confirmed the mail: "alles stoppen" ends that as well.
    assert mailed(by_mail) == "suppressed"


def test_who_has_a_number_is_not_joined_with_another_number_by_the_mail_they_confirmed(
    client: Client, form: SignupForm
) -> None:
    anna = person(form.tenant)
    write(anna, message(ask(client, form)))
    yes(client, mail.outbox[-1])
    other = open_form(
        form.tenant, published(form.tenant, name="Mehr", covers=[["email", "survey"], *BOTH]), slug="mehr"
    )
    stranger = person(form.tenant)

    write(stranger, message(confirmed(client, other)))
    assert (may(anna, channel="email", purpose="survey"), may(stranger)) == ("", "")
    stop(form.tenant, stranger, is_all=True, occurred_at=timezone.now() + LATER)

    assert not ConsentEvent.objects.filter(state="merged").exists()
    assert (mailed(anna), may(anna), may(stranger)) == ("", "", "withdrawn")


def test_an_address_that_nobody_has_confirmed_joins_nobody(client: Client, form: SignupForm) -> None:
    victim = person(form.tenant, email=ADDRESS)
    stranger = person(form.tenant)

    write(stranger, message(ask(client, form, email=ADDRESS)))
    stop(form.tenant, stranger, is_all=True, occurred_at=timezone.now() + LATER)

    assert not ConsentEvent.objects.filter(state="merged").exists()
    assert mailed(victim) == "no_consent"
    stranger.refresh_from_db()
    assert stranger.email is None


def test_who_has_a_number_and_an_unproven_address_gets_no_yes_by_it_and_is_shown_to_nobody(
    client: Client, form: SignupForm
) -> None:
    anna = person(form.tenant, email=ADDRESS, phone="+4930231257999")
    agree(form.tenant, anna)
    ask(client, form, email=ADDRESS)

    shown = yes(client, mail.outbox[0])

    owner = Contact.objects.exclude(pk=anna.pk).get()
    assert (mailed(anna), mailed(owner)) == ("no_consent", "")
    # The owner of the mailbox sees what they agreed to themselves, and nothing of Anna's.
    [own] = re.findall(r'href="([^"]*/p/[^"]+)"', shown)
    assert own == preferences.url(owner)
    assert may(owner) == "pending"


def test_the_page_after_the_yes_leads_to_the_persons_own_where_it_ends_by_one_click(
    client: Client, form: SignupForm
) -> None:
    anna = person(form.tenant)
    write(anna, message(ask(client, form)))
    [own] = re.findall(r'href="([^"]*/p/[^"]+)"', yes(client, mail.outbox[0]))
    assert own == preferences.url(anna)

    shown = " ".join(client.get(urlsplit(own).path).content.decode().split())
    assert "<strong>E-Mail</strong> · Marketing" in shown
    assert "von dir per E-Mail bestätigt." in shown
    assert "von dir in WhatsApp bestätigt." in shown

    client.post(urlsplit(own).path, {"pair": "email:marketing"})

    assert (mailed(anna), may(anna)) == ("withdrawn", "")


@pytest.mark.parametrize(("agreed", "left"), [(True, "anna@example.com"), (False, "neu@example.com")])
def test_cg_11_an_answer_replaces_no_address_that_a_yes_hangs_on(
    client: Client, in_bakery: Tenant, agreed: bool, left: str
) -> None:
    form = open_form(in_bakery, published(in_bakery, covers=[["whatsapp", "marketing"]]), question="email")
    anna = person(in_bakery, email="anna@example.com")
    if agreed:
        agree(in_bakery, anna, pairs=[("email", "marketing")])

    write(anna, message(tick(client, form, answer="neu@example.com")))

    anna.refresh_from_db()
    assert anna.email == left
