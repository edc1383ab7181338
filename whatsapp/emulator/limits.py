"""Meta's sending limits: throughput of a number, pace towards one person, people in 24 hours."""

from collections import defaultdict
from typing import NamedTuple

from whatsapp.emulator.answers import Failure
from whatsapp.emulator.profile import Profile

PAIR_PACE_S = 6.0
DAY_S = 86_400.0
TIERS = {"TIER_250": 250, "TIER_2K": 2_000, "TIER_10K": 10_000, "TIER_100K": 100_000}
_TIDY_ABOVE = 100_000


class Allowance(NamedTuple):
    """What one number may send: messages a second (0: any number), and people a day of its portfolio."""

    number_id: str
    portfolio_id: str
    rate: float
    tier: str


class Limits:
    """Counts what was sent and refuses what is too much; times are monotonic seconds."""

    def __init__(self) -> None:
        self._numbers: dict[str, float] = {}
        self._pairs: dict[tuple[str, str], float] = {}
        # Per portfolio, the person written to longest ago first.
        self._people: dict[str, dict[str, float]] = defaultdict(dict)

    def check(self, profile: Profile, allowed: Allowance, recipient: str, now: float, *, opens: bool) -> bool:
        """Count one send; `opens` says it is outside the person's window. Raises `Failure`.

        True if the person is to be entered, once the message is accepted: a refused one uses up no day.

        130429 for throughput, 131056 for the pair, `Profile.daily_code` for people in 24 hours, which pass at the
        profile's speed. `Profile.daily_people` takes the place of the tier; Meta counts deliveries, this acceptances.
        Source: fact sheet sections 6.1 to 6.3.
        """
        if allowed.rate > 0:
            self._throughput(allowed.number_id, allowed.rate, now)
        if profile.pair_limit:
            self._pair((allowed.number_id, recipient), profile.pair_burst, now)
        most = profile.daily_people or TIERS.get(allowed.tier, 0)
        if not most or not opens:
            return False
        since = now - DAY_S / (profile.speed or 1.0)
        self._daily(self._people[allowed.portfolio_id], recipient, most, profile.daily_code, since)
        return True

    def enter(self, portfolio_id: str, recipient: str, now: float) -> None:
        """Count a person among those written to in 24 hours."""
        people = self._people[portfolio_id]
        people.pop(recipient, None)
        people[recipient] = now

    def _throughput(self, number_id: str, rate: float, now: float) -> None:
        # A leaky bucket that holds one second's worth of messages.
        due = max(self._numbers.get(number_id, 0.0), now - 1.0)
        if due > now:
            raise Failure(130429, "Cloud API message throughput has been reached.")
        self._numbers[number_id] = due + 1.0 / rate

    def _pair(self, pair: tuple[str, str], burst: int, now: float) -> None:
        due = max(self._pairs.get(pair, 0.0), now)
        if due - now > (burst - 1) * PAIR_PACE_S:
            raise Failure(131056, "Too many messages sent to this recipient in a short period of time.")
        self._pairs[pair] = due + PAIR_PACE_S
        if len(self._pairs) > _TIDY_ABOVE:
            self._pairs = {key: until for key, until in self._pairs.items() if until > now}

    def _daily(self, people: dict[str, float], recipient: str, most: int, code: int, since: float) -> None:
        while people and people[oldest := next(iter(people))] <= since:
            del people[oldest]
        if recipient not in people and len(people) >= most:
            raise Failure(code, "The messaging limit of the business portfolio has been reached.")
