"""What receipts say about purposes, recipients, rights and the state of consent, in the words of law and of DPV 2.

DPV: the W3C's Data Privacy Vocabulary, https://w3id.org/dpv#. Texts are in the active language.
"""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from consent import agreements, telling
from consent.models import Channel, Controller, Purpose, SubProcessor

Text = str | Promise

# consent-gdpr § 3. None: the row says nothing about consent itself.
DPV_STATES: dict[str, str | None] = {
    "requested": "dpv:ConsentRequested",
    "granted": "dpv:ConsentGiven",
    "renewed": "dpv:RenewedConsentGiven",
    "refused": "dpv:ConsentRefused",
    "withdrawn": "dpv:ConsentWithdrawn",
    "objected": "dpv:ConsentWithdrawn",
    "meta_stopped": "dpv:ConsentWithdrawn",
    "expired": "dpv:ConsentExpired",
    "invalidated": "dpv:ConsentInvalidated",
    # By somebody other than the person.
    "suppressed": "dpv:ConsentRevoked",
    "erased": "dpv:ConsentUnknown",
}
DPV_PURPOSES = {
    "marketing": "dpv:DirectMarketing",
    "transactional": "dpv:CustomerOrderManagement",
    "tracking": "dpv:OptimisationForController",
    "profiling": "dpv:PersonalisedAdvertising",
    "special_category": "dpv:Personalisation",
    "survey": "dpv:ImproveExistingProductsAndServices",
}
NAMES = gettext_lazy("first and last name, if given")
DATA: dict[str, tuple[Text, ...]] = {
    "marketing": (gettext_lazy("messages and their delivery"),),
    "transactional": (gettext_lazy("orders and appointments"),),
    "tracking": (gettext_lazy("which links were opened when"), gettext_lazy("which messages were read when")),
    "profiling": (gettext_lazy("purchases"), gettext_lazy("reactions to messages")),
    "special_category": (gettext_lazy("answers that touch health, faith or other protected matters (Art. 9 GDPR)"),),
    "survey": (gettext_lazy("answers to surveys"),),
}
CONTACTS: dict[str, Text] = {
    "whatsapp": gettext_lazy("phone number or WhatsApp user id"),
    "email": gettext_lazy("e-mail address"),
    "sms": gettext_lazy("phone number"),
}
META = "WhatsApp Ireland Limited, Merrion Road, Dublin 4, D04 X2K5, Irland"
# The European Economic Area: wherever else data go, that is a transfer of Art. 44 GDPR.
EEA = {
    *("AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IS", "IT", "LI", "LT"),
    *("LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK"),
}


def purpose(channel: str, name: str, legal_basis: str, among: Sequence[SubProcessor] | None = None) -> dict[str, Any]:
    """What one purpose means on one channel; `among` are the operator's processors where they are at hand."""
    among = agreements.subprocessors() if among is None else among
    return {
        "channel": channel,
        "channel_name": str(Channel(channel).label),
        "purpose": name,
        "name": str(Purpose(name).label),
        "dpv": DPV_PURPOSES[name],
        "legal_basis": legal_basis,
        "legal_basis_text": telling.legal_basis(legal_basis, name),
        "data_types": [str(CONTACTS[channel]), str(NAMES), *map(str, DATA[name])],
        "retention": _(
            "As long as the consent is used. After a withdrawal its proof is kept until the end of the third calendar"
            " year (§§ 195, 199 BGB), the keyed hash on the suppression list until a new consent."
        ),
        "recipients": _recipients(channel, among),
        "third_country": _third_country(channel, among),
    }


def operator() -> dict[str, str]:
    """Who processes the data for the company, as the contract of Art. 28 names them."""
    return {
        "name": settings.OPERATOR_NAME,
        "address": settings.OPERATOR_ADDRESS,
        "url": settings.PUBLIC_URL,
        "role": "Art. 28 DSGVO",
    }


def processors(among: Sequence[SubProcessor] | None = None) -> list[str]:
    """The operator, and who processes data for the operator."""
    among = agreements.subprocessors() if among is None else among
    named = [f"{one.name}, {one.country}: {one.purpose}" for one in among]
    return [_("%(operator)s, as processor (Art. 28 GDPR)") % {"operator": settings.OPERATOR_NAME}, *named]


def transfers(channel: str = "", among: Sequence[SubProcessor] | None = None) -> list[dict[str, str]]:
    """Who gets data outside of the EEA and what that rests on: the operator's processors, and Meta for WhatsApp."""
    among = agreements.subprocessors() if among is None else among
    named = [
        {"country": one.country, "recipients": one.name, "safeguard": one.safeguard}
        for one in among
        if one.country not in EEA
    ]
    if channel != Channel.WHATSAPP:
        return named
    safeguard = _("Adequacy decision on the EU-US Data Privacy Framework (Art. 45 GDPR)")
    return [{"country": "US", "recipients": "WhatsApp LLC, Meta Platforms, Inc.", "safeguard": safeguard}, *named]


def _recipients(channel: str, among: Sequence[SubProcessor]) -> list[str]:
    own, delivers = processors(among), _("delivers the messages")
    return [f"{META}: {delivers}", *own] if channel == Channel.WHATSAPP else own


def _third_country(channel: str, among: Sequence[SubProcessor]) -> dict[str, str] | None:
    """All of them in one, as receipts have it since the first."""
    found = transfers(channel, among)
    names = ("country", "recipients", "safeguard")
    joined = {name: "; ".join(dict.fromkeys(filter(None, (one[name] for one in found)))) for name in names}
    return joined if found else None


def withdrawal(controller: Controller, channel: str) -> str:
    """How the person takes the consent to messages on this channel back."""
    if channel in (Channel.WHATSAPP, Channel.ALL):
        ways = _("Reply STOPP on WhatsApp, use the link to your own page, or tell the company in any other way.")
    else:
        ways = _("Use the link to your own page, or tell the company in any other way.")
    if controller.email:
        ways += " " + _("E-mail: %(address)s.") % {"address": controller.email}
    return ways + " " + _("What was lawful until the withdrawal stays lawful (Art. 7 (3) GDPR).")


def rights() -> list[str]:
    """The rights of the person by article."""
    return [
        _("Withdrawal of the consent at any time (Art. 7 (3) GDPR)"),
        _("Objection to advertising (Art. 21 (2) GDPR)"),
        _("Access (Art. 15 GDPR)"),
        _("Rectification (Art. 16 GDPR)"),
        _("Erasure (Art. 17 GDPR)"),
        _("Restriction (Art. 18 GDPR)"),
        _("Data portability (Art. 20 GDPR)"),
        _("Complaint to a supervisory authority (Art. 77 GDPR)"),
    ]


def authority(controller: Controller) -> str:
    """To whom the person may complain."""
    place = controller.city or controller.legal_name
    return _("The data protection authority of the person's own place or of the company's seat (%(place)s).") % {
        "place": place
    }
