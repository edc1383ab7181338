"""Says in a person's words by what a rule chooses people (R-36): kinds of data, and none of the company's own names."""

from collections.abc import Iterator, Mapping

from contacts.models import Event
from segments import asking
from segments.rules import Attribute, Behaved, Consented, Field, Group, Happened, Listed, Node, Tagged, walk

# How `consent.speaking` names what is asked for.
FIELDS = {
    "postcode": "by_place",
    "country": "by_place",
    "birthday": "by_birthday",
    "language": "by_language",
    "created_at": "by_time",
}
KINDS = {
    Attribute: "by_known",
    Tagged: "by_known",
    Listed: "by_list",
    Consented: "by_consent",
    Behaved: "by_messages",
}
ORDERS = {Event.ORDER_PLACED, Event.ORDER_REFUNDED}


def kinds(node: Node, tenant_id: int, said: Mapping[str, str]) -> list[str]:
    """What the rule asks for, each kind once; what is of a special category (Art. 9 GDPR) is left out.

    Whether there is any says `segments.asking.is_special`.
    """
    told = [one for one in _conditions(node) if not asking.is_special(one, tenant_id)]
    return list(dict.fromkeys(said[kind] for kind in _kinds(told)))


def is_everybody(node: Node) -> bool:
    """Whether a rule asks for nothing."""
    return not _conditions(node)


def _conditions(node: Node) -> list[Node]:
    return [one for _path, one in walk(node) if not isinstance(one, Group)]


def _kinds(nodes: list[Node]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, Field):
            yield FIELDS.get(node.name, "by_contact")
        elif isinstance(node, Happened):
            yield "by_orders" if node.name in ORDERS else "by_events"
        else:
            yield KINDS[type(node)]
