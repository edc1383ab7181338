"""The typed nodes of a rule."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from uuid import UUID

Value = str | int | float | bool | tuple[str, ...] | None


@dataclass(frozen=True)
class Group:
    """All, any or none of some rules."""

    op: str
    rules: tuple["Node", ...]


@dataclass(frozen=True)
class Comparison:
    """How a value is compared, e.g. ("starts_with", "50")."""

    op: str
    value: Value = None


@dataclass(frozen=True)
class Field:
    """A column of the contact."""

    name: str
    comparison: Comparison


@dataclass(frozen=True)
class Attribute:
    """A value the tenant keeps about the contact; inside an event, one of its properties."""

    key: str
    comparison: Comparison


@dataclass(frozen=True)
class Tagged:
    uid: UUID
    op: str


@dataclass(frozen=True)
class Listed:
    uid: UUID
    op: str


@dataclass(frozen=True)
class Consented:
    channel: str
    purpose: str
    op: str


@dataclass(frozen=True)
class Window:
    """When something must have happened: in the last days, or between two local days, both included."""

    within_days: int | None = None
    between: tuple[date, date] | None = None


@dataclass(frozen=True)
class Happened:
    """What a contact did: whether, how often, for how much, how long ago."""

    name: str
    op: str
    measure: str | None
    value: int | float
    window: Window
    where: tuple[Attribute, ...]


@dataclass(frozen=True)
class Behaved:
    """What became of the messages a contact was sent."""

    what: str
    op: str
    source: UUID | None
    window: Window


Leaf = Field | Attribute | Tagged | Listed | Consented | Happened | Behaved
Node = Group | Leaf


def walk(node: Node, path: str = "") -> Iterator[tuple[str, Node]]:
    """(path, node) of the node and everything below it, e.g. ("rules[1].rules[0]", …); the root's path is ""."""
    yield path, node
    if isinstance(node, Group):
        for number, rule in enumerate(node.rules):
            yield from walk(rule, f"{path}.rules[{number}]".lstrip("."))
