"""Why a person may not be messaged, in words: each of the rules' codes with its label, its sentence and a remedy."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Text = str | Promise


@dataclass(frozen=True)
class Reason:
    """What marketers read about a code of consent.rules; `remedy` is what can be done, "" where nothing is to be."""

    label: Text
    text: Text
    remedy: Text = ""


ALLOWED = Reason(_("Yes"), _("There is a valid consent."))
TRANSACTIONAL = Reason(
    _("Yes"),
    _("There is a valid opt-in to WhatsApp."),
    _("For messages about a concrete order or appointment only, without advertising."),
)
ONLY_THE_PERSON = _(
    "Only the person can lift this, on the channel itself: for example by the sign-up page or by writing START."
    " Neither an import nor somebody of your team can."
)
REASONS: dict[str, Reason] = {
    "tenant_blocked": Reason(
        _("Workspace is blocked"),
        _("This workspace is switched off and sends nothing."),
        _("Please ask the operator of Zusage."),
    ),
    "no_agreement": Reason(
        _("Data processing agreement missing"),
        _("The company has not concluded the contract of Art. 28 GDPR yet, and nothing is sent until then."),
        _("An owner or admin concludes it under “Contract and records”; it takes two minutes."),
    ),
    "restricted": Reason(
        _("Processing restricted"),
        _("The data of this person may only be stored (Art. 18 GDPR), or was erased."),
        _("Lift the restriction when its reason is gone, and tell the person before (Art. 18 (3) GDPR)."),
    ),
    "objected": Reason(
        _("Objected to advertising"),
        _("The person has objected to advertising (Art. 21 GDPR)."),
        ONLY_THE_PERSON,
    ),
    "withdrawn": Reason(
        _("Opted out"),
        _("The person has withdrawn or declined the consent."),
        ONLY_THE_PERSON,
    ),
    "meta_stop": Reason(
        _("Stopped marketing in WhatsApp"),
        _("The person has stopped marketing messages in WhatsApp's own settings."),
        _("Only the person can allow them again, in the chat with you under “Offers and announcements”."),
    ),
    "suppressed": Reason(
        _("On the suppression list"),
        _("A number or address of this person is on the suppression list."),
        ONLY_THE_PERSON,
    ),
    "no_consent": Reason(
        _("No opt-in"),
        _("Nobody has recorded a consent of this person to this."),
        _("Invite the person to the sign-up page or QR code, or record a consent with its proof."),
    ),
    "pending": Reason(
        _("Opt-in not confirmed yet"),
        _("The person has asked to sign up and has not confirmed it yet, in WhatsApp or by the link in the mail."),
        _("Wait for the confirmation. A reminder is not allowed; after 7 days the request lapses."),
    ),
    "expired": Reason(
        _("Opt-in expired"),
        _("The consent has run out, was not confirmed within 7 days, or was given for a number that has changed."),
        _("Ask for a new consent on the sign-up page."),
    ),
    "invalidated": Reason(
        _("Opt-in wording declared invalid"),
        _("The wording that the person agreed to was declared invalid."),
        _("Ask for a new consent with a valid wording."),
    ),
    "minor": Reason(
        _("Younger than 16"),
        _("The person was younger than 16 when they agreed, or did not confirm that age (Art. 8 GDPR)."),
        _("From the age of 16 on the person can sign up anew. Until then no advertising is sent."),
    ),
    "age_unknown": Reason(
        _("Age not confirmed"),
        _("Neither the consent nor its wording says that the person is at least 16 years old (Art. 8 GDPR)."),
        _(
            "If you know it, record the consent again with the age: in an import by the column “Consent: at least 16"
            " years old”, over the API by “age_confirmed”. Otherwise invite the person to sign up again."
        ),
    ),
    "category_mismatch": Reason(
        _("Template category does not fit the purpose"),
        _("A template of this category must not be sent for this purpose."),
        _("Marketing templates go under advertising purposes, utility templates under orders and appointments."),
    ),
}


def of(code: str, *, is_contract: bool = False) -> Reason:
    """The words for a code; "" is a yes, which for what a contract needs (`is_contract`) has its own words."""
    if not code:
        return TRANSACTIONAL if is_contract else ALLOWED
    return REASONS.get(code) or Reason(code, code)
