"""Candidates for the completion of a command line.

The scripts in `completions/` ask for them. typer could complete too, but importing it takes longer
than a key press should, and it knows neither rules nor notes. Nothing is printed if anything is
wrong: a shell then completes files.
"""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from vaultlink.cli.command_table import ALIASES, COMMANDS
from vaultlink.cli.exit_codes import EXIT_CLEAN
from vaultlink.cli.options import OptionField, get_option_class, list_option_fields
from vaultlink.cli.parser import find_next_argument, parse_plain_line
from vaultlink.cli.terminal import Terminal
from vaultlink.errors import USER_ERRORS

_MAX_NAMES = 1000
"""Names that are offered. A shell asks before it lists so many."""


class Candidate(NamedTuple):
    """A word that can stand in place of the current one, and a description."""

    word: str
    text: str = ""


def _list_note_candidates(before: Sequence[str], current: str) -> list[Candidate]:
    """Return the notes whose path or name begins with a text. No note is read."""
    from vaultlink.disk.scan import is_source_file, list_files  # noqa: PLC0415

    files = list_files(find_named_root(before)).files
    return _match_paths(sorted(filter(is_source_file, files)), current)


def _list_path_candidates(before: Sequence[str], current: str) -> list[Candidate]:
    """Return the notes, other files and folders whose path or name begins with a text."""
    from vaultlink.disk.scan import list_files  # noqa: PLC0415

    listing = list_files(find_named_root(before))
    folders = sorted(f"{folder}/" for folder in listing.folders if folder)
    wanted = current.lower()
    found = [Candidate(path, "folder") for path in folders if path.lower().startswith(wanted)]
    return [*_match_paths(sorted(listing.files), current), *found][:_MAX_NAMES]


def _list_old_names(before: Sequence[str], current: str) -> list[Candidate]:
    """Return what can be renamed: files, folders, or headings and blocks behind #."""
    name, mark, part = current.partition("#")
    if not (name and mark):
        return _list_path_candidates(before, current)
    return [
        item
        for item in list_parts(find_named_root(before), name)
        if item.word.lower().startswith(f"{name}#{part}".lower())
    ]


def list_parts(root: Path, name: str) -> Iterator[Candidate]:
    """Yield the headings and blocks of a note, behind its name as it was written."""
    from vaultlink.disk.read import read_text  # noqa: PLC0415
    from vaultlink.disk.scan import list_files  # noqa: PLC0415
    from vaultlink.index.index import link_name  # noqa: PLC0415
    from vaultlink.parse.note import parse_note  # noqa: PLC0415

    files = sorted(list_files(root).files, key=len)
    exact = next((path for path in files if path in (name, f"{name}.md")), None)
    path = exact or next((path for path in files if link_name(path) == name), None)
    text = read_text(root / path) if path else None
    if path and isinstance(text, str):
        note = parse_note(path, text)
        yield from (Candidate(f"{name}#{item.text}", "heading") for item in note.headings)
        yield from (Candidate(f"{name}#^{item.id}", "block") for item in note.blocks)


def find_named_root(before: Sequence[str]) -> Path:
    """Return the vault that an option names, else that of the current folder."""
    from vaultlink.disk.vault_search import find_vault  # noqa: PLC0415

    named = [word for option, word in pairwise(before) if option == "--vault"]
    named += [word.removeprefix("--vault=") for word in before if word.startswith("--vault=")]
    return Path(named[-1]) if named else find_vault().root


def _match_paths(paths: Iterable[str], current: str) -> list[Candidate]:
    from vaultlink.index.index import link_name  # noqa: PLC0415
    from vaultlink.index.resolve import is_note  # noqa: PLC0415

    paths = list(paths)
    wanted = current.lower()
    found = {path: path for path in paths if path.lower().startswith(wanted)}
    if current:
        for path in paths:
            if "/" in path and path.rpartition("/")[2].lower().startswith(wanted):
                found.setdefault(link_name(path), path)
    named = list(found.items())[:_MAX_NAMES]
    return [Candidate(word, "note" if is_note(path) else "file") for word, path in named]


NAME_LISTS = {
    "NOTE": _list_note_candidates,
    "INTO": _list_note_candidates,
    "OLD": _list_old_names,
    "NOTE#HEADING": _list_old_names,
    "SRC... FOLDER": _list_path_candidates,
}
"""The kinds of arguments that name something in a vault, and their candidates."""

_CURRENT = "--current="
"""Begins the last word where a shell can't pass an empty one."""


