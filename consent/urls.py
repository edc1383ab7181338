"""Routes of the consent app: its API and the dashboard's imports."""

from django.urls import URLPattern, path

from consent.api import consents, people
from consent.api import imports as imports_api
from consent.views import imports

urlpatterns = [
    path("imports/", imports.imports, name="imports"),
    path("imports/new/", imports.new, name="import_new"),
    path("imports/<uuid:uid>/", imports.show, name="import"),
    path("imports/<uuid:uid>/columns/", imports.columns, name="import_columns"),
    path("imports/<uuid:uid>/check/", imports.check, name="import_check"),
    path("imports/<uuid:uid>/run/", imports.run, name="import_run"),
    path("imports/<uuid:uid>/cancel/", imports.cancel, name="import_cancel"),
    path("imports/<uuid:uid>/rejected/", imports.rejected, name="import_rejected"),
    path("imports/<uuid:uid>/notes/", imports.notes, name="import_notes"),
]

api_urls: list[URLPattern] = [*people.api_urls, *consents.api_urls, *imports_api.api_urls]
