"""`manage.py demo`: plays the whole product once on the running services; started by `make demo`."""

import tempfile
import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import translation

from analytics import queries
from campaigns.models import Campaign
from config.demo import checking, companies, playing, showing, signing_up
from config.demo.checking import Invariant
from config.demo.companies import PASSWORD, Company
from tenants.models import Tenant
from tenants.scope import tenant_scope
from whatsapp.emulator import Profile, Remote

# People who read, click, answer, stop; failures of several classes; everything in seconds instead of hours.
BEHAVIOUR = Profile(
    seed=7,
    speed=300.0,
    delivered=0.97,
    read=0.72,
    clicked=0.24,
    replied=0.05,
    opted_out=0.012,
    stopped=0.006,
    ordered=0.35,
    failures={"131026": 0.015, "131049": 0.006, "130472": 0.003, "131050": 0.002},
    refused={"130429": 0.004, "131026": 0.003},
    server_errors=0.001,
    magic=False,
    batch_size=200,
    duplicates=0.03,
    shuffled=True,
    throughput_per_s=1000.0,
)
CAST: list[dict[str, Any]] = [
    {
        "slug": "baeckerei-sonne",
        "name": "Bäckerei Sonne",
        "area": "+49 30 23125000",
        "seed": 11,
        "files": [("shopify", "shopify-kunden.csv", 2600), ("german_excel", "kundenkartei.csv", 2400)],
        "campaign": "Herbstaktion",
    },
    {
        "slug": "modehaus-nord",
        "name": "Modehaus Nord",
        "area": "+49 40 66969000",
        "seed": 12,
        "files": [("klaviyo", "klaviyo-profile.csv", 5000)],
        "campaign": "Neue Kollektion",
    },
]


class Command(BaseCommand):
    help = "Import 10,000 invented people, run two campaigns, sign somebody up, print KPIs, check invariants."

    def handle(self, *_: Any, **__: Any) -> None:
        translation.activate("de")
        played = [found for cast in CAST if (found := playing.played(cast["slug"], cast["campaign"]))]
        started = time.monotonic()
        with Remote(settings.WHATSAPP_API_URL) as meta:
            meta.configure(BEHAVIOUR)
            if len(played) == len(CAST):
                self._show_again(played)
                return
            fresh = [self._play(cast, meta) for cast in CAST]
            playing.watch_reactions(meta)
            for company, _campaign in fresh:
                ordered = playing.place_orders(company, meta)
                self._say(f"  {company.tenant.name}: {ordered} Bestellungen nach einem Klick")
            self._finish(fresh, meta, time.monotonic() - started)

    def _show_again(self, played: list[Campaign]) -> None:
        # The sandbox's process knows its numbers and templates again, but not whom it sent what.
        self._say("Schon gespielt; so ging es aus (`make clean` beginnt von vorn):")
        broken = [row for campaign in played for row in self._tell(campaign, checking.check_again(campaign))]
        self._refuse(broken)
        self._say_where(played[0].tenant)

    def _play(self, cast: dict[str, Any], meta: Remote) -> tuple[Company, Campaign]:
        self._say(f"\n{cast['name']}")
        slug = playing.free_slug(cast["slug"])
        company = companies.found(meta, slug=slug, name=cast["name"], area=cast["area"])
        with tempfile.TemporaryDirectory(dir=settings.BASE_DIR / ".local") as folder:
            imported = playing.import_files(company, cast["files"], Path(folder), seed=cast["seed"])
        self._say(showing.imports(imported))
        campaign = playing.launch(company, cast["campaign"])
        playing.watch_sending(company, campaign)
        signing_up.sign_up(signing_up.open_form(company), company, meta)
        self._say("  Anmeldeformular geöffnet: Seite → START in WhatsApp → bestätigt")
        return company, campaign

    def _finish(self, played: list[tuple[Company, Campaign]], meta: Remote, seconds: float) -> None:
        broken = []
        for company, campaign in played:
            broken += self._tell(campaign, checking.check(company, campaign, meta))
        self._say(f"\nGespielt in {seconds:.0f} Sekunden.")
        self._refuse(broken)
        self._say_where(played[0][0].tenant)

    def _tell(self, campaign: Campaign, rows: list[Invariant]) -> list[Invariant]:
        """Print the report and the invariants; returns those that do not hold."""
        with tenant_scope(campaign.tenant_id):
            campaign.refresh_from_db()
            self._say(showing.report(queries.report(campaign)))
        self._say(showing.invariants(rows))
        return [row for row in rows if not row.holds]

    def _refuse(self, broken: list[Invariant]) -> None:
        if broken:
            raise CommandError(f"{len(broken)} invariant(s) broken: " + "; ".join(row.promise for row in broken))

    def _say_where(self, tenant: Tenant) -> None:
        self._say(f"\n  {settings.PUBLIC_URL}/   Anmeldung: demo@{tenant.slug}.example / {PASSWORD}")
        if page := signing_up.open_page(tenant):
            self._say(f"  {page}   die Anmeldeseite, wie Kundinnen und Kunden sie sehen")

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()
