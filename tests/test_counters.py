"""How often commands do what is dear. Times differ between machines and runs; these numbers do not."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from generate import generate_articles
from running import let_time_pass
from vaultlink.__main__ import main
from vaultlink.index.packed_map import MAX_REMEMBERED, PackedMap
from vaultlink.model import Note

CHECK = """
import io, json, sys
from vaultlink.__main__ import main
sys.stdin = io.TextIOWrapper(io.BytesIO(sys.argv[2].encode()))
main(["check", "--quiet", "--output-format", "concise", *json.loads(sys.argv[1])])
print(len([name for name in sys.modules if name.startswith("vaultlink")]), file=sys.stderr)
"""


@pytest.fixture
def vault(tmp_path: Path) -> Path:
    """Return a vault that was checked, and whose notes are old."""
    generate_articles(tmp_path / "vault", 400)
    let_time_pass()
    check(tmp_path / "vault")
    return tmp_path / "vault"


def check(vault: Path, *options: str, text: str = "") -> int:
    """Check a vault, and return the number of vaultlink's modules that this imports."""
    done = subprocess.run(
        [sys.executable, "-c", CHECK, json.dumps(options), text],
        capture_output=True,
        text=True,
        check=True,
        cwd=vault,
        env={**os.environ, "VAULTLINK_CACHE_DIR": str(vault.parent / "cache")},
    )
    return int(done.stderr.split()[-1])


def append_line(vault: Path) -> Path:
    """Append a line to a note, and return the note."""
    note = sorted(vault.rglob("*.md"))[150]
    with note.open("a", encoding="utf-8") as text:
        text.write("\nOne more line.\n")
    let_time_pass()
    return note


@pytest.mark.thorough
@pytest.mark.parametrize("notes", [MAX_REMEMBERED + 100, 2 * MAX_REMEMBERED + 100])
def test_notes_decoded_by_a_cold_check(
    notes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More notes than are kept decoded: each is decoded to check it, and some for other notes."""
    decoded = 0
    decode = PackedMap._decode

    def count(self: PackedMap[Any], packed: bytes, kind: Any = None) -> Any:
        nonlocal decoded
        decoded += (kind or self._kind) is Note
        return decode(self, packed, kind)

    monkeypatch.setattr(PackedMap, "_decode", count)
    generate_articles(tmp_path, notes)
    assert main(["check", "--vault", str(tmp_path), "--quiet", "--no-cache", "--jobs", "1"]) == 1
    assert notes <= decoded <= 1.5 * notes


def test_modules_imported_by_repeated_checks(vault: Path) -> None:
    assert check(vault) <= 38
    note = append_line(vault)
    assert check(vault) <= 132
    text = note.read_text(encoding="utf-8") + "More.\n"
    assert check(vault, "--stdin-filename", str(note), "-", text=text) <= 132


def test_changed_check_writes_only_its_answer(vault: Path) -> None:
    """The state is saved again when more notes have changed. Few findings take little space."""

    def list_files() -> dict[str, tuple[int, int, int]]:
        return {
            path.name: (info.st_size, info.st_ino, info.st_mtime_ns)
            for path in (vault.parent / "cache").rglob("*")
            if path.is_file()
            for info in [path.stat()]
        }

    before = list_files()
    append_line(vault)
    check(vault)
    written = {name: size for name, (size, *_) in (list_files().items() - before.items())}
    assert written.keys() == {"answer-check-concise"}
    assert sum(written.values()) <= 250_000
