"""Which column of a file means what: guesses from German and English headers, and checks of a user's choice."""

import re
from collections.abc import Mapping, Sequence

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

IGNORED = ""
IDENTITIES = ("phone", "email", "external_id", "bsuid")
FIELDS = ("first_name", "last_name", "name", "language", "country", "postcode", "birthday", "tags")
CONSENT = (
    *("consent.whatsapp", "consent.at", "consent.source", "consent.wording", "consent.proof", "consent.age"),
    "optout",
)
TARGETS = (*IDENTITIES, *FIELDS, *CONSENT)
ATTRIBUTE = "attribute:"
_ATTRIBUTE = re.compile(r"attribute:[a-z0-9_]{1,60}")

# Headers as they are written without case, accents, blanks and signs; the more telling ones first, because the first
# column that fits a target takes it. Consent to e-mail or SMS is no consent to WhatsApp (CG-04) and not listed.
_KNOWN = {
    "phone": "whatsappnummer whatsappnumber whatsapp handy handynummer handynr mobil mobilnummer mobiltelefon mobile"
    " mobilephone mobilenumber cell cellphone telefon telefonnummer telefonnr tel phone phonenumber telephone"
    " rufnummer nummer msisdn waid defaultaddressphone",
    "email": "email emailadresse emailaddress mail mailadresse emailadr",
    "external_id": "kundennummer kundennr kundenid kdnr kundenummer customerid customernumber customerno externalid"
    " externeid mitgliedsnummer klaviyoid",
    "bsuid": "bsuid whatsappuserid businessscopeduserid",
    "first_name": "vorname firstname givenname rufname",
    "last_name": "nachname lastname familyname surname familienname zuname",
    "name": "name fullname vollername kunde kundenname customername ansprechpartner kontakt vorundnachname",
    "language": "sprache language lang locale sprachcode",
    "country": "land laendercode landcode country countrycode defaultaddresscountrycode defaultaddresscountry",
    "postcode": "plz postleitzahl postcode postalcode zip zipcode defaultaddresszip",
    "birthday": "geburtstag geburtsdatum gebdatum geb birthday birthdate dateofbirth dob geborenam",
    "tags": "tags tag schlagwort schlagworte schlagwoerter label labels stichworte",
    "consent.whatsapp": "whatsappeinwilligung einwilligungwhatsapp whatsappoptin optinwhatsapp whatsappconsent"
    " whatsappmarketing whatsappmarketingconsent acceptswhatsapp acceptswhatsappmarketing whatsappnewsletter"
    " whatsappzustimmung whatsappwerbung",
    "consent.at": "einwilligungam einwilligungsdatum einwilligungszeitpunkt einwilligungszeit datumeinwilligung"
    " datumdereinwilligung zustimmungam optinam optindatum optindate optinat consentat consentdate consenttimestamp"
    " whatsappconsenttimestamp whatsappconsentdate whatsappoptindate",
    "consent.source": "einwilligungsquelle quelledereinwilligung einwilligungquelle optinquelle optinsource"
    " consentsource whatsappconsentsource einwilligungsweg",
    "consent.wording": "wortlaut wortlautdereinwilligung einwilligungstext einwilligungswortlaut optintext"
    " consenttext consentwording wording zustimmungstext",
    "consent.proof": "nachweis einwilligungsnachweis beleg optinnachweis optinproof consentproof proof"
    " nachweisdereinwilligung",
    "consent.age": "alterbestaetigt mindestalterbestaetigt mindestalter mindestens16 mindestens16jahre ab16 ueber16"
    " volljaehrig einwilligungalter ageconfirmed ageconfirmation consentage minimumage atleast16 over16",
    "optout": "optout whatsappoptout abgemeldet widerrufen widerruf werbesperre werbesperren keinewerbung sperre"
    " gesperrt blacklist widersprochen whatsappabgemeldet",
    "attribute:city": "ort stadt city wohnort defaultaddresscity",
    "attribute:total_orders": "totalorders orderscount anzahlbestellungen bestellungen",
    "attribute:total_spent": "totalspent umsatz gesamtumsatz",
    "attribute:gender": "geschlecht gender",
    "attribute:salutation": "anrede salutation",
    "attribute:company": "firma company defaultaddresscompany",
    "attribute:note": "notiz notizen note bemerkung",
}
_RANKED = {word: (rank, target) for target, words in _KNOWN.items() for rank, word in enumerate(words.split())}
_SOURCE = ("quelle", "source", "herkunft")
_SPELLED = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})


