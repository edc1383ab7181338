"""The person's own page says why they get messages and where their data come from (Art. 14 GDPR, R-36)."""

from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from consent import explaining
from consent.actions import declarations, preferences
from consent.models import Authority, ConsentEvidence, Controller, Source
from contacts.models import Contact
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.consent.factories import NOON, agree, known, minutes, person, published, stop, wording_text
from tests.consent.imports import done

MARKETING = [["whatsapp", "marketing"]]
WHY = "woher haben wir deine Daten?"


def told(client: Client, contact: Contact, language: str = "de") -> str:
    """The person's page, blanks folded."""
    answer = client.get(f"{urlsplit(preferences.url(contact)).path}?lang={language}")
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def test_who_came_by_an_import_reads_from_where_since_when_and_what_they_are_said_to_have_agreed_to(
    client: Client, bakery: Tenant
) -> None:
    text = "Ja, ich möchte per WhatsApp Angebote der Bäckerei Sonne GmbH."
    head = "Handy;Einwilligung am;Einwilligungsquelle;Wortlaut;Nachweis\n"
    done(bakery, f"{head}0151 23456780;01.02.2025;Kundenkarte 2025;{text};Blatt 1\n")
    with tenant_scope(bakery):
        known(bakery)
        imported = Contact.objects.get()

    page = told(client, imported)

    assert WHY in page
    assert "Aus einer Liste von Bäckerei Sonne GmbH: Darin steht deine Zustimmung vom 01.02.2025." in page
    assert "Als Quelle ist vermerkt: Kundenkarte 2025." in page
    assert text in page
    assert "+4915123456780" not in page


@pytest.mark.parametrize(
    ("source", "language", "said"),
    [
        (Source.QR, "de", "Am 20.11.2026 über unseren QR-Code, von dir in WhatsApp bestätigt."),
        (Source.WA_BUTTON, "de", "Am 20.11.2026 in WhatsApp: Du hast uns geschrieben und ja gesagt."),
        (Source.API, "en", "Another system of Bäckerei Sonne GmbH, such as the shop, reported that you agreed on"),
        (Source.SYSTEM, "de", "Deine Zustimmung ist vom 20.11.2026."),
    ],
)
def test_every_way_is_named(client: Client, in_bakery: Tenant, source: str, language: str, said: str) -> None:
    known(in_bakery)
    anna = person(in_bakery)
    agree(in_bakery, anna, source=source, wording=published(in_bakery), language=language)

    page = told(client, anna, language)

    assert said in page
    assert wording_text(language) in page


def test_the_day_is_that_of_the_company_not_of_berlin(client: Client, in_bakery: Tenant) -> None:
    Tenant.objects.filter(pk=in_bakery.pk).update(timezone="Pacific/Pago_Pago")
    anna = person(in_bakery)
    # In Berlin it is the 20th already.
    agree(in_bakery, anna, source=Source.SYSTEM, occurred_at=NOON.replace(hour=3))

    assert "Deine Zustimmung ist vom 19.11.2026." in told(client, anna)


def test_the_text_is_quoted_in_the_language_in_which_it_was_agreed_to(client: Client, in_bakery: Tenant) -> None:
    anna = person(in_bakery)
    agree(in_bakery, anna, wording=published(in_bakery, covers=MARKETING), language="en")

    page = told(client, anna)

    assert wording_text("en", purposes=["marketing"]) in page
    assert wording_text("de", purposes=["marketing"]) not in page


def test_a_proof_that_is_kept_for_claims_only_names_no_source(in_bakery: Tenant) -> None:
    anna = person(in_bakery)
    agree(in_bakery, anna, source=Source.IMPORT, authority=Authority.IMPORT, evidence={"source": "Blatt 1"})
    assert "Blatt 1" in explaining.origins(anna, "de")[0].told

    ConsentEvidence.objects.update(kept_until=NOON.date())

    assert "Blatt 1" not in explaining.origins(anna, "de")[0].told


def test_two_purposes_of_one_text_are_told_once_and_people_are_addressed_as_the_company_does(
    client: Client, in_bakery: Tenant
) -> None:
    known(in_bakery, address_form=Controller.AddressForm.SIE)
    anna = person(in_bakery)
    pairs = [("whatsapp", "marketing"), ("whatsapp", "tracking")]
    agree(in_bakery, anna, pairs=pairs, wording=published(in_bakery), language="de")

    page = told(client, anna)

    assert page.count(wording_text()) == 1
    assert "woher haben wir Ihre Daten?" in page


def test_where_nothing_holds_any_more_it_still_tells_whence_the_data_are(client: Client, in_bakery: Tenant) -> None:
    """Art. 15 (1) (g) GDPR: as long as there are any."""
    known(in_bakery)
    anna = person(in_bakery)
    agree(in_bakery, anna, source=Source.QR, wording=published(in_bakery, covers=MARKETING), language="de")
    stop(in_bakery, anna)

    page = told(client, anna)

    assert "Woher haben wir deine Daten?" in page
    assert "Warum bekomme ich das" not in page
    assert "über unseren QR-Code, von dir in WhatsApp bestätigt. Das gilt nicht mehr." in page
    # Only of what holds.
    assert "Dein Beleg" not in page


