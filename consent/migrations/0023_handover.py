"""Files with everything that a company has here; attributes of special categories."""

import uuid

import django.contrib.postgres.fields
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import consent.models.processing
from tenants.isolation import IsolateTenant


class Migration(migrations.Migration):
    dependencies = [
        ("consent", "0022_processing"),
        ("tenants", "0004_no_index_on_tenant_alone"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Handover",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("uid", models.UUIDField(default=uuid.uuid4, editable=False)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("working", "In progress"),
                            ("done", "Ready"),
                            ("failed", "Failed"),
                            ("over", "Deleted"),
                        ],
                        default="working",
                        max_length=7,
                    ),
                ),
                ("asked_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("leased_until", models.DateTimeField(null=True)),
                ("attempt", models.PositiveSmallIntegerField(default=0)),
                ("size", models.BigIntegerField(null=True)),
                (
                    "file",
                    models.FileField(
                        blank=True, default="", max_length=200, upload_to=consent.models.processing.where_handovers_lie
                    ),
                ),
                ("file_until", models.DateTimeField(null=True)),
                (
                    "asked_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="handovers",
                        to="tenants.tenant",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("tenant", "uid"), name="handover_uid"),
                    models.UniqueConstraint(
                        condition=models.Q(("state", "working")), fields=("tenant",), name="one_handover_at_a_time"
                    ),
                ],
            },
        ),
        migrations.AddField(
            model_name="datarequest",
            name="is_dropping_hashes",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddIndex(
            model_name="datarequest",
            index=models.Index(
                condition=models.Q(("is_dropping_hashes", True)),
                fields=["tenant"],
                name="data_request_dropping_hashes",
            ),
        ),
        IsolateTenant("Handover"),
        migrations.AddField(
            model_name="controller",
            name="special_attributes",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=60), blank=True, db_default=[], default=list, size=None
            ),
        ),
    ]
