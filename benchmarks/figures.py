"""Collect figures: print each with its target, and write all to a file."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured value. The target is an upper bound; None if there is no target."""

    name: str
    value: float
    unit: str
    target: float | None = None

    def __str__(self) -> str:
        text = f"{self.name:<72} {self.value:9.2f} {self.unit:<3}"
        if self.target is None:
            return text.rstrip()
        verdict = "met" if self.value <= self.target else "MISSED"
        return f"{text} target {self.target:g}, {verdict}"


class Ratio(NamedTuple):
    """A figure that is the quotient of two runs."""

    name: str
    run: str
    reference: str
    target: float | None = None


@dataclass(frozen=True, slots=True)
class Figures:
    """All figures so far, and the Python that they are of."""

    python: str = ""
    collected: list[Figure] = field(default_factory=list)

    def add(self, name: str, value: float, unit: str = "s", target: float | None = None) -> None:
        """Print a figure and keep it."""
        figure = Figure(name, value, unit, target)
        print(f"  {figure}", flush=True)
        self.collected.append(figure)

    def add_ratios(self, values: Mapping[str, float], ratios: Iterable[Ratio]) -> None:
        """Add quotients of values."""
        for name, run, reference, target in ratios:
            self.add(name, values[run] / values[reference], "", target)

    def write(self, path: Path) -> None:
        """Write the figures as one JSON list."""
        rows = [{**asdict(figure), "python": self.python} for figure in self.collected]
        path.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
