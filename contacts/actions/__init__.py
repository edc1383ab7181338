"""What can be done with contacts, their tags and lists, and the events they leave."""

from contacts.actions.batches import Moved, Upserted
from contacts.actions.events import EventData, Recorded, record_events
from contacts.actions.lists import ListInUse, add_members, create_list, delete_list, remove_members, update_list
from contacts.actions.numbers import (
    Lost,
    Merged,
    count_undelivered,
    find_or_create_for_whatsapp,
    move_number,
    note_reached,
)
from contacts.actions.people import create_for_address, patch, upsert
from contacts.actions.tags import add_tags, create_tag, delete_tag, remove_tags, rename_tag
from contacts.actions.topics import change_topics
from contacts.actions.values import ContactData

__all__ = [
    "ContactData",
    "EventData",
    "ListInUse",
    "Lost",
    "Merged",
    "Moved",
    "Recorded",
    "Upserted",
    "add_members",
    "add_tags",
    "change_topics",
    "count_undelivered",
    "create_for_address",
    "create_list",
    "create_tag",
    "delete_list",
    "delete_tag",
    "find_or_create_for_whatsapp",
    "move_number",
    "note_reached",
    "patch",
    "record_events",
    "remove_members",
    "remove_tags",
    "rename_tag",
    "update_list",
    "upsert",
]
