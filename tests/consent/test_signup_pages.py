"""What the sign-up page says before the button, and what becomes of what people enter there and got for it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from threading import Barrier
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from consent import personal
from consent.actions import preferences, vouchers
from consent.ledger import evidence
from consent.models import ConsentEvidence, Controller, SignupCode, SignupForm
from consent.signups import message, token_in
from contacts.models import Contact
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.consent.factories import known, open_form, person, published, stop, wording_text
from tests.consent.test_signups import may, page, tick, write

MARKETING = [["whatsapp", "marketing"]]


@pytest.fixture
def form(in_bakery: Tenant) -> SignupForm:
    terms = {"benefit": "5 € Gutschein", "benefit_terms": "Ab 20 € Einkauf."}
    return open_form(in_bakery, published(in_bakery, covers=MARKETING), **terms)


def shown(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


# Art. 13 (1) and (2) GDPR, letter by letter.
ITEMS = {
    "1 a controller": "Bäckerei Sonne GmbH, Lindenweg 3, 10115 Berlin",
    "1 a contact": "daten@sonne.example",
    "1 b officer": "Dr. Eva Klug",
    "1 c purposes": "Wofür",
    "1 c basis": "Art. 6 Abs. 1 lit. a DSGVO, § 7 Abs. 2 Nr. 2 UWG",
    "1 e recipients": "WhatsApp Ireland Limited",
    "1 e processor": "Zusage Betrieb GmbH",
    "1 f third country": "Angemessenheitsbeschluss",
    "2 a period": "18 Monate lang nichts",
    "2 b rights": "Auskunft, Berichtigung und Löschung",
    "2 c withdrawal": "am einfachsten mit STOPP",
    "2 d authority": "unseres Sitzes (Berlin)",
    "2 e voluntary": "Freiwillig",
    "the whole notice": 'href="https://sonne.example/datenschutz"',
}


@pytest.mark.parametrize("item", ITEMS)
def test_cg_61_what_art_13_wants_stands_before_the_button(
    client: Client, form: SignupForm, in_bakery: Tenant, settings: Any, item: str
) -> None:
    settings.OPERATOR_NAME = "Zusage Betrieb GmbH"
    known(in_bakery, silence_months=18, officer="Dr. Eva Klug")

    text = shown(client, page(form))

    facts, _button, _rest = text.partition('<button type="submit"')
    assert ITEMS[item] in facts[facts.index("<details") :]


def test_the_page_names_the_law_of_what_is_agreed_to_by_both_boxes(client: Client, in_bakery: Tenant) -> None:
    known(in_bakery)
    surveys = published(in_bakery, name="Umfragen", covers=[["whatsapp", "survey"]])
    plain = open_form(in_bakery, surveys, name="Kurz", slug="kurz")
    extra = published(in_bakery, name="Mehr", covers=[["whatsapp", "tracking"]])
    more = open_form(in_bakery, surveys, name="Lang", slug="lang", extra_wording=extra.wording)

    assert "(Art. 6 Abs. 1 lit. a DSGVO, § 7 Abs. 2 Nr. 2 UWG)" in shown(client, page(plain))
    both = "(Art. 6 (1) (a) GDPR, § 7 (2) no. 2 UWG, § 25 (1) TDDDG)"
    assert both in shown(client, f"{page(more)}?lang=en")


@pytest.mark.parametrize(
    ("address_form", "language", "said"),
    [
        (Controller.AddressForm.DU, "de", "Was mit deinen Daten geschieht"),
        (Controller.AddressForm.SIE, "de", "Was mit Ihren Daten geschieht"),
        (Controller.AddressForm.DU, "en", "What happens to your data"),
    ],
)
def test_it_is_said_in_the_companys_tone_and_the_readers_language(
    client: Client, form: SignupForm, in_bakery: Tenant, address_form: str, language: str, said: str
) -> None:
    known(in_bakery, address_form=address_form)

    text = shown(client, f"{page(form)}?lang={language}")

    assert said in text
    assert "{" not in text.partition("<details")[2]
    if address_form == Controller.AddressForm.SIE:
        assert not {" du ", " dir ", " deine ", " dein "} & {f" {word} " for word in text.split()}


def test_the_page_speaks_no_language_in_which_there_is_no_text(client: Client, in_bakery: Tenant) -> None:
    form = open_form(in_bakery, published(in_bakery, covers=MARKETING, texts={"de": wording_text("de")}))

    assert '<html lang="de"' in shown(client, f"{page(form)}?lang=en")


@pytest.mark.parametrize(
    ("question", "entered", "kept"),
    [
        ("postcode", "10115", ("postcode", "10115")),
        ("birthday", "1990-05-01", ("birthday", date(1990, 5, 1))),
        ("email", "Anna@Example.com", ("email", "anna@example.com")),
        ("choice", "Brot", ("lieblings", "Brot")),
    ],
)
def test_every_answer_lands_at_the_person_where_segments_find_it(
    client: Client, in_bakery: Tenant, question: str, entered: str, kept: tuple[str, object]
) -> None:
    choice = {"question_answers": ["Brot", "Kuchen"], "question_attribute": "lieblings"} if question == "choice" else {}
    asking = open_form(
        in_bakery, published(in_bakery, covers=MARKETING), question=question, question_label="Und?", **choice
    )
    anna = person(in_bakery)

    write(anna, message(tick(client, asking, answer=entered)))

    anna.refresh_from_db()
    name, value = kept
    assert (anna.attributes[name] if question == "choice" else getattr(anna, name)) == value
    assert may(anna) == ""


@pytest.mark.parametrize(("question", "entered"), [("birthday", "gestern"), ("email", "anna"), ("postcode", "1" * 11)])
def test_an_answer_that_is_none_is_said_beside_its_field(
    client: Client, in_bakery: Tenant, question: str, entered: str
) -> None:
    asking = open_form(in_bakery, published(in_bakery, covers=MARKETING), question=question, question_label="Und?")

    answer = client.post(page(asking), {"agree": "on", "answer": entered})

    assert answer.status_code == 422
    assert 'id="id_answer_error"' in answer.content.decode()


def test_m_62_where_people_came_from_stays_with_the_proof_also_after_they_changed_the_language(
    client: Client, form: SignupForm, in_bakery: Tenant
) -> None:
    came = "utm_source=instagram&utm_medium=story&utm_campaign=herbst"
    text = shown(client, f"{page(form)}?{came}&utm_id=7")
    assert f'href="?lang=en&amp;{came.replace("&", "&amp;")}"' in text

    answer = client.post(f"{page(form)}?lang=en&{came}", {"agree": "on"})
    token = token_in(answer.content.decode())
    assert token
    write(person(in_bakery), message(token))

    proofs = [evidence.unseal(row) for row in ConsentEvidence.objects.all()]
    assert [proof["campaign"] for proof in proofs if "campaign" in proof] == ["instagram / story / herbst"]


def test_cg_05_the_voucher_stays_theirs_after_stopp(client: Client, form: SignupForm, in_bakery: Tenant) -> None:
    vouchers.add(form=form, codes=["EINS", "ZWEI"], by=None)
    anna, bert = person(in_bakery), person(in_bakery)
    heard = write(anna, message(tick(client, form)))
    assert heard
    assert heard.code == "EINS"

    stop(in_bakery, anna, occurred_at=timezone.now() + timedelta(seconds=1))

    assert may(anna) == "withdrawn"
    # On their own page, in what they are told on request, and nobody else gets it.
    own = shown(client, urlsplit(preferences.url(anna)).path)
    assert "EINS" in own
    assert "Ab 20 € Einkauf." in own
    assert "auch wenn du dich abmeldest" in own
    [told] = [section for section in personal.tell(anna) if section.name == "signup_vouchers"]
    assert [row["code"] for row in told.rows] == ["EINS"]
    other = write(bert, message(tick(client, form)))
    assert other
    assert other.code == "ZWEI"
    assert "EINS" not in shown(client, urlsplit(preferences.url(bert)).path)


@pytest.fixture
def asked_twice(bakery: Tenant, client: Client) -> tuple[Contact, list[str]]:
    """Anna, who ticked the box on two phones and holds two tokens; ten vouchers wait."""
    with tenant_scope(bakery):
        form = open_form(bakery, published(bakery, covers=MARKETING), benefit="5 €", benefit_terms="Ab 20 €.")
        vouchers.add(form=form, codes=[f"CODE{n}" for n in range(10)], by=None)
        anna, tokens = person(bakery), [tick(client, form) for _phone in range(2)]
    return anna, tokens


@pytest.mark.django_db(transaction=True)
def test_cg_05_two_confirmations_at_the_same_moment_give_one_voucher(
    bakery: Tenant, asked_twice: tuple[Contact, list[str]]
) -> None:
    anna, tokens = asked_twice
    both = Barrier(2)

    def confirmed(token: str) -> tuple[str, str]:
        try:
            with tenant_scope(bakery):
                connection.ensure_connection()
                both.wait(timeout=20)
                heard = write(anna, message(token))
                assert heard
                return heard.outcome, heard.code
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(confirmed, tokens)

    assert first == second
    assert first[0] == "confirmed"
    with tenant_scope(bakery):
        assert list(SignupCode.objects.exclude(contact=None).values_list("code", "contact")) == [(first[1], anna.pk)]


def test_who_typed_a_wrong_address_is_not_sent_to_a_dashboard_that_is_not_theirs(
    client: Client, form: SignupForm
) -> None:
    answer = client.get("/s/bakery/gibtsnicht/", headers={"accept-language": "en"})

    assert answer.status_code == 404
    said = answer.content.decode()
    assert "Please check the address" in said
    assert "Back to the overview" not in said
    assert "workspace" not in said
