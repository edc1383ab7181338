"""The house rules that a reviewer would forget: foreign keys point down, walls stand, doors start from the owner."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from celery import current_app
from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.db import connection
from django.db.models import ForeignKey, Model

from config.localservices.processes import PROCESSES

ROOT = Path(settings.BASE_DIR)
# From the top down; siblings that do not know each other share a floor.
FLOORS = [
    {"analytics"},
    {"inbox"},
    {"campaigns"},
    {"segments"},
    {"messaging"},
    {"whatsapp", "consent"},
    {"contacts"},
    {"tenants"},
]
OURS = sorted(set().union(*FLOORS))
CEILING = 400
# Tables that belong to no tenant, with the reason.
GLOBAL = {
    "tenants_tenant": "the tenant itself: its slug is looked up before a scope exists",
    "tenants_user": "people may work for several tenants",
    "whatsapp_rate": "Meta's price list is everybody's",
    "consent_subprocessor": "the operator's sub-processors are the same for all companies",
    "consent_endedcontract": "the operator's own register of companies that are here no more",
    "inbox_webhookevent": "belongs to nobody until it is read; its own policy shows it only across tenants",
}
# Unique keys without the tenant, with the reason.
UNIQUE_ACROSS = {
    "api_key_prefix_names_one_key": "the prefix finds the tenant",
    "number_routes_to_one_tenant": "webhooks of the shared app are routed by this id alone",
}
# Code that may look across tenants, each for work that has no tenant yet.
MAY_LOOK_ACROSS = {
    "tenants/scope.py",
    "tenants/middleware.py",
    "tenants/queries.py",
    "tenants/repeating.py",
    "messaging/queries.py",
    "messaging/sweeping.py",
    "messaging/emptying.py",
    "campaigns/launching.py",
    "campaigns/finishing.py",
    "campaigns/renewing.py",
    "campaigns/restoring.py",
    "campaigns/warning.py",
    "whatsapp/syncing.py",
    "whatsapp/uploading.py",
    "consent/announcing.py",
    "consent/importing/running.py",
    "consent/ledger/checking.py",
    "consent/ledger/depositing.py",
    "consent/rights/handing_over.py",
    "consent/rights/working.py",
    "consent/invalidating.py",
    "consent/mailing.py",
    "contacts/importing/forgetting.py",
    "inbox/actions.py",
    "inbox/days.py",
    "inbox/personal.py",
    "inbox/queries.py",
    "inbox/receiving/__init__.py",
    "inbox/recording.py",
    "config/demo/playing.py",
    "analytics/queries/totals.py",
}
# Models that staff need not see in Django admin, with the reason.
NOT_IN_ADMIN: dict[str, str] = {}
ENQUEUEING = {"delay", "apply_async", "delay_on_commit", "apply_async_on_commit", "send_task"}
DOORS = ("views", "api", "webhooks", "forms", "door")


def models() -> list[type[Model]]:
    return [model for app in OURS for model in apps.get_app_config(app).get_models()]


def tenant_models() -> list[type[Model]]:
    return [model for model in models() if model._meta.db_table not in GLOBAL]


def sources(*folders: str) -> Iterator[Path]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path


def floor(app: str) -> int:
    return next((level for level, names in enumerate(FLOORS) if app in names), len(FLOORS))


def test_foreign_keys_point_down() -> None:
    upward = [
        f"{model._meta.label}.{field.name} → {field.related_model._meta.label}"
        for model in models()
        for field in model._meta.get_fields()
        if isinstance(field, ForeignKey)
        and field.model._meta.app_label != field.related_model._meta.app_label
        and floor(field.related_model._meta.app_label) <= floor(model._meta.app_label)
    ]

    assert upward == []


@pytest.mark.django_db
def test_every_table_has_forced_row_level_security() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_class c JOIN pg_policy p ON p.polrelid = c.oid"
            " WHERE c.relrowsecurity AND c.relforcerowsecurity AND p.polname = 'tenant_wall'"
        )
        walled = {row[0] for row in cursor.fetchall()}

    tables = {model._meta.db_table for model in models()} - {
        "tenants_tenant",
        "tenants_user",
        "whatsapp_rate",
        "consent_subprocessor",
        "consent_endedcontract",
    }
    assert tables - walled - {"tenants_user_groups", "tenants_user_user_permissions"} == set()


@pytest.mark.django_db
def test_the_runtime_role_cannot_pass_row_level_security() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user")
        assert cursor.fetchone() == (False, False)


def test_every_tenant_table_has_a_tenant_in_its_unique_keys() -> None:
    without = [
        constraint.name
        for model in tenant_models()
        for constraint in model._meta.constraints
        if type(constraint).__name__ == "UniqueConstraint"
        and "tenant" not in {*constraint.fields, *(str(e) for e in constraint.expressions)}
        and not any("tenant" in str(expression) for expression in constraint.expressions)
    ]

    assert set(without) == set(UNIQUE_ACROSS)


def test_every_model_has_a_tenant_or_says_why_not() -> None:
    without = {m._meta.db_table for m in models() if not any(f.name == "tenant" for f in m._meta.get_fields())}

    assert without <= set(GLOBAL)


@pytest.mark.django_db
def test_every_tenant_foreign_key_is_tied_to_the_tenant_in_the_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT conname FROM pg_constraint WHERE contype = 'f' AND conname LIKE '%\\_same\\_tenant%'")
        tied = {row[0] for row in cursor.fetchall()}

    wanted = {
        f"{model._meta.db_table}_{field.column}_same_tenant"[:63]
        for model in models()
        for field in model._meta.local_fields
        if getattr(field, "is_tenant_key", False)
    }
    assert wanted - tied == set()


def test_doors_start_from_the_owner() -> None:
    """A door asks the tenant it was opened for; `Model.objects` would ask everybody's."""
    strays = [
        str(path.relative_to(ROOT))
        for path in sources(*OURS)
        if set(path.relative_to(ROOT).with_suffix("").parts) & set(DOORS)
        and any(isinstance(node, ast.Attribute) and node.attr == "objects" for node in ast.walk(tree(path)))
    ]

    assert strays == []


