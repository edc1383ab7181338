import pickle
import re

import pytest

from whatsapp import errors
from whatsapp.errors import ErrorClass, Refused, Scope, is_known, rule_for

LISTED = [
    *(0, 1, 2, 3, 4, 10, 33, 100, 102, 104, 463, 190, 200, 250, 299, 368, 613, 803, 80007, 80008),
    *(130429, 131048, 131056, 131064, 133016, 130497, 131031, 131037, 131042, 131044, 131045, 131005),
    *(131057, 133000, 133004, 133005, 133006, 133008, 133009, 133010, 133015, 134011, 2494100, 130403),
    *(130472, 131021, 131026, 131030, 131047, 131049, 131050, 131051, 131052, 131062, 137000, 131000),
    *(131008, 131009, 131016, 131053, 131055, 131063, 132000, 132001, 132005, 132007, 132008, 132012),
    *(132015, 132016, 132018, 132068, 132069, 134100, 134101, 134102, 135000, 131014, 1752041, 2388012),
    *(2388019, 2388023, 2388024, 2388039, 2388040, 2388047, 2388072, 2388073, 2388091, 2388093, 2388103),
    *(2388293, 2388299, 2494164, 2494179, 2593107, 2593108, 200005, 200006, 200007, 139000, 139004),
    *(139100, 139101, 139102, 139103, 138000, 138018, 131020, 131041, 131059, 131201, 131215, 147001, 147005),
]


@pytest.mark.parametrize("code", LISTED)
def test_every_code_of_metas_table_has_a_rule_of_its_own(code: int) -> None:
    rule = rule_for(code)

    assert rule.code == code
    assert "noch nicht kennen" not in rule.meaning_de


@pytest.mark.parametrize("rule", errors.RULES.values(), ids=lambda rule: str(rule.code))
def test_every_rule_reads_as_whole_sentences_in_both_languages(rule: errors.Rule) -> None:
    for sentence in (rule.meaning_de, rule.meaning_en, rule.remedy_de, rule.remedy_en):
        assert re.fullmatch(r"[A-ZÄÖÜ„].*\.", sentence)
        assert "!" not in sentence


@pytest.mark.parametrize("rule", errors.RULES.values(), ids=lambda rule: str(rule.code))
def test_whatever_is_retried_names_a_wait_and_whatever_is_permanent_is_tried_once(rule: errors.Rule) -> None:
    if rule.is_retryable:
        assert rule.retry_after_s
        assert rule.error_class in (ErrorClass.RETRY_SOON, ErrorClass.RETRY_LATER)
    else:
        assert rule.error_class is not ErrorClass.RETRY_SOON


def test_no_two_codes_share_their_meaning() -> None:
    meanings = [rule.meaning_de for rule in errors.RULES.values()]

    assert len(set(meanings)) == len(meanings)


@pytest.mark.parametrize(
    ("code", "error_class", "scope"),
    [
        (130429, ErrorClass.RETRY_SOON, Scope.NUMBER),
        (131056, ErrorClass.RETRY_SOON, Scope.PAIR),
        (4, ErrorClass.RETRY_SOON, Scope.APP),
        (131048, ErrorClass.ACCOUNT, Scope.NUMBER),
        (131049, ErrorClass.RETRY_LATER, Scope.PAIR),
        (131026, ErrorClass.RECIPIENT, Scope.MESSAGE),
        (130497, ErrorClass.RECIPIENT, Scope.COUNTRY),
        (132015, ErrorClass.TEMPLATE, Scope.TEMPLATE),
        (190, ErrorClass.ACCOUNT, Scope.ACCOUNT),
        (100, ErrorClass.INPUT, Scope.MESSAGE),
    ],
)
def test_a_code_says_who_is_hit(code: int, error_class: ErrorClass, scope: Scope) -> None:
    rule = rule_for(code)

    assert (rule.error_class, rule.scope) == (error_class, scope)


def test_only_a_person_who_stopped_marketing_is_suppressed() -> None:
    assert [code for code, rule in errors.RULES.items() if rule.suppress_marketing] == [131050]


def test_enough_marketing_is_not_sent_again_by_itself() -> None:
    rule = rule_for(131049)

    assert (rule.retry_after_s, rule.max_attempts) == (86_400, 1)


@pytest.mark.parametrize("code", [2388299, 2388019])
def test_a_template_problem_is_recognised_in_code_and_in_subcode(code: int) -> None:
    assert rule_for(100, subcode=code) == rule_for(code)


def test_a_deprecated_subcode_does_not_hide_the_code() -> None:
    assert rule_for(130429, subcode=2494055).code == 130429


@pytest.mark.parametrize(
    ("hints", "error_class"),
    [
        ({"is_transient": True}, ErrorClass.RETRY_SOON),
        ({"http_status": 503}, ErrorClass.RETRY_SOON),
        ({"http_status": 429}, ErrorClass.RETRY_SOON),
        ({"http_status": 400}, ErrorClass.RECIPIENT),
        ({}, ErrorClass.RECIPIENT),
    ],
)
def test_an_unknown_code_follows_metas_hints_and_keeps_its_number(hints: dict, error_class: ErrorClass) -> None:
    rule = rule_for(987654, **hints)

    assert (rule.code, rule.error_class) == (987654, error_class)
    assert "noch nicht kennen: 987654." in rule.meaning_de
    assert "do not know yet: 987654." in rule.meaning_en
    assert not is_known(987654)


def test_codes_of_the_table_and_of_its_ranges_are_known() -> None:
    assert is_known(131026)
    assert is_known(207)
    assert not is_known(None)


def test_a_missing_code_is_no_crash() -> None:
    assert rule_for(None).error_class is ErrorClass.RECIPIENT


def test_a_refusal_says_its_codes_and_nothing_a_person_wrote() -> None:
    refusal = Refused(131009, details="+49301234567 Hallo Ada", http_status=400, user_msg="geheim")

    assert "131009" in str(refusal)
    assert not re.search("Ada|30123|geheim", repr(refusal) + str(refusal))


def test_a_refusal_survives_the_way_between_processes() -> None:
    refusal = Refused(4, 33, "details", 400, "trace", "title", "msg", is_transient=True, regain_s=120)

    copy = pickle.loads(pickle.dumps(refusal))

    assert vars(copy) == vars(refusal)
    assert str(copy) == str(refusal)


def test_metas_own_estimate_of_the_wait_counts_before_the_rule() -> None:
    assert Refused(80007, regain_s=1260).retry_after_s == 1260
    assert Refused(80007).retry_after_s == rule_for(80007).retry_after_s
