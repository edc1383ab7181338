"""Templates on both sides: as Meta describes them, and as somebody drafts, mends and submits them here."""

from typing import Any

from tenants.scope import tenant_scope
from whatsapp import actions, syncing, tasks
from whatsapp.models import Account, Template

BODY = [{"type": "BODY", "text": "Der Frühling ist da, und wir haben geöffnet."}]
BETTER = [{"type": "BODY", "text": "Der Sommer ist da, und wir haben geöffnet."}]


def sync(account: Account) -> int:
    return syncing.sync(account.tenant_id, account.pk)


def described(name: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, "language": "de", "category": "MARKETING", "components": BODY, **fields}


def draft(account: Account, name: str = "neu", **fields: Any) -> Template:
    with tenant_scope(account.tenant):
        return actions.save_template(
            tenant=account.tenant,
            account=account,
            name=name,
            language="de",
            category="MARKETING",
            components=BODY,
            by=None,
            **fields,
        )


def mend(account: Account) -> Template:
    """Change the one rejected template."""
    with tenant_scope(account.tenant):
        return actions.save_template(
            tenant=account.tenant,
            account=account,
            template=Template.objects.get(),
            name="angebot",
            language="de",
            category="MARKETING",
            components=BETTER,
            by=None,
        )


def stored(account: Account) -> dict[str, tuple[str, str]]:
    """(status, Meta's id) by name."""
    with tenant_scope(account.tenant):
        rows = Template.objects.filter(account=account).order_by("name")
        return {row.name: (row.status, row.meta_id) for row in rows}


def submit(template: Template) -> None:
    """Submit it and run the worker's part."""
    with tenant_scope(template.tenant):
        actions.submit_template(template=template, by=None)
    tasks.submit_template(tenant_id=template.tenant_id, template_id=template.pk)
