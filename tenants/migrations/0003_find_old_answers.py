"""An index along which answers that are over a day old are found and deleted, whatever their number."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tenants", "0002_walls")]

    operations = [
        migrations.AddIndex(
            model_name="idempotencykey",
            index=models.Index(fields=["created_at"], name="answer_by_age"),
        ),
    ]
