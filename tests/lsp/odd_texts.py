"""Odd notes for the language server: links, line ends, and characters of all sizes."""

import random
from collections.abc import Sequence
from pathlib import Path

from running import create_vault

NAMES = ("a", "b", "c d", "é🙂", "100%", "it's #1")
FOLDERS = ("", "x/", "x/y/", "ü/")
PARTS = (
    *("[[a]]", "[[b|shown]]", "[[c d#One]]", "![[p.png]]", "[[é🙂]]", "[[x/y/a#^k]]", "[[no]]"),
    *(
        "[t](b.md)",
        "[t](c%20d.md#One)",
        "[[",
        "]]",
        "[[[b]]]",
        "[[a",
        "#tag",
        "# One\n",
        "## Two\n",
    ),
    *("\n", "\n", "\n", "\r\n", "\r", "\n\n", "\t", "\f", "\v", "\x1c", "\x85", "\u2028", "\ufeff"),
    *("---\n", "aliases: [Nick]\n", "up: '[[b]]'\n", "tags: [x]\n", "[[Nick]]", " ^k\n", "```\n"),
    *(
        "%%",
        "%%vaultlink-disable VL1%%\n",
        "<!-- ",
        " -->",
        "word ",
        "é",
        "🙂",
        "𝒳",
        "e\u0301",
        "漢",
    ),
)


UNSUPPRESSED = tuple(part for part in PARTS if "disable" not in part)
"""The parts that suppress no finding."""


def make_text(chance: random.Random, parts: Sequence[str] = PARTS) -> str:
    """Return an odd note."""
    return "".join(chance.choices(parts, k=chance.randint(0, 12)))


def make_vault(chance: random.Random, folder: Path, parts: Sequence[str] = PARTS) -> Path:
    """Create a vault of odd notes."""
    files = {f"{chance.choice(FOLDERS)}{name}.md": make_text(chance, parts) for name in NAMES}
    return create_vault(folder, {**files, "z.md": "[[a]]\n", "p.png": "PNG"})
