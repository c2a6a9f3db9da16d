"""Search engines and DynamoDB Local as processes of this machine, listening on loopback only.

A server is started detached from the terminal, with its output in a log file, and is returned once it answers. It
outlives the process that started it: keep the `Server` and give it to `stop`.
"""

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from osmem_server import resolve_binary  # type: ignore[import-untyped]  # it has no py.typed

from dynadex.platform.jars import DYNAMODB_LOCAL, ELASTICSEARCH, OPENSEARCH, JavaServer, PlatformError, fetch, find_jdk

HOST = "127.0.0.1"
_POLL_SECONDS = 0.05
_LOG_LINES = 25
_CONSOLE_LOG = """\
status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = [%d{ISO8601}][%-5p][%-25c{1.}] %m%n
rootLogger.level = info
rootLogger.appenderRef.console.ref = console
"""


class PortTaken(PlatformError):
    """Something else listens on a port that a server is to have."""


class StartFailed(PlatformError):
    """A server ended, or did not answer in time; the message holds the end of its log."""


#: Told of a server as soon as its process is there, long before it answers.
Spawned = Callable[["Server"], None]


def _nobody(server: "Server") -> None:
    """Nobody wants to know."""


@dataclass(frozen=True)
class Server:
    """A running server.

    `born` is when its process started (clock ticks since the machine's start; 0 where /proc does not tell): with it,
    a process that later got the same id is not mistaken for the server.
    """

    name: str
    url: str
    pid: int
    born: int
    log: Path


def start_osmem(port: int, directory: Path, *, timeout: float = 30, spawned: Spawned = _nobody) -> Server:
    """Start osmem, which keeps everything in memory: `directory` only gets its log."""
    _require_free(port)
    command = [resolve_binary(), "-no-stdin-watch", "-addr", f"{HOST}:{port}"]
    server = _spawn("osmem", command, port, directory, spawned)
    _await([server], lambda: _get(port, "/") is not None, timeout)
    return server


def start_opensearch(
    port: int, directory: Path, *, heap_mb: int = 512, timeout: float = 120, spawned: Spawned = _nobody
) -> Server:
    """Start a cluster of one OpenSearch node; its data stays in `directory` and is found again there."""
    return start_cluster(OPENSEARCH, [port], directory, heap_mb=heap_mb, timeout=timeout, spawned=spawned)[0]


def start_elasticsearch(
    port: int, directory: Path, *, heap_mb: int = 512, timeout: float = 120, spawned: Spawned = _nobody
) -> Server:
    """Start a cluster of one Elasticsearch node; its data stays in `directory` and is found again there."""
    return start_cluster(ELASTICSEARCH, [port], directory, heap_mb=heap_mb, timeout=timeout, spawned=spawned)[0]


def start_dynamodb_local(port: int, directory: Path, *, heap_mb: int = 256, timeout: float = 60) -> Server:
    """Start DynamoDB Local, which keeps everything in memory: `directory` only gets its log."""
    _require_free(port)
    jars = fetch(DYNAMODB_LOCAL)
    # Its SQLite is a native library that lies among the jars.
    options = [f"-Djava.library.path={jars}", "--enable-native-access=ALL-UNNAMED", f"-Xmx{heap_mb}m"]
    command = [*_java(DYNAMODB_LOCAL, jars, directory, options), str(port)]
    server = _spawn(DYNAMODB_LOCAL.name, command, port, directory)
    # Even its refusal of an unsigned request shows that it serves.
    _await([server], lambda: _get(port, "/") is not None, timeout)
    return server


