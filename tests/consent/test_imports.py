"""Whole imports: counts that add up, duplicates, dry runs, consent, cancelling, and killed workers."""

import pytest
from django.core.exceptions import ValidationError

from consent.actions import imports
from consent.models import ConsentEvent
from contacts.models import Contact, ContactList, Identity, RejectedRow, StagedRow
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.consent.imports import counts, done, fixture, started, worked

pytestmark = pytest.mark.usefixtures("as_runtime")

PHONES = "Handy;Vorname\n0151 23456780;Anna\n0151 23456781;Bernd\n"


def test_a_file_becomes_contacts_and_every_line_is_counted(bakery: Tenant) -> None:
    imported = done(bakery, PHONES)

    assert counts(imported) == (2, 0, 0, 0)
    with tenant_scope(bakery):
        found = Contact.objects.order_by("phone").values_list("phone", "first_name")
        assert list(found) == [("+4915123456780", "Anna"), ("+4915123456781", "Bernd")]
        assert Identity.objects.filter(kind="phone").count() == 2
        assert not StagedRow.objects.exists()


def test_the_same_file_twice_changes_nothing(bakery: Tenant) -> None:
    done(bakery, PHONES, tags=["Laden"])
    with tenant_scope(bakery):
        before = list(Contact.objects.order_by("pk").values())

    again = done(bakery, PHONES, tags=["Laden"])

    assert counts(again) == (0, 0, 2, 0)
    with tenant_scope(bakery):
        assert list(Contact.objects.order_by("pk").values()) == before


def test_only_changed_lines_count_as_updated_and_empty_cells_erase_nothing(bakery: Tenant) -> None:
    done(bakery, "Handy;Vorname;Ort\n0151 23456780;Anna;Berlin\n0151 23456781;Bernd;Bonn\n")

    imported = done(bakery, "Handy;Vorname;Ort\n0151 23456780;;Bremen\n0151 23456781;;\n")

    assert counts(imported) == (0, 1, 1, 0)
    with tenant_scope(bakery):
        anna = Contact.objects.get(phone="+4915123456780")
        assert (anna.first_name, anna.attributes) == ("Anna", {"city": "Bremen"})


def test_a_german_excel_file_keeps_its_umlauts_and_counts_every_reason(bakery: Tenant) -> None:
    imported = done(bakery, fixture("excel_cp1252.csv"))

    assert imported.encoding == "cp1252"
    assert imported.delimiter == ";"
    assert counts(imported) == (4, 0, 0, 2)
    assert imported.reasons == {"invalid_phone": 1, "duplicate_in_file": 1}
    assert imported.consent_counts == {"granted": 2, "no_proof": 1, "not_claimed": 1, "line_rejected": 2}
    with tenant_scope(bakery):
        juergen = Contact.objects.get(external_id="K-1")
        assert (juergen.first_name, juergen.last_name) == ("Jürgen", "Müßig")
        assert (juergen.postcode, str(juergen.birthday)) == ("01067", "1979-12-31")
        assert Contact.objects.get(external_id="K-2").phone == "+4915123456784"


def test_a_file_of_excel_for_mac_is_read_also_with_line_breaks_inside_its_cells(bakery: Tenant) -> None:
    imported = done(bakery, fixture("excel_mac.csv"))

    assert (imported.encoding, imported.headers) == ("mac-roman", ["Kundennummer", "Vorname", "Handy", "Notiz"])
    assert counts(imported) == (3, 0, 0, 0)
    with tenant_scope(bakery):
        found = Contact.objects.order_by("external_id").values_list("first_name", "phone", "attributes__note")
        assert list(found) == [
            ("Jürgen", "+4915123456780", "mag Brot\nund Käse"),
            ("Käthe", "+4915123456781", "ruft „später“ an"),
            ("Bernd", "+4915123456782", "eins\nzwei\ndrei"),
        ]


def test_a_shopify_export_is_understood_without_help(bakery: Tenant) -> None:
    imported = done(bakery, fixture("shopify.csv"))

    assert counts(imported) == (3, 0, 0, 0)
    assert imported.consent_counts == {}
    with tenant_scope(bakery):
        anna = Contact.objects.get(external_id="6543210001")
        assert (anna.phone, anna.email, anna.postcode) == ("+4915123456789", "anna@example.com", "10115")
        assert anna.attributes["total_orders"] == "3"
        assert set(anna.contact_tags.values_list("tag__name", flat=True)) == {"VIP", "Stammkunde"}
        bernd = Contact.objects.get(external_id="6543210002")
        assert (bernd.phone, bernd.email, bernd.country) == ("+436641234567", "bernd@example.com", "AT")
        assert bernd.attributes["note"] == "ruft an, wenn\ner kommt"


