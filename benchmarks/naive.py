"""How products of this kind are usually written: one Celery task per message or webhook, and the ORM row by row.

Started as `celery -A benchmarks.naive worker`; the benchmarks measure it beside ours.
"""

import json
import os
from functools import cache

import django
import httpx
from django.apps import apps
from django.conf import settings
from django.db.models import F
from django.utils.timezone import now

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
if not apps.ready:
    django.setup()

from analytics.models import Kpi
from config.celery import app
from consent.models import ConsentState
from messaging.models import Message
from tenants.scope import tenant_scope

QUEUE = "naive"
ORDER = {"sent": Message.State.SENT, "delivered": Message.State.DELIVERED, "read": Message.State.READ}


@cache
def client() -> httpx.Client:
    """One client per process, its connections kept alive."""
    return httpx.Client(timeout=30)


@app.task(name="benchmarks.send_one", queue=QUEUE)
def send_one(tenant_id: int, message_id: int) -> None:
    """Look the recipient up, ask for consent, send, save."""
    with tenant_scope(tenant_id):
        message = Message.objects.select_related("contact", "source__number").get(pk=message_id)
        asked = ConsentState.objects.filter(
            tenant=tenant_id, subject_id=message.contact.subject_id, channel="whatsapp", purpose="marketing"
        ).first()
        if asked is None or asked.state != "granted":
            return
    body = {"messaging_product": "whatsapp", "to": message.contact.phone, "type": "template", "template": {}}
    url = f"{settings.WHATSAPP_API_URL}/v25.0/{message.source.number.phone_number_id}/messages"
    answer = client().post(url, json=body, headers={"Authorization": "Bearer token"}).json()
    with tenant_scope(tenant_id):
        message.wamid = answer["messages"][0]["id"]
        message.state, message.queue, message.accepted_at = Message.State.ACCEPTED, Message.Queue.OUT, now()
        message.save()


@app.task(name="benchmarks.receive_one", queue=QUEUE)
def receive_one(tenant_id: int, body: str) -> None:
    """Find each status' message, save what it says, count it."""
    for entry in json.loads(body)["entry"]:
        for status in entry["changes"][0]["value"]["statuses"]:
            with tenant_scope(tenant_id):
                message = Message.objects.select_for_update().get(tenant=tenant_id, wamid=status["id"])
                reached = ORDER[status["status"]]
                if message.state >= reached:
                    continue
                message.state = reached
                setattr(message, f"{status['status']}_at", now())
                message.save()
                Kpi.objects.filter(tenant=tenant_id, source=message.source_id, shard=0).update(sent=F("sent") + 1)
