"""Random small companies, and what a rule means for one person, told in plain Python."""

import random
import re
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from consent.models import ConsentState
from contacts.models import Contact, ContactList, ContactTag, Event, ListMember, Tag
from messaging.models import Message, Source
from tenants.models import Tenant
from whatsapp.models import Account, Number

BERLIN = ZoneInfo("Europe/Berlin")
# 28 February of a year without a 29th, an hour after midnight in Berlin, which is still the 27th in UTC.
AT = datetime(2026, 2, 28, 0, 30, tzinfo=BERLIN)
NAMES = ["", "Anna", "anna", "Änne", "ÄNNE", "100%_\\", "Robert'); --", "Straße"]
POSTCODES = ["", "50667", "50999", "10115", "01067"]
TEXTS = ["red", "RED", "42", "41.5", "-3", "2026-02-27", "2026-03-05", "2025-12-31T10:00", "true", "1e5", "", "'\"%s{}"]
KEYS = ["colour", "size", "joined", 'it\'s %s {0} "x"']
EVENTS = ["order_placed", "cart_updated"]
NUMBER_TEXT = r"^-?[0-9]{1,30}(\.[0-9]{1,30})?$"


class Company:
    """A tenant with a handful of people, tags, lists, events and messages made of one seed."""

    def __init__(self, tenant: Tenant, seed: int) -> None:
        self.tenant, self.random = tenant, random.Random(seed)
        self.tags = [Tag.objects.create(tenant=tenant, name=f"tag {number}") for number in range(2)]
        self.lists = [ContactList.objects.create(tenant=tenant, name=f"list {number}") for number in range(2)]
        account = Account.objects.create(tenant=tenant, waba_id="1", portfolio_id="1", token_encrypted="x")
        number = Number.objects.create(
            tenant=tenant, account=account, phone_number_id=str(tenant.pk), display_number="1"
        )
        self.sources = [
            Source.objects.create(tenant=tenant, kind="campaign", name="Sale", number=number, purpose="marketing")
            for _number in range(2)
        ]
        self.people = [self._person(number) for number in range(25)]

    def _person(self, number: int) -> "Person":
        pick = self.random.choice
        contact = Contact.objects.create(
            tenant=self.tenant,
            phone=f"+493023125{number:03}" if self.random.random() < 0.8 else None,
            external_id=str(number),
            first_name=pick(NAMES),
            postcode=pick(POSTCODES),
            birthday=pick([None, date(1988, 2, 29), date(1990, 2, 28), date(1970, 3, 1), date(1999, 12, 31)]),
            attributes={key: pick([*TEXTS, 42, 41.5, -3, True, False]) for key in KEYS if self.random.random() < 0.7},
            created_at=AT - timedelta(hours=self.random.randint(0, 24 * 40)),
        )
        return Person(self, contact)

    def moment(self) -> datetime:
        return AT - timedelta(hours=self.random.randint(1, 24 * 40))


