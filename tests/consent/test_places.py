"""QR codes without a form: straight into WhatsApp, counted for the place, with nothing kept of who scanned."""

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import translation

from consent.actions import signup_forms
from consent.models import ConsentEvent, SignupForm, SignupPlace, SignupRequest
from consent.signups import message, token_in
from contacts.models import Contact
from tenants.models import Tenant
from tests.consent.factories import open_form, person, published, wording_text
from tests.consent.test_signups import PHONE, button, may, page, tick, write
from tests.qr import text_in


@pytest.fixture
def form(in_bakery: Tenant) -> SignupForm:
    return open_form(in_bakery, published(in_bakery, covers=[["whatsapp", "marketing"]]), keyword="Brot")


@pytest.fixture
def place(form: SignupForm) -> SignupPlace:
    return signup_forms.add_place(form=form, name="Kasse", by=None)


def scanned(client: Client, place: SignupPlace) -> str:
    """What WhatsApp has ready to be sent after a scan."""
    answer = client.get(f"/s/bakery/{place.form.slug}/w/{place.code}/", headers=PHONE)
    assert answer.status_code == 302
    link = urlsplit(answer["Location"])
    assert (link.netloc, link.path) == ("wa.me", "/4930231250")
    assert not answer.cookies
    [text] = parse_qs(link.query)["text"]
    return text


def counts(place: SignupPlace) -> tuple[int, int, int]:
    place.refresh_from_db()
    return place.scans, place.requests, place.confirmed


def tapped(contact: Contact, form: SignupForm) -> Any:
    return write(contact, "Ja, anmelden", payload=f"optin:{form.uid}:{form.wording.versions.get().pk}")


def test_a_scan_leads_into_whatsapp_and_the_tap_counts_for_the_place(
    client: Client, form: SignupForm, place: SignupPlace, in_bakery: Tenant
) -> None:
    anna, other = person(in_bakery), signup_forms.add_place(form=form, name="Flyer", by=None)

    text = scanned(client, place)
    assert text == f"BROT {place.code}"
    assert counts(place) == (1, 0, 0)
    asked = write(anna, text)
    assert asked
    assert (asked.outcome, may(anna)) == ("asked", "pending")
    assert counts(place) == (1, 1, 0)
    assert tapped(anna, form).outcome == "confirmed"

    assert counts(place) == (1, 1, 1)
    assert counts(other) == (0, 0, 0)
    form.refresh_from_db()
    assert (form.requests, form.confirmed) == (1, 1)
    assert may(anna) == ""
    refs = ConsentEvent.objects.filter(subject_id=anna.subject_id).values_list("source_ref", flat=True)
    assert set(refs) == {f"form theke, {place.code}"}


def test_a_text_that_has_become_too_long_for_whatsapp_is_shown_on_the_page(
    client: Client, form: SignupForm, place: SignupPlace, in_bakery: Tenant
) -> None:
    covers = [["whatsapp", "marketing"]]
    long = wording_text(number=2, purposes=["marketing"]) + " Wir freuen uns auf Sie." * 50
    published(in_bakery, 2, covers=covers, texts={"de": long})

    answer = client.get(f"/s/bakery/{form.slug}/w/{place.code}/")

    assert answer.headers["Location"] == f"/s/bakery/{form.slug}/?o={place.code}"
    assert long[:40] in client.get(answer.headers["Location"]).content.decode()


def test_a_written_yes_counts_for_the_place_too(form: SignupForm, place: SignupPlace, in_bakery: Tenant) -> None:
    anna = person(in_bakery)
    write(anna, f"brot  {place.code.upper()} ")

    heard = write(anna, "Ja", question=button(form))

    assert heard
    assert heard.outcome == "confirmed"
    assert counts(place) == (0, 1, 1)


def test_the_keyword_alone_counts_for_no_place(form: SignupForm, place: SignupPlace, in_bakery: Tenant) -> None:
    anna = person(in_bakery)
    write(anna, "Brot")
    tapped(anna, form)

    assert may(anna) == ""
    assert counts(place) == (0, 0, 0)


