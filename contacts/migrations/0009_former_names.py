"""What tags and lists were called before."""

from django.contrib.postgres.fields import ArrayField
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("contacts", "0008_informed")]

    operations = [
        migrations.AddField(
            group,
            "former_names",
            ArrayField(models.CharField(max_length=100), blank=True, db_default=[], default=list, size=None),
        )
        for group in ("tag", "contactlist")
    ]
