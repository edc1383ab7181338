"""A tenant with as many people, campaigns, messages and events as asked for, made inside the database in seconds."""

import secrets
from dataclasses import dataclass
from functools import cache

from django.db import connection

from contacts.actions import lists
from contacts.models import ContactList
from messaging import actions as outbox
from messaging.models import Source
from tenants.actions import NewTenant
from tenants.models import Tenant
from tenants.scope import across_tenants, tenant_scope
from tests import factories

PASSWORD = "correct horse battery"
STEP = 100_000

# Every tenth person has no number but an e-mail address, every fifth a customer number; attributes as shops have them.
PEOPLE = """
INSERT INTO contacts_contact (tenant_id, uid, subject_id, phone, email, external_id, first_name, last_name, postcode,
    birthday, attributes)
SELECT %(tenant)s, gen_random_uuid(), gen_random_uuid(),
    CASE WHEN n %% 10 > 0 THEN '+4915' || lpad(n::text, 9, '0') END,
    CASE WHEN n %% 10 = 0 THEN 'p' || n || '@example.com' END,
    CASE WHEN n %% 5 = 0 THEN 'K' || n END,
    (ARRAY['Anna', 'Ben', 'Clara', 'David', 'Emma'])[1 + n %% 5], 'Muster' || n %% 9973,
    lpad((10000 + n %% 89999)::text, 5, '0'), date '1950-01-01' + (n * 7919 %% 20000)::int,
    jsonb_build_object('size', (ARRAY['S', 'M', 'L', 'XL'])[1 + n %% 4], 'points', n %% 1000)
FROM generate_series(%(start)s::bigint, %(end)s::bigint) n
"""
NAMES = """
INSERT INTO contacts_identity (tenant_id, contact_id, kind, digest)
SELECT c.tenant_id, c.id, 'phone', sha256(c.phone::bytea) FROM contacts_contact c
WHERE c.tenant_id = %(tenant)s AND c.phone IS NOT NULL
"""
# Four in five said yes, one in fifty no, the others nothing.
STATES = """
INSERT INTO consent_consentstate (tenant_id, subject_id, channel, purpose, state, since, seq, reason, age_confirmed)
SELECT c.tenant_id, c.subject_id, 'whatsapp', p.purpose,
    CASE WHEN c.id %% 50 = 7 THEN 'withdrawn' ELSE 'granted' END, now() - interval '30 days',
    row_number() OVER (), '', TRUE
FROM contacts_contact c CROSS JOIN (VALUES ('marketing'), ('tracking')) p(purpose)
WHERE c.tenant_id = %(tenant)s AND c.id %% 5 > 0
"""
LIST = """
INSERT INTO contacts_listmember (tenant_id, list_id, contact_id)
SELECT %(tenant)s, %(list)s, id FROM contacts_contact WHERE tenant_id = %(tenant)s
"""
EVENTS = """
INSERT INTO contacts_event (tenant_id, uid, contact_id, event_id, name, occurred_at, value, currency)
SELECT c.tenant_id, gen_random_uuid(), c.id, 'e' || %(round)s || '-' || c.id,
    (ARRAY['product_viewed', 'product_viewed', 'cart_updated', 'page_viewed'])[1 + (c.id + %(round)s) %% 4],
    now() - (c.id * 7 + %(round)s * 13) %% 365 * interval '1 day', (c.id %% 200)::numeric, 'EUR'
FROM contacts_contact c WHERE c.tenant_id = %(tenant)s AND c.id > %(start)s AND c.id <= %(end)s
"""
# Of each campaign one in fifty is skipped (who said no, as above), one in a thousand fails, most of those by one of
# Meta's codes and one in fifty of them by another; one in twenty clicks, one in a thousand answers.
MESSAGES = """
INSERT INTO messaging_message (tenant_id, source_id, contact_id, state, queue, reason, error_code, attempt, wamid,
    claimed_at, accepted_at, failed_at, sent_at, delivered_at, read_at, clicked_at, replied_at, created_at)
SELECT %(tenant)s, %(source)s, c.id,
    CASE WHEN is_skipped THEN 9 WHEN is_failed THEN 8 WHEN c.id %% 4 = 0 THEN 5 ELSE 6 END, 2,
    CASE WHEN is_skipped THEN 'withdrawn' ELSE '' END,
    CASE WHEN is_failed THEN CASE WHEN c.id %% 50000 = 1 THEN 131053 ELSE 131026 END END,
    1, CASE WHEN NOT is_skipped THEN 'wamid.' || %(source)s || '.' || c.id END, out, out,
    CASE WHEN is_failed THEN t.at END, came, came,
    CASE WHEN c.id %% 4 > 0 THEN came END, CASE WHEN c.id %% 20 = 3 THEN came END,
    CASE WHEN c.id %% 1000 = 3 THEN came END, t.at
FROM (SELECT now() - %(days)s * interval '1 day' AS at) t,
    contacts_contact c CROSS JOIN LATERAL (SELECT c.id %% 50 = 7 AS is_skipped, c.id %% 1000 = 1 AS is_failed) w
    CROSS JOIN LATERAL (SELECT CASE WHEN NOT is_skipped THEN t.at END AS out,
        CASE WHEN NOT is_skipped AND NOT is_failed THEN t.at END AS came) o
WHERE c.tenant_id = %(tenant)s AND c.id > %(start)s AND c.id <= %(end)s
"""
# What stands behind a click and an answer; every tenth answer is one that somebody should look at.
CLICKS = """
WITH link AS (
    INSERT INTO messaging_link (tenant_id, uid, source_id, variant, label, url)
    VALUES (%(tenant)s, gen_random_uuid(), %(source)s, 0, 'Zur Aktion', 'https://shop.example/aktion')
    RETURNING id
)
INSERT INTO messaging_click (tenant_id, link_id, source_id, message_id, contact_id, at, is_counted)
SELECT m.tenant_id, link.id, m.source_id, m.id, m.contact_id, m.clicked_at, TRUE
FROM messaging_message m, link
WHERE m.tenant_id = %(tenant)s AND m.source_id = %(source)s AND m.clicked_at IS NOT NULL
"""
ANSWERS = """
WITH asked AS (
    SELECT m.id, m.contact_id, m.replied_at FROM messaging_message m
    WHERE m.tenant_id = %(tenant)s AND m.source_id = %(source)s AND m.replied_at IS NOT NULL
), conversation AS (
    INSERT INTO inbox_conversation (tenant_id, uid, number_id, contact_id, last_inbound_at)
    SELECT %(tenant)s, gen_random_uuid(), %(number)s, contact_id, replied_at FROM asked
    ON CONFLICT (tenant_id, number_id, contact_id) DO UPDATE SET last_inbound_at = EXCLUDED.last_inbound_at
    RETURNING id, contact_id
)
INSERT INTO inbox_inboundmessage (tenant_id, conversation_id, wamid, type, text, payload, content, answers_id,
    is_opt_out, needs_a_look, sent_at)
SELECT %(tenant)s, c.id, 'wamid.answer.' || a.id, 'text', 'Gibt es das auch in Blau?', '', '{}', a.id,
    FALSE, row_number() OVER () %% 10 = 0, a.replied_at
FROM asked a JOIN conversation c ON c.contact_id = a.contact_id
"""
CAMPAIGNS = """
INSERT INTO campaigns_campaign (tenant_id, uid, name, state, purpose, timezone, frozen_to, number_id, source_id,
    launched_at, finished_at, frozen_at, problem, created_at)
SELECT %(tenant)s, gen_random_uuid(), 'Kampagne ' || s.id, 'finished', 'marketing', 'Europe/Berlin', 0, s.number_id,
    s.id, s.created_at, s.created_at + interval '1 hour', s.created_at, '', s.created_at
FROM messaging_source s WHERE s.tenant_id = %(tenant)s AND s.kind = 'campaign'
    AND NOT EXISTS (SELECT 1 FROM campaigns_campaign k WHERE k.tenant_id = s.tenant_id AND k.source_id = s.id)
ORDER BY s.id
"""


