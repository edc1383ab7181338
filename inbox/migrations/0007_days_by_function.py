"""Days of the webhook log come and go by functions of the owner: the runtime role makes and drops no table.

What they make and drop is named by a date alone. The caller's scope and lock_timeout hold inside, too.
"""

from django.db import migrations

from tenants.isolation import ALL_ROWS

# Attached, not created as a partition: that would lock the whole log. The rest is locked first, so that no body of
# that day slips into it between the move and the attaching, which would fail then.
DAYS = f"""
CREATE OR REPLACE FUNCTION inbox_make_day(day date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    made text := to_char(day, '"inbox_webhookevent_"YYYYMMDD');
    starts timestamptz := day::timestamp AT TIME ZONE 'UTC';
    ends timestamptz := (day + 1)::timestamp AT TIME ZONE 'UTC';
BEGIN
    LOCK TABLE public.inbox_webhookevent_rest IN ACCESS EXCLUSIVE MODE;
    EXECUTE format('CREATE TABLE public.%I (LIKE public.inbox_webhookevent INCLUDING DEFAULTS)', made);
    EXECUTE format('ALTER TABLE public.%I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', made);
    EXECUTE format($q$CREATE POLICY tenant_wall ON public.%I USING ({ALL_ROWS}) WITH CHECK ({ALL_ROWS})$q$, made);
    EXECUTE format('WITH moved AS (
            DELETE FROM public.inbox_webhookevent_rest WHERE received_at >= $1 AND received_at < $2 RETURNING *
        ) INSERT INTO public.%I SELECT * FROM moved', made) USING starts, ends;
    EXECUTE format('ALTER TABLE public.inbox_webhookevent ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (%L)',
        made, starts, ends);
END $$;
CREATE OR REPLACE FUNCTION inbox_drop_day(day date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    EXECUTE format('DROP TABLE public.%I', to_char(day, '"inbox_webhookevent_"YYYYMMDD'));
END $$;
REVOKE ALL ON FUNCTION inbox_make_day(date), inbox_drop_day(date) FROM PUBLIC;
"""


class Migration(migrations.Migration):
    dependencies = [("inbox", "0006_inbound_by_time")]

    operations = [migrations.RunSQL(DAYS, "DROP FUNCTION inbox_make_day(date), inbox_drop_day(date)")]
