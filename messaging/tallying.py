"""Counts what a lane did, for /metrics: answers by kind, how long it was open, and how long it waited for its rate."""

from collections import Counter
from collections.abc import Iterable

from messaging.recording import Answer, Outcome
from tenants import counting
from whatsapp.client import Accepted
from whatsapp.errors import ErrorClass, NotSent, Refused

# Every kind of answer that `kind_of` knows.
KINDS = ("accepted", "not_sent", "unknown", *(error_class.value for error_class in ErrorClass))


class Tally:
    """The counts of one lane, which are published when it closes: a killed lane's last seconds are not counted."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._waited_s = 0.0

    def answered(self, outcomes: Iterable[Outcome]) -> None:
        """Count answers that are stored."""
        self._counts.update(kind_of(outcome.answer) for outcome in outcomes)

    def waited(self, seconds: float) -> None:
        """Count time in which the bucket granted nothing."""
        self._waited_s += seconds

    def publish(self, *, open_s: float, rate: int) -> None:
        """Add all of it to everybody's counts; `rate` is what the number allows in a second."""
        counting.add(
            {
                **{f"sends.{kind}": count for kind, count in self._counts.items()},
                "lane.open_s": open_s,
                "lane.capacity": open_s * rate,
                "lane.waited_s": self._waited_s,
            }
        )


def kind_of(answer: Answer) -> str:
    """One of KINDS: the class of Meta's error, or what else came back."""
    match answer:
        case Accepted():
            return "accepted"
        case NotSent():
            return "not_sent"
        case Refused(rule=rule):
            return rule.error_class.value
    return "unknown"