def guess(headers: Sequence[str]) -> dict[str, str]:
    """A target for each header, "" for those nobody can tell; no target is given twice.

    Knows German spreadsheets and the exports of Shopify and Klaviyo.
    """
    ranked = sorted((_RANKED[_folded(header)], at) for at, header in enumerate(headers) if _folded(header) in _RANKED)
    chosen: dict[str, str] = dict.fromkeys(headers, IGNORED)
    for (_rank, target), at in ranked:
        if target not in chosen.values():
            chosen[headers[at]] = target
    if {"first_name", "last_name"} & set(chosen.values()):
        chosen = {header: IGNORED if target == "name" else target for header, target in chosen.items()}
    return chosen | _with_consent(chosen)


def _with_consent(chosen: Mapping[str, str]) -> dict[str, str]:
    """A column called just "Quelle" is where the consent comes from, if others speak of its time, wording or proof."""
    targets = set(chosen.values())
    sources = [header for header, target in chosen.items() if not target and _folded(header) in _SOURCE]
    is_meant = {"consent.at", "consent.wording", "consent.proof"} & targets and "consent.source" not in targets
    return {sources[0]: "consent.source"} if is_meant and sources else {}


def checked(mapping: Mapping[str, str], headers: Sequence[str]) -> dict[str, str]:
    """The user's mapping with every header in it; headers it does not name are ignored.

    Raises ValidationError for the field `mapping` when a header or target is unknown, a target is used twice, or no
    column names the person.
    """
    problems = [_unknown_header(header) for header in mapping if header not in headers]
    problems += [_unknown_target(header, target) for header, target in mapping.items() if not is_target(target)]
    used = [target for target in mapping.values() if target and target != "tags"]
    problems += [_used_twice(target) for target in sorted({target for target in used if used.count(target) > 1})]
    if problems:
        raise ValidationError({"mapping": problems})
    if not names_people(mapping):
        raise ValidationError({"mapping": no_identity()})
    return {header: mapping.get(header, IGNORED) for header in headers}


def names_people(mapping: Mapping[str, str]) -> bool:
    """Whether at least one column says who a line is about."""
    return any(target in IDENTITIES for target in mapping.values())


def tells_of_consent(mapping: Mapping[str, str]) -> bool:
    """Whether a column says yes or no for somebody, so that importing it writes consent."""
    return any(target in CONSENT for target in mapping.values())


def no_identity() -> str:
    """What to tell a user whose mapping names nobody."""
    return _("No column names the person. Assign a column to phone number, e-mail, customer number or BSUID.")


def is_target(target: str) -> bool:
    """Whether a column can be mapped to this."""
    return target == IGNORED or target in TARGETS or bool(_ATTRIBUTE.fullmatch(target))


def attribute_key(name: str) -> str:
    """A name as the key of an attribute: "Lieblings-Brötchen" → lieblings_broetchen; empty when no letter is left."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower().translate(_SPELLED)).strip("_")[:60]


def _folded(header: str) -> str:
    return re.sub(r"[^a-z0-9]", "", header.lower().translate(_SPELLED))


def _unknown_header(header: str) -> str:
    return _("The file has no column “%(header)s”.") % {"header": header[:80]}


def _unknown_target(header: str, target: str) -> str:
    known = ", ".join((*TARGETS, "attribute:<name>"))
    message = _("“%(target)s” is no target for the column “%(header)s”. Known: %(known)s.")
    return message % {"target": str(target)[:80], "header": header[:80], "known": known}


def _used_twice(target: str) -> str:
    return _("Only one column can be assigned to “%(target)s”.") % {"target": target}
