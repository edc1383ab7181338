"""Routes of the outbox: tracked links."""

from django.urls import path

from messaging import views

public_urls = [path("r/<str:token>", views.follow, name="follow-link")]
