""" "May I send?" in words, for every channel and purpose: the sender's own answer with its reason and a remedy."""

from collections.abc import Sequence
from dataclasses import dataclass

from consent import queries, reasons
from consent.models import Channel, Purpose
from consent.queries import Answer
from consent.reasons import Reason
from contacts.models import Contact

TONES = {"": "good", "no_consent": "neutral", "pending": "warn", "expired": "warn", "invalidated": "warn"}


@dataclass(frozen=True)
class Told:
    """The answer for one purpose; `answer.seq` is the row of the ledger that decided it."""

    purpose: str
    answer: Answer
    reason: Reason
    tone: str


@dataclass(frozen=True)
class OfChannel:
    """The answers for one channel."""

    channel: str
    label: str
    rows: Sequence[Told]

    @property
    def is_any(self) -> bool:
        """Whether anything at all may be sent over this channel."""
        return any(row.answer.allowed for row in self.rows)


def answers(contact: Contact) -> list[OfChannel]:
    """What may be sent to a contact now, by channel."""
    found = queries.may_send_all(contact)
    channels = dict.fromkeys(channel for channel, _purpose in found)
    return [
        OfChannel(
            channel,
            str(Channel(channel).label),
            [_told(purpose, answer) for (own, purpose), answer in found.items() if own == channel],
        )
        for channel in channels
    ]


def tone(code: str) -> str:
    """The colour of an answer's badge, by the code of its reason."""
    return TONES.get(code, "bad")


def _told(purpose: str, answer: Answer) -> Told:
    reason = reasons.of(answer.reason, is_contract=purpose == Purpose.TRANSACTIONAL)
    return Told(str(Purpose(purpose).label), answer, reason, tone(answer.reason))
