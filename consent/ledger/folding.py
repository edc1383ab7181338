"""How one person's ledger rows add up to a state per channel and purpose, whatever order they arrived in.

A pure function, so that the stored projection can be compared with it at any time. Rules: consent-gdpr § 5.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from consent.models import Authority, Channel, Purpose, State

Pair = tuple[str, str]

CHANNELS = (Channel.WHATSAPP.value, Channel.EMAIL.value, Channel.SMS.value)
# What a "stop everything" ends; messages that a contract needs go on (CG-26).
ADVERTISING = tuple(p.value for p in Purpose if p not in (Purpose.TRANSACTIONAL, Purpose.ALL))
PURPOSES = (*ADVERTISING, Purpose.TRANSACTIONAL.value)
# Measuring and profiling serve marketing and end with it (§ 5.5).
ENDS_WITH_MARKETING = (Purpose.MARKETING.value, Purpose.TRACKING.value, Purpose.PROFILING.value)

GRANTS = frozenset({State.GRANTED.value, State.RENEWED.value})
# A no of the person or of somebody for them; only the person on the channel lifts it.
NOES = frozenset({State.WITHDRAWN.value, State.OBJECTED.value, State.REFUSED.value, State.SUPPRESSED.value})
ENDS = frozenset({State.EXPIRED.value, State.INVALIDATED.value, State.MOVED.value})
HOLDS = frozenset({State.RESTRICTED.value, State.ERASED.value})
# At the same instant the restrictive row wins, so it is applied last (§ 5.1).
LAST_AT_AN_INSTANT = NOES | ENDS | HOLDS | {State.META_STOPPED.value}
# The number of a person stands behind these channels; an edited number needs a new yes there (§ 8).
BY_NUMBER = (Channel.WHATSAPP.value, Channel.SMS.value)


class Happened(NamedTuple):
    """What folding needs to know of a ledger row."""

    seq: int
    channel: str
    purpose: str
    state: str
    authority: int
    occurred_at: datetime
    source: str = ""
    phone_number_id: str = ""
    wording_sha256: str = ""
    age_confirmed: bool | None = None
    valid_until: datetime | None = None
    # Of a yes, the request that it confirms; of an expiry, the request that nobody confirmed in time.
    doi_request_seq: int | None = None


class Folded(NamedTuple):
    """What a person's rows say about one channel and purpose; `is_refused` is true while a no has not been lifted."""

    state: str
    since: datetime
    seq: int
    reason: str
    age_confirmed: bool | None = None
    valid_until: datetime | None = None
    stopped_numbers: tuple[str, ...] = ()
    is_refused: bool = False


def fold(events: Iterable[Happened]) -> dict[Pair, Folded]:
    """What one person's events add up to, per (channel, purpose); pairs about which nothing is known are missing.

    The order of `events` does not matter. `valid_until` is handed on, not judged: a state has no clock.
    """
    folded = {}
    for pair, account in _accounts(events).items():
        result = account.result()
        if result is not None:
            folded[pair] = result
    return folded


def is_blocked(events: Iterable[Happened], channel: str, purpose: str) -> bool:
    """Whether a yes by import, agent or API would go over a restriction, whatever the dates (§ 5.4)."""
    account = _accounts(events).get((channel, purpose))
    return account is not None and account.is_restricted


def resting_on(events: Iterable[Happened], wording_sha256: str) -> list[Pair]:
    """The (channel, purpose) pairs in which a yes to this text is alive, also one beneath a newer yes or a stop."""
    return [
        pair
        for pair, account in _accounts(events).items()
        if any(grant.wording_sha256 == wording_sha256 for grant in account.grants)
    ]


def reach(event: Happened) -> list[Pair]:
    """The (channel, purpose) pairs that an event speaks about."""
    channels = CHANNELS if event.channel == Channel.ALL else (event.channel,)
    return [(channel, purpose) for channel in channels for purpose in _purposes(event)]


def _purposes(event: Happened) -> tuple[str, ...]:
    is_no = event.state in NOES
    if event.purpose == Purpose.ALL:
        return ADVERTISING if is_no or event.state == State.SUPPRESSION_LIFTED else PURPOSES
    if event.purpose == Purpose.MARKETING and event.state in (State.WITHDRAWN, State.OBJECTED):
        return ENDS_WITH_MARKETING
    return (event.purpose,)


