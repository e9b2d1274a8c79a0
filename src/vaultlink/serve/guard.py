"""Say why a tool, or a commit, must not change a vault as it is about to.

Links would break, errors would be added, or a path is protected.
"""

import os
import shlex
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from vaultlink.config.layers import CONFIG_NAMES
from vaultlink.disk.vault_search import find_marked_folder
from vaultlink.files import read_regular
from vaultlink.serve.shell_commands import ActionKind, Edit, FileAction
from vaultlink.text import quote_name

if TYPE_CHECKING:
    from vaultlink.api import Vault
    from vaultlink.disk.revisions import StagedVault
    from vaultlink.engine.checks import LinterSettings
    from vaultlink.engine.step import Presence
    from vaultlink.model import Diagnostic

# -- what is left of all actions of a call ---------------------------------------------------------


class NetChanges(msgspec.Struct, frozen=True):
    """The changes that remain of the actions of a call, by absolute path.

    `gone` has the new path of each file or folder that is moved, "" for one that is removed.
    `written` has what makes the new text of a file; None if that is not known.
    """

    gone: dict[str, str] = msgspec.field(default_factory=dict)
    written: dict[str, Edit | None] = msgspec.field(default_factory=dict)


def join_actions(actions: Iterable[FileAction]) -> NetChanges:
    """Return the changes of actions that happen one after the other.

    A file that is moved away and back, or made again, is not gone.
    """
    gone, written = dict[str, str](), dict[str, Edit | None]()
    origins = dict[str, str]()
    for action in actions:
        path = action.path
        if action.kind is ActionKind.WRITE:
            gone.pop(path, None)
            is_first = path not in written
            written[path] = action.edit if is_first else _chain(written[path], action.edit)
            continue
        written.pop(path, None)
        origin = origins.pop(path, path)
        if action.to:
            gone.pop(action.to, None)
            origins[action.to] = origin
            written.setdefault(action.to, None)
        gone.update({name: action.to for name in (path, origin) if name != action.to})
    return NetChanges(gone, written)


def _chain(first: Edit | None, second: Edit | None) -> Edit | None:
    if first is None or second is None:
        return None

    def edit(text: str) -> str | None:
        made = first(text)
        return None if made is None else second(made)

    return edit


# -- the vaults that the changes are in ------------------------------------------------------------


class VaultPart(NamedTuple):
    """The changes in one vault, as `NetChanges` has them."""

    root: str
    changes: NetChanges

    @property
    def concerns_links(self) -> bool:
        """True if the changes may break links; else only protection matters."""
        return bool(self.changes.gone) or any(map(_is_source, self.changes.written))


def split_by_vault(changes: NetChanges, named: str | None = None) -> list[VaultPart]:
    """Return the changes in each vault that may matter.

    Of a vault that an option has `named`, only changes in it are returned.
    """
    parts: dict[str, NetChanges] = defaultdict(NetChanges)
    find_root = cache(partial(_find_root, named=named))
    for path, to in changes.gone.items():
        root = find_root(os.path.dirname(path))
        if root and os.path.lexists(path):
            parts[root].gone[path] = to
    for path, edit in changes.written.items():
        if root := find_root(os.path.dirname(path)):
            parts[root].written[path] = edit
    found = (VaultPart(root, part) for root, part in parts.items())
    return [part for part in found if part.concerns_links or _mentions_protection(part.root)]


def _find_root(folder: str, named: str | None) -> str:
    """Return the vault of the files in a folder: the nearest marked folder upward.

    It is "" outside of vaults, and for a hidden folder of a vault.
    """
    for start in (folder, os.path.realpath(folder)):
        found = named
        if named is None:
            marked = find_marked_folder(Path(start))
            found = None if marked is None else os.fspath(marked)
        if found is not None and os.path.join(start, "").startswith(os.path.join(found, "")):
            names = start[len(found) :].split(os.sep)
            return "" if any(name.startswith(".") for name in names) else found
    return ""


def _is_source(path: str) -> bool:
    return path.lower().endswith((".md", ".canvas", ".base"))


def _mentions_protection(root: str) -> bool:
    """Return True if settings files of a vault may protect paths."""
    for folder in (Path(root), *Path(root).parents):
        for name in CONFIG_NAMES:
            try:
                text = read_regular(folder / name, 1_000_000)
            except (OSError, ValueError):
                continue
            if b"protect" in text or b"write-paths" in text:
                return True
        if os.path.lexists(folder / ".git"):
            break
    return False


# -- why changes are refused -----------------------------------------------------------------------


