"""What is seen while the city gets ready: one bar a stage on a terminal, one line a stage where there is none (a log, CI)."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

STAGES: Final = {
    "places": "weather stations",
    "broker": "message broker",
    "stations": "simulated stations on their lines",
    "city": "city model",
    "geometry": "shadows and sky view",
    "kernels": "heat simulation",
    "frame": "first heat map",
}
"""In the order they come; the middle ones are central's own stages."""

Report = Callable[[str, float], None]
"""(stage, share of it that is done)."""


class ProgressFile:
    """Reads what central appends to its progress file: one JSON object a line with `stage` and `share`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0

    def news(self) -> Iterator[tuple[str, float, str]]:
        """(stage, share, message) since the last call; a line that is still being written waits for the next one."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                text = file.read()
        except FileNotFoundError:
            return
        whole, _, _ = text.rpartition(b"\n")
        if not whole:
            return
        self._offset += len(whole) + 1
        for line in whole.splitlines():
            entry = json.loads(line)
            yield entry["stage"], float(entry["share"]), entry.get("message", "")


@contextmanager
def shown(console: Console) -> Iterator[Report]:
    """Shows the stages while the context is open."""
    if not console.is_terminal:
        seen: set[str] = set()

        def tell(stage: str, share: float) -> None:
            if share >= 1.0 and stage not in seen:
                seen.add(stage)
                console.print(f"  ready: {STAGES[stage]}")

        yield tell
        return
    with Progress(
        SpinnerColumn(finished_text="[green]●"),
        TextColumn("{task.description}"),
        BarColumn(bar_width=28),
        TimeElapsedColumn(),
        console=console,
    ) as progress:
        tasks: dict[str, TaskID] = {}

        def draw(stage: str, share: float) -> None:
            # A stage that begins ends the ones before it.
            names = list(STAGES)
            for name in names[: names.index(stage) + 1]:
                if name not in tasks:
                    tasks[name] = progress.add_task(STAGES[name], total=1.0)
                if name != stage:
                    progress.update(tasks[name], completed=1.0)
            progress.update(tasks[stage], completed=min(share, 1.0))

        yield draw
