"""Only this app's API, at its own path."""

from django.urls import include, path

from analytics.urls import api_urls

urlpatterns = [path("api/v1/", include((api_urls, "api")))]
