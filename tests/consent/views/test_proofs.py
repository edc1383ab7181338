"""The proof of consent: every row in order with its wording and hashes, evidence for few, and the same on paper."""

import re

import pytest
from django.test import Client
from django.utils import timezone, translation

from consent import personal, telling
from consent.actions import declarations
from consent.ledger import anchoring
from consent.models import Channel, ConsentEvent, ConsentEvidence, Source
from consent.rights import working
from contacts.models import Contact
from tenants.actions import NewTenant
from tenants.models import AuditEvent, Tenant
from tenants.roles import Role
from tenants.scope import tenant_scope
from tenants.templatetags import formats
from tests.consent.factories import NOON, agree, altered, minutes, person, published, say, stop, wording_text
from tests.consent.views.pages import as_role, shown

WAMID = "wamid.HBgNNDkzMDIzMTI1MDAxFQIAEhg"


@pytest.fixture
def anna(bakery: Tenant) -> Contact:
    """Anna asked to sign up, confirmed on WhatsApp with a button, and withdrew ten minutes later."""
    with tenant_scope(bakery):
        anna = person(bakery, first_name="Anna", last_name="Müller", phone="+493023125001")
        version = published(bakery)
        request = declarations.request(
            tenant=bakery,
            contact=anna,
            dedupe="form",
            source=Source.SIGNUP_PAGE,
            source_ref="form laden",
            wording=version,
            language="de",
            occurred_at=minutes(-5),
            evidence={"ip": "203.0.113.7", "user_agent": "Firefox"},
        )
        agree(
            bakery,
            anna,
            wording=version,
            language="de",
            doi_request_seq=request[0].seq,
            evidence={"wamid": WAMID, "text": "Ja, anmelden"},
        )
        stop(bakery, anna, evidence={"wamid": "wamid.STOP", "text": "STOPP"})
        return anna


def at(contact: Contact, path: str = "proof/") -> str:
    return f"/bakery/contacts/{contact.uid}/{path}"


@pytest.mark.parametrize(
    ("ref", "told"),
    [
        ("form theke, k7m2qxyz", "form theke, k7m2qxyz"),
        ("import 0192 line 7", "import 0192, line 7"),
        ("wording 0192 v2", "consent text 0192, version 2"),
        ("unused for 24 months", "unused for 24 months"),
        ("not confirmed within 7 days", "not confirmed within 7 days"),
    ],
)
def test_where_a_row_of_our_own_writing_comes_from_is_told_in_words(ref: str, told: str) -> None:
    with translation.override("en"):
        assert telling.source_ref(ref) == told
    assert any(re.fullmatch(pattern, ref) for pattern, _told in telling.REFS)
    # What somebody else has written stays as it is.
    assert telling.source_ref(f"Bon 100 % {ref}") == f"Bon 100 % {ref}"


def test_rows_stand_in_the_order_of_the_chain_with_everything_that_proves_them(
    alice: Client, anna: Contact, bakery: Tenant
) -> None:
    page = shown(alice, at(anna))
    with tenant_scope(bakery):
        rows = list(ConsentEvent.objects.order_by("seq"))

    told = ("Asked to sign up, not confirmed yet", "Consent given", "Consent withdrawn")
    places = [page.index(text) for text in told]
    assert places == sorted(places)
    assert wording_text() in page
    assert "Ladenformular, version 1" in page
    assert "Sign-up page · form laden" in page
    assert "request in row 1 of 2026-11-20, 12:55:00 (UTC+01:00)" in page
    assert "2026-11-20, 13:00:00 (UTC+01:00)" in page
    for row in rows:
        assert bytes(row.row_hash).hex() in page
        assert row.wording_sha256 in page
        assert f"row {row.seq} of {len(rows)}" in page
    assert "5 rows were hashed again just now" in page


def test_the_page_tells_in_the_readers_language_whence_a_row_comes_and_on_which_law_it_rests(
    alice: Client, anna: Contact, bakery: Tenant
) -> None:
    with tenant_scope(bakery):
        agree(bakery, anna, pairs=[("whatsapp", "tracking")])

    alice.cookies["django_language"] = "de"
    page = shown(alice, at(anna))

    assert "Formular laden" in page
    assert "§ 25 Abs. 1 TDDDG" in page


