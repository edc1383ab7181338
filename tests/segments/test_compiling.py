"""A rule's SQL means what the rule says, for any rule and any people."""

import uuid
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from hypothesis.strategies import SearchStrategy

from contacts.models import Contact
from segments import compiling
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.segments.people import AT, EVENTS, KEYS, NAMES, POSTCODES, TEXTS, Company, holds

DAYS = some.sampled_from(["2026-02-27", "2026-02-28", "2026-01-31", "2026-03-05"])
PERIODS = some.one_of(
    some.just({}),
    some.builds(lambda days: {"within_days": days}, some.integers(0, 40)),
    some.builds(lambda days: {"between": sorted(days)}, some.lists(DAYS, min_size=2, max_size=2)),
)
NUMBERS = some.one_of(some.integers(-50, 50), some.sampled_from([41.5, 10.5, 99.99, 0, 31]))
NUMBER_OPS = some.sampled_from(["gt", "gte", "lt", "lte", "is"])
HOSTILE = ["'; DROP TABLE contacts_contact; --", "%s", "{0}", "\\", "%(x)s", "$1", "🦄", "' OR '1'='1"]


def comparisons(values: list[str], *, numbers: bool) -> SearchStrategy[dict[str, Any]]:
    """Comparisons of a text, and where it may hold one, of a number or a date in it."""
    texts = some.sampled_from([text for text in [*values, *HOSTILE] if text.strip()])
    kinds = [
        some.fixed_dictionaries({"op": some.sampled_from(["is", "is_not", "contains", "starts_with"]), "value": texts}),
        some.fixed_dictionaries(
            {"op": some.sampled_from(["in", "not_in"]), "value": some.lists(texts, min_size=1, max_size=3)}
        ),
        some.fixed_dictionaries({"op": some.just("not_contains"), "value": texts}),
        some.fixed_dictionaries({"op": some.sampled_from(["is_set", "is_not_set"])}),
    ]
    if numbers:
        days_ops = some.sampled_from(["last_days", "next_days", "older_than_days"])
        kinds += [
            some.fixed_dictionaries({"op": NUMBER_OPS, "value": NUMBERS}),
            some.fixed_dictionaries({"op": some.sampled_from(["is", "is_not"]), "value": some.booleans()}),
            some.fixed_dictionaries({"op": some.sampled_from(["on", "before", "after"]), "value": DAYS}),
            some.fixed_dictionaries({"op": days_ops, "value": some.integers(0, 60)}),
        ]
    return some.one_of(kinds)


def merged(*parts: SearchStrategy[dict[str, Any]]) -> SearchStrategy[dict[str, Any]]:
    return some.tuples(*parts).map(lambda found: {key: value for part in found for key, value in part.items()})


def only(**keys: SearchStrategy[Any]) -> SearchStrategy[dict[str, Any]]:
    return some.fixed_dictionaries(keys)


def rules_about(company: Company) -> SearchStrategy[dict[str, Any]]:
    """Any rule that names this company's tags, lists and campaigns, or somebody else's."""
    tags = some.sampled_from([str(uuid.uuid4()), *(str(tag.uid) for tag in company.tags)])
    lists = some.sampled_from([str(uuid.uuid4()), *(str(one.uid) for one in company.lists)])
    sources = some.sampled_from([str(uuid.uuid4()), *(str(one.uid) for one in company.sources)])
    named = {
        "channel": some.sampled_from(["whatsapp", "email"]),
        "purpose": some.sampled_from(["marketing", "tracking"]),
    }
    where = merged(only(property=some.sampled_from(KEYS)), comparisons(TEXTS, numbers=True))
    event = merged(only(event=some.sampled_from(EVENTS)), PERIODS, only(where=some.lists(where, max_size=2)))
    behaviour = ["received", "delivered", "read", "clicked", "replied", "opted_out", "failed"]
    leaf = some.one_of(
        merged(only(field=some.just("first_name")), comparisons(NAMES, numbers=False)),
        merged(only(field=some.sampled_from(["postcode", "phone"])), comparisons(POSTCODES, numbers=False)),
        only(field=some.just("birthday"), op=some.sampled_from(["is_today", "is_set", "is_not_set"])),
        only(field=some.just("birthday"), op=some.just("in_month"), value=some.integers(1, 12)),
        only(field=some.just("birthday"), op=some.just("within_days"), value=some.integers(0, 366)),
        only(field=some.just("created_at"), op=some.sampled_from(["on", "before", "after"]), value=DAYS),
        only(
            field=some.just("created_at"),
            op=some.sampled_from(["last_days", "older_than_days"]),
            value=some.integers(0, 40),
        ),
        merged(only(attribute=some.sampled_from(KEYS)), comparisons(TEXTS, numbers=True)),
        only(tag=tags, op=some.sampled_from(["has", "has_not"])),
        only(list=lists, op=some.sampled_from(["in", "not_in"])),
        only(consent=only(**named), op=some.sampled_from(["granted", "not_granted"])),
        merged(event, only(op=some.sampled_from(["ever", "never"]))),
        merged(event, only(measure=some.sampled_from(["count", "sum"]), op=NUMBER_OPS, value=NUMBERS)),
        merged(
            event,
            only(
                measure=some.just("days_since_last"),
                op=some.sampled_from(["gt", "gte", "lt", "lte"]),
                value=some.integers(0, 40),
            ),
        ),
        merged(
            only(message=some.sampled_from(behaviour), op=some.sampled_from(["has", "has_not"])),
            PERIODS,
            some.one_of(some.just({}), only(source=sources)),
        ),
    )
    group = lambda below: only(  # noqa: E731
        op=some.sampled_from(["and", "or", "not"]), rules=some.lists(below, min_size=1, max_size=3)
    )
    return some.recursive(leaf, group, max_leaves=6)


