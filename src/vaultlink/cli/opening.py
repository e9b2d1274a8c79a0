"""Open the vault of a command, and show its paths as users see them."""

import os
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec
from msgspec.structs import replace

from vaultlink.cli.options import (
    CheckOptions,
    ListOptions,
    OpenOptions,
    PathsOptions,
    RuleSelectionOptions,
    VaultOptions,
    read_path,
)
from vaultlink.cli.terminal import PrintedPart, Terminal, print_stderr, record_output
from vaultlink.config.layers import Layer
from vaultlink.disk.obsidian_files import APP_FILE
from vaultlink.disk.scan import Settings, VaultScan, list_files, read_layers, scan_vault
from vaultlink.disk.vault_search import (
    VaultChoice,
    describe_unread_configs,
    find_marked_folder,
    find_vault,
    require_vault_folder,
)
from vaultlink.errors import UnknownNameError, UsageError, explain_path, explain_word, propose
from vaultlink.files import is_folder, path_exists
from vaultlink.index.resolve import file_name, is_note, make_path_filter, resolve_with_alternatives
from vaultlink.report.layout import escape_controls, truncate_left
from vaultlink.text import list_first, quote_name
from vaultlink.write.cache import save_result

if TYPE_CHECKING:
    from vaultlink.api import Vault
    from vaultlink.config.settings import Config
    from vaultlink.model import Note
    from vaultlink.refactor.arguments import FindPath


# -- opening the vault of a command, and resolving notes and paths named by the user ---------------
# Settings from environment variables are read here.

StartPaths: TypeAlias = Sequence[Path]
"""Paths that the vault contains, on disk or in the vault; without any, the current folder."""

RULE_OPTIONS = ("select", "ignore", "extend_select", "fixable", "unfixable")
"""Options that choose rules, in all commands that check."""


def build_settings(options: OpenOptions) -> Settings:
    """Return the settings for opening the vault, from options and the environment."""
    overrides: dict[str, Any] = {
        name.replace("_", "-"): list(value)
        for name in RULE_OPTIONS
        if (value := getattr(options, name, ()))
    }
    if isinstance(options, RuleSelectionOptions) and (options.preview or options.no_preview):
        if options.preview and options.no_preview:
            raise UsageError("--preview and --no-preview can't be used together.")
        overrides["preview"] = options.preview
    return Settings(
        config_file=options.config or _read_path_variable("VAULTLINK_CONFIG"),
        isolated=options.isolated,
        cache=not options.no_cache,
        cache_dir=read_cache_dir(options.cache_dir),
        jobs=options.jobs,
        history=not options.no_history,
        overrides=overrides,
        compare=not _only_checks(options),
    )


def _only_checks(options: OpenOptions) -> bool:
    """Return True for options of a command that compares no texts of notes."""
    if isinstance(options, CheckOptions):
        return not (options.fix or options.diff)
    return isinstance(options, ListOptions)


def scan_from_options(
    options: OpenOptions, start: StartPaths = (), overrides: Mapping[str, Any] | None = None
) -> VaultScan:
    """Scan the vault that is named, else that of the start. Reads no note.

    `overrides` are settings of the command in addition to those of its options.
    """
    if options.isolated and options.config:
        raise UsageError("--isolated and --config can't be used together.")
    settings = build_settings(options)
    if overrides:
        settings = replace(settings, overrides={**settings.overrides, **overrides})
    if options.vault:
        return scan_vault(options.vault, settings)
    choice = _find_containing_vault(start)
    scan = scan_vault(choice.root, settings)
    return scan if scan.choice == choice.reason else replace(scan, choice=choice.reason)


def find_vault_root(options: OpenOptions, start: StartPaths = ()) -> Path:
    """Return the root that `scan_from_options` would scan, without scanning it."""
    root = options.vault or _find_containing_vault(start).root
    if is_folder(root):
        return root.resolve()
    return scan_from_options(options, start).root  # raises the error that explains the problem


