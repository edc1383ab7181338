"""Taking the activity log along, which the log itself keeps."""

from tenants.actions import audit
from tenants.models import Tenant, User


def taken(*, tenant: Tenant, by: User) -> None:
    """Note who takes the log along as a file."""
    audit(tenant=tenant, by=by, verb="trail.exported", subject=tenant)
