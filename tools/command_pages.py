"""Pages of the commands, from the declarations of their options."""

from inspect import cleandoc
from itertools import starmap
from typing import Any, get_type_hints

from markdown_text import escape, format_code, format_table, mark_options
from vaultlink.cli.command_table import ALIASES, COMMANDS, GROUPS, Command
from vaultlink.cli.help_page import load_examples
from vaultlink.cli.options import (
    OptionField,
    format_argument,
    group_option_fields,
    list_option_fields,
)
from vaultlink.report import FORMATS

FOLDER = "reference/commands/"


def list_navigation() -> list[Any]:
    """Return the pages as in `nav`."""
    groups = [{title: [f"{FOLDER}{name}.md" for name in group]} for title, group in GROUPS.items()]
    return [f"{FOLDER}index.md", *groups]


def render_files() -> dict[str, str]:
    """Return the text of each page."""
    pages = {f"{FOLDER}{name}.md": _render_command(name, item) for name, item in COMMANDS.items()}
    return {f"{FOLDER}index.md": _render_index(), **pages}


def _render_index() -> str:
    parts = ["# Commands\n", "Each page is generated from the declarations of the command.\n"]
    for title, group in GROUPS.items():
        rows = [
            (f"[`vaultlink {name}`]({name}.md)", _format_text(command.summary))
            for name, command in group.items()
        ]
        parts += [f"## {title}\n", format_table(("Command", "What it does"), rows)]
    parts.append(
        "[Exit codes](../exit-codes.md) are the same for all commands. "
        "[JSON](../json.md) describes the output for programs.\n"
    )
    return "\n".join(parts)


def load_options(command: Command) -> tuple[Any, type]:
    """Return the function of a command, and the class of its options."""
    function = command.load()
    [options] = [hint for name, hint in get_type_hints(function).items() if name != "return"]
    return function, options


def _render_command(name: str, command: Command) -> str:
    function, options = load_options(command)
    arguments = [field for field in list_option_fields(options) if not field.spec.names]
    usage = " ".join(["vaultlink", name, "[OPTIONS]", *map(format_argument, arguments)])
    summary, _, manual = cleandoc(function.__doc__ or "").partition("\n\n")
    parts = [f"# vaultlink {name}\n", f"{_format_text(' '.join(summary.split()))}\n"]
    parts.append(format_code(usage, "text"))
    aliases = [alias for alias, meant in ALIASES.items() if meant == name]
    if aliases:
        parts.append(f"`vaultlink {aliases[0]}` is the same command.\n")
    if command.is_hidden:
        parts.append("`vaultlink --help` does not list this command.\n")
    if manual:
        parts.append(_format_text(manual.replace("{formats}", ", ".join(FORMATS))) + "\n")
    if arguments:
        rows = [(f"`{field.spec.metavar}`", _format_text(field.spec.help)) for field in arguments]
        parts += ["## Arguments\n", format_table(("Argument", "Meaning"), rows)]
    parts += ["## Examples\n", *starmap(_render_example, load_examples()[name].items())]
    parts.append("## Options\n")
    for title, group in group_option_fields(options).items():
        rows = [(_format_names(field), _describe_option(field)) for field in group]
        heading = [] if title == "Options" else [f"### {title}\n"]
        parts += [*heading, format_table(("Option", "Meaning"), rows)]
    return "\n".join(parts)


def _render_example(line: str, text: str) -> str:
    return f"{_format_text(text)}\n\n{format_code(line, 'sh')}"


def _format_text(text: str) -> str:
    return escape(mark_options(text))


def _format_names(field: OptionField) -> str:
    names = ",<br>".join(f"`{name}`" for name in field.spec.names)
    return names if field.type is bool else f"{names} `{field.spec.metavar}`"


def _describe_option(field: OptionField) -> str:
    """Return the help of an option, with what it requires."""
    text = _format_text(field.spec.help)
    if field.is_repeatable:
        text += " May be given several times."
    if field.spec.requires:
        text += f" Requires {' or '.join(f'`{name}`' for name in field.spec.requires)}."
    return text
