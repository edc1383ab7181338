-- Clicks, last-click attribution and revenue. Read triggers.sql first.
--
-- The rule: an order is credited to the latest counted click of its contact within 14 days before it. A refund follows
-- the credit of the order with the same order_id, as a negative value at the refund's own time, whichever arrives
-- first. Deleting a click, an event or a contact later leaves credits as they are.

-- `tenant_id + 0` and `name || ''` keep the planner off the indexes by tenant and by name: on a table without statistics
-- it takes a tenant for a single row, and would read every order of the tenant instead of the few asked for.

-- Clicks know the message where tracking is allowed, else only the link.
CREATE OR REPLACE FUNCTION analytics_click_variant(tenant bigint, message bigint, link bigint) RETURNS smallint
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT coalesce(
        (SELECT variant FROM messaging_message WHERE tenant_id + 0 = tenant AND id = message),
        (SELECT variant FROM messaging_link WHERE tenant_id + 0 = tenant AND id = link),
        0::smallint
    )
$$;


CREATE OR REPLACE FUNCTION analytics_add_clicks(counted messaging_click[], uncounted messaging_click[]) RETURNS void
LANGUAGE sql SET search_path = public, pg_temp AS $$
    INSERT INTO analytics_kpi AS k (tenant_id, source_id, variant, shard, clicks)
    SELECT tenant_id, source_id, variant, analytics_shard(tenant_id), clicks
    FROM (
        SELECT tenant_id, source_id, analytics_click_variant(tenant_id, message_id, link_id) AS variant,
            sum(sign) AS clicks
        FROM (
            SELECT 1 AS sign, * FROM unnest(counted) UNION ALL SELECT -1, * FROM unnest(uncounted)
        ) c
        WHERE is_counted
        GROUP BY 1, 2, 3
        HAVING sum(sign) <> 0
        ORDER BY 1, 2, 3
    ) delta
    ON CONFLICT (tenant_id, source_id, variant, shard) DO UPDATE SET clicks = k.clicks + excluded.clicks
$$;


CREATE OR REPLACE FUNCTION analytics_clicks_changed() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    gone messaging_click[];
    come messaging_click[];
BEGIN
    IF TG_OP = 'INSERT' THEN
        SELECT array_agg(ROW(n.*)::messaging_click) INTO come FROM new_rows n WHERE n.is_counted;
    ELSIF TG_OP = 'DELETE' THEN
        SELECT array_agg(ROW(o.*)::messaging_click) INTO gone FROM old_rows o WHERE o.is_counted;
    ELSE
        SELECT array_agg(ROW(o.*)::messaging_click), array_agg(ROW(n.*)::messaging_click) INTO gone, come
        FROM old_rows o JOIN new_rows n ON n.id = o.id WHERE o IS DISTINCT FROM n;
    END IF;
    IF come IS NULL AND gone IS NULL THEN
        RETURN NULL;
    END IF;
    PERFORM analytics_add_clicks(come, gone);
    -- An order may be stored before the click that led to it. A click that merely lost its contact (erasure) moves
    -- no credit, because `come` then names no contact.
    PERFORM analytics_attribute(tenant_id, array_agg(id), '{}') FROM (
        SELECT DISTINCT e.tenant_id, e.id
        FROM unnest(come) n
        LEFT JOIN unnest(gone) o ON o.id = n.id
        JOIN contacts_event e ON e.tenant_id + 0 = n.tenant_id AND e.contact_id = n.contact_id
        WHERE e.name || '' = 'order_placed'
            AND e.occurred_at >= least(n.at, o.at) AND e.occurred_at < greatest(n.at, o.at) + interval '14 days'
    ) touched GROUP BY tenant_id ORDER BY tenant_id;
    RETURN NULL;
END $$;


CREATE OR REPLACE FUNCTION analytics_events_changed() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM analytics_attribute(tenant_id, array_agg(id), '{}')
        FROM new_rows WHERE name IN ('order_placed', 'order_refunded')
        GROUP BY tenant_id ORDER BY tenant_id;
    ELSE
        PERFORM analytics_attribute(n.tenant_id, array_agg(n.id), array_agg(o.order_id))
        FROM old_rows o JOIN new_rows n ON n.id = o.id
        WHERE (o.name IN ('order_placed', 'order_refunded') OR n.name IN ('order_placed', 'order_refunded'))
            AND (o.contact_id, o.name, o.occurred_at, o.value, o.currency, o.order_id)
                IS DISTINCT FROM (n.contact_id, n.name, n.occurred_at, n.value, n.currency, n.order_id)
        GROUP BY n.tenant_id ORDER BY n.tenant_id;
    END IF;
    RETURN NULL;
