"""Inputs besides the vault: known findings, texts on stdin, and plan files."""

import os
import sys
from codecs import BOM_UTF8
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from vaultlink.cli.opening import to_vault_paths
from vaultlink.cli.options import CheckOptions, ReportOptions
from vaultlink.disk.scan import BASELINE_FILE, VaultScan, is_source_file, is_vault_path
from vaultlink.disk.vault_search import find_marked_folder
from vaultlink.errors import UsageError
from vaultlink.files import is_folder, path_exists, read_regular, read_stream
from vaultlink.git.location import find_work_tree
from vaultlink.text import blake2b, curl_quotes, quote_name

if TYPE_CHECKING:
    from vaultlink.api import Vault
    from vaultlink.baseline.match import KnownFindings
    from vaultlink.baseline.revision import Losses
    from vaultlink.disk.revisions import Revision
    from vaultlink.fix.loop import FindingSelector


# -- sources of known findings: the baseline, and the revision of `--changed-since` ----------------
# Both are read, and errors in them reported, before any note is read.


class LoadedInputs(NamedTuple):
    """The known findings of a vault by source, and what is gone since the revision.

    The vault has the history since the revision, if there is one.
    """

    vault: "Vault"
    known: "list[KnownFindings]"
    losses: "Losses | None" = None


class KnownInputs(msgspec.Struct, frozen=True):
    """A baseline's bytes and a revision, if given. Without both every finding is new.

    With `counts_losses`, what is gone since the revision is counted.
    """

    baseline: bytes | None = None
    revision: "Revision | None" = None
    counts_losses: bool = False

    @property
    def cache_key(self) -> str:
        """Identifies these sources in the cache of results."""
        return repr((self.baseline and blake2b(self.baseline).hexdigest(), self.revision))

    def load_known(self, vault: "Vault") -> LoadedInputs:
        """Return the known findings of a vault, per source."""
        return self.start_loading(vault.root)(vault)

    def start_loading(self, root: Path) -> "Callable[[Vault], LoadedInputs]":
        """Return what loads the findings of the vault at `root`, once it is loaded.

        Git starts at once, so that it runs while the vault is loaded.
        """
        load_revision = self._start_revision(root)

        def load(vault: "Vault") -> LoadedInputs:
            loaded = load_revision(vault)
            if self.baseline is None:
                return loaded
            from vaultlink.baseline.file import findings_in_baseline  # noqa: PLC0415 - only where there is one

            known = findings_in_baseline(vault, self.baseline)
            return loaded._replace(known=[known, *loaded.known])

        return load

    def _start_revision(self, root: Path) -> "Callable[[Vault], LoadedInputs]":
        if self.revision is None:
            return lambda vault: LoadedInputs(vault, [])
        from vaultlink.baseline.revision import (  # noqa: PLC0415 - only where one is named
            count_losses,
            findings_at_revision,
            with_history_since,
        )
        from vaultlink.disk.revisions import Comparison, read_past_contents  # noqa: PLC0415

        comparison = Comparison(root, self.revision)

        def load(vault: "Vault") -> LoadedInputs:
            contents = read_past_contents(vault.scan, vault.overlays, comparison)
            known = findings_at_revision(vault, comparison, contents)
            losses = count_losses(vault, comparison, contents) if self.counts_losses else None
            return LoadedInputs(with_history_since(vault, comparison, contents), [known], losses)

        return load


def find_known_inputs(options: ReportOptions, scan: VaultScan) -> KnownInputs:
    """Return the sources that the options select. Raises VaultError or ConfigError."""
    baseline, revision = None, None
    if not options.no_baseline and path_exists(scan.root / BASELINE_FILE):
        from vaultlink.baseline.file import read_baseline_file  # noqa: PLC0415

        baseline = read_baseline_file(scan.root)
    if options.changed_since is not None:
        from vaultlink.baseline.revision import find_merge_base  # noqa: PLC0415

        revision = find_merge_base(scan.root, options.changed_since)
    counts_losses = isinstance(options, CheckOptions) and (
        options.max_deleted_notes is not None or options.max_removed_links is not None
    )
    return KnownInputs(baseline, revision, counts_losses=counts_losses)


def select_revision_known(known: "Sequence[KnownFindings]") -> "list[KnownFindings]":
    """Return the findings known from a revision.

    `fix` does not fix these, but it fixes known findings of the baseline.
    """
    return [source for source in known if source.kind == "revision"]


def make_new_finding_selector(
    known: "Sequence[KnownFindings]", vault: "Vault", wanted: Callable[[str], bool]
) -> "FindingSelector | None":
    """Return a selector of the findings since a revision; None to select all."""
    since = select_revision_known(known)
    if not since:
        return None
    from vaultlink.baseline.match import split_known  # noqa: PLC0415

    return lambda state, sources: (
        split_known(
            state.diagnostics, since, lambda path: sources.text(path) or vault.text(path), wanted
        ).new
    )


# -- texts on standard input: that of a note, with `--stdin-filename`, or drafts -------------------
# Without one of these options a command works on paths on disk.

_STDIN_ARGUMENT = (Path("-"),)

_MAX_STDIN_BYTES = 64_000_000
"""Bytes of the longest text on standard input. Nobody types a note of ten thousand pages."""


