"""A contact that the company deletes is forgotten as in an erasure; what is left is found by who gives the number."""

from datetime import date
from importlib import import_module
from threading import Thread

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from consent import importing
from consent.actions import declarations
from consent.actions import people as actions
from consent.models import ConsentEvent, ConsentEvidence, DataRequest, Suppression
from consent.queries import may_send
from consent.rights import keeping
from contacts.models import Contact
from inbox.models import WebhookEvent
from messaging.models import Click, Message
from tenants.actions import NewTenant
from tenants.models import Tenant
from tenants.scope import across_tenants, tenant_scope
from tests.consent.factories import agree, person
from tests.consent.imports import done, started
from tests.consent.rights import traces
from tests.consent.rights.traces import (
    CUSTOMER,
    EMAIL,
    OTHER,
    PHONE,
    deleted,
    erased_by_number,
    found,
    received,
    worked,
)
from tests.consent.views.pages import shown
from tests.contacts.calls import Caller

pytestmark = pytest.mark.usefixtures("as_runtime")

People = tuple[Contact, Contact]
PROOF = {"proof": "a card at the counter"}
# These go by themselves when their days are over.
SHORT_LIVED = {"file .csv", "file .zip", "table contacts_rejectedrow"}


def answered(alice: Caller) -> None:
    """What she had asked for before is over."""
    [asked] = alice.get("data-requests/").json()["results"]
    assert alice.post(f"data-requests/{asked['uid']}/close/", {"answer": "Handed over."}).status_code == 200


def test_cg_43_a_deleted_contact_is_named_by_nothing_but_files_and_raw_webhooks(
    alice: Caller, bakery: Tenant, people: People
) -> None:
    answered(alice)
    with tenant_scope(bakery):
        counted, requests = Message.objects.count(), DataRequest.objects.count()
        agree(bakery, people[0], pairs=[("email", "marketing")], evidence=PROOF)

    deleted(alice, people[0])

    left = found() + found((EMAIL, CUSTOMER))
    assert {place for place in left if "inbox_webhookevent" not in place} <= SHORT_LIVED
    call_command("verify_kpis")
    call_command("verify_ledger")
    with tenant_scope(bakery):
        assert Message.objects.count() == counted
        assert not Message.objects.filter(contact=people[0].pk).exists()
        assert list(Click.objects.values_list("contact", flat=True)).count(people[1].pk) == 1
        # It is nobody's wish: no request ends or begins, and nobody is blocked by it.
        assert DataRequest.objects.count() == requests
        assert not ConsentEvent.objects.filter(state="erased").exists()
        assert not Suppression.objects.exists()
    assert received(bakery) == ["Greetings from Berta"]


def test_cg_43_proofs_of_a_deleted_contact_end_as_after_an_erasure_also_those_of_a_yes_to_e_mail(
    alice: Caller, bakery: Tenant, people: People
) -> None:
    answered(alice)
    with tenant_scope(bakery):
        agree(bakery, people[0], pairs=[("email", "marketing")], evidence=PROOF)
        theirs = ConsentEvent.objects.filter(subject_id=people[0].subject_id).values("event_id")
        proofs = ConsentEvidence.objects.filter(event_id__in=list(theirs.values_list("event_id", flat=True)))
        assert proofs.filter(kept_until=None).count() == proofs.count() > 0

    deleted(alice, people[0])

    with tenant_scope(bakery):
        assert set(proofs.values_list("kept_until", flat=True)) == {date(timezone.now().year + 3, 12, 31)}
        # Berta's are in use.
        assert ConsentEvidence.objects.filter(kept_until=None).exists()


def test_what_proves_a_yes_of_somebody_who_was_merged_stays_while_they_do(alice: Caller, bakery: Tenant) -> None:
    with tenant_scope(bakery):
        anna, berta = person(bakery, phone=f"+{PHONE}"), person(bakery, phone=f"+{OTHER}")
        agree(bakery, anna, evidence=PROOF)
        agree(bakery, berta, evidence=PROOF)
        declarations.merged(tenant=bakery, kept=anna, gone=berta)

    deleted(alice, anna)

    with tenant_scope(bakery):
        hers = ConsentEvent.objects.filter(subject_id=berta.subject_id).values("event_id")
        proofs = ConsentEvidence.objects.filter(event_id__in=hers)
        assert set(proofs.values_list("kept_until", flat=True)) == {None}
        assert ConsentEvidence.objects.exclude(kept_until=None).exists()