def find_refusals(vault: "Vault", part: VaultPart, cwd: str) -> list[str]:
    """Return why changes must not be made, and the commands to use instead.

    Paths in the commands are relative to `cwd`. There is no reason if the changes may be made.
    """
    places = _Places(vault, part.root, cwd)
    gone = {
        file: (path, to if places.is_in_vault(to) else "")
        for path, to in part.changes.gone.items()
        for file in places.list_files(path)
    }
    reasons = [*_list_protected(vault, places, part.changes, gone)]
    if reasons:
        return reasons
    texts = _make_texts(vault, places, part.changes.written)
    held = vault
    if texts:
        from vaultlink.baseline.drafts import check_drafts  # noqa: PLC0415 - imports the linter

        check = check_drafts(vault, texts)
        held = check.held
        errors = [item for item in check.added if item.severity == "error"]
        reasons += [_describe_errors(held, places, errors, texts)] if errors else []
        paths = {places.find(path): path for path in part.changes.written}
        emptied = _list_emptied(texts, vault.text, held.text)
        gone |= {name: (paths[name], "") for name in emptied}
    replaced = _find_replaced(places, gone)
    reasons += [_describe_replaced(places, *gone.pop(file), replaced[file]) for file in replaced]
    return [*reasons, *_describe_gone(places, _find_linked(held, gone))]


def _list_emptied(
    paths: Iterable[str], before: Callable[[str], str], after: Callable[[str], str]
) -> list[str]:
    """Return those of some notes that lose all their text, given what reads it."""
    return [path for path in paths if not after(path).strip() and before(path).strip()]


def _find_replaced(places: "_Places", gone: Mapping[str, tuple[str, str]]) -> dict[str, list[str]]:
    """Return the notes that are moved onto another one, with what links to that."""
    index, found = places.vault.index, dict[str, list[str]]()
    for file, (_, to) in gone.items():
        target = (places.find(to) if to else None) or ""
        if target in index.notes and file in index.notes and target not in {file, *gone}:
            sources = [name for name in index.sources_of(target) if name not in (file, target)]
            if sources:
                found[file] = sources
    return found


def _describe_replaced(places: "_Places", path: str, to: str, sources: Sequence[str]) -> str:
    target = places.find(to) or to
    command = places.format_command("merge", places.format(path), places.format(to))
    return (
        f"{quote_name(target)} must not be replaced this way: {_count_sources(sources, [target])}. "
        f"{command} joins the two notes."
    )


class _Places:
    """The paths of a vault, as a shell and as vaultlink name them."""

    def __init__(self, vault: "Vault", root: str, cwd: str):
        self.vault = vault
        self.root = os.fspath(vault.root)
        self._roots = (root, os.fspath(vault.root))
        self._cwd = cwd
        own = find_marked_folder(Path(cwd))
        self._is_inside = own is not None and own.resolve() == vault.root

    def find(self, path: str) -> str | None:
        """Return the vault path of an absolute path; None outside the vault."""
        folder, name = os.path.split(path)
        for place in (path, os.path.join(os.path.realpath(folder), name)):
            for root in self._roots:
                if place.startswith(os.path.join(root, "")):
                    return place[len(os.path.join(root, "")) :].replace(os.sep, "/")
        return None

    def find_target(self, path: str) -> str:
        """Return a new path as `rename` reads it: with a slash, it is one in the vault."""
        name = self.find(path) or path
        return name if "/" in name else f"/{name}"

    def is_in_vault(self, path: str) -> bool:
        """Return True for a path in the vault that is not hidden."""
        name = self.find(path) if path else None
        return name is not None and "/." not in f"/{name}"

    def list_files(self, path: str) -> list[str]:
        """Return the file of the vault at a path, or those below it."""
        name, files = self.find(path), self.vault.index.files
        if name is None:
            return []
        if name in files:
            return [name]
        found = sorted(file for file in files if file.startswith(f"{name}/"))
        return found or [file for file in files if file.casefold() == name.casefold()]

    def format(self, path: str) -> str:
        """Return a path as a word of a command that runs in the current folder."""
        if not self._is_inside:
            word = self.find(path) or path
        elif path.startswith(os.path.join(self._cwd, "")) or self._cwd == os.path.dirname(path):
            word = os.path.relpath(path, self._cwd)
        else:
            word = path
        return shlex.quote(f"./{word}" if word.startswith("-") else word)

    def format_command(self, *words: str) -> str:
        """Return a command of vaultlink, with the vault unless it is the current one."""
        vault = [] if self._is_inside else ["--vault", shlex.quote(os.fspath(self.vault.root))]
        return f"`vaultlink {' '.join([*words, *vault])}`"


