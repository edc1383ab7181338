"""Says which duties a consent text does not fulfil yet; while one is open, the text cannot be published.

Sources: CG-02 (a clear act), CG-03 (what the text must name), CG-04 (each channel by name, purposes apart), CG-05 (a
benefit is plain and hides nothing), CG-07 (age), CG-08 (special data), CG-20 and CG-23 (the way out), CG-35 and CG-37
(measuring and profiling): consent-gdpr § 1.
Which words say it is data: `consent.linting.words`, of benefits `consent.linting.benefits`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from consent.linting import benefits, words
from consent.linting.words import LANGUAGES, Words, plain
from consent.models import Channel, Purpose

Pair = tuple[str, str]
SHORTEST = 40
ADVERTISING = frozenset({Purpose.MARKETING.value, Purpose.SURVEY.value})
# What somebody may refuse and still get the messages (recital 43).
OPTIONAL = frozenset({Purpose.TRACKING.value, Purpose.PROFILING.value})
BY_WORD = frozenset({Channel.WHATSAPP.value, Channel.SMS.value})


@dataclass(frozen=True)
class Finding:
    """A duty that is open: its number and name, in which language ("" for all), what is missing and the remedy."""

    rule: str
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

    @property
    def written(self) -> dict[str, str]:
        """The texts that say anything, by language."""
        return {language: text for language in LANGUAGES if (text := self.texts.get(language, "").strip())}


@dataclass(frozen=True)
class Duty:
    """Something a text has to say, when it has to, and what to tell whoever has not said it yet.

    It is due when one of its `channels` and one of its `purposes` is covered; without any, always.
    """

    rule: str
    name: str
    is_fulfilled: Callable[[str, str, Draft], bool]  # text, language, draft
    problem: str | Promise
    remedy: str | Promise
    channels: frozenset[str] = frozenset()
    purposes: frozenset[str] = frozenset()

    def is_due(self, draft: Draft) -> bool:
        """Whether what this draft covers demands it."""
        return not (self.channels and not self.channels & draft.channels) and not (
            self.purposes and not self.purposes & draft.purposes
        )

    def finding(self, language: str) -> Finding:
        """That it is open in this language."""
        return Finding(self.rule, self.name, language, self.problem, self.remedy)


def findings(draft: Draft) -> list[Finding]:
    """Every open duty: those of the whole first, then language by language; empty when it may be published."""
    found = list(_of_the_whole(draft))
    for language, text in draft.written.items():
        due = (duty for duty in DUTIES if duty.is_due(draft))
        found += [duty.finding(language) for duty in due if not duty.is_fulfilled(text, language, draft)]
    return found


def _of_the_whole(draft: Draft) -> Iterator[Finding]:
    """What does not depend on the words: is there a text, what does it cover, is the company known."""
    if not draft.written:
        yield Finding("CG-02", "text", "", _("There is no text yet."), _("Write what people agree to."))
    if not draft.covers:
        yield Finding(
            "CG-04", "covers", "", _("It is a yes to nothing."), _("Choose at least one channel and purpose.")
        )
    if Channel.ALL in draft.channels or Purpose.ALL in draft.purposes:
        yield Finding(
            "CG-04",
            "specific",
            "",
            _("A yes to “all” is not specific."),
            _("Name each channel and each purpose by itself."),
        )
    if draft.purposes & OPTIONAL and draft.purposes - OPTIONAL:
        yield Finding(
            "CG-04",
            "apart",
            "",
            _("Messages and measuring or profiling are bound together in one yes."),
            _(
                "Make a wording of its own for measuring and profiling, with a box of its own: nobody may have to agree"
                " to them in order to get your messages."
            ),
        )
    if Purpose.SPECIAL_CATEGORY in draft.purposes and len(draft.purposes) > 1:
        yield Finding(
            "CG-08",
            "special_apart",
            "",
            _("Special categories of data are bound together with something else in one yes."),
            _("Make a wording of its own for them, with a box of its own: the law demands a separate, express yes."),
        )
    if not draft.company.strip():
        yield Finding(
            "CG-03",
            "company_known",
            "",
            _("The company is not known yet."),
            _("Enter the company's legal name under “Company”."),
        )


def _says(*said: Words) -> Callable[[str, str, Draft], bool]:
    """Whether the text says all of this."""
    return lambda text, language, _draft: all(words.says(text, language, one) for one in said)


def _omits(*said: Words) -> Callable[[str, str, Draft], bool]:
    """Whether the text says nothing of this."""
    return lambda text, language, _draft: not any(words.says(text, language, one) for one in said)


def _is_long_enough(text: str, _language: str, _draft: Draft) -> bool:
    return len(plain(text)) >= SHORTEST


def _names_company(text: str, _language: str, draft: Draft) -> bool:
    """With an unknown company there is another finding already."""
    return not draft.company.strip() or words.has_name(text, draft.company)


def _explains_benefit(text: str, language: str, _draft: Draft) -> bool:
    return not words.says(text, language, benefits.PROMISE) or words.says(text, language, benefits.CONDITIONS)


def _puts_benefit_last(text: str, language: str, _draft: Draft) -> bool:
    """Whether who reads of a benefit has read before that it is a yes, and to messages by which way."""
    promised = words.place(text, language, benefits.PROMISE)
    if promised is None:
        return True
    ways = [words.place(text, language, way) for way in (words.WHATSAPP, words.EMAIL, words.SMS)]
    first_way = min((at for at in ways if at is not None), default=0)
    # What is not said at all has a finding of its own.
    return first_way <= promised and (words.place(text, language, words.WILL) or 0) <= promised


def _leads_to_notice(text: str, language: str, draft: Draft) -> bool:
    return bool(draft.policy_url) or words.says(text, language, words.LINK)


DUTIES = (
    Duty(
        "CG-02",
        "length",
        _is_long_enough,
        _("The text is too short to say what people agree to."),
        _("Write whole sentences: who writes, by which way, what about, how often, and how to stop it."),
    ),
    Duty(
        "CG-02",
        "own_words",
        _says(words.WILL),
        _("The text is no statement of the person who agrees."),
        _("Let the person say it, for example “Yes, I would like to …” or “I agree that …”."),
    ),
    Duty(
        "CG-02",
        "no_terms",
        _omits(words.TERMS),
        _("Consent is bound together with terms and conditions."),
        _("Take the terms out of the text: they need a box of their own, if they need one at all (Art. 7 (2) GDPR)."),
    ),
    Duty(
        "CG-02",
        "finished",
        _omits(words.PLACEHOLDER),
        _("A placeholder in brackets is left in the text."),
        _("Replace it by what people are to read."),
    ),
    Duty(
        "CG-03",
        "company",
        _names_company,
        _("The text does not name your company as “Company” does."),
        _("Write the legal name out, for example “Bäckerei Sonne GmbH”; people agree to one company, not to a brand."),
    ),
    Duty(
        "CG-03",
        "content",
        _says(words.CONTENT),
        _("The text does not say what you will write about."),
        _("Name the kind of content, for example “offers and news about our bakery”."),
        purposes=ADVERTISING,
    ),
    Duty(
        "CG-03",
        "frequency",
        _says(words.OFTEN),
        _("The text does not say how often you will write."),
        _("Give a rough number, for example “about four times a month”."),
        purposes=ADVERTISING,
    ),
    Duty(
        "CG-03",
        "orders",
        _says(words.ORDERS),
        _("It covers orders and appointments, but the text does not say so."),
        _("Name them, for example “messages about my order and its delivery”."),
        purposes=frozenset({Purpose.TRANSACTIONAL.value}),
    ),
    Duty(
        "CG-03",
        "withdrawal",
        _says(words.REVOKE, words.ANYTIME),
        _("The text does not say that the yes can be taken back at any time."),
        _("Write for example “I can withdraw this at any time”."),
    ),
    Duty(
        "CG-03",
        "notice",
        _leads_to_notice,
        _("There is no link to the privacy notice."),
        _("Enter the address of your privacy notice under “Company”, or write it into the text."),
    ),
    *(
        Duty(
            "CG-04",
            f"channel_{channel}",
            _says(named),
            problem,
            remedy,
            channels=frozenset({channel}),
        )
        for channel, named, problem, remedy in (
            (
                Channel.WHATSAPP.value,
                words.WHATSAPP,
                _("The text does not name WhatsApp."),
                _("Name the channel, for example “by WhatsApp”."),
            ),
            (
                Channel.EMAIL.value,
                words.EMAIL,
                _("The text does not name e-mail."),
                _("Name the channel, for example “by e-mail”."),
            ),
            (
                Channel.SMS.value,
                words.SMS,
                _("The text does not name text messages."),
                _("Name the channel, for example “by SMS”."),
            ),
        )
    ),
    Duty(
        "CG-05",
        "benefit_terms",
        _explains_benefit,
        _("The text promises a benefit, but not what it is worth: neither its conditions nor that it stays theirs."),
        _(
            "Write for example “The voucher is valid from a purchase of 20 €” or “I keep the voucher if I withdraw”. Or"
            " take the benefit out of the text and enter it in the sign-up form, with its conditions."
        ),
    ),
    Duty(
        "CG-05",
        "benefit_last",
        _puts_benefit_last,
        _("The benefit stands before what people agree to, and hides it."),
        _("Begin with the yes: from whom and by which way messages will come. Name the benefit after that."),
    ),
    Duty(
        "CG-07",
        "age",
        _says(words.AGE),
        _("The text does not ask for the age of 16, below which parents would have to agree."),
        _("Write for example “I am at least 16 years old”."),
    ),
    Duty(
        "CG-08",
        "special_named",
        _says(words.SPECIAL),
        _("It covers special categories of data such as health, but the text does not name them."),
        _("Name the data, for example “my answers about my skin and my health”."),
        purposes=frozenset({Purpose.SPECIAL_CATEGORY.value}),
    ),
    Duty(
        "CG-08",
        "special_express",
        _says(words.EXPRESSLY),
        _("It covers special categories of data, but the yes to them is not express."),
        _("Write “I expressly agree that …”."),
        purposes=frozenset({Purpose.SPECIAL_CATEGORY.value}),
    ),
    Duty(
        "CG-20/23",
        "way_out",
        _says(words.STOP),
        _("The text does not name the word that stops the messages."),
        _("Name the concrete way, for example “by sending STOPP”."),
        channels=BY_WORD,
    ),
    Duty(
        "CG-20/23",
        "way_out_of_mail",
        _says(words.UNSUBSCRIBE),
        _("The text does not name the way out of e-mails."),
        _("Name the concrete way, for example “by the link in every e-mail”."),
        channels=frozenset({Channel.EMAIL.value}),
    ),
    Duty(
        "CG-35",
        "measuring",
        _says(words.MEASURING),
        _("It covers measuring clicks and reads, but the text does not say so."),
        _("Write for example “may measure which links I open”."),
        purposes=frozenset({Purpose.TRACKING.value}),
    ),
    Duty(
        "CG-37",
        "profiling",
        _says(words.PROFILE),
        _("It covers profiling, but the text does not say so."),
        _("Write what you form a profile from and what for, for example “a profile from my purchases, to …”."),
        purposes=frozenset({Purpose.PROFILING.value}),
    ),
)