def name_vault(vault: Path | None, root: Path) -> str:
    """Return the option with which another command takes the same vault.

    "" if a command without paths takes it in the current folder.
    """
    if vault is None and not _is_default_vault(root):
        vault = Path(find_path_prefix(root) or os.path.relpath(root))
    return f" --vault {shlex.quote(str(vault))}" if vault else ""


def _is_default_vault(root: Path) -> bool:
    try:
        return find_vault().root.resolve() == root
    except UsageError:
        return False


def find_root(options: VaultOptions, terminal: Terminal) -> Path:
    """Return the root of the vault of a command that scans nothing; report the choice."""
    if options.vault is None:
        choice = find_vault()
        report_choice(choice, terminal)
        root = choice.root
    else:
        root = _resolve_folder(options.vault)
    protect_vault(root, terminal)
    return root


def _resolve_folder(folder: Path) -> Path:
    """Return the absolute path of a folder. Raises UsageError if there is none."""
    if not is_folder(folder):
        problem = "it is a file, not a folder" if path_exists(folder) else "no such folder"
        raise UsageError(f"{folder}: {problem}. {explain_word(str(folder))}".rstrip())
    return folder.resolve()


def choose_named_vault(vault: Path | None, folder: Path | None) -> Path | None:
    """Return the vault that an option or an argument names; None if neither does.

    Raises UsageError if both do, or if the argument is no folder or too wide to be a vault.
    """
    if folder is None:
        return vault
    if vault is not None:
        raise UsageError("the argument VAULT and --vault can't be used together.")
    return require_vault_folder(_resolve_folder(folder))


def start_at(path: Path | None) -> StartPaths:
    """Return where the search for a vault starts, if an argument may name its folder."""
    return () if path is None else (path,)


def find_note_start(options: VaultOptions, words: Iterable[str | None]) -> StartPaths:
    """Return where the search for the vault of named notes starts.

    Those of the words that are paths on disk decide it if the current folder is in no vault, and
    they are in one, or not in what would be taken as the vault.
    """
    present = [path for word in words if (path := _find_on_disk(word or ""))]
    if options.vault or not present or find_marked_folder(Path.cwd()):
        return ()
    try:
        if not find_vault(present).reason:
            return present
        root = find_vault().root
    except UsageError:
        return present
    is_inside = all(
        os.path.lexists(root / path) or path.resolve().is_relative_to(root) for path in present
    )
    return () if is_inside else present


def _find_on_disk(word: str) -> Path | None:
    """Return the path on disk that a word names, or its part before `#`; else None."""
    name = word.partition("#")[0]
    texts = (word, name, f"{name}.md") if name else ()
    return next((Path(text) for text in texts if os.path.lexists(text)), None)


def open_from_options(options: OpenOptions, terminal: Terminal, start: StartPaths = ()) -> "Vault":
    scan = scan_from_options(options, start)
    warn_of_scan(scan, terminal)
    return open_scanned_vault(scan, terminal)


OPENED: "list[Vault]" = []
"""The vault that a command opened: to free it before the process ends would take time."""


def open_scanned_vault(scan: VaultScan, terminal: Terminal, *, warns: bool = True) -> "Vault":
    """Open a scanned vault; with `warns`, print what its settings do not do."""
    from vaultlink.api import open_vault  # noqa: PLC0415 - an unchanged vault needs no check

    OPENED.clear()
    with terminal.progress_line() as progress:
        vault = open_vault(scan.root, scan.settings, progress, scan)
    OPENED.append(vault)
    if warns and (warning := describe_skipped_preview(vault.config)):
        terminal.print_message(warning)
    return vault


# -- what a command printed, kept for a run on the unchanged vault ---------------------------------


class KeptOutput(msgspec.Struct, array_like=True):
    """Everything that a command printed, and its exit code."""

    printed: list[PrintedPart]
    exit_code: int


