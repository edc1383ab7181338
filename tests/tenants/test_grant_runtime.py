"""The app runs as a role that can add to the ledger and change nothing there, whatever SQL it is made to say."""

from collections.abc import Iterator

import psycopg2
import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import ProgrammingError, connection, transaction
from django.db.migrations.loader import MigrationLoader

from tenants import wall
from tenants.isolation import AppendOnly
from tests import roles
from tests.roles import RUNTIME
from tests.tenants.test_wall import Role, superuser

__all__ = ["superuser"]

APPEND_ONLY = sorted(
    apps.get_model(app, operation.model_name)._meta.db_table
    for (app, _name), migration in MigrationLoader(None).disk_migrations.items()
    for operation in migration.operations
    if isinstance(operation, AppendOnly)
)
CHANGES = [
    "UPDATE {table} SET tenant_id = tenant_id WHERE false",
    "DELETE FROM {table} WHERE false",
    "TRUNCATE {table} CASCADE",
    "SELECT FROM {table} FOR UPDATE",
    "LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE",
    "ALTER TABLE {table} DISABLE TRIGGER append_only",
    "ALTER TABLE {table} DISABLE TRIGGER ALL",
    "ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
    "ALTER TABLE {table} OWNER TO zusage_app",
    "ALTER TABLE {table} RENAME TO gone",
    "DROP TRIGGER append_only ON {table}",
    "DROP POLICY tenant_wall ON {table}",
    "DROP TABLE {table} CASCADE",
    "CREATE RULE never AS ON INSERT TO {table} DO INSTEAD NOTHING",
    "CREATE TRIGGER mine BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
]
TRICKS = [
    "SET session_replication_role = replica",
    "SET SESSION AUTHORIZATION postgres",
    "CREATE OR REPLACE FUNCTION zusage_refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END'",
    "CREATE TABLE public.mine (id int)",
    "CREATE SCHEMA mine",
    "ALTER FUNCTION zusage_analyze(text, text[], boolean) SET search_path = public",
    "DELETE FROM django_migrations",
    "SELECT setval(pg_get_serial_sequence('consent_consentevent', 'id'), 1)",
    "ALTER ROLE zusage_app BYPASSRLS",
]
REFUSED = r"permission denied|must be owner"
RIGHTS = "SELECT relname, relacl::text FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1"


def query(sql: str) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall() if cursor.description else []


@pytest.mark.usefixtures("as_runtime")
@pytest.mark.parametrize("table", APPEND_ONLY)
@pytest.mark.parametrize("change", CHANGES)
def test_the_runtime_role_cannot_change_what_is_only_added_to(table: str, change: str) -> None:
    with pytest.raises(ProgrammingError, match=REFUSED), transaction.atomic():
        query(change.format(table=table))


@pytest.mark.usefixtures("as_runtime")
@pytest.mark.parametrize("trick", TRICKS)
def test_the_runtime_role_cannot_help_itself(trick: str) -> None:
    with pytest.raises(ProgrammingError, match=REFUSED), transaction.atomic():
        query(trick)


def test_all_that_is_only_added_to_is_known() -> None:
    assert {"consent_consentevent", "consent_ledgeranchor", "consent_agreement", "tenants_auditevent"} <= {*APPEND_ONLY}


@pytest.mark.usefixtures("as_runtime")
def test_the_runtime_role_may_use_every_table_of_the_app() -> None:
    may = "SELECT bool_and(has_table_privilege('{table}', kind)) FROM unnest(string_to_array('{kinds}', ' ')) AS kind"
    lacking = []
    for model in apps.get_models(include_auto_created=True):
        table = model._meta.db_table
        kinds = "SELECT INSERT" if table in APPEND_ONLY else "SELECT INSERT UPDATE DELETE"
        if query(may.format(table=table, kinds=kinds)) != [(True,)]:
            lacking.append(table)

    assert lacking == []


@pytest.mark.django_db
def test_whoever_owns_and_runs_is_warned_and_whoever_only_runs_is_not(caplog: pytest.LogCaptureFixture) -> None:
    assert [warning.id for warning in wall.check_rights(databases=["default"])] == ["tenants.W001"]
    assert wall.check_rights() == []
    assert wall.changeable() == APPEND_ONLY

    with roles.as_runtime():
        assert wall.check_rights(databases=["default"]) == []
        assert wall.changeable() == []


