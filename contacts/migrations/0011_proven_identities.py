"""Which identities a person has proven; what was typed about them is no proof."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("contacts", "0010_one_index_on_staged_lines")]

    operations = [
        migrations.AddField("identity", "proven_at", models.DateTimeField(blank=True, null=True)),
    ]
