"""Stored answers to programs forget whoever is deleted or erased, and no request runs twice because of that."""

import pytest
import redis
from django.conf import settings
from pytest_django import DjangoCaptureOnCommitCallbacks

from campaigns.models import Campaign
from consent import tasks
from consent.models import DataRequest
from contacts.models import Contact
from tenants.models import IdempotencyKey, Tenant
from tenants.scope import tenant_scope
from tests.consent.factories import person
from tests.consent.rights.traces import OTHER, PHONE, deleted, erased_by_number, found, waiting_tasks, worked
from tests.contacts.calls import Caller

pytestmark = pytest.mark.usefixtures("as_runtime")


def test_no_deletion_lets_another_request_run_twice(alice: Caller, bakery: Tenant) -> None:
    with tenant_scope(bakery):
        anna = person(bakery, phone=f"+{PHONE}", external_id="4711")
        berta = person(bakery, phone=f"+{OTHER}", external_id="4712")
    keys = ["0b7e1a52-4711-4712-9d3f-3b1f0a6c2d11", f"for +{PHONE}"]
    first = [alice.post("campaigns/", {"name": "47114712"}, **{"Idempotency-Key": key}) for key in keys]

    deleted(alice, anna)
    assert alice.post(f"contacts/{berta.uid}/erase/", {"checked_by": "whatsapp"}).status_code == 202
    with tenant_scope(bakery):
        asked = DataRequest.objects.get()
    assert worked(bakery, str(asked.uid)).state == "done"
    erased_by_number(alice, bakery, phone=f"+{PHONE}")

    again = [alice.post("campaigns/", {"name": "47114712"}, **{"Idempotency-Key": key}) for key in keys]
    assert [answer.json() for answer in again] == [answer.json() for answer in first]
    with tenant_scope(bakery):
        assert Campaign.objects.count() == 2
        # Her number stood in the one key, which is found again and names nobody.
        assert not IdempotencyKey.objects.filter(key__contains=PHONE).exists()


def test_stored_answers_are_searched_once_for_many_deletions_and_by_a_worker(
    alice: Caller, bakery: Tenant, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    named = {PHONE: {"Idempotency-Key": "k1"}, OTHER: {"Idempotency-Key": "k2"}}
    made = [alice.post("contacts/", {"phone": f"+{phone}"}, **key).json()["uid"] for phone, key in named.items()]
    redis.Redis.from_url(settings.REDIS_URL).flushdb()

    with django_capture_on_commit_callbacks(execute=True):
        for uid in made:
            assert alice.delete(f"contacts/{uid}/").status_code == 204

    assert waiting_tasks() == 1
    assert [place for place in found((PHONE, OTHER)) if place.startswith("redis")] == []
    again = alice.post("contacts/", {"phone": f"+{PHONE}"}, **named[PHONE])
    assert again.json()["uid"] == made[0]
    tasks.forget_answers(tenant_id=bakery.pk)
    assert alice.post("contacts/", {"phone": f"+{PHONE}"}, **named[PHONE]).status_code == 410
    with tenant_scope(bakery):
        assert not Contact.objects.exists()
    redis.Redis.from_url(settings.REDIS_URL).flushdb()