def test_proofs_of_contacts_that_were_deleted_before_get_their_end_and_none_that_is_owed_goes(
    alice: Caller, bakery: Tenant
) -> None:
    migration = import_module("consent.migrations.0054_proofs_left_over")
    with tenant_scope(bakery):
        anna, berta, carla = (person(bakery, phone=f"+{phone}") for phone in (PHONE, OTHER, "4915211112222"))
    # From a list of 2021; what was sent since names nobody any more.
    old = traces.YES | {"occurred_at": "2021-03-01T12:00:00Z"}
    for one in (anna, berta, carla):
        assert alice.post(f"contacts/{one.uid}/consents/", old).status_code == 201
    with tenant_scope(bakery):
        # Carla was merged into Berta, who stays.
        declarations.merged(tenant=bakery, kept=berta, gone=carla)
        [hers] = ConsentEvent.objects.filter(subject_id=anna.subject_id).values_list("event_id", flat=True)
        Contact.objects.filter(pk__in=[anna.pk, carla.pk]).delete()

    migration.lock_away(apps, connection.schema_editor())
    keeping.keep(bakery)

    with tenant_scope(bakery):
        kept = dict(ConsentEvidence.objects.values_list("event_id", "kept_until"))
        assert kept.pop(hers) == date(timezone.now().year + 3, 12, 31)
        assert list(kept.values()) == [None, None]


def test_cg_43_who_asks_for_an_erasure_after_the_deletion_is_found_by_number_in_files_and_raw_webhooks(
    alice: Caller, bakery: Tenant, people: People
) -> None:
    answered(alice)
    deleted(alice, people[0])

    request = erased_by_number(alice, bakery, phone=f"+{PHONE}", email=EMAIL)

    assert (request.state, request.error) == ("carried_out", "")
    assert request.found == {"webhooks": 3, "exports": 1, "sign_ups": 0, "files": 1, "lines": 0, "answers": 0}
    assert alice.get(f"data-requests/{request.uid}/").json()["found"]["files"] == 1
    # What she gave to be found stands there until she is answered.
    alice.post(f"data-requests/{request.uid}/close/", {"answer": "Deleted."})
    assert found((PHONE, EMAIL)) == []
    # One that names her by customer number alone nobody can tell to be hers; it goes after its 30 days.
    assert set(found((CUSTOMER,))) == {"file .csv"}
    # Berta stands beside her and loses nothing.
    with across_tenants("this test"):
        bodies = [bytes(body) for body in WebhookEvent.objects.values_list("body", flat=True)]
    assert sum(OTHER.encode() in body for body in bodies) == 2


def test_cg_43_who_stands_in_a_rejected_line_only_is_found_and_the_page_says_what_was_deleted(
    alice: Caller, bakery: Tenant, bakery_made: NewTenant, client: Client
) -> None:
    done(bakery, f"Handy;Kundennummer\n+{OTHER};K-1\n")
    done(bakery, f"Handy;Kundennummer;Vorname\n+{PHONE};K-1;Zitronella\n")
    # In the midst of a remark.
    done(bakery, f"Handy;Vorname\n+{OTHER};ruft an: 01521 / 2345678 abends\n")
    with tenant_scope(bakery):
        assert [contact.phone for contact in Contact.objects.all()] == [f"+{OTHER}"]
    assert "table contacts_rejectedrow" in found()

    request = erased_by_number(alice, bakery, phone=f"+{PHONE}")

    client.force_login(bakery_made.owner)
    client.cookies["django_language"] = "en"
    page = shown(client, f"/bakery/data-requests/{request.uid}/")
    assert "This named them and was deleted:" in page
    assert "Uploaded files, with what was kept of their lines: 2" in page
    alice.post(f"data-requests/{request.uid}/close/", {"answer": "Deleted."})
    assert found() == []
    assert found((OTHER,)) != []


