"""The audit trail is read by time alone: three indexes that no statement needs go, for every action writes a row.

Who did something is looked for within a stretch of time, and rows of a deleted user or key stay as they are. Made while
people go on working, so alone in its migration; Django itself would drop a foreign key's index with a lock.
"""

import django.db.models.deletion
from django.contrib.postgres.operations import RemoveIndexConcurrently
from django.db import migrations, models

# Column, to whom it points, and the index as 0001 named it.
UNUSED = (
    ("user", "user", "tenants_auditevent_user_id_abc364c0"),
    ("api_key", "apikey", "tenants_auditevent_api_key_id_ebaef19c"),
)


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("tenants", "0008_real_time_zones")]

    operations = [
        RemoveIndexConcurrently("auditevent", "audit_newest_first"),
        *(
            migrations.SeparateDatabaseAndState(
                database_operations=[
                    migrations.RunSQL(
                        f"DROP INDEX CONCURRENTLY IF EXISTS {index}",
                        f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {index} ON tenants_auditevent ({name}_id)",
                    )
                ],
                state_operations=[
                    migrations.AlterField(
                        "auditevent",
                        name,
                        models.ForeignKey(
                            db_constraint=False,
                            db_index=False,
                            null=True,
                            on_delete=django.db.models.deletion.DO_NOTHING,
                            related_name="+",
                            to=f"tenants.{target}",
                        ),
                    )
                ],
            )
            for name, target, index in UNUSED
        ),
    ]
