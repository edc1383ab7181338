"""Freezes a campaign's audience: one INSERT … SELECT makes a message row per person, reachable or not."""

from typing import Any

from django.db import connection
from django.utils.timezone import now

from campaigns import leaving
from campaigns.audience import Selection, choice, selection
from campaigns.models import Campaign
from messaging import actions as outbox
from segments.queries import as_a_set
from tenants.scope import tenant_scope

# Contacts per statement: each one reads the whole tenant's consent, so small ones cost more than they save; a killed
# worker repeats at most this much, some ten seconds.
RANGE = 500_000

# Everyone in the audience becomes a row: the reachable are queued, the others skipped with the reason, so that
# audience = sum of states, and the waterfall names people. ON CONFLICT makes a repeated range insert nothing.
# MATERIALIZED, so that the reason is worked out once and not once per column; in the order of contacts, so that
# indexes fill page by page.
FREEZE = """
WITH chosen AS MATERIALIZED (
  SELECT c.tenant_id, c.id, {variant} AS variant, r.reason
  FROM contacts_contact c {joins} CROSS JOIN LATERAL (SELECT {reason} AS reason) r
  WHERE c.tenant_id = %s AND c.id > %s AND c.id <= %s AND ({included})
)
INSERT INTO messaging_message (tenant_id, source_id, contact_id, variant, state, queue, reason)
SELECT tenant_id, %s, id, variant,
       CASE WHEN reason IS NULL THEN 0 ELSE 9 END, CASE WHEN reason IS NULL THEN 0 ELSE 2 END, coalesce(reason, '')
FROM chosen ORDER BY id
ON CONFLICT (tenant_id, source_id, contact_id) DO NOTHING
"""


def freeze(tenant_id: int, campaign_id: int) -> bool:
    """Freeze range by range, each in its own transaction with the cursor; then open the source.

    Returns False if another worker or a cancellation was faster. A killed worker's successor goes on at the cursor.
    """
    while True:
        with tenant_scope(tenant_id):
            # Whoever holds the row is freezing it, or cancelling; a freeze that broke off is begun again by beat.
            campaign = (
                Campaign.objects.select_for_update(of=("self",), skip_locked=True)
                .select_related("source")
                .filter(tenant=tenant_id, pk=campaign_id, state=Campaign.State.RUNNING, frozen_at=None)
                .first()
            )
            if campaign is None:
                return False
            if _freeze_range(campaign):
                return True


def _freeze_range(campaign: Campaign) -> bool:
    upper = _upper_end(campaign)
    if upper is None:
        campaign.frozen_at = now()
        campaign.save(update_fields=["frozen_at"])
        assert campaign.source is not None
        _renew_statistics()
        # Last, because whoever leaves a topic waits from here to the commit.
        leaving.catch_up(campaign)
        outbox.resume_source(source=campaign.source, expires_at=now() + Campaign.SENDS_FOR)
        return True
    _note_choice(campaign)
    _insert(campaign, selection(campaign), upper)
    campaign.frozen_to = upper
    campaign.save(update_fields=["frozen_to"])
    return False


def _note_choice(campaign: Campaign) -> None:
    """Say by what the people are chosen: some of it may be, or become, of no use without a yes of its own (CG-08)."""
    assert campaign.source is not None
    chosen, binding = choice(campaign)
    outbox.note_choice(source=campaign.source, names=chosen, binding=binding)


def _renew_statistics() -> None:
    """Tell the planner about the new rows, so that claims and reports do not mistake a million for one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT zusage_analyze('messaging_message', waits => false)")


def _upper_end(campaign: Campaign) -> int | None:
    """The contact id that ends the next range; None when no contact is left."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT max(id) FROM (SELECT id FROM contacts_contact WHERE tenant_id = %s AND id > %s"
            " ORDER BY tenant_id, id LIMIT %s) r",
            [campaign.tenant_id, campaign.frozen_to, RANGE],
        )
        return cursor.fetchone()[0]


def _insert(campaign: Campaign, chosen: Selection, upper: int) -> None:
    variant, variant_params = _variant(campaign)
    with as_a_set(), connection.cursor() as cursor:
        cursor.execute(
            FREEZE.format(variant=variant, joins=chosen.joins, reason=chosen.reason, included=chosen.included),
            [
                *variant_params,
                *chosen.joins_params,
                *chosen.reason_params,
                campaign.tenant_id,
                campaign.frozen_to,
                upper,
                *chosen.included_params,
                campaign.source_id,
            ],
        )


def _variant(campaign: Campaign) -> tuple[str, list[Any]]:
    """SQL that assigns a variant by weight, at random but the same for the same person at every try."""
    variants = list(campaign.variants.order_by("number").values_list("number", "weight"))
    if len(variants) == 1:
        return "0", []
    total, reached, cases = sum(weight for _, weight in variants), 0, []
    params: list[Any] = []
    for number, weight in variants:
        reached += weight
        cases.append("WHEN (hashint8extended(c.id, %s) & 2147483647) %% %s < %s THEN %s")
        params.extend([campaign.source_id, total, reached, number])
    return f"CASE {' '.join(cases)} END", params
