"""The WSGI door for gunicorn; it does not open where tenants would see each other's rows."""

import os
from importlib import import_module

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from config.celery import app as celery_app
from tenants import wall
from tenants.collector import spare_what_stays

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = get_wsgi_application()
# Somebody waits for the answer to a request: what Redis does not take at once is left to beat.
celery_app.conf.broker_transport_options |= {"socket_connect_timeout": 1, "socket_timeout": 1}
wall.insist()

# Views, forms and serializers are loaded before gunicorn forks, so that its processes share them and nobody's first
# request waits for them.
import_module(settings.ROOT_URLCONF)
spare_what_stays()
