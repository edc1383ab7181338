"""The rules of segments: a tree of groups and conditions, read from JSON with errors that name the node.

    {"op": "and" | "or" | "not", "rules": [ … ]}       "not" holds when none of its rules does
    {"field": "postcode", "op": "starts_with", "value": "50"}
    {"attribute": "shoe_size", "op": "gte", "value": 42}
    {"tag": "<uid>", "op": "has" | "has_not"}
    {"list": "<uid>", "op": "in" | "not_in"}
    {"consent": {"channel": "whatsapp", "purpose": "marketing"}, "op": "granted" | "not_granted"}
    {"event": "order_placed", "op": "ever" | "never", "within_days": 90, "where": [{"property": …, "op": …}]}
    {"event": "order_placed", "measure": "count" | "sum" | "days_since_last", "op": "gte", "value": 3}
    {"message": "clicked", "op": "has" | "has_not", "source": "<uid>", "within_days": 30}

An empty rule, {} or an "and" without rules, is everyone. A condition about something a contact does not have is false,
its negative ("is_not", "has_not", "never" …) true: every condition is either true or false for every contact.
"""

from segments.rules.nodes import (
    Attribute,
    Behaved,
    Comparison,
    Consented,
    Field,
    Group,
    Happened,
    Listed,
    Node,
    Tagged,
    Window,
    walk,
)
from segments.rules.reading import InvalidRule, parse

__all__ = [
    "Attribute",
    "Behaved",
    "Comparison",
    "Consented",
    "Field",
    "Group",
    "Happened",
    "InvalidRule",
    "Listed",
    "Node",
    "Tagged",
    "Window",
    "parse",
    "walk",
]
