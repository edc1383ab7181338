"""Whoever is written to belongs to one row of Meta's price list, which can be renewed without losing anything."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import translation

from whatsapp.markets import PREFIX_LENGTH, country_of, market_name, market_of
from whatsapp.models import Rate
from whatsapp.queries import price_list

HEAD = "currency,market,category,valid_from,price,source\n"


@pytest.mark.parametrize(
    ("phone", "market"),
    [
        ("+4915112345678", "DE"),
        ("+436601234567", "rest_of_western_europe"),
        ("+41791234567", "rest_of_western_europe"),
        ("+3581234567", "rest_of_western_europe"),
        ("+12125550100", "north_america"),
        ("+14165550100", "north_america"),
        ("+18095550100", "rest_of_latin_america"),
        ("+18765550100", "rest_of_latin_america"),
        ("+12425550100", "other"),
        ("+77011234567", "KZ"),
        ("+79161234567", "RU"),
        ("+447911123456", "GB"),
        ("+380501234567", "UA"),
        ("+385911234567", "rest_of_cee"),
        ("+8613912345678", "rest_of_asia_pacific"),
        ("+2348012345678", "NG"),
        ("+254712345678", "rest_of_africa"),
        ("+96170123456", "rest_of_middle_east"),
        ("+99912345678", "other"),
    ],
)
def test_a_number_belongs_to_the_market_of_its_calling_code(phone: str, market: str) -> None:
    assert market_of(phone) == market
    assert market_of(phone[:PREFIX_LENGTH]) == market


def test_a_person_without_a_number_belongs_to_the_country_of_the_bsuid() -> None:
    assert [market_of(None, bsuid) for bsuid in ("DE.13491208655302741918", "AT.1", "US.1", "XX.1", None)] == [
        *("DE", "rest_of_western_europe", "north_america", "other", ""),
    ]


@pytest.mark.parametrize(
    ("phone", "bsuid", "country"),
    [
        ("+4915112345678", None, "DE"),
        ("+436601234567", "DE.1", "AT"),
        (None, "CH.1", "CH"),
        ("+18095550100", None, "DO"),
        ("+12425550100", None, ""),
        ("+80012345678", None, ""),
        (None, None, ""),
    ],
)
def test_a_person_has_the_country_of_the_number_else_of_the_bsuid(
    phone: str | None, bsuid: str | None, country: str
) -> None:
    assert country_of(phone, bsuid) == country


def test_markets_have_names_in_both_languages() -> None:
    with translation.override("de"):
        assert (market_name("DE"), market_name("rest_of_western_europe")) == ("Deutschland", "Übriges Westeuropa")
    with translation.override("en"):
        assert (market_name("DE"), market_name("other")) == ("Germany", "Other countries")


@pytest.mark.django_db
def test_the_first_price_list_came_with_the_tables() -> None:
    prices = price_list("EUR")

    assert prices.price("DE", "marketing", date(2026, 11, 25)) == Decimal("0.1131")
    assert prices.price("DE", "marketing", date(2025, 12, 31)) is None
    # Meta raised it in July, and to what is not known.
    assert prices.price("ES", "marketing", date(2026, 6, 30)) == Decimal("0.0509")
    assert prices.price("ES", "marketing", date(2026, 7, 1)) is None
    assert prices.as_of == date(2026, 1, 1)
    assert price_list("CHF").as_of is None


@pytest.mark.django_db
def test_a_new_list_adds_days_and_replaces_what_it_names_again(tmp_path: Path) -> None:
    file = tmp_path / "rates.csv"
    file.write_text(HEAD + "EUR,DE,marketing,2026-10-01,0.12,Meta\nEUR,DE,marketing,2026-01-01,0.11,Meta\n")

    call_command("import_rates", str(file))
    call_command("import_rates", str(file))

    prices = price_list("EUR")
    assert [prices.price("DE", "marketing", day) for day in (date(2026, 9, 30), date(2026, 10, 1))] == [
        *(Decimal("0.11"), Decimal("0.12")),
    ]
    assert Rate.objects.filter(currency="EUR", market="DE", category="marketing").count() == 2


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("EUR,Germany,marketing,2026-10-01,0.12,", "Line 3: market: Unknown market “Germany”."),
        ("EUR,DE,marketing,October,0.12,", "Line 3: valid_from"),
        ("EUR,DE,marketing,2026-10-01,cheap,", "Line 3: price"),
        ("EURO,DE,marketing,2026-10-01,0.12,", "Line 3: currency"),
    ],
)
def test_a_wrong_line_is_named_and_nothing_is_stored(tmp_path: Path, line: str, told: str) -> None:
    file = tmp_path / "rates.csv"
    file.write_text(HEAD + "EUR,AT,marketing,2027-01-01,0.12,\n".replace("AT", "DE") + line + "\n")

    with pytest.raises(CommandError, match=told), translation.override("en"):
        call_command("import_rates", str(file))

    assert not Rate.objects.filter(valid_from=date(2027, 1, 1)).exists()


@pytest.mark.django_db
def test_a_file_without_the_columns_says_which_are_missing(tmp_path: Path) -> None:
    file = tmp_path / "rates.csv"
    file.write_text("currency,market,price\nEUR,DE,0.1\n")

    with pytest.raises(CommandError, match="category, valid_from"), translation.override("en"):
        call_command("import_rates", str(file))
