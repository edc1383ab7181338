"""Names as the search compares them. Adding a generated column writes the table anew: some seconds for a million."""

from django.db import migrations, models
from django.db.models import Value
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Coalesce, Concat, Left, NullIf, Trim, Upper


class Migration(migrations.Migration):
    dependencies = [("contacts", "0013_topics")]

    operations = [
        migrations.AddField(
            "contact",
            "search_name",
            models.GeneratedField(
                db_persist=True,
                expression=Left(
                    Upper(
                        Coalesce(
                            NullIf(Trim(Concat("first_name", Value(" "), "last_name")), Value("")),
                            KeyTextTransform("whatsapp_name", "attributes"),
                            Value(""),
                        )
                    ),
                    200,
                ),
                output_field=models.TextField(db_collation="C"),
            ),
        ),
        migrations.AddField(
            "contact",
            "search_last_name",
            models.GeneratedField(
                db_persist=True, expression=Upper("last_name"), output_field=models.TextField(db_collation="C")
            ),
        ),
    ]
