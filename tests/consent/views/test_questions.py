"""Questions by industry are taken over into a sign-up form and then its own (M-21)."""

import re

import pytest
from django.test import Client

from consent.models import Controller, SignupForm, WordingVersion
from consent.questions import QUESTIONS
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests import factories
from tests.consent.factories import known, published
from tests.consent.views.pages import shown

URL = "/bakery/signups/"


@pytest.fixture
def wording(bakery: Tenant) -> WordingVersion:
    factories.number(bakery)
    with tenant_scope(bakery):
        known(bakery)
        return published(bakery, covers=[["whatsapp", "marketing"]])


def values(wording: WordingVersion, **changed: str) -> dict[str, str]:
    given = {"name": "Theke", "slug": "theke", "number": "+493023125000", "wording": str(wording.wording_id)}
    return given | {"headline": "Immer frisch informiert"} | changed


def entered(page: str) -> dict[str, str]:
    """What stands in the fields of the page's form, as a browser would send it."""
    found = dict(re.findall(r'<input type="text" name="(\w+)" value="([^"]*)"', page))
    found |= {
        name: text.strip() for name, text in re.findall(r'<textarea name="(\w+)"[^>]*>\s*([^<]*)</textarea>', page)
    }
    for name, options in re.findall(r'<select name="(\w+)"[^>]*>(.*?)</select>', page, re.S):
        found[name] = next(iter(re.findall(r'<option value="([^"]*)" selected', options)), "")
    return found


def test_m_21_a_question_is_taken_over_with_what_was_typed_kept_and_then_edited_and_used(
    alice: Client, client: Client, wording: WordingVersion, bakery: Tenant
) -> None:
    assert "Hair care" in shown(alice, f"{URL}new/")

    taken = alice.post(f"{URL}new/", values(wording, intro="Nur Gutes.", take="hair_type"))

    page = taken.content.decode()
    assert taken.status_code == 200
    assert "The question is in the form below" in page
    with tenant_scope(bakery):
        assert not SignupForm.objects.exists()
    kept = entered(page)
    assert (kept["name"], kept["intro"], kept["wording"]) == ("Theke", "Nur Gutes.", str(wording.wording_id))
    assert (kept["question"], kept["question_attribute"]) == ("choice", "haartyp")
    assert kept["question_label"] == "Welchen Haartyp hast du?"

    edited = kept | {"question_answers": "Glatt\nLockig", "en_question_answers": "Straight\nCurly"}
    saved = alice.post(f"{URL}new/", edited)

    assert saved.status_code == 302, saved.content.decode()
    alice.post(f"{saved['Location']}open/")
    german = client.get("/s/bakery/theke/?lang=de").content.decode()
    assert "Welchen Haartyp hast du?" in german
    assert '<option value="Lockig">Lockig</option>' in german
    english = client.get("/s/bakery/theke/?lang=en").content.decode()
    assert "Which type of hair do you have?" in english
    assert '<option value="Lockig">Curly</option>' in english


def test_a_question_replaces_that_of_a_stored_form_only_once_it_is_saved(
    alice: Client, wording: WordingVersion, bakery: Tenant
) -> None:
    address = alice.post(f"{URL}new/", values(wording, question="postcode"))["Location"]
    with tenant_scope(bakery):
        known(bakery, address_form=Controller.AddressForm.SIE)

    page = alice.post(f"{address}edit/", values(wording, question="postcode", take="pet")).content.decode()

    assert "Welches Tier lebt bei Ihnen?" in page
    with tenant_scope(bakery):
        assert SignupForm.objects.get().question == "postcode"
    assert alice.post(f"{address}edit/", entered(page)).status_code == 302
    with tenant_scope(bakery):
        assert SignupForm.objects.get().question_answers == ["Hund", "Katze", "Kleintier", "Vogel", "Fische"]


@pytest.mark.parametrize("key", [*QUESTIONS])
def test_every_question_can_be_saved_as_it_is(alice: Client, wording: WordingVersion, bakery: Tenant, key: str) -> None:
    page = alice.post(f"{URL}new/", values(wording, take=key)).content.decode()

    saved = alice.post(f"{URL}new/", entered(page))

    assert saved.status_code == 302, saved.content.decode()
    with tenant_scope(bakery):
        form = SignupForm.objects.get()
    assert (form.question, form.question_attribute) == ("choice", QUESTIONS[key].attribute)
    assert len(form.translations["en"]["question_answers"]) == len(form.question_answers) >= 3


@pytest.mark.parametrize(("language", "texts"), [("en", ("de", "en")), ("", ("en",)), ("de", ("de", "en"))])
def test_each_language_gets_its_own_words_whichever_the_page_is_written_in(
    alice: Client, client: Client, wording: WordingVersion, bakery: Tenant, language: str, texts: tuple[str, ...]
) -> None:
    with tenant_scope(bakery):
        said = {code: f"Ja, {code}." for code in texts}
        chosen = published(bakery, name="other", texts=said, covers=[["whatsapp", "marketing"]]).wording
    given = values(wording, language=language, headline="News", take="hair_type") | {"wording": str(chosen.pk)}

    page = alice.post(f"{URL}new/", given).content.decode()

    main, other = ("Welchen Haartyp hast du?", "Which type of hair do you have?")
    main, other = (main, other) if language == "de" else (other, main)
    kept = entered(page)
    assert kept["question_label"] == main
    assert kept["question_answers"].startswith("Glatt" if language == "de" else "Straight")
    assert kept["en_question_answers" if language == "de" else "de_question_answers"].startswith(
        "Straight" if language == "de" else "Glatt"
    )
    assert kept["de_question_label" if language != "de" else "en_question_label"] == other
    assert alice.post(f"{URL}new/", kept).status_code == 302
    with tenant_scope(bakery):
        form = SignupForm.objects.get()
        assert form.language == (language or "en")
        assert form.question_label == main
        assert [texts["question_label"] for texts in form.translations.values()] == [other]


def test_an_unknown_question_saves_the_form_as_it_stands(alice: Client, wording: WordingVersion) -> None:
    assert alice.post(f"{URL}new/", values(wording, take="nonsense")).status_code == 302
