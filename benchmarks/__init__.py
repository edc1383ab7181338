"""Measures the product beside what it replaces and beside the best that is possible, in one run on one machine.

Each module with a function `measure(people)` is a benchmark; `python -m benchmarks` runs them.
"""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Measured:
    """One number of ours beside a naive way and a limit; None where there is no such way.

    `unit` says what is counted ("messages/s"); a bar is the least ratio to the naive way or to the limit that
    we promise. `met` says whether what was promised holds.
    """

    name: str
    unit: str
    ours: float
    met: bool
    naive: float | None = None
    limit: float | None = None
    bar_naive: float | None = None
    bar_limit: float | None = None

    @property
    def ratio_naive(self) -> float | None:
        """Ours per naive."""
        return round(self.ours / self.naive, 3) if self.naive else None

    @property
    def ratio_limit(self) -> float | None:
        """Ours per limit."""
        return round(self.ours / self.limit, 3) if self.limit else None

    def as_json(self) -> dict[str, Any]:
        """The row of `benchmarks/results/*.json`."""
        return asdict(self) | {"ratio_naive": self.ratio_naive, "ratio_limit": self.ratio_limit}
