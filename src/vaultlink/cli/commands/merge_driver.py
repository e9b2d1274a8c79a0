"""`vaultlink merge-driver`: merge three versions of a note; set git up to do so."""

import os
import shlex
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated

from msgspec.structs import replace

from vaultlink.cli.exit_codes import EXIT_CLEAN, EXIT_FINDINGS
from vaultlink.cli.options import PrintOptions, argument, option
from vaultlink.errors import UsageError
from vaultlink.files import UnusualFileError, read_regular, read_start
from vaultlink.git.objects import merge_files
from vaultlink.git.program import NO_GIT, has_git, run_git
from vaultlink.programs import build_own_command
from vaultlink.write.own_files import replace_file, temporary_files

# -- `vaultlink merge-driver`: the command that git calls to merge a note --------------------------
# It runs once for each note that both sides changed, so modules are imported only when needed. If
# anything fails, git's own merge of the note is written.

EXIT_DRIVER_FAILED = 129
"""Exit code above 128: to git the driver failed, and the note is not merged at all."""

_MISSING_LABELS = ("", "%S", "%X", "%Y")
"""Labels that git did not fill in; before version 2.44 it fills in none."""

_BINARY_PROBE_SIZE = 8000
"""Number of bytes that git searches for a zero byte, which marks a file as binary."""

_MAX_ATTRIBUTES_BYTES = 16_000_000
"""Bytes of the largest `.gitattributes` that is read."""

DriverResult = tuple[bytes, bool]
"""Merged bytes, and True if they contain conflicts."""


