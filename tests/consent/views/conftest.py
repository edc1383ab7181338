"""Alice, who is logged in and reads English, and a place for her uploads."""

from pathlib import Path

import pytest
from django.conf import LazySettings
from django.test import Client

from tenants.actions import NewTenant


@pytest.fixture(autouse=True)
def uploads(settings: LazySettings, tmp_path: Path) -> Path:
    """Uploaded files go away with the test."""
    settings.MEDIA_ROOT = str(tmp_path)
    return tmp_path


@pytest.fixture
def alice(client: Client, bakery_made: NewTenant) -> Client:
    client.force_login(bakery_made.owner)
    client.cookies["django_language"] = "en"
    return client
