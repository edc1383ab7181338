"""The texts to start from: they leave no duty open once the company is known, and say du or Sie as it does."""

import pytest

from consent.linting import Draft, findings
from consent.models import Controller
from consent.starters import STARTERS
from tests.consent.texts import COMPANY, MARKETING, NOTICE


@pytest.mark.parametrize("address_form", ["du", "sie"])
@pytest.mark.parametrize("key", list(STARTERS))
@pytest.mark.parametrize("url", ["", NOTICE])
def test_starters_pass_once_the_company_is_known(address_form: str, key: str, url: str) -> None:
    starter = STARTERS[key]
    company = Controller(legal_name=COMPANY, address_form=address_form, privacy_url=url)
    texts = starter.texts(company)

    open_now = {found.duty for found in findings(Draft(texts, starter.covers, COMPANY, url))}

    assert open_now == (set() if url else {"notice"})
    said = texts["de"].split()
    assert ("Du" in said, "Sie" in said) == (address_form == "du", address_form == "sie")


def test_a_starter_without_a_company_says_what_is_missing() -> None:
    texts = STARTERS["marketing"].texts(Controller(privacy_url=NOTICE))

    found = findings(Draft(texts, MARKETING, "", NOTICE))

    assert {(one.rule, one.duty) for one in found} == {("CG-03", "company_known"), ("CG-02", "finished")}