def _list_protected(
    vault: "Vault", places: _Places, changes: NetChanges, gone: Mapping[str, tuple[str, str]]
) -> Iterator[str]:
    from vaultlink.config.protection import PROTECTED  # noqa: PLC0415 - as above
    from vaultlink.disk.scan import is_vault_path  # noqa: PLC0415 - imports the linter

    settings = vault.state.settings
    targets = (places.find(to) for _, to in gone.values() if to)
    written = (places.find(path) for path in changes.written)
    for path in dict.fromkeys(filter(None, (*gone, *targets, *written))):
        reason = settings.find_protection(path)
        if reason == PROTECTED or (reason and _is_source(path) and is_vault_path(path)):
            yield (
                f"{quote_name(path)} must not be changed: {reason}. Leave it as it is, and ask "
                "the owner of the vault."
            )
            return


def _make_texts(
    vault: "Vault", places: _Places, written: Mapping[str, Edit | None]
) -> dict[str, bytes]:
    """Return the new texts of notes by vault path, those that are known and differ."""
    from vaultlink.disk.scan import is_vault_path  # noqa: PLC0415 - imports the linter

    texts = dict[str, bytes]()
    for path, edit in written.items():
        name = places.find(path)
        if name is None or edit is None or not (_is_source(name) and is_vault_path(name)):
            continue
        old = vault.text(name)
        new = edit(old)
        if new is not None and new != old:
            texts[name] = new.encode("utf-8", "replace")
    return texts


_MAX_NAMED = 3
"""Findings that a reason has."""


def _describe_errors(
    held: "Vault", places: _Places, errors: "Sequence[Diagnostic]", texts: Collection[str]
) -> str:
    from vaultlink.api import make_suggester  # noqa: PLC0415 - imports the linter

    suggest = make_suggester(held, errors)
    parts = []
    for item in errors[:_MAX_NAMED]:
        near = [quote_name(other.path) for other in suggest(item)[:1]]
        hint = f" (did you mean {near[0]}?)" if near else ""
        parts.append(f"{item.path}:{item.line}: {item.message.rstrip('.')}{hint}")
    more = f"; and {len(errors) - _MAX_NAMED:,} more" if len(errors) > _MAX_NAMED else ""
    count = "an error" if len(errors) == 1 else f"{len(errors):,} errors"
    name = quote_name(next(iter(texts)))
    subject = f"The new text of {name}" if len(texts) == 1 else "The new texts"
    verb = "adds" if len(texts) == 1 else "add"
    advice = "Correct the text, or first write the notes that it names."
    if all(item.path not in texts for item in errors):
        command = places.format_command("rename", "NOTE#OLD NEW")
        advice = f"{command} renames a heading and updates the links to it."
    return f"{subject} {verb} {count}: {'; '.join(parts)}{more}. {advice}"


class _Linked(NamedTuple):
    """Linked files that a path removes, or moves to `to`, and what links to them."""

    to: str
    files: list[str]
    sources: dict[str, None]


def _find_linked(held: "Vault", gone: Mapping[str, tuple[str, str]]) -> dict[str, _Linked]:
    """Return what is linked, by the paths that are removed or moved."""
    found = dict[str, _Linked]()
    removed = {file for file, (_, to) in gone.items() if not to}
    for file, (path, to) in gone.items():
        sources = [name for name in held.index.sources_of(file) if name not in {file, *removed}]
        if sources:
            linked = found.setdefault(path, _Linked(to, [], {}))
            linked.files.append(file)
            linked.sources.update(dict.fromkeys(sources))
    return found


def _describe_gone(places: _Places, found: Mapping[str, _Linked]) -> Iterator[str]:
    """Yield a reason for removed files, and one for moved ones."""
    for is_move in (False, True):
        paths = [path for path, linked in found.items() if bool(linked.to) == is_move]
        if not paths:
            continue
        files = [file for path in paths for file in found[path].files]
        sources = list({name: None for path in paths for name in found[path].sources})
        if is_move:
            command = _propose_move(places, {path: found[path].to for path in paths})
        else:
            words = map(places.format, paths)
            command = (
                f"{places.format_command('delete', *words, '--unlink')}, which replaces the links "
                "by their text, or --to NOTE to redirect them"
            )
        yield (
            f"{_name_files(files)} must not be {'moved' if is_move else 'removed'} this way: "
            f"{_count_sources(sources, files)}. Use {command}."
        )


