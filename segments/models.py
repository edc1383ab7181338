"""Segments: saved rules that say who belongs, computed when asked."""

import uuid

from django.db import models
from django.db.models.functions import Lower
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from tenants.fields import owner


class Segment(models.Model):
    tenant = owner("segments")
    uid = models.UUIDField(default=uuid.uuid4, editable=False)
    name = models.CharField(_("name"), max_length=100)
    description = models.TextField(_("description"), blank=True)
    # A rule tree; segments.rules says which nodes there are.
    rule = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=now, editable=False)
    updated_at = models.DateTimeField(default=now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "uid"], name="segment_uid"),
            models.UniqueConstraint("tenant", Lower("name"), name="one_segment_per_name"),
        ]

    def __str__(self) -> str:
        return self.name