class KeptAnswer:
    """The last answer of its kind about a vault, and its place in the cache.

    `output` is what was printed, if that was about the same vault and the same inputs; else None.
    """

    output: KeptOutput | None = None

    def __init__(
        self, scan: VaultScan, terminal: Terminal, kind: str, inputs: str | None, left_out: str = ""
    ):
        """Look up the answer of a command, or of what else its `kind` names.

        `inputs` is what the answer depends on beside the vault and the terminal; None if it can't
        be kept. `left_out` is the vault path of a file that does not count.
        """
        self._terminal, self._key = terminal, None
        self._entry = f"answer-{kind}-{terminal.written_format}"
        self._cache = scan.open_cache() if inputs is not None else None
        if self._cache is None:
            return
        folders = scan.listing.folders
        closed = [path for path, folder in folders.items() if not os.access(folder, os.W_OK)]
        query = (kind, inputs, terminal.describe(scan.root), _current_folder(), closed)
        self._key = scan.cache_key(repr(query), left_out=left_out)
        data = self._cache.load_result(self._key, self._entry) if self._key else None
        with suppress(msgspec.MsgspecError, ValueError):
            self.output = msgspec.msgpack.decode(data or b"", type=KeptOutput)

    def print(self, answer: Callable[[], int], *, is_kept: bool = True) -> int:
        """Print the kept answer, or else have one printed; return the exit code.

        With `is_kept`, it is kept for a run on the unchanged vault.
        """
        if self.output is not None:
            self._terminal.print_again(self.output.printed)
            return self.output.exit_code
        if self._cache is None or self._key is None or not is_kept:
            return answer()
        with record_output() as printed:
            code = answer()
        output = msgspec.msgpack.encode(KeptOutput(printed, code))
        save_result(self._cache, self._key, output, self._entry)
        return code


def answer_from_options(
    name: str,
    options: OpenOptions,
    terminal: Terminal,
    answer: "Callable[[Vault], int]",
    start: StartPaths = (),
    *,
    is_kept: bool = True,
) -> int:
    """Print an answer about the vault of the options; return the exit code.

    With `is_kept`, it is kept for a run on the unchanged vault.
    """
    scan = scan_from_options(options, start)
    warn_of_scan(scan, terminal)
    kept = KeptAnswer(scan, terminal, name, repr(options) if is_kept else None)
    return kept.print(lambda: answer(open_scanned_vault(scan, terminal)))


def describe_skipped_preview(config: "Config") -> str:
    """Return a warning of selected preview rules that do not run; "" if none."""
    names = config.skipped_preview
    if not names:
        return ""
    verb = "is in preview and does" if len(names) == 1 else "are in preview and do"
    return (
        f"warning: {', '.join(names)} {verb} not run. "
        "--preview, or `preview = true` in the settings, switches preview rules on."
    )


def protect_vault(root: Path, terminal: Terminal, scan: VaultScan | None = None) -> None:
    """Have the output file checked against a vault and its settings.

    Without a scan, its folders are listed, and the settings are those of its file.
    """
    if terminal.output_file is None:
        return
    folders = (scan.listing if scan else list_files(root)).folders
    linked = {
        Path(os.path.realpath(folder)): path
        for path, folder in folders.items()
        if os.path.islink(folder)  # noqa: PTH114 - paths as text
    }
    terminal.vault_folders = {root: "", **linked}

    def read_vault_layers() -> Sequence[Layer]:
        if scan is not None:
            return scan.layers
        return read_layers(root, Settings(config_file=_read_path_variable("VAULTLINK_CONFIG")))

    terminal.read_vault_layers = read_vault_layers


def report_choice(choice: VaultChoice, terminal: Terminal) -> None:
    """Print which folder was taken as the vault, and why, unless it is marked as one."""
    if not choice.is_marked:
        reason = f" ({choice.reason})."
        root = escape_controls(str(choice.root))
        if terminal.is_terminal:  # one line, of which the end of the path says most
            root = truncate_left(root, terminal.width - len("Vault: ") - len(reason))
        terminal.print_message(f"Vault: {root}{reason}")


