"""Opening the vault a command is about, and finding the notes and paths its words name.

Options enter; the vault, vault paths and predicates over them leave. Settings from the environment are read here.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from vaultlink.api import Vault, open_vault
from vaultlink.cli.options import OpenOptions, RuleSelectionOptions
from vaultlink.cli.terminal import Terminal
from vaultlink.disk.scan import Settings, VaultScan, find_vault, scan_vault
from vaultlink.errors import UsageError
from vaultlink.index.resolve import is_note, resolve
from vaultlink.model import Diagnostic, Suggestion


def build_settings(options: OpenOptions) -> Settings:
    """How to open the vault, by the options and their twins in the environment."""
    return Settings(
        config_file=options.config or _read_path_variable("VAULTLINK_CONFIG"),
        isolated=options.isolated,
        cache=not options.no_cache,
        cache_dir=options.cache_dir or _read_path_variable("VAULTLINK_CACHE_DIR"),
        jobs=options.jobs,
        overrides=_collect_overrides(options) if isinstance(options, RuleSelectionOptions) else {},
    )


def scan_from_options(
    options: OpenOptions, start: Path | None = None, overrides: Mapping[str, Any] | None = None
) -> VaultScan:
    """The vault as far as it is known without reading a note: the one named, else that in which `start` lies. `overrides`
    are settings that a command makes besides those of its options."""
    if options.isolated and options.config:
        raise UsageError("--isolated reads no settings, --config names some: choose one.")
    settings = build_settings(options)
    if overrides:
        settings = replace(settings, overrides={**settings.overrides, **overrides})
    return scan_vault(options.vault or _find_containing_vault(start), settings)


def find_vault_root(options: OpenOptions, start: Path | None = None) -> Path:
    """Where the vault is that `scan_from_options` would look at. Nothing in it is looked at yet."""
    root = options.vault or _find_containing_vault(start)
    return (
        root.resolve() if root.is_dir() else scan_from_options(options, start).root
    )  # which says what is wrong with it


def open_from_options(options: OpenOptions, terminal: Terminal, start: Path | None = None) -> Vault:
    """The vault a command is about, read and checked."""
    scan = scan_from_options(options, start)
    warn_unreadable_folders(scan, terminal)
    return open_scanned_vault(scan, terminal)


def open_scanned_vault(scan: VaultScan, terminal: Terminal) -> Vault:
    """A surveyed vault, read and checked."""
    with terminal.progress_line() as progress:
        return open_vault(scan.root, scan.settings, progress, scan)


def warn_unreadable_folders(scan: VaultScan, terminal: Terminal) -> None:
    """Say which folders of a vault could not be looked into: what lies in them seems not to be there."""
    for folder, why in scan.listing.unreadable_folders:
        terminal.print_message(f"warning: the folder {folder or scan.root} can't be read: {why}.")


def find_note_argument(vault: Vault, name: str) -> str:
    """The vault path of a note named on the command line."""
    path = vault.find(name)
    if path is not None:
        return path
    near = [item.path for item in vault.suggest(name)] or _find_similar_notes(name, vault)
    hint = (
        f"Did you mean {' or '.join(near[:2])}?"
        if near
        else "`vaultlink links` lists what the vault's notes name."
    )
    raise UsageError(f'there is no note "{name}" in {vault.root}. {hint}')


def select_link_sources(vault: Vault, names: Sequence[str]) -> list[str]:
    """The sources of links a command is about: those named, in order and once each, else all."""
    if not names:
        return sorted(vault.index.notes)
    paths = dict.fromkeys(find_note_argument(vault, name) for name in names)
    for path in paths:
        if path not in vault.index.notes:
            raise UsageError(
                f"{path} is an attachment and has no links. `vaultlink backlinks` lists those to it."
            )
    return list(paths)


def to_vault_paths(root: Path, paths: Sequence[Path]) -> tuple[str, ...]:
    """Paths on disk as vault paths, "" standing for the whole vault."""
    return tuple(_to_vault_path(root, path) for path in paths)


def make_path_filter(chosen: Sequence[str]) -> Callable[[str], bool]:
    """Whether a vault path is one of those chosen or lies below one; every path if none or all is chosen."""
    if not chosen or "" in chosen:
        return lambda _path: True
    names, folders = frozenset(chosen), tuple(f"{path}/" for path in chosen)
    return lambda path: path in names or path.startswith(folders)


def make_suggester(
    vault: Vault, findings: Sequence[Diagnostic]
) -> Callable[[Diagnostic], Sequence[Suggestion]]:
    """What the topic of each of these findings may mean: something only where the topic is dangling."""
    names = vault.index.names
    dangling = {d.target: d.path for d in findings if d.target is not None}
    topics = [target for target, path in dangling.items() if resolve(path, target, names) is None]
    known: dict[str, Sequence[Suggestion]] = dict(vault.suggest_all(topics))

    def suggest(d: Diagnostic) -> Sequence[Suggestion]:
        return (
            known.get(d.target, ())
            if d.target is not None and resolve(d.path, d.target, names) is None
            else ()
        )

    return suggest


def _find_containing_vault(start: Path | None) -> Path:
    """The vault in which a path lies; one that is not on disk from here may be a path in the vault here."""
    if start is None or os.path.lexists(start):
        return find_vault(start or Path())
    here = find_vault(Path())
    if os.path.lexists(here / start):
        return here
    raise UsageError(f"{start}: there is no such file or folder.")


def _collect_overrides(options: RuleSelectionOptions) -> dict[str, Any]:
    given = {
        "select": options.select,
        "ignore": options.ignore,
        "extend-select": options.extend_select,
        "fixable": options.fixable,
        "unfixable": options.unfixable,
    }
    return {key: list(value) for key, value in given.items() if value}


def _read_path_variable(variable: str) -> Path | None:
    value = os.environ.get(variable)
    return Path(value) if value else None


def _to_vault_path(root: Path, path: Path) -> str:
    """One path on disk, or else in the vault, as a vault path."""
    for place in (path, root / path):
        if os.path.lexists(place):
            for real in (Path(os.path.abspath(place)), place.resolve()):  # noqa: PTH100 - a symlink in the vault stays one
                if real.is_relative_to(root):
                    name = real.relative_to(root).as_posix()
                    return "" if name == "." else name
            raise UsageError(
                f"{path} lies outside the vault {root}. `--vault` names another vault."
            )
    raise UsageError(f"{path}: there is no such file or folder.")


def _find_similar_notes(name: str, vault: Vault) -> list[str]:
    from difflib import get_close_matches  # noqa: PLC0415

    return get_close_matches(name, [path for path in vault.index.files if is_note(path)], 2, 0.6)
