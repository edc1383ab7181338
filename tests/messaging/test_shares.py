"""The connections of a process are shared: a number of which Meta hangs takes its own, and the others send on."""

import threading

import pytest

from benchmarks.fleet import wait_until
from messaging import sending
from messaging.engine import Engine
from messaging.models import Source
from tenants.models import Tenant
from tests import factories
from whatsapp import bulk
from whatsapp.emulator import Running

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("as_runtime")]

CONNECTIONS = 8


class Numbers:
    """A company with as many numbers as are asked for, each with a campaign of its own."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant, self.people, self.count = tenant, 0, 0

    def campaign(self, people: int) -> Source:
        self.count, start, self.people = self.count + 1, self.people, self.people + people
        number = factories.number(self.tenant, throughput=500, phone_number_id=str(self.count))
        template = factories.template(self.tenant, name=f"fruehling_{self.count}", meta_id=str(self.count))
        return factories.source(number, factories.contacts(self.tenant, people, start=start), made_template=template)


def _stands_still(seen: list[int], now: int) -> bool:
    """Whether as many hang as one may have, and no more come."""
    seen.append(now)
    return now >= CONNECTIONS and len(seen) > 10 and len(set(seen[-10:])) == 1


@pytest.mark.parametrize("count", [1, 2])
def test_numbers_of_which_meta_hangs_keep_no_other_waiting(
    bakery: Tenant, meta: Running, engine: Engine, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    """One alone takes all but the spare ones, and of two each takes half."""
    monkeypatch.setattr(bulk, "CONNECTIONS", CONNECTIONS)
    # Enough for one that opened a moment before the other and has all, too few for two that have all.
    monkeypatch.setattr(sending, "SPARE", CONNECTIONS)
    # So long that no busy machine needs it for twenty messages.
    meta.configure(hangs=1.0, hang_s=12.0)
    numbers = Numbers(bakery)
    hanging = [numbers.campaign(100) for _ in range(count)]
    sender = threading.Thread(target=engine.run, args=(15,))
    sender.start()
    seen: list[int] = []
    wait_until(lambda: _stands_still(seen, len(meta.ledger)), "all that may hang", 10, poll_s=0.1)
    meta.configure(hangs=0.0)

    other = numbers.campaign(20)
    wait_until(lambda: factories.states(other) == {"ACCEPTED": 20}, "the other number", 30)
    still_hanging = [factories.states(one) for one in hanging]
    sender.join()

    assert all("UNCERTAIN" not in states for states in still_hanging)
