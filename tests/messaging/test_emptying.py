import pytest

from messaging import actions, claiming, emptying, sweeping, tasks
from messaging.models import Source
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests import factories


@pytest.fixture
def source(bakery: Tenant) -> Source:
    return factories.source(factories.number(bakery), factories.contacts(bakery, 5))


@pytest.fixture
def in_twos(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emptying, "AT_A_TIME", 2)
    monkeypatch.setattr(sweeping, "EXPIRE_AT_A_TIME", 2)


def closed(source: Source) -> Source:
    with tenant_scope(source.tenant_id):
        actions.close_source(source=source)
        return Source.objects.get(pk=source.pk)


def test_a_cancelled_campaign_sends_nothing_more_though_most_of_it_still_waits(source: Source, in_twos: None) -> None:
    closed(source)

    assert factories.states(source) == {"CANCELLED": 2, "QUEUED": 3}
    assert claiming.due_sources(source.number) == []


def test_workers_cancel_the_rest_batch_by_batch(source: Source, in_twos: None) -> None:
    assert closed(source).is_emptying

    tasks.empty()

    assert factories.states(source) == {"CANCELLED": 5}
    with tenant_scope(source.tenant_id):
        assert not Source.objects.get(pk=source.pk).is_emptying


def test_the_sweeper_finishes_what_a_killed_worker_left(source: Source, in_twos: None) -> None:
    closed(source)

    tasks.sweep()

    assert factories.states(source) == {"CANCELLED": 5}


def test_a_small_campaign_is_empty_at_once(source: Source) -> None:
    assert not closed(source).is_emptying
    assert factories.states(source) == {"CANCELLED": 5}


def test_other_campaigns_keep_what_waits(source: Source, in_twos: None) -> None:
    with tenant_scope(source.tenant_id):
        other = factories.source(
            source.number, list(source.tenant.contacts.all()), made_template=source.tenant.templates.get()
        )
    closed(source)
    tasks.empty()

    assert factories.states(other) == {"QUEUED": 5}