def test_only_listed_code_looks_across_tenants() -> None:
    callers = {
        str(path.relative_to(ROOT))
        for path in sources("config", *OURS)
        if any(
            isinstance(node, ast.Call)
            and getattr(node.func, "id", getattr(node.func, "attr", "")) in ("across_tenants", "execute_across_tenants")
            for node in ast.walk(tree(path))
        )
    }

    assert callers - MAY_LOOK_ACROSS == set()


def test_every_queue_has_a_worker_and_every_worker_a_queue() -> None:
    routed = {route["queue"] for route in settings.CELERY_TASK_ROUTES.values()} | {settings.CELERY_TASK_DEFAULT_QUEUE}
    served = {queue for process in PROCESSES.values() for queue in process.queues}

    assert routed == served


def test_every_scheduled_task_exists_and_every_task_is_routed() -> None:
    current_app.loader.import_default_modules()
    ours = {name for name in current_app.tasks if name.split(".")[0] in OURS}
    scheduled = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}

    assert scheduled - ours == set()
    assert {f"{name.rsplit('.', 1)[0]}.*" for name in ours} - set(settings.CELERY_TASK_ROUTES) == set()


def test_workers_are_woken_in_one_way_that_outlives_a_lost_broker() -> None:
    """`delay` in a request fails what was committed; tasks may use it, because beat comes back to them."""
    strays = [
        str(path.relative_to(ROOT))
        for path in sources("config", *OURS)
        if path.name not in ("tasks.py", "waking.py")
        and any(isinstance(node, ast.Attribute) and node.attr in ENQUEUEING for node in ast.walk(tree(path)))
    ]

    assert strays == []


def test_staff_see_every_model_in_the_admin() -> None:
    missing = {model._meta.label for model in models() if not admin.site.is_registered(model)}

    assert missing == set(NOT_IN_ADMIN)


def test_no_file_is_over_the_ceiling() -> None:
    long = [
        f"{path.relative_to(ROOT)} has {count} lines"
        for path in [*sources("config", "tests", "benchmarks", *OURS)]
        if (count := len(path.read_text().splitlines())) > CEILING
    ]

    assert long == []


def test_every_module_opens_with_a_sentence() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in sources("config", *OURS)
        if path.read_text().strip() and not ast.get_docstring(tree(path))
    ]

    assert silent == []


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())
