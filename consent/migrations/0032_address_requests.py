"""Addresses from sign-up pages, each with the mail that asks for a yes to it (CG-11, CG-12)."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import tenants.fields
from tenants.isolation import IsolateTenant


class Migration(migrations.Migration):
    dependencies = [("consent", "0031_contract_attributes"), ("contacts", "0006_no_index_on_tenant_alone")]

    operations = [
        migrations.CreateModel(
            name="AddressRequest",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("mailbox", models.BinaryField()),
                ("day", models.DateField(default=django.utils.timezone.localdate)),
                ("sealed", models.TextField()),
                ("message_id", models.CharField(max_length=200)),
                ("requested_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("sent_at", models.DateTimeField(null=True)),
                ("confirmed_at", models.DateTimeField(null=True)),
                ("next_attempt_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("error", models.CharField(blank=True, default="", max_length=100)),
                (
                    "contact",
                    tenants.fields.TenantForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="address_requests",
                        to="contacts.contact",
                    ),
                ),
                (
                    "signup",
                    tenants.fields.TenantForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="addresses",
                        to="consent.signuprequest",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="address_requests",
                        to="tenants.tenant",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("sent_at", None)), fields=["next_attempt_at"], name="address_request_owed"
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("tenant", "signup"), name="one_address_per_sign_up"),
                    models.UniqueConstraint(
                        condition=models.Q(("sent_at", None)),
                        fields=("tenant", "mailbox"),
                        name="one_waiting_mail_per_mailbox",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("confirmed_at", None)),
                        fields=("tenant", "mailbox", "day"),
                        name="one_open_address_request_a_day",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("confirmed_at", None),
                            models.Q(("sealed", ""), ("sent_at__isnull", False)),
                            _connector="OR",
                        ),
                        name="confirmed_address_was_written_to",
                    ),
                ],
            },
        ),
        IsolateTenant("AddressRequest"),
    ]
