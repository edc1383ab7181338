"""No form is open while it could not prove a yes, or while people cannot make out who asks them (CG-03, CG-61)."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import translation

from consent.actions import controllers, signup_forms
from consent.models import SignupForm, WordingVersion
from consent.opening import hindrances, live, overshadowed
from tenants.actions import NewTenant
from tenants.models import AuditEvent, Tenant
from tenants.scope import tenant_scope
from tests.consent.factories import known, person, published, wording_text
from tests.consent.imports import done
from tests.consent.test_signups import page, tick, write

MARKETING = [["whatsapp", "marketing"]]
TEXT = wording_text(purposes=["marketing"])
# What "Jeden Freitag 20 % Rabatt" is refused for.
WEEKLY = ["20 % Rabatt"]
LURES = [
    {"headline": "5 € Gutschein sichern"},
    {"headline": "5 € GUTSCHEIN SICHERN"},
    {"headline": "Get a voucher"},
    {"intro": "Frisches Brot.\nZur Anmeldung gibt es 10 % Rabatt."},
    {"intro": "News first, and €5 off your next order."},
    {"translations": {"en": {"headline": "Sign up for a €5 voucher"}}},
    {"intro": "Zuerst erfahren.", "translations": {"en": {"intro": "In return you get a free coffee."}}},
    # A benefit that stands in its own field as well makes it no better.
    {"headline": "5 € Gutschein sichern", "benefit": "5 € Gutschein", "benefit_terms": "Ab 20 € Einkauf."},
]


@pytest.fixture(autouse=True)
def english() -> Any:
    with translation.override("en"):
        yield


def draft(tenant: Tenant, version: WordingVersion, **values: Any) -> SignupForm:
    given = {"name": "Theke", "slug": "theke", "number": "+4930231250", "headline": "Frisch", "keyword": "brot"}
    return signup_forms.create(tenant=tenant, by=None, wording=version.wording, **given | values)


def refusal(form: SignupForm) -> str:
    """Why the form does not open."""
    with pytest.raises(ValidationError) as refused:
        signup_forms.open_(form=form, by=None)
    form.refresh_from_db()
    assert form.state == "draft"
    return " ".join(refused.value.messages)


@pytest.mark.parametrize(
    ("left_out", "told"),
    [
        ("Bäckerei Sonne GmbH", "does not name your company"),
        (", etwa viermal im Monat", "how often you will write"),
        ("Ich bin mindestens 16 Jahre alt und", "the age of 16"),
        ("mit STOPP oder", "the word that stops the messages"),
    ],
    ids=["CG-03 company", "CG-03 frequency", "CG-07 age", "CG-23 way out"],
)
def test_a_text_that_never_passed_the_linter_opens_no_form(in_bakery: Tenant, left_out: str, told: str) -> None:
    known(in_bakery)
    version = published(in_bakery, covers=MARKETING, texts={"de": TEXT.replace(left_out, "")})

    said = refusal(draft(in_bakery, version))

    assert "“Ladenformular” leaves duties open" in said
    assert told in said


def test_the_second_text_has_to_pass_the_linter_too(in_bakery: Tenant) -> None:
    known(in_bakery)
    careless = published(in_bakery, name="Messen", covers=[["whatsapp", "tracking"]], texts={"de": "Ja, misst ruhig."})

    said = refusal(draft(in_bakery, published(in_bakery, covers=MARKETING), extra_wording=careless.wording))

    assert "“Messen” leaves duties open" in said


def test_a_text_that_came_with_an_import_opens_no_form_however_good_it_is(bakery: Tenant) -> None:
    head = "Handy;Einwilligung am;Einwilligungsquelle;Wortlaut;Nachweis\n"
    done(bakery, f"{head}0151 23456780;01.02.2025;Ladenformular;{TEXT};Blatt 1\n")
    with tenant_scope(bakery):
        known(bakery)
        brought = WordingVersion.objects.get()
        assert brought.texts == {"de": TEXT}

        assert "came with an import" in refusal(draft(bakery, brought))


@pytest.mark.parametrize(
    ("field", "told"),
    [
        ("imprint_url", "address of the imprint"),
        ("privacy_url", "address of the privacy notice"),
        ("street", "street and number"),
        ("city", "city"),
        ("email", "e-mail address for questions about data"),
    ],
)
def test_cg_61_a_company_that_people_cannot_make_out_opens_no_form(in_bakery: Tenant, field: str, told: str) -> None:
    known(in_bakery, **{field: ""})

    assert told in refusal(draft(in_bakery, published(in_bakery, covers=MARKETING)))


@pytest.fixture
def form(in_bakery: Tenant) -> SignupForm:
    """An open form that lacks nothing."""
    known(in_bakery)
    made = draft(in_bakery, published(in_bakery, covers=MARKETING))
    signup_forms.open_(form=made, by=None)
    return made


@pytest.mark.parametrize(
    "lost", [{"imprint_url": ""}, {"privacy_url": ""}, {"street": ""}, {"legal_name": "Konditorei Mond GmbH"}]
)
def test_an_open_page_is_closed_to_visitors_while_something_is_missing(
    client: Client, form: SignupForm, in_bakery: Tenant, lost: dict[str, str]
) -> None:
    anna, place = person(in_bakery), signup_forms.add_place(form=form, name="Schaufenster", by=None)
    direct = f"/s/bakery/theke/w/{place.code}/"
    controllers.update(tenant=in_bakery, by=None, **lost)

    for answer in (client.get(page(form)), client.post(page(form), {"agree": "on"}), client.get(direct)):
        assert answer.status_code == 410
        assert "nicht möglich" in answer.content.decode()
    assert write(anna, "brot") is None

    known(in_bakery)

    assert client.get(direct).status_code == 302
    assert tick(client, form)
    asked = write(anna, "brot")
    assert asked
    assert asked.outcome == "asked"


def test_an_open_form_takes_no_text_that_could_not_have_opened_it(form: SignupForm, in_bakery: Tenant) -> None:
    careless = published(in_bakery, name="Kurz", covers=MARKETING, texts={"de": "Ja, schreibt mir per WhatsApp."})

    with pytest.raises(ValidationError, match="“Kurz” leaves duties open"):
        signup_forms.update(form=SignupForm.objects.get(), by=None, wording=careless.wording)

    assert SignupForm.objects.get().wording.name == "Ladenformular"


def test_what_an_open_form_lacks_already_keeps_nobody_from_mending_the_rest(
    form: SignupForm, in_bakery: Tenant
) -> None:
    controllers.update(tenant=in_bakery, by=None, imprint_url="")

    signup_forms.update(form=SignupForm.objects.get(), by=None, headline="Frischer")

    assert SignupForm.objects.get().headline == "Frischer"


@pytest.mark.parametrize("texts", LURES)
def test_m_52_no_form_opens_with_a_benefit_above_its_declaration(in_bakery: Tenant, texts: dict[str, Any]) -> None:
    known(in_bakery)
    form = draft(in_bakery, published(in_bakery, covers=MARKETING), **texts)

    said = refusal(form)

    assert "promises a benefit above what people agree to" in said
    assert "enter the benefit in its own field" in said
    lure = form.translations.get("en") or texts
    assert ("“Headline" if "headline" in lure else "“Introduction") in said
    assert ("(English)” promises" in said) == bool(form.translations)


@pytest.mark.parametrize(
    "texts",
    [
        {"headline": "Neues aus der Backstube per WhatsApp"},
        {"headline": "Gutscheine, Rabatte und Rezepte"},
        {"headline": "ANGEBOTE MIT BIS ZU 50 % RABATT"},
        {"intro": "Seit 25 Jahren ab 6 Uhr frisch. Angebote zuerst."},
        {"translations": {"en": {"headline": "Offers and news about our gift shop"}}},
        {"benefit": "5 € Gutschein", "benefit_terms": "Ab 20 € Einkauf.", "question_label": "Woher kennst du uns?"},
    ],
)
def test_m_52_what_the_messages_are_about_may_stand_there(in_bakery: Tenant, texts: dict[str, Any]) -> None:
    known(in_bakery)
    form = draft(in_bakery, published(in_bakery, covers=MARKETING), **texts)

    signup_forms.open_(form=form, by=None)

    assert SignupForm.objects.get().state == "live"


def test_m_52_an_open_form_gets_no_benefit_above_its_declaration(form: SignupForm) -> None:
    with pytest.raises(ValidationError, match="“5 € Gutschein” in “Headline” promises a benefit"):
        signup_forms.update(form=SignupForm.objects.get(), by=None, headline="5 € Gutschein sichern")

    assert SignupForm.objects.get().headline == "Frisch"


def test_a_form_that_was_opened_with_one_stays_open_says_so_and_gets_no_other(
    client: Client, form: SignupForm, bakery_made: NewTenant
) -> None:
    SignupForm.objects.update(headline="5 € Gutschein sichern")
    place = signup_forms.add_place(form=form, name="Schaufenster", by=None)

    assert client.get(page(form)).status_code == 200
    assert client.get(f"/s/bakery/theke/w/{place.code}/").url.startswith("https://wa.me/")
    client.force_login(bakery_made.owner)
    client.cookies["django_language"] = "en"
    shown = client.get(f"/bakery/signups/{form.uid}/").content.decode()
    assert "“5 € Gutschein” in “Headline” promises a benefit" in shown
    assert "could not be opened like this any more" in shown
    assert "nobody can sign up from within WhatsApp" not in shown

    signup_forms.update(form=SignupForm.objects.get(), by=None, intro="Jeden Morgen.")
    with pytest.raises(ValidationError, match="“10 % Rabatt” in “Headline”"):
        signup_forms.update(form=SignupForm.objects.get(), by=None, headline="10 % Rabatt sichern")


def test_m_52_an_open_form_gets_no_second_benefit_beside_the_first(form: SignupForm) -> None:
    SignupForm.objects.update(headline="5 € Gutschein")

    with pytest.raises(ValidationError, match="“10 % Rabatt” in “Headline”") as refused:
        signup_forms.update(form=SignupForm.objects.get(), by=None, headline="5 € Gutschein und 10 % Rabatt")

    assert len(refused.value.messages) == 1
    assert SignupForm.objects.get().headline == "5 € Gutschein"


def test_m_52_somebody_may_answer_for_it_that_nobody_gets_this_for_signing_up(in_bakery: Tenant) -> None:
    known(in_bakery, imprint_url="")
    form = draft(in_bakery, published(in_bakery, covers=MARKETING), headline="Jeden Freitag 20 % Rabatt")
    with pytest.raises(ValidationError, match="address of the imprint"):
        signup_forms.open_(form=form, by=None, promises_nothing=WEEKLY)
    known(in_bakery)
    assert "“20 % Rabatt” in “Headline” promises a benefit" in refusal(form)

    signup_forms.open_(form=form, by=None, promises_nothing=WEEKLY)

    assert SignupForm.objects.get().state == "live"
    assert AuditEvent.objects.get(verb="signup_form.opened").changes == {"promises_nothing": ["20 % Rabatt"]}
    assert (hindrances(form), overshadowed(live(in_bakery))) == ([], [])
    with pytest.raises(ValidationError, match="“5 € Gutschein” in “Introduction”"):
        signup_forms.update(form=form, by=None, intro="5 € Gutschein sichern")
    form = SignupForm.objects.get()
    signup_forms.close(form=form, by=None)
    # Whoever opens it again answers for it again, also for words that come back later.
    with pytest.raises(ValidationError, match="“20 % Rabatt” in “Headline”"):
        signup_forms.open_(form=form, by=None)
    SignupForm.objects.update(headline="Frisch")
    signup_forms.open_(form=form, by=None)
    with pytest.raises(ValidationError, match="“20 % Rabatt” in “Headline”"):
        signup_forms.update(form=form, by=None, headline="Jeden Freitag 20 % Rabatt")
    signup_forms.update(form=form, by=None, headline="Jeden Freitag 20 % Rabatt", promises_nothing=WEEKLY)
    # While it stays open they may be taken out and put back, and a second "open" asks nothing.
    signup_forms.update(form=form, by=None, headline="Frisch")
    signup_forms.open_(form=form, by=None)
    signup_forms.update(form=form, by=None, headline="Jeden Freitag 20 % Rabatt")
    assert overshadowed(live(in_bakery)) == []


def test_m_52_an_open_form_gets_such_words_by_who_answers_for_them(form: SignupForm, in_bakery: Tenant) -> None:
    signup_forms.update(form=form, by=None, headline="Jeden Freitag 20 % Rabatt", promises_nothing=WEEKLY)

    assert AuditEvent.objects.get(verb="signup_form.changed").changes == {"promises_nothing": ["20 % Rabatt"]}
    assert overshadowed(live(in_bakery)) == []
    signup_forms.update(form=form, by=None, intro="Jeden Morgen.")
    with pytest.raises(ValidationError, match="“20 % Rabatt für deine Anmeldung” in “Headline”"):
        signup_forms.update(form=form, by=None, headline="20 % Rabatt für deine Anmeldung")


def test_whose_word_counts_for_one_form_counts_for_no_other(form: SignupForm, in_bakery: Tenant) -> None:
    signup_forms.update(form=form, by=None, headline="Jeden Freitag 20 % Rabatt", promises_nothing=WEEKLY)
    other = draft(in_bakery, form.wording.versions.get(), name="Messe", slug="messe", keyword="messe")
    signup_forms.open_(form=other, by=None)
    SignupForm.objects.filter(pk=other.pk).update(headline="Jeden Freitag 20 % Rabatt")

    assert [shown.name for shown, _where in overshadowed(live(in_bakery))] == ["Messe"]
