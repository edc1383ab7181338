"""E-mail is confirmed by a mail of its own: what it says, how often it goes out, and what its link grants (CG-11)."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.core.mail import EmailMessage
from django.test import Client
from django.utils import timezone, translation

from consent import personal, tasks
from consent.actions import addresses
from consent.ledger import evidence
from consent.models import AddressRequest, ConsentEvent, ConsentEvidence, Controller, SignupForm, SignupRequest
from consent.rights import keeping
from consent.signups import message
from contacts.models import Contact
from tenants import actions as tenancy
from tenants.encryption import seal
from tenants.models import Tenant
from tests.consent.factories import open_form, person, published
from tests.consent.test_signups import may, page, tick, write

pytestmark = pytest.mark.usefixtures("as_runtime")

BOTH = [["email", "marketing"], ["whatsapp", "marketing"]]
ANNA = "Anna@Example.com"


@pytest.fixture(autouse=True)
def _german() -> Iterator[None]:
    with translation.override("de"):
        yield


@pytest.fixture
def form(in_bakery: Tenant) -> SignupForm:
    """One box for WhatsApp and e-mail, with a benefit."""
    terms = {"headline": "Brot des Monats", "benefit": "5 € Gutschein", "benefit_terms": "Ab 20 € Einkauf."}
    terms |= {"without_code": True}
    return open_form(in_bakery, published(in_bakery, covers=BOTH), **terms)


@pytest.fixture
def two_boxes(in_bakery: Tenant) -> SignupForm:
    """WhatsApp in the first box, e-mail in the second, as M-87 wants it."""
    first = published(in_bakery, covers=[["whatsapp", "marketing"]])
    second = published(in_bakery, name="E-Mail", covers=[["email", "marketing"]])
    return open_form(in_bakery, first, extra_wording=second.wording)


def ask(client: Client, form: SignupForm, email: str = ANNA, **fields: str) -> str:
    """Sign up on the page with an address, and let the worker send what is owed; returns the token for WhatsApp."""
    token = tick(client, form, email=email, **fields)
    tasks.ask_addresses()
    return token


def link(letter: EmailMessage) -> str:
    """The path of the page that a mail leads to."""
    [path] = re.findall(r"https?://[^/\s]+(/p/[^\s]+/confirm/)", letter.body)
    return str(path)


def yes(client: Client, letter: EmailMessage) -> str:
    """Press the button on the mail's page."""
    answer = client.post(link(letter), headers={"User-Agent": "Firefox"})
    assert answer.status_code == 200, answer.content.decode()
    return " ".join(answer.content.decode().split())


def mailed(contact: Contact) -> str:
    return may(contact, channel="email")


def rows(**wanted: Any) -> list[tuple[str, str, int]]:
    found = ConsentEvent.objects.filter(**wanted).order_by("seq")
    return list(found.values_list("channel", "state", "authority"))


def test_cg_11_the_mail_confirms_the_address_and_leaves_whatsapp_requested(client: Client, form: SignupForm) -> None:
    ask(client, form)
    assert not Contact.objects.exists()

    yes(client, mail.outbox[0])

    anna = Contact.objects.get()
    assert (anna.email, anna.phone, anna.language) == ("anna@example.com", None, "de")
    assert (mailed(anna), may(anna)) == ("", "pending")
    assert rows() == [("email", "requested", 3), ("whatsapp", "requested", 3), ("email", "granted", 3)]
    asked, _other, granted = ConsentEvent.objects.order_by("seq")
    assert granted.doi_request_seq == asked.seq
    assert (granted.source, granted.source_ref) == ("signup_page", "form theke")
    assert granted.wording_version == form.wording.versions.get()


def test_cg_11_the_message_on_whatsapp_leaves_the_address_requested_until_its_own_mail_is_confirmed(
    client: Client, form: SignupForm
) -> None:
    anna = person(form.tenant)
    token = ask(client, form)

    write(anna, message(token))
    assert (may(anna), mailed(anna)) == ("", "pending")
    anna.refresh_from_db()
    assert anna.email is None

    yes(client, mail.outbox[0])

    assert (may(anna), mailed(anna)) == ("", "")
    anna.refresh_from_db()
    assert anna.email == "anna@example.com"
    assert Contact.objects.count() == 1
    assert [state for _channel, state, _by in rows()] == ["requested", "requested", "granted", "granted"]
    for yes_row in ConsentEvent.objects.filter(state="granted"):
        request = ConsentEvent.objects.get(seq=yes_row.doi_request_seq)
        assert (request.channel, request.state) == (yes_row.channel, "requested")


def test_access_tells_of_an_address_that_waits_for_its_yes(client: Client, form: SignupForm) -> None:
    anna = person(form.tenant)
    token = ask(client, form)
    assert waiting(anna) == []
    write(anna, message(token))

    [told] = waiting(anna)

    assert (told["email"], told["proof"]["ip"]) == (ANNA, "127.0.0.1")
    assert told["requested_at"] <= told["sent_at"]
    yes(client, mail.outbox[0])
    assert waiting(anna) == []


