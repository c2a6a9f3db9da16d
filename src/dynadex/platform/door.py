"""The local web address as a command: what `up` starts, and tests do. See `edge` for what it serves.

`--settings FILE` says what it stands for, and is read again on SIGHUP; for a page alone `--region` is enough, once for
each region: then everybody is sent to the first, and to the others where that is down.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import json
import signal
from collections.abc import AsyncIterator
from pathlib import Path

from aiohttp import web

from .edge.application import Edge
from .edge.settings import Settings, WrongSettings, everybody_home

HOST = "127.0.0.1"
#: Handlers get this long to finish once the door is asked to stop.
_STOP_SECONDS = 3.0


def serve(port: int, static: Path | None, settings: Settings, file: Path | None = None) -> None:
    """Serves on loopback until SIGTERM or SIGINT; `file` is read again on SIGHUP. OSError when the port is taken."""
    edge = Edge(static, settings)
    app = edge.application()
    if file is not None:
        app.cleanup_ctx.append(functools.partial(_reading_again, edge, file))
    web.run_app(
        app,
        host=HOST,
        port=port,
        print=functools.partial(print, flush=True),
        access_log=None,
        shutdown_timeout=_STOP_SECONDS,
    )


async def _reading_again(edge: Edge, file: Path, _: web.Application) -> AsyncIterator[None]:
    asked = asyncio.Event()

    async def read() -> None:
        while True:
            await asked.wait()
            asked.clear()
            try:
                await edge.use(_read(file))
            except (OSError, WrongSettings) as error:  # as it was is better than not at all
                print(f"{file} cannot be used: {error}", flush=True)

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, asked.set)
    reader = asyncio.create_task(read())
    yield
    loop.remove_signal_handler(signal.SIGHUP)
    reader.cancel()


def _read(file: Path) -> Settings:
    """Raises `WrongSettings`, or OSError where there is no file."""
    try:
        return Settings.of_json(json.loads(file.read_text(encoding="utf-8")))
    except json.JSONDecodeError as error:
        raise WrongSettings(f"it is not JSON: {error}") from error


def _port(text: str) -> int:
    if text.isascii() and text.isdigit() and int(text) <= 65_535:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a port; 0 to 65535 are allowed")


def _folder(text: str) -> Path:
    folder = Path(text)
    if (folder / "index.html").is_file():
        return folder
    raise argparse.ArgumentTypeError(f"there is no {folder / 'index.html'}")


def _region(text: str) -> tuple[str, str]:
    region, _, api = text.partition("=")
    try:
        Settings.of_json(_alone({region: api}).to_json())
    except WrongSettings:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a region and its API, such as eu-west-1=http://127.0.0.1:4566"
        ) from None
    return region, api


def _alone(apis: dict[str, str], indexes: tuple[str, ...] = ()) -> Settings:
    return Settings(apis, everybody_home(list(apis)), indexes)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m dynadex.platform.door", description="Serve a project's page.")
    parser.add_argument("--port", type=_port, required=True)
    parser.add_argument("--static", type=_folder, metavar="DIR", help="the page's folder")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--settings", type=Path, metavar="FILE", help="what it stands for, as JSON")
    what.add_argument("--region", type=_region, action="append", metavar="NAME=URL", help="once a region, home first")
    parser.add_argument("--index", action="append", default=[], help="with --region: an index of the project")
    given = parser.parse_args()
    try:
        settings = _read(given.settings) if given.settings else _alone(dict(given.region), tuple(given.index))
    except WrongSettings as error:
        parser.error(f"{given.settings}: {error}")
    except OSError as error:
        parser.error(f"{given.settings}: {error.strerror}")
    try:
        serve(given.port, given.static, settings, given.settings)
    except OSError as error:
        parser.exit(1, f"The door cannot listen on {HOST}:{given.port}: {error.strerror}\n")


if __name__ == "__main__":
    main()
