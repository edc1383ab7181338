"""Applies what Meta decides about templates, and pauses what can no longer be sent with them."""

from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from inbox.receiving.routing import Item
from messaging import actions
from tenants.models import Tenant
from whatsapp.events import TemplateCategory, TemplateComponents, TemplateQuality, TemplateStatus
from whatsapp.models import Number, Template

TemplateEvent = TemplateStatus | TemplateQuality | TemplateCategory | TemplateComponents

STATUSES = {"REINSTATED": "APPROVED", "UNARCHIVED": "APPROVED"}
# The code with which Meta would refuse a message sent with it; whatsapp-cloud-api § 7.5.
PAUSED, DISABLED, GONE = 132015, 132016, 132001
PAUSE_CODES = {
    "PAUSED": PAUSED,
    "DISABLED": DISABLED,
    "REJECTED": GONE,
    "PENDING_DELETION": GONE,
    "DELETED": GONE,
    "ARCHIVED": GONE,
    "LOCKED": GONE,
}


def apply_status(tenant: Tenant, items: list[Item[TemplateStatus]]) -> None:
    """Take over a template's status; one that cannot be sent any more pauses every open source that uses it."""
    for item in items:
        event = item.event
        status = STATUSES.get(event.event, event.event)
        if status not in Template.Status.values:
            continue
        is_fine = status == Template.Status.APPROVED or event.reason in ("", "NONE")
        reason = "" if is_fine else f"{event.reason} {event.info}".strip()
        templates = _named(item)
        _change(templates, status=status, rejected_reason=reason)
        if status in PAUSE_CODES:
            for template in templates:
                actions.pause_sources_of(template=template, code=PAUSE_CODES[status])


def apply_quality(tenant: Tenant, items: list[Item[TemplateQuality]]) -> None:
    """Take over a template's quality."""
    for item in items:
        if item.event.current in Number.Quality.values:
            _change(_named(item), quality=item.event.current)


def apply_category(tenant: Tenant, items: list[Item[TemplateCategory]]) -> None:
    """Take over a category that changed; a 24-hour notice changes nothing yet."""
    for item in items:
        event = item.event
        if not event.is_notice and event.new in Template.Category.values:
            _change(_named(item), category=event.new, previous_category=event.previous)


def apply_components(tenant: Tenant, items: list[Item[TemplateComponents]]) -> None:
    """Take over changed texts of header, body and footer; buttons follow with the next comparison with Meta."""
    for item in items:
        for template in _named(item):
            template.components = _with_texts(template.components, item.event)
            template.updated_at = timezone.now()
            template.save(update_fields=["components", "updated_at"])


def _named(item: Item[TemplateEvent]) -> QuerySet[Template]:
    event = item.event
    by_name = Q(meta_id="", name=event.name, language=event.language)
    return Template.objects.filter(Q(meta_id=event.template_id) | by_name, tenant=item.tenant, account=item.account)


def _change(templates: QuerySet[Template], **fields: Any) -> None:
    templates.update(updated_at=timezone.now(), **fields)


def _with_texts(components: list[dict[str, Any]], event: TemplateComponents) -> list[dict[str, Any]]:
    texts = {"HEADER": event.header, "BODY": event.body, "FOOTER": event.footer}
    return [
        {**component, "text": texts[component["type"]]}
        if texts.get(component.get("type", "")) and "text" in component
        else component
        for component in components
    ]
