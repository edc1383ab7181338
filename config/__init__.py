"""Settings, routes, Celery and local services: the only place that knows every app."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
