"""Django admin of segments: look at a rule, mend it, with the same checks as everywhere."""

from typing import Any, cast

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from segments import actions, queries
from segments.models import Segment
from segments.rules import InvalidRule
from tenants.admin import BigTableAdmin
from tenants.models import User


class SegmentForm(forms.ModelForm):
    class Meta:
        model = Segment
        fields = ("name", "description", "rule")

    def clean_rule(self) -> dict[str, Any]:
        rule: dict[str, Any] = self.cleaned_data["rule"]
        try:
            queries.check(self.instance.tenant, rule)
        except InvalidRule as invalid:
            raise forms.ValidationError(
                [f"{path}: {text}" for path, texts in invalid.errors.items() for text in texts]
            ) from None
        return rule


@admin.register(Segment)
class SegmentAdmin(BigTableAdmin):
    form = SegmentForm
    list_display = ("name", "tenant", "created_at", "updated_at")
    list_select_related = ("tenant",)
    search_fields = ("name",)
    fields = ("tenant", "uid", "name", "description", "rule", "created_at", "updated_at")
    readonly_fields = ("tenant", "uid", "created_at", "updated_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Segment, form: Any, change: bool) -> None:
        changes = {name: form.cleaned_data[name] for name in form.changed_data}
        actions.update(segment=obj, by=cast(User, request.user), **changes)

    def delete_model(self, request: HttpRequest, obj: Segment) -> None:
        actions.delete(segment=obj, by=cast(User, request.user))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Segment]) -> None:
        for segment in queryset.select_related("tenant"):
            actions.delete(segment=segment, by=cast(User, request.user))
