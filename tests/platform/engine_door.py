"""A door in front of an engine: an HTTP proxy on loopback that a test can shut, or let answer for the engine."""

from __future__ import annotations

import contextlib
import http.client
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import urlsplit

#: (method, path) -> the status to answer with instead of asking the engine, or None to let the request through.
Refusal = Callable[[str, str], int | None]
#: (method, path) -> whether the engine's answer to this request gets lost.
Loss = Callable[[str, str], bool]

_HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "host"})


class Request(NamedTuple):
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class Response(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes


def sent(connection: http.client.HTTPConnection, request: Request) -> Response:
    """The engine's answer to a request."""
    connection.request(request.method, request.path, request.body or None, dict(request.headers))
    response = connection.getresponse()
    return Response(response.status, dict(response.getheaders()), response.read())


def refused(status: int) -> Response:
    """An answer that is not the engine's."""
    error = {429: "rejected_execution_exception"}.get(status, "exception")
    body = b'{"error":{"type":"%b","reason":"the door says so"},"status":%d}' % (error.encode(), status)
    return Response(status, {"content-type": "application/json"}, body)


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

    def connection(self) -> http.client.HTTPConnection:
        """A connection of one's own to the engine, not open yet."""
        return http.client.HTTPConnection(str(self.engine.hostname), self.engine.port, timeout=60)

    def answer(self, request: Request, send: Callable[[Request], Response]) -> Response | None:
        """What comes of a request: an answer, or None to cut the connection. `send` asks the engine."""
        self.requests += 1
        status = self.refusal(request.method, request.path) if self.refusal else None
        if status is not None:
            return refused(status)
        response = send(request)
        return None if self.loss and self.loss(request.method, request.path) else response

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
        self._engine = self.server.door.connection()

    def finish(self) -> None:
        self._engine.close()
        super().finish()

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP_BY_HOP}
        response = self.server.door.answer(Request(self.command, self.path, headers, body), self._send)
        if response is None:
            self.close_connection = True
        else:
            self._answer(response)

    def _send(self, request: Request) -> Response:
        return sent(self._engine, request)

    def _answer(self, response: Response) -> None:
        self.send_response_only(response.status)
        for name, value in response.headers.items():
            if name.lower() not in _HOP_BY_HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(response.body)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _pass_on

    def log_message(self, format: str, *args: Any) -> None:
        """Nobody reads it."""
