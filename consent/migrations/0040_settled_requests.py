"""The nightly search for requests that nobody confirmed goes on where it ended, and not from the ledger's first row."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("consent", "0039_what_was_proven")]

    operations = [
        migrations.AddField("consenthead", "settled_seq", models.BigIntegerField(db_default=0, default=0)),
    ]
