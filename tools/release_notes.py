"""Print the part of the changelog about the version of a tag, such as v0.6.0.

python tools/release_notes.py TAG

Exits with a message if the tag is not that of the version in pyproject.toml, or if the
changelog has no entries for it.
"""

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def find_entries(changelog: str, version: str) -> str:
    """Return the text below the heading of a version, with or without a date; else empty."""
    start = rf"^## {re.escape(version)}(?: - \d{{4}}-\d\d-\d\d)?\n"
    found = re.search(start + r"(.*?)(?=^## |\Z)", changelog, re.MULTILINE | re.DOTALL)
    return found[1].strip() if found else ""


def make_notes(tag: str, root: Path) -> str:
    """Return the notes of a release. Exits if the checkout is not that of the tag."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    if tag != f"v{project['version']}":
        sys.exit(f"The tag is {tag}, but the version in pyproject.toml is {project['version']}.")
    entries = find_entries((root / "CHANGELOG.md").read_text(encoding="utf-8"), project["version"])
    if not entries:
        sys.exit(f"CHANGELOG.md has no entries for {project['version']}.")
    return _RELATIVE_LINK.sub(r"\1", entries) + "\n"


_RELATIVE_LINK = re.compile(r"\[([^\[\]]+)\]\((?!https?:)[^)]+\)")
"""A link to a file of the repository, which leads nowhere on the page of a release."""


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: release_notes.py TAG")
    sys.stdout.write(make_notes(sys.argv[1], ROOT))
