"""What can be done with campaigns: prepare, schedule, launch, pause, resume, cancel, duplicate, test.

Every change of state is one conditional UPDATE, so that two browsers, a schedule and a retry can all press the same
button and it happens once.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.timezone import now
from django.utils.translation import gettext as _

from campaigns import launching, preflight, tasks
from campaigns.launching import EDITABLE, CannotLaunch, WrongState, move, refuse_unready
from campaigns.models import Audience, Campaign, Variant
from consent.models import Purpose
from contacts.models import Contact, ContactList
from messaging import actions as outbox
from messaging.models import Message
from segments.models import Segment
from tenants import waking
from tenants.actions import Actor, audit
from tenants.models import Tenant, User
from whatsapp.models import Number, Template

STATE = Campaign.State


@transaction.atomic
def create(*, tenant: Tenant, name: str, by: Actor, purpose: str = Purpose.MARKETING) -> Campaign:
    """A new draft with one empty variant, on the tenant's first number."""
    campaign = Campaign.objects.create(
        tenant=tenant,
        name=name,
        purpose=purpose,
        number=tenant.numbers.order_by("id").first(),
        timezone=tenant.timezone,
        created_by=by if isinstance(by, User) else None,
    )
    Variant.objects.create(tenant=tenant, campaign=campaign)
    audit(tenant=tenant, by=by, verb="campaign.created", subject=campaign)
    return campaign


@transaction.atomic
def update(
    *,
    campaign: Campaign,
    by: Actor,
    name: str | None = None,
    number: Number | None = None,
    purpose: str | None = None,
) -> Campaign:
    """Rename a draft, choose its number or what it is for; raises WrongState once it was launched."""
    _lock_editable(campaign)
    if name is not None:
        campaign.name = name
    if number is not None:
        campaign.number = number
    if purpose is not None:
        campaign.purpose = purpose
    campaign.save(update_fields=["name", "number", "purpose"])
    audit(tenant=campaign.tenant, by=by, verb="campaign.updated", subject=campaign)
    return campaign


@transaction.atomic
def set_audience(
    *,
    campaign: Campaign,
    by: Actor,
    include_lists: Sequence[ContactList] = (),
    include_segments: Sequence[Segment] = (),
    exclude_lists: Sequence[ContactList] = (),
    exclude_segments: Sequence[Segment] = (),
) -> None:
    """Replace who is included and excluded; raises WrongState once it was launched."""
    _lock_editable(campaign)
    campaign.audiences.all().delete()
    chosen = [
        (include_lists, include_segments, False),
        (exclude_lists, exclude_segments, True),
    ]
    Audience.objects.bulk_create(
        Audience(tenant=campaign.tenant, campaign=campaign, is_excluded=is_excluded, list=a_list, segment=segment)
        for lists, segments, is_excluded in chosen
        for a_list, segment in [*((entry, None) for entry in lists), *((None, entry) for entry in segments)]
    )
    audit(tenant=campaign.tenant, by=by, verb="campaign.audience_changed", subject=campaign)


@transaction.atomic
def set_content(
    *,
    campaign: Campaign,
    by: Actor,
    template: Template | None,
    variables: Mapping[str, Any],
    variant: int = 0,
    weight: int | None = None,
) -> Variant:
    """Choose template and variables of a variant; a new variant number adds one (an A/B test)."""
    _lock_editable(campaign)
    row, _created = Variant.objects.get_or_create(tenant=campaign.tenant, campaign=campaign, number=variant)
    row.template, row.variables = template, dict(variables)
    row.weight = weight or row.weight
    row.save()
    audit(tenant=campaign.tenant, by=by, verb="campaign.content_changed", subject=campaign)
    return row


@transaction.atomic
def keep_variants(*, campaign: Campaign, by: Actor, count: int) -> None:
    """Drop the variants beyond the first `count`; raises WrongState once the campaign was launched."""
    _lock_editable(campaign)
    if campaign.variants.filter(number__gte=count).delete()[0]:
        audit(tenant=campaign.tenant, by=by, verb="campaign.content_changed", subject=campaign)


@transaction.atomic
def delete(*, campaign: Campaign, by: Actor) -> None:
    """Delete a draft; anything that was launched stays for its report. Raises WrongState."""
    # A launch at the same moment has either committed before this lock, or finds nothing to launch.
    locked = Campaign.objects.select_for_update(of=("self",)).get(tenant=campaign.tenant_id, pk=campaign.pk)
    if locked.state != STATE.DRAFT or locked.source_id:
        raise WrongState(_("Only drafts can be deleted."))
    audit(tenant=campaign.tenant, by=by, verb="campaign.deleted", subject=campaign)
    campaign.delete()


@transaction.atomic
def schedule(*, campaign: Campaign, local: datetime, timezone: str, by: Actor) -> Campaign:
    """Launch at a wall-clock time in a zone; checked now and again then.

    A time that the clocks skip in spring moves on by the skipped hour; one that comes twice in autumn means the
    first. Raises ValidationError for a past time or unknown zone, CannotLaunch, WrongState.
    """
    if campaign.state not in EDITABLE:
        raise WrongState(_("Only drafts can be scheduled."))
    due_at = in_utc(local, timezone)
    if due_at <= now():
        raise ValidationError({"local_time": _("Choose a time in the future.")})
    refuse_unready(campaign)
    moved = move(
        campaign,
        EDITABLE,
        STATE.SCHEDULED,
        scheduled_local=local.replace(tzinfo=UTC),
        timezone=timezone,
        due_at=due_at,
        problem="",
        warned=[],
        looked_at=None,
    )
    if not moved:
        raise WrongState(_("Only drafts can be scheduled."))
    audit(
        tenant=campaign.tenant, by=by, verb="campaign.scheduled", subject=campaign, changes={"at": due_at.isoformat()}
    )
    return campaign


