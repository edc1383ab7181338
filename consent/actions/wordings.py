"""What can be done with wordings: write, publish, revise, retire them, and declare one invalid."""

from collections.abc import Mapping, Sequence

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from consent import ledger, linting, tasks
from consent.ledger import wordings
from consent.ledger.folding import Pair
from consent.linting import Finding
from consent.models import Invalidation, Wording, WordingVersion
from consent.queries import controller_of, draft_of
from tenants import waking
from tenants.actions import Actor, audit
from tenants.models import ApiKey, Tenant, User

State = WordingVersion.State
NO_HASH = ""


class NotNow(Exception):
    """The version is not in a state in which this can be done; the text says so in the user's language."""


class NotPublishable(Exception):
    """The text leaves duties open; `findings` says which, and how to fulfil them."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__(_("The text leaves duties open."))
        self.findings = findings


@transaction.atomic
def create(
    *,
    tenant: Tenant,
    name: str,
    texts: Mapping[str, str],
    covers: Sequence[Pair],
    policy_version: str = "",
    policy_sha256: str = "",
    by: Actor,
) -> WordingVersion:
    """A new wording, as a draft; raises ValidationError by field.

    `policy_version` and `policy_sha256` say of which privacy notice people were told, as the company names it: nobody
    here opens its page.
    """
    wording = Wording(tenant=tenant)
    _rename(wording, name)
    version = WordingVersion(tenant=tenant, wording=wording, number=1, sha256=NO_HASH)
    _write(version, texts, covers, policy_version, policy_sha256)
    audit(tenant=tenant, by=by, verb="wording.created", subject=version)
    return version


@transaction.atomic
def save_draft(
    *,
    version: WordingVersion,
    name: str | None = None,
    texts: Mapping[str, str] | None = None,
    covers: Sequence[Pair] | None = None,
    policy_version: str | None = None,
    policy_sha256: str | None = None,
    by: Actor,
) -> WordingVersion:
    """Change a draft, finished or not; None leaves what is stored, whoever has changed it since it was read.

    Raises NotNow once it is published, ValidationError by field.
    """
    version = _locked(version)
    _demand(version, State.DRAFT)
    _rename(version.wording, version.wording.name if name is None else name)
    _write(
        version,
        version.texts if texts is None else texts,
        version.covers if covers is None else covers,
        version.policy_version if policy_version is None else policy_version,
        version.policy_sha256 if policy_sha256 is None else policy_sha256,
    )
    audit(tenant=version.tenant, by=by, verb="wording.edited", subject=version)
    return version


@transaction.atomic
def revise(*, wording: Wording, by: Actor) -> WordingVersion:
    """The draft of a wording: the one there is, else a new one that says what the latest version says."""
    wording = Wording.objects.select_for_update(of=("self",)).get(tenant=wording.tenant_id, pk=wording.pk)
    latest = wording.versions.order_by("-number")[0]
    if latest.state == State.DRAFT:
        return latest
    draft = WordingVersion(tenant=wording.tenant, wording=wording, number=latest.number + 1, sha256=NO_HASH)
    _write(draft, latest.texts, latest.covers, latest.policy_version, latest.policy_sha256)
    audit(tenant=wording.tenant, by=by, verb="wording.revised", subject=draft)
    return draft


@transaction.atomic
def discard(*, version: WordingVersion, by: Actor) -> None:
    """Delete a draft, and its wording where nothing else was ever written; raises NotNow once it is published."""
    version = _locked(version)
    _demand(version, State.DRAFT)
    audit(tenant=version.tenant, by=by, verb="wording.discarded", subject=version)
    wording = version.wording
    version.delete()
    if not wording.versions.exists():
        wording.delete()


@transaction.atomic
def publish(*, version: WordingVersion, checked: str | None = None, by: Actor) -> WordingVersion:
    """Let people agree to a draft from now on; the version before it is retired, and what people agreed to stays.

    From here on nobody can change it, the database neither. Raises NotPublishable while a duty is open, NotNow when it
    is no draft, when another version has said exactly the same, or when it says something else than the text with the
    fingerprint `checked`.
    """
    version = _locked(version)
    _demand(version, State.DRAFT)
    if checked is not None and checked != fingerprint(version):
        raise NotNow(_("The draft has been changed since you checked it. Read it again."))
    if found := linting.findings(draft_of(version, controller_of(version.tenant))):
        raise NotPublishable(found)
    others = WordingVersion.objects.filter(tenant=version.tenant_id, wording=version.wording_id)
    version.sha256 = fingerprint(version)
    if same := others.filter(sha256=version.sha256).first():
        told = _("Version %(number)s says exactly the same. Change the text, or discard this draft.")
        raise NotNow(told % {"number": same.number})
    version.policy_url = controller_of(version.tenant).privacy_url
    version.published_at, version.published_by = timezone.now(), by if isinstance(by, User) else None
    version.published_by_key = by if isinstance(by, ApiKey) else None
    version.save()
    others.exclude(pk=version.pk).filter(published_at__isnull=False, retired_at=None).update(
        retired_at=version.published_at
    )
    audit(tenant=version.tenant, by=by, verb="wording.published", subject=version, changes={"sha256": version.sha256})
    return version


def fingerprint(version: WordingVersion) -> str:
    """What a draft's `sha256` will be if it is published as it is."""
    return wordings.digest(version.texts, version.covers)


