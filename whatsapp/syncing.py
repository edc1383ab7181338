"""Brings accounts, numbers and templates as Meta has them into our tables, submits drafts, subscribes to webhooks.

And adds an address to a business profile.
"""

import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Q
from django.utils.timezone import now

from tenants.scope import across_tenants, tenant_scope
from whatsapp import profiles, samples
from whatsapp.client import Client
from whatsapp.errors import ErrorClass, NotSent, Refused, Scope, UnknownOutcome, WhatsAppError
from whatsapp.models import Account, Number, Template
from whatsapp.pausing import allow_daily, pause_account

log = logging.getLogger(__name__)
# Meta's subcode for a template that it does not have.
NOT_FOUND = 2593002
# A submission without an answer after this got none.
ANSWERED_WITHIN = timedelta(minutes=10)
PERMISSIONS = frozenset((3, 10, *range(200, 300)))
# Management calls have an hourly quota (whatsapp-cloud-api § 1.4).
SUBMITTED_AGAIN_AFTER = timedelta(minutes=10)
CURRENCY = re.compile(r"[A-Z]{3}")
LIMITS = {"TIER_250": 250, "TIER_2K": 2000, "TIER_10K": 10000, "TIER_100K": 100000, "TIER_UNLIMITED": None}


def client_for(account: Account) -> Client:
    """Meta's API with this account's token; use it as a context manager, outside any transaction."""
    return Client(
        settings.WHATSAPP_API_URL, settings.WHATSAPP_API_VERSION, account.token, app_secret=account.proof_secret
    )


@contextmanager
def asking(account: Account) -> Iterator[Client]:
    """Ask for an account; a refusal that speaks about the whole account (token, payment, a block) stops it too.

    Whoever sends would be refused the same way, and a stopped account is shown wherever somebody looks. A permission
    that lacks says nothing about sending, which has one of its own (whatsapp-cloud-api § 1.2).
    """
    try:
        with client_for(account) as client:
            yield client
    except Refused as refused:
        rule = refused.rule
        is_whole = rule.error_class is ErrorClass.ACCOUNT and rule.scope is not Scope.NUMBER
        if is_whole and refused.code not in PERMISSIONS:
            with tenant_scope(account.tenant_id):
                pause_account(account, rule.code)
        raise


def accounts() -> list[tuple[int, int]]:
    """(tenant id, account id) of every account that can be asked."""
    with across_tenants("every tenant's templates are compared with Meta"):
        return list(Account.objects.filter(paused_at=None, tenant__is_active=True).values_list("tenant_id", "id"))


def sync(tenant_id: int, account_id: int) -> int:
    """Fetch an account, its templates and numbers, and store what changed; returns how many templates Meta has.

    An account without a subscription to webhooks gets one. Raises WhatsAppError if Meta cannot be asked; the account
    is stopped if that is why. No transaction is open while the network is slow.
    """
    with tenant_scope(tenant_id):
        account = Account.objects.get(tenant=tenant_id, pk=account_id)
        known = dict(account.numbers.values_list("phone_number_id", "profile"))
    asked_at = now()
    with asking(account) as client:
        _keep_subscribed(client, account)
        templates = list(client.templates(account.waba_id))
        described = _answered(client.account, account.waba_id) or {}
        numbers = [(number_id, client.number(number_id), _answered(client.profile, number_id)) for number_id in known]
    with tenant_scope(tenant_id):
        store_templates(account, templates, asked_at)
        for number_id, number, profile in numbers:
            _store_number(account, number_id, number)
            if profile is not None:
                _store_profile(account, number_id, known[number_id], profiles.kept(profile))
        Account.objects.filter(pk=account.pk).update(templates_synced_at=now(), **_account(described))
    return len(templates)


def _answered(call: Callable[[str], Mapping[str, Any]], node_id: str) -> Mapping[str, Any] | None:
    """What Meta says about an account or a profile, None where it says nothing: templates and numbers matter more."""
    try:
        return call(node_id)
    except (Refused, UnknownOutcome):
        return None


def _account(described: Mapping[str, Any]) -> dict[str, str]:
    """The account's fields that Meta knows better: the name, and the currency it charges in."""
    name, currency = str(described.get("name") or "")[:200], str(described.get("currency") or "").upper()
    found = {"name": name} if name else {}
    return found | ({"currency": currency} if CURRENCY.fullmatch(currency) else {})


def subscribe(account: Account) -> None:
    """Have Meta tell our app about this account; before that no status, reply or opt-out arrives.

    Source: whatsapp-cloud-api § 3.2. Raises WhatsAppError if Meta refuses or is away.
    """
    with client_for(account) as client:
        client.subscribe(account.waba_id)


def register(number: Number, pin: str, region: str = "") -> None:
    """Register a number with the Cloud API, which sends over it from then on; `pin` is its two-step verification's.

    `region` (ISO 3166, such as DE) has Meta keep messages at rest there, and can only be given while the number is not
    registered; of a number that is registered anew without one, they are kept where Meta likes. Raises WhatsAppError
    if Meta refuses or is away.
    """
    with client_for(number.account) as client:
        client.register_number(number.phone_number_id, pin, region=region or None)
    with tenant_scope(number.tenant_id):
        Number.objects.filter(tenant=number.tenant_id, pk=number.pk).update(storage_region=region)


def _keep_subscribed(client: Client, account: Account) -> None:
    try:
        if _is_untold(account, client.subscriptions(account.waba_id)):
            client.subscribe(account.waba_id)
    except WhatsAppError as error:
        log.warning("account %s cannot be subscribed to webhooks: %s", account.pk, error)


