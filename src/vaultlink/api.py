"""The Python API of vaultlink.

It opens a vault, reads its notes, links and findings, and builds its graph.

Example:
    >>> from vaultlink import open_vault
    >>> vault = open_vault("fixtures/podcast-wiki")
    >>> [item.rule for item in vault.diagnostics()][:1]
    ['dangling-link']
"""

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from msgspec.structs import replace

from vaultlink.config.settings import Config, merge_layers
from vaultlink.disk.changes import Progress, ignore_progress, read_changes
from vaultlink.disk.history_sources import RecordedMoves
from vaultlink.disk.load import StateOrigin, load_state
from vaultlink.disk.read import UnreadableFile, decode_note, load_rules, read_text
from vaultlink.disk.scan import Settings, VaultScan, ignores_case, scan_vault
from vaultlink.disk.workers import suggest_all
from vaultlink.engine.checks import LinterSettings
from vaultlink.engine.step import Change, Presence, State, analyse_unreadable, step, step_and_list
from vaultlink.errors import VaultError
from vaultlink.files import is_folder, vault_state_folder
from vaultlink.index.index import Index
from vaultlink.index.resolve import is_note, normalize_name, resolve
from vaultlink.model import Diagnostic, Link, Note, Suggestion, sum_counts
from vaultlink.rules.registry import Rule, build_catalog
from vaultlink.write.cache import save_result, save_state
from vaultlink.write.own_files import open_scratch_file

if TYPE_CHECKING:
    from vaultlink.fix.plan import Plan
    from vaultlink.fix.requests import Request
    from vaultlink.graph.build import Graph
    from vaultlink.graph.related import RelatedNote
    from vaultlink.graph.twins import TwinPair
    from vaultlink.index.anchors import Anchor
    from vaultlink.index.name_search import FoundName, SearchedKind, Symbol
    from vaultlink.parse.post import Post
    from vaultlink.write.fixer import Fixer
    from vaultlink.write.write_notes import WriteResult

__all__ = ["Settings", "Vault", "VaultError", "open_vault"]

_MIN_CACHED_TOPICS = 1000
"""Suggestions of at least this many targets are saved in the cache."""


def open_vault(
    root: str | os.PathLike[str],
    settings: Settings | None = None,
    progress: Progress | None = None,
    scan: VaultScan | None = None,
) -> "Vault":
    """Read a vault and check it.

    Args:
        root: The folder of the vault.
        settings: Options for opening the vault; the defaults are those of the command line.
        progress: Called with the number of notes read and the number of all notes to read. If it
            has a method `begin`, that is called with the name of each phase after reading.
        scan: A finished scan of the vault. If given, `root` and `settings` are ignored.

    Returns:
        The vault, with all findings.

    Raises:
        VaultError: The folder does not exist or contains no note.
        ConfigError: A setting is invalid.
    """
    scan = scan or scan_vault(Path(root), settings)
    linter = build_linter(scan)
    moves = open_recorded_moves(scan.root)
    loaded = load_state(scan, linter, progress or ignore_progress, moves, open_scratch_file)
    cache = scan.open_cache() if loaded.to_save or loaded.kept else None
    if cache and loaded.to_save:
        save_state(cache, loaded.to_save)
    if cache:
        for kind, (query, result) in loaded.kept.items():
            save_result(cache, query, result, kind)
    return Vault(scan, loaded.state, _origin=loaded.origin)


def open_recorded_moves(root: Path) -> RecordedMoves:
    """Return access to the moves in the journal of a vault.

    Args:
        root: The folder of the vault.

    Returns:
        Functions that read the journal when they are called, if there is one.
    """

    def has_journal() -> bool:
        try:
            return is_folder(vault_state_folder(root))
        except RuntimeError:  # a user without a home
            return False

    def find_undone(files: Collection[str]) -> Mapping[str, str]:
        if not has_journal():
            return {}
        from vaultlink.write.journal_files import find_undone_moves  # noqa: PLC0415 - as above

        return find_undone_moves(root, files)

    def follow(files: Collection[str], since: int) -> Mapping[str, Sequence[str]]:
        if not has_journal():
            return {}
        from vaultlink.write.journal_files import follow_runs  # noqa: PLC0415 - as above

        return follow_runs(root, files, since)

    return RecordedMoves(find_undone, follow)