class MergeDriverOptions(PrintOptions, frozen=True, kw_only=True):
    """Options of `merge-driver`."""

    files: Annotated[
        tuple[Path, ...],
        argument(
            "BASE OURS THEIRS",
            "The three versions: %O, %A and %B; then optionally %L and %P.",
            is_required=True,
        ),
    ] = ()
    marker_size: Annotated[int | None, option("Length of conflict markers: %L.", metavar="N")] = (
        None
    )
    path: Annotated[str, option("Path of the note in the repository: %P.", metavar="PATH")] = ""
    base_label: Annotated[str, option("Label of the base in conflicts: %S.", metavar="TEXT")] = ""
    ours_label: Annotated[str, option("Label of our side in conflicts: %X.", metavar="TEXT")] = ""
    theirs_label: Annotated[
        str, option("Label of their side in conflicts: %Y.", metavar="TEXT")
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
    _require_regular(options.files)
    outcome: DriverResult | None = None
    with suppress(Exception):  # git's own merge is a correct fallback
        outcome = _merge_sections(options)
    outcome = outcome or _merge_with_git(options, options.files) or _keep_binary(options)
    if outcome is None or not replace_file(options.files[1], outcome[0]):
        return EXIT_DRIVER_FAILED
    return EXIT_FINDINGS if outcome[1] else EXIT_CLEAN


def _require_regular(files: Sequence[Path]) -> None:
    """Raise UsageError for a pipe or device, for whose end git would wait.

    Other files that can't be read are named.
    """
    for file in files:
        try:
            read_start(file, 0)
        except UnusualFileError as error:
            raise UsageError(f"can't merge {file}: {error.strerror}.") from None
        except OSError as error:
            from vaultlink.cli.terminal import print_stderr  # noqa: PLC0415 - rarely needed
            from vaultlink.report.layout import escape_controls  # noqa: PLC0415 - as above

            print_stderr(f"can't merge {escape_controls(str(file))}: {error.strerror}.")


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
        if any(b"\0" in read_start(file, _BINARY_PROBE_SIZE) for file in options.files):
            return read_regular(options.files[1]), True
    return None


def _merge_sections(options: MergeDriverOptions) -> DriverResult | None:
    """Merge sections apart from the rest; return None without sections.

    Raises any exception if the note can't be merged like that.
    """
    contents = [read_regular(file) for file in options.files]
    is_note = (options.path or ".md").lower().endswith(".md")
    if not is_note or not any(b"vaultlink:backlinks" in data for data in contents):
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


# -- setup of `vaultlink merge-driver` in git ------------------------------------------------------
# Sets an attribute in the vault's .gitattributes and a command in the repository's configuration.

GIT_ATTRIBUTE = "*.md merge=vaultlink"
DRIVER_NAME = "backlinks sections by vaultlink, all else by git"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
"""Byte order marks of UTF-16 files, which git does not read."""


def set_up_merge_driver(root: Path) -> list[str]:
    """Make git merge notes with vaultlink; return sentences on what was changed.

    The attribute is in the vault's folder and shared through the repository. The command is in the
    configuration of this clone only, because git takes no commands from a repository. Clones
    without the command merge as usual.
    """
    if run_git(root, "rev-parse", "--git-dir") is None:
        if not has_git():
            raise UsageError(f"{NO_GIT}; nothing was set up.")
        raise UsageError(f"{root} is not in a git repository. `git init` creates one.")
    return [_set_attribute(root), *_configure_driver(root)]


def build_driver_command() -> str:
    """Return the command line that git runs in a shell.

    It contains the path of the interpreter, because graphical programs run git with a short PATH.
    If vaultlink is no longer installed or fails, git merges by itself.
    """
    program, *options = build_own_command()
    program = shlex.join((Path(program).as_posix(), *options)).replace("%", "%%")
    return (
        f"{program} merge-driver %O %A %B --marker-size %L --path %P "
        "--base-label %S --ours-label %X --theirs-label %Y; "
        "code=$?; test $code = 0 || "
        f"{{ test $code = 1 && {program} --version >/dev/null 2>&1; }} && exit $code; "
        "git merge-file --marker-size=%L -L %X -L %S -L %Y %A %O %B"
    )


def _set_attribute(root: Path) -> str:
    file = root / ".gitattributes"

    def is_in_force() -> bool:
        output = run_git(root, "check-attr", "-z", "merge", "--", "note.md") or b""
        return output.split(b"\0")[2:3] == [b"vaultlink"]

    if is_in_force():
        return (
            "git already merges notes with vaultlink: "
            f"the attribute {GIT_ATTRIBUTE.split()[1]} is set."
        )
    if file.is_symlink():
        raise UsageError(
            f"{file} is a symbolic link, which git does not follow; nothing was written."
        )
    try:
        old = read_regular(file, _MAX_ATTRIBUTES_BYTES) if os.path.lexists(file) else b""
    except OSError as error:
        raise UsageError(f"can't read {file}: {error.strerror}.") from None
    if old.startswith(_UTF16_MARKS):
        raise UsageError(f"{file} is UTF-16, which git does not read; nothing was written.")
    end = b"\r\n" if b"\r\n" in old else b"\n"
    gap = b"" if not old or old.endswith(b"\n") else end
    if not replace_file(file, old + gap + GIT_ATTRIBUTE.encode() + end):
        raise UsageError(f"can't write {file}; nothing was written.")
    if not is_in_force():
        return (
            f"Wrote `{GIT_ATTRIBUTE}` to {file}, "
            "but other attributes in the repository override it."
        )
    return f"Wrote `{GIT_ATTRIBUTE}` to {file}; commit it, so that every clone has it."


def _configure_driver(root: Path) -> list[str]:
    wanted = {"merge.vaultlink.name": DRIVER_NAME, "merge.vaultlink.driver": build_driver_command()}
    changed = False
    for key, value in wanted.items():
        if run_git(root, "config", "--local", "--get", key) == f"{value}\n".encode():
            continue
        if run_git(root, "config", "--local", "--replace-all", key, value) is None:
            raise UsageError(f"git could not set {key}; is its configuration locked or read-only?")
        changed = True
    return [
        "Set merge.vaultlink in the repository's local configuration; each clone needs this once."
        if changed
        else "The repository's configuration already has merge.vaultlink."
    ]