def test_art_15_what_the_person_is_sent_tells_it_in_words_too(anna: Contact, bakery: Tenant) -> None:
    with tenant_scope(bakery), translation.override("de"):
        agree(bakery, anna, pairs=[("whatsapp", "tracking")])
        told = str([list(section.rows) for section in personal.tell(anna)])

    assert "Formular laden" in told
    assert "§ 25 Abs. 1 TDDDG" in told
    assert "6-1-a" not in told


def test_the_page_opens_without_evidence_and_the_button_shows_it_and_says_so_in_the_trail(
    alice: Client, anna: Contact, bakery: Tenant, bakery_made: NewTenant
) -> None:
    closed = shown(alice, at(anna))
    opened = " ".join(alice.post(at(anna)).content.decode().split())

    assert WAMID not in closed
    assert "203.0.113.7" not in closed
    assert "Message id and answer lie encrypted in the evidence." in closed
    assert f'Confirmed on WhatsApp by message</dt> <dd class="hash">{WAMID}' in opened
    assert "“Ja, anmelden”" in opened
    assert "203.0.113.7" in opened
    assert "STOPP" in opened
    with tenant_scope(bakery):
        [look] = AuditEvent.objects.filter(verb="consent.evidence_read")
    assert (look.user_id, look.object_uid) == (bakery_made.owner.pk, str(anna.uid))
    assert look.changes == {"seq": [1, 2, 3, 4, 5]}


@pytest.mark.parametrize(
    ("role", "may"), [(Role.LEGAL, True), (Role.ADMIN, True), (Role.MARKETER, False), (Role.AGENT, False)]
)
def test_evidence_is_for_owners_admins_and_the_legal_role(
    alice: Client, anna: Contact, bakery: Tenant, bakery_made: NewTenant, role: Role, may: bool
) -> None:
    as_role(bakery_made, role)

    page = shown(alice, at(anna))

    assert ("Show evidence" in page) is may
    for path in ("proof/", "proof.pdf"):
        assert alice.post(at(anna, path)).status_code == (200 if may else 403)
    with tenant_scope(bakery):
        assert AuditEvent.objects.filter(verb="consent.evidence_read").count() == (2 if may else 0)


def test_suppressions_that_hit_the_person_are_listed(alice: Client, anna: Contact) -> None:
    page = shown(alice, at(anna))

    assert "Suppression list" in page
    assert "phone number" in page
    assert "Withdrawal" in page


def test_the_nearest_signed_ends_of_the_ledger_stand_at_each_row(alice: Client, anna: Contact, bakery: Tenant) -> None:
    assert "none yet: the chain is sealed once a day" in shown(alice, at(anna))
    signed = anchoring.anchor(bakery)
    assert signed

    page = shown(alice, at(anna))

    assert f"{formats.day(timezone.now().date())}, row 5, signed with key {signed.key_id}" in page
    assert "none: the row is older than the first seal" in page


def test_an_edited_row_is_marked(alice: Client, anna: Contact, bakery: Tenant) -> None:
    with tenant_scope(bakery):
        altered(lambda: ConsentEvent.objects.filter(seq=3).update(state="granted"))

    page = shown(alice, at(anna))

    assert "The rows do not fit the chain" in page
    assert page.count("does not fit the chain") == 1
    assert "its columns differ from the text that was hashed" in page


def test_a_chain_built_anew_does_not_fit_its_signed_end(alice: Client, anna: Contact, bakery: Tenant) -> None:
    anchoring.anchor(bakery)
    with tenant_scope(bakery):
        altered(lambda: ConsentEvent.objects.filter(seq=5).update(row_hash=b"0" * 32))

    page = shown(alice, at(anna))

    assert "the signed end of the chain does not fit the chain" in page
    assert "it is not the row that the head of the chain names" in page


def test_evidence_that_was_exchanged_is_marked(alice: Client, anna: Contact, bakery: Tenant) -> None:
    with tenant_scope(bakery):
        ConsentEvidence.objects.filter(event_id=ConsentEvent.objects.get(seq=1).event_id).update(salt=b"other")

    assert "the evidence does not have the digest that the row names" in alice.post(at(anna)).content.decode()


def test_rows_of_a_merged_contact_belong_to_the_proof(alice: Client, anna: Contact, bakery: Tenant) -> None:
    with tenant_scope(bakery):
        other = person(bakery)
        say(bakery, other, "refused", occurred_at=NOON)
        declarations.merged(tenant=bakery, kept=anna, gone=other)

    page = shown(alice, at(anna))

    assert "Consent declined" in page
    assert "Two contacts turned out to be one person" in page


