"""`manage.py create_tenant`: a company, its owner, the contract with it, and a full-scope API key, printed as JSON."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import translation

from consent.actions import agreements
from tenants import actions
from tenants.scope import tenant_scope

LANGUAGE = "de"
WHERE = "The owner concludes it in the dashboard, under Contract and records."


class Command(BaseCommand):
    help = (
        "Create a tenant and print its id and a full-scope API key as JSON. The key is shown only once. The operator"
        " creates whom it has a contract with, so the data processing agreement (Art. 28 GDPR) is entered as concluded:"
        " by --signer in --position, or by nobody named, and then the company's owner is asked to conclude it in the"
        " dashboard, too. With --without-agreement nothing is sent before the owner has done so."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--slug", required=True)
        parser.add_argument("--name", required=True)
        parser.add_argument("--owner-email", required=True)
        parser.add_argument("--password", default=None)
        parser.add_argument("--signer", default="", help="who has concluded the agreement for the company")
        parser.add_argument("--position", default="", help="in which position, for example managing director")
        parser.add_argument(
            "--without-agreement", action="store_true", help="the company concludes it in the dashboard first"
        )

    @transaction.atomic
    def handle(self, *_args: Any, **options: Any) -> None:
        signer, position = options["signer"].strip(), options["position"].strip()
        if bool(signer) != bool(position):
            raise CommandError("Give --signer and --position together: who has signed the agreement, and as what.")
        try:
            made = actions.create_tenant(
                slug=options["slug"],
                name=options["name"],
                owner_email=options["owner_email"],
                password=options["password"],
            )
            if not options["without_agreement"]:
                self._conclude(made, signer, position)
        except ValidationError as error:
            told = "; ".join(f"{name}: {' '.join(messages)}" for name, messages in error.message_dict.items())
            raise CommandError(told.removeprefix("__all__: ")) from None
        if options["without_agreement"]:
            self.stderr.write(f"Nothing is sent before the data processing agreement is concluded. {WHERE}")
        elif not signer:
            self.stderr.write(f"The data processing agreement is entered without who has signed it. {WHERE}")
        self.stdout.write(json.dumps({"id": str(made.tenant.uid), "slug": made.tenant.slug, "api_key": made.api_key}))

    def _conclude(self, made: actions.NewTenant, signer: str, position: str) -> None:
        # In the language of the text, whatever that of the terminal is.
        with tenant_scope(made.tenant), translation.override(LANGUAGE):
            agreements.accept(tenant=made.tenant, signer=signer, position=position, language=LANGUAGE, by=None)
