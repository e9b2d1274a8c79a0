"""Tests of `protect`: what the settings name is read, but no command changes it."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from running import RunCommand, create_vault, read_files, write_files
from vaultlink.config.patterns import compile_ordered_globs

VAULT: Mapping[str, bytes] = {
    ".vaultlink.toml": b'protect = ["raw/", "!raw/open/"]\n',
    "Long Pier.md": b"# Long Pier\n\n## Low\n\nabout the Long Quay\n",
    "Long Quay.md": b"# Long Quay\n\nthe Long Pier #sea\n",
    "raw/Source.md": b"[[long-pier]] [[Long Pier#Low]] Long Quay #sea\n",
    "raw/open/Note.md": b"[[long-pier]]\n",
    "map.png": b"png",
}


@pytest.fixture
def vault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Create the sample vault and make it the current folder."""
    folder = create_vault(tmp_path / "vault", VAULT)
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize(
    ("patterns", "selected", "others"),
    [
        (["raw/"], ["raw/a.md", "x/raw/a.md", "raw/b/c.md"], ["raw.md", "b/raws/a.md"]),
        (["/raw/"], ["raw/a.md"], ["x/raw/a.md"]),
        (["raw/", "!raw/open/"], ["raw/a.md"], ["raw/open/a.md"]),
        (["!raw/open/", "raw/"], ["raw/a.md", "raw/open/a.md"], []),
        (["*.canvas"], ["a.canvas", "b/c.canvas"], ["a.md"]),
        ([], [], ["a.md"]),
    ],
)
def test_last_pattern_that_matches_decides(
    patterns: list[str], selected: list[str], others: list[str]
) -> None:
    matches = compile_ordered_globs(patterns)
    assert [path for path in (*selected, *others) if matches(path)] == selected


@pytest.mark.parametrize(
    "line",
    [
        ("fix",),
        ("fix", "--unsafe-fixes"),
        ("mentions", "--write", "--min-score", "0"),
        ("backlinks", "--write"),
    ],
    ids=" ".join,
)
def test_commands_that_write_leave_it_out(
    run: RunCommand, vault: Path, line: tuple[str, ...]
) -> None:
    run(*line)
    found = read_files(vault)
    assert found["raw/Source.md"] == VAULT["raw/Source.md"]
    assert found != VAULT


def test_other_notes_are_fixed_and_the_count_is_right(run: RunCommand, vault: Path) -> None:
    assert "`vaultlink fix` can fix 1 of them." in run("check", "--output-format", "full").err
    done = run("fix")
    assert "raw/Source.md: skipped: `protect` in the settings names it.\n" in done.err
    assert (vault / "raw/open/Note.md").read_bytes() == b"[[Long Pier|long-pier]]\n"


def test_protected_notes_are_counted_in_one_line(run: RunCommand, vault: Path) -> None:
    write_files(vault, {f"raw/{number}.md": b"[[long-pier]]\n" for number in range(20)})
    done = run("fix")
    assert "21 notes skipped: `protect` in the settings names them.\n" in done.err
    assert "raw/1.md" not in done.err


@pytest.mark.parametrize(
    "line",
    [
        ("rename", "Long Pier", "Pier"),
        ("rename", "Long Pier#Low", "High"),
        ("rename", "#sea", "#ocean"),
        ("move", "Long Pier", "sub"),
        ("merge", "Long Pier", "Long Quay"),
        ("extract", "Long Pier#Low", "Low"),
        ("delete", "Long Pier", "--unlink"),
        ("delete", "Long Pier", "--to", "Long Quay"),
    ],
    ids=" ".join,
)
def test_refactoring_with_a_link_in_it_is_refused(
    run: RunCommand, vault: Path, line: tuple[str, ...]
) -> None:
    write_files(vault, {"raw/Source.md": b"[[Long Pier#Low]] [a](../Long%20Pier.md) #sea\n"})
    before = read_files(vault)
    done = run(*line)
    assert (done.code, read_files(vault)) == (2, before)
    assert "raw/Source.md can't be changed: `protect` in the settings names it." in done.err
    done = run(*line, "--skip-unwritable")
    assert done.code == 1
    assert read_files(vault)["raw/Source.md"] == before["raw/Source.md"]
    assert read_files(vault) != before
    assert run("undo").code == 0
    assert read_files(vault) == before


@pytest.mark.parametrize(
    "line",
    [
        ("rename", "raw/Source", "Other"),
        ("rename", "raw/", "sources"),
        ("move", "raw/Source", "sub"),
        ("move", "map.png", "raw"),
        ("merge", "raw/Source", "Long Quay"),
        ("extract", "Long Quay#Long Quay", "raw/New"),
        ("delete", "raw/Source", "--leave"),
        ("delete", "raw/", "--leave"),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("option", [(), ("--skip-unwritable",)], ids=["", "skip"])
def test_nothing_is_moved_made_or_removed_there(
    run: RunCommand, vault: Path, line: tuple[str, ...], option: tuple[str, ...]
) -> None:
    done = run(*line, *option)
    assert (done.code, read_files(vault)) == (2, VAULT)
    assert "raw/" in done.err


def test_no_note_is_created_there(run: RunCommand, vault: Path) -> None:
    write_files(vault, {"a.md": b"[[Nobody wrote it]]\n"})
    run("fix", "--unsafe-fixes", "--create", "raw/new")
    assert not (vault / "raw/new").exists()


def test_undo_is_exempt(run: RunCommand, vault: Path) -> None:
    write_files(vault, {".vaultlink.toml": b""})
    before = read_files(vault)
    assert run("fix").code == 0
    write_files(vault, {".vaultlink.toml": VAULT[".vaultlink.toml"]})
    assert run("undo").code == 0
    assert read_files(vault) == {**before, ".vaultlink.toml": VAULT[".vaultlink.toml"]}
