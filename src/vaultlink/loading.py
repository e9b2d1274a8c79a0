"""From disk and cache to a state: what the cache remembers, and a step with whatever has changed since."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from vaultlink.cache import Stored, digest
from vaultlink.engine import Change, Examined, Presence, Setting, State, check_note, step
from vaultlink.files import Stamp
from vaultlink.index import Index, mention_keys
from vaultlink.model import Note
from vaultlink.moves import Remembered, git_moves, remembered_moves, still_true
from vaultlink.parallel import examine_files
from vaultlink.resolve import file_name
from vaultlink.shelf import Shelf
from vaultlink.survey import RECENT, Survey

Progress = Callable[[int, int], None]
"""Called now and then with how many notes are read, and of how many."""

_FEW = 25
"""So many changed notes are read anew each time rather than the cache written anew."""


def load_state(seen: Survey, setting: Setting, progress: Progress) -> State:
    """The state of a vault as it is on disk now, from what the cache remembers and what has changed since."""
    cache = seen.cache()
    stored = cache.load() if cache else None
    sign = _sign(seen, setting)
    before, stamps = State(setting), {}
    if stored is not None and (stored.setting == sign or _can_recheck(setting, stored)):
        setting = replace(
            setting, moves=stored.moves
        )  # as the findings were made; where files went is asked anew below
        stamps = dict(zip(stored.paths, stored.stamps, strict=True)) | dict.fromkeys(
            stored.attachments
        )
        before = (
            _restored(setting, stored) if stored.setting == sign else _rechecked(setting, stored)
        )
    changes = _changes(seen, setting, before, stamps, progress)
    state = step(before, changes) if changes else before
    remembered = _remembered(seen, state, stored) if stored else {}
    state = _followed(state, {**_told(seen, state), **remembered})
    if cache and (len(changes) > _FEW or not stamps or (stored and stored.setting != sign)):
        cache.save(_stored(seen, state, sign, remembered))
    return state


def _sign(seen: Survey, setting: Setting) -> str:
    """Tells whether findings were made under the same settings."""
    ignored = (
        sorted(path for path in seen.listing.files if seen.ignored(path)) if seen.ignored else []
    )
    return digest((setting.config.digest().encode(), repr((seen.obsidian, ignored)).encode())).hex()


def _can_recheck(setting: Setting, stored: Stored) -> bool:
    """Whether the notes kept will do under other settings: no rule asks for texts, and sections are known by the same words."""
    return stored.headings == setting.headings and not any(
        rule.reads_text for rules in setting.runs.values() for rule in rules
    )


def _changes(
    seen: Survey,
    setting: Setting,
    before: State,
    stamps: Mapping[str, Stamp | None],
    progress: Progress,
) -> list[Change]:
    """What is on disk now and was not, or not so, in the state before."""
    files = seen.listing.files
    paths = [
        path
        for path in files
        if (stamps.get(path) != files[path] if is_source(path) else path not in stamps)
    ]
    return [
        *changes_at(seen, setting, paths, progress),
        *(Change(path, Presence.GONE) for path in before.index.files if path not in files),
    ]


def changes_at(
    seen: Survey,
    setting: Setting,
    paths: Iterable[str],
    progress: Progress = lambda _done, _all: None,
) -> Iterator[Change]:
    """What is on disk now at these paths: notes are read and examined, several at a time if there are many."""
    files = seen.listing.files
    sources, others = [], []
    for path in paths:
        if path in files and is_source(path):
            sources.append(path)
        else:
            others.append(Change(path, Presence.ATTACHMENT if path in files else Presence.GONE))
    size = sum(files[path].size for path in sources)
    examined = examine_files(
        setting,
        os.fspath(seen.root),
        sources,
        size,
        seen.settings.jobs,
        lambda done: progress(done, len(sources)),
    )
    yield from (Change(path, result) for path, result in zip(sources, examined, strict=True))
    yield from others


def is_source(path: str) -> bool:
    """Whether a file's text is read: of notes and canvases for links, of bases for the files they name."""
    return (
        path[-3:].lower() == ".md" or path[-7:].lower() == ".canvas" or path[-5:].lower() == ".base"
    )


# -- where files went -----------------------------------------------------------------------------------------------


