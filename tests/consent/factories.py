"""Plain functions that make people and their declarations for the tests of consent."""

import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import connection

from consent import ledger
from consent.actions import declarations
from consent.ledger import Appended, Entry, wordings
from consent.models import Authority, Source, Wording, WordingVersion
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


def published_text(number: int) -> str:
    """What people agree to, in German."""
    return f"Ja, ich möchte per WhatsApp Angebote erhalten und bin mindestens 16 Jahre alt ({number})."


def published(tenant: Tenant, number: int = 1, *, name: str = "Ladenformular", **fields: Any) -> WordingVersion:
    """A version of the bakery's sign-up form that people have agreed to; as the linter demands, it asks for the age."""
    wording, _is_new = Wording.objects.get_or_create(tenant=tenant, name=name)
    texts = {
        "de": published_text(number),
        "en": f"Yes, please, I am at least 16 years old ({number}).",
    }
    covers = [["whatsapp", "marketing"], ["whatsapp", "tracking"]]
    given = {"texts": texts, "covers": covers, "published_at": NOON, **fields}
    sha256 = wordings.digest(given["texts"], given["covers"])
    return WordingVersion.objects.create(tenant=tenant, wording=wording, number=number, **{"sha256": sha256, **given})


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
