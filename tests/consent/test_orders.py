"""In which order somebody confirms mail and message changes nothing of what they agree to, and a later no wins."""

from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from consent import personal
from consent.actions import declarations, preferences
from consent.models import ConsentEvent, SignupForm, Suppression
from consent.signups import message
from contacts.models import Contact
from tenants.models import Tenant
from tests.consent.factories import minutes, open_form, person, published, stop
from tests.consent.test_addresses import BOTH, ask, mailed, yes
from tests.consent.test_signups import may, write

pytestmark = pytest.mark.usefixtures("as_runtime")

ADDRESS = "anna@example.com"
LATER = timedelta(seconds=1)
either_order = pytest.mark.parametrize("is_mail_first", [True, False], ids=["mail first", "message first"])


@pytest.fixture
def form(in_bakery: Tenant) -> SignupForm:
    return open_form(in_bakery, published(in_bakery, covers=BOTH))


def confirm(client: Client, anna: Contact, token: str, *, is_mail_first: bool) -> None:
    if is_mail_first:
        yes(client, mail.outbox[-1])
    write(anna, message(token))
    if not is_mail_first:
        yes(client, mail.outbox[-1])


def agreed(anna: Contact) -> tuple[str, str]:
    """Why nothing may be sent to Anna on WhatsApp and to her address; "" where it may."""
    return may(anna), mailed(Contact.objects.get(email=ADDRESS))


@either_order
def test_an_old_stop_to_everything_outweighs_neither_yes(client: Client, form: SignupForm, is_mail_first: bool) -> None:
    anna = person(form.tenant)
    stop(form.tenant, anna, is_all=True, occurred_at=timezone.now() - LATER)

    confirm(client, anna, ask(client, form, email=ADDRESS), is_mail_first=is_mail_first)

    assert agreed(anna) == ("", "")
    # What she did not say yes to stays closed, on her number and on her address.
    assert may(anna, channel="sms") == "withdrawn"
    assert mailed_for("survey") == ("suppressed" if is_mail_first else "withdrawn")
    lifted = ConsentEvent.objects.filter(state="suppression_lifted").values_list("channel", "authority")
    assert set(lifted) == {("whatsapp", 3), ("email", 3)}


def mailed_for(purpose: str) -> str:
    return may(Contact.objects.get(email=ADDRESS), channel="email", purpose=purpose)


@either_order
def test_an_old_block_of_the_address_outweighs_neither_yes(
    client: Client, form: SignupForm, is_mail_first: bool
) -> None:
    declarations.suppress(tenant=form.tenant, email=ADDRESS, dedupe="block")
    anna = person(form.tenant)

    confirm(client, anna, ask(client, form, email=ADDRESS), is_mail_first=is_mail_first)

    assert agreed(anna) == ("", "")
    assert mailed_for("survey") == "suppressed"


def test_a_stop_to_everything_after_the_yes_by_mail_ends_it_for_good(client: Client, form: SignupForm) -> None:
    anna = person(form.tenant)
    token = ask(client, form, email=ADDRESS)
    yes(client, mail.outbox[-1])
    stop(form.tenant, anna, is_all=True, occurred_at=timezone.now())

    write(anna, message(token), later=LATER)

    assert agreed(anna) == ("", "suppressed")


def test_a_stop_that_is_said_again_after_the_yes_by_mail_ends_it_as_the_first_would(
    client: Client, form: SignupForm
) -> None:
    anna = person(form.tenant)
    stop(form.tenant, anna, is_all=True)
    token = ask(client, form, email=ADDRESS)
    yes(client, mail.outbox[-1])
    stop(form.tenant, anna, is_all=True, occurred_at=timezone.now())

    write(anna, message(token), later=LATER)

    assert agreed(anna) == ("", "suppressed")
    # What is left of the entry still knows both times.
    left = Suppression.objects.filter(lifted_at=None, channel="email", purpose="marketing")
    assert all(entry.since == minutes(10) < entry.said_at for entry in left)
    assert left.exists()
    [told] = [section.rows for section in personal.tell(anna) if section.name == "suppressions"]
    assert all(row["said_again_at"] for row in told)


def test_an_objection_after_the_yes_by_mail_lets_the_older_stop_open_nothing(client: Client, form: SignupForm) -> None:
    anna = person(form.tenant)
    stop(form.tenant, anna, is_all=True)
    token = ask(client, form, email=ADDRESS)
    yes(client, mail.outbox[-1])
    declarations.object_(tenant=form.tenant, contact=anna, dedupe="no", source="wa_keyword", occurred_at=timezone.now())

    write(anna, message(token), later=LATER)

    assert agreed(anna) == ("", "suppressed")
    assert not ConsentEvent.objects.filter(state="suppression_lifted", channel="email").exists()


def test_a_stop_that_arrives_late_makes_none_of_after_it_older(form: SignupForm) -> None:
    anna = person(form.tenant)
    for minute in (1, 9, 5):
        stop(form.tenant, anna, is_all=True, occurred_at=minutes(minute))

    said = {(entry.since, entry.said_at) for entry in Suppression.objects.filter(lifted_at=None)}
    assert said == {(minutes(1), minutes(9))}


def test_a_stop_to_everything_after_the_message_ends_that_and_not_the_later_yes_by_mail(
    client: Client, form: SignupForm
) -> None:
    anna = person(form.tenant)
    write(anna, message(ask(client, form, email=ADDRESS)))
    stop(form.tenant, anna, is_all=True, occurred_at=timezone.now())

    yes(client, mail.outbox[-1])

    assert agreed(anna) == ("withdrawn", "")


def test_an_objection_on_the_mails_page_outweighs_a_message_of_before_that_arrives_later(
    client: Client, form: SignupForm
) -> None:
    anna = person(form.tenant)
    token = ask(client, form, email=ADDRESS)
    yes(client, mail.outbox[-1])
    written = timezone.now()
    by_mail = preferences.Person(form.tenant, Contact.objects.get(email=ADDRESS))
    preferences.object_(by_mail, visitor={})

    write(anna, message(token), later=written - timezone.now())

    assert agreed(anna) == ("objected", "objected")


def test_an_entry_that_is_younger_than_the_yes_is_not_lifted_by_it(client: Client, form: SignupForm) -> None:
    written = timezone.now()
    anna_to_be = "+4915123456799"
    declarations.suppress(tenant=form.tenant, phone=anna_to_be, dedupe="block")
    anna = person(form.tenant, phone=anna_to_be)
    token = ask(client, form, email=ADDRESS)

    write(anna, message(token), later=written - timezone.now())

    assert may(anna) == "suppressed"