def reads_stdin(options: ReportOptions) -> bool:
    """Return True if the text of a note, or drafts, are read from standard input.

    Raises UsageError if the arguments contradict each other.
    """
    name = "--stdin-drafts" if _has_drafts(options) else "--stdin-filename"
    if name == "--stdin-filename" and options.stdin_filename is None:
        if options.paths == _STDIN_ARGUMENT:
            raise UsageError(
                "- reads a text from standard input; --stdin-filename must name its note."
            )
        return False
    if not options.paths:
        raise UsageError(f"{name} requires - as the path: the text is read from there.")
    if options.paths != _STDIN_ARGUMENT:
        raise UsageError(
            f"{name} checks {'drafts' if _has_drafts(options) else 'one note'} only; "
            "remove the other paths, or replace them by -."
        )
    return True


def _has_drafts(options: ReportOptions) -> bool:
    """Return True if drafts are read from standard input."""
    return isinstance(options, CheckOptions) and options.stdin_drafts


def find_start_paths(options: ReportOptions) -> tuple[Path, ...]:
    """Return paths in the vault that the command is about, empty if none is named.

    The note on standard input and its folder need not exist, if it is in a vault.
    """
    if not reads_stdin(options):
        return options.paths
    if options.stdin_filename is None:  # drafts are those of the vault of the current folder
        return ()
    start = next(
        (
            start
            for start in (options.stdin_filename, *options.stdin_filename.parents)
            if os.path.lexists(start)
        ),
        Path(),
    )
    folder = start.resolve()
    if (
        start in (options.stdin_filename, options.stdin_filename.parent)
        or options.vault
        or folder.is_relative_to(Path.cwd())
        or find_marked_folder(folder)
        or find_work_tree(folder)
    ):
        return (start,)
    raise UsageError(
        f"--stdin-filename: no vault contains {options.stdin_filename}. "
        "Name the vault with --vault."
    )


def select_vault_paths(options: ReportOptions, root: Path) -> tuple[str, ...]:
    """Return the vault paths that the command is about; empty for all."""
    if _has_drafts(options):
        return ()
    return (
        (_find_stdin_note(options, root),)
        if reads_stdin(options)
        else to_vault_paths(root, options.paths)
    )


def with_stdin_text(options: ReportOptions, vault: "Vault") -> "Vault":
    """Return the vault with the text on standard input in place of its note, if given."""
    return (
        vault.holding(_find_stdin_note(options, vault.root), _read_stdin("--stdin-filename"))
        if reads_stdin(options)
        else vault
    )


def read_drafts(options: ReportOptions) -> dict[str, bytes] | None:
    """Return the drafts on standard input by vault path; None without --stdin-drafts.

    Raises UsageError.
    """
    if not _has_drafts(options):
        return None
    from vaultlink.baseline.drafts import encode_drafts  # noqa: PLC0415 - imports the linter

    try:
        return encode_drafts(_parse_drafts(_read_stdin("--stdin-drafts")), _MAX_STDIN_BYTES)
    except UsageError as error:
        raise UsageError(f"--stdin-drafts: {error}") from None


def _parse_drafts(data: bytes) -> dict[str, str]:
    try:
        drafts = msgspec.json.decode(data.removeprefix(BOM_UTF8))
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise UsageError(f"standard input is not JSON: {curl_quotes(str(error))}.") from None
    if not isinstance(drafts, dict):
        raise UsageError("standard input must be one JSON object: a text for each path.")
    for path, text in drafts.items():
        if not isinstance(text, str):
            raise UsageError(f"the value of {quote_name(path)} must be a text.")
    return drafts


def _read_stdin(option: str) -> bytes:
    if sys.stdin is None:  # closed by the parent process
        raise UsageError(f"{option}: can't read the text, because standard input is closed.")
    try:
        return read_stream(sys.stdin.buffer, _MAX_STDIN_BYTES)
    except OSError as error:
        raise UsageError(
            f"{option}: can't read the text on standard input: {error.strerror}."
        ) from None


def _find_stdin_note(options: ReportOptions, root: Path) -> str:
    named_path = options.stdin_filename or Path()
    for candidate in (named_path, root / named_path):
        for folder in (candidate.parent.resolve(), Path(os.path.abspath(candidate.parent))):  # noqa: PTH100 - keeps symbolic links
            if folder.is_relative_to(root) and (
                is_folder(candidate.parent) or candidate is not named_path
            ):
                path = (folder / candidate.name).relative_to(root).as_posix()
                if is_source_file(path) and is_vault_path(path):
                    return path
                raise UsageError(
                    f"--stdin-filename: {named_path} can't be a note or canvas of the vault {root}."
                )
    raise UsageError(
        f"--stdin-filename: {named_path} is outside the vault {root}. "
        "Name another vault with --vault."
    )


# -- the plan file of `rename --from-file` ---------------------------------------------------------

_MAX_PLAN_BYTES = 10_000_000
"""Bytes of the largest plan file that is read."""


def load_plan_text(file: Path) -> str:
    """Return the text of a plan file, or of standard input for `-`. Raises UsageError."""
    if str(file) == "-" and sys.stdin is None:  # closed by the parent process
        raise UsageError("--from-file: can't read the plan, because standard input is closed.")
    try:
        data = (
            read_stream(sys.stdin.buffer, _MAX_PLAN_BYTES)
            if str(file) == "-"
            else read_regular(file, _MAX_PLAN_BYTES)
        )
        return data.decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"--from-file: {file} can't be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise UsageError(f"--from-file: {file} is not UTF-8.") from None
