"""Routes of the consent app: its API and the dashboard's imports."""

from django.urls import URLPattern, path

from consent import views
from consent.api import consents, imports, people

urlpatterns = [
    path("imports/", views.imports, name="imports"),
    path("imports/new/", views.new, name="import_new"),
    path("imports/<uuid:uid>/", views.show, name="import"),
    path("imports/<uuid:uid>/columns/", views.columns, name="import_columns"),
    path("imports/<uuid:uid>/check/", views.check, name="import_check"),
    path("imports/<uuid:uid>/run/", views.run, name="import_run"),
    path("imports/<uuid:uid>/cancel/", views.cancel, name="import_cancel"),
    path("imports/<uuid:uid>/rejected/", views.rejected, name="import_rejected"),
]

api_urls: list[URLPattern] = [*people.api_urls, *consents.api_urls, *imports.api_urls]
