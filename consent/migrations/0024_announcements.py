"""What the operator owes each company by mail, as rows; breaches count their changes."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import tenants.fields
from tenants.isolation import IsolateTenant


class Migration(migrations.Migration):
    dependencies = [("consent", "0023_handover"), ("tenants", "0004_no_index_on_tenant_alone")]

    operations = [
        migrations.AddField(
            model_name="breach",
            name="version",
            field=models.PositiveIntegerField(db_default=1, default=1, editable=False),
        ),
        migrations.CreateModel(
            name="Announcement",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("breach", "breach"),
                            ("due", "72 hours nearly over"),
                            ("subprocessor", "sub-processor"),
                        ],
                        max_length=12,
                        verbose_name="what is told",
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="since")),
                ("told_at", models.DateTimeField(null=True, verbose_name="told")),
                (
                    "next_attempt_at",
                    models.DateTimeField(default=django.utils.timezone.now, verbose_name="next attempt"),
                ),
                ("attempts", models.PositiveIntegerField(default=0, verbose_name="attempts")),
                ("error", models.CharField(blank=True, max_length=100, verbose_name="last error")),
                (
                    "breach",
                    tenants.fields.TenantForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="announcements",
                        to="consent.breach",
                    ),
                ),
                (
                    "subprocessor",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="announcements",
                        to="consent.subprocessor",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="announcements",
                        to="tenants.tenant",
                    ),
                ),
            ],
            options={
                "verbose_name": "announcement",
                "verbose_name_plural": "announcements",
                "indexes": [
                    models.Index(
                        condition=models.Q(("told_at", None)),
                        fields=["kind", "created_at"],
                        name="announcement_waiting",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("tenant", "kind", "subprocessor"), name="subprocessor_told_once"),
                    models.UniqueConstraint(fields=("tenant", "kind", "breach"), name="breach_told_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("breach__isnull", True), ("kind", "subprocessor"), ("subprocessor__isnull", False)
                        )
                        | models.Q(
                            ("breach__isnull", False), ("kind__in", ["breach", "due"]), ("subprocessor__isnull", True)
                        ),
                        name="announcement_is_of_one_thing",
                    ),
                ],
            },
        ),
        IsolateTenant("Announcement"),
    ]
