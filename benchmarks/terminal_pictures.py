"""Draw what a terminal shows as SVG into docs/images; `make casts` runs it.

The commands run in color on a copy of the sample vault, so that a picture is what people see. The
same program always gives the same file.
"""

import shutil
import tempfile
from collections.abc import Iterator
from html import escape
from itertools import groupby
from pathlib import Path

import pyte

import casts  # puts the folder of `screens` on the path
from screens import SMALL, run_on_screen

IMAGES = casts.ROOT / "docs" / "images"

PICTURES = {
    "terminal-check": (("check",), r"show all \d+ findings$"),
    "terminal-fix": (("fix",), r"--unsafe-fixes fixes \d+\.$"),
    "terminal-interactive": (("fix", "--interactive"), r"^1 of [\s\S]*\?\]$"),
}
"""The words of each command, and the pattern at which the picture is taken."""

COLORS = {
    "default": "#d7dae0",
    "black": "#5c6370",
    "red": "#ef7b85",
    "green": "#98c379",
    "brown": "#e5c07b",
    "blue": "#61afef",
    "magenta": "#c678dd",
    "cyan": "#56b6c2",
    "white": "#d7dae0",
}
NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"
"""Stands for spaces, of which browsers show several as one."""
BACKGROUND = "#20242c"
COLUMN_WIDTH, ROW_HEIGHT, MARGIN = 8.4, 19, 16
"""Pixels of a column at a font size of 14, of a row, and around the text."""


def draw_picture(name: str) -> str:
    """Run a command of `PICTURES`, and return the picture of its screen."""
    words, pattern = PICTURES[name]
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        vault = Path(folder).resolve() / "podcast-wiki"
        shutil.copytree(casts.SAMPLE, vault)
        environment = {
            "VAULTLINK_CACHE_DIR": f"{folder}/cache",
            "VAULTLINK_STATE_DIR": f"{folder}/state",
            **{"NO_COLOR": "", "FORCE_COLOR": "1"},
        }
        with run_on_screen(vault, *words, size=SMALL, environment=environment) as screen:
            output = screen.wait_for_match(pattern).settle().output
    terminal = pyte.Screen(*SMALL)
    pyte.Stream(terminal).feed(output)
    return render_svg(terminal, "vaultlink " + " ".join(words))


def render_svg(terminal: pyte.Screen, title: str) -> str:
    """Return the rows of a terminal as SVG, from the first to the last with text."""
    filled = [number for number, row in enumerate(terminal.display) if row.strip()]
    shown = range(filled[0], filled[-1] + 1)
    width = round(terminal.columns * COLUMN_WIDTH) + 2 * MARGIN
    height = len(shown) * ROW_HEIGHT + 2 * MARGIN
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{width}" height="{height}" rx="8" fill="{BACKGROUND}"/>',
        '<g font-family="ui-monospace, Menlo, Consolas, DejaVu Sans Mono, monospace" '
        'font-size="14">',
    ]
    for place, number in enumerate(shown, 1):
        spans = "".join(_render_runs(terminal, number))
        if spans:
            y = MARGIN + place * ROW_HEIGHT - 5
            lines.append(f'<text y="{y}">{spans}</text>')
    return "\n".join([*lines, "</g>", "</svg>"]) + "\n"


def _render_runs(terminal: pyte.Screen, number: int) -> Iterator[str]:
    """Yield a span for each run of characters in one style."""
    row = terminal.buffer[number]
    end = len(terminal.display[number].rstrip())
    cells = [(column, row[column]) for column in range(end)]
    for style, run in groupby(cells, lambda cell: (cell[1].fg, cell[1].bold, cell[1].underscore)):
        items = list(run)
        text = "".join(cell.data for _, cell in items)
        if not text.strip():
            continue
        color = COLORS.get(style[0], COLORS["default"])
        weight = ' font-weight="bold"' if style[1] else ""
        line = ' text-decoration="underline"' if style[2] else ""
        x = MARGIN + items[0][0] * COLUMN_WIDTH
        length = len(items) * COLUMN_WIDTH
        yield (
            f'<tspan x="{x:.1f}" textLength="{length:.1f}" fill="{color}"{weight}{line}>'
            f"{escape(text, quote=False).replace(' ', NO_BREAK_SPACE)}</tspan>"
        )


def main() -> None:
    """Draw all pictures."""
    for name in PICTURES:
        (IMAGES / f"{name}.svg").write_text(draw_picture(name), encoding="utf-8")
        print(IMAGES / f"{name}.svg")


if __name__ == "__main__":
    main()
