"""Reads stored bodies and finds the tenant, account and number each event belongs to."""

import logging
from collections import Counter
from collections.abc import Iterator
from typing import Generic, NamedTuple, TypeVar

from inbox import queries
from inbox.receiving.claiming import Row
from tenants.models import Tenant
from whatsapp.events import Broken, Event, parse
from whatsapp.models import Account, Number

logger = logging.getLogger(__name__)


E = TypeVar("E", bound=Event, covariant=True)


class Item(NamedTuple, Generic[E]):
    """One event with the place it belongs to; `position` is its place in the body."""

    row_id: int
    position: int
    tenant: Tenant
    account: Account
    number: Number | None
    event: E


class _Read(NamedTuple):
    row: Row
    position: int
    event: Event

    @property
    def number_id(self) -> str:
        return getattr(self.event, "phone_number_id", "")

    @property
    def waba_id(self) -> str:
        # An account update may come under a partner's business and names the account itself.
        return getattr(self.event, "waba_id", self.event.account_id)


CLOSED = "the company is closed"


class Routed(NamedTuple):
    """The events of some bodies by place, why a body is set aside, and bodies to be deleted, both by row id."""

    items: list[Item[Event]]
    faults: dict[int, str]
    dropped: set[int]


def route(rows: list[Row]) -> Routed:
    """Find whom the events of these bodies concern; inside `across_tenants`.

    Events for ids we do not know are dropped: Meta sends them for numbers that were disconnected. Bodies that are
    about companies alone that are deleted are not even kept.
    """
    faults: dict[int, str] = {}
    read = [found for row in rows for found in _read(row, faults)]
    numbers = queries.numbers_of({found.number_id for found in read} - {""})
    accounts = queries.accounts_of({found.waba_id for found in read if not found.number_id})
    items = [item for found in read for item in _places(found, numbers, accounts)]
    strays = _strays(read, items)
    faults |= _of_closed(strays)
    return Routed(items, faults, _dropped(read, strays) - faults.keys())


def _read(row: Row, faults: dict[int, str]) -> Iterator[_Read]:
    try:
        events = parse(row.body)
    except Exception as error:
        # Whatever one body does to the parser, the others go on; the text could quote the body, so it stays out.
        faults[row.id] = f"{type(error).__name__} while reading"
        return
    for position, event in enumerate(events):
        if isinstance(event, Broken):
            faults[row.id] = f"unreadable {event.field} at {position}: {event.reason}"
        else:
            yield _Read(row, position, event)


def _places(found: _Read, numbers: dict[str, Number], accounts: dict[str, list[Account]]) -> Iterator[Item[Event]]:
    row, position, event = found
    if found.number_id:
        number = numbers.get(found.number_id)
        # A tenant that signs with its own app speaks for its own account only, whatever ids it writes.
        if number and number.account.waba_id == found.waba_id and row.account_id in (None, number.account_id):
            yield Item(row.id, position, number.tenant, number.account, number, event)
        return
    for account in accounts.get(found.waba_id, []):
        if row.account_id in (None, account.pk):
            yield Item(row.id, position, account.tenant, account, None, event)


def _strays(read: list[_Read], items: list[Item[Event]]) -> list[_Read]:
    """Events that concern nobody we know."""
    routed = {(item.row_id, item.position) for item in items}
    strays = [found for found in read if (found.row.id, found.position) not in routed]
    if strays:
        kinds = dict(Counter(type(found.event).__name__ for found in strays))
        logger.info("webhook events for unknown numbers or accounts: %s", kinds)
    return strays


def _of_closed(strays: list[_Read]) -> dict[int, str]:
    """Bodies for closed companies are set aside: somebody may say no in them, and a close can be taken back."""
    closed = queries.closed({name for found in strays for name in (found.number_id, found.waba_id)} - {""})
    return {found.row.id: CLOSED for found in strays if closed & {found.number_id, found.waba_id}}


def _dropped(read: list[_Read], strays: list[_Read]) -> set[int]:
    """The bodies of which every event concerns a company whose contract is over."""
    ended = queries.ended({name for found in strays for name in (found.number_id, found.waba_id)} - {""})
    over = [found for found in strays if found.waba_id in ended or found.number_id in ended]
    events = Counter(found.row.id for found in over)
    return {row_id for row_id, count in Counter(found.row.id for found in read).items() if events[row_id] == count}