@transaction.atomic
def retire(*, version: WordingVersion, by: Actor) -> WordingVersion:
    """Offer a version to nobody any more; who agreed to it still has agreed. Raises NotNow unless it is in use."""
    version = _locked(version)
    _demand(version, State.IN_USE)
    version.retired_at = timezone.now()
    version.save(update_fields=["retired_at"])
    audit(tenant=version.tenant, by=by, verb="wording.retired", subject=version)
    return version


@transaction.atomic
def declare_invalid(*, version: WordingVersion, reason: str, by: Actor) -> Invalidation:
    """Say that nobody has agreed to anything by this text (consent-gdpr § 5.6); it cannot be taken back.

    From the commit on nothing is sent on its strength: `rules` refuses whoever's yes rests on it until a worker has
    ended these yeses in the ledger. People with another valid yes keep it. What was measured or profiled under it
    ends with the ledger rows, seconds later. The same text under another name is declared invalid with it. Raises
    ValidationError without a reason, NotNow for a draft or an invalid version.
    """
    if not reason.strip():
        raise ValidationError({"reason": _("Say why: somebody may have to explain it later.")})
    # Whoever writes a yes to this text holds this lock: before, then it is among the rows to end, or after, then it is
    # refused because the text is invalid.
    upto, moment = ledger.lock(version.tenant)
    version = _locked(version)
    _demand(version, State.IN_USE, State.RETIRED)
    same = WordingVersion.objects.filter(tenant=version.tenant_id, sha256=version.sha256, published_at__isnull=False)
    same.update(invalid_reason=reason.strip())
    invalidation = Invalidation.objects.create(
        tenant=version.tenant,
        version=version,
        wording_sha256=version.sha256,
        declared_at=moment,
        declared_by=by if isinstance(by, User) else None,
        upto_seq=upto,
    )
    audit(tenant=version.tenant, by=by, verb="wording.declared_invalid", subject=version)
    waking.wake(tasks.invalidate, tenant_id=version.tenant_id, invalidation_id=invalidation.pk)
    return invalidation


def _locked(version: WordingVersion) -> WordingVersion:
    """The version as it is now, with its wording locked, so that two people cannot change it at once."""
    Wording.objects.select_for_update(of=("self",)).get(tenant=version.tenant_id, pk=version.wording_id)
    versions = WordingVersion.objects.select_related("wording", "tenant").filter(tenant=version.tenant_id)
    if (found := versions.filter(pk=version.pk).first()) is None:
        raise NotNow(_("This draft was discarded meanwhile."))
    return found


def _demand(version: WordingVersion, *states: str) -> None:
    if version.state not in states:
        told = _("Not possible now: version %(number)s has the status “%(state)s”. Reload the page.")
        raise NotNow(told % {"number": version.number, "state": version.state.label})


def _rename(wording: Wording, name: str) -> None:
    wording.name = " ".join(name.split())
    wording.full_clean(exclude=["tenant", "uid"], validate_unique=False, validate_constraints=False)
    taken = Wording.objects.filter(tenant=wording.tenant_id, name=wording.name).exclude(pk=wording.pk)
    if taken.exists():
        raise ValidationError({"name": _("Another wording has this name. Choose one that tells them apart.")})
    wording.save()


def _write(
    version: WordingVersion,
    texts: Mapping[str, str],
    covers: Sequence[Sequence[str]],
    policy_version: str,
    policy_sha256: str,
) -> None:
    version.texts = {language: kept for language, text in texts.items() if (kept := text.strip())}
    version.covers = sorted([str(channel), str(purpose)] for channel, purpose in covers)
    version.policy_version, version.policy_sha256 = policy_version.strip(), policy_sha256.strip()
    version.save()
