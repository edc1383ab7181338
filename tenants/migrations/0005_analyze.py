"""What only an owner may do and the running app needs: new statistics, by a function that does nothing else.

Before PostgreSQL 17 there is no right to ANALYZE that could be granted to the runtime role (docs/decisions/0001).
"""

from django.db import migrations

ANALYZE = """
CREATE OR REPLACE FUNCTION zusage_analyze(target text, columns text[] DEFAULT '{}', waits boolean DEFAULT true)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    EXECUTE format('ANALYZE %s public.%I %s', CASE WHEN waits THEN '' ELSE '(SKIP_LOCKED)' END, target,
        (SELECT '(' || string_agg(quote_ident(named), ', ') || ')' FROM unnest(columns) AS named));
END $$;
REVOKE ALL ON FUNCTION zusage_analyze(text, text[], boolean) FROM PUBLIC;
"""


class Migration(migrations.Migration):
    dependencies = [("tenants", "0004_no_index_on_tenant_alone")]

    operations = [migrations.RunSQL(ANALYZE, "DROP FUNCTION zusage_analyze(text, text[], boolean)")]
