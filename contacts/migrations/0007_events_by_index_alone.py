from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("contacts", "0006_no_index_on_tenant_alone")]

    operations = [
        migrations.AddIndex(
            model_name="event",
            index=models.Index(
                fields=["tenant", "name", "occurred_at"], include=["contact", "value"], name="event_by_name_with_value"
            ),
        ),
        migrations.RemoveIndex(model_name="event", name="event_by_name_and_time"),
    ]
