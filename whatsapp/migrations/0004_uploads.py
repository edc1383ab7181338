"""When a file was uploaded here, and why Meta refused it."""

import django.utils.timezone
from django.db import migrations, models

import whatsapp.models


class Migration(migrations.Migration):
    dependencies = [("whatsapp", "0003_rates")]

    operations = [
        migrations.AddField(
            "Media",
            "created_at",
            models.DateTimeField(default=django.utils.timezone.now, editable=False),
        ),
        migrations.AddField("Media", "error", models.CharField(blank=True, default="", max_length=500)),
        migrations.AlterField("Media", "file", models.FileField(max_length=200, upload_to=whatsapp.models.media_path)),
        # The longest type of Office has 73 characters.
        migrations.AlterField("Media", "mime_type", models.CharField(max_length=100)),
    ]
