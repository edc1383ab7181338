"""The audit trail is found by time, so that a day years ago is shown as quickly as today."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("tenants", "0005_analyze")]

    operations = [
        AddIndexConcurrently("auditevent", models.Index(fields=["tenant", "at", "id"], name="audit_by_time")),
    ]
