"""Staff's view of what came in: stored webhooks, conversations, and what people wrote."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from inbox import actions
from inbox.models import Conversation, InboundMessage, WebhookEvent
from tenants.admin import ReadOnlyAdmin


@admin.register(WebhookEvent)
class WebhookEventAdmin(ReadOnlyAdmin):
    """Bodies as Meta sent them; those set aside can be applied again."""

    list_display = ["id", "received_at", "priority", "state", "attempts", "done_at", "error"]
    list_filter = ["state"]
    fields = ["received_at", "account_id", "priority", "state", "attempts", "done_at", "error", "text"]
    actions = ["try_again"]

    @admin.display(description=_("Body"))
    def text(self, event: WebhookEvent) -> str:
        return bytes(event.body).decode(errors="replace")

    @admin.action(description=_("Try again what was set aside"), permissions=["try_again"])
    def try_again(self, request: HttpRequest, events: QuerySet[WebhookEvent]) -> None:
        count = actions.try_again(event_ids=list(events.values_list("pk", flat=True)))
        told = ngettext("%(count)d webhook is applied again.", "%(count)d webhooks are applied again.", count)
        self.message_user(request, told % {"count": count})

    def has_try_again_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("inbox.change_webhookevent")


@admin.register(Conversation)
class ConversationAdmin(ReadOnlyAdmin):
    list_display = ["uid", "tenant", "number", "contact", "last_inbound_at"]
    list_select_related = ["tenant", "number", "contact"]
    search_fields = ["uid__exact", "contact__phone__exact"]


@admin.register(InboundMessage)
class InboundMessageAdmin(ReadOnlyAdmin):
    list_display = ["id", "tenant", "type", "is_opt_out", "needs_a_look", "looked_at", "sent_at"]
    list_select_related = ["tenant"]
    list_filter = ["type", "is_opt_out", "needs_a_look"]
    fields = [
        *("tenant", "conversation", "wamid", "type", "text", "payload", "content", "answers_id"),
        *("is_opt_out", "needs_a_look", "looked_at", "sent_at", "received_at"),
    ]
    readonly_fields = ["answers_id"]