def in_utc(local: datetime, timezone: str) -> datetime:
    """The moment of a wall-clock time in an IANA zone; raises ValidationError for an unknown zone or an absurd year."""
    try:
        # A folder of the zone database ("Europe") and an overlong name come as OSError.
        return local.replace(tzinfo=ZoneInfo(timezone)).astimezone(UTC)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValidationError({"timezone": _("Unknown time zone. Example: Europe/Berlin.")}) from None
    except OverflowError:
        raise ValidationError({"local_time": _("Choose a time within the next years.")}) from None


@transaction.atomic
def unschedule(*, campaign: Campaign, by: Actor) -> Campaign:
    """Turn a scheduled campaign back into a draft; does nothing if it is not scheduled."""
    if move(campaign, [STATE.SCHEDULED], STATE.DRAFT, due_at=None, scheduled_local=None, warned=[]):
        audit(tenant=campaign.tenant, by=by, verb="campaign.unscheduled", subject=campaign)
    return campaign


@transaction.atomic
def launch(*, campaign: Campaign, by: Actor) -> Campaign:
    """Start: freeze the audience (in a worker) and send. Launching what runs already changes nothing.

    Raises CannotLaunch with every problem at once, WrongState for a finished or cancelled campaign.
    """
    launched = launching.start(campaign=campaign, by=by)
    waking.wake(tasks.freeze, tenant_id=launched.tenant_id, campaign_id=launched.pk)
    return launched


@transaction.atomic
def pause(*, campaign: Campaign, by: Actor) -> Campaign:
    """Stop sending; what was claimed in the last second still goes. Pausing twice changes nothing."""
    if move(campaign, [STATE.RUNNING], STATE.PAUSED):
        assert campaign.source is not None
        outbox.pause_source(source=campaign.source)
        audit(tenant=campaign.tenant, by=by, verb="campaign.paused", subject=campaign)
    elif campaign.state != STATE.PAUSED:
        raise WrongState(_("Only running campaigns can be paused."))
    return campaign


@transaction.atomic
def resume(*, campaign: Campaign, by: Actor) -> Campaign:
    """Send what waits, for another day; resuming what runs changes nothing."""
    if move(campaign, [STATE.PAUSED], STATE.RUNNING):
        assert campaign.source is not None
        if campaign.frozen_at:
            outbox.resume_source(source=campaign.source, expires_at=now() + Campaign.SENDS_FOR)
        else:
            outbox.forget_pause(source=campaign.source)
            waking.wake(tasks.freeze, tenant_id=campaign.tenant_id, campaign_id=campaign.pk)
        audit(tenant=campaign.tenant, by=by, verb="campaign.resumed", subject=campaign)
    elif campaign.state != STATE.RUNNING:
        raise WrongState(_("Only paused campaigns can be resumed."))
    return campaign


@transaction.atomic
def cancel(*, campaign: Campaign, by: Actor) -> Campaign:
    """End for good: what waits is cancelled, what was sent stays. Cancelling twice changes nothing."""
    before = (STATE.DRAFT, STATE.SCHEDULED, STATE.RUNNING, STATE.PAUSED)
    if move(campaign, before, STATE.CANCELLED, finished_at=now(), due_at=None):
        if campaign.source is not None:
            outbox.close_source(source=campaign.source)
        elif campaign.warned:
            # It will never start: nothing is left to look at.
            campaign.warned = []
            campaign.save(update_fields=["warned"])
        audit(tenant=campaign.tenant, by=by, verb="campaign.cancelled", subject=campaign)
    elif campaign.state != STATE.CANCELLED:
        raise WrongState(_("This campaign is already finished."))
    return campaign


@transaction.atomic
def duplicate(*, campaign: Campaign, by: Actor) -> Campaign:
    """A new draft with the same audience, number and content."""
    copy = Campaign.objects.create(
        tenant=campaign.tenant,
        name=_("%(name)s (copy)") % {"name": campaign.name[:180]},
        number=campaign.number,
        purpose=campaign.purpose,
        timezone=campaign.timezone,
        created_by=by if isinstance(by, User) else None,
    )
    copied: list[Audience | Variant] = [*campaign.audiences.order_by("pk"), *campaign.variants.order_by("pk")]
    for row in copied:
        row.pk, row.campaign = None, copy
        row.save(force_insert=True)
    audit(tenant=campaign.tenant, by=by, verb="campaign.duplicated", subject=copy)
    return copy


@transaction.atomic
def send_test(*, campaign: Campaign, contact: Contact, by: Actor, variant: int = 0) -> Message:
    """Queue the campaign's message to one contact; consent is checked as for everybody. Raises CannotLaunch."""
    row = campaign.variants.select_related("template").filter(number=variant).first()
    problems = preflight.test_problems(campaign, row)
    if problems:
        raise CannotLaunch(problems)
    assert campaign.number is not None
    assert row is not None
    assert row.template is not None
    message = outbox.queue_test(number=campaign.number, contact=contact, template=row.template, variables=row.variables)
    audit(tenant=campaign.tenant, by=by, verb="campaign.test_sent", subject=campaign)
    return message


def _lock_editable(campaign: Campaign) -> None:
    """Hold the row until commit, so that a launch cannot freeze half of an edit."""
    locked = Campaign.objects.select_for_update(of=("self",)).get(tenant=campaign.tenant_id, pk=campaign.pk)
    if locked.state not in EDITABLE:
        raise WrongState(_("This campaign was launched and cannot be changed any more. Duplicate it instead."))
    # What was found is of what it was before.
    fresh: dict[str, Any] = {"problem": "", "looked_at": None, "warned": []}
    Campaign.objects.filter(pk=campaign.pk).exclude(**fresh).update(**fresh)
