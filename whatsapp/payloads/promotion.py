"""Tells advertising in a template that is meant for what somebody asked for: an order, an appointment (CG-31).

A template with a voucher is advertising, whatever else it says, and Meta moves it into the marketing category by
itself; then its consent is another one. Words of prices and taxes ("inkl. 19 % MwSt.") are none.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

# Parts that exist only to sell something.
PARTS = ("LIMITED_TIME_OFFER", "COPY_CODE", "CATALOG", "MPM", "SPM", "PRODUCT")
WORDS = re.compile(
    r"gutschein\w*|rabatt\w*|coupon\w*|voucher\w*|discount\w*|aktionscode\w*|sonderangebot\w*|preisnachl\w*"
    r"|promo[ _-]?codes?|special offers?|\b(?:sale|schlussverkauf)\b"
    r"|\d+ ?(?:%|prozent|percent) (?:rabatt|nachlass|auf|off|günstiger|billiger|reduziert)",
    re.I,
)


def in_parts(components: Sequence[Mapping[str, Any]]) -> list[str]:
    """The names of parts and the words by which a template advertises, each once; empty when there are none."""
    kinds = [kind for part in _flat(components) for kind in _kinds(part) if kind in PARTS]
    return list(dict.fromkeys([*kinds, *in_texts(_texts(components))]))


def in_texts(texts: Iterable[str]) -> list[str]:
    """The words of vouchers and discounts in these texts or names of variables, each once."""
    # A variable is called {{gutschein_code}}, an attribute "geburtstags_gutschein".
    return list(dict.fromkeys(found[0] for text in texts for found in WORDS.finditer(text)))


def _flat(components: Sequence[Mapping[str, Any]]) -> Iterable[Mapping[str, Any]]:
    for part in components:
        yield part
        yield from part.get("buttons") or []


def _kinds(part: Mapping[str, Any]) -> tuple[str, str]:
    return str(part.get("type", "")).upper(), str(part.get("format", "")).upper()


def _texts(components: Sequence[Mapping[str, Any]]) -> Iterable[str]:
    return (str(part.get("text", "")) for part in _flat(components))
