"""Recognises in what people write that they want to stop, want to start, or may want to stop; German and English.

Rules and vectors: consent-gdpr § 7. The word lists are data (`phrases`); what is not on them changes nothing by itself.
Runs before flows, bots and anything clever.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, groupby
from operator import or_
from typing import Literal, NamedTuple

from consent.phrases import (
    ALL,
    ANNOYED,
    ASK_WHOLE,
    ASK_WORDS,
    BARE_QUESTION,
    CLOSING,
    ELSEWHERE,
    ENDINGS,
    ERASE,
    HARD,
    HEADS,
    INTENTS,
    OBJECT,
    OBJECTIONS,
    OF_MESSAGES,
    OPPOSITE,
    OPT_INS,
    ORDER,
    POLITE,
    QUESTION,
    SOFT,
    STAYING,
    STOP_AT_EDGE,
    STOP_STEM,
    TAKEN_BACK,
    THWARTED,
    TYPOS,
)

Wish = Literal["opt_out", "ask", "opt_in", "none"]


class Recognised(NamedTuple):
    """What a message asks for; `is_all` when everything is to stop, not only marketing by WhatsApp.

    `wants_erasure` when the person also asks for their data to be deleted, `is_objection` when they object to the use
    of their data for advertising (Art. 21 GDPR). "ask" leaves consent as it is: a person has to look, with
    "unsubscribe" one tap away.
    """

    wish: Wish
    is_all: bool
    wants_erasure: bool = False
    is_objection: bool = False


NOTHING = Recognised("none", False)
OPT_OUT = Recognised("opt_out", False)
OPT_OUT_ALL = Recognised("opt_out", True)
OBJECTION = Recognised("opt_out", False, is_objection=True)
ASK = Recognised("ask", False)
OPT_IN = Recognised("opt_in", False)
MOST_POLITE_WORDS = 6
# Questions why somebody is written to, and whence their number is known, one sentence each, by language; they
# change no consent. "Why do I get no voucher" and "why do I get this parcel" are others: only words that point at the
# messages themselves stand before them.
FILL = (
    r"(?: (?:denn|eigentlich|ueberhaupt|jetzt|staendig|immer|noch|trotzdem|weiterhin|dauernd|wieder|hier|alles|nur"
    r"|bloss|von (?:euch|ihnen)))*+"
)
NEWS = (
    r"(?:(?:werbe)?nachricht(?:en)?|werbung|newsletters?|angebote?|whats ?app(?: nachricht(?:en)?)?|sms|(?:e ?)?mails?"
    r"|messages?|texts?|ads?|advertising|offers?|spam)"
)
THESE = r"(?:(?:all )?(?:diese[mnrs]?|die|den|das|eine?n?|eure[nr]?|ihre[nr]?)|so (?:ein|eine|einen|viele?)|solche?)"
THIS = rf"(?:das|dies|so ?was|(?:{THESE} )?{NEWS})"
MINE = r"(?:meine|diese) (?:handy|telefon|whats ?app ?|kontakt|privat)?(?:nummer|daten)"
THEY = r"(?:ihr|sie|du|man)"
ENGLISH_THESE = r"(?:(?:all )?(?:this|these|the|your)|an?|so many|such|all)"
ENGLISH_THIS = (
    rf"(?: (?:from you|now))*+(?: (?:this|these|all this|(?:{ENGLISH_THESE} )?{NEWS}))(?: (?:from you|now))*+"
)
MY_NUMBER = r"my (?:phone |mobile |whats ?app )?(?:number|data|details|contact|contact details)"
WHY = {
    "de": (
        rf"(?:warum|wieso|weshalb|wofuer){FILL} (?:bekomme?|kriege?|erhalte) ich{FILL} {THIS}{FILL}",
        rf"(?:warum|wieso|weshalb|wofuer) ich{FILL} {THIS}{FILL} (?:bekomme?|kriege?|erhalte)",
        rf"(?:warum|wieso|weshalb){FILL} (?:schreib|kontaktier)(?:t|en|st) {THEY} mi(?:r|ch)(?:{FILL} {THIS})?{FILL}"
        r"(?: an)?",
        rf"(?:warum|wieso|weshalb){FILL} schick(?:t|en|st) {THEY} mir{FILL} {THIS}{FILL}",
        rf"(?:warum|wieso|weshalb|was soll) (?:diese|die|so viel|so viele) {NEWS}",
        rf"woher{FILL} (?:hab(?:t|en)|hast|hat) {THEY}{FILL} {MINE}{FILL}",
        rf"woher {THEY}{FILL} {MINE}{FILL} hab(?:t|en)",
        rf"woher{FILL} kenn(?:t|en|st) {THEY}{FILL} (?:mich|{MINE}){FILL}",
        rf"wie{FILL} (?:seid|sind|kommt|kommen|bist|kommst) {THEY}{FILL} an {MINE}{FILL}(?: gekommen)?",
        rf"(?:wer|wo|wann) (?:hat|habe?) (?:ich )?(?:euch|ihnen|dir){FILL} {MINE}{FILL} gegeben",
        rf"(?:wann|wo)(?: und (?:wann|wo))? hab(?:e)? ich (?:mich|dem|dazu|hier){FILL}(?: dafuer| dazu)?"
        r" (?:angemeldet|zugestimmt|eingewilligt)",
        rf"woher {MINE}|{MINE} woher|woher die nummer|wer hat {MINE} weitergegeben",
    ),
    "en": (
        rf"why (?:am i|do i|did i|have i been|i am|i m) (?:still )?"
        rf"(?:getting|get|receiving|receive|got|sent)(?: to me)?{ENGLISH_THIS}",
        rf"why (?:are you|do you|did you|have you been|you) (?:still |keep )?"
        rf"(?:texting|text|messaging|message|contacting|contact|(?:writing|write)(?: to)?) me(?:{ENGLISH_THIS})?",
        rf"why (?:are you|do you|did you|have you been|you) (?:still |keep )?"
        rf"(?:sending|send|texting|text)(?: me)?{ENGLISH_THIS}(?: to me)?",
        rf"(?:where|how) (?:did|do|have) you (?:even )?(?:get|got|have|know) {MY_NUMBER}(?: from)?",
        rf"(?:where|how) you (?:got|get|have) {MY_NUMBER}(?: from)?",
        rf"who gave you {MY_NUMBER}",
        r"(?:when|where) did i (?:ever )?(?:sign up|subscribe|agree|consent|opt in)(?: (?:for|to) this)?",
        rf"why (?:these|all these|so many) {NEWS}|how do you know me",
    ),
}
# These ask so only where nothing follows: "Why did I get … the wrong parcel" asks for something else.
WHY_AT_THE_END = {
    "de": (
        r"(?:warum|wieso|weshalb) ich",
        rf"(?:warum|wieso|weshalb){FILL} schick(?:t|en|st) {THEY} mir",
    ),
    "en": (
        r"why me",
        r"why (?:am i|do i|did i|have i been|i am|i m) (?:still )?(?:getting|get|receiving|receive|got|sent)",
        r"why (?:are you|do you|did you|have you been|you) (?:still |keep )?(?:sending|send|writing|write)(?: me)?",
    ),
}


def _any_of(patterns: Mapping[str, Sequence[str]]) -> dict[str, re.Pattern[str]]:
    return {language: re.compile("|".join(f"(?:{one})" for one in each)) for language, each in patterns.items()}


WHYS, WHYS_AT_THE_END = _any_of(WHY), _any_of(WHY_AT_THE_END)
# Before the question itself: "Hello, tell me please, why …". "I know now why …" asks nothing; "I don't know why" does.
MOST_WORDS_BEFORE = 5
KNOWING = re.compile(r"\b(?:weiss|wusste|versteh\w*|verstanden|klar|know|knew|understand|see)\b")
NOT_KNOWING = re.compile(r"\b(?:nicht|kein\w*|don t|dont|do not|never)\b")
# An ellipsis or a new line goes on with the same sentence.
SENTENCE = re.compile(r"(?:[?!;:]|(?<!\.)\.(?!\.))+")
# WhatsApp carries no more characters than this; of a longer text the first and the last half of them are read.
LONGEST = 4096
# A wish is read sentence by sentence and, within, clause by clause; a dot in "z.B." or an address ends none, and a
# question keeps its mark.
LINK = re.compile(r"(?<!\S)\S+(?:://|\.[a-z]{2,}/)\S*|\bwww\.\S+", re.I)
BREAK = re.compile(r"(?<=\?)(?!\?)|[!;…\n]+|\.{2,}|\.(?=\s|$|[A-ZÄÖÜ])|:(?=\s)")
CLAUSE = re.compile(r"[,–—\u2600-\u27bf\U0001f300-\U0001faff]+|\s-+\s")
# From the least to the most restrictive.
STRICTNESS = ("opt_in", "none", "ask", "opt_out")
MOST_WORDS_AROUND_STOP = 8
UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})
JOINED = re.compile(r"(?<=[^\W_])-(?=[^\W_])")
RUN = re.compile(r"([a-z])\1{2,}")


def recognise(text: str, *, payload: str = "", is_flow_waiting: bool = False) -> Recognised:
    """What a text message or a tapped button asks for.

    `payload` is a button's payload: "optout:…" always counts. `is_flow_waiting` is true while the person has been asked
    for free text: then words like "Ende" may be an answer and ask back instead.
    """
    if payload.casefold().startswith("optout:"):
        return OPT_OUT_ALL if payload.casefold() == "optout:all" else OPT_OUT
    language, rest = _parted(text)
    found = _whole(rest, is_flow_waiting) or _within(rest, is_about_messages=bool(language))
    # The question must not hide a no that stands beside it, nor be a yes together with what does.
    return NOTHING if language and found == OPT_IN else found


def asks_why(text: str) -> str:
    """The language in which somebody asks why they are written to or whence their number is known; "" if they do not.

    Says nothing of their consent: what they want beside it says `recognise`.
    """
    return _parted(text)[0]


def names_way_out(text: str) -> bool:
    """Whether a text names one of the words that opt out when they are all that somebody sends.

    Words joined by a hyphen are one: "opt-out" is the way out, "non-stop" is not.
    """
    words = normalise(JOINED.sub("", text))
    return any(f" {phrase} " in f" {words} " for phrase in HARD)


def normalise(text: str, *, longest_run: int = 2) -> str:
    """The text as the lists spell it: small ASCII letters and digits, one space between words.

    NFKC turns full-width letters into plain ones; emoji, punctuation, accents and zero-width characters go; a letter
    typed three times or more stays `longest_run` times.
    """
    text = unicodedata.normalize("NFKC", text).casefold()
    text = unicodedata.normalize("NFC", text).translate(UMLAUTS)
    text = "".join(c for c in unicodedata.normalize("NFKD", text) if unicodedata.category(c) not in ("Mn", "Cf"))
    text = RUN.sub(lambda run: run[1] * longest_run, text)
    return re.sub(r"[^a-z0-9]+", " ", text).strip()


def _parted(text: str) -> tuple[str, str]:
    """The language in which a text asks why, "" if it does not, and what it says beside the question."""
    if len(text) > LONGEST:
        text = f"{text[: LONGEST // 2]}\n{text[-LONGEST // 2 :]}"
    sentences = [sentence for sentence in SENTENCE.split(text) if normalise(sentence)]
    last = max((at for at, one in enumerate(sentences) if _without_politeness(normalise(one))), default=0)
    asked, others = "", []
    for at, sentence in enumerate(sentences):
        language, before = _question(normalise(sentence).split(), is_last=at == last)
        asked = asked or language
        others.append(before if language else sentence)
    return asked, ". ".join(others) if asked else text


def _question(words: list[str], *, is_last: bool) -> tuple[str, str]:
    """The language in which a sentence asks why, "" if it does not, and the words before the question."""
    for start in range(min(MOST_WORDS_BEFORE + 1, len(words))):
        asked = " ".join(word for word in words[start:] if word not in POLITE - {"jetzt", "now"})
        before = " ".join(words[:start])
        for language, why in WHYS.items():
            if why.fullmatch(asked) or (is_last and WHYS_AT_THE_END[language].fullmatch(asked)):
                is_known = KNOWING.search(before) and not NOT_KNOWING.search(before)
                return ("", "") if is_known else (language, before)
    return "", ""


def _spellings(text: str) -> Iterator[str]:
    """A message as it may stand on a list: with and without its politeness and what it says twice."""
    # "Stooop" is stop with one o, "stoppp" is stopp with two p.
    for longest_run in (2, 1):
        words = normalise(text, longest_run=longest_run)
        yield words
        yield _without_politeness(words)


def _whole(text: str, is_flow_waiting: bool) -> Recognised | None:
    """What the message means as a whole; None when it is on no list."""
    for said in _spellings(text):
        if said in ALL:
            return OPT_OUT_ALL
        if said in OBJECTIONS:
            return OBJECTION
        if said in HARD or said in TYPOS:
            return OPT_OUT
        if said in SOFT:
            return ASK if is_flow_waiting else OPT_OUT
        if said in ASK_WHOLE:
            return ASK
        if said in OPT_INS:
            return OPT_IN
    return None


def _without_politeness(words: str) -> str:
    parts = [part for part, _ in groupby(words.split())]
    if len(parts) > MOST_POLITE_WORDS:
        return words
    return " ".join(part for part, _ in groupby(part for part in parts if part not in POLITE))


def _within(text: str, *, is_about_messages: bool) -> Recognised:
    """What longer messages mean: the strictest of what their clauses, their sentences and all of it together mean.

    `is_about_messages` when something else has said already that the person means what we send.
    """
    text = LINK.sub(" ", text)
    words = normalise(text)
    whole = [sentence for sentence in BREAK.split(text) if normalise(sentence)]
    sentences = [[one for one in CLAUSE.split(sentence) if normalise(one)] for sentence in whole]
    clauses = [normalise(clause) for sentence in sentences for clause in sentence]
    last = _last_said(clauses)
    is_sure = is_about_messages or bool(re.search(ANNOYED, words))
    is_order = bool(ORDER.search(words))
    found: list[Recognised] = []
    joined, units, was_asked = [], [*clauses, words], False
    for sentence, written in zip(sentences, whole, strict=True):
        spoken = clauses[len(found) : len(found) + len(sentence)]
        # A question reaches from its clause to the end of its sentence.
        asking = [bool(QUESTION.match(clause)) for clause in spoken]
        asking[-1] |= written.endswith("?") and bool(BARE_QUESTION.match(spoken[-1]))
        asked = [False, *accumulate(asking, or_)]
        for clause, spelled, is_asked in zip(sentence, spoken, asked[1:], strict=True):
            meant = _alone(clause, is_order, len(found) < last, is_sure) or _intent(spelled, is_order)
            found.append(_unclear_if(is_asked, meant))
        said = " ".join(spoken)
        joined.append(_unclear_if(asked[-1], _intent(said, is_order)))
        units.append(said)
        was_asked = was_asked or asked[-1]
    joined.append(_unclear_if(was_asked, _intent(words, is_order)))
    meant = _strictest([*found, *joined])
    if meant.wish == "opt_out":
        return _unclear_if(_is_taken_back(clauses, found), meant)
    is_stop = not is_order and any(_is_stop(unit) for unit in units)
    return ASK if is_stop or any(ASK_WORDS.search(unit) for unit in units) else meant


def _last_said(clauses: Sequence[str]) -> int:
    """The place of the last clause that is neither politeness nor the end of a letter."""
    end = max((at for at, clause in enumerate(clauses) if at and CLOSING.match(clause)), default=len(clauses))
    return max((at for at, clause in enumerate(clauses[:end]) if _without_politeness(clause)), default=0)


def _alone(clause: str, is_order: bool, is_followed: bool, is_sure: bool) -> Recognised | None:
    """What a clause means that could be a message of its own; None where it is on no list, or only heads the rest."""
    whole = _whole(clause, is_flow_waiting=True)
    if whole is None or whole.wish == "opt_in" or (whole == ASK and is_followed):
        return None
    is_heading = is_followed and not is_sure and any(said in HEADS for said in _spellings(clause))
    return _unclear_if(is_heading or (is_order and not OF_MESSAGES.search(normalise(clause))), whole)


def _intent(words: str, is_order: bool) -> Recognised:
    """What the phrases in some words ask for: a maybe where they are negated or about an order.

    `is_order` when an order stands anywhere in the message: it counts for phrases that name no messages.
    """
    names_it = INTENTS.search(words)
    if not names_it and not ENDINGS.search(words):
        return NOTHING
    if OPPOSITE.search(words) or (ORDER.search(words) if names_it else is_order or ELSEWHERE.search(words)):
        return ASK
    is_objection, wants_erasure = bool(re.search(OBJECT, words)), bool(re.search(ERASE, words))
    is_all = is_objection and not re.search(r"\bwhats ?app\b", words)
    return Recognised("opt_out", is_all, wants_erasure, is_objection)


def _is_taken_back(clauses: Sequence[str], found: Sequence[Recognised]) -> bool:
    """Whether somebody wants to stay, or takes back behind a no what it was."""
    last = max((at for at, one in enumerate(found) if one.wish == "opt_out"), default=-1)
    return any(TAKEN_BACK.search(clause) for clause in clauses[last + 1 :]) or any(
        STAYING.search(clause) and not THWARTED.search(clause) and not QUESTION.match(clause) for clause in clauses
    )


def _is_stop(words: str) -> bool:
    is_short = len(words.split()) <= MOST_WORDS_AROUND_STOP
    return bool((STOP_STEM if is_short else STOP_AT_EDGE).search(words))


def _unclear_if(is_unclear: bool, meant: Recognised) -> Recognised:
    return ASK if is_unclear and meant.wish == "opt_out" else meant


def _strictest(found: Sequence[Recognised]) -> Recognised:
    """All that was found in one message, with the strictest wish."""
    counts = [one for one in found if one.wish == "opt_out"]
    return Recognised(
        max((one.wish for one in found), key=STRICTNESS.index),
        any(one.is_all for one in counts),
        any(one.wants_erasure for one in counts),
        any(one.is_objection for one in counts),
    )
