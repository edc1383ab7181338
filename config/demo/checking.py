"""What must hold after the demo: invariants, each proved from the other side."""

from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO

from django.core.management import CommandError, call_command

from analytics import queries
from campaigns.models import Campaign
from config.demo.companies import Company
from messaging.models import Message
from tenants.models import Tenant
from tenants.scope import tenant_scope
from whatsapp.emulator import Remote

PAGE = 1000


@dataclass(frozen=True)
class Invariant:
    """One promise and whether it held."""

    promise: str
    holds: bool
    detail: str


def check(company: Company, campaign: Campaign, meta: Remote) -> list[Invariant]:
    """The four invariants of one company's campaign, while the sandbox still remembers it."""
    return [*check_again(campaign), _accepted(company, meta)]


def check_again(campaign: Campaign) -> list[Invariant]:
    """Those three that hold at any time, whatever the sandbox has forgotten since."""
    return [_sum_of_states(campaign), _kpis(campaign.tenant), _ledger(campaign.tenant)]


def _sum_of_states(campaign: Campaign) -> Invariant:
    with tenant_scope(campaign.tenant):
        audience = queries.report(campaign).audience
        rows = Message.objects.filter(tenant=campaign.tenant, source=campaign.source_id).count()
    return Invariant("Zielgruppe = Summe der Zustände", audience == rows, f"{audience} = {rows}")


def _kpis(tenant: Tenant) -> Invariant:
    return _command("KPI = Nachzählung", "verify_kpis", tenant)


def _ledger(tenant: Tenant) -> Invariant:
    return _command("Einwilligungsregister unverändert", "verify_ledger", tenant)


def _command(promise: str, name: str, tenant: Tenant) -> Invariant:
    output = StringIO()
    try:
        call_command(name, tenant=tenant.slug, stdout=output, stderr=output)
    except (CommandError, SystemExit) as failure:
        code = getattr(failure, "code", 1)
        if code not in (0, None):
            return Invariant(promise, False, str(failure))
    return Invariant(promise, True, output.getvalue().strip().splitlines()[-1] if output.getvalue().strip() else "ok")


def _accepted(company: Company, meta: Remote) -> Invariant:
    """What Meta's side says it accepted is exactly what we say it accepted, and nothing twice."""
    theirs = set(_wamids(company, meta))
    with tenant_scope(company.tenant):
        ours = set(Message.objects.filter(tenant=company.tenant, wamid__isnull=False).values_list("wamid", flat=True))
    detail = f"Meta {len(theirs)}, wir {len(ours)}, verschieden {len(theirs ^ ours)}, doppelt {len(meta.duplicates())}"
    return Invariant("Angenommen bei Meta = angenommen bei uns", theirs == ours and not meta.duplicates(), detail)


def _wamids(company: Company, meta: Remote) -> Iterator[str]:
    offset = 0
    while page := meta.acceptances(offset=offset, limit=PAGE):
        yield from (row["wamid"] for row in page if row["phone_number_id"] == company.number.phone_number_id)
        offset += len(page)