def build_linter(scan: VaultScan) -> LinterSettings:
    """Return the rules and settings that apply to a vault. Reads no note.

    Args:
        scan: A finished scan of the vault.

    Returns:
        The settings, merged and valid.

    Raises:
        VaultError: The vault contains no note.
        ConfigError: A setting is invalid.
    """
    rules = build_catalog(_load_declarations(scan))
    config = merge_layers(scan.layers, rules)
    if not any(is_note(path) for path in scan.listing.files):
        raise VaultError(f"{scan.root}: there is no note in this vault (no file ends in .md).")
    settings = LinterSettings.build(
        rules,
        config,
        scan.obsidian,
        scan.is_git_ignored,
        ignores_case=bool(config.protect or config.write_paths) and ignores_case(scan.root),
    )
    return settings if scan.may_compare_texts() else replace(settings, compares=False)


def _load_declarations(scan: VaultScan) -> dict[str, Mapping[str, Any]]:
    """Load declarations, from the cache if possible: YAML is slow to read."""
    cache = scan.open_cache()
    cached = cache.load_result(b"", "rules") if cache else None
    with suppress(msgspec.MsgspecError, ValueError):
        known: dict[str, Mapping[str, Any]] = msgspec.msgpack.decode(
            cached or b"", type=dict[str, dict[str, Any]]
        )
        return known
    declarations = load_rules(examples=False)
    if cache:
        save_result(cache, b"", msgspec.msgpack.encode(declarations), "rules")
    return declarations