def waiting(contact: Contact) -> list[Mapping[str, Any]]:
    """What a person's access says of addresses that are not confirmed."""
    return [
        row for section in personal.tell(contact) if section.name == "unconfirmed_addresses" for row in section.rows
    ]


def test_what_proves_the_yes_is_address_mail_visitor_and_page(client: Client, form: SignupForm) -> None:
    ask(client, form)
    yes(client, mail.outbox[0])

    granted = ConsentEvent.objects.get(state="granted")
    proof = evidence.unseal(ConsentEvidence.objects.get(event_id=granted.event_id))
    [letter] = mail.outbox
    assert proof.pop("mail_id") == letter.extra_headers["Message-ID"]
    assert timezone.now() - datetime.fromisoformat(proof.pop("mail_sent_at")) < timedelta(minutes=1)
    assert proof == {
        "email": ANNA,
        "ip": "127.0.0.1",
        "user_agent": "Firefox",
        "form": "theke",
        "headline": "Brot des Monats",
        "benefit": "5 € Gutschein",
        "benefit_terms": "Ab 20 € Einkauf.",
    }
    # Nothing personal is left where it waited.
    assert AddressRequest.objects.get().sealed == ""


@pytest.mark.parametrize(("address_form", "language"), [("du", "de"), ("sie", "de"), ("du", "en")])
def test_cg_12_the_mail_is_neutral_and_says_who_asks_what_for_and_that_silence_is_no(
    client: Client, form: SignupForm, address_form: str, language: str
) -> None:
    Controller.objects.update(address_form=address_form)
    client.post(f"{page(form)}?lang={language}", {"agree": "on", "email": ANNA})
    tasks.ask_addresses()

    [letter] = mail.outbox
    wording = form.wording.versions.get().texts[language]
    assert letter.to == [ANNA]
    assert "Bäckerei Sonne GmbH" in letter.subject
    assert letter.reply_to == ["daten@sonne.example"]
    for told in (wording, "Bäckerei Sonne GmbH", "Lindenweg 3, 10115 Berlin", "https://sonne.example/impressum"):
        assert told in letter.body
    assert {"de": "heißt es nein", "en": "it means no"}[language] in letter.body
    assert "{" not in letter.body
    # No advertising: neither the benefit nor the page's headline, no pictures, no link but the three that have to be.
    for tempting in ("Gutschein", "Brot des Monats", "<"):
        assert tempting not in letter.body.replace(wording, "")
    assert letter.message().get_content_type() == "text/plain"
    links = re.findall(r"https?://\S+", letter.body.replace(wording, ""))
    assert links == [links[0], "https://sonne.example/impressum", "https://sonne.example/datenschutz"]
    if address_form == "sie":
        assert not {"du", "dir", "deine"} & set(letter.body.replace(wording, "").split())


def test_cg_12_a_hundred_sign_ups_for_one_mailbox_send_one_mail_a_day(client: Client, form: SignupForm) -> None:
    given = {"is_extra_wanted": False, "answer": "", "language": "de"}
    for n in range(100):
        address = ("opfer@example.com", "Opfer@Example.COM", f"opfer+{n}@example.com")[n % 3]
        addresses.start(form=form, address=address, visitor={"ip": f"192.0.2.{n}"}, **given)
        if n % 10 == 0:
            tasks.ask_addresses()
    assert len(mail.outbox) == 1
    assert SignupRequest.objects.count() == 100

    # Nobody reads from the page that somebody has asked before.
    first, again = (
        client.post(page(form), {"agree": "on", "email": f"{name}@example.com"}) for name in ("neu", "opfer")
    )
    tasks.ask_addresses()
    assert [letter.to for letter in mail.outbox[1:]] == [["neu@example.com"]]
    assert (first.status_code, "neu@example.com" in first.content.decode()) == (200, True)
    assert (again.status_code, "opfer@example.com" in again.content.decode()) == (200, True)

    with time_machine.travel(timezone.now() + timedelta(days=1)):
        addresses.start(form=form, address="opfer@example.com", visitor={"ip": "192.0.2.1"}, **given)
        tasks.ask_addresses()
        tasks.ask_addresses()
    assert [letter.to for letter in mail.outbox[2:]] == [["opfer@example.com"]]


def test_who_has_confirmed_may_sign_up_for_more_on_the_same_day(client: Client, form: SignupForm) -> None:
    ask(client, form)
    yes(client, mail.outbox[0])

    ask(client, form)

    assert len(mail.outbox) == 2


def test_looking_grants_nothing_because_mail_servers_open_every_link(client: Client, form: SignupForm) -> None:
    ask(client, form)
    path = link(mail.outbox[0])

    for method in (client.get, client.head, client.get):
        answer = method(path)
        assert answer.status_code == 200
        assert not answer.cookies
        assert "no-store" in answer["Cache-Control"]
        assert (answer["X-Robots-Tag"], answer["Referrer-Policy"]) == ("noindex", "no-referrer")

    shown = client.get(path).content.decode()
    assert form.wording.versions.get().texts["de"] in shown
    assert ANNA in shown
    assert shown.count("<button") == 1
    assert "Gutschein" not in shown
    assert client.put(path).status_code == 405
    assert rows() == []


