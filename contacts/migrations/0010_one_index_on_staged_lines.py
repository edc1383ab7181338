"""Staged lines are found by tenant and import, whose key begins so; a second index cost every line of every import."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("contacts", "0009_former_names")]

    operations = [
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
        ),
    ]