class Vault(msgspec.Struct, frozen=True, eq=False, dict=True):
    """A vault in one state.

    A vault is immutable: methods that alter something return another vault.

    Attributes:
        scan: The files of the vault and the settings that apply to them.
        state: The index, and the findings of all notes.
        overlays: Unsaved contents by vault path, in bytes; they replace the files on disk.
    """

    scan: VaultScan
    state: State
    overlays: Mapping[str, bytes] = msgspec.field(default_factory=dict)
    _origin: StateOrigin | None = None

    def __repr__(self) -> str:
        from vaultlink.report.layout import format_count  # noqa: PLC0415

        counts = self.summary()
        names = ("note", "attachment", "link")
        numbers = ", ".join(format_count(counts[f"{name}s"], name) for name in names)
        return f"<Vault {str(self.root)!r}: {numbers}>"

    @property
    def root(self) -> Path:
        """The absolute path of the vault's folder."""
        return self.scan.root

    @property
    def config(self) -> Config:
        """The configuration in force."""
        return self.state.settings.config

    @property
    def rules(self) -> tuple[Rule, ...]:
        """All rules, ordered by code. They have no examples."""
        return self.state.settings.rules

    @property
    def index(self) -> Index:
        """The index of names, links and backlinks."""
        return self.state.index

    @cached_property
    def notes(self) -> Mapping[str, Note]:
        """The notes by vault path, sorted. Canvases are not included."""
        return {path: self.index.notes[path] for path in sorted(self.index.notes) if is_note(path)}

    @cached_property
    def attachments(self) -> tuple[str, ...]:
        """The vault paths of all files that are not notes, sorted."""
        return tuple(sorted(path for path in self.index.files if not is_note(path)))

    def check(self) -> list[Diagnostic]:
        """Return all findings, sorted by path, position and code.

        Returns:
            The findings as a list.
        """
        return list(self.diagnostics())

    def diagnostics(self) -> Iterator[Diagnostic]:
        """Yield all findings, sorted by path, position and code.

        Returns:
            An iterator over the findings.
        """
        findings = self.state.diagnostics
        for path in sorted(findings):
            yield from findings[path]

    def text(self, path: str) -> str:
        """Return the text of a note as it is now.

        Args:
            path: The vault path of the note.

        Returns:
            The unsaved text or the text on disk, without byte order mark; "" if it can't be read.
        """
        content = self.overlays.get(path)
        text = read_text(self.root / path) if content is None else decode_note(content)
        return "" if isinstance(text, UnreadableFile) else text

    def post(self, path: str) -> "Post":
        """Return the properties and the text of a note as python-frontmatter reads them.

        vaultlink never writes the post back. python-frontmatter follows YAML 1.1 and Obsidian YAML
        1.2, so a few values differ: `yes` is True, `12:30` is a number, and dates are `datetime`
        values. `Note.properties` has the values that Obsidian reads.

        Args:
            path: The vault path of the note.

        Returns:
            The post: `metadata` is a dictionary of the properties, `content` the text below them.
            If the properties are not valid YAML, `metadata` is empty and `content` is the whole
            text.
        """
        from vaultlink.parse.post import read_post  # noqa: PLC0415 - frontmatter is slow to import

        return read_post(self.text(path))

    def find(self, note: str | os.PathLike[str]) -> str | None:
        """Return the vault path of a note.

        Args:
            note: A vault path, a path on disk, or the target of a link.

        Returns:
            The vault path, or None if no file of the vault matches.
        """
        name = os.fspath(note)
        path = name.replace(os.sep, "/").removeprefix("./")
        if path in self.index.files:
            return path
        on_disk = Path(name).resolve()
        if on_disk.is_relative_to(self.root):
            key = normalize_name(on_disk.relative_to(self.root).as_posix())
            found = next((file for file in self.index.files if normalize_name(file) == key), None)
            if found:
                return found
        return resolve("", name, self.index.names) if name else None

    def suggest(self, target: str) -> tuple[Suggestion, ...]:
        """Return the notes that an unresolved target may mean.

        Args:
            target: The target of a link.

        Returns:
            The suggestions, most likely first.
        """
        from vaultlink.index.suggest import Suggester  # noqa: PLC0415 - only for suggestions

        return self.index.derive(Suggester)(target)

    def suggest_all(self, targets: Sequence[str]) -> dict[str, tuple[Suggestion, ...]]:
        """Return the suggestions of many unresolved targets.

        Large numbers of targets are processed in parallel. The results are cached for the next run
        on the unchanged vault.

        Args:
            targets: The targets of links.

        Returns:
            The suggestions by target, most likely first.
        """
        known = self._known_suggestions
        missing = [target for target in targets if target not in known]
        if missing:
            known.update(self._load_suggestions(missing))
        return {target: known[target] for target in targets}

    def graph(self) -> "Graph":
        """Build the graph of the vault.

        Returns:
            A networkx graph: files and unresolved targets are nodes, and each internal link is an
            edge.
        """
        from vaultlink.graph.build import build_graph  # noqa: PLC0415 - networkx is slow to import

        return build_graph(self.index)

    def related(
        self, note: str, limit: int = 10, *, with_linked: bool = False
    ) -> list["RelatedNote"]:
        """Return the notes most related to a note, by links and words.

        Near-duplicates come first. Periodic notes, templates and other notes of a dated series come
        last.

        Args:
            note: The vault path of a note, canvas or attachment.
            limit: The maximum number of notes.
            with_linked: Include the notes to which the note already links.

        Returns:
            The related notes, each with a score and the evidence.
        """
        from vaultlink.graph.related import find_related  # noqa: PLC0415 - for few commands

        return find_related(
            self.index,
            note,
            limit,
            with_linked=with_linked,
            read=self._read_own_text,
            is_minor=self._is_minor,
        )

    def _read_own_text(self, path: str) -> str:
        """Return the text of a note with blanks in the place of managed sections."""
        from vaultlink.backlinks.existing import blank_managed_sections  # noqa: PLC0415

        return blank_managed_sections(self.index.notes[path], self.text(path))

    def twins(self, limit: int | None = None) -> list["TwinPair"]:
        """Return pairs of notes with common lines and sentences, most similar first.

        Args:
            limit: The maximum number of pairs; None for all.

        Returns:
            The pairs. Copies and notes that only resemble each other are not told apart.
        """
        from vaultlink.graph.twins import rank_twins  # noqa: PLC0415 - for few commands

        return rank_twins(self.index, limit)

    def summary(self) -> dict[str, int]:
        """Count the files and the links of the vault.

        Returns:
            The numbers of `notes`, `attachments` and `links`, and of the links that are `resolved`,
            `dangling`, `ambiguous` and `external`.
        """
        total = sum_counts(self.state.tallies.values())
        notes = sum(is_note(path) for path in self.index.files)
        return {
            "notes": notes,
            "attachments": len(self.index.files) - notes,
            "links": total.links,
            "resolved": total.resolved,
            "dangling": total.dangling,
            "ambiguous": total.ambiguous,
            "external": total.external,
        }

    def holding(self, path: str, content: str | bytes) -> "Vault":
        """Return this vault with an unsaved text. Does not write.

        Args:
            path: The vault path of the note. The note need not exist.
            content: The text of the note, or its bytes.

        Returns:
            A vault with the findings of the new text. It includes the unsaved texts of this vault.
        """
        return hold_texts(self, {path: content})[0]

    def releasing(self, path: str) -> "Vault":
        """Return this vault with the text on disk in place of an unsaved one.

        Args:
            path: The vault path of the note.

        Returns:
            A vault with the findings of the text on disk; this vault if it holds no text of it.
        """
        if path not in self.overlays:
            return self
        scan = self.scan.with_stamp(path)
        [change] = read_changes(scan, self.state.settings, [path])
        others = {name: data for name, data in self.overlays.items() if name != path}
        return Vault(scan, step(self.state, [change]), others)

    def find_names(
        self, text: str, limit: int = 10, kinds: Collection["SearchedKind"] = ()
    ) -> list["FoundName"]:
        """Return the names, headings and tags that match a typed text, best first.

        Case, accents and signs between words don't matter, and names of files may differ in a few
        letters.

        Args:
            text: A part of the name, or words that are in it.
            limit: The maximum number of names.
            kinds: The kinds of names to return; all if there are none.

        Returns:
            The names; each has its kind, text, path and line.
        """
        from vaultlink.index.name_search import SearchedKind, find_names  # noqa: PLC0415 - for few programs

        return find_names(self.index, text, limit, frozenset(kinds or SearchedKind))

    def symbols(self, path: str) -> list["Symbol"]:
        """Return the names, headings, tags and blocks of a note, by their places.

        Args:
            path: The vault path of the note.

        Returns:
            The symbols; each has its kind, text, offsets, line and level.
        """
        from vaultlink.index.name_search import list_symbols  # noqa: PLC0415 - as above

        return list_symbols(path, self.index.notes.get(path)) if path in self.index.files else []

    def link_at(self, path: str, offset: int) -> Link | None:
        """Return the link at a position of a note.

        Args:
            path: The vault path of the note.
            offset: A position in its text, in code points from 0. A link's end belongs to it.

        Returns:
            The innermost link there; None if there is none.
        """
        note = self.index.notes.get(path)
        links = [link for link in (note.links if note else ()) if link.start <= offset <= link.end]
        links.sort(key=lambda link: (offset == link.end, link.end - link.start))
        return next(iter(links), None)

    def anchor_of(self, path: str, link: Link) -> "Anchor | None":
        """Return the place to which a link leads.

        Args:
            path: The vault path of the note that contains the link.
            link: The link.

        Returns:
            The file, and the span of the heading or block; None if the file or that is missing.
        """
        from vaultlink.index.anchors import locate_anchor  # noqa: PLC0415 - for few programs

        target = None if link.external else resolve(path, link.lookup_target, self.index.names)
        return None if target is None else locate_anchor(target, self.index.notes.get(target), link)

    def plan(self, *requests: "Request") -> "Plan":
        """Plan changes, one after the other, as one plan. Does not write.

        Args:
            requests: What to change; names are vault paths, or as in a link. Neighbouring renames
                and moves happen at once, so names can be exchanged.

        Returns:
            The plan: `diff()`, `texts`, `files`, `breaks` and more say what it changes.

        Raises:
            UsageError: A request can't be read, or must not be made; then it is a `RefusedError`.
        """
        from vaultlink.write.requests import plan_requests  # noqa: PLC0415 - for few programs

        return plan_requests(self.fixer, requests)

    def apply(self, plan: "Plan", command: str = "vaultlink (Python)") -> "WriteResult":
        """Write a plan, and record the run so that it can be undone.

        This vault stays as it is: open it again to read what was written.

        Args:
            plan: A plan for this vault.
            command: What the journal names as the command of the run.

        Returns:
            The result: `written` and `moved` paths, `skipped` notes with the reasons, and the
            `run_id` for `undo`. If the vault has changed since it was opened, nothing is written,
            and `is_outdated` is True.

        Raises:
            JournalError: The run can't be recorded; nothing was written.
            UsageError: The trash can't be written; nothing was written.
        """
        from vaultlink.report.plan_result import describe_plan  # noqa: PLC0415 - as above

        return self.fixer.write(plan, command, describe_plan(plan))

    def undo(self, run: str | None = None) -> "WriteResult":
        """Revert a run, byte for byte.

        Args:
            run: The id of a run, or the start of one; by default the last one not undone.

        Returns:
            The result: the restored paths are in `written` and `moved`, the others in `skipped`.

        Raises:
            UsageError: There is no such run, or later ones must be undone first.
        """
        from vaultlink.write.undo import undo_named  # noqa: PLC0415 - as above

        return undo_named(self.root, run).result

    @cached_property
    def fixer(self) -> "Fixer":
        """The fixer of this vault: it finds, plans and writes fixes."""
        from vaultlink.write.fixer import Fixer  # noqa: PLC0415 - only needed for fixes

        return Fixer(self.scan, self.state, self.suggest_all, self.overlays)

    @cached_property
    def _is_minor(self) -> Callable[[str], bool]:
        from vaultlink.mentions.evidence import make_minor_test  # noqa: PLC0415 - for few commands

        return make_minor_test(self.scan.obsidian, self.index, self.text)

    @cached_property
    def _known_suggestions(self) -> dict[str, tuple[Suggestion, ...]]:
        return {}

    @cached_property
    def _memos(self) -> dict[object, Any]:
        return {}

    def _load_suggestions(self, targets: Sequence[str]) -> dict[str, tuple[Suggestion, ...]]:
        from vaultlink.index.suggest import KeptSuggestions, list_names_by_path  # noqa: PLC0415 - only for suggestions

        large = len(targets) > _MIN_CACHED_TOPICS and not self.overlays
        cache = self.scan.open_cache() if large else None
        if cache is None:
            return self._find_suggestions(targets)[0]
        key = self.scan.cache_key("suggestions") or b""
        kept = KeptSuggestions.decode(cache.load_result(b"", "suggestions"))
        if not key or key != kept.vault_key:
            kept = kept.select_valid(list_names_by_path(self.index))
        missing = [target for target in targets if target not in kept.answers]
        if missing:
            found, near = self._find_suggestions(missing)
            kept = kept.with_answers(key, found, near, targets)
            save_result(cache, b"", msgspec.msgpack.encode(kept), "suggestions")
        return {target: kept.answers[target] for target in targets}

    def _find_suggestions(
        self, targets: Sequence[str]
    ) -> tuple[dict[str, tuple[Suggestion, ...]], list[str]]:
        """Return suggestions by target, and the targets that may have near names."""
        from vaultlink.index.suggest import Suggester  # noqa: PLC0415 - only for suggestions

        suggester, jobs = self.index.derive(Suggester), self.scan.settings.jobs
        found = suggest_all(suggester.look_up, targets, jobs, suggester.prepare_near_names)
        near = [target for target, suggestions in found.items() if suggestions is None]
        answers = {
            target: suggester(target) if suggestions is None else suggestions
            for target, suggestions in found.items()
        }
        return answers, near


