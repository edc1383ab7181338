"""Lists that people join and leave themselves."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("contacts", "0011_proven_identities")]

    operations = [
        migrations.AddField(
            "contactlist",
            "is_topic",
            models.BooleanField(db_default=False, default=False, verbose_name="is a topic"),
        ),
        migrations.AddField(
            "contactlist",
            "title_de",
            models.CharField(blank=True, db_default="", default="", max_length=60, verbose_name="title in German"),
        ),
        migrations.AddField(
            "contactlist",
            "title_en",
            models.CharField(blank=True, db_default="", default="", max_length=60, verbose_name="title in English"),
        ),
        migrations.AddConstraint(
            "contactlist",
            models.CheckConstraint(
                condition=models.Q(("is_topic", False), models.Q(("title_de", ""), _negated=True), _connector="OR"),
                name="topic_has_a_title",
            ),
        ),
    ]
