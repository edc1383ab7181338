"""Staff's view of the KPI tables: to look at, never to change, because triggers alone write them."""

from django.contrib import admin

from analytics.models import CostKpi, HourlyKpi, Kpi, OrderCredit, ReasonKpi
from tenants.admin import ReadOnlyAdmin


@admin.register(Kpi)
class KpiAdmin(ReadOnlyAdmin):
    list_display = ["source", "variant", "shard", "accepted", "sent", "delivered", "read", "clicked", "revenue"]
    list_select_related = ["source"]
    search_fields = ["source__name"]
    ordering = ("-source_id",)


@admin.register(HourlyKpi)
class HourlyKpiAdmin(ReadOnlyAdmin):
    list_display = ["source", "variant", "hour", "shard", "sent", "delivered", "read", "failed", "clicked", "revenue"]
    list_select_related = ["source"]
    search_fields = ["source__name"]
    ordering = ("-hour",)


@admin.register(ReasonKpi)
class ReasonKpiAdmin(ReadOnlyAdmin):
    list_display = ["source", "variant", "state", "reason", "error_code", "shard", "messages"]
    list_select_related = ["source"]
    list_filter = ["state"]
    search_fields = ["source__name", "reason", "error_code"]
    ordering = ("-source_id",)


@admin.register(CostKpi)
class CostKpiAdmin(ReadOnlyAdmin):
    list_display = ["source", "variant", "hour", "market", "price_type", "price_category", "shard", "messages"]
    list_select_related = ["source"]
    list_filter = ["price_category"]
    search_fields = ["source__name", "market__exact"]
    ordering = ("-hour",)


@admin.register(OrderCredit)
class OrderCreditAdmin(ReadOnlyAdmin):
    list_display = ["source", "variant", "order_id", "value", "currency", "occurred_at"]
    list_select_related = ["source"]
    search_fields = ["source__name", "order_id"]
    ordering = ("-occurred_at",)
    # The event and the contact may have been erased since.
    fields = ["tenant", "source", "variant", "order_id", "value", "currency", "occurred_at"]
