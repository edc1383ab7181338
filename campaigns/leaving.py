"""Whoever leaves a topic gets nothing more of what waits for them of campaigns to that topic (R-34, decision 0018)."""

import contextlib
from collections.abc import Collection
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Exists, OuterRef

from campaigns import audience
from campaigns.models import Audience, Campaign
from consent.queries import special_names
from contacts.models import Contact, ContactList, Event
from messaging.models import Message
from segments import asking
from segments.rules import InvalidRule, parse

IS_UNDER_WAY = [Campaign.State.RUNNING, Campaign.State.PAUSED]
# The clocks of the machines by which a launch and an event are dated differ by less.
CLOCKS = timedelta(minutes=1)
# What a sender has in hand is left to it: it goes out, or waits again where nothing was sent; and so is what has an
# unknown outcome, which the sweeper settles.
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
        included = _included(campaign)
        if any(left & lists for _row, lists in included):
            _cancel(campaign, [row for row, _lists in included], [contact.pk])


def catch_up(campaign: Campaign) -> None:
    """The same for all who have left while the campaign was frozen; once everybody is written, before it is opened."""
    included = _included(campaign)
    named = set[UUID]().union(*(lists for _row, lists in included))
    if not named:
        return
    # Who is leaving now has either left before, and is found here, or comes after this and finds all the rows.
    _hold(campaign.tenant_id, named, "NO KEY UPDATE")
    events = Event.objects.filter(tenant=campaign.tenant_id, name=Event.TOPIC_LEFT)
    assert campaign.launched_at
    events = events.filter(occurred_at__gte=campaign.launched_at - CLOCKS, properties__list__in=map(str, named))
    if left := list(events.values_list("contact", flat=True).distinct()):
        _cancel(campaign, [row for row, _lists in included], left)


def _included(campaign: Campaign) -> list[tuple[Audience, set[UUID]]]:
    """What a campaign includes, each with the lists that it is, or that its rule asks for; as they are now.

    Without segments whose rule nobody can read any more: nobody would leave a topic for them.
    """
    found = []
    for row in campaign.audiences.filter(is_excluded=False).select_related("list", "segment"):
        with contextlib.suppress(InvalidRule):
            lists = {row.list.uid} if row.list else asking.lists(parse(row.segment.rule if row.segment else None))
            found.append((row, lists))
    return found


def _hold(tenant_id: int, lists: Collection[UUID], strength: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(HOLD.format(strength=strength), [tenant_id, [str(uid) for uid in lists]])


def _cancel(campaign: Campaign, rows: list[Audience], contact_ids: list[int]) -> None:
    included, asked = audience.any_of(campaign, rows, special_names(campaign.tenant_id))
    params: list[Any] = [campaign.tenant_id, campaign.source_id, contact_ids, *asked, campaign.tenant_id]
    with connection.cursor() as cursor:
        cursor.execute(CANCEL.format(included=included), params)