END $$;


-- Bring the credits of these events in line with the rule, and those of the refunds that follow them.
-- `left_orders` are order ids that the events had before.
CREATE OR REPLACE FUNCTION analytics_attribute(tenant bigint, events bigint[], left_orders varchar[]) RETURNS void
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    refunds bigint[];
BEGIN
    -- An order and its refund arriving at the same time must see each other, and a contact's two first orders must
    -- count the contact once: one writer of credits per tenant.
    PERFORM pg_advisory_xact_lock(5300, (tenant % 2147483647)::integer);
    PERFORM analytics_settle_credits(tenant, events);
    SELECT array_agg(DISTINCT refund.id) INTO refunds
    FROM (
        SELECT unnest(left_orders)
        UNION
        SELECT e.order_id FROM contacts_event e WHERE e.tenant_id + 0 = tenant AND e.id = ANY (events)
    ) touched (order_id)
    JOIN contacts_event refund ON refund.tenant_id = tenant AND refund.order_id = touched.order_id
    WHERE refund.order_id <> '' AND refund.name || '' = 'order_refunded';
    IF refunds IS NOT NULL THEN
        PERFORM analytics_settle_credits(tenant, refunds);
    END IF;
END $$;


-- Two statements instead of an upsert: each of them leaves the credits' own trigger a state it can count from.
CREATE OR REPLACE FUNCTION analytics_settle_credits(tenant bigint, events bigint[]) RETURNS void
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    DELETE FROM analytics_ordercredit c
    USING unnest(events) AS event (id)
    LEFT JOIN analytics_credits_due(tenant, events) due ON due.event_id = event.id
    WHERE c.tenant_id = tenant AND c.event_id = event.id
        AND (c.contact_id, c.source_id, c.variant, c.message_id, c.click_id, c.order_id, c.value, c.currency,
             c.occurred_at)
            IS DISTINCT FROM
            (due.contact_id, due.source_id, due.variant, due.message_id, due.click_id, due.order_id, due.value,
             due.currency, due.occurred_at);

    INSERT INTO analytics_ordercredit (
        tenant_id, event_id, contact_id, source_id, variant, message_id, click_id, order_id, value, currency,
        occurred_at
    )
    SELECT tenant, event_id, contact_id, source_id, variant, message_id, click_id, order_id, value, currency,
        occurred_at
    FROM analytics_credits_due(tenant, events)
    ON CONFLICT (tenant_id, event_id) DO NOTHING;
END $$;


-- What the rule says about these events now. A refund of nothing credits nothing; no currency means the tenant's.
CREATE OR REPLACE FUNCTION analytics_credits_due(tenant bigint, events bigint[]) RETURNS TABLE (
    event_id bigint, contact_id bigint, source_id bigint, variant smallint, message_id bigint, click_id bigint,
    order_id varchar, value numeric, currency varchar, occurred_at timestamptz
)
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT e.id, e.contact_id, click.source_id, analytics_click_variant(tenant, click.message_id, click.link_id),
        click.message_id, click.id, e.order_id, coalesce(e.value, 0), coalesce(nullif(e.currency, ''), t.currency),
        e.occurred_at
    FROM contacts_event e
    JOIN tenants_tenant t ON t.id = e.tenant_id
    CROSS JOIN LATERAL (
        SELECT * FROM messaging_click k
        WHERE k.tenant_id = tenant AND k.contact_id = e.contact_id AND k.is_counted
            AND k.at <= e.occurred_at AND k.at > e.occurred_at - interval '14 days'
        ORDER BY k.at DESC, k.id DESC LIMIT 1
    ) click
    WHERE e.tenant_id + 0 = tenant AND e.id = ANY (events) AND e.name || '' = 'order_placed'
    UNION ALL
    SELECT e.id, original.contact_id, original.source_id, original.variant, original.message_id, original.click_id,
        e.order_id, -e.value, coalesce(nullif(e.currency, ''), t.currency), e.occurred_at
    FROM contacts_event e
    JOIN tenants_tenant t ON t.id = e.tenant_id
    CROSS JOIN LATERAL (
        SELECT * FROM analytics_ordercredit c
        WHERE c.tenant_id = tenant AND c.order_id = e.order_id AND c.value >= 0
        ORDER BY c.occurred_at, c.event_id LIMIT 1
    ) original
    WHERE e.tenant_id + 0 = tenant AND e.id = ANY (events) AND e.name || '' = 'order_refunded' AND e.order_id <> ''
        AND e.value > 0
$$;


