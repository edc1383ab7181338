"""Pool processes keep Python's garbage collector from what they have loaded."""

import subprocess
import sys

SEND = """
import gc
from celery.signals import worker_process_init
import config.celery
worker_process_init.send(sender=None)
print(gc.get_freeze_count(), len(gc.get_objects()))
"""


def test_a_pool_process_leaves_what_is_loaded_at_its_start_to_stay() -> None:
    told = subprocess.run([sys.executable, "-c", SEND], capture_output=True, text=True, check=True, timeout=60).stdout
    spared, watched = map(int, told.split())

    assert spared > 10 * watched
