"""Candidates for words that name files, folders, headings or blocks."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

_MAX_NAMES = 1000
"""Names that are offered. A shell asks before it lists so many."""


class Candidate(NamedTuple):
    """A word that can stand in place of the current one, and a description."""

    word: str
    text: str = ""


def list_note_candidates(before: Sequence[str], current: str) -> list[Candidate]:
    """Return the notes whose path or name begins with a text. No note is read."""
    from vaultlink.disk.scan import is_source_file, list_files  # noqa: PLC0415

    files = list_files(_find_root(before)).files
    return _match_paths(sorted(filter(is_source_file, files)), current)


def list_path_candidates(before: Sequence[str], current: str) -> list[Candidate]:
    """Return the notes, other files and folders whose path or name begins with a text."""
    from vaultlink.disk.scan import list_files  # noqa: PLC0415

    listing = list_files(_find_root(before))
    folders = sorted(f"{folder}/" for folder in listing.folders if folder)
    wanted = current.lower()
    found = [Candidate(path, "folder") for path in folders if path.lower().startswith(wanted)]
    return [*_match_paths(sorted(listing.files), current), *found][:_MAX_NAMES]


def list_old_names(before: Sequence[str], current: str) -> list[Candidate]:
    """Return what can be renamed: files, folders, or headings and blocks behind #."""
    name, mark, part = current.partition("#")
    if not (name and mark):
        return list_path_candidates(before, current)
    return [
        item
        for item in _list_parts(_find_root(before), name)
        if item.word.lower().startswith(f"{name}#{part}".lower())
    ]


def _list_parts(root: Path, name: str) -> Iterator[Candidate]:
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


def _find_root(before: Sequence[str]) -> Path:
    """Return the vault that an option names, else that of the current folder."""
    from vaultlink.disk.vault_search import find_vault  # noqa: PLC0415

    named = [word for option, word in pairwise(before) if option == "--vault"]
    named += [word.removeprefix("--vault=") for word in before if word.startswith("--vault=")]
    return Path(named[-1]) if named else find_vault().root


def _match_paths(paths: Iterable[str], current: str) -> list[Candidate]:
    """Return the paths that begin with a text, and the names that do."""
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
