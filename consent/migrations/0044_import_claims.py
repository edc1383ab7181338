"""Lines of imports that claim a newer yes of somebody who has said no, for people to look at."""

import django.db.models.deletion
from django.db import migrations, models

import tenants.fields
from tenants.isolation import IsolateTenant


class Migration(migrations.Migration):
    dependencies = [
        ("consent", "0043_topics"),
        ("contacts", "0013_topics"),
        ("tenants", "0002_walls"),
    ]

    operations = [
        migrations.CreateModel(
            name="ImportClaim",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("line", models.IntegerField()),
                ("claimed_at", models.DateTimeField()),
                ("sealed", models.TextField()),
                (
                    "state",
                    models.CharField(
                        choices=[("open", "open"), ("offered", "way back offered"), ("dismissed", "dismissed")],
                        default="open",
                        max_length=9,
                    ),
                ),
                ("decided_at", models.DateTimeField(null=True)),
                (
                    "contact",
                    tenants.fields.TenantForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="import_claims",
                        to="contacts.contact",
                    ),
                ),
                (
                    "imported",
                    tenants.fields.TenantForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="claims",
                        to="contacts.import",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="import_claims",
                        to="tenants.tenant",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("tenant", "imported", "line"), name="claim_once_per_line"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("decided_at", None), ("state", "open")),
                            models.Q(models.Q(("state", "open"), _negated=True), ("decided_at__isnull", False)),
                            _connector="OR",
                        ),
                        name="claim_is_open_or_decided",
                    ),
                ],
            },
        ),
        IsolateTenant("ImportClaim"),
    ]
