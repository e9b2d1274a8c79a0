"""The help page of a command: usage, manual, options by group, and examples."""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from inspect import cleandoc
from typing import NamedTuple

from vaultlink.cli.options import (
    OptionField,
    format_argument,
    group_option_fields,
    list_option_fields,
)
from vaultlink.report import FORMATS
from vaultlink.report.layout import wrap_words

_WIDTH = 79
"""Columns of a page; a terminal of 80 columns then breaks no line."""

_MAX_NAME_WIDTH = 30
"""Columns of a name that has its text beside it. Below a longer one, the text has its own line."""


class _Row(NamedTuple):
    """A name, such as that of an option, and the text beside it."""

    name: str
    text: str


def render_help(command: str, manual: str, options: type) -> str:
    """Return the help page of a command. `manual` is the docstring of its function."""
    arguments = [field for field in list_option_fields(options) if not field.spec.names]
    usage = " ".join(["vaultlink", command, "[OPTIONS]", *map(format_argument, arguments)])
    text = cleandoc(manual).replace("{formats}", ", ".join(FORMATS))
    groups = group_option_fields(options)
    rows = {title: [_make_row(field) for field in fields] for title, fields in groups.items()}
    rows.setdefault("Output", []).append(_Row("-h, --help", "Show this message and exit."))
    parts = [
        f"Usage: {usage}\n",
        *(
            _indent(wrap_words(" ".join(item.split()), _WIDTH - 2, ""), 2)
            for item in text.split("\n\n")
        ),
        _render_rows("Arguments", [_Row(item.spec.metavar, item.spec.help) for item in arguments]),
        *(_render_rows(title, items) for title, items in rows.items()),
        _render_examples(load_examples()[command]),
    ]
    return "\n".join(filter(None, parts))


def _make_row(field: OptionField) -> _Row:
    names = ", ".join(field.spec.names)
    return _Row(names if field.type is bool else f"{names} {field.spec.metavar}", field.spec.help)


def _render_rows(title: str, rows: Sequence[_Row]) -> str:
    """Return the rows below a title, with their texts in one column; "" without rows."""
    if not rows:
        return ""
    widths = [len(row.name) for row in rows if len(row.name) <= _MAX_NAME_WIDTH]
    column = max(widths, default=4) + 4
    lines = [f"{title}:\n"]
    for row in rows:
        first, *rest = wrap_words(row.text, _WIDTH - column, "")
        if len(row.name) + 4 > column:
            lines.append(f"  {row.name}\n")
            rest = [first, *rest]
        else:
            lines.append(f"  {row.name.ljust(column - 2)}{first}\n")
        lines.append(_indent(rest, column))
    return "".join(lines)


def load_examples() -> Mapping[str, Mapping[str, str]]:
    """Return the examples of each command: command lines, and what each does."""
    file = resources.files("vaultlink.cli").joinpath("examples.toml")
    return tomllib.loads(file.read_text(encoding="utf-8"))


def _render_examples(examples: Mapping[str, str]) -> str:
    lines = [
        f"  {line}\n{_indent(wrap_words(text, _WIDTH - 6, ''), 6)}"
        for line, text in examples.items()
    ]
    return "".join(["Examples:\n", *lines])


def _indent(lines: Iterable[str], columns: int) -> str:
    return "".join(f"{' ' * columns}{line}\n" for line in lines)