def warn_of_scan(scan: VaultScan, terminal: Terminal) -> None:
    """Print what is odd about a vault: its choice, other vaults, folders, filters.

    The files in unreadable folders seem not to exist. Files that an unused filter of Obsidian
    excludes are checked.
    """
    report_choice(VaultChoice(scan.root, scan.choice), terminal)
    protect_vault(scan.root, terminal, scan)
    if nested := scan.listing.vaults:
        terminal.print_message(
            f"{'Nested vaults' if len(nested) > 1 else 'Nested vault'}: "
            f"{escape_controls(list_first(nested))}. "
            f"{'Their' if len(nested) > 1 else 'Its'} notes count here, too; "
            "safe fixes by name do not cross."
        )
    if program := scan.obsidian.linking_program:
        terminal.print_message(
            f"The notes are those of {program}, which resolves links in its own way. "
            + (
                "vaultlink reads most of them as Obsidian does: an unresolved link is no error, "
                "and no fix is safe here."
                if program == "Logseq"
                else "vaultlink reads links as Obsidian does, so no fix of a link is safe here."
            )
        )
    for folder, reason in scan.listing.unreadable_folders:
        terminal.print_message(
            f"warning: the folder {folder or scan.root} can't be read: {reason}."
        )
    if evicted := scan.listing.evicted:
        first = escape_controls(list_first(evicted))
        terminal.print_message(
            f"warning: iCloud has removed files from this disk: {first}. "
            "Links to them are reported as broken. Download them before you fix links."
        )
    if not (scan.settings.isolated or scan.settings.config_file):
        for sentence in describe_unread_configs(scan.root):
            terminal.print_message(f"warning: {sentence}.")
    if any("backlinks" in layer.values for layer in scan.layers):
        from vaultlink.config.settings import list_retired_settings  # noqa: PLC0415 - rarely set

        for sentence in list_retired_settings(scan.layers):
            terminal.print_message(f"warning: {sentence}")
    for clause in scan.unused_filters:
        terminal.print_message(
            f"warning: {scan.root / APP_FILE}: Excluded files: {clause}. It excludes nothing here; "
            "use `exclude` in the settings of vaultlink."
        )


def warn_of_leftovers(scan: VaultScan, terminal: Terminal) -> None:
    """Print that an interrupted run left temporary files, unless one is writing."""
    leftovers = scan.listing.leftovers
    if not leftovers:
        return
    from vaultlink.write.undo import is_being_written  # noqa: PLC0415 - hardly ever needed

    if not is_being_written(scan.root):
        terminal.print_message(
            "warning: an interrupted run left temporary files: "
            f"{escape_controls(list_first(leftovers))}. No note needs them. "
            "The next run that writes, such as `vaultlink fix`, removes them."
        )


def find_note_argument(vault: "Vault", name: str) -> str:
    """Return the vault path of a note named on the command line. Raises UsageError."""
    from vaultlink.index.titles import (  # noqa: PLC0415 - for few commands
        find_similar_paths,
        read_address,
        unwrap_link,
    )
    from vaultlink.refactor.arguments import (  # noqa: PLC0415 - as above
        find_aliased_note,
        find_folder,
    )

    word = read_address(name, vault.root.name) or unwrap_link(name, vault.index)
    for text in (word, word.partition("#")[0]):  # a link may lead to a part of the note
        path = (
            _find_from_outside(vault, text)
            or vault.find(text)
            or find_aliased_note(vault.index, text)
        )
        if path is not None:
            _report_others(vault, text, path)
            return path
    if folder := find_folder(vault.index, word):
        raise UsageError(f"{folder}/ is a folder. Name a note.")
    if hint := explain_word(name):
        raise UnknownNameError(f"there is no note {quote_name(name)} in {vault.root}. {hint}")
    near = [item.path for item in vault.suggest(word)]
    near = near or find_similar_paths(word, list(filter(is_note, vault.index.files)), folders=False)
    hint = propose(near[:2], "A note is named by its path in the vault, or as in a link.")
    raise UnknownNameError(f"there is no note {quote_name(name)} in {vault.root}. {hint}")


