"""Free ports on the loopback interface."""

import socket

ADDRESS = "127.0.0.1"


def free() -> int:
    """A port that was free a moment ago; another program may take it before you do."""
    with socket.socket() as probe:
        probe.bind((ADDRESS, 0))
        port: int = probe.getsockname()[1]
        return port


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
