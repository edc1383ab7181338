"""`manage.py create_tenant`: a company, its owner, the contract with it, and a full-scope API key, printed as JSON."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from consent.actions import agreements
from tenants import actions
from tenants.scope import tenant_scope

LANGUAGE = "de"


class Command(BaseCommand):
    help = (
        "Create a tenant and print its id and a full-scope API key as JSON. The key is shown only once. The operator"
        " creates whom it has a contract with, so the data processing agreement (Art. 28 GDPR) is entered as concluded;"
        " with --without-agreement the company concludes it in the dashboard, and sends nothing before."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--slug", required=True)
        parser.add_argument("--name", required=True)
        parser.add_argument("--owner-email", required=True)
        parser.add_argument("--password", default=None)
        parser.add_argument("--signer", default="", help="who concluded the contract for the company")
        parser.add_argument("--position", default="", help="in which position")
        parser.add_argument(
            "--without-agreement", action="store_true", help="the company concludes it in the dashboard"
        )

    @transaction.atomic
    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            made = actions.create_tenant(
                slug=options["slug"],
                name=options["name"],
                owner_email=options["owner_email"],
                password=options["password"],
            )
        except ValidationError as error:
            raise CommandError("; ".join(f"{k}: {' '.join(v)}" for k, v in error.message_dict.items())) from None
        if not options["without_agreement"]:
            self._conclude(made, options)
        self.stdout.write(json.dumps({"id": str(made.tenant.uid), "slug": made.tenant.slug, "api_key": made.api_key}))

    def _conclude(self, made: actions.NewTenant, options: dict[str, Any]) -> None:
        # In the language of the text, whatever that of the terminal is.
        with tenant_scope(made.tenant), translation.override(LANGUAGE):
            agreements.accept(
                tenant=made.tenant,
                signer=options["signer"] or options["owner_email"],
                position=options["position"] or _("entered by the operator when the workspace was made"),
                language=LANGUAGE,
                by=None,
            )
