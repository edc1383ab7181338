"""Every column that could hold something of a person is covered by an app's `personal`, or says why it need not be.

Who adds a model or a field adds a line here, and where it is personal, a few to the app's personal.py.
"""

from importlib import import_module

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Field, Model

from contacts.models import Contact
from tests.test_architecture import OURS

# Kinds of fields that can name or describe somebody; with choices they cannot. Numbers, times and random ids cannot
# either, unless they point at a contact, which is looked at by itself.
TELLING = (
    models.CharField, models.TextField, models.JSONField, models.BinaryField, models.FileField, models.DateField,
    ArrayField, models.GeneratedField,
)  # fmt: skip

# Whose `forget`, `clear` or retention takes the person out of these columns.
CONTACTS, CONSENT, MESSAGING, INBOX, ANALYTICS = (
    f"{app}.personal" for app in ("contacts", "consent", "messaging", "inbox", "analytics")
)
COVERED: dict[str, dict[str, str]] = {
    "tenants.IdempotencyKey": dict.fromkeys(("key", "body"), CONTACTS),
    "contacts.Contact": dict.fromkeys(
        (
            "phone", "bsuid", "email", "external_id", "first_name", "last_name", "language", "country", "postcode",
            "birthday", "attributes", "search_name", "search_last_name",
        ),
        CONTACTS,
    ),
    "contacts.Identity": {"digest": CONTACTS},
    "contacts.Event": dict.fromkeys(("event_id", "name", "currency", "order_id", "properties"), CONTACTS),
    "contacts.Import": dict.fromkeys(("file", "filename", "headers", "mapping"), CONTACTS),
    "contacts.StagedRow": dict.fromkeys(
        ("phone", "bsuid", "email", "external_id", "values", "consent", "outcome"), CONTACTS
    ),
    "contacts.RejectedRow": dict.fromkeys(("reason", "column", "cells"), CONTACTS),
    "contacts.NotedRow": {"reason": CONTACTS},
    "consent.ConsentEvidence": dict.fromkeys(("salt", "sealed", "kept_until"), CONSENT),
    "consent.DataRequest": dict.fromkeys(
        ("named_encrypted", "digests", "extended_because", "note", "answer", "file"), CONSENT
    ),
    # Whose it is nobody knows before the confirmation, which empties it; gone after 14 days (consent.rights.keeping).
    "consent.SignupRequest": dict.fromkeys(("sealed", "aside", "token_digest", "visit", "language"), CONSENT),
    # Deleted with the person; the confirmation empties what is sealed, and all of it goes with its sign-up.
    "consent.AddressRequest": dict.fromkeys(("mailbox", "day", "sealed", "message_id"), CONSENT),
    "consent.SignupCode": {"code": CONSENT},
    # Goes with the import's file, too.
    "consent.ImportClaim": {"sealed": CONSENT},
    "consent.Handover": {"file": CONSENT},
    "messaging.Content": {"free_form": MESSAGING},
    "messaging.Link": dict.fromkeys(("label", "url"), MESSAGING),
    "messaging.Message": {"wamid": MESSAGING},
    "inbox.WebhookEvent": {"body": INBOX},
    "inbox.InboundMessage": dict.fromkeys(("wamid", "type", "text", "payload", "content"), INBOX),
    "analytics.OrderCredit": {"order_id": ANALYTICS},
}  # fmt: skip

