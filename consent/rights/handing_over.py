"""Hands a company everything it has here, in open formats (EU Data Act, CG-54; clause 10 of the contract of Art. 28).

A CSV for each table, files, proofs in clear, and the ledger with what verifies it anywhere.
"""

import base64
import shutil
import tempfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import orjson
from django.apps import apps
from django.conf import settings
from django.core.files import File
from django.db import connection
from django.db.models import F, FileField, Model, Q
from django.db.models.functions import Now
from django.utils import timezone

from consent import leases
from consent.ledger import anchoring, evidence
from consent.models import ConsentEvent, ConsentEvidence, Handover
from contacts import identities
from tenants.away import is_away
from tenants.encryption import CannotDecrypt
from tenants.models import AuditEvent, Tenant, User
from tenants.scope import across_tenants, tenant_scope

# Renewed with every table; a worker that died is followed by another then.
LEASE = timedelta(minutes=30)
KEPT = timedelta(days=7)
ROWS_AT_A_TIME = 1000
MOST_AT_ONCE = 100
# Secrets towards others, and what only serves the running system.
LEFT_OUT = {
    *("tenants.idempotencykey", "tenants.apikey"),
    *("consent.signuprequest", "consent.addressrequest", "consent.handover"),
}
# Proofs are written out in clear beside the tables.
SEALED = ("sealed", "salt")
# The chain in its own order, so that it can be verified line by line; the trail in that of its only index, so that
# years of it are read as they are written out and not sorted before.
ORDERS: dict[type[Model], str] = {ConsentEvent: "seq", AuditEvent: "at, id"}
PIECES = Path(__file__).parent / "handover"


def due() -> list[tuple[int, int]]:
    """(tenant id, handover id) of what should be worked on and has no living worker."""
    with across_tenants("handovers of every tenant may have lost their worker"):
        return leases.unattended(Handover.objects.filter(state=Handover.State.WORKING), MOST_AT_ONCE)


def work(tenant_id: int, handover_id: int) -> None:
    """Build one handover; returns at once if another worker has it."""
    tenant = Tenant.objects.get(pk=tenant_id)
    if (handover := _leased(tenant, handover_id)) is None:
        return
    try:
        _build(tenant, handover)
    except Superseded:
        # Somebody was erased meanwhile, or the lease was over: another attempt begins anew.
        return
    except Exception as error:
        # While the database is away nothing has failed: another worker goes on when the lease is over.
        if not is_away(error):
            _update(tenant, handover, state=Handover.State.FAILED, leased_until=None)
        raise


class Superseded(Exception):
    """This attempt is not the present one any more: what it has written must not be handed over."""


def _leased(tenant: Tenant, handover_id: int) -> Handover | None:
    with tenant_scope(tenant):
        waiting = Handover.objects.filter(tenant=tenant, pk=handover_id, state=Handover.State.WORKING)
        if not leases.take(waiting, LEASE, attempt=F("attempt") + 1):
            return None
        return Handover.objects.select_related("tenant").get(tenant=tenant, pk=handover_id)


def _build(tenant: Tenant, handover: Handover) -> None:
    # Beside the other files, because /tmp may be a small piece of memory.
    Path(settings.MEDIA_ROOT).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=settings.MEDIA_ROOT) as packed:
        pack(tenant, packed, partial(_update, tenant, handover, leased_until=Now() + LEASE))
        size = packed.tell()
        packed.seek(0)
        handover.file.save("handover.zip", File(packed), save=False)
    name, until = str(handover.file.name), timezone.now() + KEPT
    try:
        done = {"state": Handover.State.DONE, "leased_until": None, "file": name, "file_until": until, "size": size}
        _update(tenant, handover, **done)
    except Exception:
        handover.file.storage.delete(name)
        raise


def _update(tenant: Tenant, handover: Handover, **fields: Any) -> None:
    """Change the row for this attempt; raises Superseded when there is a later one, or none is wanted any more."""
    with tenant_scope(tenant):
        own = Handover.objects.filter(
            tenant=tenant, pk=handover.pk, attempt=handover.attempt, state=Handover.State.WORKING
        )
        if not own.update(**fields):
            raise Superseded


def let_go(tenant: Tenant, *, everything: bool = False) -> int:
    """Delete files whose seven days are over, or all of them because somebody in them was erased; returns how many.

    In the second case a file that is just being built is begun anew.
    """
    with tenant_scope(tenant):
        if everything:
            building = Handover.objects.filter(tenant=tenant, state=Handover.State.WORKING)
            building.update(attempt=F("attempt") + 1, leased_until=None)
        made = Handover.objects.select_related("tenant").filter(tenant=tenant).exclude(file="")
        batch = list(made if everything else made.filter(file_until__lt=timezone.now()))
    gone = 0
    for handover in batch:
        handover.file.delete(save=False)
        with tenant_scope(tenant):
            # What another worker has deleted meanwhile is counted by it.
            over = Handover.objects.filter(tenant=tenant, pk=handover.pk).exclude(file="")
            gone += over.update(file="", file_until=None, state=Handover.State.OVER)
    return gone


