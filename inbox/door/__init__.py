"""The webhook door: a small ASGI application beside Django that answers 200 once the body is durable.

Runs as its own process, `uvicorn inbox.door:application`: Django's views take a tenth of its load, and behind ASGI
a hundredth.
"""

import gc
import os

import django
from django.apps import apps

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
if not apps.ready:
    django.setup()

from inbox.door.answering import application

__all__ = ["application"]

# Each full collection of Python's looked through all of Django: the slowest answers at the door.
gc.collect()
gc.freeze()
