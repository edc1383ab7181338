"""What a rule asks for, by name: so it can be seen whether it asks for something that must not be used so."""

from collections.abc import Iterator
from uuid import UUID

from consent.queries import attribute_name, group_names, special_names
from contacts.models import ContactList, Event, Tag
from messaging.models import Source
from segments.rules import Attribute, Behaved, Happened, Listed, Node, Tagged, walk

# Which topic somebody joined or left stands in the event's properties.
TOPICS = {Event.TOPIC_JOINED, Event.TOPIC_LEFT}


def is_special(node: Node, tenant_id: int) -> bool:
    """Whether a rule asks for something that the company has marked as special (Art. 9 GDPR, CG-08)."""
    special = special_names(tenant_id)
    return bool(special) and not special.isdisjoint(names(node, tenant_id))


def names(node: Node, tenant_id: int) -> set[str]:
    """The attributes, events, tags and lists that a rule asks for, as consent's `attribute_name` writes them.

    Messages tell what their recipients were chosen by.
    """
    below = [one for _path, one in walk(node)]
    asked = {attribute_name(name) for one in below for name in _written(one)}
    return asked.union(*_looked_up(below, tenant_id))


def lists(node: Node) -> set[UUID]:
    """The lists that a rule asks for, by uid."""
    return {one.uid for _path, one in walk(node) if isinstance(one, Listed)}


def _written(node: Node) -> list[str]:
    if isinstance(node, Attribute):
        return [node.key]
    if isinstance(node, Happened):
        return [node.name, *(one.key for one in node.where), *_titles(node)]
    return []


def _titles(node: Happened) -> list[str]:
    """The topics that a rule names: one that is deleted by now still tells the same of people."""
    named = [_values(one) for one in node.where if node.name in TOPICS and one.key == "topic"]
    return [title for titles in named for title in titles]


def _values(one: Attribute) -> list[str]:
    value = one.comparison.value
    return [str(each) for each in value] if isinstance(value, tuple) else [str(value)]


def _may_mean(topic: ContactList, node: Happened) -> bool:
    """Whether a rule may ask for this topic: it may unless it names others, by uid or by title."""
    known = {"list": [str(topic.uid)], "topic": [topic.title_de, *topic.former_names]}
    return all(
        {name.casefold() for name in known[one.key]} & {value.casefold() for value in _values(one)}
        for one in node.where
        if one.key in known and one.comparison.op in ("is", "in")
    )


def _looked_up(below: list[Node], tenant_id: int) -> Iterator[set[str]]:
    """The names of what the rule knows by uid only."""
    if tags := [one.uid for one in below if isinstance(one, Tagged)]:
        yield from map(group_names, Tag.objects.filter(tenant=tenant_id, uid__in=tags))
    if lists := [one.uid for one in below if isinstance(one, Listed)]:
        yield from map(group_names, ContactList.objects.filter(tenant=tenant_id, uid__in=lists))
    if changed := [one for one in below if isinstance(one, Happened) and one.name in TOPICS]:
        topics = ContactList.objects.filter(tenant=tenant_id).exclude(title_de="")
        yield from (group_names(topic) for topic in topics if any(_may_mean(topic, one) for one in changed))
    if sources := [one.source for one in below if isinstance(one, Behaved) and one.source]:
        chosen = Source.objects.filter(tenant=tenant_id, uid__in=sources).values_list("chosen_by", flat=True)
        yield from map(set, chosen)
