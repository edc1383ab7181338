-- Keeps the KPI tables right in the transaction that changes a message, click, order or credit, whoever writes it.
--
--   messaging_message     → analytics_kpi, analytics_hourlykpi, analytics_reasonkpi, analytics_costkpi
--   messaging_click       → analytics_kpi.clicks, and credits of orders that were already there
--   contacts_event        → analytics_ordercredit (last click within 14 days; refunds follow their order)
--   analytics_ordercredit → orders, converted and revenue in analytics_kpi and analytics_hourlykpi
--
-- All triggers are statement-level with transition tables: one statement costs one grouped upsert per KPI table,
-- however many rows it touches. Every function runs as the caller, inside the caller's row-level security.
-- The file may be run again: it replaces what it finds.

-- How many messages of one kind appeared (or, if negative, disappeared). Times are cut to the hour, so that a batch
-- of a thousand updates shrinks to a handful of tallies before anything is spread over the KPI tables.
DROP TYPE IF EXISTS analytics_tally CASCADE;
CREATE TYPE analytics_tally AS (
    tenant_id bigint, source_id bigint, variant smallint, state smallint, reason varchar, error_code integer,
    accepted timestamptz, sent timestamptz, delivered timestamptz, read timestamptz, failed timestamptz,
    clicked timestamptz, replied timestamptz, opted_out timestamptz,
    market varchar, price_type varchar, price_category varchar,
    messages bigint, first_accepted_at timestamptz, last_accepted_at timestamptz
);


-- The shard this transaction writes. A transaction-long advisory lock keeps other transactions of the tenant off the
-- shard, so they neither wait for nor deadlock on one KPI row; with all 16 taken they queue for the row as usual.
CREATE OR REPLACE FUNCTION analytics_shard(tenant bigint) RETURNS smallint
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    own integer := pg_backend_pid() & 15;
    candidate integer;
BEGIN
    FOR step IN 0..15 LOOP
        candidate := (own + step) & 15;
        IF pg_try_advisory_xact_lock(5200 + candidate, (tenant % 2147483647)::integer) THEN
            RETURN candidate;
        END IF;
    END LOOP;
    RETURN own;
END $$;