def test_who_never_agreed_reads_since_when_their_data_are_stored(client: Client, in_bakery: Tenant) -> None:
    known(in_bakery, address_form=Controller.AddressForm.SIE)
    anna = person(in_bakery)
    Contact.objects.update(created_at=NOON)

    page = told(client, anna)

    assert "Woher haben wir Ihre Daten?" in page
    assert "Bei Bäckerei Sonne GmbH gespeichert seit 20.11.2026; eine Quelle ist nicht vermerkt." in page


def test_what_holds_is_told_before_what_ended(client: Client, in_bakery: Tenant) -> None:
    known(in_bakery)
    anna = person(in_bakery)
    agree(in_bakery, anna, source=Source.WA_BUTTON, pairs=[("whatsapp", "survey")])
    agree(in_bakery, anna, source=Source.QR, occurred_at=minutes(5))
    stop(in_bakery, anna)

    page = told(client, anna)

    assert WHY in page
    assert page.index("Du hast uns geschrieben und ja gesagt.") < page.index("Das gilt nicht mehr.")
    # A yes that was given anew has not ended.
    agree(in_bakery, anna, source=Source.QR, pairs=[("whatsapp", "survey")], occurred_at=minutes(15))
    assert told(client, anna).count("Das gilt nicht mehr.") == 1


def test_a_yes_that_arrives_late_and_one_that_holds_are_told_as_one_that_holds(in_bakery: Tenant) -> None:
    anna = person(in_bakery)
    agree(in_bakery, anna, source=Source.QR, occurred_at=minutes(5))
    agree(in_bakery, anna, source=Source.WA_BUTTON)

    [holding] = explaining.origins(anna, "de")

    assert "QR-Code" in holding.told
    assert holding.rows


def test_another_persons_yes_is_not_shown(client: Client, in_bakery: Tenant) -> None:
    anna, bert = person(in_bakery), person(in_bakery)
    agree(in_bakery, bert, wording=published(in_bakery, covers=MARKETING), language="de")
    declarations.grant(
        tenant=in_bakery, contact=anna, dedupe="own", source=Source.AGENT, authority=1, pairs=[("whatsapp", "survey")]
    )

    page = told(client, anna)

    assert "hat das Team" in page
    assert wording_text(purposes=["marketing"]) not in page


def test_what_a_contact_of_before_agreed_to_has_not_ended_by_being_one_person(
    client: Client, in_bakery: Tenant
) -> None:
    by_mail, anna = person(in_bakery, email="anna@example.com"), person(in_bakery)
    email = [("email", "marketing")]
    agree(in_bakery, by_mail, source=Source.SIGNUP_PAGE, pairs=email, wording=published(in_bakery), language="de")
    agree(in_bakery, anna, source=Source.QR, occurred_at=minutes(5))
    declarations.merged(tenant=in_bakery, kept=anna, gone=by_mail)

    holding, other = explaining.origins(anna, "de")

    assert [row.about for row in holding.rows] == ["WhatsApp · Marketing"]
    # Its receipt is for whoever has that contact's own page.
    assert (other.rows, other.wording) == ([], wording_text())
    assert "Das gilt nicht mehr." not in told(client, anna)

    stop(in_bakery, by_mail, is_all=True)
    assert told(client, anna).count("Das gilt nicht mehr.") == 1


def test_beneath_a_stop_by_meta_or_a_restriction_nothing_is_said_to_have_ended(in_bakery: Tenant) -> None:
    anna = person(in_bakery)
    agree(in_bakery, anna, source=Source.QR)
    yes = "Am 20.11.2026 über unseren QR-Code, von dir in WhatsApp bestätigt."

    declarations.meta_stopped(tenant=in_bakery, contact=anna, phone_number_id="1", dedupe="1", occurred_at=minutes(1))
    assert [(each.told, list(each.rows)) for each in explaining.origins(anna, "de")] == [(yes, [])]

    declarations.restrict(tenant=in_bakery, contact=anna, dedupe="2", source=Source.AGENT, by=None)
    assert [(each.told, list(each.rows)) for each in explaining.origins(anna, "de")] == [(yes, [])]


def test_however_often_somebody_agreed_it_is_asked_and_told_once(in_bakery: Tenant) -> None:
    anna = person(in_bakery)

    def given(place: str, minute: int) -> int:
        """A yes by a list, taken back; returns how many statements it takes to tell of all."""
        said = {"source": Source.IMPORT, "authority": 0, "occurred_at": minutes(minute), "evidence": {"source": place}}
        agree(in_bakery, anna, **said)
        declarations.moved(
            tenant=in_bakery, contact=anna, dedupe=place, authority=1, source=Source.AGENT,
            occurred_at=minutes(minute + 1),
        )  # fmt: skip
        with CaptureQueriesContext(connection) as statements:
            [ended] = explaining.origins(anna, "de")
        assert place in ended.told
        assert "Das gilt nicht mehr." in ended.told
        return len(statements)

    assert given("Blatt 1", 1) == given("Blatt 2", 3) == given("Blatt 3", 5)
