"""Routes of reports: the REST API and the dashboard's screens of numbers."""

from django.urls import URLPattern, path

from analytics.api import reports, timeline
from analytics.views import listing, overview, report

api_urls: list[URLPattern] = [
    path("campaigns/<uuid:uid>/report/", reports.CampaignReport.as_view(), name="campaign-report"),
    path("campaigns/<uuid:uid>/messages/", reports.CampaignMessages.as_view(), name="campaign-messages"),
    path("contacts/<uuid:uid>/timeline/", timeline.ContactTimeline.as_view(), name="contact-timeline"),
    path("reports/overview/", reports.OverviewReport.as_view(), name="overview-report"),
]

urlpatterns: list[URLPattern] = [
    path("", overview.overview, name="overview"),
    path("campaigns/", listing.campaigns, name="campaigns"),
    path("campaigns/<uuid:uid>/", report.report, name="campaign_report"),
    path("campaigns/<uuid:uid>/recipients/", report.recipients, name="campaign_recipients"),
]