def _name_files(files: Sequence[str]) -> str:
    more = f" and {len(files) - 1:,} more files" if len(files) > 1 else ""
    return f"{quote_name(files[0])}{more}"


def _count_sources(sources: Sequence[str], files: Sequence[str]) -> str:
    notes = "another note links" if len(sources) == 1 else f"{len(sources):,} notes link"
    them = "it" if len(files) == 1 else "them"
    return f"{notes} to {them}, such as {quote_name(sources[0])}"


def _propose_move(places: _Places, moves: Mapping[str, str]) -> str:
    """Return the commands that move files, as a clause."""
    by_folder: dict[str, list[str]] = defaultdict(list)
    commands = []
    for path, to in moves.items():
        if os.path.basename(path) == os.path.basename(to):
            by_folder[os.path.dirname(to)].append(places.format(path))
        else:
            new = shlex.quote(places.find_target(to))
            commands.append(places.format_command("rename", places.format(path), new))
    for folder, words in by_folder.items():
        name = places.find(folder)
        target = shlex.quote(f"{name}/") if name else "/"
        commands.insert(0, places.format_command("move", *words, target))
    verb = "updates" if len(commands) == 1 else "update"
    return f"{' and '.join(commands)}, which {verb} the links"


# -- what is staged in git -------------------------------------------------------------------------


def split_staged(vault: Path | None) -> "list[StagedVault]":
    """Return what is staged in a repository, by vault.

    It is that of a vault, by default of the current folder. Raises UsageError if git can't say it.
    """
    from vaultlink.disk.revisions import StagedVault  # noqa: PLC0415 - imports the linter
    from vaultlink.errors import UsageError  # noqa: PLC0415
    from vaultlink.git.location import find_work_tree  # noqa: PLC0415
    from vaultlink.git.objects import list_staged_changes  # noqa: PLC0415

    folder = Path.cwd() if vault is None else vault.resolve()
    work_tree = find_work_tree(folder)
    if work_tree is None:
        raise UsageError(f"{folder} is in no git repository, so nothing is staged there.")
    named_index = os.environ.get("GIT_INDEX_FILE")
    # Git names it to hooks relative to the top folder; a hook may run this in another one.
    index_file = os.path.join(work_tree, named_index) if named_index else None
    changes = list_staged_changes(work_tree, index_file)
    if changes is None:
        raise UsageError(f"git can't say what is staged in {work_tree}. Run `git status` there.")
    named = None if vault is None else os.fspath(folder)
    find_root = cache(partial(_find_root, named=named))
    places = (os.path.dirname(os.path.join(work_tree, entry.old)) for entry in changes)
    roots = dict.fromkeys(filter(None, map(find_root, places)))
    return [StagedVault(work_tree, root, changes, index_file) for root in roots]


class _Commit(NamedTuple):
    """A vault in the last commit and in the one to come.

    `disk` is the vault as it is on disk. `changed` has the files that differ, `gone` the new path
    of each one that is renamed, "" for one that is deleted, and `emptied` notes that lose their
    text. `added` are the findings that the last commit does not have.
    """

    disk: "Vault"
    before: "Vault"
    after: "Vault"
    changed: frozenset[str]
    gone: dict[str, str]
    emptied: list[str]
    added: "list[Diagnostic]"


def find_staged_refusals(vault: "Vault", staged: "StagedVault") -> list[str]:
    """Return why a commit must not be made, and the commands that help.

    Raises VaultError if git can't list the index.
    """
    commit = _compare_commits(vault, staged)
    places = _Places(vault, staged.root, os.getcwd())
    touched = dict.fromkeys(commit.changed, ("", ""))
    reasons = [*_list_protected(vault, places, NetChanges(), touched)]
    broken = _list_broken(commit)
    reasons += _describe_broken(places, commit, broken)
    named = {source for sources in broken.values() for source in sources}
    errors = [
        item
        for item in commit.added
        if item.severity == "error" and (item.path in commit.changed or item.path not in named)
    ]
    if errors:
        texts = sorted(path for path in commit.changed if path in commit.after.index.notes)
        reasons.append(_describe_errors(commit.after, places, errors, texts))
    return reasons


