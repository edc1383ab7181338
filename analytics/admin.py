"""Staff's view of the KPI tables: to look at, never to change, because triggers alone write them."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from analytics.models import HourlyKpi, Kpi, OrderCredit, ReasonKpi


class ReadOnly(admin.ModelAdmin):
    """Shows rows and lets nobody add, change or delete one."""

    show_full_result_count = False
    list_per_page = 50

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Kpi)
class KpiAdmin(ReadOnly):
    list_display = ["source", "variant", "shard", "accepted", "sent", "delivered", "read", "clicked", "revenue"]
    list_select_related = ["source"]
    search_fields = ["source__name"]
    ordering = ["-source_id", "variant", "shard"]


@admin.register(HourlyKpi)
class HourlyKpiAdmin(ReadOnly):
    list_display = ["source", "variant", "hour", "shard", "sent", "delivered", "read", "failed", "clicked", "revenue"]
    list_select_related = ["source"]
    search_fields = ["source__name"]
    ordering = ["-hour"]


@admin.register(ReasonKpi)
class ReasonKpiAdmin(ReadOnly):
    list_display = ["source", "variant", "state", "reason", "error_code", "shard", "messages"]
    list_select_related = ["source"]
    list_filter = ["state"]
    search_fields = ["source__name", "reason", "error_code"]
    ordering = ["-source_id", "-messages"]


@admin.register(OrderCredit)
class OrderCreditAdmin(ReadOnly):
    list_display = ["source", "variant", "order_id", "value", "currency", "occurred_at"]
    list_select_related = ["source"]
    search_fields = ["source__name", "order_id"]
    ordering = ["-occurred_at"]
    # The event and the contact may have been erased since.
    fields = ["tenant", "source", "variant", "order_id", "value", "currency", "occurred_at"]
