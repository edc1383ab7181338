"""How people get accounts: by invitation or command, never by signing themselves up."""

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class InvitedOnly(DefaultAccountAdapter):
    """Switches allauth's public sign-up off."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False