class Person:
    """A stored contact with everything that was stored about it."""

    def __init__(self, company: Company, contact: Contact) -> None:
        some, tenant = company.random, company.tenant
        self.contact = contact
        self.tags = {tag.uid for tag in company.tags if some.random() < 0.4}
        self.lists = {one.uid for one in company.lists if some.random() < 0.4}
        self.consents = self._consents(company)
        self.events = [self._event(company, number) for number in range(some.choice([0, 0, 1, 2, 4]))]
        self.messages = [self._message(company, one) for one in company.sources if some.random() < 0.5]
        for tag in company.tags:
            if tag.uid in self.tags:
                ContactTag.objects.create(tenant=tenant, contact=contact, tag=tag)
        for one in company.lists:
            if one.uid in self.lists:
                ListMember.objects.create(tenant=tenant, contact=contact, list=one)

    def _consents(self, company: Company) -> list[ConsentState]:
        some = company.random
        return [
            ConsentState.objects.create(
                tenant=company.tenant,
                subject_id=self.contact.subject_id,
                channel=channel,
                purpose=purpose,
                state=some.choice(["granted", "granted", "withdrawn", "requested"]),
                since=AT,
                seq=1,
                valid_until=some.choice([None, None, AT - timedelta(1), AT + timedelta(1)]),
            )
            for channel in ("whatsapp", "email")
            for purpose in ("marketing", "tracking")
            if some.random() < 0.6
        ]

    def _event(self, company: Company, number: int) -> Event:
        some = company.random
        return Event.objects.create(
            tenant=company.tenant,
            contact=self.contact,
            event_id=f"{self.contact.pk}-{number}",
            name=some.choice(EVENTS),
            occurred_at=company.moment(),
            value=some.choice([None, Decimal("10.50"), Decimal(20), Decimal("99.99")]),
            currency=some.choice(["EUR", "EUR", "CHF"]),
            properties={key: some.choice([*TEXTS, 42]) for key in KEYS if some.random() < 0.7},
        )

    def _message(self, company: Company, source: Source) -> Message:
        some = company.random
        columns = ("accepted_at", "delivered_at", "read_at", "clicked_at", "replied_at", "opted_out_at", "failed_at")
        moments = {column: company.moment() if some.random() < 0.6 else None for column in columns}
        return Message.objects.create(tenant=company.tenant, source=source, contact=self.contact, **moments)


def holds(rule: dict[str, Any], person: Person) -> bool:
    """Whether the rule holds for the person at AT."""
    if not rule:
        return True
    if "rules" in rule:
        below = [holds(one, person) for one in rule["rules"]]
        return {"and": all(below), "or": any(below), "not": not any(below)}[rule["op"]]
    kind = next(name for name in KINDS if name in rule)
    return KINDS[kind](rule, person)


def _field(rule: dict[str, Any], person: Person) -> bool:
    if rule["field"] == "created_at":
        return _at(person.contact.created_at, rule)
    if rule["field"] == "birthday":
        return _birthday(person.contact.birthday, rule)
    return compare(getattr(person.contact, rule["field"]), rule)


def _at(moment: datetime, rule: dict[str, Any]) -> bool:
    op, value = rule["op"], rule["value"]
    if op == "last_days":
        return moment >= AT - timedelta(days=value)
    if op == "older_than_days":
        return moment < AT - timedelta(days=value)
    day, wanted = moment.astimezone(BERLIN).date(), date.fromisoformat(value)
    return {"on": day == wanted, "before": day < wanted, "after": day > wanted}[op]


def _birthday(born: date | None, rule: dict[str, Any]) -> bool:
    op = rule["op"]
    if op in ("is_set", "is_not_set"):
        return (born is not None) == (op == "is_set")
    if born is None:
        return False
    if op == "in_month":
        return born.month == rule["value"]
    today = AT.date()
    window = [today + timedelta(days=number) for number in range((rule.get("value") or 0) + 1)]
    return any(_celebrated(born, day.year) == day for day in window)


def _celebrated(born: date, year: int) -> date:
    try:
        return born.replace(year=year)
    except ValueError:
        return date(year, 2, 28)