def found(rule: dict[str, Any] | None, tenant: Tenant) -> set[int]:
    compiled = compiling.members(rule, tenant_id=tenant.pk, at=AT)
    with connection.cursor() as cursor:
        cursor.execute(compiled.sql, compiled.params)
        rows = cursor.fetchall()
    assert len(rows) == len(set(rows))
    return {row[0] for row in rows}


@pytest.mark.parametrize("seed", range(3))
def test_any_rule_finds_exactly_the_people_it_describes(seed: int, in_bakery: Tenant) -> None:
    company = Company(in_bakery, seed)

    @settings(max_examples=80, suppress_health_check=list(HealthCheck))
    @given(rules_about(company))
    def the_sql_equals_plain_python(rule: dict[str, Any]) -> None:
        expected = {person.contact.pk for person in company.people if holds(rule, person)}
        assert found(rule, in_bakery) == expected

    the_sql_equals_plain_python()


@pytest.mark.parametrize("rule", [None, {}, {"op": "and", "rules": []}])
def test_an_empty_rule_is_everyone(rule: dict[str, Any] | None, in_bakery: Tenant) -> None:
    contact = Contact.objects.create(tenant=in_bakery, phone="+493023125001")

    assert found(rule, in_bakery) == {contact.pk}


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_value_is_only_a_value(text: str, in_bakery: Tenant) -> None:
    contact = Contact.objects.create(tenant=in_bakery, phone="+493023125001", first_name=text, attributes={text: text})
    Contact.objects.create(tenant=in_bakery, phone="+493023125002", first_name="Anna")

    assert found({"field": "first_name", "op": "is", "value": text}, in_bakery) == {contact.pk}
    assert found({"field": "first_name", "op": "in", "value": [text]}, in_bakery) == {contact.pk}
    assert found({"attribute": text, "op": "contains", "value": text}, in_bakery) == {contact.pk}
    assert Contact.objects.count() == 2


def test_values_never_become_part_of_the_sql(in_bakery: Tenant) -> None:
    leaves = [
        {"field": "first_name", "op": "starts_with", "value": "needle"},
        {"attribute": "needle", "op": "in", "value": ["needle"]},
        {"event": "needle", "op": "ever", "where": [{"property": "needle", "op": "is", "value": "needle"}]},
    ]

    compiled = compiling.members({"op": "or", "rules": leaves}, tenant_id=in_bakery.pk)

    assert "needle" not in compiled.sql
    assert compiled.sql.count("%s") == len(compiled.params)


def test_a_rule_finds_nobody_of_another_tenant(in_bakery: Tenant, shop: Tenant) -> None:
    with tenant_scope(shop):
        company = Company(shop, seed=1)
    foreign = {"tag": str(company.tags[0].uid), "op": "has_not"}
    mine = Contact.objects.create(tenant=in_bakery, phone="+493023125001")

    assert found({}, in_bakery) == {mine.pk}
    assert found(foreign, in_bakery) == {mine.pk}
    assert found({}, shop) == set()


def test_every_sub_select_names_the_tenant(in_bakery: Tenant) -> None:
    leaves = [
        {"tag": str(uuid.uuid4()), "op": "has"},
        {"list": str(uuid.uuid4()), "op": "in"},
        {"consent": {"channel": "whatsapp", "purpose": "marketing"}, "op": "granted"},
        {"event": "order_placed", "measure": "count", "op": "lt", "value": 2},
        {"message": "received", "op": "has", "source": str(uuid.uuid4())},
    ]
    for leaf in leaves:
        compiled = compiling.condition(leaf, tenant_id=in_bakery.pk)

        tables = [word for word in compiled.sql.split() if word.split("_")[0] in ("contacts", "consent", "messaging")]
        assert compiled.sql.count("tenant_id = %s") == len(tables), compiled.sql