STAFF = "our customers' people, not their contacts"
PROGRAM = "of a program's key"
CODE = "a code or setting of ours"
FOR_ALL = "written for many, by the company"
COMPANY = "the company itself"
FILES = "of a file with many people"
CHAIN = "the ledger is anonymous: hashes, codes and random ids (consent-gdpr § 4)"
META = "of the company's own account at Meta"
HARMLESS: dict[str, dict[str, str]] = {
    "tenants.Tenant": dict.fromkeys(("slug", "name", "timezone", "country", "currency", "pepper_encrypted"), COMPANY),
    "tenants.User": dict.fromkeys(("password", "email", "name"), STAFF),
    "tenants.ApiKey": dict.fromkeys(("name", "prefix", "digest", "scopes"), PROGRAM),
    "tenants.AuditEvent": dict.fromkeys(
        ("verb", "object_type", "object_uid", "object_name", "changes", "request_id"), "knows contacts by uid only"
    ),
    "tenants.IdempotencyKey": {"request_digest": "a hash over a random key's request"},
    "contacts.Tag": dict.fromkeys(("name", "former_names"), FOR_ALL),
    "contacts.ContactList": dict.fromkeys(("name", "former_names", "description", "title_de", "title_en"), FOR_ALL),
    "contacts.Import": dict.fromkeys(
        ("sha256", "encoding", "delimiter", "default_country", "tags", "reasons", "consent_counts", "error"), FILES
    ),
    "consent.Controller": dict.fromkeys(
        (
            "legal_name", "street", "postcode", "city", "country", "email", "phone", "officer", "officer_email",
            "privacy_url", "imprint_url", "brand_color", "anchor_email", "special_attributes",
            "contract_attributes",
        ),
        COMPANY,
    ),
    "consent.Logo": dict.fromkeys(("png", "sha256"), COMPANY),
    "consent.Agreement": dict.fromkeys(("version", "language", "text", "sha256", "signer", "position"), COMPANY),
    "consent.EndedContract": dict.fromkeys(("slug", "name", "agreements", "names", "deleted", "files"), COMPANY),
    "consent.SubProcessor": dict.fromkeys(
        ("name", "address", "country", "purpose", "safeguard", "active_from", "ended_on"), "the operator's partners"
    ),
    "consent.Processor": dict.fromkeys(
        ("name", "purpose", "country", "contract_on", "note", "ended_on"), "the company's partners"
    ),
    "consent.Announcement": {"error": CODE},
    "consent.AddressRequest": {"error": CODE},
    "consent.Breach": dict.fromkeys(
        ("began_on", "ended_on", "what", "data", "effects", "measures", "why_not"), "what happened, not to whom by name"
    ),
    "consent.Wording": {"name": FOR_ALL},
    "consent.WordingVersion": dict.fromkeys(
        ("texts", "covers", "policy_url", "policy_version", "policy_sha256", "sha256", "invalid_reason"), FOR_ALL
    ),
    "consent.Invalidation": {"wording_sha256": CHAIN},
    "consent.ConsentHead": {"last_hash": CHAIN},
    "consent.LedgerAnchor": dict.fromkeys(("day", "text", "key_id", "signature"), CHAIN),
    "consent.LedgerDeposit": {"error": CODE},
    "consent.LedgerCheck": dict.fromkeys(("walk", "signed_on", "because", "because_day", "altered_wording"), CHAIN),
    "consent.ConsentEvent": dict.fromkeys(
        (
            "legal_basis", "wording_sha256", "language", "policy_url", "policy_version", "policy_sha256",
            "incentive_id", "source_ref", "phone_number_id", "idempotency_key", "actor_type", "actor_id",
            "evidence_digest", "canonical", "prev_hash", "row_hash",
        ),
        CHAIN,
    ),
    "consent.SignupForm": dict.fromkeys(
        (
            "slug", "name", "number", "headline", "intro", "benefit", "benefit_terms", "question_label",
            "question_attribute", "question_answers", "translations", "keyword",
        ),
        FOR_ALL,
    ),
    "consent.SignupPlace": dict.fromkeys(("code", "name"), FOR_ALL),
    "consent.Suppression": dict.fromkeys(
        ("kind", "digest", "reason", "phone_number_id"), "the keyed hash that has to survive (CG-43)"
    ),
    "consent.ConsentState": dict.fromkeys(("reason", "stopped_numbers"), CHAIN),
    "consent.DataRequest": dict.fromkeys(("found", "due_date", "told_near", "told_late", "error", "kept_until"), CODE),
    "whatsapp.Account": dict.fromkeys(
        (
            "waba_id", "name", "portfolio_id", "currency", "token_encrypted", "app_secret_encrypted",
            "verify_token_encrypted",
        ),
        META,
    ),
    "whatsapp.Number": dict.fromkeys(
        ("phone_number_id", "display_number", "verified_name", "storage_region", "profile", "profile_link"), META
    ),
    "whatsapp.Template": dict.fromkeys(
        ("meta_id", "name", "language", "parameter_format", "components", "rejected_reason", "previous_category"),
        FOR_ALL,
    ),
    "whatsapp.Media": dict.fromkeys(("file", "filename", "mime_type", "sha256", "meta_id", "error"), FOR_ALL),
    "whatsapp.Rate": dict.fromkeys(("currency", "market", "category", "valid_from", "source"), META),
    # A reply's source is named by a hash.
    "messaging.Source": dict.fromkeys(("name", "purpose", "refused_countries", "chosen_by", "bound_by"), FOR_ALL),
    "messaging.Content": {"variables": FOR_ALL},
    "messaging.Message": dict.fromkeys(("reason", "market", "price_type", "price_category"), CODE),
    "segments.Segment": dict.fromkeys(("name", "description", "rule"), FOR_ALL),
    "campaigns.Campaign": dict.fromkeys(("name", "purpose", "timezone", "problem"), FOR_ALL)
    | {"warned": CODE},
    "campaigns.Variant": {"variables": FOR_ALL},
    "inbox.WebhookEvent": {"error": CODE},
    "analytics.ReasonKpi": {"reason": CODE},
    "analytics.CostKpi": dict.fromkeys(("market", "price_type", "price_category"), CODE),
    "analytics.OrderCredit": {"currency": CODE},
}  # fmt: skip
# Models that point at a contact, and whose module lets go of it.
POINTING = {
    "contacts.Identity": CONTACTS,
    "contacts.ContactTag": CONTACTS,
    "contacts.ListMember": CONTACTS,
    "contacts.Event": CONTACTS,
    "consent.DataRequest": CONSENT,
    "consent.SignupCode": CONSENT,
    "consent.AddressRequest": CONSENT,
    "consent.ImportClaim": CONSENT,
    "messaging.Message": MESSAGING,
    "messaging.Click": MESSAGING,
    "inbox.Conversation": INBOX,
    # A number that names nobody once the contact is gone; reports count converted people by it.
    "analytics.OrderCredit": ANALYTICS,
}


