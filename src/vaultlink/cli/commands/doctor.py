"""`vaultlink doctor`: check the installation, the vault and the system."""

import json
import os
import platform
import re
import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from importlib import metadata
from pathlib import Path

import msgspec

import vaultlink
from vaultlink.cli.exit_codes import EXIT_CLEAN, EXIT_FINDINGS
from vaultlink.cli.listings import Listing, choose_listing_format, print_listing
from vaultlink.cli.opening import name_vault, protect_vault, scan_from_options, start_at
from vaultlink.cli.options import FolderArgument, OpenOptions
from vaultlink.cli.terminal import Terminal
from vaultlink.cli.unmatched_items import list_unmatched_items
from vaultlink.config.settings import merge_layers
from vaultlink.disk.obsidian_files import OBSIDIAN_FILES
from vaultlink.disk.read import load_rules
from vaultlink.disk.scan import VaultScan
from vaultlink.disk.vault_search import WORK_TREE, VaultChoice
from vaultlink.errors import USER_ERRORS
from vaultlink.files import read_within
from vaultlink.git.location import find_git_dir, read_git_file
from vaultlink.git.objects import has_no_commit_yet
from vaultlink.git.program import run_git, run_to_end
from vaultlink.index.file_kinds import parse_conflict_copy
from vaultlink.index.resolve import is_note
from vaultlink.programs import describe_form, find_own_place, is_binary
from vaultlink.report.layout import Palette, escape_controls, format_count, wrap_text
from vaultlink.rules.registry import build_catalog
from vaultlink.text import list_first
from vaultlink.watch.peers import list_watchers
from vaultlink.write.journal_files import journal_folder, list_runs
from vaultlink.write.undo import is_being_written

# -- checks of the program and the system for `vaultlink doctor` -----------------------------------

_INOTIFY = Path("/proc/sys/fs/inotify")

_NAME = re.compile(r"[\w.-]+")


class CheckRow(msgspec.Struct, frozen=True):
    """One line of `vaultlink doctor`.

    Attributes:
        check: The subject of the line, such as `libraries`.
        attention: True if you should do something, which `advice` then says.
        detail: What was found, for people.
        advice: What to do; "" if `attention` is false.
    """

    check: str
    attention: bool
    detail: str
    advice: str = ""

    @classmethod
    def make(cls, check: str, attention: object, detail: str, advice: str) -> "CheckRow":
        """Return a row, with the advice only if something needs attention."""
        return cls(check, bool(attention), detail, advice if attention else "")


def check_program() -> Iterator[CheckRow]:
    """Yield the rows that do not depend on a vault."""
    version = f"vaultlink {vaultlink.__version__}{describe_form()}"
    yield CheckRow("version", False, f"{version}, in {find_own_place()}")
    python = "in the binary" if is_binary() else sys.executable
    yield CheckRow(
        "Python",
        False,
        f"{platform.python_version()} ({platform.python_implementation()}), {python}; "
        f"{platform.system()} {platform.release()}",
    )
    yield from _check_libraries()


def _check_libraries() -> Iterator[CheckRow]:
    try:
        requirements = metadata.requires("vaultlink") or []
    except metadata.PackageNotFoundError:
        yield CheckRow(
            "libraries", True, "vaultlink is not installed.", "Install it: `pip install .`"
        )
        return
    by_extra: dict[str, list[str]] = {"": []}
    for text in requirements:
        extra = re.search(r"extra == ['\"]([\w-]+)", text)
        by_extra.setdefault(extra[1] if extra else "", []).append(text)
    versions = {text: _find_version(text) for text in by_extra.pop("")}
    missing = [text for text, version in versions.items() if version is None]
    names = [f"{_name_package(text)} {version}" for text, version in versions.items() if version]
    advice = f"Not installed: {', '.join(missing)}. Install vaultlink again."
    yield CheckRow.make("libraries", missing, ", ".join(names), advice)
    states = [
        f"{extra} ({'installed' if all(map(_find_version, texts)) else 'not installed'})"
        for extra, texts in by_extra.items()
    ]
    yield CheckRow("extras", False, ", ".join(states) or "there are no extras")


def _name_package(requirement: str) -> str:
    match = _NAME.match(requirement)
    return match[0] if match else requirement


def _find_version(requirement: str) -> str | None:
    try:
        return metadata.version(_name_package(requirement))
    except metadata.PackageNotFoundError:
        return None


