"""The file of a report: its format, and the check that it replaces nothing else."""

import stat as modes
from pathlib import Path

from vaultlink.dashboard.json_form import JSON_MARK
from vaultlink.dashboard.markdown_form import MARKDOWN_MARK
from vaultlink.errors import UsageError

HTML_MARK = '<meta name="generator" content="vaultlink'
"""A part of the head of a page, by which a later run recognises the file."""

_HEAD_BYTES = 4_096
"""Bytes at the start of a file that contain the mark of a report."""

FORMATS_BY_EXTENSION = {
    ".html": "html",
    ".htm": "html",
    ".json": "json",
    ".md": "markdown",
    ".markdown": "markdown",
}
"""File extension to the output format that it implies."""


def check_report_file(file: Path) -> None:
    """Check that a report can be written to `file` without loss.

    Raises:
        UsageError: Its folder does not exist, or it exists and is not a report.
    """
    try:
        status = file.stat()
    except (OSError, ValueError):
        if not file.parent.is_dir():
            raise UsageError(f"can't write {file}: its folder does not exist.") from None
        return
    if modes.S_ISDIR(status.st_mode):
        raise UsageError(f"can't write {file}: it is a folder. Name a file in it.")
    if modes.S_ISREG(status.st_mode) and status.st_size and not is_report(_read_head(file)):
        raise UsageError(
            f"{file} exists and is not a report of vaultlink. Nothing was written. "
            "Name another file, or remove that one first."
        )


def is_report(head: bytes) -> bool:
    """Return True if a file that starts with these bytes is a report."""
    starts = (MARKDOWN_MARK.encode(), JSON_MARK.encode())
    is_page = head.lstrip()[:9].lower() == b"<!doctype"
    return head.startswith(starts) or (is_page and HTML_MARK.encode() in head)


def _read_head(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            return stream.read(_HEAD_BYTES)
    except OSError as error:
        raise UsageError(f"can't read {file}: {error.strerror}.") from None