@dataclass(frozen=True)
class World:
    """A tenant with a password-known owner, one number, an approved template and a list of everybody."""

    made: NewTenant
    everybody: ContactList

    @property
    def tenant(self) -> Tenant:
        return self.made.tenant


def populate(people: int, *, throughput: int = 1000) -> World:
    """A new tenant with so many people and a number for so many messages a second."""
    mark = secrets.token_hex(4)
    made = factories.company(slug=f"gross-{mark}", name="Groß", owner_email=f"{mark}@example.com", password=PASSWORD)
    tenant = made.tenant
    sender = factories.number(tenant, throughput=throughput)
    factories.template(tenant)
    with tenant_scope(tenant):
        everybody = lists.create_list(tenant=tenant, name="Alle", by=None)
    for start in range(0, people, STEP):
        run(tenant, PEOPLE, start=start + 1, end=min(start + STEP, people))
    for statement in (NAMES, STATES):
        run(tenant, statement)
    run(tenant, LIST, list=everybody.pk)
    analyse("contacts_contact", "contacts_identity", "consent_consentstate", "contacts_listmember")
    assert sender.tenant_id == tenant.pk
    return World(made, everybody)


@cache
def large(people: int) -> World:
    """The one world that benchmarks share which need many people."""
    return populate(people)


