"""Old and new code run side by side for one release: tasks understand each other, no migration breaks old code or
waits in a circle with it.
"""

import inspect
import re
from collections.abc import Iterator
from typing import Any

import pytest
from celery import current_app
from django.db import connection, models
from django.db.migrations import Migration, operations
from django.db.migrations.loader import MigrationLoader

from tenants.isolation import AppendOnly, FrozenOnce, IsolateAcross, IsolateTenant, TieKey
from tests.test_architecture import OURS

# Migrations that take something away, or ask for more than old code gives, each with the release that was ready for it.
BEFORE_THE_FIRST = "before the first release"
CONTRACTS = {
    ("campaigns", "0003_problem"): BEFORE_THE_FIRST,
    ("consent", "0003_frozen_wordings"): BEFORE_THE_FIRST,
    ("consent", "0022_processing"): BEFORE_THE_FIRST,
    ("consent", "0033_signup_texts"): BEFORE_THE_FIRST,
    # Allows more than the check before it did.
    ("consent", "0034_request_alarms"): BEFORE_THE_FIRST,
    # Takes a lease away that is a day old itself: an old worker's nightly task fails without it, a new one's goes on.
    ("consent", "0052_deposits_are_owed"): BEFORE_THE_FIRST,
    # Of new columns, which old code leaves at their defaults.
    ("contacts", "0013_topics"): BEFORE_THE_FIRST,
    # Allows more than the check before it did.
    ("contacts", "0020_lost_numbers"): BEFORE_THE_FIRST,
    ("inbox", "0005_webhooks_by_day"): BEFORE_THE_FIRST,
    ("messaging", "0005_brakes"): BEFORE_THE_FIRST,
    ("messaging", "0008_sent_with_a_yes"): BEFORE_THE_FIRST,
    ("tenants", "0007_closed"): BEFORE_THE_FIRST,
    ("whatsapp", "0004_uploads"): BEFORE_THE_FIRST,
    ("whatsapp", "0006_upload_due"): BEFORE_THE_FIRST,
}
# A sign-up locks its request and then its form, while a migration keeps every table that it changes until it commits.
IN_TURN = {"signuprequest", "signupform"}
WAITED_FOR = """
SELECT DISTINCT c.relname, c.relfilenode FROM pg_locks l JOIN pg_class c ON c.oid = l.relation AND c.relkind = 'r'
WHERE l.pid = pg_backend_pid()
    AND l.mode IN ('AccessExclusiveLock', 'ExclusiveLock', 'ShareRowExclusiveLock', 'ShareLock')
"""
TAKES_AWAY = (
    operations.DeleteModel,
    operations.RemoveField,
    operations.RenameField,
    operations.RenameModel,
    operations.AlterModelTable,
)
TAKEN_AWAY_BY_SQL = re.compile(
    r"\bDROP\s+(TABLE|COLUMN)\b|\bRENAME\s+(TO|COLUMN)\b|\bALTER\s+COLUMN\s+\w+\s+TYPE\b", re.I
)
# Of one statement: what another one says about its key is no excuse.
KEY_BY_SQL = re.compile(r"\b(FOREIGN\s+KEY|REFERENCES)\b(?!((?!\bADD\b)[^;])*\bNOT\s+VALID\b)", re.I)
LOOKS_AT_NO_ROW = (AppendOnly, FrozenOnce, IsolateAcross, TieKey)
BODY = re.compile(r"\bAS \$\$.*?\$\$", re.S)


def tasks() -> dict[str, Any]:
    current_app.loader.import_default_modules()
    return {name: task for name, task in current_app.tasks.items() if name.split(".")[0] in OURS}


def breaking(operation: Any) -> Iterator[str]:
    """What an operation takes away from code that does not know about it."""
    if isinstance(operation, TAKES_AWAY):
        yield operation.describe()
    if isinstance(operation, operations.AddField):
        field = operation.field
        # Old code inserts rows without the column: only the database can fill it.
        if not (field.null or field.has_db_default() or field.generated or field.many_to_many):
            yield f"{operation.describe()}, without db_default"
    # What a function does happens when it is called.
    if isinstance(operation, operations.RunSQL) and TAKEN_AWAY_BY_SQL.search(BODY.sub("", str(operation.sql))):
        yield f"SQL: {operation.sql}"
    if isinstance(operation, operations.AddConstraint) and isinstance(operation.constraint, models.CheckConstraint):
        yield f"{operation.describe()}, which old code may not keep to"
    if isinstance(operation, operations.SeparateDatabaseAndState):
        for part in operation.database_operations:
            yield from breaking(part)


