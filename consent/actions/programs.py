"""What a company says about people whom its programs bring: that they know whence their data come (Art. 14 GDPR)."""

from typing import Any

from django.db import transaction
from django.utils import timezone

from contacts.models import Program
from tenants.actions import Actor, audit


@transaction.atomic
def informed(*, program: Program, by: Actor) -> Program:
    """Note that all people whom a program has brought until now were told, in a message or in another way."""
    program = _locked(program)
    program.informed_at = timezone.now()
    program.untold, program.untold_since = 0, None
    return _saved(program, by, "program.informed")


@transaction.atomic
def change_notice(*, program: Program, has_notice: bool, by: Actor) -> Program:
    """Say once and for all that its people gave their data themselves and could read the privacy notice there: Art. 13.

    Art. 14 does not ask for more then, and nobody is watched; or take that back, and the next night counts again.
    """
    program = _locked(program)
    if has_notice is (program.notice_at is not None):
        return program
    program.notice_at = timezone.now() if has_notice else None
    # What was counted before says nothing about those who came meanwhile.
    program.looked_at = None
    program.untold, program.untold_since = 0, None
    return _saved(program, by, "program.noticed" if has_notice else "program.notice_dropped")


def _locked(program: Program) -> Program:
    found: Any = Program.objects.select_for_update(of=("self",)).select_related("tenant", "api_key")
    return found.get(tenant=program.tenant_id, pk=program.pk)


def _saved(program: Program, by: Actor, verb: str) -> Program:
    program.save(update_fields=["informed_at", "notice_at", "looked_at", "untold", "untold_since"])
    audit(tenant=program.tenant, by=by, verb=verb, subject=program)
    return program
