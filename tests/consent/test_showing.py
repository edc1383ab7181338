"""A form in two languages: each reader gets their own, what is not translated is marked, and answers stay one."""

import re
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import translation

from consent import showing
from consent.actions import preferences, signup_forms, vouchers
from consent.ledger import evidence
from consent.models import ConsentEvidence, SignupForm
from consent.printing import poster, posters
from consent.signups import message, token_in
from tenants.models import Tenant
from tests.consent.factories import open_form, person, published, wording_text
from tests.consent.test_signups import page, tick, write

MARKETING = [["whatsapp", "marketing"]]
GERMAN = {
    "headline": "Immer frisch informiert",
    "intro": "Einmal die Woche, was aus dem Ofen kommt.",
    "benefit": "5 € Gutschein",
    "benefit_terms": "Ab 20 € Einkauf.",
    "question": "choice",
    "question_label": "Was magst du?",
    "question_attribute": "lieblings",
    "question_answers": ["Brot", "Kuchen"],
}
ENGLISH = {
    "headline": "Fresh news first",
    "intro": "Once a week, what comes out of the oven.",
    "benefit": "5 € voucher",
    "benefit_terms": "From 20 € on.",
    "question_label": "What do you like?",
    "question_answers": ["Bread", "Cake"],
}


@pytest.mark.parametrize(
    ("texts", "language"),
    [({"de": "Ja"}, "de"), ({"en": "Yes", "de": "Ja"}, "de"), ({"en": "Yes"}, "en"), ({"fr": "Oui"}, "de")],
)
def test_a_new_form_is_in_a_language_that_forms_have(in_bakery: Tenant, texts: dict[str, str], language: str) -> None:
    assert showing.language_for(published(in_bakery, texts=texts).wording) == language


@pytest.fixture
def form(in_bakery: Tenant) -> SignupForm:
    """A form whose every text exists in German and English; it has vouchers."""
    form = open_form(in_bakery, published(in_bakery, covers=MARKETING), translations={"en": ENGLISH}, **GERMAN)
    vouchers.add(form=form, codes=["EINS", "ZWEI"], by=None)
    return form


def read(client: Client, form: SignupForm, language: str) -> str:
    shown = client.get(f"{page(form)}?lang={language}").content.decode()
    assert f'<html lang="{language}">' in shown
    return shown


def marked(shown: str, language: str) -> list[str]:
    """What the page marks as being in another language than its own, the links that change it left out."""
    return re.findall(rf'<(?!(?:a|html)\b)[a-z0-9]+[^>]*\blang="{language}"[^>]*>\s*([^<]*)', shown)


def words(texts: dict[str, Any]) -> list[str]:
    """Everything of it that a reader sees."""
    plain = [value for name, value in texts.items() if isinstance(value, str) and not name.startswith("question")]
    return [*plain, texts["question_label"], *texts["question_answers"]]


def test_every_text_of_the_page_is_in_the_readers_language(client: Client, form: SignupForm) -> None:
    german, english = read(client, form, "de"), read(client, form, "en")

    for text in words(GERMAN):
        assert text in german
        assert f">{text}<" not in english
    for text in words(ENGLISH):
        assert text in english
        assert text not in german
    assert "Immer frisch informiert" not in english
    assert marked(german, "en") == marked(english, "de") == []


def test_wcag_3_1_2_what_is_not_translated_is_marked_with_its_language(client: Client, in_bakery: Tenant) -> None:
    some = {"en": {"headline": ENGLISH["headline"]}}
    form = open_form(in_bakery, published(in_bakery, covers=MARKETING), translations=some, **GERMAN, without_code=True)

    english = read(client, form, "en")

    assert ENGLISH["headline"] in english
    assert wording_text("en", purposes=["marketing"])[:40] in english
    found = marked(english, "de")
    for text in (GERMAN["intro"], GERMAN["benefit"], GERMAN["benefit_terms"], GERMAN["question_label"]):
        assert text in found
    assert re.search(r'<select[^>]*lang="de"', english)
    assert marked(read(client, form, "de"), "de") == []


def test_a_form_whose_text_exists_in_english_only_is_english_itself(client: Client, in_bakery: Tenant) -> None:
    text = {"en": wording_text("en", purposes=["marketing"])}
    form = open_form(in_bakery, published(in_bakery, covers=MARKETING, texts=text), headline="Fresh news first")

    shown = client.get(f"{page(form)}?lang=de").content.decode()

    assert '<html lang="en">' in shown
    assert marked(shown, "en") == marked(shown, "de") == []


