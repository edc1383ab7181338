"""What a yes says of the age of 16, below which parents would have to agree (CG-07, Art. 8 GDPR).

The one rule: what somebody confirmed or denied counts first; where nothing was said of it, a text that itself says "I
am at least 16 years old" confirms it, because people agreed to that sentence. A yes with neither leaves the age
unknown, and then `rules` allows advertising unless the company demands the age.
"""

from collections.abc import Iterable
from datetime import date

from consent.linting import words

OF_AGE = 16


def confirmed(said: bool | None, texts: Iterable[str]) -> bool | None:
    """Whether the person who agreed to these texts is at least 16; None where neither they nor the texts say so."""
    return said if said is not None else (says_age(texts) or None)


def says_age(texts: Iterable[str]) -> bool:
    """Whether every one of these texts, which are versions of one, names the age; people have read one of them."""
    written = [text for text in texts if text.strip()]
    return bool(written) and all(_names_age(text) for text in written)


def is_too_young(birthday: date, on: date) -> bool:
    """Whether somebody is younger than 16 on this day; `rules` says the same in SQL."""
    return (on.year - OF_AGE, on.month, on.day) < (birthday.year, birthday.month, birthday.day)


def _names_age(text: str) -> bool:
    # Imported texts come without a language.
    return any(words.says(text, language, words.AGE) for language in words.LANGUAGES)
