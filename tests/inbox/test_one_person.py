"""What is known of a person by one of their contacts counts for the others, and for nobody who has their number next.

Ada is a contact by her user id, who wrote without showing her number, and another by her number, from the shop.
"""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from consent.actions import declarations, people
from consent.ledger.subjects import same_person
from contacts import identities
from contacts.actions import ContactData
from contacts.models import Contact, Identity
from tenants.scope import tenant_scope
from tests.consent import factories
from tests.consent.factories import person, published
from tests.consent.imports import done
from tests.consent.test_imports_consent import PROVEN
from tests.inbox import meta
from tests.inbox.test_late_words import agrees
from tests.inbox.test_merges import pair, reasons
from tests.inbox.test_moves import moved
from tests.inbox.test_next_owners import NOW, PHONE, contact, reason, write
from whatsapp.models import Number

Deliver = Callable[..., None]
Pair = tuple[Contact, Contact]
__all__ = ["pair"]


def refuses(one: Contact) -> None:
    """They tap "Nein" under a question."""
    with tenant_scope(one.tenant_id):
        wording = published(one.tenant)
        asked = factories.entry(one.subject_id, state="requested")
        [row] = factories.ledger.append(one.tenant, [asked])
        declarations.refuse(
            tenant=one.tenant,
            contact=one,
            dedupe="nein",
            source="wa_button",
            pairs=[("whatsapp", "marketing")],
            occurred_at=timezone.now(),
            wording=wording,
            doi_request_seq=row.seq or 0,
        )


def is_shown(number: Number, deliver: Deliver, bsuid: str = "DE.1") -> None:
    """A message with both, number and user id."""
    write(deliver, number, "Hallo", bsuid)


@pytest.mark.parametrize("between", ["nothing", "edited", "renewed"])
def test_the_next_owner_of_a_number_gets_nothing_that_was_meant_for_the_one_person_before(
    number: Number, pair: Pair, deliver: Deliver, between: str
) -> None:
    by_id, by_phone = pair
    is_shown(number, deliver)
    if between == "edited":
        with tenant_scope(number.tenant):
            people.patch(contact=by_phone, data=ContactData({"email": "ada@example.com"}), by=None)
    elif between == "renewed":
        deliver(meta.renewed(number, "DE.1", "DE.2", sender="", at=NOW + timedelta(minutes=1)))

    write(deliver, number, "Hallo", "DE.9", at=NOW + timedelta(minutes=2))

    ben = contact(number, bsuid="DE.9")
    assert (ben.phone, contact(number, pk=by_phone.pk).phone) == (PHONE, None)
    assert [reason(one) for one in (by_id, by_phone, ben)] == ["", "expired", "no_consent"]


@pytest.mark.parametrize("how", ["renewed", "moved"])
def test_who_has_another_user_id_is_still_the_one_who_has_the_number(
    number: Number, pair: Pair, deliver: Deliver, how: str
) -> None:
    by_id, by_phone = pair
    is_shown(number, deliver)
    if how == "renewed":
        deliver(meta.renewed(number, "DE.1", "DE.2", sender="", at=NOW + timedelta(minutes=1)))
    else:
        with tenant_scope(number.tenant):
            Contact.objects.filter(pk=by_id.pk).update(phone="+493023125042")
        change = moved("493023125001", sender="493023125042", from_user_id="DE.1")
        deliver(meta.body(number, messages=[change]))

    write(deliver, number, "Hallo", "DE.2", at=timezone.now())

    with tenant_scope(number.tenant):
        assert Contact.objects.count() == 2
    assert contact(number, phone=PHONE) == by_phone


def test_a_number_that_somebody_has_typed_ends_with_the_one_that_whatsapp_shows(
    number: Number, pair: Pair, deliver: Deliver
) -> None:
    by_id, by_phone = pair
    with tenant_scope(number.tenant):
        Contact.objects.filter(pk=by_id.pk).update(phone="+493023125042")
        identities.record(number.tenant, [Contact.objects.get(pk=by_id.pk)])

    is_shown(number, deliver)

    assert (contact(number, pk=by_id.pk).phone, contact(number, phone=PHONE)) == (None, by_phone)
    assert [reason(one) for one in pair] == ["", ""]
    with tenant_scope(number.tenant):
        typed = Identity.objects.filter(digest=identities.digest(number.tenant, "phone", "+493023125042"))
        assert [one.valid_to is None for one in typed] == [False, False]


