"""What the product says to people in a company's name: on sign-up pages and in WhatsApp, in du, in Sie, in English.

Data and not gettext, because companies choose how they address people, whatever language their own staff reads.
"""

from collections.abc import Collection, Mapping

from django.conf import settings

from consent.models import Controller, Purpose, WordingVersion
from consent.speaking import explanations, words
from tenants.models import Tenant

Texts = words.Texts
DU: Texts = {**words.DU, **explanations.DU}
SIE: Texts = {**words.SIE, **explanations.SIE}
EN: Texts = {**words.EN, **explanations.EN}

LANGUAGES = ("de", "en")
# Meta's limit for the text above buttons; a wording that is cut short is agreed to by nobody.
QUESTION_LIMIT = 1024
# What a yes to these purposes rests on beside Art. 6 GDPR.
LAWS = {
    "law_advertising": {Purpose.MARKETING, Purpose.SURVEY},
    "law_tracking": {Purpose.TRACKING},
    "law_special_category": {Purpose.SPECIAL_CATEGORY},
}


def question(tenant: Tenant, language: str, version: WordingVersion) -> str:
    """What is asked in WhatsApp before somebody can say yes there: the wording, its notice, and what to tap."""
    said = texts(tenant, language)
    wording = version.texts.get(language) or next(iter(version.texts.values()), "")
    # Most texts end with it already.
    says_it = version.policy_url in {word.strip(".,;()") for word in wording.split()}
    policy = f"\n{version.policy_url}" if version.policy_url and not says_it else ""
    return said["asked"].replace("{wording}", wording + policy).replace("{button}", said["button"])


def answer(said: Texts, told: str, *, page: str, code: str = "", is_owed: bool = False, own_page: str = "") -> str:
    """What WhatsApp answers to who signs up: how it ended, their voucher, and the page on which they can say no."""
    lines = [said[told].format(url=page)]
    if code:
        lines.append(said["code"].format(code=code))
    if is_owed:
        lines.append(said["owed"].format(own=own_page))
    if own_page:
        lines.append(said["own_page"].format(url=own_page))
    return "\n\n".join(lines)


def facts(tenant: Tenant, language: str, purposes: Collection[str]) -> list[tuple[str, str]]:
    """What Art. 13 GDPR wants said before somebody says yes to these purposes, beside who is responsible.

    Returns titles with their texts.
    """
    said = texts(tenant, language)
    controller = Controller.objects.filter(tenant=tenant).first() or Controller(tenant=tenant)
    values = {
        "{operator}": settings.OPERATOR_NAME,
        "{silence}": str(controller.silence_months),
        "{messages}": str(controller.message_months),
        "{city}": controller.city or "–",
        "{laws}": "".join(said[law] for law, about in LAWS.items() if about.intersection(purposes)),
    }
    told = [(said[key], said[f"{key}_text"]) for key in ("for", "basis", "recipients", "kept", "free", "revoke")]
    told += [(said["rights_title"], said["rights"]), (said["authority"], said["authority_text"])]
    return [(title, filled(text, values)) for title, text in told]


def filled(text: str, values: Mapping[str, str]) -> str:
    """The text with values for its braces, which are looked for in their order."""
    for brace, value in values.items():
        text = text.replace(brace, value)
    return text


def texts(tenant: Tenant, language: str) -> dict[str, str]:
    """Every text for this company's people in a language, with the company's name filled in; other braces stay."""
    controller = Controller.objects.filter(tenant=tenant).first()
    company = (controller and controller.legal_name) or tenant.name
    is_formal = controller is not None and controller.address_form == Controller.AddressForm.SIE
    chosen: dict[str, str] = {**EN} if language == "en" else {**DU, **(SIE if is_formal else {})}
    return {key: text.replace("{company}", company) for key, text in chosen.items()}
