"""Routes of the consent app: its API, the dashboard's screens, and the pages that people see."""

from django.urls import URLPattern, path

import consent.api.questions
import consent.api.wordings
from consent.api import consents, forms, people, requests, suppressions
from consent.api import imports as imports_api
from consent.api import programs as programs_api
from consent.api import receipts as receipts_api
from consent.views import (
    blocking,
    claims,
    company,
    confirming,
    contacts,
    imports,
    own_receipts,
    own_topics,
    previews,
    processing,
    processors,
    programs,
    proofs,
    public,
    receipts,
    signups,
    topics,
    trail,
    withdrawals,
    wordings,
)
from consent.views import requests as request_views

CONTACT = "contacts/<uuid:uid>/"
OWN_RECEIPT = "p/<str:token>/receipts/<uuid:event_id>"

urlpatterns = [
    path("contacts/", contacts.contacts, name="contacts"),
    path("contacts/block/", blocking.block, name="block"),
    path(CONTACT, contacts.contact, name="contact"),
    path(f"{CONTACT}withdraw/", withdrawals.withdraw, name="withdraw"),
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
    path("imports/<uuid:uid>/informed/", imports.informed, name="import_informed"),
    path("imports/<uuid:uid>/cancel/", imports.cancel, name="import_cancel"),
    path("imports/<uuid:uid>/rejected/", imports.rejected, name="import_rejected"),
    path("imports/<uuid:uid>/notes/", imports.notes, name="import_notes"),
    path("imports/<uuid:uid>/claims/", claims.listing, name="import_claims"),
    path("imports/<uuid:uid>/claims/<int:line>/", claims.show, name="import_claim"),
    path("imports/<uuid:uid>/claims/<int:line>/offer/", claims.offer, name="import_claim_offer"),
    path("imports/<uuid:uid>/claims/<int:line>/dismiss/", claims.dismiss, name="import_claim_dismiss"),
    path("programs/", programs.programs, name="programs"),
    path("programs/<uuid:uid>/informed/", programs.informed, name="program_informed"),
    path("programs/<uuid:uid>/notice/", programs.notice, name="program_notice"),
    path("company/", company.company, name="company"),
    path("company/periods/", company.periods, name="company_periods"),
    path("processing/", processing.processing, name="processing"),
    path("processing/agreement/", processing.agreement, name="agreement"),
    path("processing/agreement/<uuid:uid>.pdf", processing.agreement_pdf, name="agreement_pdf"),
    path("processing/record/", processing.record, name="record"),
    path("processing/record.pdf", processing.record_pdf, name="record_pdf"),
    path("processing/handover/", processing.handover_ask, name="handover_ask"),
    path("processing/handover/<uuid:uid>.zip", processing.handover, name="handover"),
    path("processing/impact-assessment.txt", processing.impact_assessment, name="impact_assessment"),
    path("processing/processors/new/", processors.new, name="processor_new"),
    path("processing/processors/<uuid:uid>/", processors.change, name="processor"),
    path("processing/processors/<uuid:uid>/end/", processors.end, name="processor_end"),
    path("processing/breaches/new/", processing.breach_new, name="breach_new"),
    path("processing/breaches/<uuid:uid>/", processing.breach, name="breach"),
    path("processing/breaches/<uuid:uid>/people.csv", processing.breach_people, name="breach_people"),
    path("processing/breaches/<uuid:uid>/close/", processing.breach_close, name="breach_close"),
    path("log/", trail.listing, name="trail"),
    path("log/export.csv", trail.export, name="trail_export"),
    path("wordings/", wordings.wordings, name="wordings"),
    path("wordings/new/", wordings.new, name="wording_new"),
    path("wordings/lint/", wordings.lint, name="wording_lint"),
    path("wordings/<uuid:uid>/", wordings.show, name="wording"),
    path("wordings/<uuid:uid>/draft/", wordings.draft, name="wording_draft"),
    path("wordings/<uuid:uid>/revise/", wordings.revise, name="wording_revise"),
    path("wordings/<uuid:uid>/discard/", wordings.discard, name="wording_discard"),
    path("wordings/<uuid:uid>/publish/", wordings.publish, name="wording_publish"),
    path("wordings/<uuid:uid>/<int:number>/retire/", wordings.retire, name="wording_retire"),
    path("wordings/<uuid:uid>/<int:number>/invalid/", wordings.invalid, name="wording_invalid"),
    path("signups/", signups.forms, name="signup_forms"),
    path("signups/new/", signups.new, name="signup_new"),
    path("signups/<uuid:uid>/", signups.show, name="signup_form"),
    path("signups/<uuid:uid>/edit/", signups.edit, name="signup_edit"),
    path("signups/<uuid:uid>/preview/", previews.preview, {"step": "page"}, name="signup_preview"),
    path("signups/<uuid:uid>/preview/confirm/", previews.preview, {"step": "confirm"}, name="signup_preview_confirm"),
    path("signups/<uuid:uid>/preview/chat/", previews.preview, {"step": "chat"}, name="signup_preview_chat"),
    path("signups/<uuid:uid>/open/", signups.open_, name="signup_open"),
    path("signups/<uuid:uid>/close/", signups.close, name="signup_close"),
    path("signups/<uuid:uid>/codes/", signups.codes, name="signup_codes"),
    path("signups/<uuid:uid>/codes/remove/", signups.remove_codes, name="signup_codes_remove"),
    path("signups/<uuid:uid>/places/", signups.add_place, name="signup_place_add"),
    path("signups/<uuid:uid>/places/<str:code>/", signups.edit_place, name="signup_place"),
    path("signups/<uuid:uid>/places/<str:code>/archive/", signups.archive_place, name="signup_place_archive"),
    path("signups/<uuid:uid>/places/<str:code>/restore/", signups.restore_place, name="signup_place_restore"),
    path("signups/<uuid:uid>/places/<str:code>/poster.pdf", signups.poster, name="signup_poster"),
    path(
        "signups/<uuid:uid>/places/<str:code>/whatsapp-poster.pdf",
        signups.poster,
        {"is_direct": True},
        name="signup_direct_poster",
    ),
    path("signups/<uuid:uid>/places/<str:code>.<str:kind>", signups.qr, name="signup_qr"),
    path(
        "signups/<uuid:uid>/places/<str:code>/whatsapp.<str:kind>",
        signups.qr,
        {"is_direct": True},
        name="signup_direct_qr",
    ),
    path("topics/", topics.listing, name="topics"),
    path("topics/new/", topics.new, name="topic_new"),
    path("topics/<uuid:uid>/", topics.edit, name="topic"),
    path("data-requests/", request_views.listing, name="data_requests"),
    path("data-requests/new/", request_views.new, name="data_request_new"),
    path("data-requests/<uuid:uid>/", request_views.show, name="data_request"),
    path("data-requests/<uuid:uid>/identity/", request_views.note, name="data_request_identity"),
    path("data-requests/<uuid:uid>/identify/", request_views.new, name="data_request_identify"),
    path("data-requests/<uuid:uid>/also/", request_views.also, name="data_request_also"),
    path("data-requests/<uuid:uid>/run/", request_views.run, name="data_request_run"),
    path("data-requests/<uuid:uid>/correct/", request_views.correct, name="data_request_correct"),
    path("data-requests/<uuid:uid>/lift/", request_views.lift, name="data_request_lift"),
    path("data-requests/<uuid:uid>/extend/", request_views.extend, name="data_request_extend"),
    path("data-requests/<uuid:uid>/close/", request_views.close, name="data_request_close"),
    path("data-requests/<uuid:uid>/unblock/", request_views.unblock, name="data_request_unblock"),
    path("data-requests/<uuid:uid>/file/", request_views.download, name="data_request_file"),
]

