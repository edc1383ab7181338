"""Whom a program has brought, found without reading everybody: the nightly look at who knows (Art. 14 GDPR).

Made while people are written, so alone in its migration.
"""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("contacts", "0016_programs")]

    operations = [
        AddIndexConcurrently(
            "contact",
            models.Index(
                condition=models.Q(("program__isnull", False)),
                fields=["tenant", "program", "id"],
                name="contact_by_program",
            ),
        ),
    ]
