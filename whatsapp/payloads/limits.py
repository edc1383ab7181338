"""Checks values against Meta's limits before anything is sent."""

from collections.abc import Sized


class InvalidPayload(ValueError):
    """A value breaks one of Meta's limits. `field` names it; the text holds the limit, never the value."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem


def at_most(field: str, value: Sized, limit: int) -> None:
    """Raise `InvalidPayload` if a text or list is longer than the limit."""
    if len(value) > limit:
        raise InvalidPayload(field, f"{len(value)} is more than the limit of {limit}")


def between(field: str, value: Sized, least: int, most: int) -> None:
    """Raise `InvalidPayload` unless the length lies between both limits, these included."""
    if len(value) < least:
        raise InvalidPayload(field, f"{len(value)} is less than the least of {least}")
    at_most(field, value, most)


def required(field: str, value: str | None, limit: int | None = None) -> str:
    """The text itself; raise `InvalidPayload` if it is missing, blank or too long."""
    if value is None or not value.strip():
        raise InvalidPayload(field, "must not be empty")
    if limit is not None:
        at_most(field, value, limit)
    return value


def unique(field: str, values: list[str]) -> None:
    """Raise `InvalidPayload` if a value occurs twice."""
    if len(set(values)) != len(values):
        raise InvalidPayload(field, "must be unique")