def live(world: World, *, events_each: int) -> None:
    """Give everybody so many events of the last year."""
    for number in range(events_each):
        for start, end in ranges(world.tenant):
            run(world.tenant, EVENTS, round=number, start=start, end=end)
    analyse("contacts_event")


def remember(world: World, *, campaigns: int, full: int) -> None:
    """Write the history of so many finished campaigns: the newest `full` of them went to everybody."""
    tenant = world.tenant
    with tenant_scope(tenant):
        sender = tenant.numbers.get()
        sources = [
            outbox.open_source(
                tenant=tenant, kind=Source.Kind.CAMPAIGN, name=f"Kampagne {n}", number=sender, purpose="marketing"
            )
            for n in range(campaigns)
        ]
        Source.objects.filter(tenant=tenant).update(state=Source.State.CLOSED)
    for days, source in enumerate(reversed(sources[-full:] if full else [])):
        for start, end in ranges(tenant):
            run(tenant, MESSAGES, source=source.pk, days=days % 90, start=start, end=end)
        run(tenant, CLICKS, source=source.pk)
        run(tenant, ANSWERS, source=source.pk, number=sender.pk)
    run(tenant, CAMPAIGNS)
    analyse("messaging_message", "messaging_click", "inbox_inboundmessage", "campaigns_campaign", "messaging_source")


def close() -> None:
    """Close what still sends: what one benchmark leaves in its queue must not go out beside the next one."""
    with across_tenants("a benchmark ends"):
        Source.objects.filter(state=Source.State.OPEN).update(state=Source.State.CLOSED)


def ranges(tenant: Tenant) -> list[tuple[int, int]]:
    """(after, up to) contact ids that cut a tenant's people into steps."""
    with tenant_scope(tenant), connection.cursor() as cursor:
        cursor.execute("SELECT min(id), max(id) FROM contacts_contact WHERE tenant_id = %s", [tenant.pk])
        first, last = cursor.fetchone()
    return [(start, min(start + STEP, last)) for start in range(first - 1, last, STEP)]


def run(tenant: Tenant, statement: str, **params: object) -> int:
    """One statement in the tenant's scope; returns how many rows it wrote."""
    with tenant_scope(tenant), connection.cursor() as cursor:
        cursor.execute(statement, {"tenant": tenant.pk, **params})
        return cursor.rowcount


def analyse(*tables: str) -> None:
    """What autovacuum would do soon: visibility for index-only scans, statistics for plans."""
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"VACUUM ANALYZE {table}")
