"""What a rule asks for, and whether the company has marked that as special (Art. 9 GDPR)."""

from collections.abc import Iterator

from consent.queries import attribute_name, is_special_group, special_names
from contacts.models import ContactList, Tag
from messaging.models import Source
from segments.rules import Attribute, Behaved, Happened, Listed, Node, Tagged, walk


def names(node: Node) -> set[str]:
    """The attributes, events and properties of events that a rule asks for, as consent's `attribute_name` has them."""
    return {attribute_name(name) for _path, one in walk(node) for name in _named(one)}


def is_special(node: Node, tenant_id: int) -> bool:
    """Whether a rule asks for something of a special category: an attribute, an event, a tag or a list.

    So does a rule about messages whose recipients were chosen by such a thing.
    """
    asked = names(node)
    return bool(asked and asked & special_names(tenant_id)) or any(_special_rows(node, tenant_id))


def _named(node: Node) -> list[str]:
    if isinstance(node, Attribute):
        return [node.key]
    return [node.name, *(one.key for one in node.where)] if isinstance(node, Happened) else []


def _special_rows(node: Node, tenant_id: int) -> Iterator[bool]:
    below = [one for _path, one in walk(node)]
    if tags := [one.uid for one in below if isinstance(one, Tagged)]:
        yield from map(is_special_group, Tag.objects.filter(tenant=tenant_id, uid__in=tags))
    if lists := [one.uid for one in below if isinstance(one, Listed)]:
        yield from map(is_special_group, ContactList.objects.filter(tenant=tenant_id, uid__in=lists))
    if sources := [one.source for one in below if isinstance(one, Behaved) and one.source]:
        yield Source.objects.filter(tenant=tenant_id, uid__in=sources, is_special=True).exists()
