"""What campaigns tell a person: which one reached them last, and by what it chose them (R-36); leaving topics."""

from collections.abc import Collection, Iterator

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from campaigns import audience, leaving
from campaigns.models import Audience, Campaign
from consent import speaking
from consent.explaining import Sending
from consent.queries import special_names
from contacts.models import Contact, ContactList
from contacts.personal import Section
from messaging.models import Message, Source
from segments import explaining
from segments.rules import InvalidRule, parse


def tell(contact: Contact) -> Iterator[Section]:
    """What the last campaign was for and by what it chose the person; the messages themselves are told by messaging."""
    language = (get_language() or "de")[:2]
    sent = last_campaign(contact, language)
    labels = {"at": _("When"), "purpose": _("Purpose"), "by": _("Chosen by")}
    rows = [{"at": sent.at, "purpose": _purpose(sent), "by": _chosen(contact, sent, language)}] if sent else []
    yield Section("last_campaign", _("By what the last campaign chose you"), labels, rows)


def _chosen(contact: Contact, sent: Sending, language: str) -> str:
    """By what, in full: only here, where only the person reads it, are special categories of data named."""
    said = speaking.texts(contact.tenant, language)
    if sent.by is None:
        return said["unknown"]
    return ", ".join([*sent.by, *([said["by_special"]] if sent.is_special else [])]) or said["everybody"]


def _purpose(sent: Sending) -> str:
    return str({str(purpose): label for purpose, label in Campaign.PURPOSES}.get(sent.purpose, sent.purpose))


def last_campaign(contact: Contact, language: str) -> Sending | None:
    """The last campaign whose message Meta took for this person; None where there was none."""
    sent = Message.objects.filter(
        tenant=contact.tenant_id, contact=contact.pk, source__kind=Source.Kind.CAMPAIGN, accepted_at__isnull=False
    )
    last = sent.exclude(state=Message.State.FAILED).select_related("source").order_by("-accepted_at", "-pk").first()
    if last is None:
        return None
    assert last.accepted_at
    by, is_special = _by(contact, last.source_id, language)
    return Sending(last.accepted_at, last.source.purpose, by, is_special, last.consent_seq)


def _by(contact: Contact, source_id: int, language: str) -> tuple[list[str] | None, bool]:
    """What the lists and segments that include ask for, and whether some of it is of a special category (Art. 9 GDPR).

    None where a segment was changed after people were chosen.
    """
    campaign = Campaign.objects.filter(tenant=contact.tenant_id, source=source_id).first()
    if campaign is None or campaign.frozen_at is None:
        return None, False
    rows = list(campaign.audiences.filter(is_excluded=False).select_related("list", "segment").order_by("pk"))
    if any(row.segment and row.segment.updated_at > campaign.frozen_at for row in rows):
        return None, False
    said, special = speaking.texts(contact.tenant, language), special_names(contact.tenant_id)
    try:
        if any(row.segment and explaining.is_everybody(parse(row.segment.rule)) for row in rows):
            return [], False
        is_special = not all(special.isdisjoint(audience.names(row)) for row in rows)
        by = list(dict.fromkeys(word for row in rows for word in _words(row, said, language)))
        return (by, is_special) if by or is_special else (None, False)
    except InvalidRule:
        return None, False


def _words(row: Audience, said: dict[str, str], language: str) -> list[str]:
    """The kinds of data that one of them asks for; special categories are not named."""
    if row.segment:
        return explaining.kinds(parse(row.segment.rule), row.tenant_id, said)
    assert row.list is not None
    if not special_names(row.tenant_id).isdisjoint(audience.names(row)):
        return []
    return [said["by_topic"].replace("{topic}", row.list.title(language)) if row.list.is_topic else said["by_list"]]


def leave(contact: Contact, topics: Collection[ContactList]) -> None:
    """Cancel what waits for the person of campaigns to topics that they have left, in the same transaction."""
    leaving.leave(contact, topics)
