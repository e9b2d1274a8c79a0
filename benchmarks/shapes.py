"""Shapes of notes that could take the longest: each construct repeated, nested or unclosed.

`shapes.yaml` lists those that repeat one text; this module has the others.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

ALL_RULES = 'extend-select = ["ALL"]\n'
"""The settings of the vaults: every rule runs."""

SHAPES = Path(__file__).with_name("shapes.yaml")


@dataclass(frozen=True, slots=True)
class Shape:
    """A text that grows by repetition; `shapes.yaml` explains the fields."""

    unit: str
    before: str = ""
    after: str = ""
    name: str = "shape.md"
    times: int = 1
    end: str = ""

    def render(self, size: int) -> str:
        """Return the text with about `size` characters."""
        unit = self.unit * self.times + self.end
        width = len(unit.replace("{n}", "1000"))
        count = max(1, (size - len(self.before) - len(self.after)) // width)
        if "{n}" not in unit:
            return self.before + unit * count + self.after
        units = "".join([unit.replace("{n}", str(number)) for number in range(count)])
        return self.before + units + self.after


def _nest(opening: str, closing: str, inner: str = "x") -> Callable[[int], str]:
    """Return a shape of brackets in brackets."""

    def render(size: int) -> str:
        count = max(1, size // (len(opening) + len(closing)))
        return opening * count + inner + closing * count + "\n"

    return render


def _indent(mark: str) -> Callable[[int], str]:
    """Return a shape with lines that are each indented deeper."""

    def render(size: int) -> str:
        count = max(1, int((2 * size) ** 0.5) - len(mark))
        return "\n".join([" " * number + mark for number in range(count)]) + "\n"

    return render


def _pair(first: str, second: str) -> Callable[[int], str]:
    """Return a shape of two halves: all units of the first, then all of the second."""

    def render(size: int) -> str:
        return Shape(first).render(size // 2) + "\n" + Shape(second).render(size // 2)

    return render


def _nest_properties(size: int) -> str:
    count = max(1, int(size**0.5))
    keys = "".join([" " * number + f"k{number}:\n" for number in range(count)])
    return f"---\n{keys}---\n[[a]]\n"


def _nest_flow(size: int) -> str:
    return f"---\na: {'[' * (size // 2)}{']' * (size // 2)}\n---\n"


def _multiply_aliases(size: int) -> str:
    """Return aliases of aliases, each ten times (billion laughs), above many links."""
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30)]
    return "---\n" + "\n".join(levels) + "\n---\n" + "[[a]] " * (size // 6)


_COMPUTED: dict[str, Callable[[int], str]] = {
    "nested brackets": _nest("[", "]"),
    "nested double brackets": _nest("[[", "]]"),
    "nested images": _nest("![", "](a)"),
    "nested links": _nest("[", "](a)"),
    "nested tags": _nest("<b>", "</b>", "[[a]]"),
    "nested emphasis": _nest("*a _b ", " b_ a*", "[[c]]"),
    "nested footnotes": _nest("^[", "]", "[[a]]"),
    "items of growing indent": _indent("- [[a]]"),
    "indented lines": _indent("[[a]]"),
    "headings and near misses": _pair("## Section number {n}\n", "[[#Section numbr {n}]]\n"),
    "similar headings and near misses": _pair("## Notes of {n}\n", "[[shape#Notes on {n}]]\n"),
    "equal headings and near misses": _pair("## Section\n", "[[#Sectoin{n}]]\n"),
    "block ids and near misses": _pair("a ^block-{n}\n\n", "[[#^blok-{n}]]\n"),
    "headings and links": _pair("## Section {n}\n", "[[#Section {n}]]\n"),
    "slugs of headings": _pair("## Section Number {n}\n", "[a](#section-number-{n})\n"),
    "nested headings in a link": _pair("## S\n### T{n}\n", "[[#S#T{n}]]\n"),
    "nested properties": _nest_properties,
    "closed flow brackets": _nest_flow,
    "multiplied aliases": _multiply_aliases,
}


@cache
def _load_shapes() -> dict[str, Shape]:
    rows = yaml.safe_load(SHAPES.read_text(encoding="utf-8"))
    return {name: Shape(**fields) for name, fields in rows.items()}


def list_shapes() -> Iterator[str]:
    """Yield the names of all shapes."""
    yield from _load_shapes()
    yield from _COMPUTED


def render_shape(name: str, size: int) -> dict[str, str]:
    """Return the files of a vault with a note of the given shape and size in characters."""
    shape = _load_shapes().get(name)
    text = shape.render(size) if shape else _COMPUTED[name](size)
    return {
        shape.name if shape else "shape.md": text,
        "a.md": "# A\n\n[[shape]]\n",
        "b.md": "[[shape]]\n\nText ^b\n",
        "c.md": "Text\n",
        ".vaultlink.toml": ALL_RULES,
    }