def check_inotify(folders: int) -> Iterator[CheckRow]:
    """Yield the limits of Linux for watching files, given the number of folders."""
    try:
        watches, instances = (
            int((_INOTIFY / f"max_user_{name}").read_text(encoding="ascii"))
            for name in ("watches", "instances")
        )
    except (OSError, ValueError):
        return
    yield CheckRow.make(
        "inotify",
        watches < 2 * folders,
        f"{watches:,} watches and {instances:,} instances for all programs; "
        f"the vault has {folders:,} folder{'s' if folders != 1 else ''}",
        "Raise the limit with `sudo sysctl fs.inotify.max_user_watches=524288`; to keep it, add "
        "that setting to a file in /etc/sysctl.d.",
    )


def is_writable(folder: Path) -> bool:
    """Return True if a folder, or the nearest existing one above, is writable."""
    existing = next((item for item in (folder, *folder.parents) if item.exists()), folder)
    return existing.is_dir() and os.access(existing, os.W_OK | os.X_OK)


# -- checks of a vault for `vaultlink doctor` ------------------------------------------------------
# Nothing is written. Notes are read only if settings have names or topics.

_MAX_NAMED = 3
"""Files that a row names."""

_MAX_SETTING_BYTES = 16_000_000


def check_vault(scan: VaultScan, terminal: Terminal, *, is_named: bool) -> Iterator[CheckRow]:
    yield _check_choice(scan, is_named)
    yield from _check_files(scan)
    yield from _check_obsidian(scan)
    yield from _check_settings(scan, terminal)
    yield _check_cache(scan)
    yield _check_journal(scan.root)
    yield _check_git(scan.root)
    yield from check_inotify(len(scan.listing.folders))
    yield _check_names_on_disk(scan)
    yield from _check_traces(scan)


def _check_choice(scan: VaultScan, is_named: bool) -> CheckRow:
    reason = "named by --vault" if is_named else scan.choice or "found by .obsidian or settings"
    return CheckRow(
        "vault",
        not VaultChoice(scan.root, scan.choice).is_marked and scan.choice != WORK_TREE,
        f"{scan.root} ({reason})",
        f"`vaultlink init{name_vault(None, scan.root)}` writes a settings file, by which this "
        "folder is found at once."
        if scan.choice
        else "",
    )


def _check_files(scan: VaultScan) -> Iterator[CheckRow]:
    listing = scan.listing
    notes = sum(map(is_note, listing.files))
    others = format_count(len(listing.files) - notes, "other file")
    counts = f"{format_count(notes, 'note')}, {others}"
    counts += f", {format_count(len(listing.folders), 'folder')}"
    advice = "Run vaultlink in the folder that has the notes."
    yield CheckRow.make("files", not notes, counts, advice)
    for check, paths, detail, advice in (
        (
            "folders",
            [folder or "." for folder, _ in listing.unreadable_folders],
            "can't be read",
            "Links to files in them are reported as broken. Change the permissions.",
        ),
        (
            "iCloud",
            listing.evicted,
            "not on this disk",
            "Links to them are reported as broken. Download them in the Finder.",
        ),
        (
            "nested",
            listing.vaults,
            "the vault contains other vaults",
            "Their notes are part of this vault too. `exclude` in the settings leaves them out.",
        ),
    ):
        if paths:
            yield CheckRow(check, True, f"{detail}: {_name_some(paths)}", advice)


def _check_obsidian(scan: VaultScan) -> Iterator[CheckRow]:
    found = [path for path in OBSIDIAN_FILES if (scan.root / path).exists()]
    damaged = [path for path in found if not _is_json(scan, path)]
    names = [path.removeprefix(".obsidian/") for path in found]
    detail = "new links are like most links of their folder"
    if scan.obsidian.new_link_format is not None:
        style = "Markdown links" if scan.obsidian.use_markdown_links else "wikilinks"
        detail = f"new links are {style}, {scan.obsidian.new_link_format}"
    yield CheckRow.make(
        "Obsidian",
        damaged,
        f"{detail}; read {', '.join(names)}" if names else f"{detail}; no settings, so defaults",
        f"Not valid JSON, so defaults are used: {_name_some(damaged)}. "
        "Obsidian writes the file again when a setting is changed.",
    )
    if scan.unused_filters:
        yield CheckRow(
            "filters",
            True,
            f"Excluded files of Obsidian: {'; '.join(scan.unused_filters)}",
            "They exclude nothing here; use `exclude` in the settings of vaultlink.",
        )


