"""Reads dates and times as German and English tables write them."""

import datetime
import re
from collections.abc import Iterable
from functools import lru_cache
from zoneinfo import ZoneInfo

_ISO = re.compile(r"(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})")
_DOTTED = re.compile(r"(?P<day>\d{1,2})\. ?(?P<month>\d{1,2})\. ?(?P<year>\d{4}|\d{2})")
_DAY_FIRST = re.compile(r"(?P<day>\d{1,2})[/-](?P<month>\d{1,2})[/-](?P<year>\d{4}|\d{2})")
_MONTH_FIRST = re.compile(r"(?P<month>\d{1,2})[/-](?P<day>\d{1,2})[/-](?P<year>\d{4}|\d{2})")
_SLASHED = re.compile(r"\s*(\d{1,2})[/-](\d{1,2})[/-]\d{2,4}\b")
_TIME = re.compile(r"(?:[ T,]+|, um )(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?\s*(?:Uhr)?")


def is_month_first(cells: Iterable[str]) -> bool:
    """Whether a column writes 12/31/1990 rather than 31/12/1990; the day comes first unless a cell says otherwise."""
    parts = [(int(found[1]), int(found[2])) for found in map(_SLASHED.match, cells) if found]
    return any(second > 12 for _first, second in parts) and not any(first > 12 for first, _second in parts)


@lru_cache(maxsize=50_000)
def birthday(cell: str, month_first: bool, today: datetime.date) -> datetime.date | None:
    """The date of birth, between 1900 and today; None if the cell is not one. Two-digit years lie in the past."""
    date = _date(cell.split("T")[0].split(" 00:00")[0], month_first, today)
    return date if date and date.year >= 1900 and date <= today else None


@lru_cache(maxsize=50_000)
def moment(cell: str, month_first: bool, zone: ZoneInfo, now: datetime.datetime) -> datetime.datetime | None:
    """The point in time (UTC) a cell names, not after `now`; None if it names none.

    Without an offset the tenant's time zone holds; without a time of day the day's beginning.
    """
    at: datetime.datetime | None
    try:
        at = datetime.datetime.fromisoformat(cell)
    except ValueError:
        at = _spelled_out(cell, month_first, now.date())
    if at is None:
        return None
    at = (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(datetime.UTC)
    return at if at.year >= 2000 and at <= now else None


def _spelled_out(cell: str, month_first: bool, today: datetime.date) -> datetime.datetime | None:
    time = _TIME.search(cell)
    date = _date((cell[: time.start()] if time else cell).strip(), month_first, today)
    if date is None or (time and cell[time.end() :].strip()):
        return None
    hour, minute, second = (int(part or 0) for part in time.groups()) if time else (0, 0, 0)
    try:
        return datetime.datetime(date.year, date.month, date.day, hour, minute, second)
    except ValueError:
        return None


def _date(text: str, month_first: bool, today: datetime.date) -> datetime.date | None:
    shapes = (_DOTTED, _ISO, _MONTH_FIRST if month_first else _DAY_FIRST)
    found = next((match for shape in shapes if (match := shape.fullmatch(text))), None)
    if found is None:
        return None
    year = int(found["year"])
    if len(found["year"]) == 2:
        year += 2000 if year <= today.year % 100 else 1900
    try:
        return datetime.date(year, int(found["month"]), int(found["day"]))
    except ValueError:
        return None
