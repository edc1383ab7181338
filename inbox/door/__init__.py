"""The webhook door: a small ASGI application beside Django that answers 200 once the body is durable.

Runs as its own process, `uvicorn inbox.door:application`: Django's views take a tenth of its load, and behind ASGI
a hundredth.
"""

import os

import django
from django.apps import apps

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
if not apps.ready:
    django.setup()

from inbox.door.answering import application
from tenants.collector import spare_what_stays

__all__ = ["application"]

# The slowest answers at the door were those that a full collection held up.
spare_what_stays()
