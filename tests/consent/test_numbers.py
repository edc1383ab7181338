"""A number edited by hand: the history stays, a no goes on, a yes ends, whichever door the new number comes through."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from consent.actions import declarations, people
from consent.models import ConsentEvent
from consent.queries import history, may_send
from contacts.actions import ContactData
from contacts.importing import upserting
from contacts.models import Contact
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.consent.factories import NOON, NUMBER, PHONE, agree, person, stop
from tests.consent.imports import done, started, worked
from tests.contacts.calls import Caller

OTHER, BSUID = "+493023125999", "DE.13491208655302741918"
Edit = Callable[[Caller, Contact], Any]


def patched(alice: Caller, contact: Contact) -> Any:
    return alice.patch(f"contacts/{contact.uid}/", {"phone": OTHER})


def put_by_external_id(alice: Caller, contact: Contact) -> Any:
    return alice.post("contacts/", {"external_id": "4711", "phone": OTHER})


def put_by_bsuid(alice: Caller, contact: Contact) -> Any:
    return alice.post("contacts/", {"bsuid": BSUID, "phone": OTHER})


def put_in_bulk(alice: Caller, contact: Contact) -> Any:
    return alice.post("contacts/bulk/", {"contacts": [{"external_id": "4711", "phone": OTHER}]})


EDITS = pytest.mark.parametrize("edit", [patched, put_by_external_id, put_by_bsuid, put_in_bulk])


@pytest.fixture
def ada(bakery: Tenant) -> Contact:
    with tenant_scope(bakery):
        return person(bakery, phone=PHONE, bsuid=BSUID, email="ada@example.com", external_id="4711")


@pytest.fixture
def carla(bakery: Tenant) -> Contact:
    """Who signed up in WhatsApp without showing her number."""
    with tenant_scope(bakery):
        contact = person(bakery, bsuid=BSUID, external_id="4711")
        agree(bakery, contact)
    return contact


def reason(contact: Contact, channel: str = "whatsapp", purpose: str = "marketing") -> str:
    with tenant_scope(contact.tenant_id):
        contact = Contact.objects.get(pk=contact.pk)
        return may_send(contact=contact, channel=channel, purpose=purpose).reason


@EDITS
def test_a_yes_ends_for_the_number_and_stays_for_the_address(
    edit: Edit, alice: Caller, ada: Contact, bakery: Tenant
) -> None:
    with tenant_scope(bakery):
        pairs = [(channel, "marketing") for channel in ("whatsapp", "sms", "email")]
        agree(bakery, ada, pairs=pairs)

    assert edit(alice, ada).status_code == 200

    assert [reason(ada, channel) for channel, _ in pairs] == ["expired", "expired", ""]
    with tenant_scope(bakery):
        after = Contact.objects.get()
        assert (after.phone, after.subject_id) == (OTHER, ada.subject_id)
        rows = history(after).values_list("state", "channel", "purpose", "authority", "source", "actor_type")
        assert list(rows)[:2] == [
            ("moved", "sms", "all", 1, "api", "api_key"),
            ("moved", "whatsapp", "all", 1, "api", "api_key"),
        ]
        assert rows.count() == 5


@EDITS
def test_a_no_keeps_its_name_and_holds_for_the_new_number_also_after_a_deletion(
    edit: Edit, alice: Caller, ada: Contact, bakery: Tenant
) -> None:
    with tenant_scope(bakery):
        agree(bakery, ada)
        stop(bakery, ada)

    edit(alice, ada)

    assert reason(ada) == "withdrawn"
    with tenant_scope(bakery):
        Contact.objects.all().delete()
        assert reason(person(bakery, phone=OTHER)) == "suppressed"


@EDITS
def test_a_stop_in_whatsapp_goes_on_for_the_new_number(edit: Edit, alice: Caller, ada: Contact, bakery: Tenant) -> None:
    with tenant_scope(bakery):
        agree(bakery, ada)
        declarations.meta_stopped(tenant=bakery, contact=ada, phone_number_id=NUMBER, occurred_at=NOON, dedupe="stop")

    edit(alice, ada)

    assert reason(ada) == "meta_stop"


def test_a_new_yes_of_the_person_counts_for_the_new_number(alice: Caller, ada: Contact, bakery: Tenant) -> None:
    with tenant_scope(bakery):
        agree(bakery, ada)
    patched(alice, ada)

    with tenant_scope(bakery):
        agree(bakery, Contact.objects.get(), occurred_at=None)

    assert reason(ada) == ""


def test_a_number_taken_away_does_not_bring_its_consent_back_with_the_next_one(
    alice: Caller, ada: Contact, bakery: Tenant
) -> None:
    with tenant_scope(bakery):
        agree(bakery, ada)

    for number in (None, OTHER):
        assert alice.patch(f"contacts/{ada.uid}/", {"phone": number}).status_code == 200

    assert reason(ada) == "expired"


@EDITS
def test_a_yes_of_who_had_only_a_user_id_ends_with_a_number_that_is_typed(
    edit: Edit, alice: Caller, carla: Contact, bakery: Tenant
) -> None:
    assert edit(alice, carla).status_code == 200

    with tenant_scope(bakery):
        assert Contact.objects.get().phone == OTHER
    assert reason(carla) == "expired"


@EDITS
def test_a_no_of_who_had_only_a_user_id_holds_for_the_number_too(
    edit: Edit, alice: Caller, carla: Contact, bakery: Tenant
) -> None:
    with tenant_scope(bakery):
        stop(bakery, carla)

    edit(alice, carla)

    assert reason(carla) == "withdrawn"
    with tenant_scope(bakery):
        Contact.objects.all().delete()
        assert reason(person(bakery, phone=OTHER)) == "suppressed"


def test_an_import_gives_no_number_to_who_had_only_a_user_id(bakery: Tenant, carla: Contact) -> None:
    imported = done(bakery, "Kundennummer;Handy;Vorname\n4711;030 23125001;Carla\n")

    assert imported.reasons == {"identity_changed": 1}
    with tenant_scope(bakery):
        assert Contact.objects.get().phone is None
    assert reason(carla) == ""


def test_an_import_gives_a_number_to_who_had_nothing_that_messages_go_to(bakery: Tenant) -> None:
    done(bakery, "Kundennummer\n4711\n")

    assert done(bakery, "Kundennummer;Handy\n4711;030 23125001\n").updated == 1


def test_the_same_number_again_changes_nothing(alice: Caller, ada: Contact, bakery: Tenant) -> None:
    with tenant_scope(bakery):
        agree(bakery, ada)

    alice.patch(f"contacts/{ada.uid}/", {"phone": "030 23125-001", "first_name": "Ada"})

    assert reason(ada) == ""


def test_a_refused_edit_leaves_the_ledger_alone(alice: Caller, ada: Contact, bakery: Tenant) -> None:
    with tenant_scope(bakery):
        agree(bakery, ada)
        person(bakery, phone=OTHER)

    assert patched(alice, ada).status_code == 400

    assert reason(ada) == ""


def test_many_numbers_cost_no_statement_each(bakery: Tenant) -> None:
    def renumber(count: int, area: int) -> int:
        rows = [ContactData({"external_id": str(at), "phone": f"+49{area}23{at:06}"}) for at in range(count)]
        with tenant_scope(bakery), CaptureQueriesContext(connection) as captured:
            people.upsert(tenant=bakery, rows=rows, by=None)
        return len(captured)

    renumber(300, 30)
    few, many = renumber(10, 40), renumber(300, 89)

    assert many <= few
    with tenant_scope(bakery):
        assert ConsentEvent.objects.filter(state="moved").count() == 2 * 310


def test_staff_cannot_change_a_number_in_the_admin(staff: Client, ada: Contact, bakery: Tenant) -> None:
    form = {"first_name": "Augusta", "last_name": "", "language": "", "country": "", "postcode": "", "birthday": ""}

    answer = staff.post(reverse("admin:contacts_contact_change", args=[ada.pk]), {**form, "phone": OTHER})

    assert answer.status_code == 302
    with tenant_scope(bakery):
        assert Contact.objects.get().phone == PHONE
        assert Contact.objects.get().first_name == "Augusta"


@pytest.mark.django_db(transaction=True)
def test_an_import_never_replaces_a_number_also_one_that_was_entered_while_it_ran(bakery: Tenant) -> None:
    done(bakery, "Kundennummer\n4711\n")
    imported = started(bakery, "Kundennummer;Handy\n4711;030 23125001\n")
    somebody = connection.copy()
    entered: list[str] = []

    def entering(run: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        # Between the import's look at the contact and its lock.
        if sql == upserting.LOCK and not entered:
            entered.append(OTHER)
            with somebody.cursor() as cursor:
                cursor.execute("SELECT set_config('app.across', 'on', false)")
                cursor.execute("UPDATE contacts_contact SET phone = %s", [OTHER])
        return run(sql, params, many, context)

    with connection.execute_wrapper(entering):
        after = worked(imported)
    somebody.close()

    assert (entered, after.reasons) == ([OTHER], {"identity_changed": 1})
    with tenant_scope(bakery):
        assert Contact.objects.get().phone == OTHER
