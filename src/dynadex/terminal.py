"""What the command shows while it works, on stderr: steps with their times, progress bars, messages."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from .operations.steps import Bar

#: Results, for people; with --json nothing of this is used.
out = Console()


class Terminal:
    """Tells people what an operation does. Where stderr is no terminal it is plain lines."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._console = Console(stderr=True, quiet=quiet, highlight=False)
        self._lock = threading.Lock()
        self._progress: Progress | None = None
        self._bars = 0

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """A step, told when it ends, with its time."""
        began = time.monotonic()
        try:
            yield
        except BaseException:
            self._console.print(f"[red]✗[/] {title}  [dim]{time.monotonic() - began:.1f} s[/]", soft_wrap=True)
            raise
        self._console.print(f"[green]✓[/] {title}  [dim]{time.monotonic() - began:.1f} s[/]", soft_wrap=True)

    def say(self, text: str, *, good: bool = False) -> None:
        """Something worth knowing."""
        self._console.print(f"[green]✓[/] {text}" if good else text, style=None if good else "dim", soft_wrap=True)

    def error(self, text: str) -> None:
        """What went wrong, and the remedy."""
        for number, line in enumerate(text.splitlines()):
            self._console.print("error: " if number == 0 else "       ", style="red", end="")
            self._console.print(line, markup=False, soft_wrap=True)

    @contextmanager
    def bar(self, title: str) -> Iterator[Bar]:
        """A long step: a bar while it goes on where there is a terminal, then a line with its time."""
        began = time.monotonic()
        progress = self._shown()
        bar = _Bar(progress, title)
        try:
            yield bar
        except BaseException:
            self._hide()
            self._console.print(f"[red]✗[/] {title}  [dim]{time.monotonic() - began:.1f} s[/]", soft_wrap=True)
            raise
        self._hide()
        seconds = time.monotonic() - began
        told = f"{bar.done:,} items, {seconds:.1f} s"
        mark = "[red]✗[/]" if bar.failed else "[green]✓[/]"
        self._console.print(f"{mark} {title}  [dim]{told}[/]", soft_wrap=True)

    def _shown(self) -> Progress:
        """One display for all bars that run side by side."""
        with self._lock:
            if self._progress is None:
                self._progress = Progress(
                    TextColumn("  {task.description}"),
                    BarColumn(),
                    MofNCompleteColumn(),
                    TextColumn("{task.fields[rate]}"),
                    TimeRemainingColumn(compact=True),
                    TextColumn("[dim]{task.fields[note]}"),
                    console=self._console,
                    transient=True,
                    disable=not self._console.is_terminal,
                )
                self._progress.start()
            self._bars += 1
            return self._progress

    def _hide(self) -> None:
        with self._lock:
            self._bars -= 1
            if self._bars == 0 and self._progress is not None:
                self._progress.stop()
                self._progress = None


class _Bar:
    def __init__(self, progress: Progress, title: str) -> None:
        self._progress = progress
        self._task = progress.add_task(title, total=None, rate="", note="")
        self._began = time.monotonic()
        self.done = 0
        self.failed = False

    def fail(self) -> None:
        """It ended otherwise than was wanted."""
        self.failed = True

    def update(self, done: int, total: int | None = None, note: str = "") -> None:
        """So many of so many items."""
        self.done = done
        seconds = time.monotonic() - self._began
        rate = f"{done / seconds:,.0f}/s" if done and seconds > 0.5 else ""
        self._progress.update(self._task, completed=done, total=total, rate=rate, note=note)
