r"""Which words promise a benefit for the yes itself, and which say what it is worth (CG-05); written as in `words`.

A consent text is read by `PROMISE`; what stands above one, such as a headline, by `promises`, which knows more ways:
there nobody says anything of the messages, so that an amount beside "anmelden" is a lure.
"""

import re

from consent.linting.words import LANGUAGES, plain, ways

# A benefit for the yes itself: a certain one for this person, "einen Gutschein", "5 € Rabatt". "Rabatte und
# Gutscheine", "bis zu 50 %", "das Bonus-Programm" and "the gift shop" are what the messages are about.
_GOOD_DE = r"(?:gutschein|rabatt|nachlass|bonus|geschenk|prämie|guthaben)"
# Not the first part of a longer word, nor before another noun.
_ITSELF_DE = rf"{_GOOD_DE}(?:[ -]?codes?)?(?![\w-])(?! (?-i:[A-ZÄÖÜ]))"
_FREE_DE = r"\b(?:gratis|geschenkt)\b"
_FOR_IT_DE = r"\b(?:dafür|als dank|als dankeschön|zum dank|zur begrüßung|zur anmeldung)\b"
_AMOUNT_DE = r"\d+(?:[.,]\d+)?[ -]?(?:€|%|(?:euro|eur|prozent)\b)"
# "50 %" in "bis zu 50 %", "10 bis 50 %", "zwischen 10 und 50 %" and "Angebote mit 50 %".
_CERTAIN_DE = r"(?<!bis )(?<!bis zu )(?<!\d und )(?<!mit )(?<![\d.,–-])"
_GOOD_EN = r"(?:voucher|coupon|discount|bonus|gift|reward)"
# Before "shop" or "programme" it is no benefit.
_ITSELF_EN = (
    rf"{_GOOD_EN}(?: codes?)?(?![\w-])(?= (?:after|and|as|at|by|comes?|for|from|if|in|is|now|of|off|on|once|over|that"
    r"|to|waits?|when|which|will|with|worth)\b|(?! ))"
)
_FOR_IT_EN = r"\b(?:in return|as a thank[- ]you|as a welcome|for signing up|for subscribing)\b"
_AMOUNT_EN = r"(?:[€£$] ?\d+(?:[.,]\d+)?|\d+(?:[.,]\d+)?[ -]?(?:€|%|(?:euros?|eur|percent)\b))"
_CERTAIN_EN = r"(?<!to )(?<!\d and )(?<!with )(?<![\d.,€£$–-])"
# What may stand between "einen" and it: "einmaligen", "10 %".
_LITTLE_DE = r"(?:(?-i:[a-zäöü]\w*e[nrsm]?|\d[\d.,]*(?:[ -]?[€%])?|[€%]|Euro|Prozent) ){0,3}"
PROMISE = ways(
    de=rf"""
        {_CERTAIN_DE}{_AMOUNT_DE}(?! ?(?:bis|und|–) ?\d)(?:[ -][\w%€-]+){{0,2}}?[ -][\w-]*{_ITSELF_DE}
        {_CERTAIN_DE}{_AMOUNT_DE}(?! ?(?:bis|und|–) ?\d)(?: [\w-]+){{0,4}}? {_FREE_DE}
        {_GOOD_DE} (?:über|von|in höhe von|im wert von) \d
        \b(?:eine?n?|meine?n?|deine?n?|ihren?) {_LITTLE_DE}[\w%€-]*{_ITSELF_DE}
        \b(?:de[rn]|das|die) [\w-]*{_ITSELF_DE} (?:kommt|wartet|bekomme|erhalte|gibt)\b
        \b(?:willkommens|begrüßungs|anmelde|newsletter|start)-?{_ITSELF_DE}
        {_FOR_IT_DE}…{_GOOD_DE}(?:e[ns]?|n|[ -]?codes?)?(?![\w-])
        {_FOR_IT_DE}…{_FREE_DE}
        {_FOR_IT_DE}…\d ?(?:€|%|euro\b)
        \b(?:am gewinnspiel|an der verlosung|am preisausschreiben)\b
    """,
    en=rf"""
        {_CERTAIN_EN}{_AMOUNT_EN}(?! ?(?:to|and|–) ?[€£$]?\d)(?: [\w-]+){{0,2}}? (?:{_ITSELF_EN}|off\b)
        {_GOOD_EN} (?:of|over|worth) [€£$]?\d
        \b(?:an?|my|your) (?:(?!(?:about|and|at|for|from|in|of|on|to|with) )[\w%€£$-]+ ){{0,2}}{_ITSELF_EN}
        \b(?:welcome|sign[- ]?up|newsletter) {_ITSELF_EN}
        {_FOR_IT_EN}…(?:{_ITSELF_EN}|\bfree\b|\d ?[€%])
        \b(?:the|a) (?:prize draw|raffle|giveaway)\b
    """,
)
# What it is worth: how it is redeemed, or that it stays after a withdrawal.
CONDITIONS = ways(
    de=rf"""
        \beinlös
        {_GOOD_DE}…\b(?:gilt|gültig)\b
        \b(?:er|sie|es) (?:ist|gilt) …(?:gültig|\d)
        \bmindest(?:bestell|einkaufs|umsatz|waren)
        \bab (?:einem|einer|\d+(?:[.,]\d+)? ?(?:€|euro)) ?\w*(?:einkauf|bestell|warenwert)
        \b(?:gutschein|einlöse|rabatt)?bedingungen\b
        \bbarauszahlung\b|\bkombinierbar\b
        {_GOOD_DE}…\b(?:behalt|gehört|verfällt nicht|bleibt (?:mir|dir|ihnen|gültig|bestehen))
        \b(?:behalt\w*|gehört)\b…{_GOOD_DE}
        \bbehalt\w* (?:ich |du |sie )?(?:ihn|sie|es)\b
    """,
    en=rf"""
        \bredeem
        {_GOOD_EN}…\bvalid\b
        \bit is valid\b
        \bminimum (?:order|purchase|spend|basket)
        \bon (?:orders|purchases) (?:of|over|from|above)\b
        \bconditions\b
        \bcannot be combined\b|\bpaid out\b
        {_GOOD_EN}…\b(?:stays?|remains?|keep|is mine|is yours)\b
        \bkeep (?:it|{_GOOD_EN})\b|\bkeep (?:the|my|your) {_GOOD_EN}
    """,
)
_UP_TO_DE = r"(?! ?(?:bis|und|–) ?\d)"
_SURE_DE = rf"(?<!\bzu ){_CERTAIN_DE}{_AMOUNT_DE}{_UP_TO_DE}"
# "Kostenlos anmelden" gives nothing.
_GIVEN_DE = r"(?:\b(?:gratis|geschenkt|umsonst)\b|\bkostenlose[nrs]? (?!anmeldung|newsletter|nachricht))"
_JOINING_DE = (
    r"\b(?:(?:zur|bei|für (?:deine|ihre|eure|die|jede)) (?:neu)?anmeldung"
    r"|(?:wenn|sobald) (?:du dich|sie sich|ihr euch) \w*meldet?s?t?)\b"
)
_JOIN_DE = r"\b(?:anmelden|anmeldung|meld\w* (?:dich|euch|sich)(?: \w+){0,2} an|eintragen|registrieren|abonnieren)\b"
_NEXT_DE = r"(?:(?:dein|ihr|euer|eure)\w*|d(?:en|ie|as) (?=erst|nächst))"
_SURE_EN = rf"{_CERTAIN_EN}{_AMOUNT_EN}(?! ?(?:to|and|–) ?[€£$]?\d)"
_GIVEN_EN = r"(?<!for )\bfree (?!to\b|of\b|news|updates)\w+"
_JOINING_EN = (
    r"\b(?:for (?:signing up|subscribing|joining|registering|your sign-?up)"
    r"|(?:when|if|once) you (?:sign up|subscribe|join|register))\b"
)
_JOIN_EN = r"\b(?:sign up|subscribe|join|register)\b"
# Headlines may write every word with a capital letter. The longer way to say it comes first: it is the one told.
LURE = ways(
    de=rf"""
        (?:{_SURE_DE}|{_ITSELF_DE}|{_GIVEN_DE})…{_JOINING_DE}
        {_JOIN_DE}[ ,:&–+-]…(?:{_SURE_DE}|{_GIVEN_DE})(?: ?\w+)?
        {_SURE_DE} (?:sparen|sichern)\b
        \bspar(?:e|t|en sie) {_SURE_DE}
        {_SURE_DE}(?: [\w-]*(?:rabatt|nachlass))? auf {_NEXT_DE}(?: ?\w+){{1,2}}
        {_SURE_DE}[ -][\w-]*{_GOOD_DE}(?:[ -]?codes?)?(?= (?:jetzt|gleich|heute|sofort|hier|sichern|holen|zur|bei)\b)
        \b[\w-]*{_GOOD_DE}(?:[ -]?codes?)? (?:jetzt )?(?:sichern|holen|abholen)\b
    """,
    en=rf"""
        (?:{_SURE_EN}|{_ITSELF_EN}|{_GIVEN_EN})…{_JOINING_EN}
        {_JOIN_EN}[ ,:&–+-]…(?:{_SURE_EN}|{_GIVEN_EN})
        \bsave (?:an extra )?{_SURE_EN}
        {_SURE_EN} (?:on|off) (?:your|the|any) (?:first|next) \w+
        (?:{_SURE_EN}|\b(?:an?|your)) (?:[\w%€£$-]+ ){{0,2}}?{_GOOD_EN}(?: codes?)?(?= (?:today|now|here|just|right)\b)
    """,
)
_HELD_OUT = [re.compile(f"{LURE[language].pattern}|{PROMISE[language].pattern}", re.I) for language in LANGUAGES]


def promises(text: str) -> list[str]:
    """All words of a headline or the like that promise a benefit, in whichever language. Headlines may shout."""
    calm = plain(text.lower() if text.isupper() else text)
    found = {match.span() for pattern in _HELD_OUT for match in pattern.finditer(calm)}
    # Both languages may find the same, one of them more of it.
    whole = [(a, b) for a, b in sorted(found) if not any((c, d) != (a, b) and c <= a and b <= d for c, d in found)]
    return list(dict.fromkeys(calm[a:b].strip() for a, b in whole))
