"""The runbook takes an operator from each alarm to a command that is there."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import click
import pytest
import typer.main
from cfnlint import decode

from dynadex.cli import app

DOCS = Path(__file__).parents[2] / "docs"
TEXT = (DOCS / "operations.md").read_text()
COMMANDS: Any = typer.main.get_command(app)

#: In text: the inline code and the lines of code blocks that are a command of ours.
_CODE = re.compile(r"^[ `]*(dynadex .*?)(?:`|\s{2,}#|$)|`(dynadex [^`]+)`", re.M)


def alarms() -> dict[str, str]:
    """Each alarm of the templates, with its description."""
    found = {}
    for path in sorted(Path(str(files("dynadex") / "platform" / "templates")).glob("*.yaml")):
        document, errors = decode.decode(str(path))
        assert not errors
        for name, resource in json.loads(json.dumps(document))["Resources"].items():
            if resource["Type"] == "AWS::CloudWatch::Alarm":
                found[name] = resource["Properties"]["AlarmDescription"]
    return found


def commands(text: str) -> list[str]:
    """The commands of ours in a text."""
    return [(one or other).strip() for one, other in _CODE.findall(text)]


def check(command: str) -> None:
    """That a command has a verb and options that are there."""
    words = command.split()[1:]
    found = COMMANDS
    while words and hasattr(found, "commands") and not words[0].startswith("--"):
        assert words[0] in found.commands, f"{command!r}: there is no {words[0]!r}"
        found = found.commands[words.pop(0)]
    options = {name for parameter in found.params for name in parameter.opts} | {"--help"}
    for word in words:
        assert not word.startswith("--") or word.partition("=")[0] in options, f"{command!r}: there is no {word}"


ALARMS = alarms()


@pytest.mark.parametrize("alarm", ALARMS)
def test_an_alarm_names_a_command_that_is_there(alarm: str) -> None:
    named = commands(ALARMS[alarm])
    assert named, ALARMS[alarm]
    for command in named:
        check(command)


@pytest.mark.parametrize("alarm", ALARMS)
def test_an_alarm_leads_to_a_section_with_a_remedy(alarm: str) -> None:
    row = re.search(rf"^\| `{alarm}` \|.*\[(?P<title>[^]]+)\]\(#(?P<anchor>[a-z0-9-]+)\) \|$", TEXT, re.M)
    assert row, f"the runbook has no entry for {alarm}"
    assert row["anchor"] == row["title"].lower().replace(" ", "-").replace(",", "")
    section = TEXT.split(f"\n## {row['title']}\n")[1].split("\n## ")[0]
    for part in ("**Means**", "**Look**", "**Mends it**", "**Over**"):
        assert part in section or "**Look, and mends it**" in section, f"{row['title']} has no {part}"


@pytest.mark.parametrize("page", sorted(path.name for path in DOCS.glob("*.md")))
def test_every_command_in_the_documentation_is_there(page: str) -> None:
    for command in commands((DOCS / page).read_text()):
        check(command.partition(" | ")[0].partition(" > ")[0])


def test_a_command_that_is_not_there_would_be_found() -> None:
    for command in ("dynadex verfy lessons", "dynadex verify lessons --ful", "dynadex failures lst"):
        with pytest.raises(AssertionError, match="there is no"):
            check(command)
    assert isinstance(COMMANDS, click.Command) or hasattr(COMMANDS, "commands")
