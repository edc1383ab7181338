"""Free ports on the loopback interface."""

import random
import socket

ADDRESS = "127.0.0.1"
# Below those that outgoing connections get theirs from, on every system: a server that was away finds its port free
# again, and who called it meanwhile was not connected to himself.
STEADY = range(20_000, 32_000)


def free() -> int:
    """A port that was free a moment ago; another program may take it before you do."""
    for port in [*random.sample(STEADY, 100), 0]:  # spreads programs apart, guards nothing
        with socket.socket() as probe:
            try:
                probe.bind((ADDRESS, port))
            except OSError:
                continue
            bound: int = probe.getsockname()[1]
            return bound
    raise OSError("no free port on the loopback interface")


def listen(preferred: int) -> socket.socket:
    """A listening socket on the preferred port or the next free one, to be handed to a child.

    We hold it ourselves, so that two checkouts never share a port, and a restart refuses nobody.
    """
    for port in [*range(preferred, preferred + 100), 0]:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((ADDRESS, port))
            listener.listen(1024)
        except OSError:
            listener.close()
            continue
        listener.set_inheritable(True)
        return listener
    raise OSError("no free port on the loopback interface")