def test_a_form_without_a_keyword_has_codes_all_the_same(client: Client, in_bakery: Tenant, form: SignupForm) -> None:
    second = open_form(in_bakery, form.wording.versions.get(), slug="laden", name="Laden")
    place = signup_forms.add_place(form=second, name="Tür", by=None)

    text = scanned(client, place)
    asked = write(person(in_bakery), text)

    assert text == f"START {place.code}"
    assert asked
    assert asked.form == second


def test_looking_without_opening_counts_nothing_and_a_scan_keeps_nothing_of_who_scanned(
    client: Client, place: SignupPlace
) -> None:
    client.head(f"/s/bakery/theke/w/{place.code}/", headers=PHONE)
    assert counts(place) == (0, 0, 0)

    scanned(client, place)

    assert counts(place) == (1, 0, 0)
    assert not SignupRequest.objects.exists()


def test_codes_that_belong_to_nothing_lead_nowhere(client: Client, form: SignupForm, place: SignupPlace) -> None:
    assert client.get("/s/bakery/theke/w/aaaaaaaa/").status_code == 404
    assert client.get(f"/s/bakery/anders/w/{place.code}/").status_code == 404
    assert write(person(form.tenant), f"Hallo {place.code}") is None
    assert write(person(form.tenant), "brot aaaaaaaa") is None

    signup_forms.close(form=form, by=None)

    assert client.get(f"/s/bakery/theke/w/{place.code}/").status_code == 410
    assert write(person(form.tenant), f"brot {place.code}") is None


@pytest.mark.parametrize(("file", "path"), [("{}.png", "?o={}"), ("{}/whatsapp.png", "w/{}/")])
def test_what_is_printed_reads_as_the_address_of_the_place(
    client: Client, bakery_made: Any, form: SignupForm, place: SignupPlace, settings: Any, file: str, path: str
) -> None:
    client.force_login(bakery_made.owner)

    answer = client.get(f"/bakery/signups/{form.uid}/places/{file.format(place.code)}")

    assert text_in(answer.content, quiet=4) == f"{settings.PUBLIC_URL}/s/bakery/theke/{path.format(place.code)}"


def opened(client: Client, place: SignupPlace, **headers: str) -> str:
    answer = client.get(page(place.form, place), headers=PHONE | headers)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.parametrize(
    "program",
    [
        {"user-agent": "WhatsApp/2.23.20.0"},
        {"user-agent": "facebookexternalhit/1.1"},
        {"user-agent": "Mozilla/5.0 (compatible; Googlebot/2.1)"},
        {"user-agent": ""},
        {"sec-purpose": "prefetch;prerender"},
    ],
)
def test_programs_that_only_preview_an_address_are_no_scans(
    client: Client, place: SignupPlace, program: dict[str, str]
) -> None:
    opened(client, place, **program)
    assert client.get(f"/s/bakery/theke/w/{place.code}/", headers=PHONE | program).status_code == 302
    assert counts(place) == (0, 0, 0)

    opened(client, place)

    assert counts(place) == (1, 0, 0)


def test_who_changes_the_language_is_counted_once_and_still_counts_for_the_place(
    client: Client, place: SignupPlace, in_bakery: Tenant
) -> None:
    [switch] = re.findall(r'href="(\?lang=en[^"]*)"', opened(client, place))

    address = page(place.form) + switch.replace("&amp;", "&")
    shown = client.get(address, headers=PHONE).content.decode()
    token = token_in(client.post(address, {"agree": "on"}, headers=PHONE).content.decode())
    write(person(in_bakery), message(str(token)))

    assert '<html lang="en">' in shown
    assert counts(place) == (1, 1, 1)


def test_an_archived_place_works_on_and_nobody_else_gets_its_name(
    client: Client, place: SignupPlace, in_bakery: Tenant
) -> None:
    signup_forms.archive_place(place=place, by=None)

    assert scanned(client, place) == f"BROT {place.code}"
    write(person(in_bakery), message(tick(client, place.form, place)))
    assert counts(place) == (1, 1, 1)
    with pytest.raises(ValidationError, match="archiv"), translation.override("en"):
        signup_forms.add_place(form=place.form, name="Kasse", by=None)
