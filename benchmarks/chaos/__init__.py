"""Breaks what the product stands on while it sends and receives, and counts from outside what that did to anybody.

Each module with a tuple `FAULTS` is a family of faults; `python -m benchmarks.chaos` runs them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Counts:
    """What a fault did. Everything but `accepted` and `notes` must be 0 or empty.

    `accepted` are people who have the message according to Meta's ledger, `twice` those who have it more than once.
    `lost` are people without a row in a final state, rows that disagree with what Meta accepted and told (in every
    fault but `webhooks` everybody whom Meta accepted has read it at the end), webhooks that Meta gave up or that were
    answered with 200 and are not stored or not applied, and KPIs that differ from a recount. `forged` are rows from
    bodies with wrong signatures. `unsettled` are messages still claimed or uncertain, and webhooks that still wait or
    were set aside without a reason. `wrong` names what else was promised and did not hold on any machine, `late` what
    held but not in time, which a busy machine may be guilty of; `notes` are for the reader.
    """

    accepted: int = 0
    twice: int = 0
    lost: int = 0
    forged: int = 0
    unsettled: int = 0
    wrong: tuple[str, ...] = ()
    late: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def is_right(self) -> bool:
        """Whether everything that was promised held."""
        return not (self.twice or self.lost or self.forged or self.unsettled or self.broken)

    @property
    def broken(self) -> tuple[str, ...]:
        """What was promised beside the four counts and did not hold."""
        return self.wrong + self.late

    @property
    def verdict(self) -> str:
        """The four counts as the last line of a run names them."""
        return f"twice={self.twice} lost={self.lost} forged={self.forged} unsettled={self.unsettled}"

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.accepted + other.accepted,
            self.twice + other.twice,
            self.lost + other.lost,
            self.forged + other.forged,
            self.unsettled + other.unsettled,
            self.wrong + other.wrong,
            self.late + other.late,
            self.notes + other.notes,
        )


@dataclass(frozen=True)
class Fault:
    """One kind of bad day: what is promised on it, how many people a full run sends to, and how to run it.

    `run` takes an empty folder for logs and data, and how many people; it raises TookTooLong if it does not end. It
    needs an empty database behind Django's connection, and a PostgreSQL of its own makes itself one.
    """

    name: str
    promise: str
    people: int
    run: Callable[[Path, int], Counts]
