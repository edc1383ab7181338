"""Reading files: encodings, delimiters, headers, limits, broken lines, spreadsheets, and the guesses about columns."""

import io
import random
import zipfile
from pathlib import Path

import pytest
from django.core.exceptions import ValidationError

from contacts.importing import cells, converting, dates, escaping, layout, limits, mapping, reading

FILES = Path(__file__).parent.parent / "fixtures" / "csv"
LINES = "Vorname;Handy\nJürgen;+4915123456789\n"


def detected(content: bytes | str) -> layout.Layout:
    return layout.detect(io.BytesIO(content.encode() if isinstance(content, str) else content))


def refusal(content: bytes | str) -> str:
    """The code with which a file is refused."""
    raw = content.encode() if isinstance(content, str) else content
    with pytest.raises(ValidationError) as caught, converting.as_csv(io.BytesIO(raw)) as plain:
        layout.detect(plain)
    return str(caught.value.error_dict["file"][0].code)


def read(content: str, width: int, delimiter: str = ";") -> list[reading.Record]:
    file = io.BytesIO(content.encode())
    return list(reading.records(file, encoding="utf-8", delimiter=delimiter, start=0, width=width))


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [("utf-8", "utf-8"), ("utf-8-sig", "utf-8"), ("cp1252", "cp1252"), ("iso8859-15", "cp1252")],
)
def test_german_encodings_are_told_apart(encoding: str, expected: str) -> None:
    found = detected(LINES.encode(encoding))

    assert found.encoding == expected
    assert found.headers == ["Vorname", "Handy"]


@pytest.mark.parametrize("encoding", ["cp850", "mac-roman"])
def test_the_encodings_of_old_machines_are_told_by_their_letters(encoding: str) -> None:
    names = "".join(f"{name};+49151234567{at:02}\n" for at, name in enumerate(["Jürgen", "Käthe", "Öz", "Groß"] * 10))

    found = detected(f"Vorname;Handy\n{names}".encode(encoding))

    assert "Jürgen" in names.encode(encoding).decode(found.encoding)


def test_an_umlaut_far_behind_the_first_lines_still_decides_the_encoding() -> None:
    content = "Vorname;Handy\n" + "Anna;+4915123456789\n" * 50_000

    assert detected(content.encode() + "Jürgen;+4915123456789\n".encode("cp1252")).encoding == "cp1252"


def test_one_broken_line_does_not_make_a_utf8_file_another_encoding() -> None:
    content = "Vorname;Handy\n" + "Jürgen;+4915123456789\n" * 50

    assert detected(content.encode() + "Jörg;1\n".encode("cp1252")).encoding == "utf-8"


@pytest.mark.parametrize("delimiter", [";", ",", "\t", "|"])
def test_the_delimiter_is_found_whatever_quoted_cells_hold(delimiter: str) -> None:
    row = delimiter.join(['"Müller; Maier, Sohn|Tochter"', "+4915123456789", "x"])

    assert detected(delimiter.join(["Firma", "Handy", "Notiz"]) + f"\n{row}\n{row}\n").delimiter == delimiter


def test_the_first_line_with_which_excel_names_its_delimiter_is_no_header() -> None:
    found = detected("sep=;\r\nVorname;Handy\r\nAnna;+4915123456789\r\n")

    assert (found.delimiter, found.headers) == (";", ["Vorname", "Handy"])


def test_repeated_and_missing_headers_get_names_of_their_own() -> None:
    assert detected("Notiz;;Notiz;Handy;;\na;b;c;1;;\n").headers == ["Notiz", "#2", "Notiz (2)", "Handy"]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf \n\n", "empty"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "binary"),
        (b"Vorname;Handy\n", "only_header"),
        (b"Vorname;Handy\n;\n\n", "only_header"),
        (b"Anna;+49 151 23456789\nBernd;+49 151 23456788\n", "no_header"),
        (b"anna@example.com,Anna\nbernd@example.com,Bernd\n", "no_header"),
        (";".join(f"c{at}" for at in range(5000)).encode() + b"\n" + b";" * 4999, "too_many_columns"),
        (b"PK\x03\x04 not really a spreadsheet", "broken_spreadsheet"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 old Excel", "old_spreadsheet"),
    ],
)
def test_a_file_that_cannot_be_imported_is_refused_with_its_reason(content: bytes, code: str) -> None:
    assert refusal(content) == code


