"""The servers that are measured against, and the machine that all of it runs on."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from dynadex.platform import servers
from dynadex.platform.servers import Server

_HEAP_MB = 2048
_START: dict[str, Callable[[int, Path], Server]] = {
    "opensearch": partial(servers.start_opensearch, heap_mb=_HEAP_MB),
    "elasticsearch": partial(servers.start_elasticsearch, heap_mb=_HEAP_MB),
    "osmem": servers.start_osmem,
}
ENGINES = tuple(_START)


@contextmanager
def engine(kind: str, folder: Path, *, apart: bool = False) -> Iterator[str]:
    """The address of an engine of its own, until the context ends.

    In use a function and an engine are on machines of their own. `apart` makes it somewhat so: the engine, with all its
    threads, gets one half of the processors, this process and what it starts keep the other.
    """
    mine = processors()
    half = len(mine) // 2 if apart else 0
    if half:
        os.sched_setaffinity(0, mine[:half])
    try:
        server = _START[kind](servers.free_port(), folder / kind)
    finally:
        if half:
            os.sched_setaffinity(0, mine[half:])
    try:
        yield server.url
    finally:
        servers.stop(server)
        if half:
            os.sched_setaffinity(0, mine)


def processors() -> list[int]:
    """Those that this process may use; none where the system does not say."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def described(engine: str) -> dict[str, Any]:
    """What the figures were measured on."""
    return {
        "processor": _processor(),
        "processors": len(processors()) or os.cpu_count(),
        "memoryGiB": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "engine": engine,
        "commit": _git("rev-parse", "--short", "HEAD") + ("+" if _git("status", "--porcelain", "src", "bench") else ""),
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _git(*arguments: str) -> str:
    ran = subprocess.run(
        ["git", *arguments], capture_output=True, text=True, check=False, cwd=Path(__file__).parent.parent
    )
    return ran.stdout.strip()