def start_cluster(
    engine: JavaServer,
    ports: Sequence[int],
    directory: Path,
    *,
    heap_mb: int = 512,
    timeout: float = 120,
    spawned: Spawned = _nobody,
) -> list[Server]:
    """Start a cluster with one node, a process of its own, for each HTTP port.

    Node n keeps its data in `directory/node-n`: started there again, with any ports, the cluster has its indices
    again. Returns when all nodes have joined and every index has its primary shards.
    """
    for port in ports:
        _require_free(port)
    jars = fetch(engine)
    options = ["-Xms256m", f"-Xmx{max(heap_mb, 256)}m"]
    if engine is OPENSEARCH:
        options.append("--enable-native-access=ALL-UNNAMED")
    names = [f"node-{number}" for number in range(1, len(ports) + 1)]
    commands = []
    for name, port, transports in zip(names, ports, _transports(len(ports)), strict=True):
        home = directory / name
        _log_to_console_only(home)
        settings = {
            "cluster.name": "dynadex",
            "node.name": name,
            "network.host": HOST,
            "http.port": str(port),
            # A laptop's disk is often fuller than the watermarks above which indices become read-only.
            "cluster.routing.allocation.disk.threshold_enabled": "false",
            **_discovery(engine, names, transports),
        }
        commands.append([*_java(engine, jars, home, options), str(home), *(f"{k}={v}" for k, v in settings.items())])
    servers = [
        _spawn(f"{engine.name}-{name}", command, port, directory, spawned)
        for name, command, port in zip(names, commands, ports, strict=True)
    ]
    _await(servers, lambda: all(_joined(port, len(ports)) for port in ports), timeout)
    return servers


def stop(server: Server, timeout: float = 20) -> None:
    """End a server, by force when it has not ended after `timeout` seconds. One that has ended already is no error."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if not is_running(server):
            return
        try:
            os.kill(server.pid, number)
            os.kill(server.pid, signal.SIGCONT)  # a frozen one hears nothing else
        except ProcessLookupError:
            return
        _wait_until(lambda: not is_running(server), timeout)


def is_running(server: Server) -> bool:
    """Whether the server's process is there; another process that got its id does not count."""
    return _born(server.pid) == server.born


def is_alive(pid: int) -> bool:
    """Whether a process with that id runs. One that has ended and was not waited for yet does not."""
    return _born(pid) is not None


def free_port() -> int:
    """A port on loopback that nothing listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def port_in_use(port: int) -> bool:
    """Whether a server on loopback could not have this port."""
    with socket.socket() as probe:
        # As servers do it, so that closed connections of an earlier server do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return True
    return False


def _require_free(port: int) -> None:
    if port_in_use(port):
        raise PortTaken(f"Port {port} on {HOST} is taken: stop what listens there, or choose another port.")


def _java(server: JavaServer, jars: Path, home: Path, options: Sequence[str]) -> list[str]:
    temporary = home / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    return [
        str(find_jdk(server) / "bin/java"),
        *options,
        # The least memory for a small heap; and nothing left in the machine's temporary folders.
        "-XX:+UseSerialGC",
        "-XX:-UsePerfData",
        f"-Djava.io.tmpdir={temporary}",
        f"-Djna.tmpdir={temporary}",
        f"-XX:ErrorFile={home / 'crash.log'}",
        "-cp",
        f"{jars}/*",
        str(server.source(home)),
    ]


def _transports(nodes: int) -> list[list[int]]:
    """For each node, the transport ports of all with its own first."""
    ports = [free_port() for _ in range(nodes)]
    return [ports[node:] + ports[:node] for node in range(nodes)]


def _discovery(engine: JavaServer, names: Sequence[str], transports: Sequence[int]) -> dict[str, str]:
    if len(names) == 1:
        return {"discovery.type": "single-node", "transport.port": "0"}
    first = "cluster.initial_cluster_manager_nodes" if engine is OPENSEARCH else "cluster.initial_master_nodes"
    return {
        "transport.port": str(transports[0]),
        "discovery.seed_hosts": ",".join(f"{HOST}:{port}" for port in transports),
        first: ",".join(names),
    }


def _log_to_console_only(home: Path) -> None:
    # Otherwise each line is also written to two more files, of up to 2 GB. The runner makes the folder node_1.
    config = home / "node_1/config"
    config.mkdir(parents=True, exist_ok=True)
    (config / "log4j2.properties").write_text(_CONSOLE_LOG, encoding="utf-8")


def start_ministack(port: int, directory: Path, *, timeout: float = 30, spawned: Spawned = _nobody) -> Server:
    """Start the cloud's other services. What they hold is kept in `directory` when they are stopped gracefully."""
    _require_free(port)
    temporary = directory / "tmp"  # it leaves the folders of its functions behind
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PYTHON"))},
        "BIND_HOST": HOST,
        "MINISTACK_HOST": HOST,  # in the addresses that it hands out
        "GATEWAY_PORT": str(port),
        "IOT_MTLS_ENABLED": "0",  # these two would open ports of their own
        "SFTP_ENABLED": "0",
        "PERSIST_STATE": "1",
        "STATE_DIR": str(directory / "state"),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(directory / "s3"),
        "TMPDIR": str(temporary),
        "LOG_LEVEL": "WARNING",
    }
    command = [sys.executable, "-m", "ministack"]
    server = _spawn("ministack", command, port, directory, spawned, environment)
    _await([server], lambda: _get(port, "/_ministack/health") is not None, timeout)
    return server


