"""A version of a wording knows the API key that published it, as it knows the person."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("consent", "0044_import_claims"),
        ("tenants", "0010_known_time_zones"),
    ]

    operations = [
        migrations.AddField(
            model_name="wordingversion",
            name="published_by_key",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="tenants.apikey",
            ),
        ),
    ]
