"""People are found by the beginning of a name without reading everybody."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("contacts", "0014_search_names")]

    operations = [
        AddIndexConcurrently("contact", models.Index(fields=["tenant", "search_name"], name="contact_by_name")),
        AddIndexConcurrently(
            "contact", models.Index(fields=["tenant", "search_last_name"], name="contact_by_last_name")
        ),
    ]