def pack(tenant: Tenant, target: Any, go_on: Callable[[], None] = lambda: None) -> None:
    """Write the ZIP; rows go straight from the database into it, table by table, each as of one moment.

    `go_on` is called before each table and may raise. Seals and proofs come before the ledger, which only grows: each
    of them then finds its row in it.
    """
    with ZipFile(target, "w", ZIP_DEFLATED) as packed:
        for name in ("LIESMICH.txt", "README.txt"):
            packed.writestr(name, (PIECES / name).read_text(encoding="utf-8"))
        packed.writestr("verify.py", (PIECES / "verify.txt").read_text(encoding="utf-8"))
        with tenant_scope(tenant):
            packed.writestr("tenant.json", orjson.dumps(_about(tenant), option=orjson.OPT_INDENT_2))
        _write(packed, "anchors.jsonl", _anchors(tenant))
        _write(packed, "proofs.jsonl", _proofs(tenant))
        for model in _models():
            go_on()
            with packed.open(f"tables/{model._meta.db_table}.csv", "w", force_zip64=True) as file:
                _copy(tenant, model, file)
        _files(packed, tenant)


def _about(tenant: Tenant) -> dict[str, Any]:
    return {
        "format": "zusage.handover.1",
        "created_at": timezone.now(),
        "uid": str(tenant.uid),
        "slug": tenant.slug,
        "name": tenant.name,
        "members": _members(tenant),
        # Without it the suppression list could not be kept to elsewhere.
        "suppression_key": base64.b64encode(identities.key(tenant)).decode(),
    }


def _members(tenant: Tenant) -> list[dict[str, Any]]:
    """Who works there and, without a role, who just stands in the audit trail: they left, or are the operator's."""
    roles = dict(tenant.memberships.values_list("user_id", "role"))
    acted = AuditEvent.objects.filter(tenant=tenant).order_by().values("user").distinct()
    people = User.objects.filter(Q(pk__in=roles) | Q(pk__in=acted)).order_by("pk")
    return [{"id": one.pk, "email": one.email, "name": one.name, "role": roles.get(one.pk)} for one in people]


def _models() -> list[type[Model]]:
    """Every table with rows of a company, in the order of their names."""
    ours = [m for m in apps.get_models() if any(field.name == "tenant" for field in m._meta.local_fields)]
    return sorted((m for m in ours if m._meta.label_lower not in LEFT_OUT), key=lambda m: m._meta.db_table)


def _copy(tenant: Tenant, model: type[Model], file: Any) -> None:
    columns = [str(field.column) for field in model._meta.local_concrete_fields]
    kept = ", ".join(f'"{c}"' for c in columns if c not in SEALED and not c.endswith("_encrypted"))
    assert model._meta.pk
    order = ORDERS.get(model, model._meta.pk.column)
    with tenant_scope(tenant), connection.cursor() as cursor:
        rows = f"SELECT {kept} FROM {model._meta.db_table} WHERE tenant_id = {int(tenant.pk)}"
        cursor.copy_expert(f"COPY ({rows} ORDER BY {order}) TO STDOUT WITH (FORMAT csv, HEADER)", file)


def _anchors(tenant: Tenant) -> Iterator[str]:
    for signed in anchoring.stored(tenant):
        yield signed.as_line()


def _proofs(tenant: Tenant) -> Iterator[str]:
    """What proves each row of the ledger, in clear; what an erasure has left is not handed on."""
    after = 0
    while batch := _proofs_after(tenant, after):
        for row in batch:
            try:
                said = evidence.unseal(row)
            except CannotDecrypt:
                continue
            # As text, because its digest is over exactly these bytes.
            text = orjson.dumps(said, option=orjson.OPT_SORT_KEYS).decode()
            yield orjson.dumps({"event_id": row.event_id, "salt": bytes(row.salt).hex(), "text": text}).decode()
        after = batch[-1].pk


def _proofs_after(tenant: Tenant, after: int) -> list[ConsentEvidence]:
    with tenant_scope(tenant):
        rows = ConsentEvidence.objects.filter(tenant=tenant, kept_until=None, pk__gt=after)
        return list(rows.order_by("pk")[:ROWS_AT_A_TIME])


def _write(packed: ZipFile, name: str, lines: Iterator[str]) -> None:
    with packed.open(name, "w", force_zip64=True) as file:
        for line in lines:
            file.write(line.encode() + b"\n")


def _files(packed: ZipFile, tenant: Tenant) -> None:
    """Pictures and other files that the tables name; a file that is not there any more is left out."""
    for model in _models():
        for field in (f for f in model._meta.local_fields if isinstance(f, FileField)):
            with tenant_scope(tenant):
                named = model._default_manager.filter(tenant=tenant).exclude(**{field.name: ""})
                names = list(named.values_list(field.name, flat=True))
            for name in names:
                if field.storage.exists(name):
                    with field.storage.open(name) as source, packed.open(f"files/{name}", "w", force_zip64=True) as to:
                        shutil.copyfileobj(source, to)
