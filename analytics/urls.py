"""Routes of reports: the REST API and the dashboard's screens of numbers."""

from django.urls import URLPattern, path

from analytics.api import reports

api_urls: list[URLPattern] = [
    path("campaigns/<uuid:uid>/report/", reports.CampaignReport.as_view(), name="campaign-report"),
    path("campaigns/<uuid:uid>/messages/", reports.CampaignMessages.as_view(), name="campaign-messages"),
    path("reports/overview/", reports.OverviewReport.as_view(), name="overview-report"),
]

urlpatterns: list[URLPattern] = []
