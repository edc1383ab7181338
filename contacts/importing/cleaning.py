"""Turns the cells of one line into what we store about a person, or says why the line cannot be used."""

import datetime
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from contacts import phones
from contacts.importing import cells, dates, limits
from contacts.importing.mapping import ATTRIBUTE, IDENTITIES

# All that is read of a rejected line; the country says where its number belongs.
TELL_OF_A_NO = frozenset({*IDENTITIES, "country", "optout"})


class Unusable(Exception):
    """The line is rejected: a code of `reasons.REJECTED` and the header of the column it is about ("" for the line)."""

    def __init__(self, reason: str, column: str = "") -> None:
        super().__init__(reason)
        self.reason, self.column = reason, column


@dataclass(slots=True)
class Person:
    """One clean line. `values` has only what the file gives: an empty cell never erases what is known."""

    phone: str | None = None
    bsuid: str | None = None
    email: str | None = None
    external_id: str | None = None
    values: dict[str, Any] = field(default_factory=dict)
    consent: dict[str, Any] = field(default_factory=dict)
    country: str = ""
    dropped: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Customs:
    """What holds for the whole file: where numbers and times without a place belong, and how dates are written."""

    country: str
    zone: ZoneInfo
    now: datetime.datetime
    today: datetime.date
    month_first: frozenset[str] = frozenset()


Step = Callable[[Person, str, str, Customs], None]


@dataclass(frozen=True)
class Plan:
    """How to clean a line: (index of the cell, header, target, what to do with it), in the order of doing."""

    steps: list[tuple[int, str, str, Step]]
    customs: Customs
    width: int


def plan(
    mapping: Mapping[str, str],
    headers: Sequence[str],
    sample: Sequence[Sequence[str]],
    *,
    country: str,
    zone: ZoneInfo,
    now: datetime.datetime,
) -> Plan:
    """Prepare the cleaning of a file. `sample` are some of its rows, from which the order of day and month is told."""
    used = [(at, header, mapping.get(header, "")) for at, header in enumerate(headers)]
    dated = [(at, target) for at, _header, target in used if target in {"birthday", "consent.at"}]
    month_first = frozenset(target for at, target in dated if dates.is_month_first(row[at] for row in sample))
    steps = [(at, header, target, _step_for(target)) for at, header, target in used if target]
    # The country says where the phone number belongs, so it comes first.
    steps.sort(key=lambda step: step[2] != "country")
    return Plan(steps, Customs(country, zone, now, now.astimezone(zone).date(), month_first), len(headers))


def clean(how: Plan, row: Sequence[str]) -> Person:
    """The person of one line; raises Unusable when the line must be rejected."""
    person, customs = Person(country=how.customs.country), how.customs
    for at, header, target, step in how.steps:
        if not row[at] or not (cell := cells.tidy(row[at])):
            continue
        try:
            step(person, cell, target, customs)
        except Unusable as fault:
            raise Unusable(fault.reason, header) from None
    if not _is_named(person):
        raise Unusable("invalid_email" if "invalid_email" in person.dropped else "no_identity")
    return person


def opted_out(how: Plan, row: Sequence[str]) -> Person | None:
    """Who says no on a line that is rejected for another cell, with what names them; None when nobody does.

    A no needs nothing and always holds. Cells are believed only where there are as many as headers: else nobody knows
    which column they belong to.
    """
    if len(row) != how.width:
        return None
    person = Person(country=how.customs.country)
    for at, _header, target, step in how.steps:
        if target in TELL_OF_A_NO and (cell := cells.tidy(row[at])):
            with suppress(Unusable):
                step(person, cell, target, how.customs)
    return person if person.consent and _is_named(person) else None


def _is_named(person: Person) -> bool:
    return bool(person.phone or person.external_id or person.bsuid or person.email)


def _step_for(target: str) -> Step:
    return _attribute if target.startswith(ATTRIBUTE) else _STEPS[target]


def _phone(person: Person, cell: str, target: str, customs: Customs) -> None:
    person.phone = phones.normalise(cell, person.country)
    if person.phone is None:
        raise Unusable("rounded_phone" if cells.ROUNDED.fullmatch(cell) else "invalid_phone")


def _email(person: Person, cell: str, target: str, customs: Customs) -> None:
    email = cell.removeprefix("mailto:").lower()
    if cells.is_email(email):
        person.email = email
    else:
        person.dropped.append("invalid_email")


