"""When a template was handed in, until a worker takes it to Meta: so beat finds it, whatever became of the bell."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("whatsapp", "0004_uploads")]

    operations = [
        migrations.AddField(
            model_name="template",
            name="submit_due_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddIndex(
            model_name="template",
            index=models.Index(
                condition=models.Q(("submit_due_at__isnull", False)),
                fields=["submit_due_at"],
                name="template_to_submit",
            ),
        ),
    ]