def _compare_commits(disk: "Vault", staged: "StagedVault") -> _Commit:
    from vaultlink.api import hold_texts  # noqa: PLC0415 - imports the linter
    from vaultlink.baseline.drafts import compare_findings  # noqa: PLC0415

    contents = staged.read_contents(disk.scan)
    linted = contents.before.keys()
    after, _ = hold_texts(disk, contents.after, _build_tree_settings(disk, contents.after, linted))
    before, checked = hold_texts(
        after, contents.before, _build_tree_settings(after, contents.before, linted)
    )
    added, _ = compare_findings(before, after, checked, linted)
    changes = staged.changes
    new_paths = {
        entry.new_blob: path for path, entry in reversed(changes.items()) if entry.status == "A"
    }
    gone = {
        path: new_paths.get(changes[path].blob, "") if content else ""
        for path, content in contents.before.items()
        if path in before.index.files and path not in after.index.files
    }
    kept = [
        path
        for path in linted - contents.unknown
        if path in before.index.notes and path in after.index.notes
    ]
    emptied = _list_emptied(kept, before.text, after.text)
    return _Commit(disk, before, after, frozenset(linted), gone, emptied, added)


def _build_tree_settings(
    vault: "Vault", contents: "Mapping[str, bytes | Presence]", linted: Collection[str]
) -> "LinterSettings":
    """Return the settings of a vault with other contents, as of a checkout.

    Git tracks the files in `linted`, also if it ignores them now.
    """
    from vaultlink.engine.checks import LinterSettings  # noqa: PLC0415 - imports the linter
    from vaultlink.engine.step import Presence  # noqa: PLC0415

    settings, ignored = vault.state.settings, vault.scan.is_git_ignored
    files = {*vault.index.files, *contents}
    files -= {path for path, content in contents.items() if content is Presence.GONE}
    return LinterSettings.build(
        settings.rules,
        settings.config,
        settings.obsidian,
        (lambda path: path not in linted and ignored(path)) if ignored else None,
        settings.history.within(files),
    )


def _list_broken(commit: _Commit) -> dict[str, list[str]]:
    """Return what links to files that lose their place or their text, by those.

    Links to a file that is gone may lead to another one with its name.
    """
    broken = {
        path: [
            source
            for source in commit.before.index.sources_of(path)
            if source not in commit.gone and _is_link_lost(commit, source, path)
        ]
        for path in commit.gone
    }
    for path in commit.emptied:
        sources = commit.after.index.sources_of(path)
        broken[path] = [name for name in sources if name != path and name not in commit.emptied]
    return {path: sources for path, sources in broken.items() if sources}


def _is_link_lost(commit: _Commit, source: str, path: str) -> bool:
    from vaultlink.index.resolve import resolve  # noqa: PLC0415 - imports the linter

    names = commit.before.index.names
    return any(
        found is None and resolve(source, link.lookup_target, names) == path
        for link, found in commit.after.index.resolved_links(source)
        if not link.external
    )


def _describe_broken(
    places: _Places, commit: _Commit, broken: Mapping[str, Sequence[str]]
) -> Iterator[str]:
    """Yield a reason for deleted files, one for emptied and one for renamed ones."""
    verbs = {
        path: "emptied"
        if path not in commit.gone
        else "renamed"
        if commit.gone[path]
        else "deleted"
        for path in broken
    }
    for verb in dict.fromkeys(("deleted", "emptied", "renamed")):
        paths = [path for path in broken if verbs[path] == verb]
        if not paths:
            continue
        sources = list(dict.fromkeys(source for path in paths for source in broken[path]))
        yield (
            f"{_name_files(paths)} can't be {verb} in this commit: "
            f"{_count_sources(sources, paths)}. {_advise(places, commit, verb, paths, sources)}"
        )


def _advise(
    places: _Places, commit: _Commit, verb: str, paths: Sequence[str], sources: Sequence[str]
) -> str:
    """Return the commands that help where files are linked from notes."""

    def name(files: Sequence[str]) -> str:
        return " ".join(places.format(os.path.join(places.root, path)) for path in files)

    if not any(_has_link(commit, source, paths) for source in sources):
        return f"On disk these links are gone: `git add {name(sources)}` stages that, too."
    if verb == "renamed":
        return f"{places.format_command('fix')} lets the links follow; stage the changed notes."
    what = "what was deleted" if verb == "deleted" else "the text"
    delete = places.format_command("delete", name(paths), "--unlink")
    return (
        f"`git restore --staged --worktree {name(paths)}` brings back {what}, and {delete} "
        f"deletes it with the links to it."
    )


def _has_link(commit: _Commit, source: str, paths: Collection[str]) -> bool:
    """Return True if a note on disk has a link that led to one of some files."""
    from vaultlink.index.resolve import resolve  # noqa: PLC0415 - imports the linter

    names = commit.before.index.names
    return source in commit.disk.index.notes and any(
        resolve(source, link.lookup_target, names) in paths
        for link, _ in commit.disk.index.resolved_links(source)
        if not link.external
    )
