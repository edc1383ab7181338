"""`manage.py grant_runtime`: gives the role that runs the app its rights; the owner calls it after every `migrate`."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction
from psycopg2 import sql

from tenants import wall

OWNED = "SELECT FROM pg_tables WHERE tablename = 'django_migrations' AND tableowner = current_user"
WHO = """
SELECT rolsuper OR rolbypassrls OR rolcreaterole, pg_has_role(rolname, current_user, 'MEMBER')
FROM pg_roles WHERE rolname = %s
"""
# Rights that were given by hand go first. Tables of the next migration can be used before this runs again: until then
# their triggers alone keep them append-only, and only the owner can switch a trigger off.
RIGHTS = """
REVOKE ALL ON DATABASE {database} FROM {role};
GRANT CONNECT, TEMPORARY ON DATABASE {database} TO {role};
REVOKE CREATE ON SCHEMA public FROM PUBLIC, {role};
GRANT USAGE ON SCHEMA public TO {role};
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {role};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role};
REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM {role};
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role};
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA public FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO {role};
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {role};
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO {role};
REVOKE INSERT, UPDATE, DELETE ON django_migrations FROM {role};
"""
# tenants.isolation.AppendOnly makes the trigger.
APPEND_ONLY = "SELECT c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE t.tgname = 'append_only'"
KEEP = "REVOKE UPDATE, DELETE ON {table} FROM {role}"


class Command(BaseCommand):
    help = "Give a role the rights to run the app and none to change append-only tables. Run it as the owner."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("role", help="the role of the app's DATABASE_URL; deploy/roles.sh makes zusage_app")

    def handle(self, *_: Any, **options: Any) -> None:
        role: str = options["role"]
        refuse(role)
        with transaction.atomic():
            grant(role)
            if left := wall.changeable(role):
                raise CommandError(
                    f"{role} could still change {', '.join(left)}: it is a member of another role, or PUBLIC has rights"
                )
        self.stdout.write(f"{role} may run the app; it can only read and add to append-only tables.")


def refuse(role: str) -> None:
    """Raise CommandError for a role that rights cannot bind or that does not exist, and for anybody but the owner."""
    with connection.cursor() as cursor:
        cursor.execute(OWNED)
        if cursor.fetchone() is None:
            raise CommandError("run this as the role that has migrated: the owner of the tables gives rights to them")
        cursor.execute(WHO, [role])
        found = cursor.fetchone()
    if found is None:
        raise CommandError(f"there is no role {role}: make it with deploy/roles.sh")
    is_mighty, is_owner = found
    if is_mighty:
        raise CommandError(f"{role} must be NOSUPERUSER, NOBYPASSRLS and NOCREATEROLE")
    if is_owner:
        raise CommandError(f"{role} is the owner or may become it: the app needs a role of its own")


def grant(role: str) -> None:
    """Give the role what it needs, and take from it what it must not have; doing it again changes nothing."""
    with connection.cursor() as cursor:
        names = {"role": sql.Identifier(role), "database": sql.Identifier(connection.settings_dict["NAME"])}
        cursor.execute(sql.SQL(RIGHTS).format(**names))
        cursor.execute(APPEND_ONLY)
        for (table,) in cursor.fetchall():
            cursor.execute(sql.SQL(KEEP).format(table=sql.Identifier(table), **names))