def _told(seen: Survey, state: State) -> dict[str, str]:
    """Where git says that files went; it is only asked if there are links that lead nowhere."""
    asked = "moved-link" in state.setting.config.enabled and any(
        tally.dangling for tally in state.tallies.values()
    )
    return git_moves(seen.root, seen.listing.files) if asked else {}


def _remembered(seen: Survey, state: State, stored: Stored) -> dict[str, str]:
    """Where files went since they were kept, and before, as long as they are still there."""
    files = seen.listing.files
    stamps = dict(
        zip(
            (*stored.paths, *stored.attachments),
            (*stored.stamps, *stored.attachment_stamps),
            strict=True,
        )
    )
    if not stored.remembered and all(path in files for path in stamps):
        return {}
    notes = Shelf(packed=dict(zip(stored.paths, stored.notes, strict=True)))
    fresh = remembered_moves(
        Remembered(stamps, notes.get), Remembered(files, state.index.notes.get)
    )
    return still_true({**stored.remembered, **fresh}, files)


def _followed(state: State, moves: Mapping[str, str]) -> State:
    """The state with files known to have gone to other places: what names their old ones is checked again."""
    before = state.setting.moves
    if moves == before:
        return state
    state = replace(state, setting=replace(state.setting, moves=moves))
    changed = {old for old in {**before, **moves} if before.get(old) != moves.get(old)}
    keys = {key for old in changed for key in mention_keys(file_name(old))}
    named = {path for key in keys for path in state.index.mentions.get(key, ())}
    scopes = state.setting.scopes
    own = {
        path: tuple(item for item in state.found.get(path, ()) if scopes[item.rule] == "note")
        for path in named
    }
    return step(
        state,
        [Change(path, Examined(state.index.notes[path], own[path])) for path in sorted(named)],
    )


# -- from and to the cache ------------------------------------------------------------------------------------------


def _restored(setting: Setting, stored: Stored) -> State:
    """The state as it was kept."""
    index = Index.of(
        Shelf(packed=dict(zip(stored.paths, stored.notes, strict=True))),
        dict(zip(stored.paths, stored.targets, strict=True)),
        frozenset((*stored.paths, *stored.attachments)),
    )
    index.__dict__.update(stored.called)  # what the index would compute when first asked
    scopes = setting.scopes
    found = {**stored.diagnostics, **stored.silenced}
    whole = (
        {
            path: left
            for path, items in found.items()
            if (left := tuple(item for item in items if scopes[item.rule] == "vault"))
        }
        if setting.runs["vault"]
        else {}
    )
    return State(
        setting,
        index,
        found,
        whole,
        stored.diagnostics,
        dict(zip(stored.paths, stored.tallies, strict=True)),
    )


def _rechecked(setting: Setting, stored: Stored) -> State:
    """The state of the notes kept, checked under other settings."""
    shelf = Shelf(packed=dict(zip(stored.paths, stored.notes, strict=True)))
    changes = [Change(path, _examined_again(setting, shelf[path])) for path in stored.paths]
    return step(
        State(setting),
        [*changes, *(Change(path, Presence.ATTACHMENT) for path in stored.attachments)],
    )


def _examined_again(setting: Setting, note: Note) -> Examined:
    """A note that was read before, checked anew without its text."""
    return Examined(note, check_note(setting, note, None))


def _stored(seen: Survey, state: State, sign: str, remembered: dict[str, str]) -> Stored:
    index, files = state.index, seen.listing.files
    paths = list(index.targets)
    attachments = sorted(index.files.difference(paths))
    trusted = seen.started - RECENT
    stamps = [files[path] if files[path].changed < trusted else Stamp(-1, 0, 0) for path in paths]
    return Stored(
        sign,
        paths,
        stamps,
        [index.notes.packed(path) for path in paths],
        [index.targets[path] for path in paths],
        [state.tallies[path] for path in paths],
        dict(state.diagnostics),
        {
            path: items
            for path, items in state.found.items()
            if state.diagnostics.get(path) is not items
        },
        attachments,
        {name: dict(getattr(index, name)) for name in ("aliased", "titled", "spelled")},
        state.setting.headings,
        [files[path] for path in attachments],
        dict(state.setting.moves),
        remembered,
    )
