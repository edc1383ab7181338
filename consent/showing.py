"""What a sign-up form itself says, in the language of whoever reads it, as far as the company has translated it."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from django.core.exceptions import ValidationError
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from consent import speaking, vouchers
from consent.models import SignupForm, Wording
from consent.queries import published

# What can be translated, beside the answers of a choice.
TEXTS = ("headline", "intro", "benefit", "benefit_terms", "question_label")
ANSWERS = "question_answers"
PROMISE = ("benefit", "benefit_terms")


class Text(NamedTuple):
    """A text to be shown; `language` names its own where it is another one than the page's, else it is "".

    Where a translation is missing the page is offered all the same, because the consent text, which counts most, is
    there in the reader's language; the piece is marked instead, so that it is read out right (WCAG 3.1.2).
    """

    words: str
    language: str


class Answer(NamedTuple):
    """One answer of a choice: what is kept of it, whichever language was read, and what is shown."""

    kept: str
    words: str


def language_for(wording: Wording) -> str:
    """In which language a new form's own texts are, unless it says so: German, or that of a consent text without it."""
    version = published(wording) or wording.versions.order_by("-number").first()
    return next((code for code in speaking.LANGUAGES if version and version.texts.get(code)), "de")


def texts(form: SignupForm, language: str, *, was_promised: bool = False) -> dict[str, Text]:
    """Every text of the form for a reader of this language, by name; of a benefit only what can be kept now.

    With `was_promised` the benefit as well: the reader has seen it, and is owed it.
    """
    translated = _translated(form, language)
    silent = () if was_promised or vouchers.is_promised(form) else PROMISE
    return {name: Text("", "") if name in silent else _text(form, name, language, translated) for name in TEXTS}


def benefit(form: SignupForm, language: str) -> tuple[Text, Text]:
    """The benefit and its conditions for a reader of this language, whether or not it is still promised to others."""
    translated = _translated(form, language)
    words, terms = (_text(form, name, language, translated) for name in PROMISE)
    return words, terms


def answers(form: SignupForm, language: str) -> tuple[list[Answer], str]:
    """The answers of the form's choice, and their language where it is another one than the page's, else ""."""
    translated = _translated(form, language)
    shown = translated.get(ANSWERS) or form.question_answers
    own = "" if translated.get(ANSWERS) or language == form.language else form.language
    return [Answer(kept, words) for kept, words in zip(form.question_answers, shown, strict=False)], own


def as_evidence(form: SignupForm, language: str, *, was_promised: bool = False) -> dict[str, str]:
    """What stood around the consent text when somebody ticked its box: the form may be changed later (§ 4)."""
    shown = texts(form, language, was_promised=was_promised)
    return {name: text.words for name, text in shown.items() if text.words}


def languages(form: SignupForm) -> list[str]:
    """The languages in which the form's headline is written, its own first: those of its posters."""
    others = [code for code in speaking.LANGUAGES if code != form.language]
    return [form.language, *(code for code in others if _translated(form, code).get("headline"))]


def check(form: SignupForm) -> None:
    """Raise ValidationError where a translation names what there is not, is too long, or leaves out an answer."""
    if problems := list(_problems(form)):
        raise ValidationError({"translations": problems})


def _problems(form: SignupForm) -> Iterator[str]:
    if not isinstance(form.translations, dict):
        yield _('Give the texts by language, for example {"en": {"headline": …}}.')
        return
    for language, given in form.translations.items():
        if language not in speaking.LANGUAGES:
            yield _("“%(language)s” is none of the languages: %(known)s.") % {
                "language": language,
                "known": ", ".join(speaking.LANGUAGES),
            }
        elif language == form.language:
            yield _("“%(language)s” is the language of the form's own texts: change those.") % {"language": language}
        elif not isinstance(given, dict):
            yield _('Give the texts by language, for example {"en": {"headline": …}}.')
        else:
            yield from (f"{language}, {told}" for told in _problems_of(form, given))


def _problems_of(form: SignupForm, given: Mapping[str, Any]) -> Iterator[str]:
    for name, words in given.items():
        if name == ANSWERS:
            if not _are_answers(form, words):
                yield _("answers: give as many as in the form's own language, in the same order and none twice.")
        elif name not in TEXTS:
            yield _("“%(name)s” is no text of a form: %(known)s.") % {
                "name": name,
                "known": ", ".join((*TEXTS, ANSWERS)),
            }
        elif not isinstance(words, str) or len(words) > limit(name):
            told = _("%(name)s: a text of at most %(count)s characters.")
            yield told % {"name": label(name), "count": limit(name)}


def _are_answers(form: SignupForm, words: Any) -> bool:
    if not isinstance(words, list) or not all(isinstance(one, str) and 0 < len(one) <= 60 for one in words):
        return False
    return len(words) == len(form.question_answers) == len(set(words))


def limit(name: str) -> int:
    """How long a text may be, in any language."""
    return int(SignupForm._meta.get_field(name).max_length or 0)  # type: ignore[union-attr]


def label(name: str) -> str:
    """What a text is called."""
    return str(capfirst(SignupForm._meta.get_field(name).verbose_name))  # type: ignore[union-attr]


def _text(form: SignupForm, name: str, language: str, translated: Mapping[str, Any]) -> Text:
    own = getattr(form, name)
    if own and translated.get(name):
        return Text(translated[name], "")
    return Text(own, "" if language == form.language or not own else form.language)


def _translated(form: SignupForm, language: str) -> Mapping[str, Any]:
    return form.translations.get(language, {})
