"""A door in front of an engine: an HTTP proxy on loopback that a test can shut, or let answer for the engine."""

from __future__ import annotations

import contextlib
import http.client
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

#: (method, path) -> the status to answer with instead of asking the engine, or None to let the request through.
Refusal = Callable[[str, str], int | None]
#: (method, path) -> whether the engine's answer to this request gets lost.
Loss = Callable[[str, str], bool]

_HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "host"})


class EngineDoor:
    """Passes requests on to one engine. It has the same address however often it is shut and opened."""

    def __init__(self, engine_url: str) -> None:
        self.engine = urlsplit(engine_url)
        self.refusal: Refusal | None = None
        self.loss: Loss | None = None
        self.requests = 0  # that came through or were refused
        self._port = 0
        self._server: _Server | None = None
        self.open()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def open(self) -> None:
        """Lets requests through; an open door stays open."""
        if self._server is None:
            self._server = _Server(self, self._port)
            self._port = self._server.server_address[1]
            threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def shut(self) -> None:
        """Refuses connections and cuts those there are, so an answer under way is lost."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server.cut()
            self._server = None

    @contextmanager
    def refusing(self, refusal: Refusal) -> Iterator[None]:
        """Answers for the engine where `refusal` gives a status, such as 429."""
        self.refusal = refusal
        try:
            yield
        finally:
            self.refusal = None

    @contextmanager
    def losing(self, loss: Loss) -> Iterator[None]:
        """Has the engine carry out what `loss` says, and cuts the connection instead of passing the answer on."""
        self.loss = loss
        try:
            yield
        finally:
            self.loss = None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, door: EngineDoor, port: int) -> None:
        self.door = door
        self._connections: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that was cut is no news."""

    def cut(self) -> None:
        for connection in list(self._connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer in one piece: headers and body apart would wait for each other's acknowledgement
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        engine = self.server.door.engine
        self._engine = http.client.HTTPConnection(str(engine.hostname), engine.port, timeout=60)

    def finish(self) -> None:
        self._engine.close()
        super().finish()

    def _pass_on(self) -> None:
        door = self.server.door
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        door.requests += 1
        status = door.refusal(self.command, self.path) if door.refusal else None
        if status is not None:
            error = {429: "rejected_execution_exception"}.get(status, "exception")
            answer = b'{"error":{"type":"%b","reason":"the door says so"},"status":%d}' % (error.encode(), status)
            self._answer(status, {"content-type": "application/json"}, answer)
            return
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP_BY_HOP}
        self._engine.request(self.command, self.path, body or None, headers)
        response = self._engine.getresponse()
        answer = response.read()
        if door.loss and door.loss(self.command, self.path):
            self.close_connection = True
            return
        self._answer(response.status, dict(response.getheaders()), answer)

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            if name.lower() not in _HOP_BY_HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _pass_on

    def log_message(self, format: str, *args: Any) -> None:
        """Nobody reads it."""