CREATE OR REPLACE FUNCTION analytics_credits_changed() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    gone analytics_ordercredit[];
    come analytics_ordercredit[];
BEGIN
    IF TG_OP <> 'INSERT' THEN
        SELECT array_agg(ROW(o.*)::analytics_ordercredit) INTO gone FROM old_rows o;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        SELECT array_agg(ROW(n.*)::analytics_ordercredit) INTO come FROM new_rows n;
    END IF;
    IF come IS NOT NULL OR gone IS NOT NULL THEN
        PERFORM analytics_add_credits(come, gone);
    END IF;
    RETURN NULL;
END $$;


-- Negative values are refunds: they lower revenue, never the number of orders. A contact counts as converted once
-- per source, so the number of its orders after the statement is compared with the number before it.
CREATE OR REPLACE FUNCTION analytics_add_credits(come analytics_ordercredit[], gone analytics_ordercredit[])
RETURNS void
LANGUAGE sql SET search_path = public, pg_temp AS $$
    WITH moved AS MATERIALIZED (
        SELECT c.tenant_id, c.source_id, c.variant, c.contact_id, date_bin('1 hour', c.occurred_at, 'epoch') AS hour,
            sum(c.sign * (c.value >= 0)::int) AS orders,
            coalesce(sum(c.sign * c.value) FILTER (WHERE c.currency = t.currency), 0) AS revenue
        FROM (SELECT 1 AS sign, * FROM unnest(come) UNION ALL SELECT -1, * FROM unnest(gone)) c
        JOIN tenants_tenant t ON t.id = c.tenant_id
        GROUP BY 1, 2, 3, 4, 5
    ), per_contact AS (
        SELECT m.*, (
            SELECT count(*) FROM analytics_ordercredit c
            WHERE c.tenant_id = m.tenant_id AND c.source_id = m.source_id AND c.contact_id = m.contact_id
                AND c.variant = m.variant AND c.value >= 0
        ) AS orders_now
        FROM (
            SELECT tenant_id, source_id, variant, contact_id, sum(orders) AS orders, sum(revenue) AS revenue
            FROM moved GROUP BY 1, 2, 3, 4
        ) m
    ), added AS (
        INSERT INTO analytics_kpi AS k (tenant_id, source_id, variant, shard, orders, converted, revenue)
        SELECT tenant_id, source_id, variant, analytics_shard(tenant_id), sum(orders),
            sum((orders_now > 0)::int - (orders_now - orders > 0)::int), sum(revenue)
        FROM per_contact GROUP BY tenant_id, source_id, variant ORDER BY tenant_id, source_id, variant
        ON CONFLICT (tenant_id, source_id, variant, shard) DO UPDATE SET
            orders = k.orders + excluded.orders,
            converted = k.converted + excluded.converted,
            revenue = k.revenue + excluded.revenue
    )
    INSERT INTO analytics_hourlykpi AS k (tenant_id, source_id, variant, hour, shard, orders, revenue)
    SELECT tenant_id, source_id, variant, hour, analytics_shard(tenant_id), sum(orders), sum(revenue)
    FROM moved GROUP BY tenant_id, source_id, variant, hour
    HAVING sum(orders) <> 0 OR sum(revenue) <> 0
    ORDER BY tenant_id, source_id, variant, hour
    ON CONFLICT (tenant_id, source_id, variant, hour, shard) DO UPDATE SET
        orders = k.orders + excluded.orders,
        revenue = k.revenue + excluded.revenue
$$;


CREATE OR REPLACE TRIGGER analytics_inserted AFTER INSERT ON messaging_click
REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION analytics_clicks_changed();
CREATE OR REPLACE TRIGGER analytics_updated AFTER UPDATE ON messaging_click
REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION analytics_clicks_changed();
CREATE OR REPLACE TRIGGER analytics_deleted AFTER DELETE ON messaging_click
REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION analytics_clicks_changed();

CREATE OR REPLACE TRIGGER analytics_inserted AFTER INSERT ON contacts_event
REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION analytics_events_changed();
CREATE OR REPLACE TRIGGER analytics_updated AFTER UPDATE ON contacts_event
REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION analytics_events_changed();

CREATE OR REPLACE TRIGGER analytics_inserted AFTER INSERT ON analytics_ordercredit
REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION analytics_credits_changed();
CREATE OR REPLACE TRIGGER analytics_updated AFTER UPDATE ON analytics_ordercredit
REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION analytics_credits_changed();
CREATE OR REPLACE TRIGGER analytics_deleted AFTER DELETE ON analytics_ordercredit
REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION analytics_credits_changed();
