"""`vaultlink merge-driver`: the command that git calls to merge a note.

It runs once for each note that both sides changed, so modules are imported only when needed. If
anything fails, git's own merge of the note is written.
"""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated

from msgspec.structs import replace

from vaultlink.cli.exit_codes import EXIT_CLEAN, EXIT_FINDINGS
from vaultlink.cli.options import PrintOptions, argument, option
from vaultlink.errors import UsageError
from vaultlink.git.objects import merge_files
from vaultlink.write.files import replace_file, temporary_files

EXIT_DRIVER_FAILED = 129
"""Exit code above 128: to git the driver failed, and the note is not merged at all."""

_SECTION_MARKER = b"vaultlink:backlinks"
_MISSING_LABELS = ("", "%S", "%X", "%Y")
"""Labels that git did not fill in; before version 2.44 it fills in none."""

_BINARY_PROBE_SIZE = 8000
"""Number of bytes that git searches for a zero byte, which marks a file as binary."""

DriverResult = tuple[bytes, bool]
"""Merged bytes, and True if they contain conflicts."""


class MergeDriverOptions(PrintOptions, frozen=True, kw_only=True):
    files: Annotated[
        tuple[Path, ...],
        argument(
            "BASE OURS THEIRS",
            "The three versions: %O, %A and %B; then optionally %L and %P.",
        ),
    ] = ()
    marker_size: Annotated[
        int | None,
        option("--marker-size", metavar="N", help="Length of conflict markers: %L."),
    ] = None
    path: Annotated[
        str, option("--path", metavar="PATH", help="Path of the note in the repository: %P.")
    ] = ""
    base_label: Annotated[
        str, option("--base-label", metavar="TEXT", help="Label of the base in conflicts: %S.")
    ] = ""
    ours_label: Annotated[
        str, option("--ours-label", metavar="TEXT", help="Label of our side in conflicts: %X.")
    ] = ""
    theirs_label: Annotated[
        str, option("--theirs-label", metavar="TEXT", help="Label of their side in conflicts: %Y.")
    ] = ""


def merge_driver(options: MergeDriverOptions) -> int:
    """Merge three versions of a note, as a git merge driver.

    Of a managed backlinks section, the version of one side is taken if the other side changed only
    entries that vaultlink writes; the next `vaultlink fix` adds these. The rest is merged by git,
    as are sections in which both sides typed. `vaultlink init --merge-driver` configures git to
    call this command. Git does not pass options such as -X ours to merge drivers.

    The result is written to OURS. The exit code is 0 if everything was merged, 1 if conflicts
    remain, 2 after a usage error, above 128 if nothing could be merged; OURS is then unchanged.

    Output formats: none. Prints nothing.
    """
    if not 3 <= len(options.files) <= 5:
        raise UsageError("three files are required, as in `vaultlink merge-driver %O %A %B`.")
    options = _read_extra_arguments(options)
    outcome: DriverResult | None = None
    with suppress(Exception):  # git's own merge is a correct fallback
        outcome = _merge_sections(options)
    outcome = outcome or _merge_with_git(options, options.files) or _keep_binary(options)
    if outcome is None or not replace_file(options.files[1], outcome[0]):
        return EXIT_DRIVER_FAILED
    return EXIT_FINDINGS if outcome[1] else EXIT_CLEAN


def _read_extra_arguments(options: MergeDriverOptions) -> MergeDriverOptions:
    """Read marker size and path from arguments after the files, as other drivers do."""
    extra = [str(word) for word in options.files[3:]]
    size = next((int(word) for word in extra if word.isdecimal()), None)
    path = next((word for word in extra if not word.isdecimal()), "")
    return replace(
        options,
        files=options.files[:3],
        marker_size=options.marker_size or size,
        path=options.path or path,
    )


def _merge_with_git(options: MergeDriverOptions, files: Sequence[Path]) -> DriverResult | None:
    given_labels = (options.ours_label, options.base_label, options.theirs_label)
    labels = [
        name if label in _MISSING_LABELS else label
        for label, name in zip(given_labels, ("ours", "base", "theirs"), strict=True)
    ]
    base, ours, theirs = (file.absolute() for file in files)
    return merge_files([ours, base, theirs], labels, options.marker_size or 7)


def _keep_binary(options: MergeDriverOptions) -> DriverResult | None:
    """Return our version, in conflict, as git does for binary files; None for text."""
    with suppress(OSError):
        if any(b"\0" in file.read_bytes()[:_BINARY_PROBE_SIZE] for file in options.files):
            return options.files[1].read_bytes(), True
    return None


def _merge_sections(options: MergeDriverOptions) -> DriverResult | None:
    """Merge sections apart from the rest; return None without sections.

    Raises any exception if the note can't be merged like that.
    """
    contents = [file.read_bytes() for file in options.files]
    is_note = (options.path or ".md").lower().endswith(".md")
    if not is_note or not any(_SECTION_MARKER in data for data in contents):
        return None
    from vaultlink.backlinks.merge import merge_note  # noqa: PLC0415 - most notes have no section

    def merge_texts(texts: Sequence[str]) -> tuple[str, bool]:
        with temporary_files(texts) as files:
            merged, has_conflicts = _merge_with_git(options, files) or (b"", None)
        if has_conflicts is None:
            raise OSError("git can't merge the rest of the note")
        return merged.decode(), has_conflicts

    text, has_conflicts = merge_note(
        [data.decode() for data in contents], options.path, merge_texts
    )
    return text.encode(), has_conflicts
