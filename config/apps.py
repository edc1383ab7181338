"""Registers the config app with Django, and starts what every process has."""

from django.apps import AppConfig


class HouseConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "config"

    def ready(self) -> None:
        """Start error reports and traces, before any request or task is served."""
        from config import observing

        observing.start()
