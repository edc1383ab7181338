"""What the emulated Meta knows: accounts, numbers, templates, files, people who wrote or stopped."""

from dataclasses import dataclass, field
from functools import lru_cache
from itertools import count
from time import monotonic
from typing import Any

from whatsapp.emulator.ledger import Ledger
from whatsapp.emulator.limits import Allowance, Limits
from whatsapp.emulator.profile import Profile

DEFAULT_ACCOUNT = "102290129340398"
BUSINESS_ID = "2729063490586005"
FILE_VALID_S = 30 * 86_400.0
Json = dict[str, Any]
_NEVER_APPROVED = ("PENDING", "REJECTED", "IN_APPEAL")


@dataclass(slots=True)
class Template:
    """One language version of a template, as Meta answers it."""

    id: str
    account_id: str
    name: str
    language: str
    category: str
    components: list[Json]
    status: str = "PENDING"
    parameter_format: str = "POSITIONAL"
    quality: str = "UNKNOWN"
    rejected_reason: str = "NONE"
    # When it was edited while approved, by the monotonic clock.
    edited_at: list[float] = field(default_factory=list)
    extra: Json = field(default_factory=dict)
    # An edit sends it back to review, but its name is blocked after a deletion all the same.
    was_approved: bool = False

    def __post_init__(self) -> None:
        self.become(self.status)

    def become(self, status: str) -> None:
        """Change the status, remembering whether it was ever approved."""
        self.status = status
        self.was_approved = self.was_approved or status not in _NEVER_APPROVED

    def as_json(self) -> Json:
        """The template with all fields; Meta's `fields` parameter is not applied."""
        return {
            "id": self.id,
            "name": self.name,
            "language": self.language,
            "category": self.category,
            "status": self.status,
            "parameter_format": self.parameter_format,
            "components": self.components,
            "quality_score": {"score": self.quality},
            "rejected_reason": self.rejected_reason,
            **self.extra,
        }


@dataclass(slots=True)
class Account:
    """A WhatsApp Business Account; `app_url` and `app_secret` are of its owner's own Meta app, if it has one."""

    id: str
    name: str = "Emulator GmbH"
    currency: str = "EUR"
    portfolio_id: str = BUSINESS_ID
    webhook_url: str = ""
    app_url: str = ""
    app_secret: str = ""
    # Without a subscription of the app nothing about the account is told.
    is_subscribed: bool = False
    refuses_marketing: bool = False
    templates: dict[str, Template] = field(default_factory=dict)
    # Names and languages of approved templates with when they were deleted, by the monotonic clock.
    deleted_at: dict[tuple[str, str], float] = field(default_factory=dict)


@dataclass(slots=True)
class Number:
    """A business phone number."""

    id: str
    account_id: str
    display: str = "+49 30 901820"
    name: str = "Emulator GmbH"
    quality: str = "GREEN"
    # How many people the portfolio may write to in 24 hours; enforced, so unlimited unless somebody wants it.
    tier: str = "TIER_UNLIMITED"
    throughput_per_s: float | None = None
    webhook_url: str = ""
    is_registered: bool = True
    storage_region: str = ""
    blocked: set[str] = field(default_factory=set)
    qr_codes: dict[str, Json] = field(default_factory=dict)
    profile: Json = field(default_factory=lambda: {"messaging_product": "whatsapp", "vertical": "RETAIL"})

    @property
    def digits(self) -> str:
        """The number as webhooks write it."""
        return _digits(self.display)


@lru_cache(maxsize=10_000)
def _digits(display: str) -> str:
    # Every send and every status asks for it.
    return "".join(sign for sign in display if sign.isdigit())


@dataclass(slots=True)
class File:
    """An uploaded file; only the account that uploaded it can send it, and that for 30 days."""

    id: str
    mime_type: str
    content: bytes
    account_id: str
    # By the monotonic clock.
    uploaded_at: float = field(default_factory=monotonic)


@dataclass(slots=True)
class Click:
    """One followed link; `location` is where our redirect led, `status` 0 if the link was not reachable."""

    row: int
    recipient: str
    callback: str
    link: str
    status: int
    location: str
    at: float
    orders: bool
    value: float


class World:
    """All state of one emulator; nothing of it is shared with another."""

    def __init__(self, profile: Profile, webhook_url: str = "", app_secret: str = "") -> None:
        self.profile = profile
        self.webhook_url = webhook_url
        self.app_secret = app_secret
        self.base_url = ""
        self.accounts: dict[str, Account] = {}
        self.numbers: dict[str, Number] = {}
        self.serial = count(1)
        self.forget()

    def forget(self) -> None:
        """Drop messages, people, limits used up, files and clicks; keep accounts, numbers and templates."""
        self.ledger = Ledger()
        self.limits = Limits()
        self.links: dict[int, str] = {}
        self.taps: dict[int, tuple[str, str]] = {}
        self.windows: dict[tuple[str, str], float] = {}
        self.stopped: set[tuple[str, str]] = set()
        self.blockers: set[tuple[str, str]] = set()
        self.attempts: dict[tuple[str, str], int] = {}
        self.files: dict[str, File] = {}
        self.uploads: dict[str, Json] = {}
        self.clicks: list[Click] = []
        self.counts: dict[str, int] = {}

    def tally(self, what: str, amount: int = 1) -> None:
        """Count something for the statistics."""
        self.counts[what] = self.counts.get(what, 0) + amount

    def account(self, account_id: str) -> Account:
        """The account, made up on first use."""
        if account_id not in self.accounts:
            self.accounts[account_id] = Account(account_id)
        return self.accounts[account_id]

    def app_of(self, account_id: str) -> tuple[str, str]:
        """Webhook address and secret of the Meta app that serves an account: its own, else the shared one."""
        account = self.accounts.get(account_id)
        if account is None:
            return self.webhook_url, self.app_secret
        return account.app_url or self.webhook_url, account.app_secret or self.app_secret

    def secret_for(self, node: str) -> str:
        """The secret of the app that calls about a number, an account, a template or a file; else empty."""
        owned = self.numbers.get(node) or self.file(node) or self.template(node)
        account_id = owned.account_id if owned else node
        return self.app_of(account_id)[1] if account_id in self.accounts else ""

    def number(self, number_id: str) -> Number:
        """The number, made up in the default account on first use."""
        if number_id not in self.numbers:
            self.numbers[number_id] = Number(number_id, DEFAULT_ACCOUNT)
            self.account(DEFAULT_ACCOUNT)
        return self.numbers[number_id]

    def ago(self, seconds: float) -> float:
        """The moment so many simulated seconds ago, by the monotonic clock; without delays they are real ones."""
        return monotonic() - seconds / (self.profile.speed or 1.0)

    def allowance(self, number: Number) -> Allowance:
        """What the limits of this number are now."""
        rate = number.throughput_per_s if number.throughput_per_s is not None else self.profile.throughput_per_s
        return Allowance(number.id, self.account(number.account_id).portfolio_id, rate, number.tier)

    def template(self, template_id: str) -> Template | None:
        """A template by its id, in whatever account."""
        for account in self.accounts.values():
            if template_id in account.templates:
                return account.templates[template_id]
        return None

    def file(self, file_id: str) -> File | None:
        """An uploaded file, unless it has expired; in real days, for whoever uploads it counts those too."""
        found = self.files.get(file_id)
        return found if found and found.uploaded_at > monotonic() - FILE_VALID_S else None

    def new_id(self) -> str:
        """A numeric id as Meta gives them."""
        return str(1_000_000_000_000_000 + next(self.serial))