_T = TypeVar("_T")


def recall(vault: Vault, compute: Callable[[Vault], _T]) -> _T:
    """Return a value that is computed once for a vault, also if it is folded later.

    Args:
        vault: A vault.
        compute: Computes the value.

    Returns:
        The value of `compute(vault)`.
    """
    known = vault._memos
    if compute not in known:
        known[compute] = compute(vault)
    return known[compute]  # type: ignore[no-any-return]


def fold_vault(vault: Vault) -> Vault:
    """Encode the changed values of a vault again, which then needs less memory.

    Args:
        vault: A vault.

    Returns:
        An equal vault, with what `recall` computed.
    """
    folded = Vault(vault.scan, vault.state.folded(), vault.overlays)
    folded._memos.update(vault._memos)
    return folded


def find_origin(vault: Vault) -> StateOrigin | None:
    """Return the saved state that a vault was loaded from, or saved as.

    Args:
        vault: The vault.

    Returns:
        The saved state; None if there is none, or if the vault has changed since.
    """
    return vault._origin


def replace_state(vault: Vault, state: State) -> Vault:
    """Return a vault with another state.

    The new vault takes over the suggester of `vault` and updates it, because building one is slow.
    So do not use `vault` for suggestions afterwards.

    Args:
        vault: The vault with the previous state.
        state: The new state.

    Returns:
        The vault in the new state, with the unsaved contents of `vault`.
    """
    return Vault(vault.scan, state, vault.overlays)


