"""Plain functions that make people and their declarations for the tests of consent."""

import itertools
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import connection

from consent import ledger
from consent.actions import declarations, signup_forms
from consent.ledger import Appended, Entry, wordings
from consent.models import Authority, Controller, SignupForm, Source, Wording, WordingVersion
from contacts import identities
from contacts.models import Contact
from tenants.models import Tenant
from tests.roles import as_owner

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
PHONE = "+493023125001"
NUMBER = "106540352242922"
counter = itertools.count(1)


def minutes(count: float) -> datetime:
    """Some minutes after noon."""
    return NOON + timedelta(minutes=count)


def person(tenant: Tenant, **fields: Any) -> Contact:
    """A contact with its identities on record."""
    if not {"phone", "bsuid", "email"} & set(fields):
        fields["phone"] = f"+4930231250{next(counter):03d}"
    contact = Contact.objects.create(tenant=tenant, **fields)
    identities.record(tenant, [contact])
    return contact


def entry(subject: UUID | None = None, **fields: Any) -> Entry:
    """A ledger entry: by default an imported yes to marketing by WhatsApp."""
    defaults: dict[str, Any] = {
        "subject_id": subject or uuid4(),
        "channel": "whatsapp",
        "purpose": "marketing",
        "state": "granted",
        "authority": Authority.IMPORT,
        "source": Source.IMPORT,
        "occurred_at": NOON,
        "key": uuid4().hex,
    }
    return Entry(**{**defaults, **fields})


# What a text says for each purpose it covers, and for all of them; it passes the linter for a company that is `known`.
SENTENCES = {
    "de": {
        "marketing": "Ja, ich möchte von der Bäckerei Sonne GmbH per WhatsApp und E-Mail Angebote und Neuigkeiten"
        " erhalten, etwa viermal im Monat.",
        "survey": "Ja, ich möchte von der Bäckerei Sonne GmbH per WhatsApp Umfragen erhalten, etwa zweimal im Jahr.",
        "tracking": "Ja, die Bäckerei Sonne GmbH darf messen, welche Links in WhatsApp-Nachrichten ich öffne.",
        "special_category": "Ja, ich bin ausdrücklich einverstanden, dass die Bäckerei Sonne GmbH Angaben zu meiner"
        " Gesundheit für Nachrichten per WhatsApp nutzt.",
        "all": "Ich bin mindestens 16 Jahre alt und kann das jederzeit widerrufen, mit STOPP oder dem Link in jeder"
        " E-Mail ({number}).",
    },
    "en": {
        "marketing": "Yes, I would like offers and news from Bäckerei Sonne GmbH by WhatsApp and e-mail, about four"
        " times a month.",
        "survey": "Yes, I would like surveys from Bäckerei Sonne GmbH by WhatsApp, about twice a year.",
        "tracking": "Yes, Bäckerei Sonne GmbH may measure which links in WhatsApp messages I open.",
        "special_category": "Yes, I expressly agree that Bäckerei Sonne GmbH uses what I say about my health for"
        " messages by WhatsApp.",
        "all": "I am at least 16 years old and can withdraw this at any time, by sending STOP or by the link in every"
        " e-mail ({number}).",
    },
}


def known(tenant: Tenant, **fields: Any) -> Controller:
    """The bakery as the law wants it named; without that none of its sign-up forms may be open."""
    given = {
        "legal_name": "Bäckerei Sonne GmbH",
        "street": "Lindenweg 3",
        "postcode": "10115",
        "city": "Berlin",
        "email": "daten@sonne.example",
        "privacy_url": "https://sonne.example/datenschutz",
        "imprint_url": "https://sonne.example/impressum",
    }
    controller, _is_new = Controller.objects.update_or_create(tenant=tenant, defaults=given | fields)
    return controller


def wording_text(language: str = "de", number: int = 1, *, purposes: Sequence[str] = ("marketing", "tracking")) -> str:
    """The text of a version that covers these purposes."""
    said = SENTENCES[language]
    return " ".join([*(said[purpose] for purpose in purposes), said["all"].format(number=number)])


def published(tenant: Tenant, number: int = 1, *, name: str = "Ladenformular", **fields: Any) -> WordingVersion:
    """A version of the bakery's sign-up form that people have agreed to; as the linter demands, it asks for the age."""
    wording, _is_new = Wording.objects.get_or_create(tenant=tenant, name=name)
    covers = fields.get("covers") or [["whatsapp", "marketing"], ["whatsapp", "tracking"]]
    purposes = list(dict.fromkeys(purpose for _channel, purpose in covers))
    texts = fields.get("texts") or {code: wording_text(code, number, purposes=purposes) for code in SENTENCES}
    given = {"texts": texts, "covers": covers, "published_at": NOON, **fields}
    sha256 = wordings.digest(given["texts"], given["covers"])
    return WordingVersion.objects.create(tenant=tenant, wording=wording, number=number, **{"sha256": sha256, **given})


def open_form(tenant: Tenant, wording: WordingVersion | None = None, **values: object) -> SignupForm:
    """A form that is open; without a wording people agree to marketing by WhatsApp."""
    given = {
        "name": "Theke",
        "slug": "theke",
        "number": "+4930231250",
        "wording": (wording or published(tenant, covers=[["whatsapp", "marketing"]])).wording,
        "headline": "Immer frisch informiert",
        **values,
    }
    known(tenant)
    form = signup_forms.create(tenant=tenant, by=None, **given)
    signup_forms.open_(form=form, by=None)
    return form


def say(tenant: Tenant, contact: Contact, state: str, **fields: Any) -> Appended:
    """Write one row about a contact straight into the ledger."""
    return ledger.append(tenant, [entry(contact.subject_id, state=state, **fields)])[0]


def agree(tenant: Tenant, contact: Contact, **fields: Any) -> list[Appended]:
    """The person, who is 16, says yes by tapping a button in WhatsApp."""
    defaults = {"dedupe": uuid4().hex, "source": Source.WA_BUTTON, "authority": Authority.PERSON, "occurred_at": NOON}
    defaults |= {"age_confirmed": True}
    return declarations.grant(tenant=tenant, contact=contact, **{**defaults, **fields})


def stop(tenant: Tenant, contact: Contact | None = None, **fields: Any) -> list[Appended]:
    """The person writes STOPP."""
    defaults = {"dedupe": uuid4().hex, "source": Source.WA_KEYWORD, "occurred_at": minutes(10)}
    return declarations.withdraw(tenant=tenant, contact=contact, **{**defaults, **fields})


def altered(change: Callable[[], object], table: str = "consent_consentevent") -> None:
    """What only the owner of the database can do."""
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        change()
        cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