def _report_others(vault: "Vault", word: str, path: str) -> None:
    """Print which other files have a name, if it is no path and several have it."""
    found, others = resolve_with_alternatives("", word, vault.index.names)
    if found == path and path != word and others:
        print_stderr(escape_controls(f"{path}; also {list_first(sorted(others), 4)}"))


def _find_from_outside(vault: "Vault", name: str) -> str | None:
    """Return the vault path of a path on disk, from a folder outside the vault."""
    folder = _current_folder()
    if folder is None or folder.is_relative_to(vault.root):
        return None
    texts = [text for text in (name, f"{name}.md") if os.path.lexists(text)]
    inside = _find_inside(vault.root, texts[0]) if texts else None
    return None if inside is None else vault.find(inside)


def select_link_sources(vault: "Vault", names: Sequence[str]) -> list[str]:
    """Return the named sources of links in order, without duplicates; else all."""
    if not names:
        return sorted(vault.index.notes)
    paths = dict.fromkeys(find_note_argument(vault, name) for name in names)
    for path in paths:
        if path not in vault.index.notes:
            raise UsageError(
                f"{path} is an attachment and contains no links. "
                "`vaultlink backlinks` lists the links to it."
            )
    return list(paths)


def to_vault_paths(root: Path, paths: Sequence[Path]) -> tuple[str, ...]:
    """Convert paths on disk to vault paths; "" is the whole vault."""
    return tuple(_to_vault_path(root, path) for path in paths)


def make_part_filter(options: PathsOptions, vault: "Vault") -> Callable[[str], bool]:
    """Return whether a vault path is in the paths of the options, as a function."""
    return make_path_filter(to_vault_paths(vault.root, options.paths))


def _find_containing_vault(start: StartPaths) -> VaultChoice:
    """Return the vault of paths on disk, or in the vault of the current folder."""
    present = [path for path in start if os.path.lexists(path)]
    if present or not start:
        return find_vault(present)
    try:
        current_vault = find_vault()
    except UsageError:
        raise _missing_path_error(start[0], None) from None
    if os.path.lexists(current_vault.root / start[0]):
        return current_vault
    raise _missing_path_error(start[0], current_vault.root)


def read_cache_dir(named: Path | None) -> Path | None:
    """Return the folder of caches that the option or the environment names, if any."""
    return named or _read_path_variable("VAULTLINK_CACHE_DIR")


def _read_path_variable(variable: str) -> Path | None:
    value = os.environ.get(variable)
    return read_path(variable, value) if value else None


def _to_vault_path(root: Path, path: Path) -> str:
    """Convert a path on disk, or else in the vault, to a vault path."""
    for candidate in (path, root / path):
        if os.path.lexists(candidate):
            inside = _find_inside(root, candidate)
            if inside is not None:
                return inside
            raise UsageError(
                f"{path} is outside the vault {root}. Name another vault with --vault."
            )
    raise _missing_path_error(path, root)


def _find_inside(root: Path, path: str | Path) -> str | None:
    """Return the vault path of a path on disk, which need not exist.

    It is "" for the vault itself, and None for a path that does not lead into it.
    """
    lexical = Path(os.path.abspath(path))  # noqa: PTH100 - keeps symbolic links
    for absolute in (lexical, lexical.resolve(), _follow_links_to(root, lexical)):
        if absolute.is_relative_to(root):
            name = absolute.relative_to(root).as_posix()
            return "" if name == "." else name
    return None


