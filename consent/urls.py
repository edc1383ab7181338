"""Routes of the consent app: its API and the dashboard's contacts, proofs, receipts and imports."""

from django.urls import URLPattern, path

from consent.api import consents, people
from consent.api import imports as imports_api
from consent.api import receipts as receipts_api
from consent.views import contacts, imports, proofs, receipts

CONTACT = "contacts/<uuid:uid>/"

urlpatterns = [
    path("contacts/", contacts.contacts, name="contacts"),
    path(CONTACT, contacts.contact, name="contact"),
    path(f"{CONTACT}proof/", proofs.proof, name="proof"),
    path(f"{CONTACT}proof.pdf", proofs.pdf, name="proof_pdf"),
    *(
        path(f"{CONTACT}consents/<uuid:event_id>/receipt.{kind}", receipts.receipt, {"kind": kind}, f"receipt_{kind}")
        for kind in ("json", "html", "pdf")
    ),
    path("receipts/verify/", receipts.verify, name="receipt_verify"),
    path("imports/", imports.imports, name="imports"),
    path("imports/new/", imports.new, name="import_new"),
    path("imports/<uuid:uid>/", imports.show, name="import"),
    path("imports/<uuid:uid>/columns/", imports.columns, name="import_columns"),
    path("imports/<uuid:uid>/check/", imports.check, name="import_check"),
    path("imports/<uuid:uid>/run/", imports.run, name="import_run"),
    path("imports/<uuid:uid>/cancel/", imports.cancel, name="import_cancel"),
    path("imports/<uuid:uid>/rejected/", imports.rejected, name="import_rejected"),
    path("imports/<uuid:uid>/notes/", imports.notes, name="import_notes"),
]

api_urls: list[URLPattern] = [
    *people.api_urls,
    *consents.api_urls,
    *receipts_api.api_urls,
    *imports_api.api_urls,
]