# Without the name that makes the middleware ask for a login.
public_urls = [
    path("s/<slug:company>/<slug:form_slug>/", public.sign_up, name="signup_page"),
    path("s/<slug:company>/<slug:form_slug>/widget.js", public.widget, name="signup_widget"),
    path("s/<slug:company>/<slug:form_slug>/w/<slug:code>/", public.direct, name="signup_direct"),
    path("s/<slug:company>/logo-<str:digest>.png", public.logo, name="signup_logo"),
    path("p/<str:token>/", public.choose, name="preferences"),
    path("p/<str:token>/object/", public.object_, name="preferences_object"),
    path("p/<str:token>/topics/", own_topics.choose, name="preferences_topics"),
    *(
        path(f"{OWN_RECEIPT}.{kind}", own_receipts.receipt, {"kind": kind}, f"own_receipt_{kind}")
        for kind in ("json", "html", "pdf")
    ),
    path("p/<str:token>/confirm/", confirming.confirm, name="confirm_address"),
]

api_urls: list[URLPattern] = [
    *people.api_urls,
    *consents.api_urls,
    *suppressions.api_urls,
    *receipts_api.api_urls,
    *imports_api.api_urls,
    *programs_api.api_urls,
    *requests.api_urls,
    *consent.api.wordings.api_urls,
    *forms.api_urls,
    *consent.api.questions.api_urls,
]
