r"""Which words say what a consent text has to say, in German and English; patterns, because people write differently.

Each line is one way to say it, a regular expression in which upper and lower case are the same. Texts are read with
folded blanks. What belongs together has to stand together, so that "ab 16 Uhr" is no age and "unwiderruflich" no right
to withdraw; "…" stands for anything up to the end of the sentence.
"""

import re
from collections.abc import Mapping

LANGUAGES = ("de", "en")
Words = Mapping[str, re.Pattern[str]]


def plain(text: str) -> str:
    """The text with folded blanks and without hyphens that only break lines."""
    return " ".join(text.replace("\u00ad", "").split())


def says(text: str, language: str, said: Words) -> bool:
    """Whether the text says it in this language."""
    return bool(said[language].search(plain(text)))


def says_in_any(text: str, said: Words) -> bool:
    """Whether the text says it, in whichever language it is."""
    return any(says(text, language, said) for language in LANGUAGES)


def names_objection(text: str) -> bool:
    """Whether the text, but for the addresses in it, names the right to object in any language."""
    return says_in_any(_ABBREVIATED.sub(" ", _ADDRESS.sub(" ", text)), OBJECTION)


def place(text: str, language: str, said: Words) -> int | None:
    """Where in the plain text it is said first; None where it is not."""
    found = said[language].search(plain(text))
    return found.start() if found else None


def has_name(text: str, name: str) -> bool:
    """Whether this name stands in the text as a whole, not as part of a longer word."""
    return bool(re.search(rf"(?<![\w-]){re.escape(plain(name))}(?![\w-])", plain(text), re.I))


def ways(**lines: str) -> Words:
    """Patterns by language of lines that each are one way to say it."""
    return {language: re.compile(_pattern(text), re.I) for language, text in lines.items()}


def _pattern(lines: str) -> str:
    said = (line.strip() for line in lines.splitlines())
    return "|".join(one.replace("…", r"[^.!?]*") for one in said if one)


