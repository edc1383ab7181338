"""Makes sense of single cells: invisible characters, yes and no, languages, countries, names, tags."""

import re
from functools import cache, lru_cache

from babel import Locale
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from contacts.importing import limits

# Zero-width and direction marks come along when numbers are copied from phones and web pages.
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
_ESCAPED = frozenset("=+-@|%\t\r\n＝＋－＠")  # what our own exports put an apostrophe before; security § 7
GERMAN_POSTCODE = re.compile(r"[0-9]{5}")
# Meta: country code, dot, up to 128 characters; with ENT. in between for a parent portfolio.
BSUID = re.compile(r"[A-Z]{2}\.[A-Za-z0-9.]{1,150}")
_PLAIN_EMAIL = re.compile(
    r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}"
)
ROUNDED = re.compile(r"'?[+-]?\d(?:[.,]\d+)?[eE]\+?\d{1,2}")
YES = {
    "ja", "j", "yes", "y", "x", "true", "t", "1", "wahr", "on", "ok", "subscribed", "opted_in", "opted-in",
    "optin", "opt-in", "eingewilligt", "zugestimmt", "erteilt", "angemeldet", "abonniert", "granted",
    "accepted", "consented", "✓", "✔", "☑",
}  # fmt: skip
NO = {
    "nein", "n", "no", "false", "f", "0", "falsch", "off", "-", "—", "none", "null", "unsubscribed",
    "not_subscribed", "never_subscribed", "opted_out", "opted-out", "abgelehnt", "nicht", "widerrufen",
    "abgemeldet", "denied", "☐", "✗",
}  # fmt: skip
_COUNTRY_CODES = {"d": "DE", "ger": "DE", "deu": "DE", "brd": "DE", "a": "AT", "aut": "AT", "ch": "CH", "che": "CH"}
_LANGUAGES = {"german": "de", "germany": "de", "ger": "de", "deu": "de", "english": "en", "englisch": "en", "eng": "en"}
_LANGUAGE_CODE = re.compile(r"([a-z]{2})(?:[-_][a-z]{2})?")


def tidy(cell: str) -> str:
    """The cell without outer blanks, invisible characters and the apostrophe that guards formulas in exports."""
    cell = cell.strip()
    if not cell.isascii() and _INVISIBLE.search(cell):
        cell = _INVISIBLE.sub("", cell).strip()
    if cell[:1] == "'" and cell[1:2] in _ESCAPED and len(cell) > 1:
        cell = cell[1:]
    return cell


def is_email(cell: str) -> bool:
    """Whether this lower-case text is an e-mail address; the common ones are told without Django's slower check."""
    if len(cell) > 254 or _PLAIN_EMAIL.fullmatch(cell):
        return len(cell) <= 254
    try:
        validate_email(cell)
    except ValidationError:
        return False
    return True


def yes_or_no(cell: str) -> bool | None:
    """True for ja, x, 1, subscribed …, False for nein, 0, unsubscribed …, None for anything else."""
    word = cell.lower()
    if word in YES:
        return True
    return False if word in NO else None


@lru_cache(maxsize=1000)
def country(cell: str) -> str | None:
    """The ISO 3166 code of a country given as code or as German or English name; None if there is none."""
    word = cell.strip().lower()
    code = cell.strip().upper()
    return _COUNTRY_CODES.get(word) or (code if code in _countries().values() else _countries().get(word))


@lru_cache(maxsize=1000)
def language(cell: str) -> str | None:
    """The two-letter code of a language given as code, locale or German or English name; None if there is none."""
    word = cell.strip().lower()
    code = _LANGUAGE_CODE.fullmatch(word)
    if code and code[1] in _languages().values():
        return code[1]
    return _LANGUAGES.get(word) or _languages().get(word)


def split_name(cell: str) -> tuple[str, str]:
    """(first name, last name) of "Anna Maria Schmidt" and of "Schmidt, Anna Maria"."""
    if "," in cell:
        last, _comma, first = cell.partition(",")
        return first.strip(), last.strip()
    first, _blank, last = cell.rpartition(" ")
    return (first.strip(), last) if first else (last, "")


def split_tags(cell: str) -> list[str]:
    """The tags of a cell, separated by comma, semicolon or bar, each once whatever its case."""
    names = {" ".join(part.split()): None for part in re.split(r"[,;|]", cell)}
    distinct = {name.lower(): name for name in names if name}
    return list(distinct.values())[: limits.TAGS_PER_ROW]


@cache
def _countries() -> dict[str, str]:
    return {
        name.lower(): code
        for locale in ("en", "de")
        for code, name in Locale(locale).territories.items()
        if len(code) == 2 and code.isalpha() and code not in {"EU", "EZ", "UN", "ZZ", "XA", "XB", "QO"}
    }


@cache
def _languages() -> dict[str, str]:
    return {
        name.lower(): code
        for locale in ("en", "de")
        for code, name in Locale(locale).languages.items()
        if len(code) == 2
    }
