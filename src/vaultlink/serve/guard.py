"""Say why a tool, or a commit, must not change a vault as it is about to.

Links would break, errors would be added, or a path is protected.
"""

import os
import shlex
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
        gone |= {name: (path, "") for name, path in _list_emptied(places, part.changes, texts)}
    replaced = _find_replaced(places, gone)
    reasons += [_describe_replaced(places, *gone.pop(file), replaced[file]) for file in replaced]
    return [*reasons, *_describe_gone(places, _find_linked(held, gone))]


def _list_emptied(
    places: "_Places", changes: NetChanges, texts: Mapping[str, bytes]
) -> Iterator[tuple[str, str]]:
    """Yield the vault paths and paths of notes that lose all their text."""
    for path in changes.written:
        name = places.find(path) or ""
        if name in texts and not texts[name].strip() and places.vault.text(name).strip():
            yield name, path


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
    from vaultlink.disk.scan import is_vault_path  # noqa: PLC0415 - imports the linter
    from vaultlink.engine.checks import PROTECTED  # noqa: PLC0415 - as above

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
    held: "Vault", places: _Places, errors: "Sequence[Diagnostic]", texts: Mapping[str, bytes]
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


class StagedPart(NamedTuple):
    """The staged changes in one vault, by vault path.

    `before` and `after` have the bytes of files in the last commit and in the next one; None where
    there is no file. Only those of notes are read; others have b"".
    """

    root: str
    before: dict[str, bytes | None]
    after: dict[str, bytes | None]


def split_staged(vault: Path | None) -> list[StagedPart]:
    """Return what is staged in a repository, by vault.

    It is that of a vault, by default of the current folder. Raises UsageError if git can't say it.
    """
    from vaultlink.errors import UsageError  # noqa: PLC0415
    from vaultlink.git.location import find_work_tree  # noqa: PLC0415
    from vaultlink.git.objects import read_staged_changes  # noqa: PLC0415

    folder = Path.cwd() if vault is None else vault.resolve()
    work_tree = find_work_tree(folder)
    if work_tree is None:
        raise UsageError(f"{folder} is in no git repository, so nothing is staged there.")
    changes = read_staged_changes(work_tree, os.environ.get("GIT_INDEX_FILE"), _is_source)
    if changes is None:
        raise UsageError(f"git can't say what is staged in {work_tree}. Run `git status` there.")
    parts = dict[str, StagedPart]()
    named = None if vault is None else os.fspath(folder)
    find_root = cache(partial(_find_root, named=named))
    for path, before, after in changes:
        place = os.path.join(work_tree, path)
        root = find_root(os.path.dirname(place))
        if root and not os.path.islink(place):
            part = parts.setdefault(root, StagedPart(root, {}, {}))
            name = os.path.relpath(place, root).replace(os.sep, "/")
            part.before[name], part.after[name] = before, after
    return list(parts.values())


def find_staged_refusals(vault: "Vault", part: StagedPart) -> list[str]:
    """Return why a commit must not be made, and the commands that help."""
    from vaultlink.api import hold_texts  # noqa: PLC0415
    from vaultlink.baseline.drafts import check_drafts, restore_attachments  # noqa: PLC0415

    places = _Places(vault, part.root, os.getcwd())
    gone = {path: _find_new_path(part, path) for path, data in part.after.items() if data is None}
    touched = dict.fromkeys(part.after, ("", ""))
    reasons = [*_list_protected(vault, places, NetChanges(), touched)]
    # the base is the vault with the files of the commit as the last commit has them
    before = {path: data for path, data in part.before.items() if data is not None}
    texts = {path: data for path, data in before.items() if _is_source(path)}
    added = [path for path, data in part.before.items() if data is None and _is_source(path)]
    base = hold_texts(restore_attachments(vault, before.keys() - texts.keys()), texts, added)[0]
    kept = {path: data for path, data in part.after.items() if data is not None}
    after = {path: data for path, data in kept.items() if _is_source(path)}
    check = check_drafts(base, after, gone)
    reasons += _describe_staged(places, gone, _list_broken(base, check.held, gone))
    # broken links to files that are gone are named already
    sources = set[str]().union(*(base.index.sources_of(path) for path in gone))
    errors = [
        item
        for item in check.added
        if item.severity == "error" and (item.path in after or item.path not in sources)
    ]
    return [*reasons, *([_describe_errors(check.held, places, errors, after)] if errors else [])]


def _find_new_path(part: StagedPart, path: str) -> str:
    """Return the new path of a file with the same content; "" if it was not renamed."""
    data = part.before[path]
    same = (name for name, text in part.after.items() if data and text == data)
    return next((name for name in same if part.before[name] is None), "")


def _list_broken(base: "Vault", held: "Vault", gone: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the notes that still link to files that are gone, by those."""
    from vaultlink.index.resolve import resolve  # noqa: PLC0415 - imports the linter

    broken = dict[str, list[str]]()
    for path in gone:
        for source in base.index.sources_of(path):
            if source not in gone and any(
                found is None and resolve(source, link.lookup_target, base.index.names) == path
                for link, found in held.index.resolved_links(source)
                if not link.external
            ):
                broken.setdefault(path, []).append(source)
    return broken


def _describe_staged(
    places: _Places, gone: Mapping[str, str], broken: Mapping[str, Sequence[str]]
) -> Iterator[str]:
    for is_renamed in (False, True):
        paths = [path for path in broken if bool(gone[path]) == is_renamed]
        if not paths:
            continue
        sources = list(dict.fromkeys(source for path in paths for source in broken[path]))
        words = " ".join(places.format(os.path.join(places.root, path)) for path in paths)
        advice = (
            f"{places.format_command('fix')} lets the links follow; stage the changed notes."
            if is_renamed
            else f"`git restore --staged --worktree {words}` brings back what was deleted, and "
            f"{places.format_command('delete', words, '--unlink')} deletes it with the links to it."
        )
        yield (
            f"{_name_files(paths)} can't be {'renamed' if is_renamed else 'deleted'} in this "
            f"commit: {_count_sources(sources, paths)}. {advice}"
        )
