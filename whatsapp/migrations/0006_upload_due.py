"""When a file waits for a worker that brings it to Meta, and how often that was tried; one file per type."""

from django.db import migrations, models

# What waits until now is what Meta has no id of and has not refused.
WAITING = """
SELECT set_config('app.across', 'on', true);
UPDATE whatsapp_media SET upload_due_at = created_at WHERE meta_id = '' AND error = '';
SELECT set_config('app.across', '', true);
"""


class Migration(migrations.Migration):
    dependencies = [("whatsapp", "0005_submit_due")]

    operations = [
        migrations.AddField(
            model_name="media",
            name="upload_due_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="media",
            name="upload_tries",
            field=models.PositiveSmallIntegerField(default=0, editable=False),
        ),
        migrations.RemoveConstraint(model_name="media", name="media_uploaded_once"),
        migrations.AddConstraint(
            model_name="media",
            constraint=models.UniqueConstraint(
                fields=["tenant", "number", "sha256", "mime_type"], name="media_uploaded_once"
            ),
        ),
        migrations.AddIndex(
            model_name="media",
            index=models.Index(
                condition=models.Q(("upload_due_at__isnull", False)),
                fields=["upload_due_at"],
                name="media_to_upload",
            ),
        ),
        migrations.RunSQL(WAITING, migrations.RunSQL.noop),
    ]
