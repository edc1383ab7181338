"""Topics: lists that people join and leave themselves (R-34). Being on one is a preference and never a consent."""

from collections.abc import Collection, Iterator
from uuid import uuid4

from django.db import transaction
from django.utils import timezone

from contacts.models import Contact, ContactList, Event, ListMember


@transaction.atomic
def change_topics(
    *, contact: Contact, join: Collection[ContactList] = (), leave: Collection[ContactList] = (), where: str
) -> list[ContactList]:
    """The person joins and leaves topics; returns those that they were on and have left.

    Each is an event of theirs, so that their history and the access to their data tell it; `where` says where they did.
    People whose processing is restricted stay as they are (Art. 18 GDPR).
    """
    # Two clicks at once wait here, and the second finds nothing left to change.
    people = Contact.objects.select_for_update(of=("self",)).filter(tenant=contact.tenant_id, pk=contact.pk)
    if not people.filter(restricted_at=None).exists():
        return []
    own = ListMember.objects.filter(tenant=contact.tenant_id, contact=contact)
    on = set(own.values_list("list", flat=True))
    joined = [topic for topic in join if topic.pk not in on]
    left = [topic for topic in leave if topic.pk in on]
    ListMember.objects.bulk_create(
        ListMember(tenant_id=contact.tenant_id, list=topic, contact=contact) for topic in joined
    )
    own.filter(list__in=left).delete()
    Event.objects.bulk_create(
        [*_events(contact, Event.TOPIC_JOINED, joined, where), *_events(contact, Event.TOPIC_LEFT, left, where)]
    )
    return left


def _events(contact: Contact, name: str, topics: Collection[ContactList], where: str) -> Iterator[Event]:
    for topic in topics:
        yield Event(
            tenant_id=contact.tenant_id,
            contact=contact,
            event_id=f"topic:{uuid4().hex}",
            name=name,
            occurred_at=timezone.now(),
            properties={"topic": topic.title_de, "list": str(topic.uid), "where": where},
        )
