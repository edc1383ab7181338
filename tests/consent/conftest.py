"""Uploaded files go away with the test."""

from pathlib import Path

import pytest
from django.conf import LazySettings


@pytest.fixture(autouse=True)
def uploads(settings: LazySettings, tmp_path: Path) -> Path:
    """The folder of uploaded files."""
    settings.MEDIA_ROOT = str(tmp_path)
    return tmp_path