def _external_id(person: Person, cell: str, target: str, customs: Customs) -> None:
    person.external_id = _short(cell.lstrip("'").strip(), 100) or None


def _bsuid(person: Person, cell: str, target: str, customs: Customs) -> None:
    if not cells.BSUID.fullmatch(cell):
        raise Unusable("invalid_bsuid")
    person.bsuid = cell


def _text(person: Person, cell: str, target: str, customs: Customs) -> None:
    person.values[target] = _short(cell, 100)


def _name(person: Person, cell: str, target: str, customs: Customs) -> None:
    first, last = cells.split_name(cell)
    person.values |= {key: _short(part, 100) for key, part in (("first_name", first), ("last_name", last)) if part}


def _language(person: Person, cell: str, target: str, customs: Customs) -> None:
    _keep(person, target, cells.language(cell))


def _country(person: Person, cell: str, target: str, customs: Customs) -> None:
    code = cells.country(cell)
    person.country = code or person.country
    _keep(person, target, code)


def _postcode(person: Person, cell: str, target: str, customs: Customs) -> None:
    # Shopify writes '10115, to keep the zeros; spreadsheets take postcodes for numbers and lose the zero in front.
    cell = cell.lstrip("'")
    code = cell.upper().removeprefix("D-").zfill(5) if person.country == "DE" else cell.upper()
    is_wrong = len(code) > 10 or (person.country == "DE" and not cells.GERMAN_POSTCODE.fullmatch(code))
    _keep(person, target, None if is_wrong else code)


def _birthday(person: Person, cell: str, target: str, customs: Customs) -> None:
    date = dates.birthday(cell, target in customs.month_first, customs.today)
    _keep(person, target, date.isoformat() if date else None)


def _tags(person: Person, cell: str, target: str, customs: Customs) -> None:
    known = person.values.setdefault("tags", [])
    known += [_short(name, limits.TAG_CHARS) for name in cells.split_tags(cell) if name not in known]


def _attribute(person: Person, cell: str, target: str, customs: Customs) -> None:
    person.values.setdefault("attributes", {})[target.removeprefix(ATTRIBUTE)] = _short(cell, limits.ATTRIBUTE_CHARS)


def _consent_given(person: Person, cell: str, target: str, customs: Customs) -> None:
    answer = cells.yes_or_no(cell)
    if answer is None:
        person.dropped.append("unclear_yes_or_no")
    person.consent["whatsapp"] = bool(answer)


def _consent_at(person: Person, cell: str, target: str, customs: Customs) -> None:
    at = dates.moment(cell, target in customs.month_first, customs.zone, customs.now)
    if at is None:
        person.dropped.append("invalid_consent_date")
    person.consent["at"] = at.isoformat() if at else ""


def _consent_text(person: Person, cell: str, target: str, customs: Customs) -> None:
    person.consent[target.removeprefix("consent.")] = cell


def _consent_age(person: Person, cell: str, target: str, customs: Customs) -> None:
    """Whether the person confirmed to be at least 16 (CG-07); what is neither yes nor no says nothing."""
    answer = cells.yes_or_no(cell)
    if answer is None:
        person.dropped.append("unclear_age")
    else:
        person.consent["age"] = answer


def _optout(person: Person, cell: str, target: str, customs: Customs) -> None:
    # "abgemeldet", a date, a reason: whatever is not a plain no is taken as a no to messages.
    word = cell.lower()
    if word not in cells.NO or word in {"abgemeldet", "widerrufen", "unsubscribed", "opted_out", "opted-out"}:
        person.consent["optout"] = True


def _keep(person: Person, target: str, value: str | None) -> None:
    """Store an optional value; what cannot be read is left out and counted, the line goes on."""
    if value is None:
        person.dropped.append(f"invalid_{target}")
    else:
        person.values[target] = value


def _short(text: str, limit: int) -> str:
    if len(text) > limit:
        raise Unusable("too_long")
    return text


_STEPS: dict[str, Step] = {
    "phone": _phone,
    "email": _email,
    "external_id": _external_id,
    "bsuid": _bsuid,
    "first_name": _text,
    "last_name": _text,
    "name": _name,
    "language": _language,
    "country": _country,
    "postcode": _postcode,
    "birthday": _birthday,
    "tags": _tags,
    "consent.whatsapp": _consent_given,
    "consent.at": _consent_at,
    "consent.source": _consent_text,
    "consent.wording": _consent_text,
    "consent.proof": _consent_text,
    "consent.age": _consent_age,
    "optout": _optout,
}
