"""One row of each kind that an address can name, so that every page with a uid can be asked for."""

from datetime import UTC, datetime
from typing import Any

from benchmarks.world import World
from campaigns import actions as campaigns
from campaigns.models import Campaign
from consent.actions import breaches, processors, requests, signup_forms, wordings
from contacts.actions import tags
from contacts.models import Contact, ContactList, Program
from segments import actions as segments
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests import factories
from tests.consent.factories import agree, open_form, person, stop
from tests.consent.imports import done

# Who said no, and whose newer yes a file then claims; and a line without a number.
REFUSED = "+4915123456780"
LINES = (
    "Handy;Einwilligung am;Einwilligungsquelle;Wortlaut;Nachweis\n"
    "0151 23456780;01.02.2025;Ladenformular;Ja, ich möchte Angebote per WhatsApp. Ich bin mindestens 16.;Blatt 1\n"
    "keine;01.02.2025;Ladenformular;Ja, ich möchte Angebote per WhatsApp. Ich bin mindestens 16.;Blatt 2\n"
)
RULE = {"op": "and", "rules": [{"field": "postcode", "op": "is_set"}]}
Values = dict[str, Any]


def one_of_each(found: World) -> dict[str, Values]:
    """What stands for the parameters of a route, by how the route begins; the longest beginning counts."""
    tenant = found.tenant
    with tenant_scope(tenant):
        newest, contact = tenant.campaigns.exclude(state="draft").latest("pk"), tenant.contacts.latest("pk")
        # Nobody was added since, and pages of a campaign with few messages would be no measure.
        assert newest.source.messages.count() == tenant.contacts.count(), "the newest campaign did not go to everybody"
        unsent = draft(found)
        rows = {
            "contacts/": contact,
            "campaigns/": newest,
            "campaigns/<uuid:uid>/edit/": unsent,
            "campaigns/<uuid:uid>/estimate/": unsent,
            "numbers/": tenant.numbers.get(),
            "templates/": tenant.templates.get(),
            "lists/": found.everybody,
            "segments/": segments.create(tenant=tenant, name="Mit Postleitzahl", rule=RULE, by=None),
            "tags/": tags.create_tag(tenant=tenant, name="Stammkunde", by=None),
            "topics/": ContactList.objects.create(tenant=tenant, name="neu", is_topic=True, title_de="Neuheiten"),
            "programs/": Program.objects.create(tenant=tenant, api_key=tenant.api_keys.first()),
            "data-requests/": requests.take(tenant=tenant, contact=contact, kind="access", by=None),
            "data-requests/<uuid:uid>/identify/": requests.take(
                tenant=tenant, contact=None, kind="access", name="Anna M.", by=None
            ),
            **_processing(tenant),
        }
        values: dict[str, Values] = {start: {"uid": row.uid} for start, row in rows.items()}
        return {**values, **_receipt(tenant), **_form(tenant), **_import(tenant)}


def draft(found: World) -> Campaign:
    """One to everybody, as it stands before its launch."""
    with tenant_scope(found.tenant):
        made = campaigns.create(tenant=found.tenant, name="Entwurf", by=None)
        campaigns.set_audience(campaign=made, by=None, include_lists=[found.everybody])
        campaigns.set_content(
            campaign=made, by=None, template=found.tenant.templates.get(), variables=factories.VARIABLES
        )
    return made


def _processing(tenant: Tenant) -> dict[str, Any]:
    agency = {"name": "Agentur Nord GmbH", "purpose": "Schreibt unsere Newsletter", "country": "DE"}
    lost = {"what": "Laptop im Zug verloren", "data": "Namen und Nummern", "is_risk": True}
    return {
        "processing/agreement/": tenant.agreements.latest("pk"),
        "processing/processors/": processors.add(tenant=tenant, by=None, **agency),
        "processing/breaches/": breaches.note(tenant=tenant, by=None, known_at=datetime.now(UTC), **lost),
    }


def _receipt(tenant: Tenant) -> dict[str, Values]:
    """Somebody with a yes in the ledger; the others' states were written without it."""
    who: Contact = person(tenant, first_name="Anna", phone="+493023125999")
    values = {"uid": who.uid, "event_id": agree(tenant, who)[0].event_id}
    return dict.fromkeys(("contacts/<uuid:uid>/consents/", "contacts/<uuid:uid>/proof"), values)


def _form(tenant: Tenant) -> dict[str, Values]:
    form = open_form(tenant, number="+493023125000")
    place = signup_forms.add_place(form=form, name="Kasse", by=None)
    wordings.revise(wording=form.wording, by=None)
    of_form = {"uid": form.uid, "code": place.code, "to": "page", "kind": "svg"}
    return {"signups/": of_form, "forms/": of_form, "wordings/": {"uid": form.wording.uid, "number": 1}}


def _import(tenant: Tenant) -> dict[str, Values]:
    stop(tenant, person(tenant, phone=REFUSED), occurred_at=datetime(2024, 5, 1, tzinfo=UTC))
    return {"imports/": {"uid": done(tenant, LINES).uid, "line": 2}}
