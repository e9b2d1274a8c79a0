"""Tests of `protect` and `write-paths`: what they keep from changes is read, and no command changes it."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from running import RunCommand, create_vault, read_files, write_files
from tables import each
from vaultlink.config.patterns import compile_ordered_globs

PROTECT = b'protect = ["raw/", "!raw/open/"]\n'
WRITE_PATHS = b'write-paths = ["*", "!raw/", "raw/open/"]\n'
REASONS = {
    PROTECT: "`protect` in the settings names ",
    WRITE_PATHS: "`write-paths` in the settings does not name ",
}
"""Two ways to say the same, and the reason that commands print, up to “it” or “them”."""

VAULT: Mapping[str, bytes] = {
    "Long Pier.md": b"# Long Pier\n\n## Low\n\nabout the Long Quay\n",
    "Long Quay.md": b"# Long Quay\n\nthe Long Pier #sea\n",
    "raw/Source.md": b"[[long-pier]] [[Long Pier#Low]] Long Quay #sea\n",
    "raw/open/Note.md": b"[[long-pier]]\n",
    "map.png": b"png",
}


with_both_settings = each("settings", REASONS, ids=["protect", "write-paths"])


@pytest.fixture
def vault(tmp_path: Path, settings: bytes, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Create the sample vault and make it the current folder."""
    folder = create_vault(tmp_path / "vault", {**VAULT, ".vaultlink.toml": settings})
    monkeypatch.chdir(folder)
    return folder


