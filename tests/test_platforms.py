"""Tests of what vaultlink does on Windows and macOS, simulated on Linux: no fork, no inotify, disks that ignore case and Unicode form.

tests/simulated.py replaces facts of the standard library before vaultlink is imported; nothing of vaultlink is replaced.
"""

import ast
import os
import subprocess
import sys
import unicodedata
from collections.abc import Mapping
from pathlib import Path

import pytest

from conftest import list_posix_only
from running import create_vault, read_files
from source import ROOT
from tables import each

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="simulates other systems on Linux")

SYSTEMS = ("win32", "darwin-nfd")
SCRIPT = ROOT / "tests" / "simulated.py"
CAFE, CAFE_NFD = "Caf\u00e9.md", "Cafe\u0301.md"
NOTES = {
    "Home.md": "# Home\r\n\r\nTo the [[Harbour]], the [[Port]] and the [[old light]].\r\n",
    "Harbour.md": "---\naliases: [Port]\n---\nBack [[Home]], and to the [[Old Light]].\n",
    "sea/Old Light.md": "A tower. [[Nowhere]]\n",
    CAFE: "To [[Caf\u00e9]] and [[Cafe\u0301]].\n",
}


def run_on(system: str, vault: Path, *words: str, code: int = 0, **environment: str) -> str:
    """Return the output of a command on a simulated system; `linux` simulates nothing."""
    program: list[str | Path] = [sys.executable, SCRIPT, system, vault]
    if system == "linux":
        program = [sys.executable, "-m", "vaultlink"]
    done = subprocess.run(
        [*program, *words, "--vault", vault],
        cwd=vault,
        env={**os.environ, "VAULTLINK_DEBUG": "" if code == 2 else "1", **environment},
        capture_output=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == code, (done.stdout + done.stderr).decode()
    return done.stdout.decode()


def make_vault(folder: Path, more: Mapping[str, str] | None = None) -> Path:
    """Create the vault of these tests."""
    return create_vault(folder, {**NOTES, **(more or {})})


@pytest.mark.thorough
@each("system", SYSTEMS)
def test_findings_fixes_and_undo_are_as_on_linux(system: str, tmp_path: Path) -> None:
    """Checked twice, with the cache too, in one process, since `--jobs 2` can't fork on Windows."""
    vault, other = make_vault(tmp_path / "vault"), make_vault(tmp_path / "other" / "vault")
    before = read_files(vault)
    options = ["check", "--json", "--jobs", "2", "--no-history"]
    expected = run_on("linux", other, *options, code=1).replace(str(other), str(vault))
    for _ in range(2):
        assert run_on(system, vault, *options, code=1) == expected
    run_on(system, vault, "fix", "-q", "--no-history", code=1)
    run_on("linux", other, "fix", "-q", "--no-history", code=1)
    assert read_files(vault) == read_files(other) != before
    run_on(system, vault, "undo")
    assert read_files(vault) == before


@each("system", SYSTEMS)
def test_only_the_case_of_a_name_changes(system: str, tmp_path: Path) -> None:
    vault = make_vault(tmp_path / "vault")
    run_on(system, vault, "rename", "Old Light", "OLD LIGHT")
    files = read_files(vault)
    assert "sea/OLD LIGHT.md" in files
    assert "sea/Old Light.md" not in files
    assert b"[[OLD LIGHT]]" in files["Harbour.md"]
    run_on(system, vault, "undo")
    assert set(read_files(vault)) == {*NOTES}


@pytest.mark.thorough
@each("system", SYSTEMS)
@each("name", ["harbour", "HARBOUR"])
def test_a_name_that_is_taken_in_another_case_is_refused(
    system: str, name: str, tmp_path: Path
) -> None:
    vault = make_vault(tmp_path / "vault")
    before = read_files(vault)
    run_on(system, vault, "rename", "Home", name, code=2)
    assert read_files(vault) == before


@each("system", SYSTEMS)
def test_notes_are_found_in_either_unicode_form(system: str, tmp_path: Path) -> None:
    vault = make_vault(tmp_path / "vault")
    if system == "darwin-nfd":
        (vault / CAFE).rename(vault / CAFE_NFD)
    findings = run_on(
        system, vault, "check", "--select", "VL101", "--output-format", "concise", code=1
    )
    assert "Caf" not in findings
    run_on(system, vault, "rename", CAFE, "Bistro.md")
    assert (vault / "Bistro.md").read_text(encoding="utf-8") == "To [[Bistro]] and [[Bistro]].\n"
    run_on(system, vault, "undo")
    [name] = [path for path in read_files(vault) if path.startswith("Caf")]
    assert unicodedata.normalize("NFC", name) == CAFE
    assert read_files(vault)[name].decode() == NOTES[CAFE]


@each("system", SYSTEMS)
def test_created_notes_are_in_a_folder_that_exists_and_undo_removes_them(
    system: str, tmp_path: Path
) -> None:
    vault = make_vault(tmp_path / "vault", {"New/Other.md": "[[Missing]]\n"})
    before = read_files(vault)
    run_on(system, vault, "fix", "-q", "--unsafe-fixes", "--create", "New", "--no-history")
    assert set(read_files(vault)) == {*before, "New/Missing.md", "New/Nowhere.md"}
    run_on(system, vault, "undo")
    assert read_files(vault) == before


@each("system", ["linux", *SYSTEMS])
@each(
    ("folder", "created"),
    [
        (".", {"New/Missing.md", "New/Deep/Fog.md", "Nowhere.md"}),
        ("nEW", {"New/new/Missing.md", "New/new/Deep/Fog.md", "New/Nowhere.md"}),
    ],
)
def test_created_notes_are_in_the_folder_that_differs_in_case(
    system: str, folder: str, created: set[str], tmp_path: Path
) -> None:
    vault = make_vault(tmp_path / "vault", {"New/Old.md": "[[new/Missing]] [[new/Deep/Fog]]\n"})
    before = read_files(vault)
    words = ("fix", "--unsafe-fixes", "--create", folder, "--no-history")
    assert run_on(system, vault, *words, "--output-format", "concise") == ""
    assert read_files(vault).keys() - before.keys() == created


@pytest.mark.thorough
@each("name", ["CON", "nul", "com1", "aux.old"])
def test_reserved_names_are_never_written_on_windows(name: str, tmp_path: Path) -> None:
    vault = make_vault(tmp_path / "vault", {"Drive.md": f"[[{name}]]\n"})
    before = set(read_files(vault))
    run_on("win32", vault, "rename", "Home", name, code=2)
    run_on("win32", vault, "fix", "-q", "--unsafe-fixes", "--create", ".", "--no-history", code=1)
    assert set(read_files(vault)) == before | {"Nowhere.md"}


def test_a_path_that_windows_cannot_open_is_a_finding(tmp_path: Path) -> None:
    folder = "/".join(["a-folder-with-a-long-name" * 4] * 3)
    vault = make_vault(tmp_path / "vault")
    note = vault / folder / "Deep.md"
    note.parent.mkdir(parents=True)
    note.write_text("[[Port]]\n", encoding="utf-8")
    told = run_on("win32", vault, "check", "--output-format", "concise", "--no-history", code=1)
    assert "[[Home]]" not in told
    before = note.read_bytes()
    run_on("win32", vault, "fix", "-q", "--no-history", code=1)
    assert note.read_bytes() == before
    assert b"[[Harbour|Port]]" in (vault / "Home.md").read_bytes()


@each("system", SYSTEMS)
def test_caches_and_journals_are_in_the_folders_of_the_system(system: str, tmp_path: Path) -> None:
    vault, home = make_vault(tmp_path / "vault"), tmp_path / "home"
    places = {"HOME": str(home), "LOCALAPPDATA": str(home / "Local")}
    unset = {"VAULTLINK_CACHE_DIR": "", "VAULTLINK_STATE_DIR": ""}
    run_on(system, vault, "fix", "-q", "--no-history", code=1, **places, **unset)
    folders = {
        "win32": ("Local/vaultlink/Cache", "Local/vaultlink/State"),
        "darwin": ("Library/Caches/vaultlink", "Library/Application Support/vaultlink"),
    }
    for folder in folders[system.partition("-")[0]]:
        assert any((home / folder).rglob("*")), folder


@pytest.mark.thorough
@each("encoding", ["cp1252", "cp437", "utf-16-le"])
def test_output_is_utf8_with_unix_line_ends_on_any_console(encoding: str, tmp_path: Path) -> None:
    """Python's stdout there translates line ends, and can't encode all characters."""
    vault = make_vault(tmp_path / "vault", {"日記.md": "[[Nirgendwo – 日]]\n"})
    code = (
        "import io, sys\n"
        "for name in ('stdout', 'stderr'):\n"
        "    raw = getattr(sys, name).buffer\n"
        f"    setattr(sys, name, io.TextIOWrapper(raw, encoding={encoding!r}, newline='\\r\\n'))\n"
        "from vaultlink.__main__ import main\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    for output_format in ("full", "concise", "json"):
        words = ["check", "--vault", ".", "--no-history", "--output-format", output_format]
        outputs = [
            subprocess.run(
                [sys.executable, *start, *words], cwd=vault, capture_output=True, check=False
            )
            for start in (["-c", code], ["-m", "vaultlink"])
        ]
        assert outputs[0].stdout == outputs[1].stdout
        assert outputs[0].stderr == outputs[1].stderr
        assert "日".encode() in outputs[0].stdout or output_format == "json"
        assert b"\r" not in outputs[0].stdout


@pytest.mark.thorough
def test_tests_collected_on_windows_import_nothing_of_posix() -> None:
    """`conftest.py` leaves out the others; imports of a test are those of its helpers, too."""
    posix = {"fcntl", "grp", "pexpect", "pty", "pwd", "resource", "termios", "tty"}
    left_out = set(list_posix_only())
    for file in sorted((ROOT / "tests").glob("test_*.py")):
        imported = {
            alias.name.partition(".")[0]
            for node in ast.parse(file.read_bytes()).body
            if isinstance(node, ast.Import)
            for alias in node.names
        }
        assert file.name in left_out or not imported & posix, file.name
    assert {"test_action.py", "test_hyperlinks.py", "test_release.py"} <= left_out
    assert not {"test_parse.py", "test_rules.py", "test_engine.py", "test_fix_rounds.py"} & left_out
