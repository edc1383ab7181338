"""The topics of a company as people see them (R-34): those they may join, and those they are on."""

from typing import NamedTuple

from consent.queries import contract_names, group_names, special_names
from contacts.models import Contact, ContactList, Event
from tenants.models import Tenant

# Changes of one person that are worth a look.
MOST = 20


class Topic(NamedTuple):
    """A topic in the reader's language; `language` names the title's own where it is another one, else it is ""."""

    group: ContactList
    words: str
    language: str
    is_on: bool


def offered(tenant: Tenant) -> list[ContactList]:
    """The topics that people may join.

    None that the company has marked as special (Art. 9 GDPR) or as gathered for contracts: joining one is no explicit
    consent (CG-08), and nothing of these may choose people for advertising without one (CG-55).
    """
    barred = special_names(tenant.pk) | contract_names(tenant.pk)
    topics = ContactList.objects.filter(tenant=tenant, is_topic=True).order_by("title_de", "pk")
    return [topic for topic in topics if barred.isdisjoint(group_names(topic))]


def of(contact: Contact) -> list[ContactList]:
    """The topics that a person is on, also those that nobody may join any more."""
    topics = ContactList.objects.filter(tenant=contact.tenant_id, is_topic=True, members__contact=contact)
    return list(topics.order_by("title_de", "pk"))


def choices(contact: Contact, language: str) -> list[Topic]:
    """What stands on the person's own page; nothing while their data are only stored (Art. 18 GDPR)."""
    if contact.restricted_at:
        return []
    own = of(contact)
    on = {topic.pk for topic in own}
    more = [topic for topic in offered(contact.tenant) if topic.pk not in on]
    return [
        shown(topic, language, topic.pk in on)
        for topic in sorted([*own, *more], key=lambda one: (one.title_de, one.pk))
    ]


def shown(group: ContactList, language: str, is_on: bool = False) -> Topic:
    """A topic in a language, as far as the company has translated it."""
    is_translated = language != "en" or bool(group.title_en)
    return Topic(group, group.title(language), "" if is_translated else "de", is_on)


def changes(contact: Contact) -> list[Event]:
    """What the person has joined and left, newest first."""
    named = Event.objects.filter(tenant=contact.tenant_id, contact=contact)
    found = named.filter(name__in=[Event.TOPIC_JOINED, Event.TOPIC_LEFT])
    return list(found.order_by("-occurred_at", "-pk")[:MOST])
