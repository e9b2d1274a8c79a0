"""The findings that drafts add: texts of notes that are not on disk yet."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from vaultlink.api import Vault, hold_texts
from vaultlink.baseline.match import KnownFindings, split_known
from vaultlink.disk.scan import is_source_file, is_vault_path
from vaultlink.engine.diagnostics import split_changed
from vaultlink.engine.step import Presence
from vaultlink.errors import UsageError, check_name
from vaultlink.model import Diagnostic
from vaultlink.text import group_by, quote_name


class DraftCheck(NamedTuple):
    """A vault with drafts, and the findings that differ from those without.

    `added` are those in drafts first, then those anywhere else, by path. `resolved` are in the same
    order.
    """

    held: Vault
    added: list[Diagnostic]
    resolved: list[Diagnostic]


def check_drafts(vault: Vault, contents: Mapping[str, bytes | Presence]) -> DraftCheck:
    """Check unsaved texts of notes, which see each other. Does not write.

    The texts are bytes by vault path; the notes need not exist. Files may be gone, too. Returns the
    findings that this adds and resolves in the whole vault.
    """
    held, checked = hold_texts(vault, contents)
    return DraftCheck(held, *compare_findings(vault, held, checked, contents))


def compare_findings(
    before: Vault, after: Vault, paths: Iterable[str], first: Collection[str]
) -> tuple[list[Diagnostic], list[Diagnostic]]:
    """Return the findings at some paths that only the later vault has, or the earlier.

    Those at the paths in `first` come first, the others by path. A link that another rule reports
    than before is in neither list.
    """
    added, resolved = list[Diagnostic](), list[Diagnostic]()
    for path in sorted(paths, key=lambda path: (path not in first, path)):
        old, new = (part.state.diagnostics.get(path, ()) for part in (before, after))
        more, gone = split_changed(old, new, before.text, after.text)
        added += more
        resolved += gone
    return added, resolved


def encode_drafts(drafts: Mapping[str, str], most: int) -> dict[str, bytes]:
    """Return the bytes of drafts by vault path, together at most `most`.

    Raises UsageError if no note can have one of the paths, or if the texts are too long.
    """
    for path in drafts:
        check_name(path)
        if not (is_source_file(path) and is_vault_path(path)):
            raise UsageError(
                f"{quote_name(path)} can't be a note of this vault. The path of a draft is that of "
                "the note, with .md at its end."
            )
    found = {path: text.encode("utf-8", "replace") for path, text in drafts.items()}
    if sum(map(len, found.values())) > most:
        raise UsageError(
            f"the drafts are longer than {most // 1_000_000} MB. Check them one after the other."
        )
    return found


def drop_known(vault: Vault, checked: DraftCheck, known: Sequence[KnownFindings]) -> DraftCheck:
    """Return a check of drafts without the findings that a source knows."""
    if not known:
        return checked
    paths = dict.fromkeys(item.path for item in checked.added)
    before, after = (
        group_by(
            split_known(part.state.diagnostics, known, part.text, paths.__contains__).new,
            lambda item: item.path,
        )
        for part in (vault, checked.held)
    )
    added = [
        item
        for path in paths
        for item in split_changed(
            before.get(path, ()), after.get(path, ()), vault.text, checked.held.text
        )[0]
    ]
    return checked._replace(added=added)
