"""The `dynadex` command as its users have it: in a process of its own, on small projects of their own."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dynadex import project as projects
from dynadex.operations import status
from dynadex.operations import up as starting
from dynadex.platform import servers
from dynadex.platform.cloud import Cloud
from dynadex.platform.embedded import PORTS, Folder
from dynadex.project import Project

HOME = "us-east-1"
SECOND = "eu-west-1"
SEED = [{"id": str(number), "title": f"Song {number}"} for number in range(1, 4)]

_SECONDS = 120
_TOML = """\
[project]
name = "{name}"
regions = {regions}

[tables.songs]
name = "{name}-songs"
partition_key = "id"
seed = "songs.jsonl"

[indexes.songs]
table = "songs"
mapping = "mapping.json"
search = {{ fields = ["title"] }}

[engine]
auth = "none"
"""
_MAPPING = {"mappings": {"dynamic": False, "properties": {"title": {"type": "text"}}}}


@dataclass(frozen=True)
class Ran:
    """A command that has ended."""

    code: int
    out: str
    err: str

    def document(self) -> Any:
        """What it wrote to stdout, which must be one JSON document in one line."""
        (line,) = self.out.splitlines()
        return json.loads(line)


class Foreground:
    """A command that goes on; what it says is kept as it comes."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self._said = {"out": "", "err": ""}
        streams = {"out": process.stdout, "err": process.stderr}
        self._readers = [threading.Thread(target=self._read, args=pair, daemon=True) for pair in streams.items()]
        for reader in self._readers:
            reader.start()

    def _read(self, name: str, stream: Any) -> None:
        for line in stream:
            self._said[name] += line

    @property
    def out(self) -> str:
        """Its stdout so far."""
        return self._said["out"]

    @property
    def err(self) -> str:
        """Its stderr so far."""
        return self._said["err"]

    def await_said(self, text: str) -> None:
        """Waits until it has written this, on stdout or stderr."""
        await_true(lambda: text in self.out + self.err or self.process.poll() is not None, f"{text!r} said")
        assert text in self.out + self.err, self.err

    def end(self, number: int = signal.SIGINT) -> Ran:
        """Sends the signal, unless it has ended already, and waits for its end."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        self.process.wait(_SECONDS)
        for reader in self._readers:
            reader.join()
        return Ran(self.process.returncode, self.out, self.err)


class Console:
    """A project's folder, and the commands run on it."""

    def __init__(self, directory: Path, port: int) -> None:
        self.directory, self.port = directory, port

    def run(self, *arguments: str, environment: Mapping[str, str] | None = None) -> Ran:
        """Runs a command on the project to its end."""
        done = subprocess.run(
            self.command(*arguments),
            env=os.environ | (environment or {}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Ran(done.returncode, done.stdout, done.stderr)

    def command(self, *arguments: str) -> list[str]:
        """The command line, for who starts it otherwise."""
        place = () if "--help" in arguments or "-h" in arguments else ("--project", str(self.directory))
        return [sys.executable, "-m", "dynadex", *arguments, *place]

    def up(self, *arguments: str) -> Ran:
        """`up --detach --json` on the project's own ports."""
        return self.run("up", "--detach", "--json", "--port", str(self.port), *arguments)

    @contextmanager
    def foreground(self, *arguments: str) -> Iterator[Foreground]:
        """`up` without --detach, which is ended at the latest when the context ends."""
        process = subprocess.Popen(
            self.command("up", "--port", str(self.port), *arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        command = Foreground(process)
        try:
            yield command
        finally:
            command.end()
            for stream in (process.stdout, process.stderr):
                assert stream is not None
                stream.close()

    def project(self) -> Project:
        """The project as the command reads it."""
        return projects.load(self.directory)

    def cloud(self) -> Cloud:
        """The platform that runs for it."""
        cloud = starting.local_cloud(self.project())
        assert cloud is not None
        return cloud

    def processes(self) -> dict[str, int]:
        """The process ids that `state.json` names, by region for engines, and as `cloud`."""
        running = Folder(self.directory).running()
        if running is None:
            return {}
        engines = {region: server.pid for region, server in running.engines.items() if server is not None}
        return {"cloud": running.cloud.pid} | engines

    def ports(self) -> list[int]:
        """Those of the project's ports that something listens on."""
        return [port for port in range(self.port, self.port + PORTS) if servers.port_in_use(port)]

    def change(self, *, put: Sequence[Mapping[str, str]] = (), delete: Sequence[str] = ()) -> None:
        """Changes items of the home region's table, as any application would."""
        dynamodb, table = self.cloud().client("dynamodb", HOME), self.project().tables["songs"].physical_name
        for item in put:
            dynamodb.put_item(TableName=table, Item={name: {"S": value} for name, value in item.items()})
        for id in delete:
            dynamodb.delete_item(TableName=table, Key={"id": {"S": id}})

    def titles(self, region: str = HOME) -> set[str]:
        """All titles that a search in a region finds."""
        hits = self.run("search", "songs", "--region", region, "--json").document()["hits"]
        return {hit["document"]["title"] for hit in hits}

    def await_documents(self, count: int, region: str = HOME) -> None:
        """Waits until searches in a region can find so many documents."""
        project, cloud = self.project(), self.cloud()
        index = project.indexes["songs"]
        await_true(
            lambda: status.documents_in(project, cloud, region, index) == count, f"{count} documents in {region}"
        )

    def await_whole(self) -> None:
        """Waits until searches in the home region can find as many documents as there are items."""
        project = self.project()
        self.await_documents(status.items_in(project, self.cloud(), HOME, project.tables["songs"]))


def await_true(condition: Callable[[], bool], what: str, seconds: float = 30) -> None:
    """Waits for a condition, with a clear failure if it does not come."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.02)


def free_base() -> int:
    """The first of as many free ports as a project may use, below those that connections going out get."""
    bases = range(12_000, 32_000, PORTS)
    return next(
        base
        for base in random.sample(bases, len(bases))
        if not any(servers.port_in_use(port) for port in range(base, base + PORTS))
    )


def make_project(directory: Path, *, regions: Sequence[str] = (HOME,), name: str = "tiny") -> Console:
    """A project of three songs."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "dynadex.toml").write_text(_TOML.format(name=name, regions=json.dumps(list(regions))))
    (directory / "mapping.json").write_text(json.dumps(_MAPPING))
    (directory / "songs.jsonl").write_text("".join(json.dumps(item) + "\n" for item in SEED))
    return Console(directory, free_base())
