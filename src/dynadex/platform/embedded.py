"""The processes of the embedded platform: the cloud's services, an engine a region, and the web address.

All they keep is in a project's `.dynadex` folder, with `state.json` to find them again: they run detached, so that
`up` may end and `down` end them. Ports are counted from one base, so two projects run side by side with bases that are
`PORTS` apart: base for the cloud, base + 1 for the web address, base + 10 and on for the engines.
"""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from ..errors import DynadexError
from . import servers
from .cloud import EngineAddress
from .edge.settings import Settings
from .jars import PlatformError
from .laptop import Laptop
from .servers import Server

EngineKind = Literal["memory", "opensearch", "elasticsearch"]

DEFAULT_PORT = 4566
#: A project uses ports from its base up to, not including, base + PORTS.
PORTS = 20
_ENGINES_FROM = 10


@dataclass(frozen=True, slots=True)
class Running:
    """A started platform. `engines` has a region's server, or None where the user's own engine is used.

    `door` is the local edge. The engines of the regions in `away` were stopped on purpose, by a drill.
    """

    port: int
    kind: EngineKind
    cloud: Server
    engines: Mapping[str, Server | None]
    addresses: Mapping[str, EngineAddress]
    door: Server | None = None
    away: tuple[str, ...] = ()

    def laptop(self) -> Laptop:
        """The cloud that deployments and other operations use."""
        return Laptop(self.cloud.url, self.addresses)

    def servers(self) -> list[Server]:
        """Every process of it, in the order in which to stop them."""
        all_ = (self.door, self.cloud, *self.engines.values())
        return [server for server in all_ if server is not None]

    def ended(self) -> list[Server]:
        """The processes that ought to run and do not."""
        stopped = [self.engines[region] for region in self.away]
        return [server for server in self.servers() if server not in stopped and not servers.is_running(server)]

    def whole(self) -> bool:
        """Whether every process runs that ought to."""
        return not self.ended()


class Folder:
    """A project's `.dynadex` folder."""

    def __init__(self, project_directory: Path) -> None:
        self.path = project_directory / ".dynadex"

    def locked(self) -> AbstractContextManager[None]:
        """Keeps other starts and stops away. Raises `PlatformError` while one is under way."""
        return self.held("lock", PlatformError(f"another start or stop of this project is under way (in {self.path})"))

    @contextmanager
    def held(self, name: str, refused: DynadexError) -> Iterator[None]:
        """Holds a lock by this name. Raises `refused` while somebody else does."""
        self.path.mkdir(parents=True, exist_ok=True)
        (self.path / ".gitignore").write_text("*\n")
        with (self.path / name).open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise refused from None
            yield

    def running(self) -> Running | None:
        """What `state.json` says was started and not stopped since; its processes may have died."""
        try:
            saved = json.loads((self.path / "state.json").read_text())
            return Running(
                port=saved["port"],
                kind=saved["kind"],
                cloud=_server(saved["cloud"]),
                engines={region: server and _server(server) for region, server in saved["engines"].items()},
                addresses={region: EngineAddress(**address) for region, address in saved["addresses"].items()},
                door=saved["door"] and _server(saved["door"]),
                away=tuple(saved.get("away", ())),
            )
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise PlatformError(
                f"{self.path / 'state.json'} cannot be read ({type(error).__name__}: {error}); end what an earlier "
                "start may have left running (a python with `-m ministack`, and the engines), then remove that file"
            ) from error

    def save(self, running: Running) -> None:
        """Remembers what runs."""
        document = {
            "port": running.port,
            "kind": running.kind,
            "cloud": _plain(running.cloud),
            "engines": {region: server and _plain(server) for region, server in running.engines.items()},
            "addresses": {region: asdict(address) for region, address in running.addresses.items()},
            "door": running.door and _plain(running.door),
            "away": list(running.away),
        }
        temporary = self.path / "state.json.new"
        temporary.write_text(json.dumps(document, indent=1))
        temporary.replace(self.path / "state.json")
        (self.path / "spawned.jsonl").unlink(missing_ok=True)

    def forget(self) -> None:
        """Nothing runs any more."""
        (self.path / "state.json").unlink(missing_ok=True)
        (self.path / "spawned.jsonl").unlink(missing_ok=True)

    def spawned(self, server: Server) -> None:
        """Remembers a process that is coming up, until `save` does: whoever starts it may be killed before that."""
        with (self.path / "spawned.jsonl").open("a") as journal:
            journal.write(json.dumps(_plain(server)) + "\n")

    def left_over(self) -> list[Server]:
        """The processes of a start that was killed before it could save what runs."""
        try:
            lines = (self.path / "spawned.jsonl").read_text().splitlines()
        except FileNotFoundError:
            return []
        found = []
        for line in lines:
            with suppress(ValueError, TypeError, KeyError):  # a line that the kill has cut off
                found.append(_server(json.loads(line)))
        return [server for server in found if servers.is_running(server)]

    def exists(self) -> bool:
        """Whether the platform was ever started here and not wiped since."""
        return (self.path / "cloud").is_dir()

    def wipe(self) -> None:
        """Removes all that the platform kept."""
        shutil.rmtree(self.path, ignore_errors=True)


def _plain(server: Server) -> dict[str, Any]:
    return {**asdict(server), "log": str(server.log)}


def _server(saved: Mapping[str, Any]) -> Server:
    return Server(**{**saved, "log": Path(saved["log"])})