def compare(stored: Any, rule: dict[str, Any]) -> bool:
    """One stored value, perhaps missing, against one comparison."""
    op, value = rule["op"], rule.get("value")
    opposite = {"is_not": "is", "not_in": "in", "not_contains": "contains", "is_not_set": "is_set"}.get(op)
    if opposite:
        return not compare(stored, {**rule, "op": opposite})
    text = {True: "true", False: "false"}[stored] if isinstance(stored, bool) else stored
    text = None if text is None else str(text)
    if text is None or op == "is_set":
        return bool(text)
    if op in ("gt", "gte", "lt", "lte") or (op == "is" and not isinstance(value, str | bool)):
        if not re.match(NUMBER_TEXT, text):
            return False
        number, other = Decimal(text), Decimal(str(value))
        return {
            "gt": number > other,
            "gte": number >= other,
            "lt": number < other,
            "lte": number <= other,
            "is": number == other,
        }[op]
    if op in ("is", "contains", "starts_with", "in"):
        low = text.lower()
        wanted = {True: "true", False: "false"}[value] if isinstance(value, bool) else value
        return {
            "is": lambda: low == wanted.lower(),
            "contains": lambda: wanted.lower() in low,
            "starts_with": lambda: low.startswith(wanted.lower()),
            "in": lambda: low in {one.lower() for one in wanted},
        }[op]()
    if not re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        return False
    day, today = text[:10], AT.date()
    days = timedelta(days=value) if isinstance(value, int) else timedelta()
    return {
        "on": day == value,
        "before": day < str(value),
        "after": day > str(value),
        "last_days": (today - days).isoformat() <= day <= today.isoformat(),
        "next_days": today.isoformat() <= day <= (today + days).isoformat(),
        "older_than_days": day < (today - days).isoformat(),
    }[op]


def _consent(rule: dict[str, Any], person: Person) -> bool:
    named = rule["consent"]
    return granted(person, named["channel"], named["purpose"]) == (rule["op"] == "granted")


def granted(person: Person, channel: str, purpose: str) -> bool:
    return any(
        state.state == "granted" and (state.valid_until is None or state.valid_until > AT)
        for state in person.consents
        if (state.channel, state.purpose) == (channel, purpose)
    )


def _event(rule: dict[str, Any], person: Person) -> bool:
    events = [
        event
        for event in person.events
        if event.name == rule["event"]
        and _in_window(event.occurred_at, rule)
        and all(compare(event.properties.get(one["property"]), one) for one in rule.get("where", []))
    ]
    if "measure" not in rule:
        return bool(events) == (rule["op"] == "ever")
    if rule["measure"] == "days_since_last":
        if not events:
            return False
        measured: Any = (AT - max(event.occurred_at for event in events)).total_seconds() / 86400
    elif rule["measure"] == "count":
        measured = len(events)
    else:
        measured = sum((event.value or 0 for event in events if event.currency == "EUR"), Decimal(0))
    # As it is written: the nearest binary fraction of 99.99 is a little less than 99.99 euros.
    value = Decimal(str(rule["value"])) if rule["measure"] == "sum" else rule["value"]
    return {
        "gt": measured > value,
        "gte": measured >= value,
        "lt": measured < value,
        "lte": measured <= value,
        "is": measured == value,
    }[rule["op"]]


def _message(rule: dict[str, Any], person: Person) -> bool:
    def moment(message: Message) -> datetime | None:
        if rule["message"] == "delivered":
            return message.delivered_at or message.read_at
        column = "accepted_at" if rule["message"] == "received" else f"{rule['message']}_at"
        value: datetime | None = getattr(message, column)
        return value

    did = any(
        (when := moment(message)) is not None
        and _in_window(when, rule)
        and (not rule.get("source") or message.source.uid == UUID(rule["source"]))
        for message in person.messages
    )
    if rule["message"] in ("read", "clicked"):
        did = did and granted(person, "whatsapp", "tracking")
    return did == (rule["op"] == "has")


def _in_window(moment: datetime, rule: dict[str, Any]) -> bool:
    if "within_days" in rule:
        return moment >= AT - timedelta(days=rule["within_days"])
    if "between" in rule:
        first, last = (date.fromisoformat(text) for text in rule["between"])
        return first <= moment.astimezone(BERLIN).date() <= last
    return True


KINDS = {
    "field": _field,
    "attribute": lambda rule, person: compare(person.contact.attributes.get(rule["attribute"]), rule),
    "tag": lambda rule, person: (UUID(rule["tag"]) in person.tags) == (rule["op"] == "has"),
    "list": lambda rule, person: (UUID(rule["list"]) in person.lists) == (rule["op"] == "in"),
    "consent": _consent,
    "event": _event,
    "message": _message,
}
