"""The words and phrases by which people opt out, may opt out, or say the opposite; German and English.

Data only: `keywords` reads a message by them, normalised ("ä" is "ae", no punctuation). Rules: consent-gdpr § 7.
"""

import re


def _phrases(text: str) -> set[str]:
    return {phrase.strip() for phrase in text.split("|")}


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{one})" for one in patterns))


ALL = {"stop all", "stopp all", "stopall", "stoppall", "alles stoppen", "stopp alles", "stop alles"}
OBJECTIONS = _phrases("widerspruch|ich widerspreche|hiermit widerspreche ich|ich widerspreche hiermit")
REVOCATIONS = _phrases("widerruf|widerrufe|ich widerrufe|hiermit widerrufe ich|ich widerrufe hiermit")
# Whole messages that always opt out.
HARD = (
    ALL
    | OBJECTIONS
    | REVOCATIONS
    | _phrases(
        "stop|stopp|abmelden|abmeldung|abbestellen|austragen|newsletter abmelden|newsletter abbestellen|newsletter stop"
        "|newsletter stopp|stop newsletter|stopp newsletter|werbung stop|werbung stopp|stop werbung|stopp werbung"
        "|abbestellung|keine werbung|keine werbung mehr|keine nachrichten mehr|infostop|infostopp"
        "|unsubscribe|unsub|opt out|optout|remove me|stop promotions|stop messages|no more messages"
    )
)
# Mistypings seen; a list, because shop, step, top and spot are one letter away from stop as well.
STOP_TYPOS = _phrases("stopo|sttop|sstop|stpp|sotp|tsop|stob|stobb|sdop|s t o p|s t o p p")
TYPOS = STOP_TYPOS | _phrases(
    "abmeldn|abmelde|abmeldem|abmeldne|abmleden|abmelen|abmedlen|ambelden|abestellen|abbstellen|abbestelen"
    "|unsubcribe|unsuscribe|unsubscibe|unsubscripe"
)
# These also head what means something else ("Stopp! I meant size M"): with more behind them they only ask.
HEADS = {"stop", "stopp", "abmeldung", "abbestellung"} | STOP_TYPOS | OBJECTIONS | REVOCATIONS
# Whole messages that opt out unless somebody was just asked for free text.
SOFT = _phrases("ende|end|beenden|abbrechen|quit|cancel|revoke|exit|aufhoeren")
OPT_INS = {"start", "anmelden"}
POLITE = _phrases("bitte|danke|mal|einmal|jetzt|sofort|endlich|hallo|hi|hey|moin|lg|please|pls|thanks|now|ok|und")
# Ends a letter; a name may follow.
CLOSING = re.compile(
    r"(?:mit )?(?:(?:freundlich|best|lieb|viel|schoen|herzlich)\w* )?gr(?:uss|uesse?n?)\b|(?:mfg|lg|vg|gruss)\b"
    r"|(?:vielen|besten|herzlichen|schoenen|lieben) dank|danke schoen|thank you|(?:(?:kind"
    r"|best) )?regards\b|best wishes"
)

