"""What people decide about claims of imports over a no: the way back was shown to the person, or nothing is in it."""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from consent.importing import claims
from consent.models import ImportClaim
from tenants.actions import Actor, audit

State = ImportClaim.State


class NotNow(Exception):
    """Somebody else has decided meanwhile, or nothing may be offered; the text says so in the user's language."""


@transaction.atomic
def decide(*, claim: ImportClaim, state: str, by: Actor) -> None:
    """Be done with a claim; consent stays as it is, whatever is decided.

    Raises NotNow for one that is decided, and where the way back was offered to somebody who is to be left alone.
    """
    found = ImportClaim.objects.select_for_update(of=("self",)).select_related("imported", "tenant", "contact__tenant")
    locked = found.get(tenant=claim.tenant_id, pk=claim.pk)
    if locked.state != State.OPEN:
        raise NotNow(_("Somebody has decided about this claim already."))
    if state == State.OFFERED and not claims.may_be_offered(locked.contact):
        raise NotNow(_("Not noted: to this person nothing may be offered. Dismiss the claim."))
    locked.state, locked.decided_at = state, timezone.now()
    locked.save(update_fields=["state", "decided_at"])
    audit(
        tenant=locked.tenant,
        by=by,
        verb=f"import.claim_{state}",
        subject=locked.imported,
        changes={"line": locked.line},
    )
