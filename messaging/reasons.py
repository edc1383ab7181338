"""Why a recipient got no message: each code with the sentence that marketers read."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

# Consent's codes (consent.rules), then the campaign's, then the sender's.
LABELS: dict[str, str | Promise] = {
    "no_consent": _("No opt-in"),
    "withdrawn": _("Opted out"),
    "meta_stop": _("Stopped marketing in WhatsApp"),
    "expired": _("Opt-in expired"),
    "invalidated": _("Opt-in wording declared invalid"),
    "pending": _("Opt-in not confirmed yet"),
    "refused": _("Declined"),
    "suppressed": _("On the suppression list"),
    "objected": _("Objected to advertising"),
    "no_special": _("No opt-in to special categories of data"),
    "restricted": _("Processing restricted"),
    "erased": _("Erased"),
    "minor": _("Younger than 16"),
    "age_unknown": _("Age not confirmed"),
    "tenant_blocked": _("Workspace is blocked"),
    "no_agreement": _("Data processing agreement missing"),
    "category_mismatch": _("Template category does not fit the purpose"),
    "excluded": _("In an excluded list or segment"),
    "no_number": _("No WhatsApp number"),
    "unreachable": _("Number not reachable on WhatsApp"),
    "us_marketing": _("US number: Meta delivers no marketing there"),
    "country_refused": _("WhatsApp lets this account send no messages to this country"),
    "missing_value": _("A template variable has no value"),
    "too_long": _("Text too long with the inserted values"),
    "invalid_payload": _("The message could not be put together for this person"),
    "topic_left": _("Left the topic"),
    "campaign_cancelled": _("Campaign cancelled"),
    "source_expired": _("Not sent before the campaign's end"),
    "no_answer": _("Meta did not answer; the outcome is being clarified"),
    "worker_lost": _("Sending was interrupted; the outcome is being clarified"),
    "never_confirmed": _("Outcome unknown: Meta never confirmed it"),
    "daily_limit": _("Limit of people per 24 hours reached"),
}

# Source.pause_code for our own stop at a campaign's end with messages that should have gone before; Meta's codes are
# positive.
OVERDUE_PAUSE = -1
# Source.pause_code for what a backup has brought back: nobody here knows what was sent after it (campaigns.restoring).
RESTORED_PAUSE = -2


def label(code: str) -> str:
    """The sentence for a reason code in the active language; the code itself if it is unknown."""
    return str(LABELS.get(code, code))
