"""Wordings: what people have agreed to stays as it was, whoever wants to change it."""

import hashlib

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import ProtectedError

from consent.ledger import wordings
from consent.models import Wording, WordingVersion
from tenants.actions import NewTenant
from tenants.models import Tenant, User
from tenants.scope import tenant_scope
from tests.consent.factories import NOON, agree, person, published
from tests.consent.imports import done
from tests.consent.test_imports_consent import PROVEN, SENTENCE

TABLE = "consent_wordingversion"


@pytest.mark.parametrize(
    "sql",
    [
        f"""UPDATE {TABLE} SET texts = '{{"de": "Ja zu allem"}}'""",
        f"""UPDATE {TABLE} SET covers = '[["all", "all"]]'""",
        f"UPDATE {TABLE} SET sha256 = repeat('0', 64)",
        f"UPDATE {TABLE} SET policy_url = 'https://elsewhere.example'",
        f"UPDATE {TABLE} SET policy_version = '99'",
        f"UPDATE {TABLE} SET policy_sha256 = 'c0ffee'",
        f"UPDATE {TABLE} SET number = 7",
        f"UPDATE {TABLE} SET published_at = NULL",
        f"UPDATE {TABLE} SET published_by_id = 1",
        f"DELETE FROM {TABLE}",
        f"TRUNCATE {TABLE} CASCADE",
    ],
)
def test_the_database_refuses_to_change_a_published_version(in_bakery: Tenant, sql: str) -> None:
    before = published(in_bakery)

    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        with pytest.raises(DatabaseError, match=r"frozen|append-only"), transaction.atomic():
            cursor.execute(sql)

    after = WordingVersion.objects.get()
    assert (after.texts, after.covers, after.number) == (before.texts, before.covers, before.number)


def test_a_published_version_may_be_retired_and_marked_invalid(in_bakery: Tenant) -> None:
    published(in_bakery)

    WordingVersion.objects.update(retired_at=NOON, invalid_reason="Der Anbieter war nicht genannt.")

    assert WordingVersion.objects.get().retired_at == NOON


def test_a_draft_may_be_changed_published_and_deleted(in_bakery: Tenant) -> None:
    drafts = [published(in_bakery, number, published_at=None) for number in (1, 2)]

    WordingVersion.objects.filter(number=1).update(texts={"de": "Besser"}, published_at=NOON)
    drafts[1].delete()

    assert WordingVersion.objects.get().texts == {"de": "Besser"}


def test_no_wording_goes_that_somebody_agreed_to(in_bakery: Tenant) -> None:
    agree(in_bakery, person(in_bakery), wording=published(in_bakery))

    with pytest.raises((DatabaseError, ProtectedError)), transaction.atomic():
        Wording.objects.get().delete()

    assert WordingVersion.objects.count() == 1


def test_the_hash_is_of_texts_and_pairs_in_whatever_order(in_bakery: Tenant) -> None:
    covers = [("whatsapp", "tracking"), ("whatsapp", "marketing")]
    expected = hashlib.sha256(
        b'{"covers":[["whatsapp","marketing"],["whatsapp","tracking"]],"texts":{"de":"Ja","en":"Yes"}}'
    ).hexdigest()

    assert wordings.digest({"en": "Yes", "de": "Ja"}, covers) == expected
    assert wordings.digest({"en": "Yes", "de": "Ja"}, covers[:1]) != expected
    assert wordings.digest({"en": "Yes", "de": "Ja!"}, covers) != expected


def test_an_imported_wording_has_that_hash_and_whoever_brought_it(bakery_made: NewTenant) -> None:
    alice = User.objects.get(email="alice@example.com")

    done(bakery_made.tenant, PROVEN, by=alice)

    with tenant_scope(bakery_made.tenant):
        version = WordingVersion.objects.get()
        assert version.sha256 == wordings.digest({"de": SENTENCE}, [("whatsapp", "marketing")])
        assert version.published_by == alice
    assert wordings.altered(bakery_made.tenant) is None


def test_a_version_published_before_the_pairs_were_hashed_is_still_whole(bakery: Tenant) -> None:
    with tenant_scope(bakery):
        old = published(bakery, texts={"de": SENTENCE}, sha256=hashlib.sha256(SENTENCE.encode()).hexdigest())

    assert wordings.altered(bakery) is None
    with tenant_scope(bakery):
        published(bakery, 2, texts={"de": "Anders"}, sha256=old.sha256[::-1])
    changed = wordings.altered(bakery)
    assert changed is not None
    assert changed.number == 2
