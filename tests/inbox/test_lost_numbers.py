"""What somebody says after they have lost a number is not the next owner's word, nor theirs what that one says.

Anna said yes under DE.1; Ben has got her number since and writes under DE.2.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from consent.actions import people
from consent.models import Suppression
from consent.queries import may_send
from contacts.actions import ContactData
from contacts.identities import digest
from contacts.models import Contact
from inbox.models import InboundMessage
from tenants.scope import tenant_scope
from tests.consent.factories import agree, person, stop
from tests.inbox import meta
from tests.inbox.test_late_words import agrees, hidden, prefers, said
from tests.inbox.test_moves import moved, phones
from tests.inbox.test_next_owners import NOW, PHONE, contact, reason, write
from tests.inbox.test_opt_outs import TODAY
from whatsapp.models import Number

Deliver = Callable[..., None]


@pytest.fixture
def anna(number: Number, anna: Contact, deliver: Deliver) -> Contact:
    write(deliver, number, "Hallo", "DE.1", wamid="wamid.hello")
    return anna


def later(minutes: int) -> dict[str, Any]:
    return {"at": NOW + timedelta(minutes=minutes), "wamid": f"wamid.{minutes}"}


def wants(number: Number, value: str, minute: int) -> bytes:
    """What Anna decides once she writes from another number, which nobody has told us."""
    told = meta.preference(value, sender="493023125042", at=NOW + timedelta(minutes=minute), user_id="DE.1")
    return meta.body(number, user_preferences=[told])


def noes_at_the_number(number: Number) -> list[str]:
    with tenant_scope(number.tenant):
        key = digest(number.tenant, "phone", PHONE)
        return list(Suppression.objects.filter(digest=key, lifted_at=None).values_list("reason", flat=True))


def test_a_resume_of_the_one_before_opens_what_she_had_stopped_and_nothing_of_the_next_owner(
    number: Number, anna: Contact, deliver: Deliver
) -> None:
    deliver(prefers(number, "stop", "DE.1", 1))
    write(deliver, number, "Hallo", "DE.2", **later(2))
    deliver(prefers(number, "stop", "DE.2", 3))

    deliver(wants(number, "resume", 4))

    assert noes_at_the_number(number) == ["meta_stop"]
    agrees(anna)
    agrees(contact(number, bsuid="DE.2"))
    assert (reason(anna), reason(contact(number, bsuid="DE.2"))) == ("", "meta_stop")


def test_a_resume_that_comes_late_opens_no_stop_of_the_next_owner(
    number: Number, anna: Contact, deliver: Deliver
) -> None:
    deliver(prefers(number, "stop", "DE.1", 1))
    write(deliver, number, "Hallo", "DE.2", **later(3))
    deliver(prefers(number, "stop", "DE.2", 4))

    deliver(prefers(number, "resume", "DE.1", 2))

    assert noes_at_the_number(number) == ["meta_stop"]
    agrees(anna)
    assert reason(anna) == ""


@pytest.mark.parametrize("minute", [2, 0])
def test_a_no_of_the_one_before_reaches_the_number_only_if_it_was_hers_then(
    number: Number, anna: Contact, deliver: Deliver, minute: int
) -> None:
    write(deliver, number, "Hallo", "DE.2", **later(1))

    deliver(wants(number, "stop", minute))

    assert noes_at_the_number(number) == (["meta_stop"] if minute == 0 else [])
    assert reason(anna) == "meta_stop"


def test_a_no_with_which_the_next_owner_appears_is_theirs_alone(
    number: Number, anna: Contact, deliver: Deliver
) -> None:
    write(deliver, number, "STOPP", "DE.2", **later(1))
    before = noes_at_the_number(number)

    agrees(anna)

    assert (reason(anna), reason(contact(number, bsuid="DE.2"))) == ("", "withdrawn")
    assert before == noes_at_the_number(number) != []


def test_a_new_yes_of_the_one_before_leaves_the_no_of_the_next_owner(
    number: Number, anna: Contact, deliver: Deliver
) -> None:
    deliver(said(number, "STOPP", "DE.1", **later(1)))
    write(deliver, number, "Hallo", "DE.2", **later(2))
    write(deliver, number, "STOPP", "DE.2", **later(3))
    before = noes_at_the_number(number)

    agrees(anna)

    assert (reason(anna), noes_at_the_number(number)) == ("", before)
    with tenant_scope(number.tenant):
        Contact.objects.filter(bsuid="DE.2").delete()
        assert reason(person(number.tenant, phone=PHONE)) == "suppressed"


def test_the_last_of_one_batch_has_the_number_also_if_it_was_theirs_before(
    number: Number, anna: Contact, deliver: Deliver
) -> None:
    deliver(said(number, "Hallo", "DE.2", **later(1)), said(number, "Hallo", "DE.1", **later(2)))

    assert (contact(number, phone=PHONE), contact(number, bsuid="DE.2").phone) == (anna, None)


def test_who_writes_for_the_first_time_and_moves_in_one_batch_is_reached_by_the_new_number(
    number: Number, deliver: Deliver
) -> None:
    first = meta.body(number, messages=[meta.text("Hallo", at=TODAY - timedelta(minutes=1))])

    deliver(meta.body(number, messages=[moved()]), first)

    assert phones(number) == ["+493023125099"]
    with tenant_scope(number.tenant):
        assert InboundMessage.objects.filter(type="system").count() == 1


def test_who_has_the_number_after_a_stranger_does_not_move_with_them(number: Number, deliver: Deliver) -> None:
    after = meta.body(number, messages=[meta.text("Hallo", at=TODAY + timedelta(minutes=1))])

    deliver(meta.body(number, messages=[moved()]), after)

    assert phones(number) == [PHONE]


def test_a_late_move_does_not_take_along_who_has_the_number_since(number: Number, deliver: Deliver) -> None:
    deliver(meta.body(number, messages=[meta.text("Hallo", at=TODAY + timedelta(minutes=1))]))

    deliver(meta.body(number, messages=[moved()]))

    assert phones(number) == [PHONE]


def test_who_hides_their_number_does_not_move_with_a_stranger_whose_number_they_have_now(
    number: Number, deliver: Deliver
) -> None:
    deliver(hidden(number, "Hallo", "DE.3"))
    after = meta.body(number, messages=[meta.text("Hallo", at=NOW + timedelta(minutes=2), from_user_id="DE.3")])

    deliver(meta.body(number, messages=[moved(timestamp=str(int((NOW + timedelta(minutes=1)).timestamp())))]), after)

    assert phones(number) == [PHONE]


def test_a_stopp_with_the_first_of_several_messages_is_the_next_owners_alone(
    number: Number, anna: Contact, deliver: Deliver
) -> None:
    deliver(said(number, "STOPP", "DE.2", **later(1)), said(number, "Hallo", "DE.2", **later(2)))
    before = noes_at_the_number(number)

    agrees(anna)

    assert reason(anna) == ""
    assert before == noes_at_the_number(number) != []


def test_a_resume_opens_no_later_stop_of_a_stranger_who_has_the_number_since(number: Number, deliver: Deliver) -> None:
    deliver(hidden(number, "Hallo", "DE.1"))
    deliver(meta.body(number, user_preferences=[meta.preference("stop", at=NOW + timedelta(minutes=3))]))

    deliver(prefers(number, "resume", "DE.1", 2))

    assert noes_at_the_number(number) == ["meta_stop"]


@pytest.mark.parametrize("words", ["STOPP", "STOP ALL"])
def test_a_no_reaches_every_contact_of_a_person_whose_user_id_was_renewed_since(
    number: Number, deliver: Deliver, words: str
) -> None:
    deliver(hidden(number, "Hallo", "DE.1"))
    with tenant_scope(number.tenant):
        typed = person(number.tenant, phone=PHONE)
    agrees(typed)
    write(deliver, number, "Hallo", "DE.1", **later(1))
    assert reason(typed) == ""
    renewed = meta.renewed(number, "DE.1", "DE.2", sender="", at=NOW + timedelta(minutes=2))
    deliver(renewed)

    message = meta.text(words, from_user_id="DE.2", **later(3))
    del message["from"]
    deliver(meta.body(number, messages=[message]))

    assert reason(typed) != ""


def test_a_no_that_one_contact_of_a_person_says_reaches_the_renewed_user_id_of_the_other(
    number: Number, deliver: Deliver
) -> None:
    deliver(hidden(number, "Hallo", "DE.1"))
    with tenant_scope(number.tenant):
        typed = person(number.tenant, phone=PHONE)
    write(deliver, number, "Hallo", "DE.1", **later(1))
    deliver(meta.renewed(number, "DE.1", "DE.2", sender="", at=NOW + timedelta(minutes=2)))
    agrees(contact(number, bsuid="DE.2"))

    with tenant_scope(number.tenant):
        stop(number.tenant, typed, occurred_at=timezone.now())

    assert reason(contact(number, bsuid="DE.2")) == "suppressed"


def test_a_no_holds_for_an_address_that_somebody_has_corrected(number: Number, anna: Contact, deliver: Deliver) -> None:
    with tenant_scope(number.tenant):
        for address in ("anna@example.com", "anna@example.org"):
            people.patch(contact=Contact.objects.get(), data=ContactData({"email": address}), by=None)

    write(deliver, number, "STOP ALL", "DE.1", at=timezone.now() + timedelta(seconds=5))

    with tenant_scope(number.tenant):
        again = person(number.tenant, email="anna@example.com")
        assert may_send(contact=again, channel="email", purpose="marketing").reason == "suppressed"


def test_a_no_does_not_reach_whose_address_somebody_had_by_mistake(
    number: Number, anna: Contact, deliver: Deliver
) -> None:
    with tenant_scope(number.tenant):
        for address in ("cleo@example.com", "anna@example.org"):
            people.patch(contact=Contact.objects.get(), data=ContactData({"email": address}), by=None)
        cleo = person(number.tenant, email="cleo@example.com")

    write(deliver, number, "STOP ALL", "DE.1", at=timezone.now() + timedelta(seconds=5))

    with tenant_scope(number.tenant):
        assert may_send(contact=cleo, channel="email", purpose="marketing").reason == "no_consent"


def test_a_yes_of_the_one_before_counts_although_the_next_owner_has_refused_since(
    number: Number, anna: Contact, deliver: Deliver
) -> None:
    deliver(said(number, "STOPP", "DE.1", **later(1)))
    write(deliver, number, "Hallo", "DE.2", **later(2))
    write(deliver, number, "STOPP", "DE.2", **later(4))

    with tenant_scope(number.tenant):
        agree(number.tenant, Contact.objects.get(pk=anna.pk), occurred_at=NOW + timedelta(minutes=3))

    assert reason(anna) == "expired"
    agrees(anna)
    assert reason(anna) == ""


def test_a_user_id_that_comes_with_a_known_number_is_that_contacts(number: Number, deliver: Deliver) -> None:
    deliver(hidden(number, "Hallo", "DE.1"))
    with tenant_scope(number.tenant):
        typed = person(number.tenant, phone=PHONE)

    deliver(meta.renewed(number, "DE.1", "DE.2", at=NOW + timedelta(minutes=2)))

    assert contact(number, bsuid="DE.2") == typed


@pytest.mark.parametrize("stops", [[4], [1, 4]])
def test_a_resume_that_comes_late_opens_no_later_stop_of_a_stranger_who_is_a_contact_by_now(
    number: Number, deliver: Deliver, stops: list[int]
) -> None:
    for minute in stops:
        deliver(meta.body(number, user_preferences=[meta.preference("stop", at=NOW + timedelta(minutes=minute))]))
    with tenant_scope(number.tenant):
        known = person(number.tenant, phone=PHONE)
    agrees(known)

    deliver(meta.body(number, user_preferences=[meta.preference("resume", at=NOW + timedelta(minutes=2))]))

    assert (reason(known), noes_at_the_number(number)) == ("suppressed", ["meta_stop"])


def test_an_older_no_that_comes_after_the_next_owners_holds_for_the_one_before(
    number: Number, anna: Contact, deliver: Deliver
) -> None:
    write(deliver, number, "Hallo", "DE.2", **later(2))
    deliver(prefers(number, "stop", "DE.2", 3))
    agrees(anna)
    assert reason(anna) == ""

    deliver(meta.body(number, user_preferences=[meta.preference("stop", at=NOW + timedelta(minutes=1))]))

    assert (reason(anna), noes_at_the_number(number)) == ("suppressed", ["meta_stop"])


def test_late_words_of_an_unknown_former_owner_leave_the_number_to_who_has_it_now(
    number: Number, anna: Contact, deliver: Deliver
) -> None:
    write(deliver, number, "Ja", "DE.1", **later(2))

    write(deliver, number, "Hallo", "DE.2", **later(1))

    assert (contact(number, phone=PHONE), contact(number, bsuid="DE.2").phone) == (anna, None)
    assert reason(anna) == ""


def test_a_late_move_does_not_take_along_who_has_moved_to_the_number_since(number: Number, deliver: Deliver) -> None:
    there = [meta.text("Hallo", sender="493023125042", at=TODAY - timedelta(minutes=9))]
    change = moved("493023125001", sender="493023125042") | {"id": "wamid.here"}
    deliver(meta.body(number, messages=there))
    deliver(meta.body(number, messages=[change]))

    before = str(int((TODAY - timedelta(minutes=5)).timestamp()))
    deliver(meta.body(number, messages=[moved(timestamp=before)]))

    assert phones(number) == [PHONE]