def test_an_imported_opt_out_reaches_the_renewed_user_id_of_the_same_person(
    number: Number, pair: Pair, deliver: Deliver
) -> None:
    is_shown(number, deliver)
    deliver(meta.renewed(number, "DE.1", "DE.2", sender="", at=NOW + timedelta(minutes=1)))
    agrees(contact(number, bsuid="DE.2"))

    done(number.tenant, f"Handy;Abgemeldet\n{PHONE};ja\n")

    assert reasons(number.tenant, *pair) == ["suppressed", "withdrawn"]


@pytest.mark.parametrize("which", [0, 1])
def test_a_refused_question_of_either_contact_holds_for_both(number: Number, deliver: Deliver, which: int) -> None:
    with tenant_scope(number.tenant):
        both = person(number.tenant, bsuid="DE.1"), person(number.tenant, phone=PHONE)
    agrees(both[1 - which])
    refuses(both[which])

    is_shown(number, deliver)

    assert reasons(number.tenant, *both) == ["withdrawn", "withdrawn"]


def test_a_refused_question_outlives_the_contact(number: Number) -> None:
    with tenant_scope(number.tenant):
        ada = person(number.tenant, phone="+4915123456780")
    refuses(ada)
    with tenant_scope(number.tenant):
        people.delete(contact=ada, by=None)

    imported = done(number.tenant, PROVEN)

    assert imported.consent_counts == {"skipped_suppressed": 1}
    assert reason(contact(number)) == "suppressed"


def test_a_no_finds_the_person_also_through_a_contact_that_is_deleted(
    number: Number, pair: Pair, deliver: Deliver
) -> None:
    by_id, by_phone = pair
    with tenant_scope(number.tenant):
        third = person(number.tenant, phone="+493023125042")
        declarations.merged(tenant=number.tenant, kept=third, gone=by_phone)
    agrees(third)
    is_shown(number, deliver)
    with tenant_scope(number.tenant):
        people.delete(contact=by_phone, by=None)

    write(deliver, number, "STOPP", "DE.1", sender="493023125001", at=timezone.now())

    assert reasons(number.tenant, by_id, third) == ["withdrawn", "suppressed"]


def test_who_only_shares_an_address_is_nobody_who_has_to_be_asked(number: Number, pair: Pair, deliver: Deliver) -> None:
    by_id, by_phone = pair
    with tenant_scope(number.tenant):
        for one in (by_phone, *(person(number.tenant) for _one in range(3))):
            one.email = "kasse@example.com"
            one.save()
            identities.record(number.tenant, [one])
    is_shown(number, deliver)

    with tenant_scope(number.tenant):
        assert same_person(by_id) == [by_id, by_phone]
        assert same_person(by_phone) == [by_phone, by_id]


@pytest.mark.parametrize("how", ["in WhatsApp", "by an agent"])
def test_a_no_that_goes_on_to_a_new_number_does_not_reach_who_shares_the_address(
    number: Number, deliver: Deliver, how: str
) -> None:
    deliver(meta.body(number, user_preferences=[meta.preference("stop", at=NOW)]))
    with tenant_scope(number.tenant):
        ada = person(number.tenant, phone=PHONE, email="familie@example.com")
        cleo = person(number.tenant, email="familie@example.com", phone="+493023125042")
    agrees(cleo)

    if how == "in WhatsApp":
        deliver(meta.body(number, messages=[moved()]))
    else:
        with tenant_scope(number.tenant):
            people.patch(contact=ada, data=ContactData({"phone": "+493023125099"}), by=None)

    assert contact(number, pk=ada.pk).phone == "+493023125099"
    assert [reason(one) for one in (ada, cleo)] == ["suppressed", ""]
