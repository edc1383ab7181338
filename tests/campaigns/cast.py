"""Campaigns on their way: a number, a template, a list of people, and a draft that is ready to launch."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.utils.timezone import now

from campaigns import actions, tasks
from campaigns.models import Campaign
from contacts.models import Contact, ContactList, ListMember
from messaging.models import Message
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests import factories
from tests.contacts.calls import Caller
from whatsapp.models import Number, Template


def listed(tenant: Tenant, people: Sequence[Contact], name: str = "Kunden") -> ContactList:
    """A list of these people."""
    with tenant_scope(tenant):
        contact_list = ContactList.objects.create(tenant=tenant, name=name)
        ListMember.objects.bulk_create(
            ListMember(tenant=tenant, list=contact_list, contact=person) for person in people
        )
    return contact_list


def draft(
    tenant: Tenant,
    people: Sequence[Contact],
    *,
    weights: Sequence[int] = (100,),
    variables: dict[str, Any] | None = None,
    template: Template | None = None,
) -> Campaign:
    """A draft to these people, ready to launch; several weights make an A/B test."""
    with tenant_scope(tenant):
        if not tenant.numbers.exists():
            factories.number(tenant)
        template = template or tenant.templates.first() or factories.template(tenant)
        campaign = actions.create(tenant=tenant, name="Frühling", by=None)
        actions.set_audience(campaign=campaign, by=None, include_lists=[listed(tenant, people, str(campaign.uid))])
        for position, weight in enumerate(weights):
            actions.set_content(
                campaign=campaign,
                by=None,
                template=template,
                variables=factories.VARIABLES if variables is None else variables,
                variant=position,
                weight=weight,
            )
    return campaign


def launch(campaign: Campaign) -> Campaign:
    """Launch it; the freeze is left to the test."""
    with tenant_scope(campaign.tenant):
        return actions.launch(campaign=campaign, by=None)


def stored(campaign: Campaign) -> Campaign:
    """The campaign as it stands in the database, with its source."""
    with tenant_scope(campaign.tenant_id):
        return Campaign.objects.select_related("source", "tenant").get(tenant=campaign.tenant_id, pk=campaign.pk)


def messages(campaign: Campaign) -> list[Message]:
    """The campaign's messages, in the order of their contacts."""
    source_id = stored(campaign).source_id
    with tenant_scope(campaign.tenant_id):
        return list(Message.objects.filter(tenant=campaign.tenant_id, source=source_id).order_by("contact_id"))


def states(campaign: Campaign) -> dict[str, int]:
    """How many of its messages are in each state: {"QUEUED": 3}."""
    source = stored(campaign).source
    return factories.states(source) if source else {}


def refusal(api: Caller, campaign: Campaign) -> dict[str, list[str]]:
    """Why the launch was refused, by field; the campaign is a draft as before."""
    answer = api.post(f"campaigns/{campaign.uid}/launch/")
    assert answer.status_code == 400, answer.content
    assert stored(campaign).state == "draft"
    assert stored(campaign).source is None
    errors: dict[str, list[str]] = answer.json()["errors"]
    return errors


def content(campaign: Campaign, **variables: Any) -> None:
    """Give the only variant other values."""
    with tenant_scope(campaign.tenant):
        template = campaign.variants.get().template
        actions.set_content(
            campaign=campaign, by=None, template=template, variables={**factories.VARIABLES, **variables}
        )


def change_template(campaign: Campaign, **fields: Any) -> None:
    """Change the company's templates."""
    with tenant_scope(campaign.tenant):
        Template.objects.filter(tenant=campaign.tenant).update(**fields)


def change_number(campaign: Campaign, **fields: Any) -> None:
    """Change the company's numbers."""
    with tenant_scope(campaign.tenant):
        Number.objects.filter(tenant=campaign.tenant).update(**fields)


def change(campaign: Campaign, **fields: Any) -> None:
    """Change the row itself."""
    with tenant_scope(campaign.tenant_id):
        Campaign.objects.filter(pk=campaign.pk).update(**fields)


def schedule(api: Caller, campaign: Campaign, **until: int) -> Campaign:
    """Nothing was to be seen as it was scheduled; it is due in two days, or so late."""
    answer = api.post(f"campaigns/{campaign.uid}/schedule/", {"local_time": "2030-12-01T09:00:00"})
    assert (answer.status_code, answer.json()["warnings"]) == (200, [])
    change(campaign, due_at=now() + timedelta(**(until or {"hours": 47})))
    return campaign


def come_due(campaign: Campaign, **fields: Any) -> None:
    """Its time has come."""
    change(campaign, due_at=now() - timedelta(seconds=1), **fields)


def hours_pass(campaign: Campaign, hours: float) -> None:
    """It was looked at so much earlier; then beat rings."""
    looked_at = stored(campaign).looked_at
    assert looked_at is not None
    change(campaign, looked_at=looked_at - timedelta(hours=hours))
    tasks.look_ahead()


def pause_template(campaign: Campaign) -> None:
    """Meta has paused its template: it would not start."""
    change_template(campaign, status="PAUSED")
