"""The database itself refuses a sub-processor that is announced less than 30 days ahead (clause 6 of the contract).

No check constraint: what stands before there is a company was announced to nobody, and entries of before stay.
"""

from django.db import migrations

# In UTC, whose day is never later than the one in which the form counts (consent.models.SubProcessor.clean).
FUNCTION = """
    CREATE OR REPLACE FUNCTION zusage_refuse_short_notice() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        -- Django writes every column; what stays as it was, from before this rule too, is not announced anew.
        IF TG_OP = 'UPDATE' AND NEW.announced_at IS NOT DISTINCT FROM OLD.announced_at
            AND NEW.active_from IS NOT DISTINCT FROM OLD.active_from THEN
            RETURN NEW;
        END IF;
        IF NEW.active_from < (NEW.announced_at AT TIME ZONE 'UTC')::date + 30
            AND EXISTS (SELECT FROM tenants_tenant) THEN
            RAISE EXCEPTION USING ERRCODE = 'check_violation',
                MESSAGE = 'a sub-processor is announced at least 30 days before it begins';
        END IF;
        RETURN NEW;
    END $$
"""
TRIGGER = """
    CREATE OR REPLACE TRIGGER thirty_days_ahead BEFORE INSERT OR UPDATE OF announced_at, active_from
    ON consent_subprocessor FOR EACH ROW EXECUTE FUNCTION zusage_refuse_short_notice()
"""


class Migration(migrations.Migration):
    dependencies = [("consent", "0024_announcements")]

    operations = [
        migrations.RunSQL(FUNCTION, migrations.RunSQL.noop),
        migrations.RunSQL(TRIGGER, "DROP TRIGGER IF EXISTS thirty_days_ahead ON consent_subprocessor"),
    ]
