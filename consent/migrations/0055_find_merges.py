"""Contacts of one person are found from either side, without reading everybody who shares an address with them.

Made while people go on saying yes and no, so alone in its migration.
"""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("consent", "0054_proofs_left_over")]

    operations = [
        AddIndexConcurrently(
            "consentevent",
            models.Index(fields=["tenant", "source_ref"], name="ledger_of_merges", condition=models.Q(state="merged")),
        ),
    ]
