"""Forms take time zones that exist only; the database is not changed."""

from django.db import migrations, models

import tenants.models


class Migration(migrations.Migration):
    dependencies = [("tenants", "0007_closed")]

    operations = [
        migrations.AlterField(
            "tenant",
            "timezone",
            models.CharField(default="Europe/Berlin", max_length=50, validators=[tenants.models.check_timezone]),
        ),
    ]
