"""Anna, a customer of the bakery who left traces everywhere, and Berta, who stands beside her in all of them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from django.conf import settings as configured
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks

from contacts.models import Contact
from inbox import receiving, recording
from tenants.models import Tenant
from tests import factories
from tests.consent.rights import traces
from tests.contacts.calls import Caller
from tests.inbox import meta
from whatsapp.models import Number
from whatsapp.signature import sign


@pytest.fixture(autouse=True)
def erasure_log(settings: Any, tmp_path: Path) -> Path:
    """The record outside the database, in a folder that goes away with the test."""
    settings.ERASURE_LOG_DIR = str(tmp_path / "erasures")
    return tmp_path / "erasures" / "erasures.jsonl"


@pytest.fixture
def number(bakery: Tenant, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Number:
    """The bakery's number; its webhooks come through the shared app."""
    settings.WHATSAPP_APP_SECRET = meta.SECRET
    monkeypatch.setattr(recording, "_own_apps", recording._OwnApps())
    return factories.number(bakery)


@pytest.fixture
def deliver(client: Client) -> Callable[..., None]:
    """Posts bodies as Meta would, then applies all that waits."""

    def deliver(*bodies: bytes) -> None:
        for content in bodies:
            headers = {"X-Hub-Signature-256": sign(meta.SECRET, content)}
            assert client.post(meta.PATH, content, "application/json", headers=headers).status_code == 200
        receiving.run(seconds=60)

    return deliver


@pytest.fixture
def people(
    alice: Caller,
    bakery: Tenant,
    number: Number,
    deliver: Callable[..., None],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> Iterator[tuple[Contact, Contact]]:
    """Both, and the bells that they have rung: the tasks wait in the broker, because no worker runs here."""
    server = redis.Redis.from_url(configured.REDIS_URL)
    server.flushdb()
    with django_capture_on_commit_callbacks(execute=True):
        planted = traces.plant(alice, bakery, number, deliver)
    yield planted
    server.flushdb()
