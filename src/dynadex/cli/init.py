"""`init`: a project for a table that is there."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import boto3
import typer

from ..operations import init as beginning
from ..operations import sampling
from ..platform.cloud import Cloud
from ..platform.endpoint import Endpoint
from ..terminal import Terminal, out
from .options import JsonOption, Refused, interruptible, show

EndpointOption = Annotated[
    str | None,
    typer.Option("--endpoint", help="Read the table at this address instead: DynamoDB Local, an embedded platform."),
]
ItemsOption = Annotated[int, typer.Option("--items", min=1, max=100_000, help="Look at so many items at most.")]
ReadCapacityOption = Annotated[
    float, typer.Option("--read-capacity", min=0, help="Read units a second at most; 0: no budget.")
]


def init(
    table: Annotated[str, typer.Argument(help="A table that is there, by its name in DynamoDB.", show_default=False)],
    directory: Annotated[Path, typer.Option("--directory", "-d", help="Where to write the project.")] = Path(),
    region: Annotated[
        str | None, typer.Option("--region", "-r", help="The table's region. Default: as AWS's tools are configured.")
    ] = None,
    endpoint: EndpointOption = None,
    aws: Annotated[bool, typer.Option("--aws", help="Read the table on AWS: the default here.")] = False,
    items: ItemsOption = sampling.DEFAULT_ITEMS,
    read_capacity: ReadCapacityOption = sampling.DEFAULT_READ_CAPACITY,
    seed: Annotated[
        bool, typer.Option("--seed", help="Keep the sampled items in seed.jsonl, for `up` to fill its stand-in with.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Write over files that are there.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Propose a project for an existing table: dynadex.toml and mappings, with the reasons, from a sample of it."""
    terminal = Terminal()
    cloud = outside_cloud(endpoint, aws)
    where = region or boto3.Session().region_name or ("us-east-1" if endpoint else None)
    if where is None:
        raise Refused("--region: which one? AWS's tools have none configured here")
    if not force and (toml := directory / beginning.TOML).exists():
        beginning.refuse_files([toml])  # before anything is read, which costs
    described = sampling.describe(cloud, where, table)
    with interruptible(terminal, "nothing was written; the same command begins anew, --items looks at fewer"):
        sampled = sampling.sample(
            cloud, where, described.table(), terminal, count=items, read_capacity=read_capacity
        )  # fmt: skip
    found = beginning.begin(described, sampled, source=cloud.name, endpoint=endpoint or "", seed=seed)
    paths = found.write(directory, force=force)
    if found.missing:
        terminal.say(found.missing)
    if seed:
        terminal.say(f"{beginning.SEED} holds items of the table as they are: keep it where the table's data may be")
    for index in found.indexes:
        for advice in index.proposal.advice:
            terminal.say(f"{index.name}: {advice}")
    document = {
        "project": found.project,
        "table": {"name": described.name, "region": where, "items": described.items, "bytes": described.bytes},
        "sampled": len(sampled.items),
        "readUnits": sampled.read_units,
        "indexes": [_index(index) for index in found.indexes],
        "files": [str(path) for path in paths],
        "missing": found.missing or None,
    }
    show(as_json, document, lambda: _show(found, paths, directory, endpoint, seed=seed))


def outside_cloud(endpoint: str | None, aws: bool) -> Cloud:
    """AWS, or what answers at an address."""
    if endpoint is None:
        return Cloud()
    if aws:
        raise Refused("--endpoint: not together with --aws")
    if not endpoint.startswith(("http://", "https://")):
        raise Refused(f"--endpoint: {endpoint!r} is not an address like http://127.0.0.1:4566")
    return Endpoint(endpoint)


def _index(index: beginning.Index) -> dict[str, Any]:
    proposal = index.proposal
    return {
        "name": index.name,
        "mapping": index.mapping,
        "of": index.told,
        "match": dict(index.match),
        "transform": index.transform or None,
        "fields": [{"field": one.path, "type": one.type, "reason": one.reason} for one in proposal.fields],
        "search": list(proposal.search),
        "filters": list(proposal.filters),
        "exclude": proposal.exclude,
        "advice": list(proposal.advice),
    }


def _show(found: beginning.Beginning, paths: list[Path], directory: Path, endpoint: str | None, *, seed: bool) -> None:
    for path in paths:
        out.print(str(path), highlight=False, soft_wrap=True)
    for index in found.indexes:
        out.print(f"\n[bold]{index.name}[/]: {index.told}", highlight=False, soft_wrap=True)
        searched, filters = ", ".join(index.proposal.search), ", ".join(index.proposal.filters)
        out.print(f"  {len(index.proposal.fields)} fields; words in {searched or 'none'}", style="dim", highlight=False)
        if filters:
            out.print(f"  filters: {filters}", style="dim", highlight=False)
    at = "" if directory.resolve() == Path.cwd() else f" --project {directory}"
    source = f" --endpoint {endpoint}" if endpoint else ""
    filled = "filled with the sampled items" if seed else "empty: fill it with `dynadex load`, or use init's --seed"
    out.print("\nTry next:")
    for command, meaning in (
        (f"dynadex preview {found.indexes[0].name}{at}{source}", "the documents that its items would make"),
        (f"dynadex up{at}", f"all of it here, with a stand-in of the table, {filled}"),
        (f"dynadex estimate {found.indexes[0].name}{at}{source}", "what a refill and steady traffic take"),
    ):
        out.print(f"  {command}", style="bold", highlight=False, soft_wrap=True)
        out.print(f"      {meaning}", style="dim", highlight=False, soft_wrap=True)