def test_a_text_that_was_never_published_is_shown_from_the_evidence(alice: Client, bakery: Tenant) -> None:
    text = "Ja, schickt mir Angebote per WhatsApp."
    with tenant_scope(bakery):
        bert = person(bakery)
        agree(bakery, bert, wording_text=text, evidence={"proof": "Karton 7"})

    page = shown(alice, at(bert))

    assert text in page
    assert "Karton 7" not in page


def test_a_text_longer_than_a_page_is_printed_all_the_same(alice: Client, bakery: Tenant) -> None:
    with tenant_scope(bakery):
        bert = person(bakery)
        agree(bakery, bert, wording_text="Ja, per WhatsApp. " * 600, evidence={"proof": "x" * 9000})

    for answer in (alice.get(at(bert, "proof.pdf")), alice.post(at(bert, "proof.pdf"))):
        assert answer.content.startswith(b"%PDF")


def test_nothing_on_record_says_so(alice: Client, bakery: Tenant) -> None:
    with tenant_scope(bakery):
        bert = person(bakery, first_name="Bert")

    assert "The ledger has no row about this person." in shown(alice, at(bert))
    assert alice.get(at(bert, "proof.pdf")).content.startswith(b"%PDF")


def test_the_same_is_there_on_paper(alice: Client, anna: Contact, bakery: Tenant) -> None:
    plain = alice.get(at(anna, "proof.pdf"))
    with_evidence = alice.post(at(anna, "proof.pdf"))

    assert plain["Content-Type"] == "application/pdf"
    assert "attachment" in plain["Content-Disposition"]
    assert plain.content.startswith(b"%PDF")
    assert len(with_evidence.content) > len(plain.content)
    with tenant_scope(bakery):
        assert AuditEvent.objects.filter(verb="consent.evidence_read").count() == 1


def test_a_withdrawal_of_everything_is_told_for_all_channels(alice: Client, bakery: Tenant) -> None:
    with tenant_scope(bakery):
        bert = person(bakery)
        declarations.object_(tenant=bakery, contact=bert, dedupe="o", source=Source.AGENT, channel=Channel.ALL)

    page = shown(alice, at(bert))

    assert "Objected to advertising" in page
    assert "All channels · All purposes" in page


@pytest.mark.parametrize("role", [Role.MARKETER, Role.AGENT])
def test_after_a_withdrawal_the_chain_is_for_all_and_what_proves_it_for_few(
    alice: Client, anna: Contact, bakery: Tenant, bakery_made: NewTenant, role: Role
) -> None:
    asked = with_export(alice, anna, bakery)
    as_role(bakery_made, role)

    page = shown(alice, at(anna))
    told = ("Asked to sign up, not confirmed yet", "Consent given", "Consent withdrawn")
    assert all(text in page for text in told)
    with tenant_scope(bakery):
        receipts = [f"consents/{row.event_id}/receipt.json" for row in ConsentEvent.objects.all()]
    everything = [page, shown(alice, at(anna, "")), *(shown(alice, at(anna, path)) for path in receipts)]
    for secret in (WAMID, "wamid.STOP", "203.0.113.7", "Firefox", "Ja, anmelden"):
        assert not [text for text in everything if secret in text], secret
    assert "only owners, admins and the legal role can download it" in shown(alice, asked)
    assert alice.get(f"{asked}file/").status_code == 403


def test_whoever_takes_an_export_with_all_evidence_is_written_down(
    alice: Client, anna: Contact, bakery: Tenant, bakery_made: NewTenant
) -> None:
    asked = with_export(alice, anna, bakery)
    as_role(bakery_made, Role.LEGAL)

    assert b"".join(alice.get(f"{asked}file/").streaming_content).startswith(b"PK")

    with tenant_scope(bakery):
        [look] = AuditEvent.objects.filter(verb="data_request.file_taken")
    assert look.user_id == bakery_made.owner.pk


def with_export(alice: Client, anna: Contact, bakery: Tenant) -> str:
    """The page of Anna's request for all her data, whose export is ready."""
    given = {"contact": str(anna.uid), "kind": "access", "checked_by": "email", "received_on": "2026-11-20"}
    page: str = alice.post("/bakery/data-requests/new/", given).headers["Location"]
    alice.post(f"{page}run/")
    for tenant_id, request_id in working.due():
        working.work(tenant_id, request_id)
    return page
