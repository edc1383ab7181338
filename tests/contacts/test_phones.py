"""Phone numbers as people write them, and the proof that the fast path equals the library."""

from unittest.mock import patch

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as some
from phonenumbers import PhoneNumberFormat

from contacts import phones

SPELLINGS = [
    "015123456789",
    "0151 23456789",
    "0151/23456789",
    "0151-234 567 89",
    "0151.23456789",
    "(0151) 23456789",
    "+4915123456789",
    "+49 151 23456789",
    "+49 (0) 151 23456789",
    "+49 (0)151/23 45 67 89",
    "+49 0151 23456789",
    "0049 151 23456789",
    "0049(0)151-23456789",
    "(0049) 151 23456789",
    "0151\u00a02345\u202f6789",
    "  0151 23456789\t",
    "'015123456789",
    "tel:+49-151-23456789",
    "4915123456789",
    "4915123456789.0",
    "15123456789",
]
DRAMA_NUMBERS = ["03023125%03d", "06990009%03d", "04066969%03d", "02214710%03d", "08999998%03d"]


def by_library(raw: str, country: str) -> str | None:
    """What the library alone says, under the same rule of what can be stored."""
    try:
        number = phonenumbers.parse(raw, country)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    written = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    return written if phones.E164.fullmatch(written) else None


@pytest.mark.parametrize("raw", SPELLINGS)
def test_a_german_mobile_number_is_understood_however_it_is_written(raw: str) -> None:
    assert phones.normalise(raw) == "+4915123456789"


def test_fixed_lines_and_their_brackets_are_understood() -> None:
    assert phones.normalise("(0)30-23125001") == "+493023125001"
    assert phones.normalise("0221/4710-123") == "+492214710123"


@pytest.mark.parametrize("pattern", DRAMA_NUMBERS)
def test_every_number_reserved_for_films_is_accepted(pattern: str) -> None:
    numbers = {phones.normalise(pattern % last) for last in range(1000)}

    assert len(numbers) == 1000
    assert None not in numbers


@pytest.mark.parametrize(
    ("raw", "country", "number"),
    [
        ("0664 1234567", "AT", "+436641234567"),
        ("+43 (0) 664 1234567", "DE", "+436641234567"),
        ("079 123 45 67", "CH", "+41791234567"),
        ("0041 79 123 45 67", "DE", "+41791234567"),
        ("+33 6 12 34 56 78", "DE", "+33612345678"),
        ("06 12 34 56 78", "FR", "+33612345678"),
        ("(212) 555-0123", "US", "+12125550123"),
        ("011 49 151 23456789", "US", "+4915123456789"),
    ],
)
def test_other_countries_are_understood_too(raw: str, country: str, number: str) -> None:
    assert phones.normalise(raw, country) == number


@pytest.mark.parametrize(
    "raw",
    [
        *("", " ", "-", "keine", "0", "0151", "0151 123", "+49", "+490", "0049", "110", "12345", "١٢٣"),
        "4,91512E+12",  # Excel has thrown digits away
        "4.91512e+12",
        "4E+12",
        "0151 23456789 mobil",  # a library reads letters as digits
        "0800 FLOWERS",
        "0151 23456789 / 0172 2345678",
        "+49 151 23456789 ext. 5",
        "015123456789012345",
        "0151 2345678９9x",
    ],
)
def test_what_is_not_a_phone_number_is_refused(raw: str) -> None:
    assert phones.normalise(raw) is None


@pytest.mark.parametrize("country", ["DE", "AT", "CH"])
def test_the_fast_path_equals_the_library_over_all_prefixes(country: str) -> None:
    for prefix in range(100, 1000):
        for length in range(4, 10):
            raw = f"0{prefix}{'2345678901'[:length]}"
            assert phones.normalise(raw, country) == by_library(raw, country), raw


def test_the_fast_path_equals_the_library_over_all_german_four_digit_prefixes() -> None:
    for prefix in range(1000, 10000):
        for subscriber in ("234", "2345678"):
            raw = f"+49{prefix}{subscriber}"
            assert phones.normalise(raw) == by_library(raw, "DE"), raw


@given(
    before=some.sampled_from(["0", "0049", "+49", "+49 (0) ", "0049 0", "(0)", "+43", "0043(0)", "+41 0", "+49-0"]),
    digits=some.text("0123456789", min_size=1, max_size=15),
    sign=some.sampled_from(["", " ", "-", "/", ".", "\u00a0", " - ", ") "]),
    cut=some.integers(1, 6),
    country=some.sampled_from(["DE", "AT", "CH", "FR", "US"]),
)
def test_the_fast_path_equals_the_library_for_any_digits(
    before: str, digits: str, sign: str, cut: int, country: str
) -> None:
    raw = before + digits[:cut] + sign + digits[cut:]

    assert phones.normalise(raw, country) == by_library(raw, country)


@given(some.text(max_size=30))
def test_any_text_gives_a_number_we_can_store_or_none(raw: str) -> None:
    number = phones.normalise(raw)

    assert number is None or phones.E164.fullmatch(number)


@given(some.sampled_from([*SPELLINGS, "06641234567", "+33 6 12 34 56 78"]), some.sampled_from(["DE", "AT"]))
def test_a_normalised_number_stays_as_it_is(raw: str, country: str) -> None:
    number = phones.normalise(raw, country)

    assert number is None or phones.normalise(number, country) == number


def test_common_spellings_never_reach_the_slow_library() -> None:
    with patch("phonenumbers.parse", side_effect=AssertionError("the library was asked")):
        for raw in SPELLINGS[:17]:
            assert phones.normalise(raw) == "+4915123456789"


def test_whatsapp_ids_become_numbers_without_being_doubted() -> None:
    assert phones.from_whatsapp("4915123456789") == "+4915123456789"
    assert phones.from_whatsapp("+4915123456789") == "+4915123456789"
    assert phones.from_whatsapp("DE.13491208655302741918") is None
    assert phones.from_whatsapp("") is None