# With one of these, a wish is about an order and not about messages; "Abbestellung" is no order.
ORDER = re.compile(
    r"\b\w*(?:(?<!ab)bestellung|lieferung|paket|termin|konto|kurs|reservierung|buchung)\w*\b"
    r"|\b(?:order|delivery|parcel|appointment|account|booking|reservation)s?\b|\b(?:wait(?:ing)?|guest) ?list\b"
    r"|\bfuer (?:heute|(?:ueber)?morgen|(?:mon|diens|donners|frei|sams|sonn)tag|mittwoch)\b"
)
NO = r"(?:kein(?:e[nrs]?|erlei)?)"
MEDIA = (
    r"(?:werbung|newsletters?|nachricht(?:en)?|werbe(?:nachrichten|muell|kram)|angeboten?|mitteilungen"
    r"|benachrichtigungen|spam"
    r"|whats ?apps?(?: nachrichten)?)"
)
# Nobody wants these by the by, as one may want offers or messages.
ADS = r"(?:werbung|werbe(?:nachrichten|muell|kram)|newsletters?|spam)"
MESSAGES = (
    r"(?:messages?|texts|text messages|whats ?apps?|ads|adverts?|advertising|advertisements?|newsletters?|spam"
    r"|promotions?|promos?|marketing|offers)"
)
OF_MESSAGES = re.compile(rf"\b(?:{MEDIA}|{MESSAGES}|unsub\w*|opt ?out|infostopp?)\b")
LIST = r"(?:\w*verteiler|(?:mailing|kontakt|empfaenger|adress|abonnenten)?liste|newsletters?)"
END = r"(?:abmelden|abbestellen|austragen)"
OFF = r"ab(?:meldung|bestellung)"
WANT = r"(?:moechten?|will|wollen|wuerde|kann|koennen|koennte?t?|koenntet|koennten)"
WISH = r"(?:moechten?|will|wollen|wuensche\w*)"
ME = r"(?:mir|mich|uns)"
NOT_MORE = r"(?:(?:nicht|nichts|nix|nie|niemals) (?:mehr|wieder|weiter|laenger))"
WRITE = r"(?:(?:an)?schreib|kontaktier|belaestig|(?:zu)?(?:schick|send))"
WRITING = r"(?:(?:zu (?:schreiben|schicken|senden|nerven|belaestigen|kontaktieren|texten))|anzuschreiben|zuzuspammen)"
BEGIN = r"^(?:(?:bitte|also|und|dann|aber|jetzt|so|nein|danke|hallo|hi|hey|ab sofort|please|just|and|then|ok) )*+"
# Phrases that opt out wherever they stand in a message.
# Not to be written to and, beyond that, a request under Art. 17 GDPR.
MINE = r"meinen? (?:\w+ )?(?:(?:handy|telefon|mobil|kontakt|whats ?app) ?)?(?:nummer|daten|kontakt)"
# To be deleted from a list is no more than to be taken off it.
NOT_OFF_A_LIST = rf"(?!(?: \w+){{0,4}} {LIST})"
ERASE = (
    rf"\b(?:loesch|entfern|streich|vergess)(?:e|t|en|en sie)?(?: \w+){{0,3}} {MINE}\b"
    rf"|\b{MINE}(?: \w+){{0,5}} (?:zu )?(?:loeschen|entfernen|streichen)\b"
    r"|\b(?:um|bitte|verlange|beantrage"
    r"|fordere)(?: \w+){0,2} loeschung (?:all(?:er)? )?meiner (?:\w+ )?\w*(?:nummer|daten)\b"
    rf"|\bloesch(?:e|t|en sie)(?: \w+){{0,2}} mich\b{NOT_OFF_A_LIST}"
    r"|\b(?:delete|erase|remove) (?:all )?(?:of )?my (?:phone |mobile |personal )?(?:number|data|details|information)\b"
    rf"|\b(?:delete|erase) me\b(?!(?: \w+){{0,4}} (?:list|newsletter))"
)
# An objection, on all channels where none is named (CG-24).
OBJECT = (
    r"\b(?:wider(?:spreche|spruch)|untersage|verbiete)(?: \w+){0,6} (?:werbung|werbezwecken?|nutzung"
    r"|verwendung|verarbeitung)\b"
    r"|\bobject to(?: \w+){0,4} (?:marketing|advertising|processing|use of my data)\b"
)
INTENTS = _any(
    # No advertising, no more messages.
    rf"\b{NO}(?: \w+)? {MEDIA}(?: \w+){{0,3}} mehr\b",
    rf"\b{NO} weitere\w* {MEDIA}\b",
    rf"\b{NO}(?: \w+)? {ADS}(?: \w+){{0,2}} (?:zu)?(?:schicken|senden)\b",
    rf"\b{WISH}(?: \w+){{0,4}} {NO}(?: \w+)? (?:{ADS}|nachrichten)\b",
    rf"{BEGIN}(?:schick|send)(?:e|t|et|en sie)?(?: \w+){{0,3}} {NO}(?: \w+)? (?:{ADS}|nachrichten|whats ?apps?)\b",
    rf"\bunterlass\w*(?: \w+){{0,4}} {MEDIA}\b",
    rf"\bverzichte\w*(?: \w+){{0,3}} (?:{ADS}|nachrichten)\b",
    rf"\bstopp?(?:t|en sie|e)?(?: (?:bitte|mir|mit|die|den|der|das|diesen?|eure[nr]?|ihre[nr]?|alle"
    rf"|sofort)\b)*+ {MEDIA}\b",
    rf"\bstell(?:t|en sie)(?: \w+){{0,4}} {MEDIA}(?: \w+){{0,3}} ein\b",
    rf"\b(?:{MEDIA}|{LIST})(?: \w+){{0,2}} (?:{END}|{OFF}|abstellen|abschalten|deaktivieren|stopp?en)\b",
    rf"\b{MEDIA}(?: bitte| sofort| umgehend)? (?:einstellen|einzustellen|zu unterlassen)\b",
    rf"\b(?:{END}|{OFF}) (?:vo[nm]|aus|de[mnrs])(?: \w+){{0,2}} (?:{MEDIA}|{LIST})\b",
    # Not to be written to.
    rf"{BEGIN}{WRITE}(?:e|t|et|en sie)?(?: \w+){{0,3}} {ME}(?: \w+){{0,2}} (?:nicht|{NOT_MORE})(?: an| bitte| danke)*$",
    rf"{BEGIN}(?:{ME} )?{NOT_MORE} (?:(?:an)?schreiben|kontaktieren|belaestigen)$",
    rf"{BEGIN}(?:{ME} )?(?:nichts|nix) mehr {WRITE}en$",
    rf"\b(?:bitten?|{WISH})(?: \w+){{0,6}} {ME}(?: \w+){{0,3}} {NOT_MORE}(?: \w+){{0,2}} {WRITE}(?:en|t)\b",
    rf"\b{WISH}(?: \w+){{0,3}} (?:{ADS}|nachrichten) nicht(?: mehr)?(?: (?:bekommen|erhalten|haben))?$",
    rf"\b{WISH}(?: \w+){{0,4}} nicht(?: \w+){{0,4}} (?:angeschrieben|kontaktiert|belaestigt|beworben)\b",
    rf"\b{WISH}(?: \w+){{0,4}} (?:nichts|nix)(?: \w+)? mehr(?: \w+){{0,2}} von (?:euch|ihnen|dir)\b",
    rf"\bhoer(?:t|en sie)?(?: \w+){{0,2}} auf(?: \w+){{0,5}} {WRITING}\b",
    rf"\b(?:hoer(?:t|en sie)?(?: \w+){{0,2}} auf|aufhoeren) mit(?: \w+){{0,2}} {MEDIA}\b",
    rf"\baufhoeren(?: \w+){{0,4}} {WRITING}\b",
    # "Lasst mich das in Ruhe ansehen" wants time.
    r"\blass(?:t|en sie)? mich(?: \w+){0,2} in (?:ruhe|frieden)\b(?! \w+(?:en|ern|eln)\b)",
    r"\bmich(?: \w+){0,2} in (?:ruhe|frieden)(?: zu)? lassen\b|\bverschon(?:t|en sie)? mich\b",
    # Off the list.
    rf"\b(?:aus|vo[nm])(?: \w+){{0,2}} {LIST}(?: \w+){{0,3}} (?:nehmen|loeschen|streichen|entfernen)\b",
    rf"\b(?:loesch|streich|entfern|nehm|nimm)(?:e|t|en sie)?(?: \w+){{0,2}} (?:mich|uns|{MINE})(?: \w+)?"
    rf" (?:aus|vo[nm])(?: \w+){{0,2}} (?:{LIST}|system|datenbank|kartei|chat|gruppe)\b",
    rf"\baus(?: \w+){{0,2}} {LIST}(?: \w+)? raus\b|\bwerde(?: \w+){{0,4}} {MEDIA} los\b",
    rf"\b{WISH}(?: \w+){{0,2}} (?:aus|vo[nm])(?: \w+){{0,2}} {LIST} (?:gestrichen|geloescht|entfernt|genommen)\b",
    # Consent, objection, erasure.
    r"\bwiderruf\w*(?: \w+){0,4} (?:einwilligung|zustimmung|einverstaendnis)\b",
    r"\beinwilligung(?: \w+){0,2} widerrufen\b",
    r"\b(?:einwilligung|zustimmung|einverstaendnis)(?: \w+){0,3} zurueck(?:\w+)?\b",
    OBJECT,
    ERASE,
    # English.
    r"\b(?:stop|quit|cease) (?:sending|texting|messaging|contacting|spamming|bothering|harassing|writing)\b",
    rf"\bstop (?:(?:all|with|the|these|those|your|any|more) )*+{MESSAGES}\b",
    rf"\bno more (?:\w+ )?{MESSAGES}\b|\bcancel (?:\w+ ){{0,2}}(?:newsletters?|messages|texts|marketing)\b",
    r"\b(?:don ?t|do not|never) (?:ever )?(?:text|message|contact|bother|spam|write(?: to)?) me\b",
    r"\b(?:don ?t|do not|never) (?:text|message|contact)(?: \w+){0,2} (?:again|any ?more)\b",
    rf"\b(?:don ?t|do not|never) send (?:me )?(?:(?:any|more|these|those|your|further) )*+(?:{MESSAGES}"
    rf"|anything|(?:any)?more)\b",
    rf"\b(?:(?:don ?t|do not)|no longer) (?:want|wish)(?: to (?:get|receive|see|have|miss))?(?! to\b)(?: \w+){{0,3}}"
    rf" {MESSAGES}\b",
    r"\b(?:(?:don ?t|do not) (?:want|wish|like)|no longer (?:want|wish)) to (?:hear from|be contacted)\b",
    r"\bunsubscribe (?:me|us|my|from)\b|\b(?:to|i|please) unsubscribe\b",
    r"\bopt (?:me|us) out\b|\b(?:to|i|please) opt out\b",
    r"\b(?:withdraw|revoke)(?: \w+){0,2} consent\b",
    r"\bleave me alone\b",
    r"\b(?:take|get) me off\b",
    r"\bbe (?:removed|deleted|taken) (?:from|off)(?: \w+){1,2} list\b",
    r"\b(?:remove|delete|take) (?:me|my (?:number|name|contact)) (?:\w+ )?(?:from|off)\b",
)
# The same, only that they name no messages: with an order anywhere in the message they may mean that, and one may want
# to take somebody else off something else.
ENDINGS = _any(
    rf"\b{WANT}(?: (?:ich|wir|ihr|sie|du|man|sich|mich|uns|das|die|dies|es|den|diese[nmrs]?|alles?|bitte|gerne?|hier"
    rf"|jetzt|sofort|wieder|auch|endlich|mal|doch|nur|einfach|davon|hiermit|bei|von|euch|ihnen|ganz)\b)*+ {END}\b",
    rf"\b(?:mich|uns)(?: \w+){{0,6}} {END}\b",
    r"\b(?:bitten?|fordere|verlange)(?: \w+){0,6} (?:abzumelden|abzubestellen|auszutragen)\b",
    rf"\bbitte(?: (?:sofort|jetzt|umgehend|wieder|hier|endlich|auch|mal|ganz)\b)*+ {END}\b",
    rf"\b{WANT}(?: \w+){{0,4}} (?:mich|uns)(?: \w+){{0,3}} (?:raus|heraus)nehmen\b|\bum (?:\w+ )?{OFF}\b",
    r"\bmelde(?:t|n sie)(?: \w+){0,2} mich(?: \w+){0,3} ab\b",
    r"\bmelde?(?: ich)? mich(?: \w+){0,4} ab$",
    rf"\b{WISH}(?: \w+){{0,6}} (?:abgemeldet|ausgetragen) werden\b",
    r"\btrag(?:t|en sie)? mich(?: \w+){0,4} aus$",
    r"\b(?:nehm(?:t|en sie)|nimm)(?: \w+){0,2} mich(?: \w+){0,3} (?:raus|heraus|runter)\b",
)
ELSEWHERE = re.compile(
    r"\b(?:vo[nm]|(?<!dank )(?<!danke )fuers?|beim|zu[mr])"
    r"(?: (?:de[mnr]|das|die|(?:dies|eur|ihr|mein|ein)e[mnr]?)\b)?+"
    rf" (?!{MEDIA}|{LIST}|\w*(?:service|dienst|kanal|chat|gruppe|marketing|programm|system|abo)\b"
    r"|all|euch|ihnen|hier|info|sms|immer|zukunft|\w+ mal\b)"
)
# What uses the same words and means the opposite, or something else: in the sentence of an intent it makes it a maybe.
QUESTION = re.compile(
    rf"(?:(?:{'|'.join(sorted(POLITE))}|aber|schade|sorry|sagt) )*+"
    r"(?:warum|wieso|weshalb|habt ihr|haben sie|hast du|gibt es|why|are there|is there|do you|do i"
    r"|(?<!jetzt )(?<!und )muss ich)\b"
)
# "No offers any more?" asks whether there are any; with a please it does not.
BARE_QUESTION = re.compile(
    rf"(?:(?:hallo|hi|hey|moin|aber|und|also|so|jetzt|ok) )*+(?:{NO}|no more)\b"
    r"(?!.*\b(?:bitte|please|danke|thanks|schicken|senden|verstanden)\b)"
)
# "I get no messages any more" is a complaint of the opposite.
SINCE = (
    r"(?: (?:ich|wir|leider|schon|lange|laenger|seit|gar|ueberhaupt|jetzt|noch|wochen|tagen|monaten|einiger|zeit|von"
    r"|euch|ihnen|mir|man|hier|denn|irgendwie|auch|nun|es|ja|ein(?:er|em)?|paar|heute|gestern|zwei|drei))*+"
)
NOT_FROM = (
    rf"nicht(?! mehr)(?: (?:vo[nm]|aus|de[mnr]|diese[mnrs]?|eure[mnr]|ihre[mnr]|{MEDIA}"
    r"|\w*(?:verteiler|liste))\b){0,4}+"
    r"(?: \w+)?"
)
OPPOSITE = _any(
    rf"\b{NOT_FROM} (?:{END}|stopp?(?:en)?|loeschen)\b",
    r"\b(?:don ?t|do not|did ?n ?t|did not|never)(?: want to| wish to| \w+)? (?:stopp?|unsubscribe"
    r"|opt out|delete|remove|take)\b",
    r"\b(?:loesch|entfern|streich|vergess|meld|nehm|trag|widerr|widersp|hoer)\w*(?: \w+){0,3} nicht\b(?! mehr)",
    r"\bnicht dass\b",
    rf"\b(?:bekomm(?:e|t|en)?|erhalten?|krieg(?:e|t|en)|bekam|habe?n?|hatte|sehe|finde|kamen?|kommen|kommt"
    rf"|wird|werden|wollt ihr){SINCE} {NO}\b",
    rf"^(?!.*\b{WISH}\b).*\b(?:seit(?: \w+){{1,2}}|leider|schon lange|bisher)"
    rf"(?: (?:auch|gar|jetzt|leider|schon))? {NO}\b",
    # What would happen if: whoever wants it says so without.
    r"\b(?:if|when|once) (?:i|we)\b|\b(?:wenn|falls|sobald) (?:ich|wir|man)\b",
    r"\b(?:get|getting|got|receive|received|receiving|are|were|have|had|see)(?: \w+)? no more\b",
    r"\b(?:warum|wieso|weshalb|ob|why)\b(?: \w+){0,5} (?:kein\w*|nicht|nie|no|not|never)\b",
    r"\b(?:schickt|sendet|verschickt|schreibt|macht) ihr\b|\b(?:did|have|had) you\b",
    rf"\b{NO} {MEDIA} mehr (?:habt|macht|da|verfuegbar|uebrig)\b",
    r"\b(?:gibt|schade|verpass\w*|versaeum\w*|miss|missed|missing)\b",
    # Before one says yes, one asks whether one can leave.
    r"\b(?:jederzeit|spaeter|any ?time|later)\b",
    # Another way, another time, a number that changes.
    r"^(?!.*\bwhats ?app (?:und|oder|and|or)\b)(?!.*\b(?:und|oder|and|or) (?:(?:per|by|via) )?whats ?app\b)"
    r".*\b(?:per|by|im|via) (?:post|(?:e ?)?mail|brief|briefkasten|fax|sms|telefon|phone|letter)\b",
    rf"\b(?:before|after|until)\b|\b{MESSAGES} to (?:stop|end)\b",
    r"\b(?:alte|neue)[nrs]? (?:\w+ )?\w*nummer\b|\b(?:old|new) (?:\w+ )?number\b",
)
# "I cannot unsubscribe" and "if you do not stop" want to stop all the same.
THWARTED = re.compile(
    r"\b(?:kann|koennen|konnte|koennt|geht|klappt|funktioniert|can ?t|cannot|can not|could|wenn|falls|if)\b"
)
# Somebody wants to stay, wherever they say so; that it is us who do not stop is a complaint.
STAYING = _any(
    rf"(?:{BEGIN}|\b(?:ich|wir|bitte)(?: \w+){{0,4}} ){NOT_FROM} (?:{END}|stopp?(?:en)?)\b",
    rf"{BEGIN}(?:(?:meld|nehm|trag)e?t(?! ihr| euch)|melden sie(?! sich))(?: \w+){{0,3}} nicht\b(?! mehr)",
    rf"(?:{BEGIN}|\b(?:i|we|please|but) )(?:(?:really|would|will|d) )?(?:don ?t|do not|never)"
    r"(?: (?:want|wish) to| ever| just)? (?:stopp?\b(?! (?:getting|receiving))|unsubscribe\b|opt out\b"
    r"|(?:remove|take) (?:me|us)\b)",
)
# Said behind a no, it is none any more; a reason ("I signed up by mistake") and emphasis ("I meant it!") are neither.
SIGNED_UP = (
    r"(?:an(?:ge)?meld\w*|eingetragen|registrier\w*|abonnier\w*|zugestimmt|eingewilligt|sign(?:ed)? ?up|subscribed"
    r"|joined|opted in|agreed|(?:meine|my) (?:\w+ )?(?:nummer|number))"
)
TAKEN_BACK = _any(
    r"^(?:(?:aber|ach|oh|ah|nein|ne|nee|no|halt|sorry|bitte) )*+(?:wartet?|warten sie|moment|doch nicht|wait|hold on"
    r"|actually no|just kidding|never ?mind|changed my mind|falsch(?:e taste)?$|vertippt"
    r"|(?:das |es )?war (?:nur )?(?:ein )?(?:spass|scherz|witz|versehen)"
    r"|(?:ich meinte|i meant)(?! (?:es|das|it|that)\b))\b",
    r"^ach nein\b",
    rf"^(?!.*\b{SIGNED_UP}\b).*\b(?:aus versehen|versehentlich|vertan|geirrt|by mistake)\b",
    r"^(?!.*\b(?:nicht|not|don ?t)\b).*\b(?:bleibe?n? (?:doch|dabei|angemeldet)|(?:angemeldet|dabei) bleiben"
    r"|(?:will|moechte) doch (?:noch|lieber|bleiben|weiter\w*|wieder)|stay subscribed)\b",
)
# May end a contract, an order or the messages: whole messages, and words that ask wherever they stand.
ASK_WHOLE = _phrases(
    "halt|halt stop|halt stopp|raus|storno|loeschen|nein danke|no thanks|nicht mehr|nichts mehr|keine mehr|nie wieder"
    "|no more|schluss|schluss damit|genug|es reicht|jetzt reicht es|jetzt reichts|mir reichts|enough|spam|blockiert"
    "|blocked|lasst das|lass das|lassen sie das|ich will das nicht|ich will das nicht mehr|will ich nicht"
    "|will ich nicht mehr|ich will nicht mehr|ich moechte das nicht|ich moechte das nicht mehr|ich moechte nicht mehr"
    "|i don t want this|i do not want this|das ist spam|this is spam|ich bin raus|bin raus"
)
ANNOYED = (
    r"\bnerv(?:t|en|ig\w*)\b|\bbelaestig\w*|\bspamm\w*|(?<!im )\bspam\b(?! ?(?:ordner|folder|verdacht))|\bharass\w*"
    r"|\b(?:ver(?:piss|zieh)|pisst?)\w* euch\b|\bhaut ab\b|\b(?:fuck|piss) off\b|\bgo away\b|\bshut up\b"
)
ASK_WORDS = _any(
    r"\bkuendig\w*|\bloeschen\b|\bstorno\b|\bwiderrufen?\b",
    r"\bwider(?:spreche|spruch)\b|\bunsubscrib\w*|\bopt(?:ed|ing)? out\b",
    r"\bab(?:ge|zu)?(?:meld|bestell)\w*|\b(?:austragen|ausgetragen)\b|\b(?:cancel|end) (?:\w+ )?subscription\b",
    # About what is done here: "I did not get it" and "it does not work any more" are not.
    rf"\b{ME}(?: \w+){{0,3}} {NOT_MORE}(?: \w+){{0,2}} {WRITE}(?:en|t)\b",
    rf"{BEGIN}{WRITE}(?:e|t|et|en sie)?(?: {ME})?(?: bitte)? {NOT_MORE}\b",
    rf"{BEGIN}(?:nicht|nichts|nix) mehr (?:\w+ )?{WRITE}en\b|^nichts mehr von (?:euch|ihnen)$",
    rf"(?:{BEGIN}|\b{WISH}(?: \w+){{0,3}} ){NO} (?:\w+ )?(?:infos?|informationen|(?:e ?)?mails?|sms"
    rf"|anrufe?)(?: \w+)? mehr\b",
    rf"\b(?:kein|null) (?:interesse|bedarf)(?: mehr)?"
    rf"(?: (?:daran|an (?:\w+ ){{0,2}}(?:{MEDIA}|infos?|euch|ihnen|sowas)))?(?: mehr)?$",
    r"\bnicht (?:mehr )?interessiert$",
    rf"\b(?:don ?t|do not) like(?: \w+){{0,2}} {MESSAGES}\b",
    rf"\b{WISH}(?: \w+){{0,4}} nicht mehr (?:bekommen|erhalten)\b",
    r"\b(?:das|es|dies)(?: \w+){0,2} (?:abstellen|abschalten)\b",
    rf"\b{WISH}(?: \w+)? nicht dass (?:ihr|sie)\b|\b(?:don ?t|do not) want you to\b",
    r"\bstell(?:t|en sie) (?:das|dies|es)(?: \w+){0,2} ein$|\blass(?:t|en sie) das(?:$| mit\b)",
    r"\b(?:not|no longer) interested\b(?! in (?:the|a|an)\b)",
    r"\bunterlass\w*|\bhoer(?:t|en sie)?(?: \w+){0,2} auf\b",
    r"\bin ruhe lassen\b|\b(?:lasst|lassen sie) mich(?: \w+)? in ruhe$",
    r"\bnicht (?:\w+ )?einverstanden\b|\bstimme(?: \w+){0,4} nicht zu\b",
    r"\b(?:don ?t|do not|did ?n ?t|did not|never) consent(?:ed)?\b",
    r"\bblockier\w*(?: \w+)? (?:euch|sie)\b|\b(?:euch|sie)(?: \w+)? blockiere\w*\b|\bblock(?:ing)? you\b",
    r"\bnie(?:mals)? (?:zugestimmt|eingewilligt)\b",
    r"\b(?:verbiete|verbitte|untersage)\b|\bcease and desist\b|\blose my number\b",
    rf"\b(?:keine lust|satt|genug)(?: \w+){{0,3}} {MEDIA}\b|\b{NO} (?:scheiss|mist|kram|muell)\w* mehr\b",
    r"\b(?:don ?t|do not) want (?:this|these)(?: any ?more)?$|\bi want out$|\bich (?:will|moechte)(?: hier| da)? raus$",
    # Then somebody else said yes.
    r"\bfalsche (?:\w*nummer|person)$|\bwrong (?:number|person)\b|\bverwaehlt\b",
    ANNOYED,
)
STOP_STEM = re.compile(r"(?<!bus )(?<!non )(?<!pit )\bstopp?(?:t|en|e)?\b(?! (?:motion|by)\b)")
STOP_AT_EDGE = re.compile(r"^stopp?\b(?! motion)|(?<!bus )(?<!non )(?<!pit )\bstopp?$")