@pytest.mark.django_db
def test_granting_again_changes_nothing_and_takes_back_what_was_given_by_hand() -> None:
    before = query(RIGHTS)
    query(f"GRANT ALL ON consent_consentevent TO {RUNTIME}")
    query(f"GRANT UPDATE (state) ON consent_consentevent TO {RUNTIME}")
    query(f"GRANT CREATE ON SCHEMA public TO {RUNTIME}")
    assert wall.changeable(RUNTIME) == ["consent_consentevent"]

    call_command("grant_runtime", RUNTIME)

    assert wall.changeable(RUNTIME) == []
    assert {row[0]: sorted(row[1][1:-1].split(",")) for row in query(RIGHTS) if row[1]} == {
        row[0]: sorted(row[1][1:-1].split(",")) for row in before if row[1]
    }
    with roles.as_runtime(), pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        query("CREATE TABLE public.mine (id int)")


@pytest.mark.django_db
def test_what_everybody_may_do_is_not_passed_over() -> None:
    query("GRANT UPDATE ON consent_consentevent TO PUBLIC")

    with pytest.raises(CommandError, match="could still change consent_consentevent"):
        call_command("grant_runtime", RUNTIME)


@pytest.mark.django_db
def test_a_table_of_the_next_migration_can_be_used_before_rights_are_given_again() -> None:
    query("CREATE TABLE public.next (id bigint GENERATED BY DEFAULT AS IDENTITY, n int)")

    with roles.as_runtime():
        query("INSERT INTO next (n) VALUES (1)")
        query("UPDATE next SET n = 2")
        assert query("DELETE FROM next RETURNING id, n") == [(1, 2)]
        with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
            query("TRUNCATE next")


@pytest.mark.django_db
def test_what_runs_with_the_owners_rights_has_a_search_path_of_its_own_and_is_not_for_everybody() -> None:
    found = query(
        "SELECT proname, proconfig, has_function_privilege('public', oid, 'EXECUTE') FROM pg_proc"
        " WHERE prosecdef AND pronamespace = 'public'::regnamespace ORDER BY 1"
    )

    assert found == [
        (name, ["search_path=pg_catalog, pg_temp"], False)
        for name in ("inbox_drop_day", "inbox_make_day", "zusage_analyze")
    ]


@pytest.mark.usefixtures("as_runtime")
def test_statistics_are_renewed_of_our_tables_alone() -> None:
    query("SELECT zusage_analyze('contacts_contact')")
    query("SELECT zusage_analyze('contacts_stagedrow', ARRAY['tenant_id', 'line'], waits => false)")

    for injected in ("contacts_contact; DROP TABLE contacts_tag", "pg_catalog.pg_class"):
        with pytest.raises(ProgrammingError, match="does not exist"), transaction.atomic():
            query(f"SELECT zusage_analyze('{injected}')")


@pytest.fixture(params=["SUPERUSER", "BYPASSRLS", "CREATEROLE", "IN ROLE zusage"])
def mighty(request: pytest.FixtureRequest, superuser: Role) -> Iterator[str]:
    """A role that no grants could bind."""
    server = psycopg2.connect(superuser.url)
    server.autocommit = True
    with server.cursor() as cursor:
        cursor.execute(f"CREATE ROLE mighty {request.param}")
        yield "mighty"
        cursor.execute("DROP ROLE mighty")
    server.close()


@pytest.mark.django_db
def test_a_role_that_rights_do_not_bind_gets_none(mighty: str) -> None:
    with pytest.raises(CommandError, match=r"must be NOSUPERUSER|may become it"):
        call_command("grant_runtime", mighty)


@pytest.mark.django_db
def test_only_the_owner_gives_rights_and_not_to_itself() -> None:
    with pytest.raises(CommandError, match="is the owner"):
        call_command("grant_runtime", connection.settings_dict["USER"])
    with pytest.raises(CommandError, match=r"there is no role nobody.*roles\.sh"):
        call_command("grant_runtime", "nobody")

    with roles.as_runtime(), pytest.raises(CommandError, match="role that has migrated"):
        call_command("grant_runtime", RUNTIME)
