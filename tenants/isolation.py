"""Migration operations that build the second wall: row-level security, composite foreign keys, append-only tables."""

from typing import Any

from django.db import models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

# The sub-SELECT makes PostgreSQL evaluate the setting once per query, not once per row. After COMMIT a SET LOCAL
# value reads as '', so nullif keeps the cast from failing.
OWN_ROWS = "tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::bigint)"
ALL_ROWS = "(SELECT current_setting('app.across', true)) = 'on'"


class IsolateTenant(Operation):
    """Force row-level security on a tenant table and tie its foreign keys to the same tenant.

    For every `TenantForeignKey` of the model a constraint FOREIGN KEY (tenant_id, x_id) REFERENCES target
    (tenant_id, id) is added, so that no row can point at another tenant's row (plain foreign keys skip row-level
    security). For a table that is new: one that is in use would be looked through while everybody waits (`TieKey`).
    """

    reversible = True

    def __init__(self, model_name: str) -> None:
        self.model_name = model_name

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Nothing changes in Django's view of the model."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any
    ) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        force_policy(schema_editor, model._meta.db_table, f"{OWN_ROWS} OR {ALL_ROWS}")
        for field in model._meta.local_fields:
            if getattr(field, "is_tenant_key", False):
                compose_foreign_key(schema_editor, model, field)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any
    ) -> None:
        """The table goes away with its own migration."""

    def describe(self) -> str:
        return f"Force row-level security on {self.model_name}"


class TieKey(IsolateTenant):
    """Tie one `TenantForeignKey` that a table in use has got to the same tenant, for what is written from now on.

    A `ValidateConstraint` in a migration of its own looks through the rows that are there already, while others write.
    If the table that it points to is in use, too, its unique index (tenant_id, id) must be there, made concurrently:
    `compose_foreign_key` would make it while writers wait.
    """

    def __init__(self, model_name: str, name: str) -> None:
        super().__init__(model_name)
        self.name = name

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any
    ) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        field: Any = model._meta.get_field(self.name)
        compose_foreign_key(schema_editor, model, field, is_valid=False)

    def describe(self) -> str:
        return f"Tie {self.name} of {self.model_name} to the same tenant"


class IsolateAcross(IsolateTenant):
    """Force row-level security on a table that belongs to no tenant yet: only `across_tenants` sees its rows."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any
    ) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        force_policy(schema_editor, model._meta.db_table, ALL_ROWS)


class AppendOnly(IsolateTenant):
    """Refuse UPDATE, DELETE and TRUNCATE on a table by trigger, whoever asks."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any
    ) -> None:
        table = to_state.apps.get_model(app_label, self.model_name)._meta.db_table
        schema_editor.execute(
            "CREATE OR REPLACE FUNCTION zusage_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$"
            " BEGIN RAISE EXCEPTION USING MESSAGE = TG_TABLE_NAME || ' is append-only'; END $$"
        )
        schema_editor.execute(
            f"CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION zusage_refuse_change()"
        )
        schema_editor.execute(
            f"CREATE OR REPLACE TRIGGER never_truncated BEFORE TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION zusage_refuse_change()"
        )


class FrozenOnce(IsolateTenant):
    """Refuse DELETE, TRUNCATE and changes of a row by trigger, whoever asks, once its column `since` is set.

    Only the columns named as `free` may change afterwards; a column that is added later is frozen with the others.
    """

    def __init__(self, model_name: str, since: str, free: tuple[str, ...]) -> None:
        super().__init__(model_name)
        self.since, self.free = since, free

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any
    ) -> None:
        table = to_state.apps.get_model(app_label, self.model_name)._meta.db_table
        schema_editor.execute(FREEZE)
        schema_editor.execute(
            f"CREATE OR REPLACE TRIGGER frozen_once BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW"
            f" EXECUTE FUNCTION zusage_refuse_thaw('{self.since}', '{{{','.join(self.free)}}}')"
        )
        schema_editor.execute(
            f"CREATE OR REPLACE TRIGGER never_truncated BEFORE TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION zusage_refuse_change()"
        )

    def describe(self) -> str:
        return f"Freeze {self.model_name} once {self.since} is set"


FREEZE = """
    CREATE OR REPLACE FUNCTION zusage_refuse_thaw() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF to_jsonb(OLD) ->> TG_ARGV[0] IS NOT NULL AND (TG_OP = 'DELETE'
            OR to_jsonb(NEW) - TG_ARGV[1]::text[] <> to_jsonb(OLD) - TG_ARGV[1]::text[]) THEN
            RAISE EXCEPTION USING MESSAGE = TG_TABLE_NAME || ' is frozen once ' || TG_ARGV[0] || ' is set';
        END IF;
        RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
    END $$
"""


def force_policy(schema_editor: BaseDatabaseSchemaEditor, table: str, condition: str) -> None:
    """Enable and force row-level security with one policy for reading and writing."""
    schema_editor.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    schema_editor.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    schema_editor.execute(f"DROP POLICY IF EXISTS tenant_wall ON {table}")
    schema_editor.execute(f"CREATE POLICY tenant_wall ON {table} USING ({condition}) WITH CHECK ({condition})")


def compose_foreign_key(
    schema_editor: BaseDatabaseSchemaEditor,
    model: type[models.Model],
    field: models.ForeignKey[Any, Any],
    *,
    is_valid: bool = True,
) -> None:
    """Add FOREIGN KEY (tenant_id, x_id) and the unique index it needs on the target, unless they exist."""
    table, column = model._meta.db_table, field.column
    target = field.remote_field.model._meta.db_table
    schema_editor.execute(f"CREATE UNIQUE INDEX IF NOT EXISTS {target}_tenant_id_id ON {target} (tenant_id, id)")
    name = f"{table}_{column}_same_tenant"[:63]
    schema_editor.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}")
    schema_editor.execute(
        f"ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY (tenant_id, {column})"
        f" REFERENCES {target} (tenant_id, id) DEFERRABLE INITIALLY DEFERRED{'' if is_valid else ' NOT VALID'}"
    )
