"""What is delivered late, twice or in another order says nothing of whose a number is by now.

Anna said yes under DE.1; then WhatsApp gives her another user id, or Ben her number.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from consent.actions import people
from consent.models import ConsentEvent, ConsentHead, Suppression
from contacts.actions import ContactData
from contacts.models import Contact
from inbox.models import InboundMessage
from tenants.scope import tenant_scope
from tests.consent.factories import agree, person, stop
from tests.consent.imports import done
from tests.consent.test_imports_consent import PROVEN
from tests.inbox import meta
from tests.inbox.test_moves import moved
from tests.inbox.test_next_owners import NOW, PHONE, contact, reason, write
from tests.inbox.test_opt_outs import TODAY, may
from whatsapp.models import Number

Deliver = Callable[..., None]
BEFORE = TODAY - timedelta(hours=1)
MOVED = "+493023125099"
IMPORTED = PROVEN.replace("0151 23456780", "030 23125099")


@pytest.fixture
def anna(number: Number, anna: Contact, deliver: Deliver) -> Contact:
    with tenant_scope(number.tenant):
        Contact.objects.update(external_id="4711")
    write(deliver, number, "Hallo", "DE.1", wamid="wamid.hello")
    return anna


def said(number: Number, words: str, bsuid: str = "DE.1", **more: Any) -> bytes:
    return meta.body(number, messages=[meta.text(words, **{"at": NOW, "from_user_id": bsuid, **more})])


def hidden(number: Number, words: str, bsuid: str) -> bytes:
    message = meta.text(words, at=NOW, from_user_id=bsuid)
    del message["from"]
    return meta.body(number, messages=[message])


def prefers(number: Number, value: str, bsuid: str, minute: int) -> bytes:
    told = meta.preference(value, at=NOW + timedelta(minutes=minute), user_id=bsuid)
    return meta.body(number, user_preferences=[told])


def agrees(one: Contact) -> None:
    with tenant_scope(one.tenant_id):
        agree(one.tenant, Contact.objects.get(pk=one.pk), occurred_at=timezone.now())


@pytest.mark.parametrize("how", ["in the same batch", "later", "once more"])
def test_a_message_under_the_user_id_from_before_is_the_same_persons(
    number: Number, anna: Contact, deliver: Deliver, how: str
) -> None:
    renewed = meta.renewed(number, "DE.1", "DE.2", at=NOW + timedelta(minutes=1))
    late = said(number, "Danke", wamid="wamid.hello" if how == "once more" else "wamid.thanks")

    if how == "in the same batch":
        deliver(late, renewed)
    else:
        deliver(renewed)
        deliver(late)
    write(deliver, number, "Bis bald", "DE.2", at=NOW + timedelta(minutes=2))

    with tenant_scope(number.tenant):
        assert list(Contact.objects.values_list("pk", "phone", "bsuid")) == [(anna.pk, PHONE, "DE.2")]
        messages = InboundMessage.objects.filter(conversation__contact=anna)
        assert messages.count() == (2 if how == "once more" else 3)
    assert reason(anna) == ""


def test_a_stop_under_the_user_id_from_before_is_the_same_persons(
    number: Number, anna: Contact, deliver: Deliver
) -> None:
    deliver(meta.renewed(number, "DE.1", "DE.2", at=NOW + timedelta(minutes=1)))

    deliver(prefers(number, "stop", "DE.1", 0))

    assert reason(anna) == "meta_stop"
    with tenant_scope(number.tenant):
        assert ConsentEvent.objects.get(state="meta_stopped").subject_id == anna.subject_id


def test_a_change_told_once_more_does_not_lead_back(number: Number, anna: Contact, deliver: Deliver) -> None:
    first = meta.renewed(number, "DE.1", "DE.2", at=NOW)
    # In one batch and in the wrong order.
    deliver(meta.renewed(number, "DE.2", "DE.3", at=NOW + timedelta(minutes=1)), first)

    deliver(first)

    assert contact(number, phone=PHONE).bsuid == "DE.3"
    assert reason(anna) == ""


@pytest.mark.parametrize("how", ["late", "once more"])
def test_an_old_message_of_the_one_before_does_not_take_the_number_back(
    number: Number, anna: Contact, deliver: Deliver, how: str
) -> None:
    write(deliver, number, "Hallo", "DE.2", at=NOW + timedelta(minutes=1))
    ben = contact(number, phone=PHONE)
    agrees(ben)

    write(deliver, number, "Danke", "DE.1", wamid="wamid.hello" if how == "once more" else "wamid.thanks")

    assert (contact(number, phone=PHONE), reason(ben)) == (ben, "")
    with tenant_scope(number.tenant):
        own = InboundMessage.objects.filter(conversation__contact=anna)
        assert own.count() == (1 if how == "once more" else 2)
        assert Contact.objects.count() == 2


def test_what_the_next_owner_writes_before_and_after_in_one_batch_is_told_apart_by_its_time(
    number: Number, deliver: Deliver
) -> None:
    deliver(said(number, "Hallo", "DE.1", at=NOW + timedelta(minutes=1)), said(number, "Hallo", "DE.2"))

    assert contact(number, phone=PHONE).bsuid == "DE.1"


def test_who_gets_their_number_back_has_it(number: Number, anna: Contact, deliver: Deliver) -> None:
    write(deliver, number, "Hallo", "DE.2")

    write(deliver, number, "Ich bin es wieder", "DE.1", at=timezone.now() + timedelta(seconds=2))

    assert contact(number, phone=PHONE) == anna


@pytest.mark.parametrize("is_resumed", [False, True])
def test_a_stop_of_the_next_owner_from_before_they_wrote_does_not_keep_the_one_before_out(
    number: Number, anna: Contact, deliver: Deliver, is_resumed: bool
) -> None:
    with tenant_scope(number.tenant):
        people.patch(contact=Contact.objects.get(), data=ContactData({"email": "anna@example.com"}), by=None)
    deliver(prefers(number, "stop", "DE.2", 1))
    assert reason(anna) == "suppressed"

    write(deliver, number, "Hallo", "DE.2", at=NOW + timedelta(minutes=2))
    if is_resumed:
        deliver(prefers(number, "resume", "DE.2", 3))

    agrees(anna)
    agrees(contact(number, bsuid="DE.2"))
    assert (reason(anna), reason(contact(number, bsuid="DE.2"))) == ("", "" if is_resumed else "suppressed")


def test_a_stop_of_the_one_before_stays_hers_whatever_the_next_owner_decides(
    number: Number, anna: Contact, deliver: Deliver
) -> None:
    deliver(prefers(number, "stop", "DE.1", 1))
    deliver(prefers(number, "stop", "DE.2", 2))
    write(deliver, number, "Hallo", "DE.2", at=NOW + timedelta(minutes=3))
    deliver(prefers(number, "resume", "DE.2", 4))

    agrees(anna)

    assert reason(anna) == "meta_stop"


def test_a_no_that_goes_on_without_the_number_does_not_reach_who_shares_the_address(
    number: Number, deliver: Deliver
) -> None:
    with tenant_scope(number.tenant):
        stop(number.tenant, phone=PHONE)
        cleo = person(number.tenant, email="familie@example.com")
        person(number.tenant, phone=PHONE, email="familie@example.com")
    write(deliver, number, "Hallo", "DE.1")

    write(deliver, number, "Hallo", "DE.2")

    assert (reason(cleo), reason(contact(number, bsuid="DE.1"))) == ("no_consent", "suppressed")
    with tenant_scope(number.tenant):
        assert set(Suppression.objects.values_list("kind", flat=True)) == {"phone", "bsuid"}


@pytest.mark.parametrize(
    "refused",
    [{"messages": [meta.text("STOPP", at=BEFORE)]}, {"user_preferences": [meta.preference("stop", at=BEFORE)]}],
)
def test_what_a_stranger_refuses_moves_along_also_where_both_come_in_one_batch(
    number: Number, deliver: Deliver, refused: dict[str, Any]
) -> None:
    deliver(meta.body(number, messages=[moved()]), meta.body(number, **refused))

    assert done(number.tenant, IMPORTED).consent_counts == {"skipped_suppressed": 1}
    assert not may(number.tenant, MOVED)


def test_the_move_of_somebody_of_whom_there_is_nothing_keeps_no_writer_waiting(
    number: Number, deliver: Deliver
) -> None:
    deliver(meta.body(number, messages=[moved()]))

    # The row that every writer of the ledger waits for is made on first use.
    with tenant_scope(number.tenant):
        assert not ConsentHead.objects.exists()


def test_an_import_that_gives_a_new_number_brings_a_lost_contact_back(
    number: Number, anna: Contact, deliver: Deliver
) -> None:
    with tenant_scope(number.tenant):
        Contact.objects.update(bsuid=None, undelivered=3, unreachable_since=NOW)
        person(number.tenant, phone=MOVED)
    deliver(meta.body(number, messages=[moved()]))
    write(deliver, number, "Hallo", "DE.2")
    assert contact(number, external_id="4711").phone is None

    done(number.tenant, "Kundennummer;Handy\n4711;030 23125077\n")

    back = contact(number, external_id="4711")
    assert (back.phone, back.not_reached_since, back.undelivered) == ("+493023125077", None, 0)
    deliver(said(number, "Hallo", "DE.7", sender="493023125077"))
    assert contact(number, bsuid="DE.7") == anna
    assert reason(anna) == "expired"


def test_who_had_no_number_loses_none_by_a_move(number: Number, deliver: Deliver) -> None:
    deliver(hidden(number, "Hallo", "DE.1"))
    anna = contact(number, bsuid="DE.1")
    agrees(anna)
    with tenant_scope(number.tenant):
        person(number.tenant, phone=MOVED)
    moves = moved(from_user_id="DE.1")
    del moves["from"]

    deliver(meta.body(number, messages=[moves]))
    deliver(meta.body(number, messages=[moves | {"id": "wamid.again"}]))

    assert contact(number, pk=anna.pk).phone_invalid_at is None
    assert reason(anna) == "expired"
    with tenant_scope(number.tenant):
        ended = ConsentEvent.objects.filter(subject_id=anna.subject_id, state="moved", source="system")
        assert sorted(ended.values_list("channel", flat=True)) == ["sms", "whatsapp"]


@pytest.mark.parametrize("typed", [None, "+493023125044"])
def test_a_no_outlives_the_contact_also_for_a_number_that_was_shown_after_it(
    number: Number, deliver: Deliver, typed: str | None
) -> None:
    deliver(hidden(number, "STOPP", "DE.1"))
    anna = contact(number, bsuid="DE.1")
    with tenant_scope(number.tenant):
        cleo = person(number.tenant, email="familie@example.com")
        people.patch(contact=anna, data=ContactData({"phone": typed}), by=None)
        people.patch(contact=anna, data=ContactData({"email": "familie@example.com"}), by=None)
    deliver(said(number, "Das ist meine Nummer", sender=MOVED.removeprefix("+")))

    with tenant_scope(number.tenant):
        people.delete(contact=Contact.objects.get(bsuid="DE.1"), by=None)

    assert done(number.tenant, IMPORTED).consent_counts == {"skipped_suppressed": 1}
    assert not may(number.tenant, MOVED)
    assert reason(cleo) == "no_consent"
