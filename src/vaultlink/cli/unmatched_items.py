"""Find the items of settings that match nothing in a vault.

Only `config` and `doctor` look at all settings: that may take as long as a check, since names and
unresolved links are those of the notes. Commands that write look at protection.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property

from vaultlink.cli.terminal import Terminal
from vaultlink.config.mention_settings import parse_ignored
from vaultlink.config.patterns import (
    compile_globs,
    compile_loose_globs,
    compile_ordered_globs,
    compile_topics,
)
from vaultlink.config.protection import read_protection
from vaultlink.config.settings import DEFAULT_SOURCE, Config
from vaultlink.config.vault_items import ItemKind, ItemSetting, list_item_settings
from vaultlink.disk.load import load_state
from vaultlink.disk.scan import VaultScan, ignores_case
from vaultlink.engine.checks import LinterSettings
from vaultlink.index.index import EMPTY_INDEX, Index, link_name
from vaultlink.index.resolve import is_note, normalize_name, resolve
from vaultlink.links.naming import find_query_target
from vaultlink.mentions.names import fold_name, list_forms
from vaultlink.rules.registry import Rule
from vaultlink.text import list_first, quote_name

_MAX_LISTED = 3
"""Items that a sentence names."""


def list_unmatched_items(
    scan: VaultScan, rules: tuple[Rule, ...], config: Config, terminal: Terminal
) -> list[str]:
    """Return a clause on each setting with items that match nothing in the vault.

    The notes are read only if a setting has names or topics. Nothing is written.
    """

    def read_index() -> Index:
        settings = LinterSettings.build(rules, config, scan.obsidian, scan.is_git_ignored)
        with terminal.progress_line() as progress:
            return load_state(scan, settings, progress).state.index

    return list(describe_unmatched_items(VaultNames(scan, read_index), rules, config))


def describe_unmatched_items(
    vault: "VaultNames", rules: tuple[Rule, ...], config: Config
) -> Iterator[str]:
    """Yield a clause for each setting, without a full stop. Defaults are left out."""
    values = {
        key: value for key, value in config.values.items() if config.sources[key] != DEFAULT_SOURCE
    }
    yield from _describe_items(vault, list_item_settings(values, rules))


def describe_unmatched_protection(scan: VaultScan) -> list[str]:
    """Return clauses on items of `protect` and `write-paths` that match nothing."""
    protect, write_paths = read_protection(scan.layers)
    values = {"protect": protect, "write-paths": write_paths}
    vault = VaultNames(scan, lambda: EMPTY_INDEX)
    return list(_describe_items(vault, list_item_settings(values, ())))


def _describe_items(vault: "VaultNames", settings: Iterable[ItemSetting]) -> Iterator[str]:
    for setting in settings:
        unmatched = [
            quote_name(item) for item in setting.items if not vault.has_match(setting.kind, item)
        ]
        if unmatched:
            verb = "matches" if len(unmatched) == 1 else "match"
            listed = list_first(unmatched, _MAX_LISTED)
            other = vault.find_other_case(setting)
            advice = f", but {quote_name(other)} would match without case" if other else ""
            yield f"{setting.key}: {listed} {verb} nothing in this vault{advice}"


class VaultNames:
    """The names that items of settings can match in a vault, read when needed."""

    def __init__(self, scan: VaultScan, read_index: Callable[[], Index]):
        self._files = tuple(scan.listing.files)
        self._paths = (*self._files, *filter(None, scan.listing.folders))
        self._read_index = read_index
        self._root = scan.root

    def has_match(self, kind: ItemKind, item: str) -> bool:
        """Return True if something in the vault matches an item of a setting."""
        return bool(self._tests[kind](item))

    @cached_property
    def _tests(self) -> dict[ItemKind, Callable[[str], object]]:
        return {
            ItemKind.GLOB: self._has_path,
            ItemKind.ORDERED_GLOB: self._has_written_path,
            ItemKind.LOOSE_GLOB: lambda item: any(map(compile_loose_globs((item,)), self._paths)),
            ItemKind.TOPIC: lambda item: any(map(compile_topics([item]), self._topics)),
            ItemKind.MENTION: self._has_mention,
            ItemKind.NAME: lambda item: normalize_name(item) in self._file_names,
        }

    def _has_path(self, glob: str) -> bool:
        return any(map(compile_globs([glob]), self._paths))

    def _has_written_path(self, item: str) -> bool:
        """Return True if a pattern matches, or names a hidden path, which is not listed."""
        if any(name.startswith(".") for name in item.removeprefix("!").split("/")):
            return True
        return self._find_written_path(item, ignores_case=self._ignores_case) != ""

    def _find_written_path(self, item: str, *, ignores_case: bool) -> str:
        decide = compile_ordered_globs([item.removeprefix("!")], ignores_case=ignores_case)
        return min(filter(decide, self._paths), key=len, default="")

    def find_other_case(self, setting: ItemSetting) -> str:
        """Return what an unmatched item of protection would match without case; else ""."""
        if setting.kind is not ItemKind.ORDERED_GLOB:
            return ""
        paths = (
            self._find_written_path(item, ignores_case=True)
            for item in setting.items
            if not self._has_written_path(item)
        )
        return next(filter(None, paths), "")

    @cached_property
    def _ignores_case(self) -> bool:
        return ignores_case(self._root)

    def _has_mention(self, item: str) -> bool:
        """Return True for a pair of notes, a note, a folder that exists, or a name."""
        ignored = parse_ignored([item])
        notes = {*ignored.notes, *(path for pair in ignored.pairs for path in pair)}
        return (
            (bool(notes) and self._note_paths.issuperset(map(normalize_name, notes)))
            or any(self._has_path(glob.removeprefix("!")) for glob in ignored.folders)
            or fold_name(item) in self._names
        )

    @cached_property
    def _index(self) -> Index:
        return self._read_index()

    @cached_property
    def _note_paths(self) -> frozenset[str]:
        return frozenset(normalize_name(path) for path in self._files if is_note(path))

    @cached_property
    def _file_names(self) -> frozenset[str]:
        """The names of the notes, normalized and without extension."""
        return frozenset(normalize_name(link_name(path)) for path in self._files if is_note(path))

    @cached_property
    def _names(self) -> frozenset[str]:
        """The folded file names, titles and aliases of the notes."""
        index = self._index
        return frozenset(
            fold_name(name.text)
            for path in index.notes
            if is_note(path)
            for name in list_forms(index, path)
        )

    @cached_property
    def _topics(self) -> frozenset[str]:
        """The targets that do not resolve, of links, images in HTML and queries."""
        index = self._index
        found: set[str] = set()
        for path, note in index.notes.items():
            found.update(
                link.target
                for link, target in index.resolved_links(path)
                if target is None and not link.external
            )
            found.update(
                image.target
                for image in note.images
                if resolve(path, image.target, index.names) is None
            )
            found.update(
                query.text
                for query in note.queries
                if query.kind != "tag" and find_query_target(query, path, index) is None
            )
        return frozenset(found)
