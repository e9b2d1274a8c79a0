"""Find notes that seldom help beside others: days, templates, indexes."""

from collections.abc import Callable
from itertools import islice

from vaultlink.config.dates import compile_periodic_notes
from vaultlink.config.patterns import compile_path_prefixes
from vaultlink.history.matcher import is_same_series, number_pattern
from vaultlink.index.index import Index, link_name
from vaultlink.index.resolve import parent_folder
from vaultlink.links.index_notes import is_index_note
from vaultlink.mentions.names import fold_name, is_date
from vaultlink.mentions.visible import has_text
from vaultlink.obsidian import ObsidianSettings
from vaultlink.text import group_by, lazy_pattern

_YEAR = lazy_pattern(r"\d{4}")
_TEMPLATE_FOLDERS = frozenset(("template", "templates"))


def make_minor_test(
    obsidian: ObsidianSettings, index: Index, read: Callable[[str], str | None]
) -> Callable[[str], bool]:
    """Return a predicate that is True for the paths of minor notes.

    These are periodic notes, templates, index notes, notes without text, and notes of a series
    whose names differ only in a date. `read` returns the text of a note by its path.
    """
    is_periodic = compile_periodic_notes(obsidian.periodic_notes)
    is_template = compile_path_prefixes(obsidian.templates)
    series = group_by(index.notes, number_pattern)

    def is_minor(path: str) -> bool:
        name = link_name(path)
        if is_periodic(path) or is_template(path):
            return True
        if not _TEMPLATE_FOLDERS.isdisjoint(parent_folder(path).casefold().split("/")):
            return True
        note = index.notes.get(path)
        if note is not None and (is_index_note(note) or not has_text(note, read)):
            return True
        if not _YEAR.search(name):
            return False
        others = islice(series.get(number_pattern(path), ()), 2)
        return is_date(fold_name(name)) or any(
            is_same_series(other, path, dated=True) for other in others
        )

    return is_minor
