"""A host that vanishes without a word. Loopback has none: its kernel answers for every process, living or not."""

import contextlib
import shutil
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Sequence
from typing import Self

ADDRESS = "10.66.0.2"
# In a network of its own, with a cable into another one, in which whoever asks it lives. That one knows its hardware
# address for good: so nothing there notices that it is gone, as behind a router.
HOST = f"""
import socket, subprocess, sys
def ip(words, *before):
    subprocess.run([*before, "ip", *words.split()], check=True)
outside = subprocess.Popen(["unshare", "--net", "sh", "-c", "echo; exec cat"], stdin=-1, stdout=-1)
outside.stdout.readline()
near = ("nsenter", "--net", "--target", str(outside.pid))
ip(f"link add there address 02:00:00:00:00:02 type veth peer name here netns {{outside.pid}}")
ip("address add 10.66.0.1/30 dev here", *near)
ip("link set here up", *near)
ip("neighbour add {ADDRESS} lladdr 02:00:00:00:00:02 dev here", *near)
ip("address add {ADDRESS}/30 dev there")
ip("link set there up")
with socket.socket(fileno=int(sys.argv[1])) as told, socket.create_server(("{ADDRESS}", 0), backlog=100) as listener:
    socket.send_fds(told, [str(outside.pid).encode()], [listener.fileno()])
    while order := told.recv(10):
        ip(f"address {{order.decode()}} {ADDRESS}/30 dev there")
        told.send(b"done")
"""
AT_ONCE = struct.pack("ii", 1, 0)


class Host:
    """Passes on to a server what comes in by `address`, which is there for what is started with `near` alone.

    `is_deaf` and it takes what it is sent, as its kernel does, and passes on nothing; `heard` is set once it did.
    """

    def __init__(self, host: str, port: int | str) -> None:
        self._server = (host, int(port))
        self._process: subprocess.Popen[bytes] | None = None
        self._taken: list[socket.socket] = []
        self.is_deaf, self.heard = False, threading.Event()

    @staticmethod
    def is_possible() -> bool:
        """Whether this user may have networks of their own here."""
        programs = all(map(shutil.which, ("unshare", "nsenter", "ip")))
        trial = ["unshare", "--map-root-user", "--net", "ip", "link", "add", "here", "type", "veth"]
        return programs and subprocess.run(trial, capture_output=True, check=False).returncode == 0

    def __enter__(self) -> Self:
        self._told, theirs = socket.socketpair()
        with theirs:
            alone = ["unshare", "--map-root-user", "--net", sys.executable, "-c", HOST, str(theirs.fileno())]
            self._process = subprocess.Popen(alone, pass_fds=[theirs.fileno()])
        self._told.settimeout(20)
        name, [listener], *_ = socket.recv_fds(self._told, 20, 1)
        self._near, self._listener = name.decode(), socket.socket(fileno=listener)
        self.address = f"{ADDRESS}:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._told.close()
        assert self._process
        self._process.wait()
        self._listener.close()
        self._end_connections()

    def near(self, *command: str) -> Sequence[str]:
        """The command, to be run where this host can be reached, and nothing else."""
        return ["nsenter", "--user", "--net", "--target", self._near, *command]

    def vanish(self) -> None:
        """Be gone: nothing that is sent there arrives, nothing comes from there, and nobody is told."""
        self._order("delete")
        self._end_connections()

    def come_back(self) -> None:
        """Be there again, as after a new start: without any connection."""
        self.is_deaf = False
        self._order("add")

    def _order(self, order: str) -> None:
        self._told.send(order.encode())
        assert self._told.recv(10) == b"done"

    def _end_connections(self) -> None:
        taken, self._taken = self._taken, []
        for each in taken:
            with contextlib.suppress(OSError):
                # The kernel, too, forgets what it had to send.
                each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._server)
                self._taken += [client, server]
                threading.Thread(target=self._pass_on, args=[client, server, True], daemon=True).start()
                threading.Thread(target=self._pass_on, args=[server, client, False], daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket, is_asking: bool) -> None:
        with contextlib.suppress(OSError):
            while part := source.recv(65536):
                if is_asking and self.is_deaf:
                    # Acknowledged now and not in a moment, so that whoever sent it has nothing to send again.
                    source.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
                    self.heard.set()
                else:
                    target.sendall(part)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)
