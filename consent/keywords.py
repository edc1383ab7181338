"""Recognises in what people write that they want to stop, want to start, or may want to stop; German and English.

Rules and vectors: consent-gdpr § 7. The word lists are data; what is not on them changes nothing by itself. Runs before
flows, bots and anything clever.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

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


def _phrases(text: str) -> set[str]:
    return {phrase.strip() for phrase in text.split("|")}


ALL = {"stop all", "stopp all", "stopall", "stoppall", "alles stoppen", "stopp alles", "stop alles"}
# Whole messages that always opt out.
HARD = ALL | _phrases(
    "stop|stopp|abmelden|abmeldung|abbestellen|austragen|newsletter abmelden|newsletter abbestellen|newsletter stop"
    "|newsletter stopp|stop newsletter|stopp newsletter|werbung stop|werbung stopp|stop werbung|stopp werbung"
    "|keine werbung|keine werbung mehr|keine nachrichten mehr|widerruf|widerrufe|widerspruch|infostop|infostopp"
    "|unsubscribe|unsub|opt out|optout|remove me|stop promotions|stop messages|no more messages"
)
# Mistypings seen; a list, because shop, step, top and spot are one letter away from stop as well.
TYPOS = _phrases(
    "stopo|sttop|sstop|stpp|sotp|tsop|stob|stobb|sdop|s t o p|s t o p p|abmeldn|abmelde|abmeldem|abmeldne|abmleden"
    "|abmelen|abmedlen|ambelden|abestellen|abbstellen|abbestelen|unsubcribe|unsuscribe|unsubscibe|unsubscripe"
)
# Whole messages that opt out unless somebody was just asked for free text.
SOFT = _phrases("ende|end|beenden|abbrechen|quit|cancel|revoke|exit")
OPT_INS = {"start", "anmelden"}
POLITE = _phrases("bitte|danke|mal|jetzt|sofort|endlich|hallo|hi|hey|moin|lg|please|pls|thanks|now|ok|und")
MOST_POLITE_WORDS = 6

# With one of these, a wish is about an order and not about messages.
ORDER = re.compile(
    r"\b\w*(?:bestellung|lieferung|paket|termin|konto)\w*\b|\b(?:order|delivery|parcel|appointment|account)s?\b"
)
MEDIA = r"(?:werbung|newsletters?|nachrichten|werbenachrichten|angebote|whats ?app(?: nachrichten)?)"
END = r"(?:abmelden|abbestellen|austragen)"
WANT = r"(?:moechten?|will|wollen|wuerde|kann|koennen|koennte?t?|koenntet|koennten)"
# Phrases that opt out wherever they stand in a message.
# Not to be written to and, beyond that, a request under Art. 17 GDPR.
ERASE = (
    r"\bloesch(?:e|t|en|en sie)?(?: \w+){0,3} meine (?:\w+ )?(?:handy|telefon)?(?:nummer|daten)\b"
    r"|\bdelete (?:all )?my (?:phone )?(?:number|data)\b"
)
# An objection, on all channels where none is named (CG-24).
OBJECT = (
    r"\bwider(?:spreche|spruch)(?: \w+){0,6} (?:werbung|nutzung|verarbeitung)\b"
    r"|\bobject to(?: \w+){0,4} (?:marketing|advertising|processing|use of my data)\b"
)
OBJECTIONS = {"widerspruch"}
INTENTS = re.compile(
    "|".join(
        (
            rf"\bkeine {MEDIA}(?: \w+){{0,3}} mehr\b",
            r"\bkeine (?:werbung|werbenachrichten|newsletter)(?: \w+){0,2} (?:schicken|senden)\b",
            r"\b(?:moechten?|will|wollen) keine (?:werbung|werbenachrichten|newsletter)\b",
            rf"\b{WANT}(?: \w+){{0,6}} {END}\b",
            r"\bmelde(?:t|n sie)(?: \w+){0,2} mich(?: \w+){0,3} ab\b",
            r"\bmelde mich(?: \w+){0,3} ab$",
            r"\bwiderruf\w*(?: \w+){0,4} (?:einwilligung|zustimmung|einverstaendnis)\b",
            r"\beinwilligung(?: \w+){0,2} widerrufen\b",
            OBJECT,
            r"\bhoer(?:t|en sie)?(?: \w+){0,2} auf(?: \w+){0,2} zu schreiben\b",
            r"\blass(?:t|en sie)? mich(?: \w+){0,2} in ruhe\b",
            ERASE,
            r"\bstop (?:sending|texting|messaging)\b",
            r"\b(?:don ?t|do not) (?:text|message) me\b",
            r"\bunsubscribe me\b",
            r"\btake me off\b",
            r"\bremove me from\b",
        )
    )
)
# "Don't stop" and "why do I get no messages any more" use the same words and mean the opposite.
OPPOSITE = re.compile(
    r"\b(?:nicht|don ?t|do not|never)(?: \w+)? (?:abmelden|abbestellen|austragen|stopp?|unsubscribe)\b"
    r"|^(?:warum|wieso|weshalb|habt ihr|haben sie|gibt es|why)\b"
)
# May end a contract, an order or the messages: whole messages, and words that ask wherever they stand.
ASK_WHOLE = _phrases("halt|raus|storno|loeschen|nein danke|no thanks")
ASK_WORDS = re.compile(r"\b(?:kuendig\w*|loeschen|storno)\b")
STOP_STEM = re.compile(r"\bstopp?(?:t|en|e)?\b")
# Questions why somebody is written to, and whence their number is known, one sentence each, by language; they
# change no consent. "Why do I get no voucher" and "why do I get this parcel" are others: only words that point at the
# messages themselves stand before them.
FILL = (
    r"(?: (?:denn|eigentlich|ueberhaupt|jetzt|staendig|immer|dauernd|wieder|hier|alles|nur|bloss|von (?:euch|ihnen)))*"
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
ENGLISH_THIS = rf"(?: (?:from you|now))*(?: (?:this|these|all this|(?:{ENGLISH_THESE} )?{NEWS}))(?: (?:from you|now))*"
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
        rf"why (?:are you|do you|did you|have you been|you) (?:still )?"
        rf"(?:texting|text|messaging|message|contacting|contact|(?:writing|write)(?: to)?) me(?:{ENGLISH_THIS})?",
        rf"why (?:are you|do you|did you|have you been|you) (?:still )?"
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
        r"why (?:are you|do you|did you|have you been|you) (?:still )?(?:sending|send|writing|write)(?: me)?",
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
    language, others = _parted(text)
    if not language:
        return _recognised(text, is_flow_waiting)
    # The question must not hide a no that stands beside it, nor be a yes together with what does.
    found = [NOTHING, *(_recognised(one, is_flow_waiting) for one in (*others, ". ".join(others)))]
    return Recognised(
        max((one.wish for one in found), key=STRICTNESS.index),
        any(one.is_all for one in found),
        any(one.wants_erasure for one in found),
        any(one.is_objection for one in found),
    )


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


def _parted(text: str) -> tuple[str, list[str]]:
    """The language in which a text asks why, "" if it does not, and what it says beside the question, by sentence."""
    sentences = [words for sentence in SENTENCE.split(text) if (words := normalise(sentence))]
    last = max((at for at, words in enumerate(sentences) if _without_politeness(words)), default=0)
    asked, others = "", []
    for at, words in enumerate(sentences):
        language, rest = _question(words.split(), is_last=at == last)
        asked = asked or language
        others.append(rest if language else words)
    return asked, others


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


def _recognised(text: str, is_flow_waiting: bool) -> Recognised:
    words = normalise(text)
    # "Stooop" is stop with one o, "stoppp" is stopp with two p.
    return _whole(words, is_flow_waiting) or _whole(normalise(text, longest_run=1), is_flow_waiting) or _within(words)


def _whole(words: str, is_flow_waiting: bool) -> Recognised | None:
    """What the message means as a whole, with or without its politeness; None when it is on no list."""
    for said in (words, _without_politeness(words)):
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
    parts = words.split()
    if len(parts) > MOST_POLITE_WORDS:
        return words
    return " ".join(part for part in parts if part not in POLITE)


def _within(words: str) -> Recognised:
    """What longer messages mean: an intent opts out unless it is negated or about an order; a mere stop asks."""
    is_about_order = bool(ORDER.search(words))
    if INTENTS.search(words):
        if is_about_order or OPPOSITE.search(words):
            return ASK
        is_objection, wants_erasure = bool(re.search(OBJECT, words)), bool(re.search(ERASE, words))
        is_all = is_objection and not re.search(r"\bwhats ?app\b", words)
        return Recognised("opt_out", is_all, wants_erasure, is_objection)
    is_short = len(words.split()) <= MOST_WORDS_AROUND_STOP
    is_stop = is_short and not is_about_order and STOP_STEM.search(words)
    if is_stop or ASK_WORDS.search(words) or re.search(r"\b(?:nicht|don ?t) abmelden\b", words):
        return ASK
    return NOTHING
