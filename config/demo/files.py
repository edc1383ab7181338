"""Writes the invented people into files as people really have them: Shopify, Klaviyo, and German Excel."""

import csv
import random
from collections.abc import Callable, Sequence
from pathlib import Path

from config.demo.people import WORDING, Person

# How Germans write one and the same number.
SPELLINGS: list[Callable[[str, str], str]] = [
    lambda area, rest: f"{area}{rest}",
    lambda area, rest: f"{area}/{rest}",
    lambda area, rest: f"{area} - {rest[:3]} {rest[3:]}",
    lambda area, rest: f"+49 (0) {area[1:]} {rest}",
    lambda area, rest: f"0049{area[1:]}{rest}",
    lambda area, rest: f"+49{area[1:]}\u00a0{rest}",
    lambda area, rest: f"({area}) {rest}",
    lambda area, rest: f"'+49{area[1:]}{rest}",
]


def shopify(path: Path, people: Sequence[Person]) -> None:
    """A Shopify customer export with proof columns added: comma, UTF-8, phones in international form."""
    headers = [
        *("Customer ID", "First Name", "Last Name", "Email", "Accepts Email Marketing", "Default Address Company"),
        *("Default Address City", "Default Address Country Code", "Default Address Zip", "Phone"),
        *("Accepts SMS Marketing", "Total Spent", "Total Orders", "Note", "Tags"),
        *("WhatsApp Opt-in", "Opt-in at", "Opt-in source", "Opt-in text", "Opt-in proof", "WhatsApp Opt-out"),
    ]
    with path.open("w", encoding="utf-8", newline="") as file:
        write = csv.writer(file).writerow
        write(headers)
        for person in people:
            phone = f"+49{person.area[1:]}{person.subscriber}"
            row = [f"S{person.number}", person.first_name, person.last_name, person.email, "yes", ""]
            row += [
                person.city,
                "DE",
                f"'{person.postcode}",
                phone,
                "no",
                f"{person.spent:.2f}",
                str(person.orders),
                "",
            ]
            tags = ["newsletter"] + (["stammkunde"] if person.orders > 2 else [])
            write([*row, ", ".join(tags), *_consent(person), "yes" if person.is_opted_out else ""])


def klaviyo(path: Path, people: Sequence[Person]) -> None:
    """A Klaviyo profile export: UTF-8 with BOM; its SMS consent is no consent to WhatsApp and stays unused."""
    headers = [
        *("Klaviyo ID", "Email", "First Name", "Last Name", "Phone Number", "City", "Country Code", "Zip Code"),
        *("Birthday", "SMS Consent", "SMS Consent Timestamp", "Tags"),
        *("WhatsApp Consent", "WhatsApp Consent Timestamp", "WhatsApp Consent Source", "Consent Text", "Proof"),
        "WhatsApp Opt-out",
    ]
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        write = csv.writer(file).writerow
        write(headers)
        for person in people:
            row = [f"01K{person.number:07d}", person.email, person.first_name, person.last_name]
            row += [f"+49{person.area[1:]}{person.subscriber}", person.city, "DE", person.postcode]
            row += [person.birthday.isoformat(), "SUBSCRIBED", "2024-02-01T10:00:00Z", "mode"]
            write([*row, *_consent(person), "true" if person.is_opted_out else ""])


def german_excel(path: Path, people: Sequence[Person]) -> None:
    """A German Excel CSV: semicolons, cp1252, every spelling of phone numbers, some wrong and some twice."""
    headers = ["Kundennummer", "Anrede", "Vorname", "Nachname", "E-Mail", "Handy", "PLZ", "Ort", "Geburtstag"]
    headers += [
        "Schlagworte",
        "WhatsApp Einwilligung",
        "Einwilligung am",
        "Einwilligungsquelle",
        "Wortlaut",
        "Nachweis",
    ]
    headers += ["Abgemeldet"]
    dice = random.Random(len(people))  # noqa: S311 - invented data, nothing secret
    with path.open("w", encoding="cp1252", errors="replace", newline="") as file:
        write = csv.writer(file, delimiter=";").writerow
        write(headers)
        for person in people:
            row = _excel_row(person, dice)
            write(row)
            if person.number % 97 == 0:
                write(row)


def _excel_row(person: Person, dice: random.Random) -> list[str]:
    phone = dice.choice(SPELLINGS)(person.area, person.subscriber)
    if person.number % 60 == 0:
        phone = dice.choice(["keine", "030", "4,93023E+11", "0000000", "ruft zurück"])
    row = [f"K-{person.number}", dice.choice(["Frau", "Herr", ""]), person.first_name, person.last_name]
    row += [person.email, phone, person.postcode, person.city, f"{person.birthday:%d.%m.%Y}"]
    row += ["Filiale", *_consent(person, german=True)]
    return [*row, "ja" if person.is_opted_out else ""]


def _consent(person: Person, *, german: bool = False) -> list[str]:
    """Yes, time, source, wording and proof; the proof is missing for some, everything for those who never said yes."""
    if person.consent_at is None:
        return ["nein" if german else "no", "", "", "", ""]
    at = f"{person.consent_at:%d.%m.%Y %H:%M}" if german else person.consent_at.isoformat(timespec="seconds")
    source = "Kasse Filiale 3" if german else "Checkout"
    proof = f"DOI-{person.number:06d}" if person.has_proof else ""
    return ["ja" if german else "yes", at, source, f"{WORDING} v1", proof]