def test_a_klaviyo_export_gives_contacts_but_no_whatsapp_consent(bakery: Tenant) -> None:
    imported = done(bakery, fixture("klaviyo.csv"))

    assert counts(imported) == (2, 0, 0, 0)
    with tenant_scope(bakery):
        assert Contact.objects.get(external_id="01HABCDE").language == "de"
        assert not ConsentEvent.objects.exists()


def test_broken_quotation_marks_spoil_their_own_lines_only(bakery: Tenant) -> None:
    imported = done(bakery, fixture("broken_quotes.csv"))

    assert counts(imported) == (5, 0, 0, 2)
    assert imported.reasons == {"malformed_row": 2}
    with tenant_scope(bakery):
        assert list(RejectedRow.objects.order_by("line").values_list("line", flat=True)) == [3, 7]
        assert Contact.objects.get(first_name="Dora").attributes == {"note": "mag\nzwei Zeilen"}
        assert Contact.objects.get(first_name="Cara").attributes == {"note": 'mag 3/4" Rohre'}


def test_the_last_of_several_lines_about_one_person_wins(bakery: Tenant) -> None:
    imported = done(bakery, "Handy;Vorname\n0151 23456780;Anna\n+49 151 23456780;Anne\n0049 151 23456780;Annette\n")

    assert counts(imported) == (1, 0, 0, 2)
    assert imported.reasons == {"duplicate_in_file": 2}
    with tenant_scope(bakery):
        assert Contact.objects.get().first_name == "Annette"
        assert list(RejectedRow.objects.order_by("line").values_list("line", "cells")) == [
            (2, ["0151 23456780", "Anna"]),
            (3, ["+49 151 23456780", "Anne"]),
        ]


def test_two_lines_that_name_one_known_contact_by_different_keys_are_duplicates(bakery: Tenant) -> None:
    done(bakery, "Handy;Kundennummer\n0151 23456780;K-1\n")

    imported = done(bakery, "Handy;Kundennummer;Vorname\n0151 23456780;;Anna\n;K-1;Anne\n")

    assert counts(imported) == (0, 1, 0, 1)
    with tenant_scope(bakery):
        assert Contact.objects.get().first_name == "Anne"


def test_a_line_that_names_two_contacts_is_rejected(bakery: Tenant) -> None:
    done(bakery, "Handy;Kundennummer\n0151 23456780;K-1\n0151 23456781;K-2\n")

    imported = done(bakery, "Handy;Kundennummer\n0151 23456780;K-2\n")

    assert counts(imported) == (0, 0, 0, 1)
    assert imported.reasons == {"conflict_with_base": 1}


def test_a_known_contact_does_not_silently_get_another_number(bakery: Tenant) -> None:
    done(bakery, "Handy;Kundennummer\n0151 23456780;K-1\n")

    imported = done(bakery, "Handy;Kundennummer\n0151 23456799;K-1\n")

    assert imported.reasons == {"identity_changed": 1}
    with tenant_scope(bakery):
        assert Contact.objects.get().phone == "+4915123456780"


def test_an_address_finds_its_one_contact_and_nobody_when_several_have_it(bakery: Tenant) -> None:
    done(
        bakery, "Handy;E-Mail\n0151 23456780;a@example.com\n0151 23456781;b@example.com\n0151 23456782;b@example.com\n"
    )

    imported = done(bakery, "E-Mail;Vorname\nA@example.com;Anna\nb@example.com;Bernd\nc@example.com;Cara\n")

    assert counts(imported) == (1, 1, 0, 1)
    assert imported.reasons == {"ambiguous_email": 1}
    with tenant_scope(bakery):
        assert Contact.objects.get(phone="+4915123456780").first_name == "Anna"