def start(
    folder: Folder, port: int, kind: EngineKind, regions: Sequence[str], own: Mapping[str, EngineAddress]
) -> Running:
    """Starts the cloud and the engines, side by side; `own` are engines that run already. What started is saved.

    Raises `PlatformError`, with everything stopped again, if a port is taken or a process does not come up.
    """
    engine_ports = {region: port + _ENGINES_FROM + number for number, region in enumerate(regions)}
    for taken in (port, port + 1, *(engine_ports[region] for region in regions if region not in own)):
        if servers.port_in_use(taken):
            raise servers.PortTaken(
                f"port {taken} is taken; stop what listens there, or choose other ports with --port "
                f"(this project would use {port} to {port + PORTS - 1})"
            )
    started: list[Server] = []

    def keep(server: Server) -> Server:
        started.append(server)
        return server

    def engine(region: str) -> Server | None:
        return None if region in own else keep(_start_engine(folder, kind, region, engine_ports[region]))

    pool = ThreadPoolExecutor(1 + len(regions))
    try:
        cloud = pool.submit(lambda: keep(servers.start_ministack(port, folder.path / "cloud", spawned=folder.spawned)))
        engines = {region: pool.submit(engine, region) for region in regions}
        pool.shutdown()
        found = {region: future.result() for region, future in engines.items()}
        addresses = dict(own)
        for region, server in found.items():
            if server is not None:
                addresses[region] = EngineAddress(server.url, "none")
        running = Running(port, kind, cloud.result(), found, addresses)
        folder.save(running)
    except BaseException:
        pool.shutdown()  # after an interruption some may be on their way up yet
        for server in started:
            servers.stop(server)
        raise
    return running


def add_engine(folder: Folder, running: Running, region: str, own: EngineAddress | None) -> Running:
    """Starts the engine of one more region, or takes the user's own, while the others run."""
    server: Server | None = None
    if own is None:
        taken = {int(one.url.rpartition(":")[2]) for one in running.engines.values() if one is not None}
        port = next(one for one in range(running.port + _ENGINES_FROM, running.port + PORTS) if one not in taken)
        server = _start_engine(folder, running.kind, region, port)
    address = own or EngineAddress(server.url if server else "", "none")
    running = replace(
        running,
        engines={**running.engines, region: server},
        addresses={**running.addresses, region: address},
    )
    folder.save(running)
    return running


def remove_engine(folder: Folder, running: Running, region: str) -> Running:
    """Stops the engine of a region that is no more, and removes what it kept."""
    if (server := running.engines[region]) is not None:
        servers.stop(server)
        shutil.rmtree(_engine_directory(folder, running.kind, region), ignore_errors=True)
    running = replace(
        running,
        engines={one: server for one, server in running.engines.items() if one != region},
        addresses={one: address for one, address in running.addresses.items() if one != region},
        away=tuple(one for one in running.away if one != region),
    )
    folder.save(running)
    return running


def _start_engine(folder: Folder, kind: EngineKind, region: str, port: int) -> Server:
    directory = _engine_directory(folder, kind, region)
    match kind:
        case "memory":
            return servers.start_osmem(port, directory, spawned=folder.spawned)
        case "opensearch":
            return servers.start_opensearch(port, directory, spawned=folder.spawned)
        case "elasticsearch":
            return servers.start_elasticsearch(port, directory, spawned=folder.spawned)


def _engine_directory(folder: Folder, kind: EngineKind, region: str) -> Path:
    return folder.path / f"engine-{kind}-{region}"


def stop_engine(folder: Folder, running: Running, region: str, *, keep: bool) -> Running:
    """Has a region's engine answer no more. Started again it is empty, or with `keep` has what it had.

    That the region is away is saved first, so that nobody takes it for an engine that died.
    """
    server = _own_server(running, region)
    running = replace(running, away=(*running.away, region))
    folder.save(running)
    if keep and running.kind == "memory":
        servers.freeze(server)  # stopped, it would have nothing to keep
        return running
    servers.stop(server)
    if not keep:
        shutil.rmtree(_engine_directory(folder, running.kind, region), ignore_errors=True)
    return running


def start_engine(folder: Folder, running: Running, region: str) -> Running:
    """Has a region's engine answer again, at the address that it had."""
    server = _own_server(running, region)
    servers.thaw(server)
    if not servers.is_running(server):
        server = _start_engine(folder, running.kind, region, int(server.url.rpartition(":")[2]))
    away = tuple(one for one in running.away if one != region)
    running = replace(running, engines={**running.engines, region: server}, away=away)
    folder.save(running)
    return running


def _own_server(running: Running, region: str) -> Server:
    server = running.engines[region]
    if server is None:
        raise PlatformError(f"the engine of {region} is your own: it is not stopped nor started from here")
    return server


def open_door(folder: Folder, running: Running, static: Path | None, settings: Settings) -> Running:
    """Starts the edge with these settings, or has the one that runs take them over."""
    file = write_settings(folder.path / "web" / "edge.json", settings)
    if running.door is not None and servers.is_running(running.door):
        servers.tell_to_read_again(running.door)
        return running
    door = servers.start_edge(running.port + 1, static, file, folder.path / "web", spawned=folder.spawned)
    running = replace(running, door=door)
    folder.save(running)
    return running


def write_settings(file: Path, settings: Settings) -> Path:
    """The file that an edge reads."""
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_suffix(".new")
    temporary.write_text(json.dumps(settings.to_json(), indent=1))
    return temporary.replace(file)


def stop(folder: Folder, running: Running | None) -> None:
    """Stops every process, the cloud gracefully so that it keeps its state; those of a start that was killed too."""
    for server in [*(running.servers() if running else ()), *folder.left_over()]:
        servers.stop(server)
    folder.forget()
    shutil.rmtree(folder.path / "cloud" / "tmp", ignore_errors=True)