def test_a_file_over_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "FILE_BYTES", 10)

    assert refusal(LINES) == "too_large"


def test_a_spreadsheet_that_unpacks_to_fill_the_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"0" * 1_000_000)
    monkeypatch.setattr(limits, "UNPACKED_BYTES", 100_000)

    assert refusal(packed.getvalue()) == "too_large"


def test_utf16_and_old_mac_files_are_read_like_any_other() -> None:
    for content in ("Vorname\tHandy\nJürgen\t1\n".encode("utf-16"), b"Vorname\tHandy\rJ\x9frgen\t1\r"):
        with converting.as_csv(io.BytesIO(content)) as plain:
            found = layout.detect(plain)
            assert found.headers == ["Vorname", "Handy"]
            assert layout.first_rows(plain, found, 10) == [["Jürgen", "1"]]


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n", "\r\r\n"])
@pytest.mark.parametrize("cell", ["x", '"eins\nzwei\ndrei\nvier"', '"eins\rzwei\rdrei\rvier"'])
@pytest.mark.parametrize("rest", ["", "\n"])
def test_lines_may_end_as_on_any_machine_whatever_cells_hold(end: str, cell: str, rest: str) -> None:
    content = end.join(["Handy;Notiz", f"+4915123456789;{cell}", "+4915123456788;y", ""]) + rest

    with converting.as_csv(io.BytesIO(content.encode())) as plain:
        found = layout.detect(plain)
        assert found.headers == ["Handy", "Notiz"]
        assert [row[0] for row in layout.first_rows(plain, found, 10)] == ["+4915123456789", "+4915123456788"]


def test_a_quoted_cell_may_hold_delimiters_quotes_and_line_breaks() -> None:
    records = read('a;"x;y"\nb;"say ""hi"""\nc;"two\r\nlines"\nd;e\n', 2)

    assert [record.cells for record in records] == [["a", "x;y"], ["b", 'say "hi"'], ["c", "two\nlines"], ["d", "e"]]


def test_a_quotation_mark_that_never_closes_spoils_one_line() -> None:
    records = read('a;"open\n' + "b;c\n" * 300, 2)

    assert records[0].fault == "malformed_row"
    assert [record.fault for record in records[1:]] == [""] * 300


def test_a_line_with_other_than_the_header_s_columns_is_malformed_but_trailing_blanks_are_not() -> None:
    faults = [record.fault for record in read("a;b\na\na;b;c\na;b;;\n;\n", 2)]

    assert faults == ["", "malformed_row", "malformed_row", "", "blank"]


def test_cells_and_lines_that_are_too_long_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LINE_BYTES", 50_000)

    records = read(f"a;{'x' * 10_001}\na;{'y' * 60_000}\na;b\n", 2)

    assert [record.fault for record in records] == ["too_long", "too_long", ""]


def test_reading_goes_on_from_any_record_s_end_as_if_never_interrupted() -> None:
    content = FILES.joinpath("broken_quotes.csv").read_bytes() * 3
    file = io.BytesIO(content)
    whole = list(reading.records(file, encoding="utf-8", delimiter=";", start=0, width=3))

    for at, record in enumerate(whole):
        rest = list(reading.records(file, encoding="utf-8", delimiter=";", start=record.end, width=3))
        assert rest == whole[at + 1 :]
    assert whole[-1].end == len(content)


