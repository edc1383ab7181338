"""Pool processes, the web server and the door keep Python's garbage collector from what they have loaded."""

import subprocess
import sys

import pytest

COUNTED = "print(gc.get_freeze_count(), len(gc.get_objects()))"
POOL = f"""
import gc
from celery.signals import worker_process_init
import config.celery
worker_process_init.send(sender=None)
{COUNTED}
"""
WEB = f"""
import gc
import config.wsgi
{COUNTED}
"""
DOOR = f"""
import gc
import inbox.door
{COUNTED}
"""


@pytest.mark.parametrize("process", [POOL, WEB, DOOR], ids=["pool", "web", "door"])
def test_a_process_leaves_what_is_loaded_at_its_start_to_stay(process: str) -> None:
    told = subprocess.run(
        [sys.executable, "-c", process], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    spared, watched = map(int, told.split())

    assert spared > 10 * watched
