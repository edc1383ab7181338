"""As whom PostgreSQL runs: it refuses to run as root, so root lends it another identity."""

import ctypes
import os
import pwd
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from config.localservices.supervisor import LIBC, CannotStart

CLONE_NEWUSER = 0x10000000


@dataclass(frozen=True)
class Account:
    """How to start a program: arguments for Popen, what to do in the child, and who owns its files."""

    popen: dict[str, Any] = field(default_factory=dict)
    prepare: Callable[[], None] = lambda: None
    uid: int = field(default_factory=os.geteuid)
    gid: int = field(default_factory=os.getegid)

    def own(self, path: Path) -> None:
        """Make a file or a folder with all it holds belong to this account."""
        if path.stat().st_uid == self.uid:
            return
        os.chown(path, self.uid, self.gid)
        for found in path.rglob("*"):
            os.chown(found, self.uid, self.gid, follow_symlinks=False)


def for_server(program: Path, base: Path) -> Account:
    """The account in which `program` can run with data below `base`.

    An ordinary user's own; for root `nobody`, or root inside a user namespace where it is an ordinary user.
    Raises CannotStart when the machine allows neither.
    """
    if os.geteuid() != 0:
        return Account()
    nobody = pwd.getpwnam("nobody")
    lowered = Account(
        popen={"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": [], "cwd": "/"},
        uid=nobody.pw_uid,
        gid=nobody.pw_gid,
    )
    if _is_reachable(base) and _can_run(program, lowered):
        return lowered
    enclosed = Account(prepare=_enter_namespace)
    if sys.platform == "linux" and _can_run(program, enclosed):
        return enclosed
    raise CannotStart(
        "PostgreSQL does not run as root, and this folder is closed to other users: "
        "start as an ordinary user, or set DATABASE_URL."
    )


def _is_reachable(folder: Path) -> bool:
    return all(part.stat().st_mode & 0o001 for part in (folder, *folder.parents))


def _can_run(program: Path, account: Account) -> bool:
    try:
        done = subprocess.run(
            [program, "--version"],
            check=False,
            capture_output=True,
            preexec_fn=account.prepare,
            **account.popen,
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return done.returncode == 0


def _enter_namespace() -> None:
    # Runs between fork and exec. Seen from outside, the process stays root and can read the checkout.
    if LIBC.unshare(CLONE_NEWUSER):
        raise OSError(ctypes.get_errno(), "user namespaces are not allowed")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text("1000 0 1")
    Path("/proc/self/gid_map").write_text("1000 0 1")