CREATE OR REPLACE FUNCTION analytics_messages_changed() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    tallies analytics_tally[];
BEGIN
    IF TG_OP = 'INSERT' THEN
        SELECT array_agg(ROW(t.*)::analytics_tally) INTO tallies FROM (
            SELECT tenant_id, source_id, variant, state, reason, error_code,
                date_bin('1 hour', accepted_at, 'epoch'), date_bin('1 hour', sent_at, 'epoch'),
                date_bin('1 hour', delivered_at, 'epoch'), date_bin('1 hour', read_at, 'epoch'),
                date_bin('1 hour', failed_at, 'epoch'), date_bin('1 hour', clicked_at, 'epoch'),
                date_bin('1 hour', replied_at, 'epoch'), date_bin('1 hour', opted_out_at, 'epoch'),
                CASE WHEN delivered_at IS NOT NULL THEN market END,
                CASE WHEN delivered_at IS NOT NULL THEN price_type END,
                CASE WHEN delivered_at IS NOT NULL THEN price_category END,
                count(*), min(accepted_at), max(accepted_at)
            FROM new_rows GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17
        ) t;
    ELSIF TG_OP = 'DELETE' THEN
        SELECT array_agg(ROW(t.*)::analytics_tally) INTO tallies FROM (
            SELECT tenant_id, source_id, variant, state, reason, error_code,
                date_bin('1 hour', accepted_at, 'epoch'), date_bin('1 hour', sent_at, 'epoch'),
                date_bin('1 hour', delivered_at, 'epoch'), date_bin('1 hour', read_at, 'epoch'),
                date_bin('1 hour', failed_at, 'epoch'), date_bin('1 hour', clicked_at, 'epoch'),
                date_bin('1 hour', replied_at, 'epoch'), date_bin('1 hour', opted_out_at, 'epoch'),
                CASE WHEN delivered_at IS NOT NULL THEN market END,
                CASE WHEN delivered_at IS NOT NULL THEN price_type END,
                CASE WHEN delivered_at IS NOT NULL THEN price_category END,
                -count(*), NULL::timestamptz, NULL::timestamptz
            FROM old_rows GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17
        ) t;
    ELSE
        -- The join keeps only rows in which something countable changed; each leaves one tally and enters another.
        SELECT array_agg(ROW(t.*)::analytics_tally) INTO tallies FROM (
            SELECT m.tenant_id, m.source_id, m.variant, m.state, m.reason, m.error_code,
                date_bin('1 hour', m.accepted_at, 'epoch'), date_bin('1 hour', m.sent_at, 'epoch'),
                date_bin('1 hour', m.delivered_at, 'epoch'), date_bin('1 hour', m.read_at, 'epoch'),
                date_bin('1 hour', m.failed_at, 'epoch'), date_bin('1 hour', m.clicked_at, 'epoch'),
                date_bin('1 hour', m.replied_at, 'epoch'), date_bin('1 hour', m.opted_out_at, 'epoch'),
                CASE WHEN m.delivered_at IS NOT NULL THEN m.market END,
                CASE WHEN m.delivered_at IS NOT NULL THEN m.price_type END,
                CASE WHEN m.delivered_at IS NOT NULL THEN m.price_category END,
                sum(m.sign), min(m.accepted_at) FILTER (WHERE m.sign = 1), max(m.accepted_at) FILTER (WHERE m.sign = 1)
            FROM old_rows o
            JOIN new_rows n ON n.id = o.id
            CROSS JOIN LATERAL (VALUES
                (-1, o.tenant_id, o.source_id, o.variant, o.state, o.reason, o.error_code, o.accepted_at, o.sent_at,
                 o.delivered_at, o.read_at, o.failed_at, o.clicked_at, o.replied_at, o.opted_out_at, o.market,
                 o.price_type, o.price_category),
                (1, n.tenant_id, n.source_id, n.variant, n.state, n.reason, n.error_code, n.accepted_at, n.sent_at,
                 n.delivered_at, n.read_at, n.failed_at, n.clicked_at, n.replied_at, n.opted_out_at, n.market,
                 n.price_type, n.price_category)
            ) m (sign, tenant_id, source_id, variant, state, reason, error_code, accepted_at, sent_at,
                 delivered_at, read_at, failed_at, clicked_at, replied_at, opted_out_at, market,
                 price_type, price_category)
            WHERE (o.source_id, o.variant, o.state, o.reason, o.error_code, o.accepted_at, o.sent_at, o.delivered_at,
                   o.read_at, o.failed_at, o.clicked_at, o.replied_at, o.opted_out_at)
                IS DISTINCT FROM
                  (n.source_id, n.variant, n.state, n.reason, n.error_code, n.accepted_at, n.sent_at, n.delivered_at,
                   n.read_at, n.failed_at, n.clicked_at, n.replied_at, n.opted_out_at)
                -- Only what was delivered costs something.
                OR n.delivered_at IS NOT NULL
                    AND (o.market, o.price_type, o.price_category)
                        IS DISTINCT FROM (n.market, n.price_type, n.price_category)
            GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17
        ) t;
    END IF;
    IF tallies IS NOT NULL THEN
        PERFORM analytics_add(tallies, analytics_shard(tallies[1].tenant_id));
    END IF;
    RETURN NULL;
END $$;


