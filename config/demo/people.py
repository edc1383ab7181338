"""Invents people: German names and drama numbers, which the Bundesnetzagentur keeps free so that nobody is called."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from faker import Faker

# Mitteilung 148/2021: area code, subscriber number without the last three digits.
DRAMA = [("030", "23125"), ("069", "90009"), ("040", "66969"), ("0221", "4710"), ("089", "99998")]
# The files name the wording by its version; the text itself is published when the company is founded.
WORDING = "WhatsApp-Newsletter"
WORDING_TEXT = (
    "Ja, ich möchte von {company} per WhatsApp Angebote und Neuigkeiten erhalten (etwa 4× pro Monat). {company} darf"
    " messen, welche Links ich öffne, um mir passendere Angebote zu schicken. Ich kann jederzeit mit STOPP widerrufen."
    " Ich bin mindestens 16 Jahre alt."
)


@dataclass(frozen=True)
class Person:
    """One invented customer; `consent_at` is None for those who never said yes."""

    number: int
    first_name: str
    last_name: str
    email: str
    area: str
    subscriber: str
    postcode: str
    city: str
    birthday: date
    orders: int
    spent: float
    consent_at: datetime | None
    has_proof: bool
    is_opted_out: bool


def invent(count: int, *, seed: int, today: datetime) -> Iterator[Person]:
    """`count` people (5,000 at most, so many drama numbers there are), the same ones for the same seed."""
    fake = Faker("de_DE")
    fake.seed_instance(seed)
    dice = random.Random(seed)  # noqa: S311 - invented data, nothing secret
    phones = [(area, f"{start}{last:03d}") for last in range(1000) for area, start in DRAMA][:count]
    for number, (area, subscriber) in enumerate(phones, start=1):
        first, last = fake.first_name(), fake.last_name()
        orders = min(12, int(dice.expovariate(0.6)))
        said_yes = dice.random() < 0.82
        yield Person(
            number=number,
            first_name=first,
            last_name=last,
            email=f"{_plain(first)}.{_plain(last)}{number}@example.com",
            area=area,
            subscriber=subscriber,
            postcode=fake.postcode(),
            city=fake.city(),
            birthday=fake.date_of_birth(minimum_age=18, maximum_age=80),
            orders=orders,
            spent=round(orders * dice.uniform(12, 90), 2),
            consent_at=today - timedelta(days=dice.randint(2, 600), minutes=dice.randint(0, 1440))
            if said_yes
            else None,
            has_proof=dice.random() < 0.93,
            is_opted_out=said_yes and dice.random() < 0.04,
        )


def _plain(name: str) -> str:
    spelled = name.lower().translate({ord("ä"): "ae", ord("ö"): "oe", ord("ü"): "ue", ord("ß"): "ss"})
    return "".join(letter for letter in spelled if letter.isascii() and letter.isalnum())
