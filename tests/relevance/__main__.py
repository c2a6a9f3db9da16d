"""Measures, prints a table, and ends with 1 below a floor: see the package's head."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random

from dynadex.engine import Engine
from dynadex.platform import servers

from . import kinds
from .measuring import Score, below_floor, filled, keystrokes, measure, table
from .songs import songs

_START = {
    "osmem": lambda folder: servers.start_osmem(servers.free_port(), folder),
    "opensearch": lambda folder: servers.start_opensearch(servers.free_port(), folder, heap_mb=1024),
    "elasticsearch": lambda folder: servers.start_elasticsearch(servers.free_port(), folder, heap_mb=1024),
}


@contextmanager
def _engine(name: str) -> Iterator[Engine]:
    with tempfile.TemporaryDirectory() as folder:
        server = _START[name](Path(folder))
        try:
            yield Engine(server.url)
        finally:
            servers.stop(server)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.relevance", description="How well lessons are found.")
    parser.add_argument("--engine", choices=_START, default="osmem")
    parser.add_argument(
        "--made", type=int, metavar="N", help="N queries of each kind, made anew, instead of the judged"
    )
    parser.add_argument("--seed", default="another", help="of what is made anew")
    parser.add_argument("--typed", type=int, default=100, metavar="N", help="titles typed for suggestions")
    parser.add_argument("--missed", action="store_true", help="show the queries whose first hit is not the wanted one")
    given = parser.parse_args(arguments)
    queries = kinds.queries(given.seed, given.made) if given.made else kinds.judged()
    with _engine(given.engine) as engine:
        subject = filled(engine)
        scores = measure(subject, queries)
        typed = [keystrokes(subject, song) for song in Random(given.seed).sample(songs(), given.typed)]
    print(table(scores))
    share, mean = sum(count <= 5 for count in typed) / len(typed), sum(typed) / len(typed)
    print(f"\nSuggestions: {share:.1%} of {len(typed)} titles are among the first three after five keystrokes;")
    print(f"on average they are after {mean:.1f}.")
    if given.missed:
        _show(scores["all"])
    problems = below_floor(scores, typed)
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


def _show(score: Score) -> None:
    for query, found in score.missed:
        first = f"{found[0].title} ({found[0].artist})" if found else "nothing"
        print(f"{query.kind}: {query.query!r} finds {first}, not {query.wanted[0].title} ({query.wanted[0].artist})")


if __name__ == "__main__":
    sys.exit(main())
