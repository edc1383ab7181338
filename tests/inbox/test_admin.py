"""Staff see what came in and can apply again what was set aside."""

from collections.abc import Callable

from django.contrib.auth.models import Permission
from django.test import Client

from inbox import receiving
from inbox.models import InboundMessage, WebhookEvent
from tenants.models import User
from tenants.scope import across_tenants, tenant_scope
from tests.inbox import meta
from whatsapp.models import Number

Deliver = Callable[..., None]


def test_a_webhook_that_was_set_aside_can_be_tried_again(
    number: Number, deliver: Deliver, admin_client: Client
) -> None:
    deliver(meta.body(number, messages=[meta.text("Bestellung?")]), b"no JSON")
    with across_tenants("this test"):
        done, poisoned = WebhookEvent.objects.order_by("id")
        # As if the reason were gone: a fault of ours, say, that was repaired.
        WebhookEvent.objects.filter(pk=poisoned.pk).update(body=meta.body(number, messages=[meta.text("Hallo")]))
    assert (done.state, poisoned.state) == (1, 2)

    page = admin_client.get("/admin/inbox/webhookevent/?state__exact=2")
    assert "NotJSON while reading" in page.content.decode()
    chosen = {"action": "try_again", "_selected_action": [done.pk, poisoned.pk]}
    answer = admin_client.post("/admin/inbox/webhookevent/", chosen, follow=True)
    assert answer.status_code == 200
    receiving.run(seconds=60)

    with across_tenants("this test"):
        assert list(WebhookEvent.objects.order_by("id").values_list("state", "attempts")) == [(1, 1), (1, 2)]
    with tenant_scope(number.tenant):
        assert sorted(InboundMessage.objects.values_list("text", flat=True)) == ["Bestellung?", "Hallo"]


def test_staff_can_read_bodies_conversations_and_messages(
    number: Number, deliver: Deliver, admin_client: Client
) -> None:
    deliver(meta.body(number, messages=[meta.text("Habt ihr auf?")]))
    with across_tenants("this test"):
        event, message = WebhookEvent.objects.get(), InboundMessage.objects.get()

    assert "Habt ihr auf?" in admin_client.get(f"/admin/inbox/webhookevent/{event.pk}/change/").content.decode()
    assert "Habt ihr auf?" in admin_client.get(f"/admin/inbox/inboundmessage/{message.pk}/change/").content.decode()
    listed = admin_client.get("/admin/inbox/conversation/").content.decode()
    assert "+493023125001" in listed
    assert admin_client.post(f"/admin/inbox/webhookevent/{event.pk}/change/", {}).status_code == 403


def test_staff_who_may_only_look_cannot_try_again(number: Number, deliver: Deliver, client: Client) -> None:
    deliver(b"no JSON")
    staff = User.objects.create_user("dora@example.com", is_staff=True)
    staff.user_permissions.add(Permission.objects.get(codename="view_webhookevent"))
    client.force_login(staff)
    with across_tenants("this test"):
        event = WebhookEvent.objects.get()

    client.post("/admin/inbox/webhookevent/", {"action": "try_again", "_selected_action": [event.pk]})

    with across_tenants("this test"):
        assert WebhookEvent.objects.get().state == WebhookEvent.State.SET_ASIDE
