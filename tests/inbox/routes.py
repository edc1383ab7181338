"""The main port's routes to the webhook view."""

from inbox.urls import public_urls as urlpatterns

__all__ = ["urlpatterns"]
