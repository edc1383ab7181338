"""Staged lines are found by tenant and import, whose key begins so; a second index cost every line of every import.

Made while people import, so alone in its migration; Django itself would drop a foreign key's index with a lock.
"""

import django.db.models.deletion
from django.db import migrations, models

# As 0001 named it.
UNUSED = "contacts_stagedrow_imported_id_7778d7fd"


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("contacts", "0009_former_names")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    f"DROP INDEX CONCURRENTLY IF EXISTS {UNUSED}",
                    f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {UNUSED} ON contacts_stagedrow (imported_id)",
                )
            ],
            state_operations=[
                migrations.AlterField(
                    "stagedrow",
                    "imported",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="staged_rows",
                        to="contacts.import",
                    ),
                )
            ],
        ),
    ]
