"""The inbox's routes."""

from django.urls import path

from inbox import webhooks

# Without the last slash too: Meta posts to exactly what somebody typed, and a POST cannot be redirected.
public_urls = [
    path("webhooks/whatsapp", webhooks.receive),
    path("webhooks/whatsapp/", webhooks.receive, name="webhook"),
    path("webhooks/whatsapp/<uuid:account_uid>", webhooks.receive),
    path("webhooks/whatsapp/<uuid:account_uid>/", webhooks.receive, name="webhook_of_account"),
]
