"""How the ledger's codes and times are told to people: on pages, in receipts and on paper."""

import re
from datetime import date, datetime

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tenants.templatetags import formats

STATES: dict[str, str | Promise] = {
    "requested": gettext_lazy("Asked to sign up, not confirmed yet"),
    "granted": gettext_lazy("Consent given"),
    "renewed": gettext_lazy("Consent given again"),
    "refused": gettext_lazy("Consent declined"),
    "withdrawn": gettext_lazy("Consent withdrawn"),
    "objected": gettext_lazy("Objected to advertising"),
    "expired": gettext_lazy("Consent expired"),
    "invalidated": gettext_lazy("Consent invalid: its wording was declared invalid"),
    "meta_stopped": gettext_lazy("Marketing stopped in WhatsApp's settings"),
    "meta_resumed": gettext_lazy("Marketing allowed again in WhatsApp's settings"),
    "suppressed": gettext_lazy("Put on the suppression list"),
    "suppression_lifted": gettext_lazy("Taken off the suppression list by the person"),
    "merged": gettext_lazy("Two contacts turned out to be one person"),
    "moved": gettext_lazy("Number or WhatsApp id changed"),
    "restricted": gettext_lazy("Processing restricted (Art. 18 GDPR)"),
    "unrestricted": gettext_lazy("Restriction lifted"),
    "erased": gettext_lazy("Data erased (Art. 17 GDPR)"),
}
AUTHORITIES: dict[int, str | Promise] = {
    0: gettext_lazy("Import: as the file says"),
    1: gettext_lazy("Recorded by the team or by a program"),
    2: gettext_lazy("Reported by WhatsApp (Meta)"),
    3: gettext_lazy("The person, on the channel itself"),
}
LEGAL_BASES: dict[str, str | Promise] = {
    "6-1-a": gettext_lazy("Consent, Art. 6 (1) (a) GDPR and § 7 (2) no. 2 UWG"),
    "6-1-b": gettext_lazy("Contract, Art. 6 (1) (b) GDPR"),
    "6-1-f": gettext_lazy("Legitimate interest, Art. 6 (1) (f) GDPR"),
    "7-3-uwg": gettext_lazy("Existing customers, § 7 (3) UWG"),
}
# § 7 UWG is about advertising alone, to which surveys count; a yes to something else rests on other law.
CONSENTS: dict[str, str | Promise] = {
    "transactional": gettext_lazy("Consent, Art. 6 (1) (a) GDPR"),
    "tracking": gettext_lazy("Consent, Art. 6 (1) (a) GDPR and § 25 (1) TDDDG"),
    "profiling": gettext_lazy("Consent, Art. 6 (1) (a) GDPR"),
    "special_category": gettext_lazy("Explicit consent, Art. 6 (1) (a) and 9 (2) (a) GDPR"),
}
# What rows of our own writing name as their source, in words that never change there; what others name stays as it is.
REFS: tuple[tuple[str, str | Promise], ...] = (
    (r"form (.+)", gettext_lazy("form %s")),
    (r"import (\S+) line (\d+)", gettext_lazy("import %s, line %s")),
    (r"wording (\S+) v(\d+)", gettext_lazy("consent text %s, version %s")),
    (r"unused for 1 months", gettext_lazy("unused for a month")),
    (r"unused for (\d+) months", gettext_lazy("unused for %s months")),
    (r"not confirmed within (\d+) days", gettext_lazy("not confirmed within %s days")),
)
SUPPRESSIONS: dict[str, str | Promise] = {
    "withdrawn": gettext_lazy("Withdrawal"),
    "objected": gettext_lazy("Objection"),
    "meta_stop": gettext_lazy("Stopped in WhatsApp's settings"),
    "suppressed": gettext_lazy("Put on the list by hand"),
}
IDENTITIES: dict[str, str | Promise] = {
    "phone": gettext_lazy("phone number"),
    "bsuid": gettext_lazy("WhatsApp user id"),
    "email": gettext_lazy("e-mail address"),
}
TONES = {
    **dict.fromkeys(("granted", "renewed"), "good"),
    **dict.fromkeys(("requested", "expired", "invalidated", "moved", "restricted"), "warn"),
    **dict.fromkeys(("refused", "withdrawn", "objected", "meta_stopped", "suppressed", "erased"), "bad"),
}


def state(code: str) -> str:
    """What a row of the ledger says, as a sentence; the code itself if it is unknown."""
    return str(STATES.get(code, code))


def tone(code: str) -> str:
    """The colour of a state's badge."""
    return TONES.get(code, "neutral")


def legal_basis(code: str, purpose: str = "") -> str:
    """A legal basis with its articles; those of a consent depend on its purpose."""
    named = CONSENTS.get(purpose) if code == "6-1-a" else None
    return str(named or LEGAL_BASES.get(code, code))


def source_ref(ref: str) -> str:
    """Which form, line of a file or rule a row of the ledger comes from."""
    found = ((told, re.fullmatch(pattern, ref)) for pattern, told in REFS)
    return next((str(told) % match.groups() for told, match in found if match), ref)


def authority(level: int) -> str:
    """Who said it."""
    return str(AUTHORITIES.get(level, level))


def suppression(code: str) -> str:
    """Why somebody is on the suppression list."""
    return str(SUPPRESSIONS.get(code, code))


def identity(kind: str) -> str:
    """What kind of thing names a person."""
    return str(IDENTITIES.get(kind, kind))


def problem(text: str, day: str, seq: int) -> str:
    """What is wrong with a ledger, as consent.ledger.anchoring.Problem has it."""
    named = formats.day(date.fromisoformat(day)) if day else ""
    return _(text) % {"day": named, "seq": formats.number(seq)}


def exact(moment: datetime | None) -> str:
    """A moment to the second with its distance to UTC, in the active time zone, as a proof wants it."""
    if moment is None:
        return "–"
    local = timezone.localtime(moment)
    offset = local.strftime("%z")
    return _("%(day)s, %(time)s (UTC%(offset)s)") % {
        "day": local.strftime(_("%Y-%m-%d")),
        "time": local.strftime("%H:%M:%S"),
        "offset": f"{offset[:3]}:{offset[3:]}",
    }
