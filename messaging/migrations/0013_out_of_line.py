"""Who was skipped, failed, clicked, answered or opted out is found among a million without reading the others.

No column that the statuses of every message change, so their updates stay heap-only. Made while messages are written,
so alone in its migration.
"""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("messaging", "0012_clicks_by_contact")]

    operations = [
        AddIndexConcurrently(
            "message",
            models.Index(
                fields=["source", "contact"],
                name="message_out_of_line",
                condition=~Q(reason="")
                | Q(error_code__isnull=False)
                | Q(failed_at__isnull=False)
                | Q(clicked_at__isnull=False)
                | Q(replied_at__isnull=False)
                | Q(opted_out_at__isnull=False),
            ),
        ),
    ]
