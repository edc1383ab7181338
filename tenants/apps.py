"""Registers the tenants app with Django, and the check that row-level security binds us."""

from django.apps import AppConfig
from django.core import checks

from tenants import wall


class TenantsConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "tenants"

    def ready(self) -> None:
        checks.register(wall.check, checks.Tags.database)
        # With --deploy only: `migrate` runs the others, as the owner.
        checks.register(wall.check_rights, checks.Tags.database, deploy=True)
