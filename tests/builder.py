"""Build engine states from mappings of paths to texts, and apply random changes to them."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from hypothesis import strategies as some
from msgspec.structs import replace

from vaultlink.config.layers import Layer
from vaultlink.config.settings import merge_layers
from vaultlink.disk.obsidian_files import build_obsidian_settings
from vaultlink.engine.checks import LinterSettings
from vaultlink.engine.step import Change, Presence, State, analyse_unreadable, step
from vaultlink.index.index import Grouping, Index, find_files_sharing_names
from vaultlink.index.packed_map import unpack_all
from vaultlink.index.resolve import normalize_name
from vaultlink.model import Destination, Diagnostic, FormerName, History
from vaultlink.rules.registry import Catalog, build_catalog

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times faster, where it is there
RULES_FOLDER = Path(__file__).resolve().parents[1] / "rules"
VaultFiles = Mapping[str, Any]
"""Path to text; for an unreadable note, path to a mapping of the kind of problem to its detail."""


def load_declarations() -> dict[str, Mapping[str, Any]]:
    """Return the declarations of the rules in this repository by file stem."""
    return {
        file.stem: yaml.load(file.read_bytes(), Loader=LOADER)
        for file in sorted(RULES_FOLDER.glob("*.yaml"))
    }


RULES: Catalog = build_catalog(load_declarations())


def make_settings(
    select: Sequence[str] = ("ALL",),
    *,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    app: Mapping[str, Any] | None = None,
    types: Mapping[str, str] | None = None,
    allow_dangling: Sequence[str] = (),
    backlinks: Mapping[str, Any] | None = None,
    moves: Mapping[str, str] | None = None,
    deleted: Collection[str] = (),
    anchors: Mapping[str, Mapping[str, str]] | None = None,
    former_destinations: Mapping[str, Mapping[str, str]] | None = None,
    reasons: Mapping[str, str] | None = None,
    likely_moves: Mapping[str, str] | None = None,
    names: Mapping[str, Sequence[str]] | None = None,
    quiet: Sequence[str] | None = None,
    obsidian: Mapping[str, Any] | None = None,
    gitignore: Sequence[str] = (),
) -> LinterSettings:
    """Return settings with only these rules.

    `app` and `types` are as in Obsidian's files; without `app` there is no `app.json`. `obsidian` holds other files
    of `.obsidian` by name, `gitignore` the lines of a `.gitignore`.
    """
    values = {
        "select": list(select),
        "preview": True,
        "rules": options or {},
        "allow-dangling": list(allow_dangling),
        "backlinks": backlinks or {},
        **({} if quiet is None else {"quiet": list(quiet)}),
    }
    config = merge_layers([Layer("test", values)], RULES)
    files = {f".obsidian/{name}": value for name, value in (obsidian or {}).items()}
    files |= {".obsidian/app.json": app, ".obsidian/types.json": {"types": types}}
    settings = replace(build_obsidian_settings(files), git_ignores=tuple(gitignore))
    history = History(
        moves or {},
        frozenset(deleted),
        anchors={path: _destinations(items) for path, items in (anchors or {}).items()},
        former_destinations={
            path: _destinations(items) for path, items in (former_destinations or {}).items()
        },
        vanished=dict.fromkeys((*(reasons or ()), *(likely_moves or ())), 1),
        reasons=reasons or {},
        likely_moves=likely_moves or {},
        names={normalize_name(key): FormerName(*name) for key, name in (names or {}).items()},
    )
    return LinterSettings.build(RULES, config, settings, history=history)


def _destinations(items: Mapping[str, str]) -> dict[str, Destination]:
    """Return the destinations written as `path#subpath`; a leading `?` makes one uncertain."""
    found = {}
    for key, text in items.items():
        path, hash_mark, subpath = text.removeprefix("?").partition("#")
        found[key] = Destination(path, hash_mark + subpath, text[:1] != "?")
    return found


def make_changes(base: LinterSettings, vault: VaultFiles) -> Iterator[Change]:
    """Yield each file of a vault as a created file."""
    for path, text in vault.items():
        if isinstance(text, Mapping):
            ((kind, detail),) = text.items()
            yield Change(path, analyse_unreadable(base, path, kind, detail))
        elif path.lower().endswith((".md", ".canvas", ".base")):
            yield Change(path, text)
        else:
            yield Change(path, Presence.ATTACHMENT)


Event = tuple[str, str | None, str | None]
"""An event on a path: its new text; or None, and the new path if it is renamed instead of deleted."""


def event_scripts(
    paths: Sequence[str], texts: some.SearchStrategy[str]
) -> some.SearchStrategy[list[list[Event]]]:
    """Generate batches of creations, edits, deletions and renames. A rename over another file replaces it."""
    path = some.sampled_from(paths)
    event = some.one_of(
        some.tuples(path, texts, some.none()), some.tuples(path, some.none(), some.none() | path)
    )
    return some.lists(some.lists(event, min_size=1, max_size=5), max_size=10)


def apply_events(vault: dict[str, str], batch: Sequence[Event]) -> list[Change]:
    """Apply a batch to the vault and return the changes for `step`."""
    touched: set[str] = set()
    for path, text, other in batch:
        gone = vault.pop(path, None)
        come = (
            {path: text}
            if text is not None
            else {other: gone}
            if gone is not None and other
            else {}
        )
        vault.update(come)
        touched.update((path, *come))
    there = {path: vault[path] for path in sorted(touched & vault.keys())}
    return [
        *make_changes(make_settings(), there),
        *(Change(path, Presence.GONE) for path in sorted(touched - vault.keys())),
    ]


def build_state(vault: VaultFiles, base: LinterSettings | None = None) -> State:
    """Return the state of a vault whose files are created in one step."""
    base = base or make_settings()
    return step(State(base), list(make_changes(base, vault)))


def collect_findings(state: State) -> list[Diagnostic]:
    """Return all findings of a state in the order of reports."""
    return [item for path in sorted(state.diagnostics) for item in state.diagnostics[path]]


def compute_all_maps(index: Index) -> None:
    """Compute all derived maps of an index, and decode its values."""
    unpack_all(index.notes, index.targets, index.spellings)
    for attribute in vars(Index).values():
        if isinstance(attribute, Grouping):
            index.derive(attribute)
    index.derive(find_files_sharing_names)
    index.files_by_path.group_all()