def test_where_nothing_names_them_the_page_says_so_after_it_was_looked_for_and_not_before(
    alice: Caller, bakery: Tenant, bakery_made: NewTenant, client: Client
) -> None:
    client.force_login(bakery_made.owner)
    client.cookies["django_language"] = "en"
    asked = alice.post("data-requests/", {"kind": "erasure", "email": EMAIL}).json()

    before = shown(client, f"/bakery/data-requests/{asked['uid']}/")
    alice.post(f"data-requests/{asked['uid']}/run/")
    during = shown(client, f"/bakery/data-requests/{asked['uid']}/")
    worked(bakery, asked["uid"])
    after = shown(client, f"/bakery/data-requests/{asked['uid']}/")

    assert "nothing was found" not in before + during
    assert "are being searched for the person" in during
    assert "were searched for it in the usual spellings, and nothing was found" in after


def test_a_stranger_whom_an_import_makes_a_contact_meanwhile_is_not_erased_unchecked(
    alice: Caller, bakery: Tenant
) -> None:
    waiting = started(bakery, f"Handy\n+{PHONE}\n")
    asked = alice.post("data-requests/", {"kind": "erasure", "phone": f"+{PHONE}"}).json()
    alice.post(f"data-requests/{asked['uid']}/run/")
    held = worked(bakery, asked["uid"])
    assert (held.state, "import" in held.error.lower()) == ("working", True)

    importing.run(bakery.pk, waiting.pk)
    with tenant_scope(bakery):
        DataRequest.objects.update(leased_until=None)
    after = worked(bakery, asked["uid"])

    with tenant_scope(bakery):
        anna = Contact.objects.get()
    assert (after.state, after.contact_id, after.named) == ("open", anna.pk, {})
    assert alice.post(f"data-requests/{asked['uid']}/run/").status_code == 409


def test_cg_22_a_no_outlives_the_deletion_of_its_contact(alice: Caller, bakery: Tenant) -> None:
    with tenant_scope(bakery):
        anna = person(bakery, phone=f"+{PHONE}", email=EMAIL)
        agree(bakery, anna)
    no = {"state": "withdrawn", "occurred_at": timezone.now().isoformat(), "source": "at the counter"}
    assert alice.post(f"contacts/{anna.uid}/consents/", no).status_code == 201

    deleted(alice, anna)

    with tenant_scope(bakery):
        again = person(bakery, phone=f"+{PHONE}")
        assert may_send(contact=again, channel="whatsapp", purpose="marketing").reason == "suppressed"


def test_whoever_has_asked_about_their_data_is_not_deleted_before_the_answer(
    alice: Caller, staff: Client, bakery: Tenant
) -> None:
    with tenant_scope(bakery):
        anna = person(bakery, phone=f"+{PHONE}")
    asked = alice.post("data-requests/", {"contact": str(anna.uid), "kind": "access"}).json()

    refused = alice.delete(f"contacts/{anna.uid}/")

    assert refused.status_code == 409
    assert "has asked about their data" in refused.json()["detail"]
    assert staff.post(reverse("admin:contacts_contact_delete", args=[anna.pk]), {"post": "yes"}).status_code == 403
    alice.post(f"data-requests/{asked['uid']}/close/", {"answer": "No: twice a day is enough.", "refused": True})
    deleted(alice, anna)


@pytest.mark.django_db(transaction=True)
def test_art_18_who_is_restricted_while_somebody_deletes_them_is_kept(bakery: Tenant) -> None:
    with tenant_scope(bakery):
        anna = person(bakery, phone=f"+{PHONE}")
    refused: list[str] = []

    def deleting() -> None:
        with pytest.raises(actions.Kept) as kept, tenant_scope(bakery):
            actions.delete(contact=anna, by=None)
        refused.append(str(kept.value))
        connection.close()

    second = Thread(target=deleting)
    with tenant_scope(bakery):
        declarations.restrict(tenant=bakery, contact=anna, dedupe="her wish", by=None)
        second.start()
        second.join(0.5)
        assert second.is_alive()
    second.join(10)

    # In the language of a new thread.
    assert refused[0].startswith("Eingeschränkt: nur Speicherung")
    with tenant_scope(bakery):
        assert Contact.objects.get().restricted_at