def test_every_task_ignores_arguments_that_a_newer_sender_adds() -> None:
    strict = [
        name
        for name, task in tasks().items()
        if not any(p.kind is p.VAR_KEYWORD for p in inspect.signature(task.run).parameters.values())
    ]

    assert len(tasks()) > 15
    assert strict == []


def test_every_task_takes_its_arguments_by_name() -> None:
    by_place = [
        f"{name}({parameter.name})"
        for name, task in tasks().items()
        for parameter in inspect.signature(task.run).parameters.values()
        if parameter.kind not in (parameter.KEYWORD_ONLY, parameter.VAR_KEYWORD)
    ]

    assert by_place == []


def test_no_migration_takes_away_what_the_release_before_uses() -> None:
    found = {
        (app, name): sorted(what)
        for (app, name), migration in MigrationLoader(None).disk_migrations.items()
        if app in OURS and not migration.initial
        if (what := [line for operation in migration.operations for line in breaking(operation)])
    }

    assert {where: what for where, what in found.items() if where not in CONTRACTS} == {}
    assert CONTRACTS.keys() <= found.keys()


def test_the_check_sees_what_would_break() -> None:
    assert list(breaking(operations.RemoveField("number", "quality")))
    assert list(breaking(operations.AddField("number", "colour", models.TextField(default="x"))))
    assert list(breaking(operations.AddConstraint("number", models.CheckConstraint(condition=models.Q(a=1), name="a"))))
    assert list(breaking(operations.RunSQL("ALTER TABLE x RENAME COLUMN a TO b")))
    assert list(
        breaking(operations.RunSQL("CREATE FUNCTION f() AS $$ END $$; DROP TABLE x; CREATE FUNCTION g() AS $$ $$"))
    )
    assert not list(breaking(operations.RunSQL("CREATE FUNCTION f() LANGUAGE plpgsql AS $$\nDROP TABLE x $$")))
    assert not list(breaking(operations.AddField("number", "colour", models.TextField(default="", db_default=""))))
    assert not list(breaking(operations.AddField("number", "colour", models.TextField(null=True))))
    shade = models.GeneratedField(expression=models.F("colour"), output_field=models.TextField(), db_persist=True)
    assert not list(breaking(operations.AddField("number", "shade", shade)))


def changed(operation: Any) -> set[str]:
    """The tables that an operation keeps writers out of; a foreign key does so with the one that it points to."""
    if isinstance(operation, operations.SeparateDatabaseAndState):
        return {name for part in operation.database_operations for name in changed(part)}
    if isinstance(operation, operations.RunSQL):
        return {name for name in IN_TURN if f"consent_{name}" in str(operation.sql)}
    fields = dict(getattr(operation, "fields", [])).values() if isinstance(operation, operations.CreateModel) else ()
    pointing = [field.remote_field for field in (*fields, getattr(operation, "field", None)) if field is not None]
    named = [getattr(operation, "model_name", ""), *(str(to.model).rpartition(".")[2] for to in pointing if to)]
    return {name.lower() for name in named}


def in_turn(migration: Any) -> set[str]:
    """Which of IN_TURN a migration keeps writers out of; a table that it makes itself has none."""
    made = {step.name_lower for step in migration.operations if isinstance(step, operations.CreateModel)}
    return {name for step in migration.operations for name in changed(step)} & IN_TURN - made


