"""Whoever leaves a topic gets nothing more of what waits for them of campaigns to that topic (R-34, decision 0018)."""

from collections.abc import Collection
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Exists, OuterRef

from campaigns import audience
from campaigns.models import Campaign
from contacts.models import Contact, ContactList, Event
from messaging.models import Message
from segments import asking
from segments.rules import InvalidRule, parse

IS_UNDER_WAY = [Campaign.State.RUNNING, Campaign.State.PAUSED]
# The clocks of the machines by which a launch and an event are dated differ by less.
CLOCKS = timedelta(minutes=1)
# What a sender is just claiming is left to it, as with a no: it goes out, or waits again where nothing was sent.
CANCEL = """
UPDATE messaging_message m SET queue = 2, state = 10, reason = 'topic_left'
FROM (
  SELECT w.id FROM messaging_message w JOIN contacts_contact c ON c.tenant_id = w.tenant_id AND c.id = w.contact_id
  WHERE w.tenant_id = %s AND w.source_id = %s AND w.contact_id = ANY(%s) AND w.queue = 0 AND NOT ({included})
  FOR UPDATE OF w SKIP LOCKED
) over
WHERE m.tenant_id = %s AND m.id = over.id
"""
# Leavers do not wait for each other, nor for whoever puts people on a list; only for the end of a freeze, which is
# short, and that one for them.
HOLD = "SELECT FROM contacts_contactlist WHERE tenant_id = %s AND uid = ANY(%s::uuid[]) ORDER BY id FOR {strength}"


def leave(contact: Contact, topics: Collection[ContactList]) -> None:
    """Cancel what waits for a person of campaigns to topics, unless another list or segment includes them still.

    In the transaction in which they have left them. What a freeze is writing just then cannot be seen here: `catch_up`.
    """
    left = {topic.uid for topic in topics}
    _hold(contact.tenant_id, left, "SHARE")
    waiting = Message.objects.filter(tenant=contact.tenant_id, source=OuterRef("source"), contact=contact.pk, queue=0)
    for campaign in Campaign.objects.filter(Exists(waiting), tenant=contact.tenant_id, state__in=IS_UNDER_WAY):
        if left & _lists(campaign):
            _cancel(campaign, [contact.pk])


def catch_up(campaign: Campaign) -> None:
    """The same for all who have left while the campaign was frozen; once everybody is written, before it is opened."""
    named = _lists(campaign)
    if not named:
        return
    # Who is leaving now has either left before, and is found here, or comes after this and finds all the rows.
    _hold(campaign.tenant_id, named, "NO KEY UPDATE")
    events = Event.objects.filter(tenant=campaign.tenant_id, name=Event.TOPIC_LEFT)
    assert campaign.launched_at
    events = events.filter(occurred_at__gte=campaign.launched_at - CLOCKS, properties__list__in=map(str, named))
    if left := list(events.values_list("contact", flat=True).distinct()):
        _cancel(campaign, left)


def _lists(campaign: Campaign) -> set[UUID]:
    """The lists that a campaign includes, itself or by a segment; those of a rule that nobody can read any more not."""
    found = set[UUID]()
    for row in campaign.audiences.filter(is_excluded=False).select_related("list", "segment"):
        try:
            found |= {row.list.uid} if row.list else asking.lists(parse(row.segment.rule if row.segment else None))
        except InvalidRule:
            continue
    return found


def _hold(tenant_id: int, lists: Collection[UUID], strength: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(HOLD.format(strength=strength), [tenant_id, [str(uid) for uid in lists]])


def _cancel(campaign: Campaign, contact_ids: list[int]) -> None:
    included, asked = audience.inclusion(campaign)
    params: list[Any] = [campaign.tenant_id, campaign.source_id, contact_ids, *asked, campaign.tenant_id]
    with connection.cursor() as cursor:
        cursor.execute(CANCEL.format(included=included), params)
