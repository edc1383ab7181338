"""`manage.py create_api_key`: a further API key of a tenant, with the scopes it needs, printed as JSON."""

import json
from argparse import ArgumentParser
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from tenants import actions, queries
from tenants.models import ApiKey, Tenant
from tenants.roles import ALL
from tenants.scope import tenant_scope


class Command(BaseCommand):
    help = "Issue an API key and print it as JSON. It is shown only now."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--tenant", required=True, help="slug or id")
        parser.add_argument("--name", required=True, help="what the key is for")
        parser.add_argument("--scope", action="append", help="e.g. contacts:read; repeat it. Without it: everything")
        parser.add_argument("--expires-days", type=int, help="the key ends after so many days. Without it: never")

    def handle(self, *_: Any, **options: Any) -> None:
        try:
            tenant = queries.tenant_named(options["tenant"])
        except Tenant.DoesNotExist:
            raise CommandError(f"no tenant {options['tenant']!r}: create it with create_tenant") from None
        try:
            with tenant_scope(tenant):
                key, secret = actions.issue_key(
                    tenant=tenant,
                    name=options["name"],
                    scopes=options["scope"] or [ALL],
                    expires_at=_end(options["expires_days"]),
                    by=None,
                )
        except ValidationError as invalid:
            raise CommandError(" ".join(invalid.messages)) from None
        self.stdout.write(json.dumps(_shown(key, secret)))


def _end(days: int | None) -> datetime | None:
    try:
        return None if days is None else timezone.now() + timedelta(days=days)
    except OverflowError:
        raise CommandError("--expires-days is too large: leave it away for a key that never ends") from None


def _shown(key: ApiKey, secret: str) -> dict[str, Any]:
    ends = key.expires_at and key.expires_at.isoformat()
    return {"tenant": key.tenant.slug, "name": key.name, "scopes": key.scopes, "expires_at": ends, "api_key": secret}
