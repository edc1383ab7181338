"""Brings templates and numbers as Meta describes them into our tables, and submits drafts to Meta."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Q
from django.utils.timezone import now

from tenants.scope import across_tenants, tenant_scope
from whatsapp.client import Client
from whatsapp.errors import NotSent, Refused, UnknownOutcome
from whatsapp.models import Account, Number, Template

# Meta's subcode for a template that it does not have.
NOT_FOUND = 2593002
# A submission without an answer after this got none.
ANSWERED_WITHIN = timedelta(minutes=10)
LIMITS = {"TIER_250": 250, "TIER_2K": 2000, "TIER_10K": 10000, "TIER_100K": 100000, "TIER_UNLIMITED": None}


def client_for(account: Account) -> Client:
    """Meta's API with this account's token; use it as a context manager, outside any transaction."""
    return Client(settings.WHATSAPP_API_URL, settings.WHATSAPP_API_VERSION, account.token)


def accounts() -> list[tuple[int, int]]:
    """(tenant id, account id) of every account that can be asked."""
    with across_tenants("every tenant's templates are compared with Meta"):
        return list(Account.objects.filter(paused_at=None, tenant__is_active=True).values_list("tenant_id", "id"))


def sync(tenant_id: int, account_id: int) -> int:
    """Fetch an account's templates and numbers and store what changed; returns how many templates Meta has.

    Raises WhatsAppError if Meta cannot be asked. No transaction is open while the network is slow.
    """
    with tenant_scope(tenant_id):
        account = Account.objects.get(tenant=tenant_id, pk=account_id)
        number_ids = list(account.numbers.values_list("phone_number_id", flat=True))
    asked_at = now()
    with client_for(account) as client:
        templates = list(client.templates(account.waba_id))
        numbers = [(number_id, client.number(number_id)) for number_id in number_ids]
    with tenant_scope(tenant_id):
        store_templates(account, templates, asked_at)
        for number_id, described in numbers:
            _store_number(account, number_id, described)
        Account.objects.filter(pk=account.pk).update(templates_synced_at=now())
    return len(templates)


def store_templates(account: Account, described: Sequence[Mapping[str, Any]], asked_at: datetime) -> None:
    """Upsert templates from Meta's list in one statement; what Meta no longer lists becomes DELETED.

    `asked_at` (UTC) is when Meta was asked: what was submitted since cannot be missing from its answer. What somebody
    is changing here (a draft of a template that Meta knows, also one that waits to be submitted) stays as it is.
    """
    known = Template.objects.filter(tenant=account.tenant_id, account=account)
    here = Q(status=Template.Status.DRAFT) | Q(submit_due_at__isnull=False)
    changing = set(known.filter(here).exclude(meta_id="").values_list("meta_id", flat=True))
    rows = [_template(account, d) for d in described if str(d["id"]) not in changing]
    Template.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["tenant", "account", "name", "language"],
        update_fields=[
            *("meta_id", "category", "status", "parameter_format", "components"),
            *("quality", "rejected_reason", "previous_category", "updated_at"),
        ],
        batch_size=500,
    )
    listed = [str(d["id"]) for d in described]
    known.filter(updated_at__lt=asked_at).exclude(meta_id__in=listed).exclude(meta_id="").update(
        status=Template.Status.DELETED, updated_at=now()
    )
    # Submitted, never answered and not listed either: Meta has not got it, so it can be submitted again.
    unanswered = known.filter(status=Template.Status.PENDING, meta_id="", submit_due_at=None)
    unanswered.filter(updated_at__lt=asked_at - ANSWERED_WITHIN).update(status=Template.Status.DRAFT, updated_at=now())


def _template(account: Account, described: Mapping[str, Any]) -> Template:
    quality = described.get("quality_score") or {}
    status = str(described.get("status", "PENDING")).upper()
    return Template(
        tenant_id=account.tenant_id,
        account=account,
        meta_id=str(described["id"]),
        name=described["name"],
        language=str(described["language"]).replace("-", "_"),
        category=str(described.get("category", "MARKETING")).upper(),
        status=status if status in Template.Status.values else Template.Status.PENDING,
        parameter_format=str(described.get("parameter_format", "POSITIONAL")).upper(),
        components=described.get("components", []),
        quality=quality.get("score", "UNKNOWN") if isinstance(quality, Mapping) else "UNKNOWN",
        rejected_reason=str(described.get("rejected_reason") or "").replace("NONE", ""),
        previous_category=str(described.get("previous_category") or ""),
        updated_at=now(),
    )


def _store_number(account: Account, phone_number_id: str, described: Mapping[str, Any]) -> None:
    changes: dict[str, Any] = {}
    if described.get("verified_name"):
        changes["verified_name"] = described["verified_name"]
    if described.get("quality_rating") in Number.Quality.values:
        changes["quality"] = described["quality_rating"]
    tier = described.get("whatsapp_business_manager_messaging_limit")
    if tier in LIMITS:
        changes["daily_limit"] = LIMITS[tier]
    if changes:
        Number.objects.filter(tenant=account.tenant_id, phone_number_id=phone_number_id).update(**changes)


def to_submit() -> list[tuple[int, int]]:
    """(tenant id, template id) of templates that wait to be taken to Meta, the longest waiting first."""
    with across_tenants("any tenant's template may wait"):
        waiting = Template.objects.filter(submit_due_at__isnull=False, tenant__is_active=True)
        return list(waiting.order_by("submit_due_at").values_list("tenant_id", "id")[:100])


def submit(tenant_id: int, template_id: int) -> None:
    """Send a draft that waits for it to Meta for review and store the answer, a refusal with its reason too.

    If Meta cannot be reached it is a draft again; after an unknown outcome the next sync tells.
    """
    template = _taken(tenant_id, template_id)
    if template is None:
        return
    known: dict[str, Any] = {}
    try:
        answer = _submitted(template)
        status = str(answer.get("status", "PENDING")).upper()
        known = {
            "meta_id": str(answer.get("id", "")),
            "category": str(answer.get("category") or template.category).upper(),
        }
        verdict = {
            "status": status if status in Template.Status.values else Template.Status.PENDING,
            "rejected_reason": "",
        }
    except Refused as error:
        reason = error.user_msg or error.user_title or error.rule.meaning_de
        verdict = {"status": Template.Status.REJECTED, "rejected_reason": f"{reason} ({error.code})"}
    except NotSent:
        verdict = {"status": Template.Status.DRAFT}
    except UnknownOutcome:
        return
    with tenant_scope(tenant_id):
        rows = Template.objects.filter(tenant=tenant_id, pk=template_id)
        rows.update(**known, updated_at=now())
        # The review's webhook may have been faster than this answer; its word is the newer one.
        rows.filter(status=Template.Status.PENDING).update(**verdict)


def _taken(tenant_id: int, template_id: int) -> Template | None:
    """The template, if it still waited; the second of two workers gets None, so that Meta is asked once."""
    with tenant_scope(tenant_id):
        rows = Template.objects.filter(tenant=tenant_id, pk=template_id)
        if not rows.filter(submit_due_at__isnull=False).update(submit_due_at=None, updated_at=now()):
            return None
        return rows.select_related("account").get()


def _submitted(template: Template) -> Mapping[str, Any]:
    """Meta's answer; a template that it rejected before keeps its id and is edited there."""
    with client_for(template.account) as client:
        if not template.meta_id:
            return client.create_template(template.account.waba_id, definition(template))
        client.edit_template(template.meta_id, {"category": template.category, "components": template.components})
        return {"id": template.meta_id}


def delete(tenant_id: int, account_id: int, name: str, meta_id: str) -> None:
    """Delete a template at Meta; raises WhatsAppError, but not if Meta has not got it any more."""
    with tenant_scope(tenant_id):
        account = Account.objects.get(tenant=tenant_id, pk=account_id)
    try:
        with client_for(account) as client:
            client.delete_template(account.waba_id, name, template_id=meta_id)
    except Refused as refused:
        if refused.subcode != NOT_FOUND:
            raise


def definition(template: Template) -> dict[str, Any]:
    """A template as Meta's create call wants it."""
    return {
        "name": template.name,
        "language": template.language,
        "category": template.category,
        "parameter_format": template.parameter_format.lower(),
        "components": template.components,
    }
