"""What a user or an operator can do something about: told in a sentence or two, never as a traceback."""

from __future__ import annotations


class DynadexError(Exception):
    """Something could not be done; the message says what, where, and what to do. The command ends with 1."""

    exit_code = 1


class WrongUse(DynadexError):
    """Something was asked for that cannot be: a mistake in dynadex.toml or on the command line. It ends with 2."""

    exit_code = 2
