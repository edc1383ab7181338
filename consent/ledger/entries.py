"""What goes into the ledger and what comes back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from consent.ledger.folding import Folded, Pair
from tenants.actions import Actor
from tenants.models import ApiKey, User


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One declaration about one person, channel and purpose, not yet in the ledger.

    `key` makes it idempotent: any text that names the cause ("wamid.…", "import:<sha256>:<row>"); only its keyed hash
    is stored, because a wamid contains the phone number. `source_ref` is stored in clear and therefore never holds a
    wamid, a number or an address; those belong into `evidence`, which is encrypted and deletable.
    """

    subject_id: UUID
    channel: str
    purpose: str
    state: str
    authority: int
    source: str
    occurred_at: datetime
    key: str
    by: Actor = None
    source_ref: str = ""
    legal_basis: str = "6-1-a"
    wording_version_id: int | None = None
    wording_sha256: str = ""
    language: str = ""
    policy_url: str = ""
    policy_version: str = ""
    policy_sha256: str = ""
    incentive_id: str = ""
    age_confirmed: bool | None = None
    phone_number_id: str = ""
    doi_request_seq: int | None = None
    valid_until: datetime | None = None
    evidence: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        # Members of TextChoices equal their values but hash differently; sets and dictionaries want plain text.
        for name in ("channel", "purpose", "state", "source"):
            object.__setattr__(self, name, str(getattr(self, name)))
        object.__setattr__(self, "authority", int(self.authority))

    @property
    def actor(self) -> tuple[str, str]:
        """Who wrote it, as (type, id): the contact, a user, an API key or the product itself."""
        if isinstance(self.by, User):
            return "user", str(self.by.pk)
        if isinstance(self.by, ApiKey):
            return "api_key", self.by.prefix
        return ("contact" if self.authority == 3 else "system"), ""


@dataclass(frozen=True, slots=True)
class Appended:
    """What became of an entry.

    `seq` is None when nothing was written; `skipped` then says why: "duplicate" (the key is known), "suppressed" (a
    yes by import, agent or API over somebody's no), "not_permitted" (a lift that only the person may declare),
    "invalid_wording" (a yes to a text that was declared invalid).
    `after` is what the person's events add up to for this channel and purpose (for "all", the first pair of them);
    None when they say nothing. `states` is the same for every pair known of the person.
    """

    seq: int | None
    event_id: UUID | None
    after: Folded | None
    skipped: str = ""
    states: Mapping[Pair, Folded] = field(default_factory=dict, repr=False)

    @property
    def state_after(self) -> str:
        """The state of this channel and purpose now, "" when there is none."""
        return self.after.state if self.after else ""