def _follow_links_to(root: Path, path: Path) -> Path:
    """Follow the symbolic links of a path that lead to the vault, not those in it."""
    outer = next((folder for folder in path.parents if folder.resolve() == root), None)
    return path if outer is None else root / path.relative_to(outer)


def _missing_path_error(path: Path, root: Path | None) -> UsageError:
    """Return the error for a path that does not exist, or is a pattern in quotes."""
    from vaultlink.index.titles import find_similar_paths  # noqa: PLC0415 - only for this message

    near = find_similar_paths(str(path), list_files(root).files) if root else []
    hint = propose([shlex.quote(make_path_formatter(root)(item)) for item in near]) if root else ""
    hint = explain_path(str(path), is_unknown=not near) or hint
    return UnknownNameError(f"{path}: no such file or folder. {hint}".rstrip())


# -- words that name what a command changes ------------------------------------------------------


def make_path_finder(vault: "Vault") -> "FindPath":
    """Return a function from a path on disk to a vault path.

    The path of a folder ends with a slash. The function returns None if the path does not lead to a
    file or folder of the vault. It raises UsageError if a symbolic link leads there that the vault
    does not list.
    """
    root, files = os.fspath(vault.root), vault.index.files

    def find(text: str) -> str | None:
        _refuse_link(vault, text)
        try:
            absolute = os.path.abspath(text)  # noqa: PTH100 - keeps symbolic links
            for path in (absolute, os.path.realpath(absolute)):
                inside = path == root or path.startswith(os.path.join(root, ""))  # noqa: PTH118
                name = path[len(root) :].strip(os.sep).replace(os.sep, "/")
                if inside and name in files:
                    return name
                if inside and os.path.isdir(path):  # noqa: PTH112
                    return f"{name}/"
        except (OSError, ValueError):
            return None
        return None

    return find


def _refuse_link(vault: "Vault", text: str) -> None:
    """Raise UsageError for a path with a symbolic link that is not listed."""
    from vaultlink.disk.probe import find_unlisted_link  # noqa: PLC0415 - for few commands

    files, folders = vault.index.files, vault.scan.listing.folders
    found = find_unlisted_link(vault.root, text, lambda path: path in files or path in folders)
    if found is None:
        return
    link, path = found
    advice = "It leads to nothing that the vault lists."
    if path in files or (path and path in folders):
        kind, slash = ("file", "") if path in files else ("folder", "/")
        advice = f"Name the {kind} that it leads to: {path}{slash}."
    clause = "is" if link == file_name(text.rstrip("/")) else f"is behind {link},"
    raise UsageError(f"{quote_name(text)} {clause} a symbolic link. {advice} Nothing was written.")


def to_source_word(vault: "Vault", text: str) -> str:
    """Return the name of a file, tag, ... in the vault; an alias becomes a path.

    Raises UsageError.
    """
    from vaultlink.index.titles import unwrap_link  # noqa: PLC0415 - for few commands
    from vaultlink.refactor.arguments import find_source  # noqa: PLC0415
    from vaultlink.write.refactors import expand_alias  # noqa: PLC0415

    inner, find = to_vault_word(vault, text), make_path_finder(vault)
    word = unwrap_link(text if inner == "/" else inner, vault.index)  # errors name what was typed
    named = expand_alias(vault.index, vault.root, word, find)
    if named == word and (subpath := find_source(vault.index, word, find).subpath):
        _report_equal_headings(
            vault.index.notes[find_source(vault.index, word, find).path], subpath
        )
    return named


def _report_equal_headings(note: "Note", subpath: str) -> None:
    """Print which heading is meant if several have the name."""
    from vaultlink.index.anchors import find_equal_headings  # noqa: PLC0415 - for few commands

    found = find_equal_headings(note, subpath)
    if len(found) > 1:
        print_stderr(
            f"{quote_name(subpath[1:])} is the first of {len(found):,} headings with this text, "
            f"in line {found[0].line:,}. Name another one with a heading above it: Note#A#B."
        )