def _is_json(scan: VaultScan, path: str) -> bool:
    try:
        json.loads(read_within(scan.root / path, scan.root, _MAX_SETTING_BYTES))
    except (OSError, ValueError, RecursionError):
        return False
    return True


def _check_settings(scan: VaultScan, terminal: Terminal) -> Iterator[CheckRow]:
    sources = ", ".join(layer.source for layer in scan.layers) or "defaults"
    try:
        rules = build_catalog(load_rules(examples=False))
        config = merge_layers(scan.layers, rules)
    except USER_ERRORS as error:
        yield CheckRow("settings", True, f"{sources}: not valid.", str(error))
        return
    counts = f"{len(config.enabled)} of {len(rules)} rules are on"
    yield CheckRow("settings", False, f"{sources}; {counts}")
    if unmatched := list_unmatched_items(scan, rules, config, terminal):
        yield CheckRow("unmatched", False, "; ".join(unmatched))


def _check_cache(scan: VaultScan) -> CheckRow:
    cache = scan.open_cache()
    if cache is None:
        return CheckRow("cache", False, "off (--no-cache)")
    size = 0
    with suppress(OSError):
        size = sum(file.stat().st_size for file in cache.folder.iterdir())
    can_write = is_writable(cache.folder)
    return CheckRow.make(
        "cache",
        not can_write,
        f"{cache.folder} ({size / 1e6:.1f} MB, {'writable' if can_write else 'not writable'})",
        "Every run reads all notes. Set VAULTLINK_CACHE_DIR to a folder.",
    )


def _check_journal(root: Path) -> CheckRow:
    try:
        folder = journal_folder(root)
    except USER_ERRORS as error:
        return CheckRow("journal", True, "has no folder.", str(error))
    problems: list[str] = []
    runs = format_count(len(list_runs(root, problems.append)), "run")
    can_write = is_writable(folder)
    advice = [
        *([] if can_write else ["Nothing can be fixed. Set VAULTLINK_STATE_DIR to a folder."]),
        *problems[:_MAX_NAMED],
    ]
    state = "writable" if can_write else "not writable"
    return CheckRow("journal", bool(advice), f"{folder} ({runs}, {state})", " ".join(advice))


def _check_git(root: Path) -> CheckRow:
    version = (run_git(root, "--version") or b"").decode("utf-8", "replace").strip()
    git_dir = find_git_dir(root)
    if git_dir is None:
        return CheckRow("git", False, f"{version or 'not found'}; the vault is in no repository")
    if not version:
        return CheckRow(
            "git",
            True,
            f"can't be run, but the vault is in the repository of {git_dir}",
            "Ignored files are checked, and renames in commits are not followed. Install git.",
        )
    head = run_to_end(root, "log", "--max-count=1", "--format=%H", with_errors=True)
    if head is None or head.code != 0:
        if has_no_commit_yet(root):
            return CheckRow("git", False, f"{version}; no commit yet")
        problem = (head.output if head else b"").decode("utf-8", "replace").strip().split("\n")[0]
        advice = problem or "Git refuses this repository."
        return CheckRow("git", True, f"{version}; can't read {git_dir}", advice)
    common = git_dir / (read_git_file(git_dir / "commondir").strip() or ".")
    is_shallow = (common / "shallow").exists()
    return CheckRow.make(
        "git",
        is_shallow,
        f"{version}; " + ("the clone is shallow" if is_shallow else "the history can be read"),
        "Renames in older commits are not known. `git fetch --unshallow` gets them.",
    )


def _check_names_on_disk(scan: VaultScan) -> CheckRow:
    """Look for files under other names, which shows how the disk compares names."""
    paths = ["", *scan.listing.files]
    case = _find_by_other_name(scan.root, paths, str.swapcase)
    form = _find_by_other_name(scan.root, paths, _other_normal_form)
    decomposed = [path for path in paths if unicodedata.normalize("NFC", path) != path]
    details = (
        "names were not compared"
        if case is None
        else f"a.md and A.md are {'one file' if case else 'different files'}"
    )
    if form is not None:
        details += f"; {'one' if form else 'different'} for é composed and decomposed"
    return CheckRow.make(
        "disk",
        decomposed,
        details,
        f"Names with decomposed letters, as of an old Mac: {_name_some(decomposed)}. "
        "Other systems may not find them; rename them.",
    )


def _find_by_other_name(
    root: Path, paths: Iterable[str], change: Callable[[str], str]
) -> bool | None:
    """Return True if a file is found by its changed name; None if no name changes."""
    for path in paths:
        file = root / path if path else root
        other = file.with_name(change(file.name))
        if other.name != file.name:
            try:
                return file.samefile(other)
            except OSError:
                return False
    return None


