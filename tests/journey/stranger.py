"""A stranger's stub of Meta: it takes messages and knows nothing else."""

import json
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Json = dict[str, Any]


@contextmanager
def stub(port: int) -> Iterator[dict[str, Json]]:
    """Serve on the port; yields what was sent, by message id."""
    sent: dict[str, Json] = {}

    class Meta(BaseHTTPRequestHandler):
        # A kept connection would go on being served after the end of the block.
        protocol_version = "HTTP/1.0"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if not self.path.endswith("/messages"):
                return self._answer(404, {})
            wamid = f"wamid.{uuid.uuid4().hex}"
            sent[wamid] = json.loads(body)
            return self._answer(200, {"messages": [{"id": wamid}]})

        def do_GET(self) -> None:
            self._answer(404, {})

        def _answer(self, status: int, document: Json) -> None:
            content = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", port), Meta)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, name="stranger")
    thread.start()
    try:
        yield sent
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