def _accounts(events: Iterable[Happened]) -> dict[Pair, "_Account"]:
    accounts: dict[Pair, _Account] = {}
    for event in sorted(events, key=_moment):
        for pair in reach(event):
            account = accounts.get(pair)
            if account is None:
                account = accounts[pair] = _Account(pair[0])
            account.take(event)
    return accounts


def _moment(event: Happened) -> tuple[datetime, bool, int]:
    return event.occurred_at, event.state in LAST_AT_AN_INSTANT, event.seq


class _Account:
    """The running account of one channel and purpose while its events are taken in order of occurrence."""

    __slots__ = ("asked", "channel", "ended", "erased", "grants", "held", "noes", "stops")

    def __init__(self, channel: str) -> None:
        self.channel = channel
        self.grants: list[Happened] = []
        self.noes: dict[str, Happened] = {}
        self.stops: dict[str, Happened] = {}
        self.ended: Happened | None = None
        self.asked: Happened | None = None
        self.held: Happened | None = None
        self.erased: Happened | None = None

    @property
    def is_restricted(self) -> bool:
        return bool(self.noes or self.stops or self.held or self.erased)

    def take(self, event: Happened) -> None:
        state = event.state
        if state in GRANTS:
            self._grant(event)
        elif state in NOES:
            self.noes[state] = event
            self.grants.clear()
        elif state in ENDS:
            self._end(event)
        elif state == State.META_STOPPED:
            self.stops[event.phone_number_id] = event
        elif state == State.META_RESUMED:
            self.stops.pop(event.phone_number_id, None)
        elif state == State.SUPPRESSION_LIFTED and event.authority == Authority.PERSON:
            self.noes.pop(State.SUPPRESSED.value, None)
        elif state == State.REQUESTED:
            self.asked = event
        elif state in (State.RESTRICTED, State.UNRESTRICTED):
            self.held = event if state == State.RESTRICTED else None
        elif state == State.ERASED:
            self.erased = event

    def _grant(self, event: Happened) -> None:
        if event.authority < Authority.PERSON and self.is_restricted:
            return
        # A stop by Meta stays: only Meta's resume of the same number lifts it (§ 5.3).
        self.noes.clear()
        self.grants.append(event)

    def _end(self, event: Happened) -> None:
        if event.state == State.MOVED and (event.authority >= Authority.META or self.channel not in BY_NUMBER):
            return
        if event.state == State.EXPIRED and event.doi_request_seq is not None:
            self._lapse(event)
            return
        only = event.wording_sha256 if event.state == State.INVALIDATED else ""
        left = [grant for grant in self.grants if only and grant.wording_sha256 != only]
        if len(left) < len(self.grants):
            self.ended = event
        self.grants = left

    def _lapse(self, event: Happened) -> None:
        """A request that was never confirmed is over (CG-14): that one only, and no yes.

        Messages may be late: a tap within the seven days counts although it arrives after the expiry was written.
        """
        if self.asked and self.asked.seq == event.doi_request_seq:
            self.asked, self.ended = None, event

    def result(self) -> Folded | None:
        """The weightiest thing that holds now; None when nothing does."""
        holding = self._holding()
        if holding is None:
            return None
        over = self.erased or self.held
        state = over.state if over else "expired" if holding.state == State.MOVED else holding.state
        said = over or holding
        ages = [grant.age_confirmed for grant in self.grants if grant.age_confirmed is not None]
        return Folded(
            state=State.GRANTED.value if state == State.RENEWED else state,
            since=said.occurred_at,
            seq=said.seq,
            reason="moved" if holding.state == State.MOVED else said.source,
            age_confirmed=ages[-1] if ages else None,
            valid_until=holding.valid_until if holding.state in GRANTS else None,
            stopped_numbers=tuple(sorted(self.stops)),
            is_refused=bool(self.noes),
        )

    def _holding(self) -> Happened | None:
        if self.noes:
            return max(self.noes.values(), key=_moment)
        if self.stops:
            return max(self.stops.values(), key=_moment)
        if self.grants:
            return self.grants[-1]
        # A request after the end of a yes is the newer word.
        return max(filter(None, (self.ended, self.asked)), key=_moment, default=None)
