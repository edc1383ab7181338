"""What a scheduled campaign was warned of before it started, and as it started."""

from django.contrib.postgres.fields import ArrayField
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0005_no_index_on_tenant_alone")]

    operations = [
        migrations.AddField(
            "campaign",
            "warned",
            ArrayField(models.CharField(max_length=40), blank=True, db_default=[], default=list, size=None),
        ),
        migrations.AddField("campaign", "looked_at", models.DateTimeField(blank=True, null=True)),
    ]