def test_no_migration_keeps_sign_ups_out_of_two_tables_that_they_take_in_turn() -> None:
    migrations = MigrationLoader(None).disk_migrations
    found = {where: tables for where, one in migrations.items() if where[0] in OURS and (tables := in_turn(one))}

    assert {where for where, tables in found.items() if tables == IN_TURN} == set()
    assert {("consent", "0037_languages"), ("consent", "0038_visits")} <= found.keys()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "table"),
    [("0037_languages", "consent_signupform"), ("0038_visits", "consent_signuprequest")],
)
def test_each_of_the_two_keeps_writers_out_of_one_table_and_copies_none(name: str, table: str) -> None:
    loader = MigrationLoader(connection)
    before, migration = loader.project_state(("consent", name), at_end=False), loader.get_migration("consent", name)
    with connection.schema_editor(atomic=False) as editor:
        migration.unapply(before.clone(), editor)
    undone = locked()

    with connection.schema_editor(atomic=False) as editor:
        migration.apply(before, editor)

    assert undone.keys() == {table}
    # The same file: sign-ups wait for a glance at the table, not for a copy of it.
    assert locked() == undone


def locked() -> dict[str, int]:
    """The tables that this transaction keeps writers out of, each with the file that it lies in."""
    with connection.cursor() as cursor:
        cursor.execute(WAITED_FOR)
        return dict(cursor.fetchall())


def looked_through(migration: Any) -> list[str]:
    """The foreign keys for which a migration looks through a table in use, while whoever writes there waits."""
    made = {step.name_lower for step in migration.operations if isinstance(step, operations.CreateModel)}
    return [step.describe() for step in parts(migration.operations) if looks_through(step, made)]


def looks_through(step: Any, made: set[str]) -> bool:
    if isinstance(step, operations.RunSQL):
        sql = step.sql if isinstance(step.sql, str) else "; ".join(map(str, step.sql))
        return bool(KEY_BY_SQL.search(BODY.sub("", sql)))
    is_tying = isinstance(step, IsolateTenant) and not isinstance(step, LOOKS_AT_NO_ROW)
    return is_tying and step.model_name.lower() not in made


def parts(steps: list[Any]) -> Iterator[Any]:
    for step in steps:
        yield from parts(step.database_operations) if hasattr(step, "database_operations") else [step]


def test_no_migration_looks_through_a_table_in_use_for_a_new_foreign_key() -> None:
    found = {
        where: keys
        for where, migration in MigrationLoader(None).disk_migrations.items()
        # The walls of the tables that the first migration has just made.
        if where[0] in OURS and where[1] != "0002_walls" and (keys := looked_through(migration))
    }

    assert found == {}


def test_that_check_sees_who_looks_through_a_table() -> None:
    key = "ALTER TABLE x ADD FOREIGN KEY (a) REFERENCES y (id)"
    seen = [
        IsolateTenant("Contact"),
        operations.RunSQL(key),
        operations.RunSQL(f"{key}; {key} NOT VALID"),
        operations.RunSQL([key, f"{key} NOT VALID"]),
        operations.RunSQL(f"{key}, ADD FOREIGN KEY (b) REFERENCES z (id) NOT VALID"),
        operations.SeparateDatabaseAndState([operations.RunSQL("ALTER TABLE x ADD COLUMN a bigint REFERENCES y")]),
    ]

    assert [len(looked_through(migration(step))) for step in seen] == [1, 1, 1, 1, 1, 1]
    assert looked_through(migration(TieKey("Contact", "program"), operations.RunSQL(f"{key} NOT VALID"))) == []


def migration(*steps: Any) -> Migration:
    made = Migration("made", "contacts")
    made.operations = [*steps]
    return made


@pytest.mark.django_db
def test_a_foreign_key_of_a_table_in_use_holds_for_new_rows_first_and_for_old_ones_by_a_migration_of_its_own() -> None:
    key = "contacts_contact_program_id_same_tenant"
    loader = MigrationLoader(connection)
    tying = loader.get_migration("contacts", "0016_programs")
    before = loader.project_state(("contacts", "0016_programs"), at_end=False)
    assert unchecked() == set()
    with connection.schema_editor(atomic=False) as editor:
        tying.unapply(before.clone(), editor)
        after = tying.apply(before, editor)
    assert unchecked() == {key}

    with connection.schema_editor(atomic=False) as editor:
        loader.get_migration("contacts", "0018_programs_checked").apply(after, editor)

    assert unchecked() == set()


def unchecked() -> set[str]:
    """Constraints that nobody has held the older rows against."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT conname FROM pg_constraint WHERE NOT convalidated")
        return {name for (name,) in cursor.fetchall()}
