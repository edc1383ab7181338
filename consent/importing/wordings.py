"""Finds or stores the wordings that imported consents refer to: a text of the file, or a version we already have."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.utils import timezone

from consent.ledger import wordings
from consent.ledger.folding import Pair
from consent.linting.ages import says_age
from consent.models import Channel, Purpose, Wording, WordingVersion
from tenants.models import Tenant, User

MARKETING: Pair = (Channel.WHATSAPP.value, Purpose.MARKETING.value)
# More different texts among 5,000 lines hold something personal, which must not become a wording: wordings, unlike
# evidence, outlive an erasure.
MAX_NEW = 50
_REFERENCE = re.compile(r"(?P<name>.{1,100}?)\s+[vV](?P<number>\d{1,6})")


@dataclass(frozen=True)
class Agreed:
    """What people agreed to: the version's row (None in a dry run, for a new text), hash and covered pairs.

    `is_of_age` when the text itself says that whoever agrees to it is at least 16 years old (CG-07).
    """

    version_id: int | None
    sha256: str
    pairs: tuple[Pair, ...]
    is_of_age: bool
    policy_url: str = ""
    policy_version: str = ""
    policy_sha256: str = ""


def agreed(tenant: Tenant, texts: Iterable[str], *, by: User | None, is_dry_run: bool) -> dict[str, Agreed | str]:
    """What each cell of the wording column stands for, or the `reasons.CONSENT` code of why it is no wording.

    A cell "<name of a wording> v<number>" means that published version. Any other text must name WhatsApp (CG-03,
    CG-04); it is stored as a wording "Import: …" of its own and is a yes to WhatsApp marketing, nothing else.
    """
    distinct = set(texts)
    found: dict[str, Agreed | str] = dict(_referred(tenant, distinct))
    new = {text: wordings.digest({"de": text}, [MARKETING]) for text in distinct if text not in found}
    found |= dict.fromkeys((text for text in new if "whatsapp" not in text.lower()), "wording_without_whatsapp")
    new = {text: sha for text, sha in new.items() if text not in found}
    found |= dict.fromkeys(_invalid(tenant, new), "wording_invalid")
    new = {text: sha for text, sha in new.items() if text not in found}
    if len(new) > MAX_NEW:
        return found | dict.fromkeys(new, "wording_not_uniform")
    versions = {} if is_dry_run else _stored(tenant, new, by)
    return found | {text: Agreed(versions.get(sha), sha, (MARKETING,), says_age([text])) for text, sha in new.items()}


def _invalid(tenant: Tenant, texts: dict[str, str]) -> list[str]:
    """Those of {text: hash} that were declared invalid; the caller holds the ledger's lock, so that stays true."""
    declared = WordingVersion.objects.filter(tenant=tenant, sha256__in=texts.values()).exclude(invalid_reason="")
    known = set(declared.values_list("sha256", flat=True))
    return [text for text, sha in texts.items() if sha in known]


def _referred(tenant: Tenant, texts: Iterable[str]) -> Iterator[tuple[str, Agreed | str]]:
    """The cells that name a published version, with what it covers."""
    references = {text: found for text in texts if len(text) < 120 and (found := _REFERENCE.fullmatch(text))}
    if not references:
        return
    known = WordingVersion.objects.select_related("wording").filter(
        tenant=tenant,
        wording__name__in={found["name"] for found in references.values()},
        published_at__isnull=False,
        invalid_reason="",
    )
    versions = {(version.wording.name, version.number): version for version in known}
    for text, found in references.items():
        if version := versions.get((found["name"], int(found["number"]))):
            yield text, _of(version)


def _of(version: WordingVersion) -> Agreed | str:
    pairs = tuple((str(channel), str(purpose)) for channel, purpose in version.covers)
    if not any(channel in (Channel.WHATSAPP, Channel.ALL) for channel, _purpose in pairs):
        return "wording_without_whatsapp"
    policy = (version.policy_url, version.policy_version, version.policy_sha256)
    return Agreed(version.pk, version.sha256, pairs, says_age(version.texts.values()), *policy)


def _stored(tenant: Tenant, texts: dict[str, str], by: User | None) -> dict[str, int]:
    """{hash: version id} of imported texts, made where they are new, in three statements however many there are."""
    names = {wordings.imported_name(text, sha): (text, sha) for text, sha in texts.items()}
    Wording.objects.bulk_create([Wording(tenant=tenant, name=name) for name in sorted(names)], ignore_conflicts=True)
    versions = [
        WordingVersion(
            tenant=tenant,
            wording=wording,
            number=1,
            texts={"de": names[wording.name][0]},
            covers=[list(MARKETING)],
            sha256=names[wording.name][1],
            published_at=timezone.now(),
            published_by=by,
        )
        for wording in Wording.objects.filter(tenant=tenant, name__in=names)
    ]
    WordingVersion.objects.bulk_create(versions, ignore_conflicts=True)
    stored = WordingVersion.objects.filter(tenant=tenant, wording__name__in=names, sha256__in=texts.values())
    return dict(stored.values_list("sha256", "pk"))
