"""By what a source's recipients were chosen."""

from django.contrib.postgres.fields import ArrayField
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("messaging", "0009_checked")]

    operations = [
        migrations.AddField(
            "source", name, ArrayField(models.TextField(), blank=True, db_default=[], default=list, size=None)
        )
        for name in ("chosen_by", "bound_by")
    ]
