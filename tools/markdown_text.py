"""Markdown of generated pages: escaping, tables, code blocks, and links."""

import re
from collections.abc import Callable, Iterable, Sequence

_CODE_OR_LINK = re.compile(
    r"(?P<code>^(?P<fence>`{3,}|~{3,}).*?^(?P=fence)|`+[^`\n]*`+)"
    r"|\[(?P<text>[^\[\]\n]*)\]\((?P<path>[^()\s:#]*)(?:#(?P<part>[^()\s]*))?\)",
    re.MULTILINE | re.DOTALL,
)
_CODE = re.compile(r"(`+[^`]*`+)")
_FENCE_OR_ROW = re.compile(
    r"^ *(?P<fence>`{3,}|~{3,}).*?^ *(?P=fence)|^ *\|[^\n]*", re.MULTILINE | re.DOTALL
)
_OPTION = re.compile(r"(?<![\w-])--[a-z][\w-]*")
_SPECIAL = re.compile(r"[\\*_\[\]<>|{}]")


def map_links(text: str, convert: Callable[[str, str], str | None]) -> str:
    """Change the destinations of links to files.

    `convert` gets the path and the part behind `#`. If it returns None, only the text is left.
    """

    def change(match: re.Match[str]) -> str:
        if match["code"] or not match["path"]:
            return match[0]
        link = convert(match["path"], match["part"] or "")
        return match["text"] if link is None else f"[{match['text']}]({link})"

    return _CODE_OR_LINK.sub(change, text)


def escape(text: str) -> str:
    """Return plain text as Markdown; code in backticks stays code."""
    parts = _CODE.split(text)
    parts[::2] = [_SPECIAL.sub(r"\\\g<0>", part) for part in parts[::2]]
    return "".join(parts)


def mark_options(text: str) -> str:
    """Return plain text in which names of options, such as `--fix`, are code."""
    parts = _CODE.split(text)
    parts[::2] = [_OPTION.sub(r"`\g<0>`", part) for part in parts[::2]]
    return "".join(parts)


def format_cell(text: str) -> str:
    """Return Markdown as it can stand in a table."""
    parts = _CODE.split(" ".join(text.split()))
    parts[1::2] = [part.replace("|", "\\|") for part in parts[1::2]]
    return "".join(parts)


def format_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table. Its cells are Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(map(format_cell, line))} |\n" for line in lines)


def show_pipes(text: str) -> str:
    """Return Markdown without the backslashes before pipes in the code of tables.

    A forge needs them there, but the tables of Python-Markdown show them, and need none.
    """

    def change(match: re.Match[str]) -> str:
        if match["fence"]:
            return match[0]
        return re.sub(r"`+[^`\n]*`+", lambda code: code[0].replace("\\|", "|"), match[0])

    return _FENCE_OR_ROW.sub(change, text)


_TOOL_BLOCK = re.compile(
    r"^With (?P<tool>[^\n:]+):\n\n(?P<block>```[^\n]*\n.*?^```\n)\n?", re.MULTILINE | re.DOTALL
)
"""A sentence such as “With pip:” and the code block below it."""


def make_tabs(text: str) -> str:
    """Return Markdown in which blocks of code for several programs are tabs.

    In a document they are one below the other, each below a line such as “With pip:”.
    """

    def change(match: re.Match[str]) -> str:
        lines = match["block"].splitlines()
        return "\n".join([f'=== "{match["tool"]}"\n', *(f"    {line}" for line in lines), "\n"])

    return _TOOL_BLOCK.sub(change, text)


def format_code(text: str, language: str = "", title: str = "") -> str:
    """Return a code block, with a fence that is longer than those in the text."""
    fence = "`" * max(3, *(len(run) + 1 for run in re.findall("`+", text)), 0)
    mark = f' title="{title}"' if title else ""
    return f"{fence}{language}{mark}\n{text.rstrip(chr(10))}\n{fence}\n"
