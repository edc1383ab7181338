"""`manage.py create_tenant`: a company, its owner and a full-scope API key, printed as JSON."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from tenants import actions


class Command(BaseCommand):
    help = "Create a tenant and print its id and a full-scope API key as JSON. The key is shown only once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--slug", required=True)
        parser.add_argument("--name", required=True)
        parser.add_argument("--owner-email", required=True)
        parser.add_argument("--password", default=None)

    def handle(self, *_: Any, **options: Any) -> None:
        try:
            made = actions.create_tenant(
                slug=options["slug"],
                name=options["name"],
                owner_email=options["owner_email"],
                password=options["password"],
            )
        except ValidationError as error:
            raise CommandError("; ".join(f"{k}: {' '.join(v)}" for k, v in error.message_dict.items())) from None
        self.stdout.write(json.dumps({"id": str(made.tenant.uid), "slug": made.tenant.slug, "api_key": made.api_key}))
