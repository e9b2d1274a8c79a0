"""Setup of `vaultlink merge-driver` in git.

Sets an attribute in the vault's .gitattributes and a command in the repository's configuration.
"""

import shlex
import sys
from pathlib import Path

from vaultlink.errors import UsageError
from vaultlink.git.program import run_git
from vaultlink.write.files import replace_file

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
        raise UsageError(_explain_no_repository(root))
    return [_set_attribute(root), *_configure_driver(root)]


def build_driver_command() -> str:
    """Return the command line that git runs in a shell.

    It contains the path of the interpreter, because graphical programs run git with a short PATH.
    If vaultlink is no longer installed or fails, git merges by itself.
    """
    program = shlex.quote(Path(sys.executable).as_posix()).replace("%", "%%") + " -P -m vaultlink"
    if not sys.executable:
        program = "vaultlink"
    return (
        f"{program} merge-driver %O %A %B --marker-size %L --path %P "
        "--base-label %S --ours-label %X --theirs-label %Y; "
        "code=$?; test $code = 0 || "
        f"{{ test $code = 1 && {program} --version >/dev/null 2>&1; }} && exit $code; "
        "git merge-file --marker-size=%L -L %X -L %S -L %Y %A %O %B"
    )


def _explain_no_repository(root: Path) -> str:
    if run_git(root, "--version") is None:
        return "git is not installed or not on the PATH; nothing was set up."
    return f"{root} is not in a git repository. `git init` creates one."


def _set_attribute(root: Path) -> str:
    file = root / ".gitattributes"
    if _is_in_force(root):
        return (
            "git already merges notes with vaultlink: "
            f"the attribute {GIT_ATTRIBUTE.split()[1]} is set."
        )
    if file.is_symlink():
        raise UsageError(
            f"{file} is a symbolic link, which git does not follow; nothing was written."
        )
    try:
        old = file.read_bytes() if file.exists() else b""
    except OSError as error:
        raise UsageError(f"can't read {file}: {error.strerror}.") from None
    if old.startswith(_UTF16_MARKS):
        raise UsageError(f"{file} is UTF-16, which git does not read; nothing was written.")
    if not replace_file(file, _append_attribute(old)):
        raise UsageError(f"can't write {file}; nothing was written.")
    if not _is_in_force(root):
        return (
            f"Wrote `{GIT_ATTRIBUTE}` to {file}, "
            "but other attributes in the repository override it."
        )
    return f"Wrote `{GIT_ATTRIBUTE}` to {file}; commit it, so that every clone has it."


def _is_in_force(root: Path) -> bool:
    output = run_git(root, "check-attr", "-z", "merge", "--", "note.md") or b""
    return output.split(b"\0")[2:3] == [b"vaultlink"]


def _append_attribute(old: bytes) -> bytes:
    end = b"\r\n" if b"\r\n" in old else b"\n"
    return old + (b"" if not old or old.endswith(b"\n") else end) + GIT_ATTRIBUTE.encode() + end


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