def all_models() -> list[type[Model]]:
    return [model for app in OURS for model in apps.get_app_config(app).get_models()]


def is_telling(field: Field) -> bool:
    return isinstance(field, TELLING) and not isinstance(field, models.DateTimeField) and not field.choices


@pytest.mark.parametrize("model", all_models(), ids=lambda model: model._meta.label)
def test_every_telling_column_is_covered_or_says_why_not(model: type[Model]) -> None:
    label = model._meta.label
    covered, harmless = COVERED.get(label, {}), HARMLESS.get(label, {})

    assert {field.name for field in model._meta.local_fields if is_telling(field)} == {*covered, *harmless}
    assert not covered.keys() & harmless.keys()
    assert all(harmless.values())


def test_everything_that_points_at_a_contact_is_covered() -> None:
    pointing = {
        model._meta.label
        for model in all_models()
        if any(field.related_model is Contact for field in model._meta.local_fields)
    }

    assert pointing == POINTING.keys()


def test_every_module_that_covers_something_is_walked() -> None:
    covering = {module for columns in COVERED.values() for module in columns.values()} | set(POINTING.values())

    assert covering <= set(settings.PERSONAL_DATA)
    for path in settings.PERSONAL_DATA:
        module = import_module(path)
        assert hasattr(module, "tell")
        assert hasattr(module, "forget") or path not in covering
    # From the top down: an upper app's rows point at those of a lower one.
    tops = [path.split(".")[0] for path in settings.PERSONAL_DATA]
    order = ["analytics", "inbox", "campaigns", "segments", "messaging", "consent", "contacts"]
    assert tops == sorted(tops, key=order.index)