def _is_untold(account: Account, apps: Sequence[Mapping[str, Any]]) -> bool:
    # Meta does not say which app is ours, so until something has arrived another one's subscription does not count;
    # an address of its own does, because subscribing again would end it.
    if account.webhook_seen_at is None:
        return not any("override_callback_uri" in app for app in apps)
    return not apps


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
    # Submitted, never answered and not listed either: Meta has not got it, so it is submitted again.
    unanswered = known.filter(status=Template.Status.PENDING, meta_id="", submit_due_at=None)
    unanswered.filter(updated_at__lt=asked_at - ANSWERED_WITHIN).update(submit_due_at=now(), updated_at=now())


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
    numbers = Number.objects.filter(tenant=account.tenant_id, phone_number_id=phone_number_id)
    if changes:
        numbers.update(**changes)
    tier = described.get("whatsapp_business_manager_messaging_limit")
    if tier in LIMITS:
        allow_daily(numbers, LIMITS[tier])


def _store_profile(account: Account, phone_number_id: str, before: Any, found: dict[str, Any]) -> None:
    """Unless another one was stored since Meta was asked. What somebody has mended there ends an old refusal."""
    if found != before:
        same = Q(profile__isnull=True) if before is None else Q(profile=before)
        rows = Number.objects.filter(same, tenant=account.tenant_id, phone_number_id=phone_number_id)
        rows.update(profile=found, profile_error=None)


def profiles_to_write(tenant_id: int, account_id: int) -> list[int]:
    """Numbers of an account to whose profile somebody asked to have an address added, and Meta has not answered yet."""
    with tenant_scope(tenant_id):
        asked = Number.objects.filter(tenant=tenant_id, account=account_id).exclude(profile_link="")
        return list(asked.values_list("pk", flat=True))


def write_profile(tenant_id: int, number_id: int) -> None:
    """Add the address that somebody asked for to a number's business profile, beside what stands there by now.

    Doing it twice adds it once. While Meta is away or busy it waits for the next comparison; what Meta refuses is over.
    """
    with tenant_scope(tenant_id):
        number = Number.objects.select_related("account").get(tenant=tenant_id, pk=number_id)
    if not number.profile_link:
        return
    outcome: dict[str, Any] = {"profile_link": "", "profile_error": None}
    try:
        with asking(number.account) as client:
            profile = profiles.kept(client.profile(number.phone_number_id))
            # Where nothing has room, the page says so by what it reads here.
            if change := profiles.addition(profile, number.profile_link):
                client.edit_profile(number.phone_number_id, change)
                profile |= change
        outcome["profile"] = profile
    except WhatsAppError as error:
        if not isinstance(error, Refused) or error.rule.is_retryable:
            log.warning("the profile of number %s is not written yet: %s", number_id, error)
            return
        outcome["profile_error"] = error.code
    with tenant_scope(tenant_id):
        same = Number.objects.filter(tenant=tenant_id, pk=number_id, profile_link=number.profile_link)
        same.update(**outcome)


def to_submit() -> list[tuple[int, int]]:
    """(tenant id, template id) of templates that wait to be taken to Meta, the longest waiting first."""
    with across_tenants("any tenant's template may wait"):
        waiting = Template.objects.filter(submit_due_at__lte=now(), tenant__is_active=True)
        return list(waiting.order_by("submit_due_at").values_list("tenant_id", "id")[:100])


def submit(tenant_id: int, template_id: int) -> None:
    """Send a draft that waits for it to Meta for review and store the answer, a refusal with its reason too.

    If Meta cannot be reached or a sample is no longer here it is a draft again; what Meta could not take just now is
    submitted later, and after an unknown outcome the next sync tells. Rejected is only what Meta says of the template.
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
        verdict = _refused(error)
    except FileNotFoundError:
        verdict = {"status": Template.Status.DRAFT, "rejected_reason": samples.reason_gone()}
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


def _refused(error: Refused) -> dict[str, Any]:
    """Status and reason after a refusal, in the product's own language, because the reason is stored."""
    rule = error.rule
    meaning, remedy = rule.sentences(settings.LANGUAGE_CODE)
    reason = f"{meaning} {remedy}"
    verdict: dict[str, Any] = {"status": Template.Status.DRAFT}
    if rule.error_class in (ErrorClass.TEMPLATE, ErrorClass.INPUT):
        verdict = {"status": Template.Status.REJECTED}
        reason = error.user_msg or error.user_title or meaning
    elif rule.is_retryable:
        wait = max(timedelta(seconds=rule.retry_after_s or 0), SUBMITTED_AGAIN_AFTER)
        verdict, reason = {"status": Template.Status.PENDING, "submit_due_at": now() + wait}, meaning
    return {**verdict, "rejected_reason": f"{reason} ({error.code})"}


def _submitted(template: Template) -> Mapping[str, Any]:
    """Meta's answer; a template that it rejected before keeps its id and is edited there."""
    with tenant_scope(template.tenant_id):
        files = samples.of(template)
    with asking(template.account) as client:
        components = samples.with_handles(client, template.components, files)
        if not template.meta_id:
            return client.create_template(template.account.waba_id, definition(template) | {"components": components})
        client.edit_template(template.meta_id, {"category": template.category, "components": components})
        return {"id": template.meta_id}


def delete(tenant_id: int, account_id: int, name: str, meta_id: str) -> None:
    """Delete a template at Meta; raises WhatsAppError, but not if Meta has not got it any more."""
    with tenant_scope(tenant_id):
        account = Account.objects.get(tenant=tenant_id, pk=account_id)
    try:
        with asking(account) as client:
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
