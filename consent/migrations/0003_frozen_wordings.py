"""Published wordings cannot be changed any more, and know who published them and which privacy policy they refer to."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from tenants.isolation import FrozenOnce


class Migration(migrations.Migration):
    dependencies = [
        ("consent", "0002_walls"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="wordingversion",
            name="published_by",
            field=models.ForeignKey(
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="wordingversion",
            name="policy_sha256",
            field=models.CharField(blank=True, default="", max_length=64),
        ),
        migrations.AddField(
            model_name="consentevent",
            name="policy_sha256",
            field=models.CharField(blank=True, default="", max_length=64),
        ),
        FrozenOnce("WordingVersion", "published_at", free=("retired_at", "invalid_reason")),
    ]
