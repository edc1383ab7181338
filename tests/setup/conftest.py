"""Local services of a test's own."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.setup.services import Services


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    """Services below a folder of this test alone; whatever still runs at its end is killed."""
    if sys.platform != "linux":
        pytest.skip("processes are counted in /proc")
    services = Services(tmp_path)
    yield services
    services.end()
