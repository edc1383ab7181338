"""Registers the inbox app with Django."""

from django.apps import AppConfig


class InboxConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "inbox"

    def ready(self) -> None:
        """Models can be imported only now."""
        from inbox import queries
        from messaging import sweeping

        sweeping.register(queries.longest_waiting)
