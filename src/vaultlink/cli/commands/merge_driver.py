"""`vaultlink merge-driver`: what git calls to merge a note. The result takes the place of our version.

It runs once for each note that both sides changed, so nothing is imported before it is needed. Whatever goes wrong, what is
written is git's own merge of the note.
"""

from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from vaultlink.cli.exit_codes import EXIT_CLEAN, EXIT_FINDINGS
from vaultlink.cli.options import PrintOptions, argument, option
from vaultlink.errors import UsageError
from vaultlink.git import merge_files
from vaultlink.write.files import replace_file, temporary_files

if TYPE_CHECKING:
    from vaultlink.backlinks.merge.note import MergeResult
    from vaultlink.backlinks.merge.three_way import ThreeWay

EXIT_DRIVER_FAILED = 129
"""Above 128, and so to git no conflict but a driver that failed: it does not merge at all."""

_SECTION_MARKER = b"vaultlink:backlinks"
_MISSING_LABELS = ("", "%S", "%X", "%Y")
"""Labels that git did not give; before 2.44 it knows none of these."""

_BINARY_PROBE_SIZE = 8000
"""So many bytes git looks at for one that is zero, which no text has."""

DriverResult = tuple[bytes, bool]


@dataclass(frozen=True, kw_only=True)
class MergeDriverOptions(PrintOptions):
    """What `merge-driver` is told."""

    files: Annotated[
        tuple[Path, ...],
        argument(
            "BASE OURS THEIRS",
            "The three versions: %O, %A and %B; behind them may stand %L and %P.",
        ),
    ] = ()
    marker_size: Annotated[
        int | None,
        option("--marker-size", metavar="N", help="How long the marks of conflicts are: %L."),
    ] = None
    path: Annotated[
        str, option("--path", metavar="PATH", help="The note's path in the repository: %P.")
    ] = ""
    base_label: Annotated[
        str, option("--base-label", metavar="TEXT", help="What conflicts call the base: %S.")
    ] = ""
    ours_label: Annotated[
        str, option("--ours-label", metavar="TEXT", help="What conflicts call our side: %X.")
    ] = ""
    theirs_label: Annotated[
        str, option("--theirs-label", metavar="TEXT", help="What conflicts call theirs: %Y.")
    ] = ""


def merge_driver(options: MergeDriverOptions) -> int:
    """Merge three versions of a note for git.

    Backlinks sections that vaultlink keeps are merged as sets of entries, without conflicts, and what somebody typed in
    them is kept from both sides. All else is merged as git does it. `vaultlink init --merge-driver` has git call this;
    options of git's such as -X ours are not told to drivers.

    The result is written into OURS. The exit code is 0 if all was merged, 1 if conflicts are left, 2 if the line can't be
    followed, above 128 if nothing could be merged; OURS is as it was then.

    Output formats: none; nothing is printed.
    """
    if not 3 <= len(options.files) <= 5:
        raise UsageError("git names three files, as in `vaultlink merge-driver %O %A %B`.")
    options = _read_extra_arguments(options)
    base, ours, theirs = options.files
    outcome: DriverResult | None = None
    with suppress(Exception):  # git's own merge is never wrong, only less
        outcome = _merge_sections(options)
    outcome = outcome or _merge_with_git(options, (ours, base, theirs)) or _keep_binary(options)
    if outcome is None or not replace_file(ours, outcome[0]):
        return EXIT_DRIVER_FAILED
    return EXIT_FINDINGS if outcome[1] else EXIT_CLEAN


def _read_extra_arguments(options: MergeDriverOptions) -> MergeDriverOptions:
    """The options with the marks' size and the path, where these stand behind the files, as other drivers have them."""
    more = [str(word) for word in options.files[3:]]
    size = next((int(word) for word in more if word.isdecimal()), None)
    path = next((word for word in more if not word.isdecimal()), "")
    return replace(
        options,
        files=options.files[:3],
        marker_size=options.marker_size or size,
        path=options.path or path,
    )


def _merge_with_git(
    options: MergeDriverOptions, files: tuple[Path, Path, Path]
) -> DriverResult | None:
    """Git's own merge of ours, the base and theirs."""
    given = (options.ours_label, options.base_label, options.theirs_label)
    labels = [
        name if label in _MISSING_LABELS else label
        for label, name in zip(given, ("ours", "base", "theirs"), strict=True)
    ]
    return merge_files([file.absolute() for file in files], labels, options.marker_size or 7)


def _keep_binary(options: MergeDriverOptions) -> DriverResult | None:
    """What git does with files that are no text: ours stays, in conflict."""
    with suppress(OSError):
        if any(b"\0" in file.read_bytes()[:_BINARY_PROBE_SIZE] for file in options.files):
            return options.files[1].read_bytes(), True
    return None


def _merge_sections(options: MergeDriverOptions) -> DriverResult | None:
    """A merge of the sections apart from the rest; None for a note without any. Raises what it can't cope with."""
    read = [file.read_bytes() for file in options.files]
    if not any(_SECTION_MARKER in data for data in read) or not (
        options.path or ".md"
    ).lower().endswith(".md"):
        return None
    from vaultlink.backlinks.merge.note import merge_note  # noqa: PLC0415 - most notes have no section
    from vaultlink.backlinks.merge.three_way import ThreeWay  # noqa: PLC0415 - most notes have no section

    text, conflicts = merge_note(
        ThreeWay(*(data.decode() for data in read)), lambda texts: _merge_texts(options, texts)
    )
    return text.encode(), conflicts


def _merge_texts(options: MergeDriverOptions, texts: "ThreeWay[str]") -> "MergeResult":
    from vaultlink.backlinks.merge.note import MergeResult  # noqa: PLC0415
    from vaultlink.backlinks.merge.three_way import CannotMerge  # noqa: PLC0415

    with temporary_files(list(texts)) as (base, ours, theirs):
        outcome = _merge_with_git(options, (ours, base, theirs))
    if outcome is None:
        raise CannotMerge("git can't merge the rest")
    return MergeResult(outcome[0].decode(), outcome[1])
