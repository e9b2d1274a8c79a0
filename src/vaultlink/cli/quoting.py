"""Quotes that a command line lacks around names with spaces."""

import os
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from vaultlink.cli.candidates import NAME_LISTS, find_named_root, list_parts
from vaultlink.cli.command_table import ALIASES, COMMANDS
from vaultlink.cli.options import OptionField, get_option_class, list_option_fields
from vaultlink.errors import USER_ERRORS


class _Slot(NamedTuple):
    """An argument: something in the vault, or a new name."""

    metavar: str
    is_new: bool = False
    is_repeatable: bool = False


_NEW_NAMES = frozenset({"NEW", "FOLDER"})
_NAMES = _NEW_NAMES.union(["PATHS"], *(kind.replace("...", "").split() for kind in NAME_LISTS))
"""The arguments that name something in a vault, or a new name."""


def quote_names(command: str, line: Sequence[str]) -> str:
    """Return a command line with quotes around names that have spaces.

    `line` are the words behind the command. The names are those of the files and folders of the
    vault, and of the headings and blocks of notes; a new name takes the words that are left.
    Returns "" if the words make no such line, or none has spaces.
    """
    run = COMMANDS[ALIASES.get(command, command)].load()
    split = _split_line(list_option_fields(get_option_class(run)), line)
    if split is None:
        return ""
    options, slots, words = split
    try:
        is_known = _NameTest(find_named_root(line))
    except (*USER_ERRORS, OSError):
        return ""
    for size in range(len(slots), 0, -1):
        groups = _group_words(words, slots[:size], is_known)
        if groups is not None:
            missing = [slot.metavar for slot in slots[size:]]
            is_joined = len(groups) < len(words)
            if slots[0].metavar == "PATHS":
                groups = [path if is_known(path, is_path=True) else f"{path}.md" for path in groups]
            line = ["vaultlink", command, *options, *groups, *missing]
            return shlex.join(line) if is_joined else ""
    return ""


def _split_line(
    fields: Sequence[OptionField], line: Sequence[str]
) -> tuple[list[str], list[_Slot], list[str]] | None:
    """Return the words of options, the arguments, and the words for those."""
    by_name = {name: field for field in fields for name in field.spec.all_names}
    options: list[str] = []
    arguments: list[str] = []
    words = iter(line)
    for word in words:
        if word[:1] != "-":
            arguments.append(word)
            continue
        name, equals, _ = word.partition("=")
        if name not in by_name:
            return None
        options.append(word)
        if by_name[name].type is not bool and not equals:
            options += [value] if (value := next(words, None)) is not None else []
    slots = []
    for spec, is_repeatable in [(it.spec, it.is_repeatable) for it in fields if not it.spec.names]:
        if spec.choices and arguments[:1] and arguments[0] in spec.choices:
            options.insert(0, arguments.pop(0))
            continue
        names = spec.metavar.replace("...", "").split()
        if not _NAMES.issuperset(names):
            return None
        slots += [_Slot(it, it in _NEW_NAMES, is_repeatable and it == names[0]) for it in names]
    return options, slots, arguments


def _group_words(
    words: Sequence[str], slots: Sequence[_Slot], is_known: Callable[[str], bool]
) -> list[str] | None:
    """Return the words joined to one name for each argument; longer names first.

    Returns None if the words can't be joined in this way.
    """
    if not (words and slots):
        return None if words or slots else []
    slot, rest = slots[0], slots[1:]
    if slot.is_new:
        return None if rest else [" ".join(words)]
    for size in range(len(words), 0, -1):
        name, others = " ".join(words[:size]), words[size:]
        if is_known(name):
            again = [slots] if slot.is_repeatable and others else []
            for following in (*again, rest):
                groups = _group_words(others, following, is_known)
                if groups is not None:
                    return [name, *groups]
    return None


class _NameTest:
    """Tests whether a text names a file, folder, heading or block of a vault."""

    def __init__(self, root: Path):
        from vaultlink.disk.scan import list_files  # noqa: PLC0415

        listing = list_files(root)
        self._root = root
        self._paths = {path.lower() for path in (*listing.files, *filter(None, listing.folders))}
        self._names = {
            name
            for path in self._paths
            for whole in (path, path.removesuffix(".md"))
            for name in (whole, whole.rpartition("/")[2])
        }

    def __call__(self, text: str, *, is_path: bool = False) -> bool:
        """Return True for a name; with `is_path` only for a path with its extension."""
        if is_path:
            return os.path.lexists(text) or text.rstrip("/").lower() in self._paths
        name, sign, _ = text.partition("#")
        if name.removeprefix("./").rstrip("/").lower() not in self._names:
            is_tag = not name and bool(sign) and " " not in text
            return is_tag or (" " in text and os.path.lexists(text))
        parts = list_parts(self._root, name) if sign else ()
        return not sign or text.lower() in {item.word.lower() for item in parts}
