"""The `dynadex` command: verbs to operations, and what they tell to the terminal.

With `--json` stdout holds one JSON document and nothing else; progress and messages always go to stderr. Exit codes:
0 done, 1 found a difference or failed, 2 wrong use.
"""

from __future__ import annotations

import signal
import sys
from typing import NoReturn

import typer
from botocore.exceptions import BotoCoreError, ClientError

from ..errors import DynadexError
from ..terminal import Terminal
from .admins import admins
from .deploy import deploy, destroy
from .drill import drill
from .estimate import estimate
from .explain import explain
from .failures import failures
from .init import init
from .load import load
from .preview import preview
from .rebuild import rebuild
from .refill import refill
from .search import search
from .status import status
from .up import down, up
from .verify import verify

app = typer.Typer(
    name="dynadex",
    help="Keeps search indices exactly in step with DynamoDB tables, in every region.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
_INTERRUPTED = 130  # typer's answer to Ctrl-C

for verb in (
    init,
    preview,
    estimate,
    up,
    down,
    deploy,
    destroy,
    status,
    load,
    refill,
    rebuild,
    search,
    verify,
    explain,
):
    app.command()(verb)
app.add_typer(failures)
app.add_typer(drill)
app.add_typer(admins)


def main() -> None:
    """The entry point."""
    signal.signal(signal.SIGTERM, _interrupt)  # as Ctrl-C: nothing is left half done, and it is said how to go on
    try:
        code = app(standalone_mode=False)  # what a verb gave to typer.Exit; None from one that came to its end
    except DynadexError as error:
        _end(error.exit_code, error)
    except (OSError, ClientError, BotoCoreError) as error:  # the world's own words are clear enough
        _end(1, error)
    except typer.Abort:
        _end(1, "interrupted")
    except Exception as error:
        if type(error).__module__.startswith(("typer", "click")) and hasattr(error, "exit_code"):
            error.show()  # type: ignore[attr-defined]  # the command line's own errors, with the usage
            sys.exit(2)
        raise
    if code == _INTERRUPTED:
        _end(1, "interrupted")
    sys.exit(code)


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def _end(code: int, error: Exception | str) -> NoReturn:
    Terminal().error(str(error) or type(error).__name__)
    sys.exit(code)
