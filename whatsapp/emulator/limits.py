"""Meta's sending limits: throughput of a number, pace towards one person, people in 24 hours."""

from whatsapp.emulator.answers import Failure
from whatsapp.emulator.state import Number, World

PAIR_PACE_S = 6.0
DAY_S = 86_400.0
_TIDY_ABOVE = 100_000


class Limits:
    """Counts what was sent and refuses what is too much; times are monotonic seconds."""

    def __init__(self) -> None:
        self._numbers: dict[str, float] = {}
        self._pairs: dict[tuple[str, str], float] = {}
        self._people: dict[str, float] = {}

    def check(self, world: World, number: Number, recipient: str, now: float, *, opens: bool) -> None:
        """Count one message; `opens` says it is sent outside the person's window. Raises `Failure`.

        130429 for throughput, 131056 for the pair, `Profile.daily_code` for people in 24 hours.
        Source: fact sheet sections 6.1 to 6.3.
        """
        profile = world.profile
        rate = number.throughput_per_s if number.throughput_per_s is not None else profile.throughput_per_s
        if rate > 0:
            self._throughput(number.id, rate, now)
        if profile.pair_limit:
            self._pair((number.id, recipient), profile.pair_burst, now)
        if profile.daily_people and opens:
            self._daily(recipient, profile.daily_people, profile.daily_code, now)

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

    def _daily(self, recipient: str, most: int, code: int, now: float) -> None:
        if recipient not in self._people and len(self._people) >= most:
            self._people = {key: at for key, at in self._people.items() if at > now - DAY_S}
            if len(self._people) >= most:
                raise Failure(code, "The messaging limit of the business portfolio has been reached.")
        self._people[recipient] = now