def test_the_language_of_a_form_stays_when_its_text_gets_another(client: Client, in_bakery: Tenant) -> None:
    text = {"en": wording_text("en", purposes=["marketing"])}
    form = open_form(in_bakery, published(in_bakery, covers=MARKETING, texts=text), headline="Fresh news first")

    published(in_bakery, 2, covers=MARKETING)

    form = SignupForm.objects.get()
    assert form.language == "en"
    assert marked(read(client, form, "en"), "de") == []
    assert "Fresh news first" in marked(read(client, form, "de"), "en")
    assert 'link.lang = "en"' in client.get(f"{page(form)}widget.js").content.decode()
    # Nor by what is changed of the form, unless that is its language.
    signup_forms.update(form=form, by=None, headline="News first", language="")
    assert SignupForm.objects.get().language == "en"
    signup_forms.update(form=form, by=None, headline="Neues zuerst", language="de")
    assert marked(read(client, SignupForm.objects.get(), "de"), "en") == []


@pytest.mark.parametrize(("language", "chosen"), [("de", "Kuchen"), ("en", "Kuchen")])
def test_an_answer_is_kept_as_one_whichever_language_was_read(
    client: Client, form: SignupForm, in_bakery: Tenant, language: str, chosen: str
) -> None:
    shown = {"de": "Kuchen", "en": "Cake"}[language]
    assert f'<option value="{chosen}">{shown}</option>' in read(client, form, language)
    anna = person(in_bakery)

    answer = client.post(f"{page(form)}?lang={language}", {"agree": "on", "answer": chosen})
    write(anna, message(str(token_in(answer.content.decode()))))

    anna.refresh_from_db()
    assert anna.attributes["lieblings"] == "Kuchen"


def test_the_proof_holds_what_the_person_read(client: Client, form: SignupForm, in_bakery: Tenant) -> None:
    write(person(in_bakery), message(tick_in(client, form, "en")))

    [proof] = [found for row in ConsentEvidence.objects.all() if "headline" in (found := evidence.unseal(row))]
    assert [proof[name] for name in ("headline", "benefit", "benefit_terms")] == [
        ENGLISH["headline"],
        ENGLISH["benefit"],
        ENGLISH["benefit_terms"],
    ]


def tick_in(client: Client, form: SignupForm, language: str) -> str:
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = language
    return tick(client, form)


def test_posters_and_the_persons_page_speak_it_too(client: Client, form: SignupForm, in_bakery: Tenant) -> None:
    place = signup_forms.add_place(form=form, name="Kasse", by=None)

    sheet = [box.part.getPlainText() for box in posters.laid_out(form, place, language="en").boxes if box.part]

    assert {ENGLISH["headline"], ENGLISH["benefit"], "Scan and sign up"} <= set(sheet)
    assert any(ENGLISH["benefit_terms"] in text for text in sheet)
    assert b"/Lang (en)" in poster(form, place, language="en")
    anna = person(in_bakery)
    write(anna, message(tick(client, form)))
    own = client.get(f"{urlsplit(preferences.url(anna)).path}?lang=en").content.decode()
    assert ENGLISH["benefit"] in own
    assert ENGLISH["benefit_terms"] in own


def test_the_widgets_button_says_in_which_language_it_is(client: Client, form: SignupForm) -> None:
    script = client.get(f"{page(form)}widget.js").content.decode()

    assert 'link.lang = "de"' in script


@pytest.mark.parametrize(
    ("translations", "told"),
    [
        ({"fr": {"headline": "Bonjour"}}, "“fr” is none of the languages: de, en."),
        ({"de": {"headline": "Hallo"}}, "“de” is the language of the form's own texts"),
        ({"en": {"title": "Hello"}}, "“title” is no text of a form"),
        ({"en": {"headline": "x" * 121}}, "at most 120 characters"),
        ({"en": {"headline": ["Hello"]}}, "at most 120 characters"),
        ({"en": {"question_answers": ["Bread"]}}, "give as many as"),
        ({"en": {"question_answers": ["Bread", "Bread"]}}, "give as many as"),
        ({"en": "Hello"}, "Give the texts by language"),
        (["Hello"], "Give the texts by language"),
    ],
)
def test_a_translation_that_says_something_else_is_refused(in_bakery: Tenant, translations: Any, told: str) -> None:
    version = published(in_bakery, covers=MARKETING)

    with pytest.raises(ValidationError) as refused, translation.override("en"):
        open_form(in_bakery, version, translations=translations, **GERMAN)

    assert told in " ".join(refused.value.message_dict["translations"])
