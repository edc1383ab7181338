"""What the emulated Meta knows: accounts, numbers, templates, files, people who wrote or stopped."""

from dataclasses import dataclass, field
from itertools import count
from typing import Any

from whatsapp.emulator.ledger import Ledger
from whatsapp.emulator.profile import Profile

DEFAULT_ACCOUNT = "102290129340398"
Json = dict[str, Any]


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
    extra: Json = field(default_factory=dict)

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
    """A WhatsApp Business Account."""

    id: str
    name: str = "Emulator GmbH"
    currency: str = "EUR"
    webhook_url: str = ""
    # Without a subscription of the app nothing about the account is told.
    is_subscribed: bool = False
    refuses_marketing: bool = False
    templates: dict[str, Template] = field(default_factory=dict)


@dataclass(slots=True)
class Number:
    """A business phone number."""

    id: str
    account_id: str
    display: str = "+49 30 901820"
    name: str = "Emulator GmbH"
    quality: str = "GREEN"
    tier: str = "TIER_100K"
    throughput_per_s: float | None = None
    webhook_url: str = ""
    is_registered: bool = True
    blocked: set[str] = field(default_factory=set)
    qr_codes: dict[str, Json] = field(default_factory=dict)
    profile: Json = field(default_factory=lambda: {"messaging_product": "whatsapp", "vertical": "RETAIL"})

    @property
    def digits(self) -> str:
        """The number as webhooks write it."""
        return "".join(sign for sign in self.display if sign.isdigit())


@dataclass(slots=True)
class File:
    """An uploaded file."""

    id: str
    mime_type: str
    content: bytes


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
        """Drop messages, people, files and clicks; keep accounts, numbers and templates."""
        self.ledger = Ledger()
        self.links: dict[int, str] = {}
        self.taps: dict[int, tuple[str, str]] = {}
        self.windows: dict[tuple[str, str], float] = {}
        self.stopped: set[tuple[str, str]] = set()
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

    def number(self, number_id: str) -> Number:
        """The number, made up in the default account on first use."""
        if number_id not in self.numbers:
            self.numbers[number_id] = Number(number_id, DEFAULT_ACCOUNT)
            self.account(DEFAULT_ACCOUNT)
        return self.numbers[number_id]

    def template(self, template_id: str) -> Template | None:
        """A template by its id, in whatever account."""
        for account in self.accounts.values():
            if template_id in account.templates:
                return account.templates[template_id]
        return None

    def new_id(self) -> str:
        """A numeric id as Meta gives them."""
        return str(1_000_000_000_000_000 + next(self.serial))
