"""The hash of a wording, and the proof that what people agreed to has not been changed since."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence

import orjson

from consent.models import WordingVersion
from tenants.models import Tenant
from tenants.scope import tenant_scope

BATCH = 1000
IMPORTED = "Import:"


def digest(texts: Mapping[str, str], covers: Iterable[Sequence[str]]) -> str:
    """SHA-256, in hex, of the texts by language and the (channel, purpose) pairs that they are a yes to."""
    plain = {"texts": dict(texts), "covers": sorted([str(channel), str(purpose)] for channel, purpose in covers)}
    return hashlib.sha256(orjson.dumps(plain, option=orjson.OPT_SORT_KEYS)).hexdigest()


def imported_name(text: str, sha256: str) -> str:
    """What the wording is called that holds a text of an imported file."""
    return f"{IMPORTED} {' '.join(text.split())[:70]} ({sha256[:12]})"


def is_imported(version: WordingVersion) -> bool:
    """Whether an import brought this text; a version that was published after it is none."""
    name = version.wording.name
    return name.startswith(IMPORTED) and name.endswith(f"({version.sha256[:12]})")


def altered(tenant: Tenant) -> WordingVersion | None:
    """The first published version whose texts or covered pairs are not those it was published with; None if none is."""
    return next((version for version in _published(tenant) if not is_unaltered(version)), None)


def is_unaltered(version: WordingVersion) -> bool:
    """Whether texts and covered pairs of a version still have the hash that it was published with."""
    return version.sha256 in _digests(version)


def _digests(version: WordingVersion) -> Iterator[str]:
    yield digest(version.texts, version.covers)
    # Those published before the pairs were part of the hash have that of their only text.
    if len(version.texts) == 1:
        yield hashlib.sha256(next(iter(version.texts.values())).encode()).hexdigest()


def _published(tenant: Tenant) -> Iterator[WordingVersion]:
    """All of them, oldest first, in keyset pages, so that memory stays flat and no transaction is long."""
    after = 0
    while page := _page(tenant, after):
        yield from page
        after = page[-1].pk


def _page(tenant: Tenant, after: int) -> list[WordingVersion]:
    with tenant_scope(tenant):
        versions = WordingVersion.objects.filter(tenant=tenant, published_at__isnull=False, pk__gt=after)
        return list(versions.select_related("wording").order_by("pk")[:BATCH])
