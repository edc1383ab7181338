"""A faithful local Cloud API: sandbox, demo, test double and load generator in one.

`with running(Profile.perfect()) as meta:` serves it in a thread; `manage.py emulator` for ever. Read
`profile` for behaviours, `fate` for magic recipients, `control` for the door below /_emulator/.
"""

from whatsapp.emulator.app import Emulator
from whatsapp.emulator.ledger import Acceptance, Ledger
from whatsapp.emulator.profile import Profile
from whatsapp.emulator.remote import Remote
from whatsapp.emulator.server import Running, running, serve

__all__ = ["Acceptance", "Emulator", "Ledger", "Profile", "Remote", "Running", "running", "serve"]
