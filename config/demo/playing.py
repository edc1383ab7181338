"""Plays the campaign of one company: import files, build a segment, launch, let people react, let some order."""

from pathlib import Path

import httpx
from django.conf import settings
from django.utils.timezone import now

from campaigns import actions as campaigns
from campaigns.models import Campaign
from config.demo import companies, files, people
from config.demo.companies import Company
from config.demo.waiting import wait_until, watch
from consent.actions import imports
from contacts.actions import lists
from contacts.models import Import
from inbox.models import WebhookEvent
from messaging.models import Message
from segments import actions as segments
from tenants.encryption import unseal
from tenants.models import Tenant, User
from tenants.scope import across_tenants, tenant_scope
from whatsapp.emulator import Remote

# Everybody in Germany, where a missing country means the tenant's own.
RULE = {
    "op": "or",
    "rules": [{"field": "country", "op": "is", "value": "DE"}, {"field": "country", "op": "is_not_set"}],
}


def played(slug: str, name: str) -> Campaign | None:
    """The finished campaign of an earlier demo, if there is one."""
    for tenant in Tenant.objects.filter(slug__startswith=slug).order_by("-id"):
        with tenant_scope(tenant):
            done = Campaign.objects.filter(tenant=tenant, name=name, state=Campaign.State.FINISHED)
            if campaign := done.select_related("tenant").first():
                return campaign
    return None


def free_slug(slug: str) -> str:
    """This slug, or with the next number: an interrupted demo leaves a company that nothing can delete."""
    taken = Tenant.objects.filter(slug__startswith=slug).count()
    return f"{slug}-{taken + 1}" if taken else slug


def import_files(company: Company, writers: list[tuple[str, str, int]], folder: Path, *, seed: int) -> list[Import]:
    """Write and import files, (writer of config.demo.files, file name, rows) each; returns the finished imports."""
    crowd = list(people.invent(sum(rows for *_, rows in writers), seed=seed, today=now()))
    done, start = [], 0
    for writer, filename, rows in writers:
        path = folder / f"{company.tenant.slug}-{filename}"
        getattr(files, writer)(path, crowd[start : start + rows])
        start += rows
        done.append(_import(company, path, filename))
    return done


def _import(company: Company, path: Path, filename: str) -> Import:
    with tenant_scope(company.tenant), path.open("rb") as file:
        owner = User.objects.get(email=company.email)
        target = lists.create_list(tenant=company.tenant, name=filename.removesuffix(".csv"), by=owner)
        started = imports.start_import(
            tenant=company.tenant, file=file, filename=filename, by=owner, list=target, default_country="DE"
        )

    def progress() -> tuple[int, int]:
        with tenant_scope(company.tenant):
            started.refresh_from_db()
        total = max(1, started.rows_total)
        is_over = started.state in (Import.State.FINISHED, Import.State.FAILED, Import.State.CANCELLED)
        return (total if is_over else min(started.rows_done, total - 1)), total

    watch(progress, f"Import {filename}")
    if started.state != Import.State.FINISHED:
        raise RuntimeError(f"import of {filename} ended as {started.state}: {started.error}")
    return started


def launch(company: Company, name: str) -> Campaign:
    """A segment, a campaign to it, and the start."""
    tenant = company.tenant
    with tenant_scope(tenant):
        owner = User.objects.get(email=company.email)
        segment = segments.create(tenant=tenant, name="Deutschland", rule=RULE, by=owner)
        campaign = campaigns.create(tenant=tenant, name=name, by=owner)
        campaigns.set_audience(campaign=campaign, by=owner, include_segments=[segment])
        campaigns.set_content(
            campaign=campaign, by=owner, template=company.template, variables=companies.variables(tenant.name)
        )
        return campaigns.launch(campaign=campaign, by=owner)


def watch_sending(company: Company, campaign: Campaign) -> None:
    """Show how the audience is frozen and sent."""

    def is_frozen() -> bool:
        with tenant_scope(company.tenant):
            campaign.refresh_from_db()
        return campaign.frozen_at is not None

    wait_until(is_frozen, "freezing the audience")

    def progress() -> tuple[int, int]:
        with tenant_scope(company.tenant):
            campaign.refresh_from_db()
            reachable = Message.objects.filter(tenant=company.tenant, source=campaign.source_id).exclude(
                attempt=0, state=9
            )
            waiting = reachable.filter(queue__lt=2).count()
            total = max(1, reachable.count())
        is_over = campaign.state == Campaign.State.FINISHED
        return (total if is_over else min(total - waiting, total - 1)), total

    watch(progress, f"Kampagne {company.tenant.name}")


def watch_reactions(meta: Remote) -> None:
    """Wait until everybody in the sandbox has read, clicked and answered what they will, and we have received it."""
    wait_until(lambda: meta.settle(timeout_s=5), "the sandbox's people", seconds=300)
    wait_until(_all_received, "receiving webhooks")


def _all_received() -> bool:
    with across_tenants("raw webhooks belong to nobody yet"):
        return not WebhookEvent.objects.filter(state=WebhookEvent.State.WAITING).exists()


def place_orders(company: Company, meta: Remote) -> int:
    """Let the clickers who want to buy order, over the REST API as a shop would; returns how many."""
    orders = [
        {
            "id": f"order-{position}",
            "name": "order_placed",
            "order_id": f"A{position:05d}",
            "occurred_at": now().isoformat(),
            "value": f"{click['value'] or 39.9:.2f}",
            "currency": "EUR",
            "phone": f"+{click['recipient'].lstrip('+')}",
        }
        for position, click in enumerate(meta.clickers())
        if click["orders"] and unseal("callback", click["callback"])[0] == company.tenant.pk
    ]
    with httpx.Client(headers={"Authorization": f"Bearer {company.api_key}"}, timeout=60) as http:
        for start in range(0, len(orders), 1000):
            answer = http.post(_api("events/"), json=orders[start : start + 1000])
            answer.raise_for_status()
    return len(orders)


def _api(path: str) -> str:
    return f"{settings.PUBLIC_URL}/api/v1/{path}"
