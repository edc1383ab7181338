"""Why a line, or one value of it, was not imported: codes for programs, sentences for people."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

# Values that were left out, in Import.reasons, while their line was imported.
DROPPED = "dropped:"

REJECTED: dict[str, Promise] = {
    "malformed_row": _("The line has another number of columns than the header, or an open quotation mark."),
    "bad_encoding": _("The line holds characters that do not fit the file's encoding. Save the file as UTF-8."),
    "too_long": _("A cell is longer than this column allows. Shorten it."),
    "invalid_phone": _("This is not a valid phone number. Write it with the country code, e.g. +49 151 23456789."),
    "rounded_phone": _("Excel has rounded this phone number. Format the column as text and enter it again."),
    "invalid_email": _("This is not a valid e-mail address, and nothing else names the person."),
    "invalid_bsuid": _("A BSUID looks like DE.13491208655302741918; copy it from WhatsApp's webhook."),
    "no_identity": _("Neither phone number, e-mail, customer number nor BSUID: nothing names the person."),
    "duplicate_in_file": _("The same person is named by another line of the file, which was imported instead."),
    "conflict_with_base": _("The line names two different contacts. Correct it, or leave one of the identifiers out."),
    "identity_changed": _(
        "Messages reach this person by another phone number, or by WhatsApp without one. Correct the number with a"
        " data request (rectification); the consent does not move along."
    ),
    "restricted": _(
        "restricted: only storage. The person has had processing restricted (Art. 18 GDPR), so nothing is changed."
    ),
    "ambiguous_email": _("Several contacts have this e-mail address. Add the phone number or the customer number."),
}

LEFT_OUT: dict[str, Promise] = {
    "invalid_email": _("The e-mail address is not valid and was left out."),
    "invalid_birthday": _("The birthday could not be read and was left out. Write it as 31.12.1990 or 1990-12-31."),
    "invalid_language": _("The language was not recognised and was left out. Write it as de or en."),
    "invalid_country": _("The country was not recognised and was left out. Write it as DE or Deutschland."),
    "invalid_postcode": _("The postcode is not valid and was left out. German ones have five digits."),
    "invalid_consent_date": _("The time of consent could not be read or lies in the future."),
    "unclear_yes_or_no": _("Neither yes nor no; it was taken as no consent."),
    "unclear_age": _("Whether the person is at least 16 is neither yes nor no there; it was taken as unknown."),
}

CONSENT: dict[str, Promise] = {
    "granted": _("Consent with complete proof was recorded."),
    "age_unknown": _(
        "Consent was recorded, but neither its wording nor the file says that the person is at least 16: no advertising"
        " is sent. If you know it, import a file with a column for it."
    ),
    "minor": _("The person was younger than 16 when they agreed, so nothing was recorded."),
    "already_granted": _("Consent was already there."),
    "no_proof": _("Consent is claimed, but time, source, wording or proof is missing: nothing was recorded."),
    "wording_without_whatsapp": _("The wording does not name WhatsApp, so it is no consent to it."),
    "wording_not_uniform": _("Nearly every line has another wording. Enter the text people agreed to, without names."),
    "wording_invalid": _("The wording was declared invalid, so nobody has agreed to anything by it."),
    "skipped_suppressed": _("The person has opted out or is suppressed; only they themselves can lift that."),
    "withdrawn": _("The opt-out was recorded."),
    "already_withdrawn": _("The opt-out was already there."),
    "not_claimed": _(
        "The line holds no consent: whoever has not agreed elsewhere cannot be written to before they say yes."
    ),
    "line_rejected": _("The line was rejected, and no consent was taken from it."),
}

# Those of CONSENT that leave an imported line without a consent that can be used: they are told line by line.
NOTED = (
    *("no_proof", "wording_without_whatsapp", "wording_not_uniform", "wording_invalid", "skipped_suppressed"),
    *("age_unknown", "minor"),
)

CONSENT_AHEAD: dict[str, Promise] = {
    "granted": _("Consent with complete proof will be recorded."),
    "age_unknown": _(
        "Consent will be recorded, but neither its wording nor the file says that the person is at least 16: no"
        " advertising will be sent. If you know it, add a column for it to the file."
    ),
    "minor": _("The person was younger than 16 when they agreed, so nothing will be recorded."),
    "no_proof": _("Consent is claimed, but time, source, wording or proof is missing: nothing will be recorded."),
    "withdrawn": _("The opt-out will be recorded."),
    "line_rejected": _("The line is rejected, and no consent will be taken from it."),
}


@dataclass(frozen=True)
class Counted:
    """One reason with its sentence in the active language and how often it applied."""

    code: str
    label: str
    count: int


def rejected(counts: Mapping[str, int]) -> list[Counted]:
    """Why lines were rejected, the most frequent first; `counts` is Import.reasons."""
    return _told({code: count for code, count in counts.items() if not code.startswith(DROPPED)}, REJECTED)


def left_out(counts: Mapping[str, int]) -> list[Counted]:
    """Which values were left out of imported lines, the most frequent first; `counts` is Import.reasons."""
    dropped = {code.removeprefix(DROPPED): count for code, count in counts.items() if code.startswith(DROPPED)}
    return _told(dropped, LEFT_OUT)


def consent(counts: Mapping[str, int], *, is_ahead: bool = False) -> list[Counted]:
    """What became of consent and opt-out columns, or will (`is_ahead`); `counts` is Import.consent_counts."""
    return _told(counts, CONSENT | CONSENT_AHEAD if is_ahead else CONSENT)


def _told(counts: Mapping[str, int], labels: Mapping[str, Promise]) -> list[Counted]:
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return [Counted(code, str(labels.get(code, code)), count) for code, count in ordered]
