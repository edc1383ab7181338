"""Registers the consent app with Django, and the check that the contract has two parties."""

from django.apps import AppConfig
from django.core import checks


class ConsentConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "consent"

    def ready(self) -> None:
        """Models can be imported only now."""
        from consent import agreements

        checks.register(agreements.check)
