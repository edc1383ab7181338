"""The WSGI door for gunicorn; it does not open where tenants would see each other's rows."""

import os

from django.core.wsgi import get_wsgi_application

from tenants import wall

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = get_wsgi_application()
wall.insist()