def start_edge(
    port: int,
    static: Path | None,
    settings: Path,
    directory: Path,
    *,
    timeout: float = 30,
    spawned: Spawned = _nobody,
) -> Server:
    """Start the local edge; `static` is the page's folder, `settings` the file that says what it stands for."""
    _require_free(port)
    command = [sys.executable, "-m", "dynadex.platform.door", "--port", str(port), "--settings", str(settings)]
    if static is not None:
        command += ["--static", str(static)]
    server = _spawn("edge", command, port, directory, spawned)
    _await([server], lambda: _get(port, "/regions") is not None, timeout)
    return server


def freeze(server: Server) -> None:
    """Have a server answer nothing any more, and keep all it has in memory."""
    if is_running(server):
        os.kill(server.pid, signal.SIGSTOP)


def thaw(server: Server) -> None:
    """Have a frozen server go on; one that was not frozen goes on anyway."""
    if is_running(server):
        os.kill(server.pid, signal.SIGCONT)


def tell_to_read_again(server: Server) -> None:
    """Have the edge read its settings again."""
    if is_running(server):
        os.kill(server.pid, signal.SIGHUP)


def _spawn(
    name: str,
    command: list[str],
    port: int,
    directory: Path,
    spawned: Spawned = _nobody,
    environment: Mapping[str, str] | None = None,
) -> Server:
    # Not subprocess.Popen: its objects complain when they are dropped while the process runs, as it shall here.
    directory.mkdir(parents=True, exist_ok=True)
    log = directory / f"{name}.log"
    pid = os.posix_spawn(
        command[0],
        command,
        os.environ if environment is None else environment,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
    )
    server = Server(name, f"http://{HOST}:{port}", pid, _born(pid) or 0, log)
    spawned(server)
    return server


def _await(servers: Sequence[Server], healthy: Callable[[], bool], timeout: float) -> None:
    """Wait until `healthy`; else, or when one of the servers ends, stop them and raise StartFailed."""
    try:
        _wait_until(lambda: not all(map(is_running, servers)) or healthy(), timeout)
        for server in servers:
            if not is_running(server):
                raise StartFailed(f"{server.name} ended while starting. {_end_of(server.log)}")
        if not healthy():
            logs = "\n".join(_end_of(server.log) for server in servers)
            raise StartFailed(f"{servers[0].name} did not become healthy within {timeout:g} s. {logs}")
    except BaseException:
        for server in servers:
            stop(server)
        raise


def _wait_until(condition: Callable[[], bool], timeout: float) -> None:
    deadline = time.monotonic() + timeout
    while not condition() and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)


def _end_of(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LOG_LINES:]
    return f"The end of {log}:\n" + "\n".join(lines)


def _joined(port: int, nodes: int) -> bool:
    body = _get(port, "/_cluster/health")
    if body is None:
        return False
    health = json.loads(body)
    return health.get("number_of_nodes") == nodes and health["status"] in ("yellow", "green")


def _get(port: int, path: str) -> bytes | None:
    """The body of whatever answer comes; None when none does."""
    # http.client, as it goes to loopback directly whatever proxy is configured.
    connection = http.client.HTTPConnection(HOST, port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def _born(pid: int) -> int | None:
    """When the process started, in clock ticks since the machine's start (0 without /proc); None if it has ended."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)  # a child that has ended keeps its id until its parent has waited for it
    try:
        # The fields after the name, which may itself hold spaces and parentheses.
        state, *fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return _answers(pid)
    # A killed process of many threads is a zombie before the last of them has let go of its port and its files.
    threads, born = int(fields[16]), int(fields[18])
    return None if state in "ZX" and threads <= 1 else born


def _answers(pid: int) -> int | None:
    if Path("/proc/self/stat").exists():
        return None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        pass
    return 0