def test_cg_14_a_link_is_good_once_and_the_second_use_says_so(client: Client, form: SignupForm) -> None:
    ask(client, form)
    yes(client, mail.outbox[0])
    before = rows()

    for again in (client.post(link(mail.outbox[0])), client.get(link(mail.outbox[0]))):
        assert again.status_code == 410
        assert "schon benutzt" in again.content.decode()
        assert "/p/" not in again.content.decode()

    assert rows() == before


def test_the_link_of_a_mail_of_a_closed_company_grants_nothing(client: Client, form: SignupForm) -> None:
    ask(client, form)
    tenancy.close(tenant=form.tenant)

    assert client.get(link(mail.outbox[0])).status_code == 410
    assert client.post(link(mail.outbox[0])).status_code == 410

    assert not ConsentEvent.objects.filter(state="granted").exists()


def test_cg_14_after_seven_days_a_link_grants_nothing_and_leads_back_to_the_form(
    client: Client, form: SignupForm
) -> None:
    ask(client, form)

    with time_machine.travel(timezone.now() + timedelta(days=7, minutes=1)):
        for late in (client.get(link(mail.outbox[0])), client.post(link(mail.outbox[0]))):
            assert late.status_code == 410
            assert "sieben Tage" in late.content.decode()
            assert page(form) in late.content.decode()

    assert rows() == []


@pytest.mark.parametrize("token", ["made-up", "A" * 43])
def test_a_link_that_was_never_made_says_that_it_is_not_valid(client: Client, in_bakery: Tenant, token: str) -> None:
    other = seal("preferences", in_bakery.pk, 1)

    for path in (f"/p/{token}/confirm/", f"/p/{other}/confirm/"):
        answer = client.post(path)
        assert answer.status_code == 410
        assert "gilt nicht mehr" in answer.content.decode()


def test_a_text_that_was_declared_invalid_is_neither_asked_for_nor_agreed_to(client: Client, form: SignupForm) -> None:
    ask(client, form)
    tick(client, form, email="ben@example.com")
    form.wording.versions.update(invalid_reason="The company was not named.")

    tasks.ask_addresses()

    assert len(mail.outbox) == 1
    assert client.post(link(mail.outbox[0])).status_code == 410
    assert rows() == []


def test_the_address_is_asked_for_where_the_box_covers_e_mail_and_must_be_one(client: Client, form: SignupForm) -> None:
    for given in ("", "anna"):
        answer = client.post(page(form), {"agree": "on", "email": given})
        assert answer.status_code == 422
        assert "name@example.de" in answer.content.decode()
        assert 'id="id_email_error"' in answer.content.decode()
    assert not SignupRequest.objects.exists()


def test_m_87_each_channel_has_a_box_of_its_own_and_the_address_is_needed_with_its_box_only(
    client: Client, two_boxes: SignupForm
) -> None:
    assert client.post(page(two_boxes), {"agree": "on", "extra": "on"}).status_code == 422

    # Without the second box the address is no business of ours.
    ask(client, two_boxes)
    assert (mail.outbox, AddressRequest.objects.count()) == ([], 0)

    token = ask(client, two_boxes, extra="on")
    yes(client, mail.outbox[0])
    anna = Contact.objects.get()
    assert rows() == [("email", "requested", 3), ("email", "granted", 3)]
    assert (mailed(anna), may(anna)) == ("", "no_consent")

    ben = person(two_boxes.tenant)
    write(ben, message(token))
    assert (may(ben), mailed(ben)) == ("", "no_consent")


def test_a_form_without_e_mail_asks_for_no_address(client: Client, in_bakery: Tenant) -> None:
    form = open_form(in_bakery, published(in_bakery, covers=[["whatsapp", "marketing"]]))

    assert 'type="email"' not in client.get(page(form)).content.decode()
    ask(client, form)

    assert mail.outbox == []


def test_the_address_answers_the_question_for_it_as_well(client: Client, in_bakery: Tenant) -> None:
    form = open_form(in_bakery, published(in_bakery, covers=BOTH), question="email", question_label="E-Mail?")
    anna = person(in_bakery)
    assert client.get(page(form)).content.decode().count('type="email"') == 1

    write(anna, message(ask(client, form)))

    anna.refresh_from_db()
    assert (anna.email, mailed(anna)) == ("anna@example.com", "pending")


def test_fourteen_days_later_the_address_is_gone(client: Client, form: SignupForm) -> None:
    ask(client, form)
    path = link(mail.outbox[0])
    SignupRequest.objects.update(requested_at=timezone.now() - timedelta(days=14, minutes=1))

    keeping.keep(form.tenant)

    assert AddressRequest.objects.count() == 0
    assert client.get(path).status_code == 410
