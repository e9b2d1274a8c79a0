"""Draw what a terminal shows as SVG into docs/images.

The commands, and the editors with the language server, run in color on a copy of the sample vault,
so that a picture is what people see. The same program always gives the same file.
"""

import argparse
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from html import escape
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import pyte

import casts  # puts the folder of `screens` on the path
from screens import SMALL, Size, run_on_screen

sys.path.append(str(casts.ROOT / "tests" / "editors"))

from editor_runs import Desk, read_snippet
from terminals import Terminal

IMAGES = casts.ROOT / "docs" / "images"

PICTURES = {
    "terminal-check": (("check",), r"show all \d+ findings$"),
    "terminal-fix": (("fix",), r"--unsafe-fixes fixes \d+\.$"),
    "terminal-interactive": (("fix", "--interactive"), r"^1 of [\s\S]*\?\]$"),
}
"""The words of each command, and the pattern at which the picture is taken."""


class EditorRun(NamedTuple):
    """An editor, whose configuration is a code block of its page, and what is typed in it.

    Attributes:
        title: The title of the picture.
        page: The page with the configuration, as the first code block in `language`.
        language: The language of that block.
        file: The file for it, in the home folder.
        command: The editor.
        steps: Keys to press by name (Enter, C-x) or text to type, and what the screen shows then.
    """

    title: str
    page: str
    language: str
    file: str
    command: tuple[str, ...]
    steps: tuple[tuple[str, str], ...]


_NEOVIM = ("neovim", "lua", ".config/nvim/init.lua", ("nvim", "index.md"))

EDITOR_PICTURES = {
    "editor-neovim": EditorRun(
        "Neovim shows a mistake and its fixes",
        *_NEOVIM,
        (("", "is an alias of"), ("]d", "9,3"), ("gra", "Fix all safe findings")),
    ),
    "editor-neovim-completion": EditorRun(
        "Neovim completes a link",
        *_NEOVIM,
        (
            ("", "is an alias of"),
            ("GoSee [[harbour", r"See \[\[harbour"),
            ("C-x", "X mode"),
            ("C-o", "harbour_pilots_and_the_last_mile"),
        ),
    ),
    "editor-helix": EditorRun(
        "Helix shows a mistake and its fixes",
        "helix",
        "toml",
        ".config/helix/languages.toml",
        ("hx", "index.md"),
        (("", "●.*LTP"), ("]d", "VL105"), (" a", "Fix all safe findings")),
    ),
}
"""Editors that use the language server, in a terminal of tmux."""
KEY_NAME = re.compile("C-[a-z]|[A-Z][a-z]+")
EDITOR_SIZE = Size(100, 18)

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
    """Run a command or an editor, and return the picture of its screen."""
    if name in EDITOR_PICTURES:
        return _draw_editor(EDITOR_PICTURES[name])
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


def _draw_editor(run: EditorRun) -> str:
    terminal = pyte.Screen(*EDITOR_SIZE)
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        desk = Desk(Path(folder), {run.file: read_snippet(run.page, run.language)})
        desk.environment["COLORTERM"] = "truecolor"
        with Terminal(desk, *run.command, size=EDITOR_SIZE) as screen:
            for keys, pattern in run.steps:
                if KEY_NAME.fullmatch(keys):
                    screen.press(keys)
                elif keys:
                    screen.type(keys)
                screen.wait_for_match(pattern)
            output = screen.settle()
    pyte.Stream(terminal).feed(output.rstrip("\n").replace("\n", "\r\n"))
    return render_svg(terminal, run.title)


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
        lines += _render_backgrounds(terminal, number, MARGIN + (place - 1) * ROW_HEIGHT)
        spans = "".join(_render_runs(terminal, number))
        if spans:
            y = MARGIN + place * ROW_HEIGHT - 5
            lines.append(f'<text y="{y}">{spans}</text>')
    return "\n".join([*lines, "</g>", "</svg>"]) + "\n"


def _find_color(name: str, default: str) -> str:
    """Return the color of a name of pyte, which may be six hexadecimal digits."""
    return f"#{name}" if re.fullmatch("[0-9a-f]{6}", name) else COLORS.get(name, default)


def _find_colors(cell: pyte.screens.Char) -> tuple[str, str]:
    """Return the color of the text of a cell, and that behind it."""
    back = BACKGROUND if cell.bg == "default" else _find_color(cell.bg, BACKGROUND)
    colors = (_find_color(cell.fg, COLORS["default"]), back)
    return colors[::-1] if cell.reverse else colors


def _find_style(cell: tuple[int, pyte.screens.Char]) -> tuple[str, bool, bool]:
    """Return the color of a cell, and True if it is bold and if it is underlined."""
    return _find_colors(cell[1])[0], cell[1].bold, cell[1].underscore


def _render_backgrounds(terminal: pyte.Screen, number: int, y: int) -> Iterator[str]:
    """Yield a rectangle for each run of cells with a color behind the text."""
    row = terminal.buffer[number]
    cells = [(column, row[column]) for column in range(terminal.columns)]
    for color, run in groupby(cells, lambda cell: _find_colors(cell[1])[1]):
        items = list(run)
        if color != BACKGROUND:
            x = MARGIN + items[0][0] * COLUMN_WIDTH
            yield (
                f'<rect x="{x:.1f}" y="{y}" width="{len(items) * COLUMN_WIDTH:.1f}" '
                f'height="{ROW_HEIGHT}" fill="{color}"/>'
            )


def _render_runs(terminal: pyte.Screen, number: int) -> Iterator[str]:
    """Yield a span for each run of characters in one style."""
    row = terminal.buffer[number]
    end = len(terminal.display[number].rstrip())
    cells = [(column, row[column]) for column in range(end)]
    for style, run in groupby(cells, _find_style):
        items = list(run)
        text = "".join(cell.data for _, cell in items)
        if not text.strip():
            continue
        color = style[0]
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
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    for name in (*PICTURES, *EDITOR_PICTURES):
        (IMAGES / f"{name}.svg").write_text(draw_picture(name), encoding="utf-8")
        print(IMAGES / f"{name}.svg")


if __name__ == "__main__":
    main()