def test_a_contact_known_by_address_learns_its_number(bakery: Tenant) -> None:
    done(bakery, "E-Mail\na@example.com\n")

    imported = done(bakery, "Handy;E-Mail\n0151 23456780;a@example.com\n")

    assert counts(imported) == (0, 1, 0, 0)
    with tenant_scope(bakery):
        anna = Contact.objects.get()
        assert anna.phone == "+4915123456780"
        assert anna.identities.filter(valid_to=None).count() == 2


def test_an_unreadable_value_is_left_out_and_counted_but_its_line_goes_on(bakery: Tenant) -> None:
    imported = done(bakery, "Handy;E-Mail;Geburtstag\n0151 23456780;nix@;31.02.1990\n")

    assert counts(imported) == (1, 0, 0, 0)
    assert imported.reasons == {"dropped:invalid_email": 1, "dropped:invalid_birthday": 1}


def test_a_dry_run_counts_the_same_as_the_run_and_writes_nothing(bakery: Tenant) -> None:
    content = fixture("excel_cp1252.csv")
    done(bakery, "Handy;Kundennummer;Vorname\n0151 23456783;K-4;Maria\n")
    with tenant_scope(bakery):
        before = list(Contact.objects.values())

    checked = done(bakery, content, is_dry_run=True, tags=["Neu"])

    assert checked.state == "checked"
    with tenant_scope(bakery):
        assert list(Contact.objects.values()) == before
        assert not ConsentEvent.objects.exists()
        assert not bakery.tags.exists()
        imports.run(imported=checked, by=None)
    finished = worked(checked)
    assert finished.state == "finished"
    assert counts(checked) == counts(finished) == (3, 1, 0, 2)
    assert checked.reasons == finished.reasons
    assert checked.consent_counts == finished.consent_counts
    assert finished.consent_counts == {"granted": 2, "no_proof": 1, "not_claimed": 1, "line_rejected": 2}


def test_everybody_imported_is_on_the_list_and_has_the_tags(bakery: Tenant) -> None:
    with tenant_scope(bakery):
        summer = ContactList.objects.create(tenant=bakery, name="Sommer")
    done(bakery, "Handy\n0151 23456780\n")

    imported = done(bakery, "Handy;Tags\n0151 23456780;VIP\n0151 23456781;vip, Neu\n", list=summer, tags=["Laden"])

    assert counts(imported) == (1, 1, 0, 0)
    with tenant_scope(bakery):
        assert summer.members.count() == 2
        assert set(bakery.tags.values_list("name", flat=True)) == {"VIP", "Laden", "Neu"} or set(
            bakery.tags.values_list("name", flat=True)
        ) == {"vip", "Laden", "Neu"}
        assert bakery.contact_tags.count() == 5


def test_a_file_without_a_column_that_names_people_waits_for_its_mapping(bakery: Tenant) -> None:
    waiting = started(bakery, "Spalte A;Spalte B\n0151 23456780;Anna\n")

    assert waiting.state == "uploaded"
    assert waiting.error
    with tenant_scope(bakery):
        imports.remap(imported=waiting, mapping={"Spalte A": "phone", "Spalte B": "first_name"}, by=None)
        imports.run(imported=waiting, by=None)
    assert counts(worked(waiting)) == (1, 0, 0, 0)


def test_a_cancelled_import_writes_nothing_more(bakery: Tenant) -> None:
    imported = started(bakery, PHONES)
    with tenant_scope(bakery):
        imports.cancel(imported=imported, by=None)

    assert worked(imported).state == "cancelled"
    with tenant_scope(bakery):
        assert not Contact.objects.exists()
        with pytest.raises(imports.NotNow):
            imports.cancel(imported=imported, by=None)


def test_a_finished_import_cannot_be_run_again(bakery: Tenant) -> None:
    imported = done(bakery, PHONES)

    with tenant_scope(bakery), pytest.raises(imports.NotNow):
        imports.run(imported=imported, by=None)


def test_a_mapping_with_unknown_columns_or_targets_is_refused_by_name(bakery: Tenant) -> None:
    with pytest.raises(ValidationError) as caught:
        started(bakery, PHONES, mapping={"Mobil": "phone", "Vorname": "nickname"})

    told = " ".join(caught.value.message_dict["mapping"])
    assert "Mobil" in told
    assert "nickname" in told


def test_each_tenant_has_its_own_contacts_from_the_same_file(bakery: Tenant, shop: Tenant) -> None:
    done(bakery, PHONES)

    assert counts(done(shop, PHONES)) == (2, 0, 0, 0)
