"""People and what they did: contacts, their identities, tags, lists, events, and imports."""

from contacts.models.groups import ContactList, ContactTag, ListMember, Tag
from contacts.models.importing import Import, NotedRow, RejectedRow, StagedRow
from contacts.models.people import E164, Contact, Event, Identity, Program

__all__ = [
    "E164",
    "Contact",
    "ContactList",
    "ContactTag",
    "Event",
    "Identity",
    "Import",
    "ListMember",
    "NotedRow",
    "Program",
    "RejectedRow",
    "StagedRow",
    "Tag",
]
