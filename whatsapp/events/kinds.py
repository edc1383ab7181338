"""What WhatsApp can tell us, one frozen dataclass per kind; `raw` keeps Meta's item as it came.

Phone numbers are digits with country code and without plus, as Meta writes them; empty means untold.
Times are aware and in UTC. `account_id` is the id of the webhook's entry, normally the account (WABA).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, TypeAlias

from whatsapp.errors import Rule, rule_for

Json: TypeAlias = dict[str, Any]


class EventError(NamedTuple):
    """An error inside a webhook."""

    code: int | None
    title: str
    details: str

    @property
    def rule(self) -> Rule:
        """What the code means and what to do about it."""
        return rule_for(self.code)


class Pricing(NamedTuple):
    """How Meta charges a message: `type` regular, free_customer_service or free_entry_point."""

    type: str
    category: str
    model: str


class Media(NamedTuple):
    """A file a person sent; fetch it within 7 days by its id."""

    id: str
    mime_type: str
    sha256: str
    filename: str
    url: str
    is_voice: bool


@dataclass(frozen=True, slots=True)
class Status:
    """What became of a message of ours: sent, delivered, read, played or failed."""

    account_id: str
    phone_number_id: str
    wamid: str
    status: str
    at: datetime
    recipient_phone: str
    recipient_bsuid: str
    recipient_parent_bsuid: str
    callback: str
    error: EventError | None
    pricing: Pricing | None
    raw: Json


@dataclass(frozen=True, slots=True)
class Inbound:
    """Something a person sent us; every kind opens the 24-hour window, also those we cannot show.

    `text` is the text, caption, edited text or emoji; `payload` what a button, list row or form carries
    (a form's as JSON text, its object in `form`); `context_wamid` the message it answers, edits or revokes.
    """

    account_id: str
    phone_number_id: str
    wamid: str
    from_phone: str
    from_bsuid: str
    parent_bsuid: str
    username: str
    profile_name: str
    at: datetime
    type: str
    text: str
    payload: str
    button_title: str
    context_wamid: str
    form: Json | None
    media: Media | None
    referral: Json | None
    error: EventError | None
    raw: Json


@dataclass(frozen=True, slots=True)
class Preference:
    """A person stopped or resumed marketing or signed up: `value` is stop, resume, signup or new."""

    account_id: str
    phone_number_id: str
    phone: str
    bsuid: str
    parent_bsuid: str
    category: str
    value: str
    signup_id: str
    at: datetime
    raw: Json


@dataclass(frozen=True, slots=True)
class NumberChanged:
    """A person has a new phone number, a new BSUID, or both; consent stays with the person."""

    account_id: str
    phone_number_id: str
    wamid: str
    old_phone: str
    new_phone: str
    old_bsuid: str
    new_bsuid: str
    old_parent_bsuid: str
    new_parent_bsuid: str
    at: datetime
    raw: Json


@dataclass(frozen=True, slots=True)
class Echo:
    """A message the business typed in the WhatsApp Business app on the same number."""

    account_id: str
    phone_number_id: str
    wamid: str
    to_phone: str
    to_bsuid: str
    at: datetime
    type: str
    text: str
    media: Media | None
    raw: Json


@dataclass(frozen=True, slots=True)
class History:
    """A piece of past chats of the WhatsApp Business app; `threads` as Meta sends them."""

    account_id: str
    phone_number_id: str
    phase: int
    chunk_order: int
    progress: int
    threads: list[Json]
    raw: Json


@dataclass(frozen=True, slots=True)
class TemplateStatus:
    """A template was approved, rejected, paused …; `event` is Meta's word in capitals."""

    account_id: str
    template_id: str
    name: str
    language: str
    event: str
    category: str
    reason: str
    info_title: str
    info: str
    raw: Json


@dataclass(frozen=True, slots=True)
class TemplateQuality:
    """A template's quality changed: GREEN, YELLOW, RED or UNKNOWN."""

    account_id: str
    template_id: str
    name: str
    language: str
    previous: str
    current: str
    raw: Json


@dataclass(frozen=True, slots=True)
class TemplateCategory:
    """Meta changed a template's category, or will within 24 hours (`is_notice`)."""

    account_id: str
    template_id: str
    name: str
    language: str
    previous: str
    new: str
    is_notice: bool
    raw: Json


@dataclass(frozen=True, slots=True)
class TemplateComponents:
    """The text of a template changed."""

    account_id: str
    template_id: str
    name: str
    language: str
    header: str
    body: str
    footer: str
    buttons: list[Json]
    raw: Json


@dataclass(frozen=True, slots=True)
class NumberQuality:
    """A number's limit or throughput changed: `event` THROUGHPUT_UPGRADE …, `limit` TIER_10K …"""

    account_id: str
    display_phone_number: str
    event: str
    limit: str
    raw: Json


@dataclass(frozen=True, slots=True)
class NumberName:
    """Meta decided on a number's display name."""

    account_id: str
    display_phone_number: str
    decision: str
    requested_name: str
    reason: str
    raw: Json


@dataclass(frozen=True, slots=True)
class Capability:
    """The portfolio's limit in unique people per moving 24 hours; None if untold, -1 unlimited."""

    account_id: str
    tier: str
    daily_limit: int | None
    raw: Json


@dataclass(frozen=True, slots=True)
class AccountUpdate:
    """Something happened to an account; `waba_id` names it where the entry is a partner's business."""

    account_id: str
    waba_id: str
    event: str
    raw: Json


@dataclass(frozen=True, slots=True)
class AccountReview:
    """Meta reviewed an account."""

    account_id: str
    decision: str
    raw: Json


@dataclass(frozen=True, slots=True)
class AccountAlert:
    """Meta warns about an account, number or business."""

    account_id: str
    entity_type: str
    entity_id: str
    severity: str
    status: str
    type: str
    description: str
    raw: Json


@dataclass(frozen=True, slots=True)
class AccountError:
    """An error that belongs to no message."""

    account_id: str
    phone_number_id: str
    error: EventError
    raw: Json


@dataclass(frozen=True, slots=True)
class Unknown:
    """Something Meta may send one day that we do not know yet: stored, otherwise ignored."""

    account_id: str
    phone_number_id: str
    field: str
    kind: str
    raw: Json


@dataclass(frozen=True, slots=True)
class Broken:
    """One item nobody can read; the rest of its batch is fine."""

    account_id: str
    field: str
    reason: str
    raw: Any


Event: TypeAlias = (
    Status
    | Inbound
    | Preference
    | NumberChanged
    | Echo
    | History
    | TemplateStatus
    | TemplateQuality
    | TemplateCategory
    | TemplateComponents
    | NumberQuality
    | NumberName
    | Capability
    | AccountUpdate
    | AccountReview
    | AccountAlert
    | AccountError
    | Unknown
    | Broken
)
