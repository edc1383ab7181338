"""Turns the many ways people write phone numbers into E.164, the one way we store them."""

import re
from functools import cache

import phonenumbers
from phonenumbers import PhoneMetadata, PhoneNumberDesc, PhoneNumberFormat

# What `contacts.models.Contact` can store; shorter and longer numbers cannot be on WhatsApp.
E164 = re.compile(r"\+[1-9][0-9]{6,14}")

CALLING_CODES = {"DE": "49", "AT": "43", "CH": "41"}
_REGIONS = {code: region for region, code in CALLING_CODES.items()}

# Blanks (also the non-breaking ones of Excel and Word), dots, dashes, slashes and brackets say nothing.
_PUNCTUATION = {ord(sign): None for sign in " \t\u00a0\u202f\u2009./()-\u2010\u2011\u2013"}
_INTERNATIONAL = re.compile(r"(?:\+|00)(49|43|41)0?([1-9][0-9]*)", re.ASCII)
_NATIONAL = re.compile(r"0([1-9][0-9]*)", re.ASCII)
_PLUS_FORGOTTEN = re.compile(r"(49|43|41)([1-9][0-9]*)", re.ASCII)

# 4,91512E+12: Excel has thrown the last digits away, so whatever is left is somebody else's number.
_ROUNDED_BY_EXCEL = re.compile(r"\s*'?[+-]?\d+(?:[.,]\d+)?[eE][+-]?\d+\s*")
# 4915112345678.0: a spreadsheet program took the number for a decimal.
_DECIMAL = re.compile(r"(\+?\d{7,})[.,]0")
# What people write between the digits.
_BETWEEN = r"[ ./()-]{0,3}"
_LETTER = re.compile(r"[^\W\d_]")

# A metadata description as (possible lengths, pattern of the whole national number).
_Description = tuple[frozenset[int], re.Pattern[str]]


def normalise(raw: str, country: str = "DE") -> str | None:
    """The E.164 form ("+4915112345678") of a phone number as people write it, or None if it is not one.

    `country` (ISO 3166, two letters) says where a number without a country code belongs. German, Austrian and Swiss
    spellings take a fast path that gives what the phonenumbers library gives; everything else is left to the library.
    Two deliberate differences: letters are refused ("0151 2345678 mobil" would be read as a vanity number), and a
    mobile number that only lacks its plus ("4915112345678") is taken for what it is.
    """
    text = raw.strip().lstrip("'").strip()
    digits = text.translate(_PUNCTUATION)
    return _familiar(digits, country) or _unfamiliar(text, digits, country)


def from_whatsapp(wa_id: str) -> str | None:
    """The E.164 form of a `wa_id` of Meta's webhooks, which lacks the plus; None if it is not a phone number.

    The number is not checked further: WhatsApp has proved that it exists.
    """
    number = "+" + wa_id.strip().lstrip("+")
    return number if E164.fullmatch(number) else None


def shown(number: str) -> str:
    """A stored number as people read it, "+49 30 231250"; what is no number stays as it is."""
    try:
        return phonenumbers.format_number(phonenumbers.parse(number), PhoneNumberFormat.INTERNATIONAL)
    except phonenumbers.NumberParseException:
        return number


def written(number: str) -> tuple[str, re.Pattern[str]]:
    """A stored number as it stands in other people's texts: the digits that no spelling leaves out, and what finds it.

    It is found as WhatsApp writes it, and as people do, with blanks, dots, dashes, slashes and brackets between; never
    within a longer number. Only a German one is found in the form that it has at home, with a zero in front.
    """
    code, national = _parts(number)
    home = rf"|\(?0{_BETWEEN}" if code == CALLING_CODES["DE"] else ""
    abroad = rf"(?:\+|00)?{code}{_BETWEEN}(?:\(?0\)?{_BETWEEN})?" if code else r"\+?"
    return national, re.compile(rf"(?<![0-9])(?:{abroad}{home}){_BETWEEN.join(national)}(?![0-9])")


def _parts(number: str) -> tuple[str, str]:
    """Calling code and the rest; no code where the library knows none, for what WhatsApp proves need not be listed."""
    try:
        code = str(phonenumbers.parse(number).country_code)
    except phonenumbers.NumberParseException:
        return "", number.lstrip("+")
    return code, number.lstrip("+").removeprefix(code)


def _familiar(digits: str, country: str) -> str | None:
    """A German, Austrian or Swiss number in a common spelling; None leaves it to the library."""
    if country in CALLING_CODES:
        if found := _NATIONAL.fullmatch(digits):
            return _checked(CALLING_CODES[country], found[1])
        if (found := _PLUS_FORGOTTEN.fullmatch(digits)) and found[1] == CALLING_CODES[country]:
            return _checked(*found.groups()) if _is_mobile(*found.groups()) else None
    found = _INTERNATIONAL.fullmatch(digits)
    if found and (digits[0] == "+" or country in CALLING_CODES):
        return _checked(*found.groups())
    return None


def _unfamiliar(text: str, digits: str, country: str) -> str | None:
    """Any other number, by the library."""
    if _ROUNDED_BY_EXCEL.fullmatch(text):
        return None
    if decimal := _DECIMAL.fullmatch(text):
        return normalise(decimal[1], country)
    text = text.removeprefix("tel:")
    if _LETTER.search(text):
        return None
    return _by_library(text, country)


def _by_library(text: str, country: str) -> str | None:
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number) or number.extension:
        return None
    written = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    return written if E164.fullmatch(written) else None


def _checked(code: str, national: str) -> str | None:
    number = f"+{code}{national}"
    return number if _is_valid(code, national) and E164.fullmatch(number) else None


def _is_valid(code: str, national: str) -> bool:
    """The library's is_valid_number for a country code that has one region, without its detours."""
    general, kinds = _descriptions(code)
    return _fits(general, national) and any(_fits(kind, national) for kind in kinds)


def _is_mobile(code: str, national: str) -> bool:
    general, kinds = _descriptions(code)
    return _fits(general, national) and _fits(kinds[0], national)


def _fits(description: _Description, national: str) -> bool:
    lengths, pattern = description
    return (not lengths or len(national) in lengths) and pattern.fullmatch(national) is not None


@cache
def _descriptions(code: str) -> tuple[_Description, list[_Description]]:
    """What a region's numbers look like: in general, and per kind with mobile numbers, the usual ones, first."""
    region = PhoneMetadata.metadata_for_region(_REGIONS[code])
    assert region is not None
    assert region.general_desc is not None
    kinds = [region.mobile, region.fixed_line, region.personal_number, region.voip, region.shared_cost]
    kinds += [region.premium_rate, region.toll_free, region.uan, region.pager, region.voicemail]
    general = _described(region.general_desc)
    return general, [_described(kind, general[0]) for kind in kinds if kind and kind.national_number_pattern]


def _described(kind: PhoneNumberDesc, lengths: frozenset[int] = frozenset()) -> _Description:
    possible = frozenset(kind.possible_length or ())
    return possible or lengths, re.compile(kind.national_number_pattern or "")