def test_no_bytes_make_the_reader_fail() -> None:
    randomly = random.Random(26)
    for _round in range(300):
        content = bytes(randomly.choices(b'ab;,"\n\r\x00\xe4\xff\xc3', k=randomly.randrange(1, 400)))
        file = io.BytesIO(content)
        found = list(reading.records(file, encoding="utf-8", delimiter=";", start=0, width=2))
        assert all(record.fault or len(record.cells) == 2 for record in found)
        assert found[-1].end == len(content)


def test_shopify_and_klaviyo_consent_to_sms_and_mail_is_never_taken_for_whatsapp() -> None:
    headers = ["Phone", "Accepts SMS Marketing", "Accepts Email Marketing", "SMS Consent", "SMS Consent Timestamp"]

    guessed = mapping.guess([*headers, "Email Marketing Consent", "Newsletter"])

    assert {header for header, target in guessed.items() if target} == {"Phone"}


def test_a_source_beside_time_and_proof_is_the_consents() -> None:
    assert mapping.guess(["Handy", "Einwilligung am", "Quelle"])["Quelle"] == "consent.source"
    assert mapping.guess(["Handy", "Ort", "Quelle"])["Quelle"] == ""


def test_the_most_telling_of_several_columns_is_chosen() -> None:
    guessed = mapping.guess(["Default Address Phone", "Phone", "Name", "First Name"])

    assert guessed == {"Default Address Phone": "", "Phone": "phone", "Name": "", "First Name": "first_name"}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"Mobil": "phone"}, "Mobil"),
        ({"Handy": "handy"}, "handy"),
        ({"Handy": "phone", "Vorname": "phone"}, "phone"),
        ({"Vorname": "first_name"}, ""),
        ({"Handy": "phone", "Vorname": "attribute:Ümlaut"}, "attribute:Ümlaut"),
    ],
)
def test_a_mapping_that_cannot_work_is_refused(given: dict[str, str], told: str) -> None:
    with pytest.raises(ValidationError) as caught:
        mapping.checked(given, ["Handy", "Vorname"])

    assert told in str(caught.value.message_dict["mapping"])


@pytest.mark.parametrize(
    ("raw", "tidy"),
    [
        ("\u00a0 Anna\u00a0", "Anna"),
        ("\u202a+49 151 1\u202c", "+49 151 1"),
        ("'=SUM(A1)", "=SUM(A1)"),
        ("'+49", "+49"),
        ("'s", "'s"),
        ("'", "'"),
    ],
)
def test_invisible_characters_and_guarding_apostrophes_go(raw: str, tidy: str) -> None:
    assert cells.tidy(raw) == tidy


@pytest.mark.parametrize("armed", ["=1+1", "+49151", "-1", "@SUM", "|cmd", "%0A", "\t=1", "\r1", " =1", "＝1", "－1"])
def test_what_a_spreadsheet_could_run_is_disarmed_and_comes_back_unharmed(armed: str) -> None:
    assert escaping.disarmed(armed) == f"'{armed}"
    if armed == armed.strip():
        assert cells.tidy(escaping.disarmed(armed)) == armed


def test_escaped_csv_quotes_every_cell_and_starts_with_a_byte_order_mark() -> None:
    assert list(escaping.csv_lines([["a", '=1;"x"']])) == ['\ufeff"a";"\'=1;""x"""\r\n']


@pytest.mark.parametrize(
    ("cell", "expected"),
    [("Deutschland", "DE"), ("germany", "DE"), ("de", "DE"), ("D", "DE"), ("Österreich", "AT"), ("Mordor", None)],
)
def test_countries_are_known_by_code_and_by_german_and_english_name(cell: str, expected: str | None) -> None:
    assert cells.country(cell) == expected


def test_us_dates_are_recognised_by_a_day_that_can_be_no_month() -> None:
    assert dates.is_month_first(["01/02/1990", "12/31/1985"])
    assert not dates.is_month_first(["01/02/1990", "31/12/1985"])
    assert not dates.is_month_first(["01/02/1990"])
