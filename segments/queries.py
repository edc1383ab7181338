"""Who is in a segment: how many, a few of them, and what each condition does; never longer than the screen waits."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import OperationalError, connection, transaction
from django.db.models import Model, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from psycopg2 import errors

from contacts.models import Contact
from segments import compiling, rules
from segments.compiling import Compiled, Frame
from tenants.models import Tenant
from tenants.replica import reading, report_scope

# A marketer waits this long for all numbers of a preview; a broken-off count is told as such, never guessed.
PATIENCE_SECONDS = 10.0
# Hash joins over a million contacts want more than PostgreSQL's 4 MB.
WORK_MEM = "64MB"
SAMPLE = 10
SET = """
WITH was AS MATERIALIZED (SELECT name, value, current_setting(name) AS old FROM unnest(%s, %s) AS s(name, value))
SELECT name, old, set_config(name, value, true) FROM was
"""
# Whose processing is restricted is only stored: neither counted nor shown (Art. 18 GDPR).
NOT_RESTRICTED = "c.restricted_at IS NULL"


class TookTooLong(Exception):
    """The database did not find the answer in time."""


@dataclass(frozen=True)
class NodeCount:
    """How many contacts one node of the rule holds for, by itself; None when that took too long."""

    path: str
    count: int | None


@dataclass(frozen=True)
class Preview:
    """What a rule finds; `count` and the counts of `nodes` are None where they took too long.

    `at` is the moment from which the rule reckons its periods.
    """

    count: int | None
    sample: list[Contact]
    nodes: list[NodeCount]
    at: datetime


def check(tenant: Tenant, rule: dict[str, Any] | None) -> rules.Node:
    """The typed tree of a rule that this tenant can use.

    Raises InvalidRule, also when it names a tag, list or campaign that does not exist (any more): leaving such a
    condition out would silently write to more people than meant.
    """
    node = rules.parse(rule)
    lost = {path: [text] for path, text in _lost_references(tenant, node)}
    if lost:
        raise rules.InvalidRule(lost)
    return node


def count(tenant: Tenant, rule: dict[str, Any] | None, seconds: float = PATIENCE_SECONDS) -> int:
    """For how many contacts the rule holds, as a replica knows them if there is one.

    Raises InvalidRule, and TookTooLong after `seconds`.
    """
    node = check(tenant, rule)
    holds = compiling.guarded(node, Frame(tenant.pk, timezone.now()))
    with report_scope(tenant):
        return _count(node, holds, tenant, seconds)


def preview(tenant: Tenant, rule: dict[str, Any] | None, seconds: float = PATIENCE_SECONDS) -> Preview:
    """The count, the newest ten, and a count per node; raises InvalidRule.

    The rule means one moment everywhere, but the counts may be older than the people (`tenants.replica`).
    """
    node, frame = check(tenant, rule), Frame(tenant.pk, timezone.now())
    end = time.monotonic() + seconds
    compiled = [(path, below, compiling.guarded(below, frame)) for path, below in rules.walk(node)]
    with report_scope(tenant):
        nodes = [NodeCount(path, _count_until(end, below, holds, tenant)) for path, below, holds in compiled]
    # People never from there: a replica may name for a while who has withdrawn or was erased.
    sample = _sample(compiling.guarded(node, frame), tenant, max(end - time.monotonic(), 1))
    return Preview(nodes[0].count, sample, nodes, frame.at)


def _count_until(end: float, node: rules.Node, holds: Compiled, tenant: Tenant) -> int | None:
    left = end - time.monotonic()
    try:
        return _count(node, holds, tenant, left) if left > 0 else None
    except TookTooLong:
        return None


def _count(node: rules.Node, holds: Compiled, tenant: Tenant, seconds: float) -> int:
    joined = as_a_set(WORK_MEM) if _is_of_people(node) else nullcontext()
    with at_most(seconds), joined, reading().cursor() as cursor:
        cursor.execute(
            f"SELECT count(*) FROM contacts_contact c WHERE c.tenant_id = %s AND {NOT_RESTRICTED} AND {holds.sql}",
            [tenant.pk, *holds.params],
        )
        found: int = cursor.fetchone()[0]
    return found


def _is_of_people(node: rules.Node) -> bool:
    """Whether it asks only what there is a few of for each contact; of messages and events there may be hundreds."""
    return not any(isinstance(below, rules.Behaved | rules.Happened) for _path, below in rules.walk(node))


def _sample(holds: Compiled, tenant: Tenant, seconds: float) -> list[Contact]:
    try:
        with at_most(seconds), connection.cursor() as cursor:
            cursor.execute(
                f"SELECT c.id FROM contacts_contact c WHERE c.tenant_id = %s AND {NOT_RESTRICTED} AND {holds.sql}"
                " ORDER BY c.id DESC LIMIT %s",
                [tenant.pk, *holds.params, SAMPLE],
            )
            ids = [row[0] for row in cursor.fetchall()]
    except TookTooLong:
        return []
    return list(tenant.contacts.filter(pk__in=ids).order_by("-pk"))


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Run statements with a time limit; the surrounding transaction stays usable when it strikes."""
    try:
        timeout = f"{int(seconds * 1000) or 1}ms"
        with transaction.atomic(using=reading().alias), _set(statement_timeout=timeout, work_mem=WORK_MEM):
            yield
    except OperationalError as error:
        if isinstance(error.__cause__, errors.QueryCanceled):
            raise TookTooLong from error
        raise


@contextmanager
def as_a_set(work_mem: str = "128MB") -> Iterator[None]:
    """Have statements over a whole audience joined as sets.

    The planner takes a large company's people for few: with statistics from before an import, and with many companies,
    because it does not see whose rows row-level security lets through. Then it loops over them: minutes instead of a
    tenth of a second. Hash joins are right for every audience; of a few among a million they cost a pass over all, a
    fifth of a second. Those of a million people fit into memory.
    """
    with _set(enable_nestloop="off", work_mem=work_mem):
        yield


@contextmanager
def _set(**settings: str) -> Iterator[None]:
    """Have settings of the database changed inside; whoever catches an error must take the transaction back with it."""
    names = list(settings)
    with reading().cursor() as cursor:
        cursor.execute(SET, [names, list(settings.values())])
        before = {name: old for name, old, _new in cursor.fetchall()}
        yield
        cursor.execute(SET, [names, [before[name] for name in names]])


def _lost_references(tenant: Tenant, node: rules.Node) -> Iterator[tuple[str, str]]:
    """(path, remedy) of every tag, list and campaign that the rule names and that does not exist."""
    named = [(path, *one) for path, below in rules.walk(node) if (one := _reference(below))]
    existing = {
        "tag": _existing(tenant.tags.all(), {uid for _path, kind, uid in named if kind == "tag"}),
        "list": _existing(tenant.lists.all(), {uid for _path, kind, uid in named if kind == "list"}),
        "source": _existing(tenant.sources.all(), {uid for _path, kind, uid in named if kind == "source"}),
    }
    for path, kind, uid in named:
        if uid not in existing[kind]:
            text = _("This does not exist (any more). Choose another one or remove the condition.")
            yield f"{path}.{kind}".lstrip("."), text


def _reference(node: rules.Node) -> tuple[str, UUID] | None:
    if isinstance(node, rules.Tagged):
        return "tag", node.uid
    if isinstance(node, rules.Listed):
        return "list", node.uid
    if isinstance(node, rules.Behaved) and node.source:
        return "source", node.source
    return None


def _existing(rows: QuerySet[Model], uids: set[UUID]) -> set[UUID]:
    return set(rows.filter(uid__in=uids).values_list("uid", flat=True)) if uids else set()
