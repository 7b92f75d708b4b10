"""Every value of a run, in a file, and the tables made of them.

``rounds.jsonl`` has a line per round or sample; ``figures.md`` the tables. Nothing is left out of
either: a round that did not end well is counted as ``never`` and shown.
"""

from __future__ import annotations

import json
import math
import pathlib
import threading
from collections.abc import Sequence
from typing import Any

NEVER = math.inf


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest rank: a value that was really measured."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def text(value: float) -> str:
    if value == NEVER:
        return "never"
    if value >= 10000:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


class Results:
    def __init__(self, directory: pathlib.Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self._rounds = (directory / "rounds.jsonl").open("w")
        self._tables = (directory / "figures.md").open("w")
        self._lock = threading.Lock()

    def round(self, **values: Any) -> None:
        plain = {key: None if value == NEVER else value for key, value in values.items()}
        with self._lock:
            self._rounds.write(json.dumps(plain) + "\n")
            self._rounds.flush()

    def say(self, line: str = "") -> None:
        """A line of the report, shown and kept."""
        with self._lock:
            print(line, flush=True)
            self._tables.write(line + "\n")
            self._tables.flush()

    def table(self, heading: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        lines = [f"## {heading}", "", "| " + " | ".join(columns) + " |"]
        lines.append("| --- |" + " ---: |" * (len(columns) - 1))
        lines += ["| " + " | ".join(map(str, row)) + " |" for row in rows]
        for line in [*lines, ""]:
            self.say(line)

    def close(self) -> None:
        self._rounds.close()
        self._tables.close()
