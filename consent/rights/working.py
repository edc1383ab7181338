"""What a worker does with a request: takes a lease, exports or erases, and says how that went."""

import logging
from datetime import timedelta

from django.db import IntegrityError
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from consent import leases
from consent.models import DataRequest
from consent.rights import erasing, erasure_log, exporting, handing_over, strangers
from contacts.models import Contact
from contacts.personal import NotYet
from tenants.away import is_away
from tenants.models import Tenant
from tenants.scope import across_tenants, tenant_scope

log = logging.getLogger(__name__)

# Longer than the largest export or the slowest look through a month of raw webhooks takes.
LEASE = timedelta(minutes=30)
SOON = timedelta(minutes=1)
MOST_AT_ONCE = 100


def due() -> list[tuple[int, int]]:
    """(tenant id, request id) of what should be worked on and has no living worker."""
    with across_tenants("requests of every tenant may have lost their worker"):
        return leases.unattended(DataRequest.objects.filter(state=DataRequest.State.WORKING), MOST_AT_ONCE)


def dropping_hashes() -> list[tuple[int, int]]:
    """(tenant id, request id) of people whose hashes have to leave the record of erasures yet."""
    with across_tenants("requests of every tenant may have lost their worker"):
        waiting = DataRequest.objects.filter(is_dropping_hashes=True)
        return list(waiting.order_by("pk").values_list("tenant_id", "pk")[:MOST_AT_ONCE])


def forget_hashes(tenant_id: int, request_id: int) -> None:
    """Take a person's hashes out of the record of erasures and out of ready handovers; may be repeated."""
    tenant = Tenant.objects.get(pk=tenant_id)
    with tenant_scope(tenant):
        request = DataRequest.objects.filter(tenant=tenant, pk=request_id, is_dropping_hashes=True).first()
    if request is None:
        return
    erasure_log.forget(request.subject_id)
    handing_over.let_go(tenant, everything=True)
    with tenant_scope(tenant):
        DataRequest.objects.filter(tenant=tenant, pk=request_id).update(is_dropping_hashes=False)


def work(tenant_id: int, request_id: int) -> None:
    """Carry out one request; returns at once if another worker has it or nothing is to be done.

    What collides with something that arrives at the same moment is tried again when the lease ends.
    """
    tenant = Tenant.objects.get(pk=tenant_id)
    request = _leased(tenant, request_id)
    if request is None:
        return
    try:
        _carry_out(tenant, request)
    except NotYet as reason:
        _update(tenant, request, leased_until=Now() + SOON, error=str(reason))
    except Exception as error:
        if is_away(error) or isinstance(error, IntegrityError):
            log.warning("request %s of tenant %s is tried again: %s", request_id, tenant_id, type(error).__name__)
            _update(tenant, request, leased_until=Now() + SOON)
            return
        told = _("This stopped because of an error of ours. Please try again; if it stops again, tell us.")
        _update(tenant, request, leased_until=None, error=told, state=DataRequest.State.OPEN)
        raise


def _leased(tenant: Tenant, request_id: int) -> DataRequest | None:
    with tenant_scope(tenant):
        waiting = DataRequest.objects.filter(tenant=tenant, pk=request_id, state=DataRequest.State.WORKING)
        if not leases.take(waiting, LEASE):
            return None
        return DataRequest.objects.select_related("tenant", "done_by").get(tenant=tenant, pk=request_id)


def _carry_out(tenant: Tenant, request: DataRequest) -> None:
    if request.makes_a_file:
        exporting.export(tenant, request)
        return
    if request.is_of_stranger:
        strangers.erase(tenant, request)
        return
    with tenant_scope(tenant):
        known = Contact.objects.select_related("tenant").filter(tenant=tenant)
        contact = known.filter(pk=request.contact_id).first() if request.contact_id else None
    if contact:
        erasing.erase(tenant, contact, at=request.carried_out_at or request.received_at, by=request.done_by)


def _update(tenant: Tenant, request: DataRequest, **fields: object) -> None:
    with tenant_scope(tenant):
        DataRequest.objects.filter(tenant=tenant, pk=request.pk, state=DataRequest.State.WORKING).update(**fields)
