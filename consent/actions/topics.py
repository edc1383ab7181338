"""What people do with topics: choose them on their own page, and join some with their sign-up (R-34)."""

from collections.abc import Collection

from django.db import transaction

from consent import topics
from consent.models import SignupForm
from consent.rights import walking
from contacts import actions as contacts
from contacts.models import Contact

OWN_PAGE = "own page"


@transaction.atomic
def choose(contact: Contact, chosen: Collection[str]) -> None:
    """The person is on exactly these of the topics that their page shows, by uid, from now on.

    What waits for them of campaigns to those that they leave is cancelled.
    """
    shown = topics.choices(contact, "de")
    join = [topic.group for topic in shown if str(topic.group.uid) in chosen]
    # Those that they are not on as well: another click may be adding them just now.
    leave = [topic.group for topic in shown if str(topic.group.uid) not in chosen]
    left = contacts.change_topics(contact=contact, join=join, leave=leave, where=OWN_PAGE)
    walking.leave(contact, left)


def join(form: SignupForm, contact: Contact, chosen: Collection[str]) -> None:
    """The person joins what they ticked on a form's page, as far as it is still offered; they leave nothing."""
    wanted = [topic for topic in topics.offered(form.tenant) if str(topic.uid) in chosen] if chosen else []
    if wanted:
        contacts.change_topics(contact=contact, join=wanted, where=f"form {form.slug}")
