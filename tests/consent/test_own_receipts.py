"""People get receipts of their own declarations from their page, without login, scripts or cookies (§ 11)."""

import re
from html import unescape
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.cache import cache
from django.test import Client

from consent.actions import declarations, preferences
from consent.models import ConsentEvent, Controller
from contacts.models import Contact
from tenants.models import AuditEvent, Tenant
from tests.consent.factories import NOON, agree, known, person, published, say, stop

pytestmark = pytest.mark.usefixtures("in_bakery")
KINDS = ("view", "PDF", "JSON")
LINK = re.compile(r'<a href="([^"]+/receipts/[^"]+)"\s+aria-label="([^"]+)"')


@pytest.fixture
def anna(in_bakery: Tenant) -> Contact:
    known(in_bakery)
    found = person(in_bakery, first_name="Anna", phone="+493023125001")
    pairs = [("whatsapp", "marketing"), ("whatsapp", "tracking")]
    agree(in_bakery, found, pairs=pairs, wording=published(in_bakery), language="de")
    return found


def path(contact: Contact) -> str:
    return urlsplit(preferences.url(contact)).path


def links(client: Client, contact: Contact, language: str = "de") -> dict[str, str]:
    """The links to receipts on the person's page: what they are called, and where they lead."""
    page = client.get(f"{path(contact)}?lang={language}").content.decode()
    return {unescape(name): address for address, name in LINK.findall(page)}


def event(contact: Contact, **fields: Any) -> ConsentEvent:
    return ConsentEvent.objects.filter(subject_id=contact.subject_id, **fields).latest("seq")


def test_what_holds_has_a_link_to_its_receipt_as_page_pdf_and_json(client: Client, anna: Contact) -> None:
    found = links(client, anna, "en")

    assert sorted(found) == sorted(
        f"Your receipt, {kind}: WhatsApp · {purpose}"
        for purpose in ("Marketing", "Measuring clicks and reads")
        for kind in ("view", "PDF", "JSON")
    )
    page, paper, data = (client.get(found[f"Your receipt, {kind}: WhatsApp · Marketing"]) for kind in KINDS)
    assert "Bäckerei Sonne GmbH" in page.content.decode()
    assert paper.content.startswith(b"%PDF")
    assert data.json()["record_id"] == str(event(anna, purpose="marketing").event_id)


def test_a_receipt_from_there_is_genuine_and_names_nobody(client: Client, anna: Contact) -> None:
    address = f"{path(anna)}receipts/{event(anna).event_id}.json"

    found = client.get(address).json()

    assert found["principal"]["reference"] == str(anna.subject_id)
    assert found["signature"]["value"]
    assert "Anna" not in str(found)
    assert "23125001" not in str(found)


@pytest.mark.parametrize("kind", ["html", "pdf", "json"])
def test_it_sets_no_cookie_and_is_neither_stored_nor_found(client: Client, anna: Contact, kind: str) -> None:
    answer = client.get(f"{path(anna)}receipts/{event(anna).event_id}.{kind}")

    assert answer.status_code == 200
    assert not answer.cookies
    assert "no-store" in answer["Cache-Control"]
    assert answer["X-Robots-Tag"] == "noindex"
    assert answer["Referrer-Policy"] == "no-referrer"
    # What the team does stands in the trail; whoever has the link cannot fill it.
    assert not AuditEvent.objects.filter(verb="consent.receipt_issued").exists()


@pytest.mark.parametrize("kind", ["html", "pdf", "json"])
def test_nobody_gets_the_receipt_of_another_person(client: Client, in_bakery: Tenant, anna: Contact, kind: str) -> None:
    bert = person(in_bakery)
    agree(in_bakery, bert)

    assert client.get(f"{path(bert)}receipts/{event(anna).event_id}.{kind}").status_code == 404
    assert client.get(f"{path(anna)}receipts/{event(bert).event_id}.{kind}").status_code == 404
    assert client.get(f"/p/nonsense/receipts/{event(anna).event_id}.{kind}").status_code == 404


def test_what_a_merged_contact_has_said_belongs_to_the_person(client: Client, in_bakery: Tenant, anna: Contact) -> None:
    other = person(in_bakery)
    said = say(in_bakery, other, "refused", occurred_at=NOON)
    row = ConsentEvent.objects.get(seq=said.seq)
    address = f"{path(anna)}receipts/{row.event_id}.json"
    assert client.get(address).status_code == 404

    declarations.merged(tenant=in_bakery, kept=anna, gone=other)

    assert client.get(address).json()["record_id"] == str(row.event_id)


def test_what_was_withdrawn_is_not_offered_any_more_but_still_proven(
    client: Client, in_bakery: Tenant, anna: Contact
) -> None:
    before = links(client, anna)
    stop(in_bakery, anna)

    assert links(client, anna) == {}
    assert client.get(next(iter(before.values()))).status_code == 200


@pytest.mark.parametrize(
    ("form", "language", "called"), [("sie", "de", "Ihr Beleg, PDF"), ("du", "en", "Your receipt, PDF")]
)
def test_people_are_addressed_as_their_company_does(
    client: Client, in_bakery: Tenant, anna: Contact, form: str, language: str, called: str
) -> None:
    Controller.objects.update(address_form=form)

    assert any(name.startswith(called) for name in links(client, anna, language))


def test_so_many_that_nobody_reads_them_are_put_off(client: Client, anna: Contact) -> None:
    cache.delete(f"own-receipts:{anna.pk}")
    address = f"{path(anna)}receipts/{event(anna).event_id}.json"

    answers = [client.get(address) for _try in range(61)]

    assert [answer.status_code for answer in answers] == [200] * 60 + [429]
    assert answers[-1]["Retry-After"] == "60"
    assert "Zu viele Versuche" in answers[-1].content.decode()
