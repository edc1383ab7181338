"""Signed heads are taken out of the database by a task that beat rings, and what fails says so."""

from django.db import migrations, models
from django.db.models.functions import Now
from django.utils.timezone import now


class Migration(migrations.Migration):
    dependencies = [("consent", "0051_old_deposits")]

    operations = [
        migrations.AddField("ledgerdeposit", "next_attempt_at", models.DateTimeField(default=now, db_default=Now())),
        migrations.AddField("ledgerdeposit", "attempts", models.PositiveIntegerField(default=0, db_default=0)),
        migrations.AddField(
            "ledgerdeposit", "error", models.CharField(max_length=100, blank=True, default="", db_default="")
        ),
        migrations.RemoveField("ledgerdeposit", "leased_until"),
        migrations.AddField("ledgercheck", "is_uncompared", models.BooleanField(default=False, db_default=False)),
    ]
