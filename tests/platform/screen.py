"""Commands in a terminal of their own, and what is left on its screen."""

from __future__ import annotations

import os
import pty
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

_PIECES = re.compile(r"\x1b\[(?P<numbers>[0-9;?]*)(?P<letter>[A-Za-z])|(?P<text>[^\x1b\r\n]+)|(?P<control>[\r\n])")


@dataclass(frozen=True)
class Shown:
    """What a command wrote to its terminal: all of it, and the lines that stay."""

    code: int
    written: str
    lines: list[str]


def in_terminal(command: Sequence[str], columns: int = 100) -> Shown:
    """Runs a command to its end, with a terminal as its stdin, stdout and stderr."""
    ours, theirs = pty.openpty()
    environment = os.environ | {"TERM": "xterm-256color", "COLUMNS": str(columns), "LINES": "40"}
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    written = b""
    try:
        while piece := _read(ours):
            written += piece
    finally:
        os.close(ours)
        code = process.wait(60)
    text = written.decode()
    return Shown(code, text, rendered(text))


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # what Linux says when the other end is closed
        return b""


def rendered(written: str) -> list[str]:
    """The lines that stay, without colours; knows the few movements that progress displays use."""
    lines, row, column = [""], 0, 0
    for piece in _PIECES.finditer(written):
        if piece["control"] == "\n":
            row, column = row + 1, 0
            lines += [""] * (row + 1 - len(lines))
        elif piece["control"] == "\r":
            column = 0
        elif text := piece["text"]:
            lines[row] = lines[row][:column].ljust(column) + text + lines[row][column + len(text) :]
            column += len(text)
        elif piece["letter"] == "A":
            row = max(0, row - int(piece["numbers"] or 1))
        elif piece["letter"] == "K":
            assert piece["numbers"] == "2"
            lines[row] = ""
        else:
            assert piece["letter"] in "mhl", f"an unknown movement: {piece[0]!r}"
    return [line.rstrip() for line in lines if line.strip()]
