"""What changed since a programme last asked is found without reading everybody.

Made while people are written, so alone in its migration.
"""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("contacts", "0019_programs_of_the_trail")]

    operations = [
        AddIndexConcurrently("contact", models.Index(fields=["tenant", "updated_at"], name="contact_by_change")),
    ]
