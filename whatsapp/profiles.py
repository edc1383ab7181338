"""What people see of a number above the chat: whether its business profile leads somewhere, and what would make it.

Limits: whatsapp-cloud-api § 10, Meta "Business Profiles".
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

Profile = Mapping[str, Any]

MOST_WEBSITES, LONGEST_WEBSITE, LONGEST_DESCRIPTION = 2, 256, 512


def kept(described: Profile) -> dict[str, Any]:
    """What we keep of Meta's answer: where addresses can stand."""
    websites = described.get("websites")
    return {
        "websites": [str(each) for each in websites] if isinstance(websites, list) else [],
        "about": str(described.get("about") or ""),
        "description": str(described.get("description") or ""),
    }


def leads(profile: Profile, addresses: Iterable[str]) -> bool:
    """Whether it names one of these addresses, or the site on which one of them lies."""
    hosts = {_site(address) for address in addresses if address}
    text = "\n".join([*profile["websites"], profile["about"], profile["description"]]).lower()
    # Neither an e-mail address nor a longer name of another site.
    return any(re.search(rf"(?<![\w@.-])(?:www\.)?{re.escape(host)}(?![\w-]|\.\w)", text) for host in hosts)


def addition(profile: Profile, address: str) -> dict[str, Any] | None:
    """The change that adds the address and takes nothing away: {} where it stands already, None where no room is."""
    websites, description = list(profile["websites"]), profile["description"]
    if address in description or address.rstrip("/") in {each.rstrip("/") for each in websites}:
        return {}
    if len(websites) < MOST_WEBSITES and len(address) <= LONGEST_WEBSITE:
        return {"websites": [*websites, address]}
    described = f"{description}\n{address}".strip()
    return {"description": described} if len(described) <= LONGEST_DESCRIPTION else None


def _site(address: str) -> str:
    return (urlsplit(address).hostname or "").removeprefix("www.")
