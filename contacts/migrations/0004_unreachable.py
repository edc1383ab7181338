"""How often in a row nothing could be delivered to a person, and since when that is too often."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("contacts", "0003_index_email_addresses")]

    operations = [
        migrations.AddField(
            "contact", "undelivered", models.SmallIntegerField(db_default=0, default=0, editable=False)
        ),
        migrations.AddField(
            "contact", "unreachable_since", models.DateTimeField(blank=True, editable=False, null=True)
        ),
        migrations.AddIndex(
            "contact",
            models.Index(
                condition=models.Q(("undelivered__gt", 0)), fields=["tenant", "id"], name="contact_not_delivered_to"
            ),
        ),
    ]