def to_vault_word(vault: "Vault", text: str) -> str:
    """Return a word; a path on disk in the vault becomes a vault path.

    It is absolute, or begins with folders that lead into the vault and are not in it. Raises
    UsageError for an absolute path outside the vault, unless it may be a vault path.
    """
    if os.sep != "/":
        text = text.replace(os.sep, "/")
    first = text.strip("/").split("/")[0]
    is_absolute = text.startswith("/")
    is_known = first not in ("", ".", "..") and (
        path_exists(vault.root / first) or path_exists(vault.root / f"{first}.md")
    )
    if "/" not in text or not first or (is_known and not is_absolute):
        return text
    if is_absolute or not Path.cwd().is_relative_to(vault.root):
        for path in dict.fromkeys((text, text.partition("#")[0])):
            _refuse_link(vault, path)
        inside = _find_inside(vault.root, text)
        if inside is not None:
            return f"/{inside}/" if inside and text.endswith("/") else f"/{inside}"
    if is_absolute and not is_known and path_exists(f"/{first}"):
        raise UsageError(
            f"{escape_controls(text)} is outside the vault {vault.root}. "
            "A path in the vault needs no slash in front."
        )
    if text.startswith("../") and path_exists(text) and _find_inside(vault.root, text) is None:
        raise UsageError(f"{escape_controls(text)} is outside the vault {vault.root}.")
    return text


def to_target_word(
    vault: "Vault", text: str, sources: Iterable[str], *, is_folder: bool = False
) -> str:
    """Return a word as `to_vault_word` does: a new name, or with `is_folder` a folder.

    Raises UsageError if sources are named by paths on disk, from a folder outside the vault, and
    the word, read as such a path, leads out of the vault.
    """
    word = to_vault_word(vault, text)
    folder, first = _current_folder(), text.removeprefix("./").split("/")[0]
    if (
        word != text
        or not (is_folder or "/" in text.removeprefix("./"))
        or (folder is None or folder.is_relative_to(vault.root))
        or not path_exists(first)
        or _find_inside(vault.root, text) is not None
    ):
        return word
    named = next((item for item in sources if _find_on_disk(item)), None)
    other = find_marked_folder(Path(os.path.abspath(text)))  # noqa: PTH100 - keeps symbolic links
    is_known = path_exists(vault.root / first)
    if named is None or _find_from_outside(vault, named.partition("#")[0]) is None:
        return word
    if other is None and is_known:
        return word
    place = (
        f"in the vault {other}, and {escape_controls(named)} in the vault {vault.root}"
        if other
        else f"outside the vault {vault.root}"
    )
    raise UsageError(
        f"{escape_controls(text)} is {place}. Run the command in that vault to name a path in it. "
        "Nothing was written."
    )


# -- vault paths as editors open them --------------------------------------------------------------


def make_path_formatter(root: Path) -> Callable[[str], str]:
    """Return a function from a vault path to the path to show.

    It is relative to the current folder, or absolute if that has nothing in common with the vault.
    """
    prefix = find_path_prefix(root)
    if prefix is not None:
        return lambda path: prefix + path
    folder = _current_folder()
    return cache(lambda path: os.path.relpath(root / path, folder).replace(os.sep, "/"))


def find_path_prefix(root: Path) -> str | None:
    """Return what precedes vault paths, such as `notes/`.

    None if the current folder is below the vault, so that paths have nothing in common.
    """
    folder = _current_folder()
    if folder == root or folder is None:
        return ""
    if folder.is_relative_to(root):
        return None
    shared = os.path.commonpath((root, folder)) if root.drive == folder.drive else root.anchor
    shown = root if shared == root.anchor else Path(os.path.relpath(root, folder))
    return f"{shown.as_posix()}/"


def _current_folder() -> Path | None:
    try:
        return Path.cwd()
    except OSError:  # it was deleted
        return None