@each(
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


@with_both_settings
@each(
    "line",
    [
        ("fix",),
        ("fix", "--unsafe-fixes"),
        ("mentions", "--write", "--min-score", "0"),
        ("sections", "write"),
    ],
    ids=" ".join,
)
def test_commands_that_write_leave_it_out(
    run: RunCommand, vault: Path, line: tuple[str, ...]
) -> None:
    before = read_files(vault)
    run(*line)
    found = read_files(vault)
    assert found["raw/Source.md"] == VAULT["raw/Source.md"]
    assert found != before


@with_both_settings
def test_other_notes_are_fixed_and_the_count_is_right(
    run: RunCommand, vault: Path, settings: bytes
) -> None:
    assert "`vaultlink fix` can fix 1 of them." in run("check", "--output-format", "full").err
    done = run("fix")
    assert f"raw/Source.md: skipped: {REASONS[settings]}it.\n" in done.err
    assert (vault / "raw/open/Note.md").read_bytes() == b"[[Long Pier|long-pier]]\n"


@with_both_settings
def test_protected_notes_are_counted_in_one_line(
    run: RunCommand, vault: Path, settings: bytes
) -> None:
    write_files(vault, {f"raw/{number}.md": b"[[long-pier]]\n" for number in range(20)})
    done = run("fix")
    assert f"21 notes skipped: {REASONS[settings]}them.\n" in done.err
    assert "raw/1.md" not in done.err


@with_both_settings
@each(
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
    run: RunCommand, vault: Path, settings: bytes, line: tuple[str, ...]
) -> None:
    write_files(vault, {"raw/Source.md": b"[[Long Pier#Low]] [a](../Long%20Pier.md) #sea\n"})
    before = read_files(vault)
    done = run(*line)
    assert (done.code, read_files(vault)) == (2, before)
    assert f"raw/Source.md can't be changed: {REASONS[settings]}it." in done.err
    done = run(*line, "--skip-unwritable")
    assert done.code == 1
    assert read_files(vault)["raw/Source.md"] == before["raw/Source.md"]
    assert read_files(vault) != before
    assert run("undo").code == 0
    assert read_files(vault) == before


@with_both_settings
@each(
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
@each("option", [(), ("--skip-unwritable",)], ids=["", "skip"])
def test_nothing_is_moved_made_or_removed_there(
    run: RunCommand, vault: Path, line: tuple[str, ...], option: tuple[str, ...]
) -> None:
    before = read_files(vault)
    done = run(*line, *option)
    assert (done.code, read_files(vault)) == (2, before)
    assert "raw/" in done.err


@with_both_settings
def test_no_note_is_created_there(run: RunCommand, vault: Path) -> None:
    write_files(vault, {"a.md": b"[[Nobody wrote it]]\n"})
    run("fix", "--unsafe-fixes", "--create", "raw/new")
    assert not (vault / "raw/new").exists()


@with_both_settings
def test_undo_is_exempt(run: RunCommand, vault: Path, settings: bytes) -> None:
    write_files(vault, {".vaultlink.toml": b""})
    before = read_files(vault)
    assert run("fix").code == 0
    write_files(vault, {".vaultlink.toml": settings})
    assert run("undo").code == 0
    assert read_files(vault) == {**before, ".vaultlink.toml": settings}


# -- write-paths -------------------------------------------------------------------------------------------------------

WIKI: Mapping[str, bytes] = {
    ".vaultlink.toml": b'write-paths = ["wiki/", "!wiki/final/"]\n',
    "wiki/Pier.md": b"[[Long Quay]]\n\n## Low\n\ntext\n",
    "wiki/Long Quay.md": b"at the Mole Head\n",
    "wiki/deep/Mole Head.md": b"[[long-quay]] [[Pier]] about the Long Quay\n",
    "wiki/final/Dock.md": b"dock\n",
    "Inbox.md": b"inbox\n",
}


@pytest.fixture
def wiki(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Create a vault of which one folder may be written, and make it the current folder."""
    folder = create_vault(tmp_path / "wiki", WIKI)
    (folder / "empty").mkdir()
    (folder / "wiki/empty").mkdir()
    monkeypatch.chdir(folder)
    return folder


@each(
    ("line", "named"),
    [
        (("rename", "Pier", "/Pier"), "Pier.md"),
        (("rename", "Pier", "wiki/final/Pier"), "wiki/final/Pier.md"),
        (("rename", "Inbox", "wiki/Inbox"), "Inbox.md"),
        (("rename", "Dock", "wiki/Dock"), "wiki/final/Dock.md"),
        (("rename", "wiki/", "pages"), "pages/Pier.md"),
        (("rename", "wiki/deep/", "wiki/final/deep"), "wiki/final/deep/Mole Head.md"),
        (("rename", "empty/", "wiki/new"), "empty"),
        (("rename", "wiki/empty/", "/new"), "new"),
        (("move", "Pier", "sub"), "sub/Pier.md"),
        (("move", "Inbox", "wiki"), "Inbox.md"),
        (("merge", "Inbox", "Pier"), "“Inbox.md”"),
        (("merge", "Pier", "Inbox"), "“Inbox.md”"),
        (("extract", "Pier#Low", "/Low"), "Low.md"),
        (("extract", "Pier#Low", "wiki/final/Low"), "wiki/final/Low.md"),
        (("delete", "Inbox"), "Inbox.md"),
        (("delete", "wiki/", "--leave"), "wiki/final/Dock.md"),
    ],
    ids=str,
)
def test_only_write_paths_take_part_in_a_refactoring(
    run: RunCommand, wiki: Path, line: tuple[str, ...], named: str
) -> None:
    done = run(*line)
    assert (done.code, read_files(wiki)) == (2, WIKI)
    assert f"{named} can't be changed: `write-paths` in the settings does not name it." in done.err
    assert ((wiki / "empty").is_dir(), (wiki / "wiki/empty").is_dir()) == (True, True)


@each(
    "line",
    [
        ("fix",),
        ("mentions", "--write", "--min-score", "0"),
        ("sections", "write"),
        ("rename", "Pier", "wiki/Jetty"),
        ("rename", "wiki/deep/", "wiki/far"),
        ("rename", "wiki/empty/", "wiki/new"),
        ("move", "Pier", "wiki/deep"),
        ("merge", "Long Quay", "Pier"),
        ("extract", "Pier#Low", "wiki/deep/Low"),
        ("delete", "Pier", "--unlink"),
        ("delete", "wiki/deep/", "--leave"),
    ],
    ids=" ".join,
)
@each("trash", ["local", "none"])
def test_write_paths_may_be_changed(
    run: RunCommand, wiki: Path, trash: str, line: tuple[str, ...]
) -> None:
    write_files(wiki, {".obsidian/app.json": b'{"trashOption": "%s"}' % trash.encode()})
    before = read_files(wiki)
    done = run(*line)
    assert (done.code, "skipped" in done.err) == (0, False)
    assert read_files(wiki) != before or not (wiki / "wiki/empty").exists()
    assert run("undo").code == 0
    assert read_files(wiki) == before


@each(
    ("settings", "is_written"),
    [
        ("write-paths = []", True),
        ('write-paths = ["Inbox.md"]', True),
        ('write-paths = ["*.md"]', True),
        ('write-paths = ["!wiki/"]', False),
        ('write-paths = ["*", "!Inbox.md"]', False),
        ('write-paths = ["Inbox.md"]\nprotect = ["*.md"]', False),
        ('write-paths = ["wiki/"]\nprotect = ["!Inbox.md"]', False),
        ('write-paths = ["inbox.md"]', False),
    ],
)
def test_write_paths_and_protect_both_limit(
    run: RunCommand, wiki: Path, settings: str, is_written: bool
) -> None:
    write_files(wiki, {".vaultlink.toml": settings.encode(), "Inbox.md": b"[[long-quay]]\n"})
    run("fix")
    assert ((wiki / "Inbox.md").read_bytes() != b"[[long-quay]]\n") is is_written


def test_no_note_is_created_outside_of_write_paths(run: RunCommand, wiki: Path) -> None:
    write_files(wiki, {"wiki/a.md": b"[[Nobody wrote it]]\n"})
    run("fix", "--unsafe-fixes", "--create", "new")
    assert not (wiki / "new").exists()
    run("fix", "--unsafe-fixes", "--create", "wiki/new")
    assert (wiki / "wiki/new/Nobody wrote it.md").is_file()


@pytest.mark.skipif(os.name == "nt", reason="links need a right there")
@pytest.mark.parametrize("settings_text", ['write-paths = ["wiki/"]', 'protect = ["raw/"]'])
def test_link_to_a_folder_is_no_way_around(run: RunCommand, wiki: Path, settings_text: str) -> None:
    write_files(wiki, {".vaultlink.toml": settings_text.encode(), "raw/a.md": b"a\n"})
    (wiki / "wiki/link").symlink_to(wiki / "raw")
    before = read_files(wiki / "raw")
    for line in (
        ("extract", "Pier#Low", "wiki/link/Low"),
        ("move", "Pier", "wiki/link"),
        ("rename", "Pier", "wiki/link/Pier"),
    ):
        assert run(*line).code == 2
    write_files(wiki, {"wiki/a.md": b"[[Nobody wrote it]]\n"})
    run("fix", "--unsafe-fixes", "--create", "wiki/link")
    assert read_files(wiki / "raw") == before


# -- patterns that match nothing ------------------------------------------------------------------------------------------


UNMATCHED = {
    'protect = ["Source/"]': "protect: “Source/” matches nothing in this vault.",
    'protect = ["RAW/"]': "protect: “RAW/” matches nothing in this vault, but “raw” would match "
    "without case.",
    'write-paths = ["*", "!Raw/Open/"]': "write-paths: “!Raw/Open/” matches nothing in this vault, "
    "but “raw/open” would match without case.",
    'protect = ["raw/", "a/", "b/"]': "protect: “a/”, “b/” match nothing in this vault.",
}


@each("settings_text", UNMATCHED)
@each("line", ["fix", "rename map.png chart.png", "mentions --write", "delete map.png --diff"])
def test_commands_that_write_name_patterns_that_match_nothing(
    run: RunCommand, tmp_path: Path, settings_text: str, line: str
) -> None:
    if (tmp_path / "RAW").exists():
        pytest.skip("the disk ignores case")
    root = create_vault(tmp_path / "vault", {**VAULT, ".vaultlink.toml": settings_text.encode()})
    done = run(*line.split(), "--vault", root)
    assert done.code in (0, 1)
    assert done.err.count("matches nothing") + done.err.count("match nothing") == 1
    assert f"warning: {UNMATCHED[settings_text]}\n" in done.err
    assert "nothing in this vault" not in run(*line.split(), "--vault", root, "-q").err


@each(
    "settings_text",
    [
        *('protect = ["raw/", "!raw/open/"]', 'protect = ["*.md"]', 'protect = [".claude/"]'),
        *('write-paths = ["*", "!map.png"]', 'exclude = ["nothing/"]', "protect = []"),
    ],
)
def test_patterns_that_match_are_not_named(
    run: RunCommand, tmp_path: Path, settings_text: str
) -> None:
    root = create_vault(tmp_path / "vault", {**VAULT, ".vaultlink.toml": settings_text.encode()})
    assert "nothing in this vault" not in run("fix", "--vault", root).err


def test_case_is_ignored_on_a_disk_that_ignores_it() -> None:
    patterns = ["Raw/", "!raw/OPEN/", "Straße/"]
    decide = compile_ordered_globs(patterns, ignores_case=True)
    paths = ["raw/a.md", "RAW/a.md", "Raw/open/a.md", "STRASSE/a.md", "wiki/a.md"]
    assert list(map(decide, paths)) == [True, True, False, True, None]
    assert list(map(compile_ordered_globs(patterns), paths)) == [None, None, True, None, None]


def test_protection_follows_the_disk(run: RunCommand, folding_disk: Path) -> None:
    """`RAW/` protects `raw/` where both names are of one folder."""
    settings_text = b'protect = ["RAW/"]\n'
    root = create_vault(folding_disk / "vault", {**VAULT, ".vaultlink.toml": settings_text})
    done = run("rename", "raw/Source.md", "Other.md", "--vault", root)
    assert done.code == 2
    assert "`protect` in the settings names it" in done.err
    assert "nothing in this vault" not in done.err
    assert run("links", "--vault", root, "--output-file", root / "raw/out.txt").code == 2
