"""Search a vault for unlinked mentions, with the settings and options of a run."""

from collections.abc import Callable, Iterable, Mapping, Set
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from vaultlink.cli.installation import format_install_command
from vaultlink.config.mention_settings import parse_ignored
from vaultlink.config.patterns import compile_path_prefixes
from vaultlink.engine.step import State
from vaultlink.errors import UsageError
from vaultlink.fix.plan import Plan
from vaultlink.index.resolve import is_note
from vaultlink.mentions.finder import MentionFinder, sample_paths
from vaultlink.mentions.mention import Mention, MentionOptions
from vaultlink.mentions.planning import list_wanted_targets
from vaultlink.model import Owner
from vaultlink.parse.backlinks_markers import MARKER_TEXT

if TYPE_CHECKING:
    from vaultlink.api import Vault

_LIBRARY = "ahocorasick_rs"


def require_library() -> None:
    if find_spec(_LIBRARY) is None:
        raise UsageError(
            "searching a whole vault for mentions requires an extra library. Install it with "
            f"`{format_install_command('ahocorasick-rs')}`, or name the notes to search."
        )


def build_mention_options(settings: Mapping[str, Any], **changes: Any) -> MentionOptions:
    """Return the options of a search: the settings of `[mentions]` with changes.

    Changes that are None have no effect.
    """
    ignored = parse_ignored(settings["ignore"])
    options = MentionOptions(
        min_score=settings["min-score"],
        headings=settings["headings"],
        each_section=settings["each-section"],
        cjk=settings["cjk"],
        ignored_names=ignored.names,
        ignored_notes=ignored.notes,
        ignored_pairs=ignored.pairs,
    )
    return replace(options, **{name: value for name, value in changes.items() if value is not None})


class MentionSearch:
    """Searches the notes of one state.

    Templates and notes that are not linted are never searched and never linked to. Managed sections
    do not count, so writing them changes no result.
    """

    def __init__(self, state: State, text: Callable[[str], str | None], options: MentionOptions):
        self._state, self._text = state, text
        self._is_template = compile_path_prefixes(state.settings.obsidian.templates)
        sample = {path: self._read(path) or "" for path in sample_paths(state.index)}
        self._finder = MentionFinder(state.index, options, sample, self._is_excluded)

    def _is_excluded(self, path: str) -> bool:
        """Return True for notes in which and to which no link is wanted."""
        return not self._state.settings.is_linted(path) or self._is_template(path)

    def find(self, paths: Iterable[str], to: Set[str] | None = None) -> list[Mention]:
        """Return the mentions in notes, in order; those of the notes in `to` only.

        A topic that the author's section of a note lists is not certain: its link would make the
        entry redundant.
        """
        index = self._state.index
        found = []
        for path in paths:
            mentions = self.find_wanted(path, to)
            listed = list_wanted_targets(index, index.notes[path]) if mentions else frozenset()
            found += [
                replace(item, certain=False, why=f"{item.why}, listed in the backlinks section")
                if item.target in listed
                else item
                for item in mentions
            ]
        return found

    def find_wanted(self, path: str, to: Set[str] | None) -> list[Mention]:
        """Return the mentions in a note, although its section may list their topics."""
        text = self._read(path) if is_note(path) else None
        return self._finder.find(path, text, to) if text else []

    def _read(self, path: str) -> str | None:
        """Return the text of a note with blanks in the place of managed sections."""
        text = self._text(path)
        if text is None or MARKER_TEXT not in text:
            return text
        for section in self._state.index.notes[path].sections:
            if section.owner is not Owner.AUTHOR:
                blank = " " * (section.end - section.start)
                text = text[: section.start] + blank + text[section.end :]
        return text


def plan_certain_mentions(vault: "Vault", plan: Plan, wanted: Callable[[str], bool]) -> Plan:
    """Return a plan and the links of the mentions that are certain after it.

    `wanted` returns True for the paths of notes that may be changed.
    """
    paths = [path for path in sorted(plan.after.index.notes) if is_note(path) and wanted(path)]
    if len(paths) > 1:
        require_library()
    options = build_mention_options(vault.config.mentions)
    texts = plan.texts
    search = MentionSearch(
        plan.after,
        lambda path: texts[path][1] if path in texts else vault.text(path),
        replace(options, lowest_score=options.min_score),
    )
    return vault.fixer.plan_mentions([item for item in search.find(paths) if item.certain], plan)


def find_certain_mentions(
    state: State, text: Callable[[str], str | None], settings: Mapping[str, Any], note: str | None
) -> dict[str, set[str]]:
    """Return the notes that certainly mention a note, by the path of that note.

    `note` is the only note whose mentions are wanted; None for all notes. Raises UsageError.
    """
    if note is None:
        require_library()
    options = build_mention_options(settings)
    search = MentionSearch(state, text, replace(options, lowest_score=options.min_score))
    found: dict[str, set[str]] = {}
    for item in search.find(sorted(state.index.notes), None if note is None else {note}):
        if item.certain:
            found.setdefault(item.target, set()).add(item.path)
    return found
