"""The inbox's routes."""

from django.urls import path

from inbox import views, webhooks

urlpatterns = [
    path("look/", views.to_look_at, name="to_look_at"),
    path("look/<str:token>/opt-out/", views.opt_out, name="look_opt_out"),
    path("look/<str:token>/done/", views.done, name="look_done"),
]

# Without the last slash too: Meta posts to exactly what somebody typed, and a POST cannot be redirected.
public_urls = [
    path("webhooks/whatsapp", webhooks.receive),
    path("webhooks/whatsapp/", webhooks.receive, name="webhook"),
    path("webhooks/whatsapp/<uuid:account_uid>", webhooks.receive),
    path("webhooks/whatsapp/<uuid:account_uid>/", webhooks.receive, name="webhook_of_account"),
]
