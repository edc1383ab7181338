"""Clicks are found by their person, counted or not, and those past their time without reading the others.

Access and erasure ask for every click of a person, which the old index, of counted ones alone, could not answer. Made
while people go on clicking, so alone in its migration.
"""

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models

KNOWN = models.Q(contact__isnull=False)


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("messaging", "0011_fresh_statistics")]

    operations = [
        AddIndexConcurrently(
            "click", models.Index(fields=["tenant", "contact", "-at"], name="click_of_contact", condition=KNOWN)
        ),
        AddIndexConcurrently(
            "click", models.Index(fields=["tenant", "at", "id"], name="click_to_forget", condition=KNOWN)
        ),
        RemoveIndexConcurrently("click", "click_by_contact"),
    ]