def rebuild_settings(vault: Vault, scan: VaultScan) -> LinterSettings:
    """Return the linter settings of a vault for a later scan.

    Obsidian's settings and the files that git ignores are those of the later scan.

    Args:
        vault: The vault with the rules, the configuration and the history to use.
        scan: The later scan.

    Returns:
        The linter settings for `scan`.
    """
    settings = vault.state.settings
    rebuilt = LinterSettings.build(
        settings.rules,
        settings.config,
        scan.obsidian,
        scan.is_git_ignored,
        settings.history,
        ignores_case=settings.ignores_case,
    )
    return replace(rebuilt, compares=settings.compares)


def make_suggester(
    vault: Vault,
    findings: Sequence[Diagnostic] | None,
    files: Mapping[str, Sequence[Suggestion]] | None = None,
) -> Callable[[Diagnostic], Sequence[Suggestion]]:
    """Return a function from a finding to the suggestions for its broken link.

    It returns no suggestions for a finding whose link resolves, except for a missing heading or
    block: those are headings or blocks of the file to which the link resolves.

    Args:
        vault: The vault.
        findings: The findings whose suggestions will be wanted; None if they will be few: then each
            is found by itself.
        files: The suggestions for all their targets, if known; else they are found when needed.

    Returns:
        The function.
    """
    from vaultlink.index.suggest import (  # noqa: PLC0415 - only for suggestions
        drop_own_names,
        find_closed_vaults,
        list_unresolved,
        prefer_own_tree,
    )
    from vaultlink.rules.former_targets import find_former_target, put_first, suggest_former_target  # noqa: PLC0415

    names, history = vault.index.names, vault.state.settings.history
    vaults = vault.state.settings.obsidian.vaults
    has_former = bool(history.likely_moves or history.names)

    def suggest_former(d: Diagnostic) -> tuple[Suggestion, ...]:
        from vaultlink.fix.dangling import find_dangling_link  # noqa: PLC0415 - rarely needed

        link = find_dangling_link(vault.index, d)
        return suggest_former_target(
            find_former_target(link, d.path, vault.index, history) if link else None
        )

    @cache
    def suggest_files() -> Mapping[str, Sequence[Suggestion]]:
        if files is not None:
            return files
        return vault.suggest_all(list_unresolved(findings or (), names))

    def suggest(d: Diagnostic) -> Sequence[Suggestion]:
        if d.subpath is not None and d.resolved is not None:
            from vaultlink.index.suggest_headings import suggest_anchors  # noqa: PLC0415

            return suggest_anchors(d.resolved, vault.index.notes[d.resolved], d.subpath)
        if d.target is None:
            return ()
        found = vault.suggest(d.target) if findings is None else suggest_files().get(d.target)
        if (
            found is None
            or not (found or has_former)
            or resolve(d.path, d.target, names) is not None
        ):
            return ()
        others = prefer_own_tree(
            drop_own_names(found, d.target, d.path, find_closed_vaults(vaults, vault.index)),
            d.path,
            vault.index,
        )
        return put_first(suggest_former(d), others) if has_former else others

    return suggest


def hold_texts(
    vault: Vault,
    contents: Mapping[str, str | bytes | Presence],
    settings: LinterSettings | None = None,
) -> tuple[Vault, set[str]]:
    """Return a vault with unsaved texts, which see each other.

    Args:
        vault: The vault.
        contents: The text of each note, or its bytes, by vault path; for other files, whether they
            exist.
        settings: Settings that replace those of the vault, as of `step`.

    Returns:
        The vault with these contents and those it had, and the paths that were checked again.
    """
    files, held, changes = vault.index.files, dict[str, bytes](), list[Change]()
    for path, content in contents.items():
        if isinstance(content, Presence):
            if content is not Presence.GONE or path in files:
                changes.append(Change(path, content))
            continue
        held[path] = content.encode() if isinstance(content, str) else content
        text = decode_note(held[path])
        if isinstance(text, UnreadableFile):
            analysed = analyse_unreadable(settings or vault.state.settings, path, *text)
            changes.append(Change(path, analysed))
        else:
            changes.append(Change(path, text))
    state, checked = step_and_list(vault.state, changes, settings)
    others = {path: data for path, data in vault.overlays.items() if path not in contents}
    return Vault(vault.scan, state, {**others, **held}), checked