WILL = ways(
    de=r"""
        \bja\b
        \bich (?:möchte|will|wünsche|willige|stimme|erlaube|bin (?:\w+ )?einverstanden)\b
        \b(?:hiermit|ausdrücklich) (?:willige|erlaube|stimme) ich\b
        \beinverstanden\b
        \bdarf mir\b
    """,
    en=r"""
        \byes\b
        \bi(?:'d| would)? (?:like|want|wish|agree|consent|allow|accept)\b
        \bi (?:expressly|hereby) \w+
        \bplease send me\b
        \bmay (?:send|write to) me\b
    """,
)
TERMS = ways(
    de=r"""
        \bAGB\b
        \bgeschäftsbedingungen
        \bnutzungsbedingungen
        \bteilnahmebedingungen
    """,
    en=r"""
        \bterms (?:and|&) conditions\b
        \bterms of (?:use|service|business)\b
        \bT&Cs?\b
    """,
)
_PLACEHOLDER = r"""
    \{[^{}]*\}
    \[[^\[\]]*\]
    <[^<>]*>
    \bxxx+\b
"""
PLACEHOLDER = ways(de=_PLACEHOLDER, en=_PLACEHOLDER)
CONTENT = ways(
    de=r"""
        angebot
        neuigkeit
        neuheit
        \b(?:rabatt|sonder|oster|weihnachts|\w+-)?aktion(?:en)?\b
        rabatt
        gutschein
        \bnews\b
        newsletter
        \btipps?\b
        rezept
        einladung
        \bwerbung\b
        \bwerblich
        \bevents?\b
        veranstaltung
        \bneue\w* (?:produkt|ware|kollektion|sorte)
        umfrage
        befragung
        \bzufriedenheit
    """,
    en=r"""
        \boffers?\b
        \bnews\b
        newsletter
        \bdeals?\b
        discount
        voucher
        coupon
        \btips\b
        recipe
        invitation
        advertis
        promotion
        \bevents?\b
        \bnew (?:products?|arrivals|collection)
        survey
        \bfeedback\b
    """,
)
OFTEN = ways(
    de=r"""
        \b(?:pro|je) (?:tag|woche|monat|quartal|jahr)\b
        \b(?:im|in der|in einem|einmal die) (?:woche|monat|quartal|jahr)\b(?! \d{4})
        \bjede[nrs]? (?:tag|woche|monat|quartal|jahr)\b(?! \d{4})
        \b(?:alle|jede) (?:zwei|drei|vier|sechs|acht|\d+) (?:tage|wochen|monate)\b
        täglich|wöchentlich|monatlich|vierteljährlich|jährlich
        \bjeden (?:montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonntag)\b
        \b(?:montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonntag)s\b
    """,
    en=r"""
        (?<!for )\b(?:a|per|each|every) (?:day|week|fortnight|month|quarter|year)\b(?! ago)
        \b(?:daily|weekly|fortnightly|monthly|quarterly|yearly|annually)\b
        \bevery (?:two|three|four|six|\d+) (?:days|weeks|months)\b
        \bevery (?:monday|tuesday|wednesday|thursday|friday|saturday|sunday)\b
    """,
)
ORDERS = ways(
    de=r"\b(?:bestellung|lieferung|sendung|termin|buchung|reservierung|rechnung)",
    en=r"\b(?:order|deliver|parcel|appointment|booking|reservation|invoice)",
)
REVOKE = ways(
    de=r"""
        (?<!un)widerruf
        \babmeld
        \babbestell
        \baustrag
        \bmelde\w* …\bab\b
    """,
    en=r"""
        \bwithdraw
        \bunsubscrib
        \brevoke
        \bopt(?:ing)?[ -]?out\b
        \bcancel
    """,
)
ANYTIME = ways(de=r"\bjeder ?zeit\b", en=r"\bany ?time\b|\bwhenever\b")
# "stop" is a common verb in English: there it counts in capitals, in quotes, or as what is sent.
STOP = ways(
    de=r"\bstopp?\b",
    en=r"""
        \b(?-i:STOPP?)\b
        [“"'‘«„]\s*stopp?\b
        \b(?:send|reply|text|writ|answer)(?:ing|e)?(?: us)?(?: with)? stopp?\b
        \bthe word stopp?\b
    """,
)
UNSUBSCRIBE = ways(
    de=r"""
        \b(?:ab|aus)meldelink
        \b(?:abmelde|abbestell)-link
        \blink\b…\b(?:e-?mail|nachricht|newsletter)
        \b(?:mail|antwort|nachricht) an \S+@\S+
    """,
    en=r"""
        \bunsubscribe link
        \blink\b…\b(?:e-?mail|message|newsletter)
        \bmail to \S+@\S+
    """,
)
# The right to object to advertising (Art. 21 (4) GDPR). It takes what one objects to: "Widerspruch zwecklos" is none.
_OBJECT_DE = r"(?<!kein )(?<!keinen )(?<!ohne )\b(?:widersprechen|widersprichst|(?:werbe)?widerspruch)\b"
_OBJECT_TO_DE = (
    r"\b(?:(?:direkt)?werb(?:ung|e|lich)|nutzung|verwendung|verarbeitung|zusendung|erhalt\b|nachricht|\w*daten\b"
    r"|jeder ?zeit\b)\w*"
)
_OBJECT_TO_EN = r"\b(?:advertis|marketing|data\b|us(?:e|ing)\b|messages\b)"
OBJECTION = ways(
    de=rf"""
        {_OBJECT_DE}…{_OBJECT_TO_DE}
        {_OBJECT_TO_DE}…{_OBJECT_DE}
        \bwiderspruchsrecht
        \brecht (?:auf|zum) widerspruch
    """,
    en=rf"""
        \bright to object\b
        \b(?:may|can|could) (?:also |always |at any time )?object\b…(?:{_OBJECT_TO_EN}|\bany ?time\b)
        \bany ?time\b…\byou (?:may|can|could) object\b
        \bto object to\b…{_OBJECT_TO_EN}
    """,
)
# Their dots end no sentence.
_ABBREVIATED = re.compile(r"\b(?:z\. ?B|u\. ?a|d\. ?h|e\. ?g|i\. ?e|Tel|Nr|Abs|Art|bzw|ggf|inkl|ca|usw)\.", re.I)
_ADDRESS = re.compile(r"https?://\S+")
# Whence the company has somebody's data (Art. 14 (2) (f) GDPR). Numbers of orders and the like are no such data.
_WHAT_DE = (
    r"(?:\w*daten|(?!bestell|sendung|auftrag|kunden|rechnung|buchung|paket|vorgang)[\w-]*nummer|\w*adresse"
    r"|\w*kontakt)\b"
)
_DATA_DE = rf"\b(?:dein|ihr|euer|eur)(?:e[rnms]?)? (?:[\w-]+ )?{_WHAT_DE}"
_FROM_DE = r"\b(?:von(?! (?:uns\b|\d))|vom|aus|durch|über(?! (?:whats ?app|sms|e-?mail)\b))\b"
# Nor do data come from where they are struck, or brought to the person.
_KEPT_DE = r"(?! ?(?:ihnen|dir|euch)\b)(?![^.!?]*\b(?:gelöscht|gestrichen|entfernt)\b)"
# What comes by SMS, or tomorrow, is still on its way to the person.
_CAME_DE = (
    r"(?:kommt|kommen|kam(?:en)?)\b(?:(?!\b(?:per|via|mit|als|(?:an|zu)(?! uns\b)|in (?:eine[rm]|kürze)|aufs?"
    r"|gleich|bald|heute|morgen|später|dann)\b)[^.!?])*"
)
_DATA_EN = r"\byour (?:(?!order|tracking|customer|booking|parcel|invoice)\w+ ){0,2}(?:data|number|details|address)\b"
_FROM_EN = r"\bfrom\b(?! (?:us\b|\d))"
_CAME_EN = (
    r"(?:comes?|came)\b(?:(?!\b(?:by|via|with|as|in an?|on your|soon|shortly|today|tomorrow|later|then)\b)[^.!?])*"
)
# "noch nicht angegeben" and a question tell of no origin.
_SAID = r"(?![^.!?]*(?:\bnicht\b|\?))"
_GIVEN_DE = r"\b(?:gegeben|angegeben|hinterlassen|genannt|mitgeteilt|eingetragen)\b"
ORIGIN = ways(
    de=rf"""
        \bwoher\b…\b{_WHAT_DE}
        \b(?:herkunft|quelle) (?:deiner|ihrer|eurer|der) (?:\w+ )?{_WHAT_DE}
        {_DATA_DE} (?:\w+ ){{0,2}}(?:stammt|stammen) …{_FROM_DE}
        (?<!\ban )(?<!\bauf ){_DATA_DE} (?:\w+ ){{0,2}}{_CAME_DE}{_FROM_DE}
        {_DATA_DE} (?:\w+ ){{0,2}}(?:haben|erhielten|bekamen) wir {_KEPT_DE}…{_FROM_DE}
        \b(?:haben|erhielten|bekamen|übernahmen) (?:wir )?{_DATA_DE}{_KEPT_DE}…{_FROM_DE}
        {_SAID}{_DATA_DE}…\b(?:du|sie|ihr)\b…{_GIVEN_DE}
        \b(?:du|sie|ihr)\b{_SAID}…{_DATA_DE}…{_GIVEN_DE}
    """,
    en=rf"""
        \bwhere we\b…{_DATA_EN}
        \bsource of {_DATA_EN}
        {_DATA_EN} (?:(?!will\b)\w+ ){{0,2}}{_CAME_EN}{_FROM_EN}
        (?<!\bto ){_DATA_EN} (?:(?:is|are|was|were|(?:that )?we (?:have|had|got|took)) )?(?:\w+ly )?{_FROM_EN}
        {_DATA_EN}…\b(?:got|obtained|received|taken)\b…{_FROM_EN}
        \b(?:got|have|had|obtained|received|took) {_DATA_EN}…{_FROM_EN}
        \byou (?:gave|left|entered|told)\b…{_DATA_EN}
    """,
)
LINK = ways(de=r"https?://\S+\.\S+", en=r"https?://\S+\.\S+")
WHATSAPP = ways(de=r"whats ?app", en=r"whats ?app")
EMAIL = ways(de=r"e-?mail(?!-adresse)", en=r"e-?mail(?! address)")
SMS = ways(de=r"\bsms\b", en=r"\bsms\b|\btext messages?\b")
# 16 or more, and said of the person: neither "ab 16 Uhr" nor "seit 16 Jahren" nor "über 16 Angebote".
AGE = ways(
    de=r"""
        \b(?:1[6-9]|2[01]|sechzehn|achtzehn) jahren? (?:alt|oder älter)\b
        \b(?:bin|sind|ist) (?:\w+ ){0,2}(?:mindestens|wenigstens) (?:1[6-9]|2[01]|sechzehn)(?=[.,;:!)]|$| und\b)
        \b(?:bin|sind|ist) (?:\w+ ){0,2}(?:über|älter als) (?:1[6-9]|2[01]|sechzehn)(?=[.,;:!)]|$| und\b)
        \b(?:mindestens|wenigstens|über|älter als) (?:1[6-9]|2[01]|sechzehn|achtzehn)(?: jahre)? (?:bin|sind|sei)\b
        \bab (?:1[6-9]|2[01]|sechzehn|achtzehn) jahren\b
        \bmindestalter:? (?:von |ist |beträgt )?(?:1[6-9]|2[01])\b
        \b(?:1[6-9]|2[01])\. lebensjahr
    """,
    en=r"""
        \b(?:1[6-9]|2[01]|sixteen|eighteen) (?:years? (?:of age|old)|or (?:older|over))\b
        \b(?:am|are|is|be) (?:\w+ ){0,2}(?:at least|over|older than) (?:1[6-9]|2[01]|sixteen)(?=[.,;:!)]|$| and\b)
        \baged? (?:at least |over )?(?:1[6-9]|2[01])\b
        \bminimum age(?: is| of|:)? (?:1[6-9]|2[01])\b
    """,
)
MEASURING = ways(
    de=r"""
        \b(?:mess(?:en|t|ung)|auswert|erfass|erkenn|nachvollzieh|verfolg)…(?:link|klick|öffne|lese\b|gelesen)
        \b(?:sehen|sieht)…(?:link|klick|öffne|lese\b|gelesen)
        (?:link|klick|öffne|lese\b|gelesen)…\b(?:mess(?:en|t|ung)|auswert|erfass|erkenn|nachvollzieh|verfolg)
    """,
    en=r"""
        \b(?:measur|track|record|analy[sz]|evaluat|see (?:which|whether|if|when))…\b(?:link|click|open|read\b)
        \b(?:link|click|open|read\b)…\b(?:measur|track|record|analy[sz]|evaluat)
    """,
)
PROFILE = ways(
    de=r"""
        \bprofil(?!bild|foto)
        personalisier
        zugeschnitten
        \babgestimmt
        \b(?:meine|unsere)[nr]? (?:interessen|vorlieben)\b
        \bkaufverhalten\b
        \bwas mich interessiert\b
    """,
    en=r"""
        \bprofil(?:e|ing)\b(?! picture| photo)
        \bpersonali[sz]
        \btailored\b
        \bmy (?:interests|preferences)\b
        \bwhat interests me\b
    """,
)
SPECIAL = ways(
    de=r"""
        gesundheit|krankheit|allergi|unverträglichkeit|beschwerden|sexuell
        \bschwanger
        \bmeine haut\b
        \b(?:religi|glaube|ethnisch|gewerkschaft|biometrisch|genetisch)
        besondere\w* kategorien
    """,
    en=r"""
        \b(?:health|illness|pregnan|allerg|intoleranc|sexual)
        \bmy skin\b
        \b(?:religio|faith\b|ethnic|trade union|biometric|genetic)
        \bspecial categories
    """,
)
EXPRESSLY = ways(de=r"\bausdrücklich", en=r"\bexpress(?:ly)?\b|\bexplicit(?:ly)?\b")
