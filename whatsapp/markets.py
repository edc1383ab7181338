"""Which row of Meta's price list a recipient belongs to: the market, by calling code (whatsapp-cloud-api § 8.2).

Countries with a price of their own, North America and the rest of Western Europe are Meta's list as of 2026-10-01; the
members of the other regions are Meta's earlier list from general knowledge. Whoever stands nowhere is "other".
"""

from babel import Locale
from django.utils.translation import get_language, gettext
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE

OTHER = "other"
NORTH_AMERICA = "north_america"
WITH_OWN_PRICE = (
    "AR BR CL CO EG FR DE HK HU IN ID IL IT MY MX NL NG PK PE PL QA RO RU SA SG ZA ES TR AE GB"
    " BD IQ KZ KW MA NP OM LK UA"
)
REGIONS = {
    NORTH_AMERICA: "US CA",
    "rest_of_western_europe": "AT BE CH DK FI IE NO PT SE",
    "rest_of_cee": "AL AM AZ BY BG HR CZ GE GR LV LT MD MK RS SK SI",
    "rest_of_africa": "DZ AO BJ BW BF BI CM TD CG ER ET GA GM GH GW CI KE LS LR LY MG MW ML MR MZ NA NE RW SN SL SO"
    " SS SD SZ TZ TG TN UG ZM",
    "rest_of_asia_pacific": "AF AU KH CN JP LA MN NZ PG PH TW TJ TH TM UZ VN",
    "rest_of_latin_america": "BO CR DO EC SV GT HT HN JM NI PA PY PR UY VE",
    "rest_of_middle_east": "BH JO LB YE",
}
_MARKETS = {country: country for country in WITH_OWN_PRICE.split()} | {
    country: region for region, countries in REGIONS.items() for country in countries.split()
}
# Area codes behind +1 that are not in the United States.
AREAS = {
    "DO": "809 829 849",
    "JM": "658 876",
    "PR": "787 939",
    OTHER: "242 246 264 268 284 340 345 441 473 649 664 670 671 684 721 758 767 784 868 869",
    "CA": "204 226 236 249 250 257 263 289 306 343 354 365 367 368 382 403 416 418 428 431 437 438 450 460 468 474 506"
    " 514 519 537 548 568 579 581 584 587 604 613 639 647 672 683 705 709 742 753 778 780 782 807 819 825 867 873 879"
    " 902 905 942",
}
_BEHIND_ONE = {code: country for country, codes in AREAS.items() for code in codes.split()}
# To these Meta does deliver marketing.
NOT_IN_THE_US = sorted(_BEHIND_ONE)
# So many characters of a phone number ("+1809") decide the market.
PREFIX_LENGTH = 5


def market_of(phone: str | None, bsuid: str | None = None) -> str:
    """The market of a number in E.164 (its first five characters suffice), or of a BSUID ("DE.1349…") without one.

    An ISO country with a price of its own, a region of REGIONS, or "other"; "" for neither.
    """
    if phone:
        return _MARKETS.get(_country_of(phone), OTHER)
    return _MARKETS.get(bsuid[:2], OTHER) if bsuid else ""


def country_of(phone: str | None, bsuid: str | None = None) -> str:
    """The ISO country of a number in E.164, or of a BSUID without one; "" if neither tells.

    Countries that share a calling code count as its main one, but for those behind +1.
    """
    country = _country_of(phone) if phone else (bsuid or "")[:2]
    return country if len(country) == 2 else ""


def _country_of(phone: str) -> str:
    digits = phone.lstrip("+")
    if digits.startswith("1"):
        return _BEHIND_ONE.get(digits[1:4], "US")
    if digits.startswith(("76", "77")):
        return "KZ"
    for length in (1, 2, 3):
        if regions := COUNTRY_CODE_TO_REGION_CODE.get(int(digits[:length] or 0)):
            return regions[0]
    return OTHER


def is_market(market: str) -> bool:
    """Whether prices can stand under this name."""
    return market in _MARKETS.values() or market == OTHER


def market_name(market: str) -> str:
    """The market in the active language: "Deutschland", "übriges Westeuropa"."""
    language = "de" if (get_language() or "").startswith("de") else "en"
    return str(Locale(language).territories.get(market) or _regions().get(market, market))


def _regions() -> dict[str, str]:
    return {
        NORTH_AMERICA: gettext("North America"),
        "rest_of_western_europe": gettext("Rest of Western Europe"),
        "rest_of_cee": gettext("Rest of Central and Eastern Europe"),
        "rest_of_africa": gettext("Rest of Africa"),
        "rest_of_asia_pacific": gettext("Rest of Asia-Pacific"),
        "rest_of_latin_america": gettext("Rest of Latin America"),
        "rest_of_middle_east": gettext("Rest of the Middle East"),
        OTHER: gettext("Other countries"),
        "": gettext("Unknown country"),
    }