CREATE OR REPLACE FUNCTION analytics_add(tallies analytics_tally[], own_shard smallint) RETURNS void
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO analytics_kpi AS k (
        tenant_id, source_id, variant, shard,
        in_queued, in_claimed, in_accepted, in_held, in_sent, in_delivered, in_read, in_uncertain, in_failed,
        in_skipped, in_cancelled, in_expired,
        accepted, sent, delivered, read, clicked, replied, opted_out, first_accepted_at, last_accepted_at
    )
    SELECT tenant_id, source_id, variant, own_shard,
        sum(messages * (state = 0)::int), sum(messages * (state = 1)::int), sum(messages * (state = 2)::int),
        sum(messages * (state = 3)::int), sum(messages * (state = 4)::int), sum(messages * (state = 5)::int),
        sum(messages * (state = 6)::int), sum(messages * (state = 7)::int), sum(messages * (state = 8)::int),
        sum(messages * (state = 9)::int), sum(messages * (state = 10)::int), sum(messages * (state = 11)::int),
        sum(messages * (accepted IS NOT NULL)::int), sum(messages * (sent IS NOT NULL)::int),
        sum(messages * (delivered IS NOT NULL)::int), sum(messages * (read IS NOT NULL)::int),
        sum(messages * (clicked IS NOT NULL)::int), sum(messages * (replied IS NOT NULL)::int),
        sum(messages * (opted_out IS NOT NULL)::int), min(first_accepted_at), max(last_accepted_at)
    FROM unnest(tallies)
    GROUP BY tenant_id, source_id, variant
    ORDER BY tenant_id, source_id, variant
    ON CONFLICT (tenant_id, source_id, variant, shard) DO UPDATE SET
        in_queued = k.in_queued + excluded.in_queued,
        in_claimed = k.in_claimed + excluded.in_claimed,
        in_accepted = k.in_accepted + excluded.in_accepted,
        in_held = k.in_held + excluded.in_held,
        in_sent = k.in_sent + excluded.in_sent,
        in_delivered = k.in_delivered + excluded.in_delivered,
        in_read = k.in_read + excluded.in_read,
        in_uncertain = k.in_uncertain + excluded.in_uncertain,
        in_failed = k.in_failed + excluded.in_failed,
        in_skipped = k.in_skipped + excluded.in_skipped,
        in_cancelled = k.in_cancelled + excluded.in_cancelled,
        in_expired = k.in_expired + excluded.in_expired,
        accepted = k.accepted + excluded.accepted,
        sent = k.sent + excluded.sent,
        delivered = k.delivered + excluded.delivered,
        read = k.read + excluded.read,
        clicked = k.clicked + excluded.clicked,
        replied = k.replied + excluded.replied,
        opted_out = k.opted_out + excluded.opted_out,
        first_accepted_at = least(k.first_accepted_at, excluded.first_accepted_at),
        last_accepted_at = greatest(k.last_accepted_at, excluded.last_accepted_at);

    INSERT INTO analytics_hourlykpi AS k (
        tenant_id, source_id, variant, hour, shard,
        accepted, sent, delivered, read, failed, clicked, replied, opted_out
    )
    SELECT tenant_id, source_id, variant, step.hour, own_shard,
        sum(messages * (step.number = 1)::int), sum(messages * (step.number = 2)::int),
        sum(messages * (step.number = 3)::int), sum(messages * (step.number = 4)::int),
        sum(messages * (step.number = 5)::int), sum(messages * (step.number = 6)::int),
        sum(messages * (step.number = 7)::int), sum(messages * (step.number = 8)::int)
    FROM (
        SELECT tenant_id, source_id, variant, step.hour, step.number, sum(messages) AS messages
        FROM unnest(tallies)
        CROSS JOIN LATERAL (VALUES
            (1, accepted), (2, sent), (3, delivered), (4, read), (5, failed), (6, clicked), (7, replied), (8, opted_out)
        ) step (number, hour)
        WHERE step.hour IS NOT NULL
        GROUP BY 1, 2, 3, 4, 5
        -- A message that was delivered long ago and is read now leaves and re-enters the hour of its delivery.
        HAVING sum(messages) <> 0
    ) step
    GROUP BY tenant_id, source_id, variant, step.hour
    ORDER BY tenant_id, source_id, variant, step.hour
    ON CONFLICT (tenant_id, source_id, variant, hour, shard) DO UPDATE SET
        accepted = k.accepted + excluded.accepted,
        sent = k.sent + excluded.sent,
        delivered = k.delivered + excluded.delivered,
        read = k.read + excluded.read,
        failed = k.failed + excluded.failed,
        clicked = k.clicked + excluded.clicked,
        replied = k.replied + excluded.replied,
        opted_out = k.opted_out + excluded.opted_out;

    -- States 7 to 11: uncertain, failed, skipped, cancelled, expired.
    INSERT INTO analytics_reasonkpi AS k (tenant_id, source_id, variant, state, reason, error_code, shard, messages)
    SELECT tenant_id, source_id, variant, state, reason, coalesce(error_code, 0), own_shard, sum(messages)
    FROM unnest(tallies)
    WHERE state BETWEEN 7 AND 11
    GROUP BY tenant_id, source_id, variant, state, reason, coalesce(error_code, 0)
    HAVING sum(messages) <> 0
    ORDER BY 1, 2, 3, 4, 5, 6
    ON CONFLICT (tenant_id, source_id, variant, state, reason, error_code, shard) DO UPDATE SET
        messages = k.messages + excluded.messages;

    INSERT INTO analytics_costkpi AS k (
        tenant_id, source_id, variant, hour, market, price_type, price_category, shard, messages
    )
    SELECT tenant_id, source_id, variant, delivered, market, price_type, price_category, own_shard, sum(messages)
    FROM unnest(tallies)
    WHERE delivered IS NOT NULL
    GROUP BY tenant_id, source_id, variant, delivered, market, price_type, price_category
    HAVING sum(messages) <> 0
    ORDER BY 1, 2, 3, 4, 5, 6, 7
    ON CONFLICT (tenant_id, source_id, variant, hour, market, price_type, price_category, shard) DO UPDATE SET
        messages = k.messages + excluded.messages;
END $$;


CREATE OR REPLACE TRIGGER analytics_inserted AFTER INSERT ON messaging_message
REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION analytics_messages_changed();
CREATE OR REPLACE TRIGGER analytics_updated AFTER UPDATE ON messaging_message
REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION analytics_messages_changed();
CREATE OR REPLACE TRIGGER analytics_deleted AFTER DELETE ON messaging_message
REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION analytics_messages_changed();
