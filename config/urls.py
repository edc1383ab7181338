"""Every route of the product: dashboard, API, webhooks, public pages, admin.

The tenant's slug is the first segment of dashboard routes, so everything else stands before it, and
`tenants.models.RESERVED_SLUGS` keeps tenants from taking those words. What operators ask, such as /healthz, is
answered before by config.probes.
"""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path, re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

import analytics.urls
import campaigns.urls
import consent.urls
import contacts.urls
import inbox.urls
import messaging.urls
import segments.urls
import tenants.urls
import whatsapp.urls
from tenants import problems

api_urls: list[URLPattern | URLResolver] = [
    *contacts.urls.api_urls,
    *consent.urls.api_urls,
    *segments.urls.api_urls,
    *whatsapp.urls.api_urls,
    *campaigns.urls.api_urls,
    *analytics.urls.api_urls,
    re_path("", problems.no_such_path),
]

dashboard_urls: list[URLPattern | URLResolver] = [
    *analytics.urls.urlpatterns,
    *campaigns.urls.urlpatterns,
    *consent.urls.urlpatterns,
    *inbox.urls.urlpatterns,
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/", admin.site.urls),
    path("api/v1/", include((api_urls, "api"))),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
    *inbox.urls.public_urls,
    *messaging.urls.public_urls,
    *consent.urls.public_urls,
    *tenants.urls.root_urls,
    path("accounts/", include("allauth.urls")),
    path("i18n/", include("django.conf.urls.i18n")),
    path("<slug:tenant_slug>/", include(dashboard_urls)),
]

handler400 = "tenants.problems.malformed"
handler500 = "tenants.problems.failed"
