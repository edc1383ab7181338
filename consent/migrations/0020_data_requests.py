"""A register of people's requests about their data, and a log of what was deleted because its time was over."""

import uuid

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import consent.models.rights
import tenants.fields
from tenants.isolation import IsolateTenant


class Migration(migrations.Migration):
    dependencies = [
        ("consent", "0010_invalidation"),
        ("contacts", "0006_no_index_on_tenant_alone"),
        ("tenants", "0004_no_index_on_tenant_alone"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="DataRequest",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("uid", models.UUIDField(default=uuid.uuid4, editable=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("access", "Access (Art. 15)"),
                            ("rectification", "Rectification (Art. 16)"),
                            ("erasure", "Erasure (Art. 17)"),
                            ("restriction", "Restriction (Art. 18)"),
                            ("portability", "Data portability (Art. 20)"),
                            ("objection", "Objection (Art. 21)"),
                        ],
                        max_length=13,
                        verbose_name="kind",
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "Open"),
                            ("working", "In progress"),
                            ("carried_out", "To be answered"),
                            ("done", "Answered"),
                            ("refused", "Refused"),
                        ],
                        default="open",
                        max_length=11,
                    ),
                ),
                ("subject_id", models.UUIDField()),
                ("digests", models.JSONField(blank=True, default=list)),
                ("received_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="received")),
                ("due_date", models.DateField()),
                ("extended_because", models.CharField(blank=True, default="", max_length=500, verbose_name="reason")),
                (
                    "checked_by",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("whatsapp", "Wrote from the WhatsApp account on file"),
                            ("email", "Answered from the e-mail address on file"),
                            ("account", "Logged in to the customer account"),
                            ("in_person", "Known in person"),
                            ("questions", "Knew order number and other details"),
                            ("document", "Showed a document"),
                        ],
                        default="",
                        max_length=10,
                        verbose_name="identity",
                    ),
                ),
                ("note", models.TextField(blank=True, default="", max_length=2000, verbose_name="note")),
                ("answer", models.TextField(blank=True, default="", max_length=4000, verbose_name="answer")),
                ("carried_out_at", models.DateTimeField(null=True)),
                ("done_at", models.DateTimeField(null=True)),
                (
                    "file",
                    models.FileField(
                        blank=True, default="", max_length=200, upload_to=consent.models.rights.where_exports_lie
                    ),
                ),
                ("file_until", models.DateTimeField(null=True)),
                ("leased_until", models.DateTimeField(null=True)),
                ("error", models.CharField(blank=True, default="", max_length=300)),
                ("kept_until", models.DateField(null=True)),
                (
                    "contact",
                    tenants.fields.TenantForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="data_requests",
                        to="contacts.contact",
                    ),
                ),
                (
                    "created_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "done_by",
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
                        related_name="data_requests",
                        to="tenants.tenant",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Disposal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "what",
                    models.CharField(
                        choices=[
                            ("messages", "Messages older than 24 months, made anonymous"),
                            ("clicks", "Clicks older than 24 months, made anonymous"),
                            ("inbound", "Received messages older than 24 months"),
                            ("consents", "Consents unused for 24 months, expired"),
                            ("proofs", "Proofs of consents that ended, after the third calendar year"),
                            ("exports", "Exports older than 7 days"),
                        ],
                        max_length=10,
                    ),
                ),
                ("count", models.IntegerField()),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "tenant",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="disposals",
                        to="tenants.tenant",
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="consentevidence",
            name="kept_until",
            field=models.DateField(null=True),
        ),
        migrations.AddIndex(
            model_name="consentevidence",
            index=models.Index(
                condition=models.Q(("kept_until__isnull", False)),
                fields=["tenant", "kept_until"],
                name="evidence_restricted",
            ),
        ),
        migrations.AddIndex(
            model_name="datarequest",
            index=models.Index(
                condition=models.Q(("state__in", ["done", "refused"]), _negated=True),
                fields=["tenant", "due_date"],
                name="data_request_open",
            ),
        ),
        migrations.AddIndex(
            model_name="datarequest",
            index=models.Index(fields=["tenant", "contact"], name="data_request_by_contact"),
        ),
        migrations.AddIndex(
            model_name="datarequest",
            index=models.Index(condition=models.Q(("state", "working")), fields=["state"], name="data_request_at_work"),
        ),
        migrations.AddIndex(
            model_name="datarequest",
            index=models.Index(
                condition=models.Q(("file_until__isnull", False)), fields=["file_until"], name="data_request_file"
            ),
        ),
        migrations.AddConstraint(
            model_name="datarequest",
            constraint=models.UniqueConstraint(fields=("tenant", "uid"), name="data_request_uid"),
        ),
        migrations.AddIndex(
            model_name="disposal",
            index=models.Index(fields=["tenant", "-id"], name="disposal_newest_first"),
        ),
        IsolateTenant("DataRequest"),
        IsolateTenant("Disposal"),
    ]
