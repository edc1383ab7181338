import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import consent.addresses
import consent.colors
import tenants.fields
from tenants.isolation import IsolateTenant


class Migration(migrations.Migration):
    dependencies = [
        ("consent", "0007_signup"),
        ("tenants", "0004_no_index_on_tenant_alone"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name="controller",
            name="brand_color",
            field=models.CharField(
                default="#0b5d46", max_length=7, validators=[consent.colors.readable], verbose_name="brand colour"
            ),
        ),
        migrations.AlterField(
            model_name="controller",
            name="privacy_url",
            field=models.URLField(
                blank=True, validators=[consent.addresses.https_only], verbose_name="address of the privacy notice"
            ),
        ),
        migrations.AlterField(
            model_name="controller",
            name="imprint_url",
            field=models.URLField(
                blank=True, validators=[consent.addresses.https_only], verbose_name="address of the imprint"
            ),
        ),
        migrations.CreateModel(
            name="Invalidation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("wording_sha256", models.CharField(max_length=64)),
                ("declared_at", models.DateTimeField()),
                ("upto_seq", models.BigIntegerField()),
                ("done_seq", models.BigIntegerField(default=0)),
                ("ended", models.BigIntegerField(default=0)),
                ("worked_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("finished_at", models.DateTimeField(null=True)),
                (
                    "declared_by",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="invalidations",
                        to="tenants.tenant",
                    ),
                ),
                (
                    "version",
                    tenants.fields.TenantForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="invalidations",
                        to="consent.wordingversion",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("tenant", "version"), name="version_invalid_once"),
                ],
            },
        ),
        IsolateTenant("Invalidation"),
    ]
