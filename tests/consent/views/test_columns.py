"""The columns of a file: shown with values, corrected, refused, read anew."""

from django.test import Client

from tenants.models import Tenant
from tests.consent.imports import counts, fixture
from tests.consent.views.pages import PEOPLE, at, checked, columns, contacts_of, only, shown, stored, uploaded, worked


def test_columns_are_shown_with_values_of_the_file_and_the_guess(alice: Client) -> None:
    imported = checked(alice, PEOPLE)

    context = alice.get(at(imported)).context["columns"]

    assert [(column["header"], column["target"].value(), column["examples"]) for column in context] == [
        ("Handy", "phone", ["0151 23456780", "12", "0151 23456781"]),
        ("Vorname", "first_name", ["Anna", "Bert", "Carla"]),
        ("Filiale", "", ["Mitte", "Nord"]),
    ]


def test_corrected_columns_are_checked_again_and_take_effect(alice: Client, bakery: Tenant) -> None:
    imported = checked(alice, PEOPLE)

    response = alice.post(
        at(imported, "columns/"), columns("phone", "last_name", "attribute:", key_2="Liebste Filiale")
    )

    assert response["Location"] == at(imported)
    assert stored(imported).state == "checking"
    assert worked(imported).mapping == {
        "Handy": "phone",
        "Vorname": "last_name",
        "Filiale": "attribute:liebste_filiale",
    }
    alice.post(at(imported, "run/"))
    worked(imported)
    anna, _carla = contacts_of(bakery)
    assert (anna.last_name, anna.attributes) == ("Anna", {"liebste_filiale": "Mitte"})


def test_an_attribute_without_a_name_is_called_like_its_column(alice: Client) -> None:
    imported = checked(alice, PEOPLE)

    alice.post(at(imported, "columns/"), columns("phone", "", "attribute:"))

    assert stored(imported).mapping["Filiale"] == "attribute:filiale"


def test_two_columns_for_one_target_are_refused_at_the_second(alice: Client) -> None:
    imported = checked(alice, PEOPLE)

    response = alice.post(at(imported, "columns/"), columns("phone", "first_name", "first_name"))

    assert response.status_code == 422
    assert response.context["form"].errors == {"target_2": ["Only one column can be assigned to “First name”."]}
    assert stored(imported).state == "checked"


def test_columns_that_name_nobody_are_refused(alice: Client) -> None:
    imported = checked(alice, PEOPLE)

    response = alice.post(at(imported, "columns/"), columns("", "first_name", ""))

    assert response.status_code == 422
    assert "No column names the person" in response.content.decode()


def test_a_file_whose_columns_nobody_can_guess_waits_for_them(alice: Client) -> None:
    assert uploaded(alice, "A;B\n0151 23456780;Anna\n").status_code == 302
    imported = only()
    assert imported.state == "uploaded"
    assert "No column names the person" in shown(alice, at(imported))

    alice.post(at(imported, "columns/"), columns("phone", "first_name"))

    assert counts(worked(imported)) == (1, 0, 0, 0)


def test_another_delimiter_reads_the_columns_anew(alice: Client) -> None:
    imported = checked(alice, "Handy;Vorname,Nachname\n0151 23456780;Anna,Schmidt\n")

    response = alice.post(at(imported, "columns/"), columns("phone", "", delimiter=","), follow=True)

    assert "The file was read anew" in response.content.decode()
    assert stored(imported).headers == ["Handy;Vorname", "Nachname"]
    assert stored(imported).state == "uploaded"
    back = alice.post(at(imported, "columns/"), columns("", "", delimiter=";"), follow=True)
    assert back.status_code == 200
    assert stored(imported).mapping == {"Handy": "phone", "Vorname,Nachname": ""}
    assert stored(imported).state == "checking"


def test_a_spreadsheet_shows_no_encoding_and_is_imported(alice: Client) -> None:
    imported = checked(alice, fixture("kunden.xlsx"), name="kunden.xlsx")

    form = alice.get(at(imported)).context["form"]

    assert "encoding" not in form.fields
    assert counts(imported) == (2, 0, 0, 0)