def complete_line(words: Sequence[str]) -> int:
    """Print the candidates for the last word, each with a tab and a description."""
    *before, current = words or ("",)
    before = [_unquote(word) for word in before if word != "="]  # bash splits `--name=value`
    current = "" if current == "=" else _unquote(current.removeprefix(_CURRENT))
    try:
        found = [item for item in _list_candidates(before, current) if item.word.isprintable()]
    except (*USER_ERRORS, OSError):
        found = []
    Terminal().print_results("".join(f"{item.word}\t{item.text}\n" for item in found))
    return EXIT_CLEAN


def _unquote(word: str) -> str:
    """Return a word without the quotes and backslashes that bash passes on."""
    if word[:1] in ("'", '"'):
        return word[1:].removesuffix(word[0])
    return re.sub(r"\\(.)", r"\1", word) if os.sep == "/" else word


def _list_candidates(before: Sequence[str], current: str) -> Iterable[Candidate]:
    if not before or before == ["help"]:
        return _with_prefix(_list_commands(), current)
    command = COMMANDS.get(ALIASES.get(before[0], before[0]))
    if command is None:
        return []
    run = command.load()
    fields = list_option_fields(get_option_class(run))
    field_by_name = {name: field for field in fields for name in field.spec.all_names}
    if "--" in before:
        return _list_arguments(fields, before, current)
    value_of = field_by_name.get(before[-1])
    if value_of and value_of.type is not bool:
        return _list_values(value_of, run.__doc__ or "", before, current)
    if current.startswith("--") and "=" in current:
        name, _, value = current.partition("=")
        option = field_by_name.get(name)
        values = _list_values(option, run.__doc__ or "", before, value) if option else ()
        return [Candidate(f"{name}={item.word}", item.text) for item in values]
    if current.startswith("-"):
        return _with_prefix(_list_options(fields), current)
    found = _list_arguments(fields, before, current)
    return [item for item in found if not item.word.startswith("-")]  # that would be an option


def _list_arguments(
    fields: Sequence[OptionField], before: Sequence[str], current: str
) -> Iterable[Candidate]:
    """Return the candidates for an argument. After `--`, all words are arguments."""
    raw = parse_plain_line(fields, [word for word in before[1:] if word != "--"]) or {}
    argument = find_next_argument([field for field in fields if not field.spec.names], raw)
    return _list_values(argument, "", before, current) if argument else []


def _with_prefix(found: Iterable[Candidate], current: str) -> list[Candidate]:
    return [item for item in found if item.word.startswith(current)]


def _list_commands() -> Iterator[Candidate]:
    for name, command in COMMANDS.items():
        if not command.is_hidden:
            yield Candidate(name, command.summary)
    for alias, name in ALIASES.items():
        yield Candidate(alias, COMMANDS[name].summary)


def _list_options(fields: Iterable[OptionField]) -> Iterator[Candidate]:
    for field in fields:
        for name in () if field.spec.is_hidden else field.spec.names:
            if name.startswith("--"):
                yield Candidate(name, field.spec.help)
    yield Candidate("--help", "Show the help of the command.")


def _list_values(
    field: OptionField, manual: str, before: Sequence[str], current: str
) -> Iterable[Candidate]:
    """Return the values of an option or argument; none where a shell completes files."""
    kind = field.spec.metavar
    if kind in ("RULES", "RULE"):
        return _complete_list(_list_rules(), current, is_list=kind == "RULES")
    if kind in NAME_LISTS:
        return NAME_LISTS[kind](before, current)
    if kind == "FORMAT":
        return _with_prefix(map(Candidate, list_formats(manual)), current)
    choices = map(Candidate, field.spec.choices)
    if field.is_repeatable:
        return _complete_list(choices, current, is_list=True)
    return _with_prefix(choices, current)


def _complete_list(found: Iterable[Candidate], current: str, *, is_list: bool) -> list[Candidate]:
    """Complete the last part of a list with commas."""
    start, comma, part = current.rpartition(",") if is_list else ("", "", current)
    earlier = start.split(",")
    return [
        Candidate(start + comma + item.word, item.text)
        for item in found
        if item.word.lower().startswith(part.lower()) and item.word not in earlier
    ]


def list_formats(manual: str) -> list[str]:
    """Return the output formats that the manual of a command names."""
    from vaultlink.report import FORMATS  # noqa: PLC0415 - few words are formats

    match = re.search(r"Output formats: ([^.]*)\.", manual)
    text = re.sub(r"\([^)]*\)", "", match[1]) if match else ""
    names = [name.strip() for name in text.replace("{formats}", ", ".join(FORMATS)).split(",")]
    return [name for name in names if name not in ("", "none")]


def _list_rules() -> Iterator[Candidate]:
    from vaultlink.disk.read import load_rules  # noqa: PLC0415 - reads YAML

    declarations = load_rules(examples=False).values()
    for rule in declarations:
        yield Candidate(rule["name"], rule["summary"].strip())
    for rule in declarations:
        yield Candidate(rule["code"], rule["summary"].strip())
