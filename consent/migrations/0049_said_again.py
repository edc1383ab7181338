"""The suppression list knows when a no was said once more."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("consent", "0047_published_by_key")]

    operations = [
        migrations.AddField("suppression", "said_again_at", models.DateTimeField(null=True)),
    ]