def _other_normal_form(name: str) -> str:
    composed = unicodedata.normalize("NFC", name)
    return composed if composed != name else unicodedata.normalize("NFD", name)


def _check_traces(scan: VaultScan) -> Iterator[CheckRow]:
    """Yield what other programs and other runs left or do in the vault."""
    copies = sorted(path for path in scan.listing.files if parse_conflict_copy(path))
    yield CheckRow.make(
        "conflicts",
        copies,
        f"{format_count(len(copies), 'copy', 'copies')} of sync services: {_name_some(copies)}"
        if copies
        else "no conflicting copies of sync services",
        "Merge each with its original and delete it; vaultlink changes neither until then.",
    )
    is_writing, leftovers = is_being_written(scan.root), scan.listing.leftovers
    yield CheckRow.make(
        "runs",
        leftovers and not is_writing,
        "another run is writing now"
        if is_writing
        else f"killed runs left {format_count(len(leftovers), 'temporary file')}: "
        f"{_name_some(leftovers)}"
        if leftovers
        else "no traces of killed runs",
        "No note needs them. The next run that writes, such as `vaultlink fix`, removes them.",
    )
    watchers = []
    with suppress(*USER_ERRORS, OSError):
        watchers = list_watchers(scan.root)
    states = [
        f"process {watcher.pid} {'applies fixes' if watcher.fixing else 'reports'}"
        for watcher in watchers
    ]
    yield CheckRow("watchers", False, "; ".join(states) or "no vaultlink watch is running")


def _name_some(paths: Sequence[str]) -> str:
    return list_first(paths, _MAX_NAMED)


class DoctorOptions(OpenOptions, frozen=True, kw_only=True):
    """Options of `doctor`."""

    folder: FolderArgument = None


_MAX_WIDTH = 80
"""Columns of the page; longer lines are harder to read."""


def doctor(options: DoctorOptions) -> int:
    """Check the installation, the vault and the system.

    Prints the version, the vault and how it was found, the settings in force, the places of the
    cache and the journal, what git and the disk can do, and what is left of killed runs. Advice
    stands below what needs attention. Items of settings that match nothing are no error. Nothing is
    written, and notes are read only to compare names in the settings. The exit code is 0 if
    everything is fine, 1 if something needs attention.

    Output formats: page (also when piped), tsv, json.
    """
    terminal = Terminal(options)
    choose_listing_format(terminal, "page", "page")
    rows = list(check_program())
    scan = _scan_vault(options, rows)
    if scan is not None:
        protect_vault(scan.root, terminal, scan)
        rows += check_vault(scan, terminal, is_named=options.vault is not None)
    attention = sum(row.attention for row in rows)
    head = {
        "version": vaultlink.__version__,
        "vault": str(scan.root) if scan else None,
        "attention": attention,
    }
    listing = Listing(
        "checks",
        rows,
        CheckRow.__struct_fields__,
        head=head,
        text=lambda: render_checks(rows, min(terminal.width, _MAX_WIDTH), terminal.palette),
    )
    print_listing(terminal, listing)
    terminal.print_message(
        f"{format_count(attention, 'line')} marked with ! need attention."
        if attention > 1
        else "1 line marked with ! needs attention."
        if attention
        else "Everything is fine."
    )
    return EXIT_FINDINGS if attention else EXIT_CLEAN


def _scan_vault(options: DoctorOptions, rows: list[CheckRow]) -> VaultScan | None:
    """Return the scanned vault; None, and a row, if there is a problem with it."""
    try:
        return scan_from_options(options, start_at(options.folder))
    except USER_ERRORS as error:
        rows.append(CheckRow("vault", True, "can't be opened.", str(error)))
        return None


def render_checks(rows: Sequence[CheckRow], width: int, palette: Palette) -> str:
    size = max(len(row.check) for row in rows)
    indent = " " * (size + 4)
    lines: list[str] = []
    for row in rows:
        mark = f"{palette.red}!{palette.reset}" if row.attention else " "
        detail, *more = wrap_text(escape_controls(row.detail), width - len(indent))
        lines.append(f"{mark} {palette.bold}{row.check:<{size}}{palette.reset}  {detail}")
        if row.advice:
            more += wrap_text(escape_controls(row.advice), width - len(indent))
        lines += [f"{indent}{line}" for line in more]
    return "".join(f"{line.rstrip()}\n" for line in lines)
