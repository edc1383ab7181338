"""What stops a source by itself: countries that Meta refuses, and since when earlier failures no longer count."""

from django.contrib.postgres.fields import ArrayField
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("messaging", "0004_market")]

    operations = [
        migrations.AddField(
            "source", "refused_countries", ArrayField(models.CharField(max_length=2), blank=True, default=list)
        ),
        migrations.AddField("source", "resumed_at", models.DateTimeField(blank=True, null=True)),
    ]
