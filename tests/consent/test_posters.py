"""Posters: whatever is entered, no text runs into the code or into another text; what cannot fit is refused."""

from itertools import combinations

import pytest
from django.test import Client
from django.utils import translation

from consent.actions import signup_forms
from consent.models import SignupForm, SignupPlace
from consent.printing import TooMuchText, poster, posters
from tenants.actions import NewTenant
from tenants.models import Tenant
from tests.consent.factories import known, open_form, published

SENTENCE = "Frische Brötchen und Kuchen zuerst erfahren, jeden Morgen neu aus der Backstube am Lindenweg. "


def filled(length: int, words: str = SENTENCE) -> str:
    """Words of exactly this length, which is the most that the form takes."""
    return (words * (length // len(words) + 1))[: length - 1] + "."


def place_of(
    tenant: Tenant, words: str = SENTENCE, *, covers: list[list[str]] | None = None, **values: object
) -> SignupPlace:
    longest = {
        "slug": "a" * 50,
        "headline": filled(120, words),
        "benefit": filled(120, words),
        "benefit_terms": filled(600, words),
        "without_code": True,
        "keyword": "k" + "abcdefgh" * 2,
    }
    version = published(tenant, covers=covers or [["whatsapp", "marketing"]])
    form = open_form(tenant, version, **longest | values)
    return signup_forms.add_place(form=form, name="Tür", by=None)


def overlap(one: posters.Box, other: posters.Box) -> bool:
    beside = one.left + one.width <= other.left or other.left + other.width <= one.left
    apart = one.bottom + one.height <= other.bottom or other.bottom + other.height <= one.bottom
    return not (beside or apart)


@pytest.mark.parametrize("is_direct", [False, True])
@pytest.mark.parametrize("words", [SENTENCE, "Ach so. ", "Donaudampfschifffahrtsgesellschaftskapitän "])
def test_the_longest_texts_stand_beside_the_code_and_not_in_it(in_bakery: Tenant, words: str, is_direct: bool) -> None:
    place = place_of(in_bakery, words)

    boxes = posters.laid_out(place.form, place, is_direct=is_direct).boxes

    assert len(boxes) == 8
    assert [box for box in boxes if box.part is None]
    for one, other in combinations(boxes, 2):
        assert not overlap(one, other)
    for box in boxes:
        assert box.left >= 0
        assert box.bottom >= 0
        assert box.left + box.width <= posters.WIDTH
        assert box.bottom + box.height <= posters.HEIGHT
    assert poster(place.form, place, is_direct=is_direct).startswith(b"%PDF")


@pytest.mark.parametrize("length", [0, 600])
def test_cg_05_what_people_agree_to_stands_below_the_benefit_and_no_smaller(in_bakery: Tenant, length: int) -> None:
    terms = filled(length) if length else "Ab 5 € Einkauf."
    place = place_of(in_bakery, benefit="5 € Gutschein", benefit_terms=terms)

    parts = [box.part for box in posters.laid_out(place.form, place).boxes if box.part]

    _headline, benefit, declared, *_words, conditions = parts
    assert benefit.getPlainText() == "5 € Gutschein"
    assert declared.style.fontSize == benefit.style.fontSize >= 9
    assert conditions.getPlainText().startswith("Bedingungen: ")
    assert 8 <= conditions.style.fontSize <= declared.style.fontSize


@pytest.mark.parametrize(
    ("covers", "form", "says"),
    [
        (
            [["whatsapp", "marketing"]],
            "du",
            "Mit der Anmeldung stimmst du zu, dass Bäckerei Sonne GmbH dir per WhatsApp Werbung schickt. Das kannst du"
            " jederzeit widerrufen, am einfachsten mit STOPP. Datenschutz: sonne.example/datenschutz",
        ),
        (
            [["whatsapp", "marketing"], ["email", "marketing"], ["whatsapp", "survey"]],
            "sie",
            "Mit der Anmeldung stimmen Sie zu, dass Bäckerei Sonne GmbH Ihnen per WhatsApp und E-Mail Werbung und"
            " Umfragen schickt. Das können Sie jederzeit widerrufen, am einfachsten mit STOPP."
            " Datenschutz: sonne.example/datenschutz",
        ),
    ],
)
def test_m_52_the_poster_says_what_the_text_of_its_form_is_a_yes_to(
    in_bakery: Tenant, covers: list[list[str]], form: str, says: str
) -> None:
    place = place_of(in_bakery, covers=covers)
    known(in_bakery, address_form=form)

    # Whatever language its dashboard is in.
    with translation.override("en"):
        parts = [box.part for box in posters.laid_out(place.form, place).boxes if box.part]

    assert says in [part.getPlainText() for part in parts]


def test_short_texts_leave_the_code_large(in_bakery: Tenant) -> None:
    place = place_of(in_bakery, slug="theke", headline="Frisch", benefit="", benefit_terms="", keyword="")

    [code] = [box for box in posters.laid_out(place.form, place).boxes if box.part is None]

    assert code.width == pytest.approx(88 * posters.mm)


def test_texts_that_fit_nowhere_are_refused_with_what_to_shorten(
    client: Client, in_bakery: Tenant, bakery_made: NewTenant
) -> None:
    place = place_of(in_bakery, "W")
    known(in_bakery, legal_name="W" * 200)
    with pytest.raises(TooMuchText):
        poster(place.form, place)
    client.force_login(bakery_made.owner)
    client.cookies["django_language"] = "en"

    answer = client.get(f"/bakery/signups/{place.form.uid}/places/{place.code}/poster.pdf", follow=True)

    assert "Shorten the headline, the benefit or its conditions" in answer.content.decode()


def test_a_company_with_a_very_long_name_gets_its_poster(in_bakery: Tenant) -> None:
    name = "Bäckerei Sonne GmbH"
    place = place_of(in_bakery)
    known(in_bakery, legal_name=f"{name} {filled(180 - len(name))}")

    assert poster(SignupForm.objects.get(), place).startswith(b"%PDF")
