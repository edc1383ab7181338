"""An export tells everything that is held of a person, to people and to machines, and to nobody else."""

import json
import tracemalloc
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from zipfile import ZipFile

import pytest
from django.utils import timezone
from django.utils.translation import override

from consent.models import Controller, DataRequest
from consent.rights import exporting
from contacts.models import Contact, ContactList, Event
from segments.models import Segment
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.consent.factories import agree, person, published
from tests.consent.rights.traces import CUSTOMER, EMAIL, MARKER, OTHER, PHONE, exported, plant, worked
from tests.contacts.calls import Caller
from whatsapp.models import Number


@pytest.fixture
def people(alice: Caller, bakery: Tenant, number: Number, deliver: Callable[..., None]) -> tuple[Contact, Contact]:
    return plant(alice, bakery, number, deliver)


def export_of(alice: Caller, bakery: Tenant, person: Contact) -> tuple[dict, str]:
    uid = alice.post(f"contacts/{person.uid}/export/", {"checked_by": "whatsapp"}).json()["uid"]
    assert worked(bakery, uid).state == "carried_out"
    return exported(alice, uid)


def test_everything_that_is_held_of_the_person_is_in_it(
    alice: Caller, bakery: Tenant, people: tuple[Contact, Contact]
) -> None:
    with tenant_scope(bakery):
        wording = published(bakery)
        agree(bakery, people[0], wording=wording, language="de", occurred_at=timezone.now())
        Controller.objects.create(tenant=bakery, legal_name="Bäckerei Sonne GmbH", email="daten@example.com")
        favourites = ContactList.objects.create(tenant=bakery, name="Stammkunden")
        favourites.members.create(tenant=bakery, contact=people[0])
        rule = {"op": "and", "rules": [{"field": "first_name", "op": "starts_with", "value": MARKER}]}
        Segment.objects.create(tenant=bakery, name="Named so", rule=rule)
        Segment.objects.create(tenant=bakery, name="Others", rule={"op": "not", "rules": [rule]})

    data, page = export_of(alice, bakery, people[0])

    assert data["about"]["controller"] == "Bäckerei Sonne GmbH"
    [master] = data["person"]
    assert (master["phone"], master["email"], master["external_id"]) == (f"+{PHONE}", EMAIL, CUSTOMER)
    assert data["tags"] == [{"name": "regular"}]
    assert [row["name"] for row in data["lists"]] == ["Stammkunden"]
    assert [row["name"] for row in data["segments"]] == ["Named so"]
    assert [row["name"] for row in data["events"]] == ["order_placed"]
    assert [row["value"] for row in data["credits"]] == ["49.90"]
    assert [row["campaign"] for row in data["clicks"]] == ["Frühling"]
    assert [row["text"] for row in data["received"]] == [f"Greetings from {MARKER}"]
    assert len(data["messages"]) == 3
    assert f"Hallo {MARKER} twice, bis Sonntag" in data["messages"][0]["text"]
    assert f"Dear {MARKER}" in data["messages"][2]["text"]
    wordings = [row["wording"] for row in data["consent_history"]]
    assert "Ja, die Bäckerei darf mir per WhatsApp Angebote schicken. Ich bin mindestens 16 Jahre alt." in wordings
    assert wording.texts["de"] in wordings
    assert MARKER in json.dumps([row["proof"] for row in data["consent_history"]])
    assert {row["name"] for row in data["recipients"]} >= {"WhatsApp LLC, Meta Platforms, Inc., USA"}
    assert data["retention"]
    assert [row["kind"] for row in data["requests"]]
    assert data["changes"][0]["verb"] == "contact.created"
    for told in (MARKER, EMAIL, "Bäckerei Sonne GmbH", "Stammkunden", "daten@example.com", wording.texts["de"]):
        assert told in page


def test_nobody_else_is_in_it(alice: Caller, bakery: Tenant, people: tuple[Contact, Contact]) -> None:
    data, page = export_of(alice, bakery, people[0])

    assert "Berta" not in page + json.dumps(data)
    assert OTHER not in page + json.dumps(data)


def test_it_speaks_the_persons_language_and_loads_nothing_from_elsewhere(bakery: Tenant) -> None:
    with tenant_scope(bakery), override("en"):
        anna = person(bakery, language="de", first_name="<script>alert(1)</script>")
        john = person(bakery, language="en_GB", first_name="John")
        german, english = (_page(Contact.objects.select_related("tenant").get(pk=c.pk)) for c in (anna, john))

    assert '<html lang="de">' in german
    assert "Stammdaten" in german
    assert '<html lang="en">' in english
    assert "Master data" in english
    for page in (german, english):
        assert "<script" not in page
        assert "src=" not in page
        assert "href=" not in page


def _page(contact: Contact) -> str:
    target = BytesIO()
    exporting.pack(contact, target)
    with ZipFile(target) as packed:
        assert sorted(packed.namelist()) == ["data.json", "index.html"]
        return packed.read("index.html").decode()


def test_ten_thousand_events_take_no_more_memory_than_a_few(bakery: Tenant) -> None:
    with tenant_scope(bakery):
        anna = Contact.objects.select_related("tenant").get(pk=person(bakery).pk)
        _page(anna)
        Event.objects.bulk_create(
            Event(
                tenant=bakery, contact=anna, event_id=f"e{n}", name="visited", occurred_at=timezone.now(),
                properties={"page": "x" * 500},
            )
            for n in range(10_000)
        )  # fmt: skip
        tracemalloc.start()
        with open("/dev/null", "wb") as nowhere:
            exporting.pack(anna, _Sink(nowhere))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()

    # Ten thousand rows are 6 MB of JSON; two thousand at a time are in memory.
    assert peak < 12 * 1024 * 1024


class _Sink:
    """Takes bytes and forgets them; the ZIP needs to know how many."""

    def __init__(self, target: object) -> None:
        self._at = 0

    def write(self, content: bytes) -> int:
        self._at += len(content)
        return len(content)

    def tell(self) -> int:
        return self._at

    def flush(self) -> None:
        pass


def test_a_second_worker_does_nothing_and_a_lost_one_is_replaced(alice: Caller, bakery: Tenant) -> None:
    with tenant_scope(bakery):
        anna = person(bakery)
    uid = alice.post(f"contacts/{anna.uid}/export/", {"checked_by": "whatsapp"}).json()["uid"]
    with tenant_scope(bakery):
        DataRequest.objects.update(leased_until=timezone.now() + timedelta(minutes=1))
    assert worked(bakery, uid).state == "working"

    with tenant_scope(bakery):
        DataRequest.objects.update(leased_until=timezone.now())
    assert worked(bakery, uid).state == "carried_out"
    assert worked(bakery, uid).state == "carried_out"
