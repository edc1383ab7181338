"""Says which duties a consent text does not fulfil yet; while one is open, the text cannot be published.

Sources: CG-03 (what the text must name), CG-04 (each channel by name), CG-07 (age), CG-20 and CG-23 (the way out),
CG-35 and CG-37 (measuring and profiling), all in consent-gdpr § 1. The words that count are data, per language: a text
that says it in other words is told which words are looked for.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from consent.models import Channel, Purpose

Pair = tuple[str, str]
LANGUAGES = ("de", "en")
SHORTEST = 40


@dataclass(frozen=True)
class Finding:
    """A duty that a text does not fulfil: which one, in which language, what is missing and how to say it."""

    duty: str
    language: str
    problem: str | Promise
    remedy: str | Promise


@dataclass(frozen=True)
class Draft:
    """What is to be published: texts by language, covered (channel, purpose) pairs, the company, its privacy notice."""

    texts: Mapping[str, str]
    covers: Sequence[Pair]
    company: str
    policy_url: str = ""

    @property
    def channels(self) -> set[str]:
        return {channel for channel, _purpose in self.covers}

    @property
    def purposes(self) -> set[str]:
        return {purpose for _channel, purpose in self.covers}


CONTENT = {
    "de": r"angebot|neuigkeit|aktion|rabatt|gutschein|produkt|news|tipps|rezept|einladung|werbung|newsletter|event",
    "en": r"offer|news|deal|discount|voucher|coupon|product|tips|recipe|invitation|advertis|promotion|event",
}
OFTEN = {
    "de": r"(?:pro|im|je|in der|in einem) (?:tag|woche|monat|quartal|jahr)|täglich|wöchentlich|monatlich|jährlich",
    "en": r"(?:a|per|each|every) (?:day|week|month|quarter|year)|daily|weekly|monthly|yearly",
}
REVOKE = {"de": r"widerruf|abmelde|abbestell", "en": r"withdraw|unsubscribe|revoke|opt out"}
ANYTIME = {"de": r"jederzeit", "en": r"any ?time"}
STOP = re.compile(r"\bstopp?\b", re.I)
AGE = {"de": r"mindestens 16|16 jahre|ab 16|über 16", "en": r"at least 16|16 years|16 or older|over 16"}
MEASURING = {
    "de": r"(?:mess|auswert|erfass|sehen|erkenn|verfolg)\w*.*(?:link|klick|öffn|les)|(?:link|klick).*(?:mess|auswert|erfass)",
    "en": r"(?:measur|track|see|record)\w*.*(?:link|click|open|read)|(?:link|click)\w*.*(?:measur|track|record)",
}
PROFILE = {
    "de": r"profil|persönlich|personalisier|zugeschnitten|passend|interesse",
    "en": r"profil|personal|tailored|interest",
}
SPECIAL = {"de": r"gesundheit|besondere", "en": r"health|special"}
CHANNELS = {
    Channel.WHATSAPP.value: {"de": r"whats ?app", "en": r"whats ?app"},
    Channel.EMAIL.value: {"de": r"e-?mail", "en": r"e-?mail"},
    Channel.SMS.value: {"de": r"\bsms\b", "en": r"\bsms\b|text message"},
}
LINK = re.compile(r"https?://\S+\.\S+", re.I)


def findings(draft: Draft) -> list[Finding]:
    """Every open duty, language by language; empty when the text may be published."""
    if not any(draft.texts.get(language, "").strip() for language in LANGUAGES):
        return [Finding("CG-02", "de", _("There is no text yet."), _("Write what people agree to."))]
    found = list(_covering(draft))
    for language in LANGUAGES:
        if text := draft.texts.get(language, "").strip():
            found += _in(language, text, draft)
    return found


def _covering(draft: Draft) -> Iterator[Finding]:
    if not draft.covers:
        yield Finding("CG-04", "", _("It is a yes to nothing."), _("Choose at least one channel and purpose."))
    if Channel.ALL in draft.channels or Purpose.ALL in draft.purposes:
        yield Finding(
            "CG-04", "", _("A yes to “all” is not specific."), _("Name each channel and each purpose by itself.")
        )
    if not draft.company.strip():
        yield Finding(
            "CG-03",
            "",
            _("The company is not known yet."),
            _("Enter the company's legal name under “Company and privacy”."),
        )


def _in(language: str, text: str, draft: Draft) -> Iterator[Finding]:
    for duty, is_needed, is_fulfilled, problem, remedy in DUTIES:
        if is_needed(draft) and not is_fulfilled(text, language, draft):
            yield Finding(duty, language, problem, remedy)
    for channel, words in CHANNELS.items():
        if channel in draft.channels and not _says(words)(text, language, draft):
            name = Channel(channel).label
            yield Finding(
                "CG-04",
                language,
                _("The text does not name the channel %(channel)s.") % {"channel": name},
                _("Write by which way you will write, for example “by %(channel)s”.") % {"channel": name},
            )


def _says(words: Mapping[str, str]) -> Callable[[str, str, Draft], bool]:
    patterns = {language: re.compile(pattern, re.I | re.S) for language, pattern in words.items()}
    return lambda text, language, _draft: bool(patterns[language].search(text))


def _names_company(text: str, _language: str, draft: Draft) -> bool:
    return bool(draft.company.strip()) and _plain(draft.company) in _plain(text)


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()


def _covers(*purposes: str) -> Callable[[Draft], bool]:
    return lambda draft: bool(draft.purposes & set(purposes))


def _always(_draft: Draft) -> bool:
    return True


ADVERTISING = _covers(Purpose.MARKETING, Purpose.SURVEY)
DUTIES: tuple[
    tuple[str, Callable[[Draft], bool], Callable[[str, str, Draft], bool], str | Promise, str | Promise], ...
] = (
    (
        "CG-02",
        _always,
        lambda text, _language, _draft: len(text) >= SHORTEST,
        _("The text is too short to say what people agree to."),
        _("Write whole sentences: who writes, by which way, what about, how often, and how to stop it."),
    ),
    (
        "CG-03",
        lambda draft: bool(draft.company.strip()),
        _names_company,
        _("The text does not name your company as “Company and privacy” does."),
        _("Write the legal name out, for example “Bäckerei Sonne GmbH”; people agree to one company, not to a brand."),
    ),
    (
        "CG-03",
        ADVERTISING,
        _says(CONTENT),
        _("The text does not say what you will write about."),
        _("Name the kind of content, for example “offers and news about our bakery”."),
    ),
    (
        "CG-03",
        ADVERTISING,
        _says(OFTEN),
        _("The text does not say how often you will write."),
        _("Give a rough number, for example “about four times a month”."),
    ),
    (
        "CG-03",
        _always,
        lambda text, language, draft: _says(REVOKE)(text, language, draft) and _says(ANYTIME)(text, language, draft),
        _("The text does not say that the yes can be taken back at any time."),
        _("Write for example “I can withdraw this at any time”."),
    ),
    (
        "CG-23",
        lambda draft: Channel.WHATSAPP in draft.channels or Channel.SMS in draft.channels,
        lambda text, _language, _draft: bool(STOP.search(text)),
        _("The text does not name the word that stops the messages."),
        _("Name the concrete way, for example “by sending STOPP”."),
    ),
    (
        "CG-03",
        _always,
        lambda text, _language, draft: bool(LINK.search(text) or draft.policy_url),
        _("There is no link to the privacy notice."),
        _("Enter the address of your privacy notice, or write it into the text."),
    ),
    (
        "CG-07",
        _always,
        _says(AGE),
        _("The text does not ask for the age of 16, below which parents would have to agree."),
        _("Write for example “I am at least 16 years old”."),
    ),
    (
        "CG-35",
        _covers(Purpose.TRACKING),
        _says(MEASURING),
        _("It covers measuring clicks and reads, but the text does not say so."),
        _("Write for example “may measure which links I open”."),
    ),
    (
        "CG-37",
        _covers(Purpose.PROFILING),
        _says(PROFILE),
        _("It covers profiling, but the text does not say so."),
        _("Write what you form a profile from and what for, for example “to send me offers that fit my interests”."),
    ),
    (
        "CG-08",
        _covers(Purpose.SPECIAL_CATEGORY),
        _says(SPECIAL),
        _("It covers special categories of data such as health, but the text does not name them."),
        _("Name the data expressly, for example “my answers about my skin and my health”."),
    ),
    (
        "CG-04",
        lambda draft: bool(draft.purposes & {Purpose.MARKETING}) and len(draft.purposes) > 1,
        lambda _text, _language, _draft: False,
        _("Advertising and another purpose are bound together in one yes."),
        _(
            "Make a wording of its own for measuring, profiling and the like, with a box of its own: nobody may have to"
            " agree to them in order to get your messages."
        ),
    ),
)


def is_publishable(draft: Draft) -> bool:
    """Whether no duty is open."""
    return not findings(draft)


def by_language(found: Iterable[Finding]) -> dict[str, list[Finding]]:
    """The findings of each language, and under "" those of none."""
    grouped: dict[str, list[Finding]] = {}
    for finding in found:
        grouped.setdefault(finding.language, []).append(finding)
    return grouped
