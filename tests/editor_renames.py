"""A large vault in which editors rename a note, and what the command line makes of the same rename."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from running import PROGRAM, create_vault, read_files

START, OLD, NEW = "Start.md", "Notes/Old note", "Brand new"
"""The note with the first link, and the note that is renamed, without its `.md`."""

_LINES = (
    "See [[Old note#H one]] and [[Old note#^b1|block]] and ![[Old note#H one]].",
    "🙂🙂 é [[Old note]], [text](<../Notes/Old note.md#H%20one>), [x](../Notes/Old%20note.md)",
    "- [[Notes/Old note|é🌊]] [[Old note]] [[Old note]]\n- `[[Old note]]` [[old Note#h ONE]] ^end",
)


def make_files(linking: int, count: int = 1000) -> dict[str, bytes]:
    """Return the files of a vault with so many notes, of which some link to the old note.

    Their links have all forms, in texts with line ends of Windows, a byte order mark, and properties.
    """
    files = {
        "vaultlink.toml": "",
        START: "# Start\n\nBegin with [[Old note]], not with [[Missing 1]].\n",
        f"{OLD}.md": "# Top\n\n## H one\n\nText ^b1\n\n[[#H one]] [[Old note#H one]] [[Note 1]]\n",
    }
    for number in range(count - 2):
        lines = [f"# Title {number}", "", f"[[Note {number // 2}]] and [[Missing {number % 50}]]."]
        if number < linking:
            lines.append(_LINES[number % len(_LINES)])
        text = "\n".join([*lines, ""])
        if number % 5 == 1:
            text = f'---\nup: "[[Old note]]"\n---\n{text}' if number < linking else text
        if number % 7 == 2:
            text = text.replace("\n", "\r\n")
        if number % 11 == 3:
            text = f"\ufeff{text}"
        files[f"Folder {number % 9}/Note {number}.md"] = text
    return {path: text.encode() for path, text in files.items()}


def rename_by_command(folder: Path, files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the files of a copy of a vault after `vaultlink rename`."""
    vault = create_vault(folder / "by command", files)
    homes = {f"VAULTLINK_{name}_DIR": str(folder / name) for name in ("CACHE", "STATE")}
    subprocess.run(
        [*PROGRAM, "rename", f"{OLD}.md", NEW, "--vault", str(vault), "--quiet"],
        env={**os.environ, **homes},
        check=True,
        capture_output=True,
    )
    return read_files(vault)
