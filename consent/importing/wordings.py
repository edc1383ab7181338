"""Finds or stores the wordings that imported consents refer to: a text of the file, or a version we already have."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from django.utils import timezone

from consent.ledger.folding import Pair
from consent.models import Channel, Purpose, Wording, WordingVersion
from tenants.models import Tenant

MARKETING: Pair = (Channel.WHATSAPP.value, Purpose.MARKETING.value)
_REFERENCE = re.compile(r"(?P<name>.{1,100}?)\s+[vV](?P<number>\d{1,6})")


@dataclass(frozen=True)
class Agreed:
    """What people agreed to: the version's row (None in a dry run, for a new text), hash and covered pairs."""

    version_id: int | None
    sha256: str
    pairs: tuple[Pair, ...]
    policy_url: str = ""
    policy_version: str = ""


def agreed(tenant: Tenant, texts: Iterable[str], *, is_dry_run: bool) -> dict[str, Agreed | None]:
    """What each cell of the wording column stands for; None when it does not name WhatsApp (CG-03, CG-04).

    A cell "<name of a wording> v<number>" means that published version. Any other text is stored as a wording
    "Import: …" of its own and is a yes to WhatsApp marketing, nothing else.
    """
    found: dict[str, Agreed | None] = {}
    new: dict[str, str] = {}
    for text in set(texts):
        version = _referred(tenant, text)
        if version is None and "whatsapp" in text.lower():
            new[text] = hashlib.sha256(text.encode()).hexdigest()
        found[text] = _of(version) if version else None
    versions = {} if is_dry_run else _stored(tenant, new)
    return found | {text: Agreed(versions.get(sha), sha, (MARKETING,)) for text, sha in new.items()}


def _referred(tenant: Tenant, text: str) -> WordingVersion | None:
    reference = _REFERENCE.fullmatch(text) if len(text) < 120 else None
    if reference is None:
        return None
    return WordingVersion.objects.filter(
        tenant=tenant,
        wording__name=reference["name"],
        number=int(reference["number"]),
        published_at__isnull=False,
        invalid_reason="",
    ).first()


def _of(version: WordingVersion) -> Agreed | None:
    pairs = tuple((str(channel), str(purpose)) for channel, purpose in version.covers)
    if not any(channel in (Channel.WHATSAPP, Channel.ALL) for channel, _purpose in pairs):
        return None
    return Agreed(version.pk, version.sha256, pairs, version.policy_url, version.policy_version)


def _stored(tenant: Tenant, texts: dict[str, str]) -> dict[str, int]:
    """{hash: version id} of imported texts, made where they are new, in three statements however many there are."""
    names = {_name(text, sha): (text, sha) for text, sha in texts.items()}
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
        )
        for wording in Wording.objects.filter(tenant=tenant, name__in=names)
    ]
    WordingVersion.objects.bulk_create(versions, ignore_conflicts=True)
    stored = WordingVersion.objects.filter(tenant=tenant, wording__name__in=names, sha256__in=texts.values())
    return dict(stored.values_list("sha256", "pk"))


def _name(text: str, sha256: str) -> str:
    return f"Import: {' '.join(text.split())[:70]} ({sha256[:12]})"
