"""What messages propose for words that nothing has: quotes, paths, options, commands and rules."""

from pathlib import Path

import pytest

from running import RunCommand, create_vault, read_files
from tables import each
from vaultlink.errors import propose

FILES = {
    "My note.md": "# Part\n\n## Big part\n\n[[Plan A]]\n\ntext ^b1\n",
    "Plan A.md": "#tag/one\n",
    "Foo.md": "",
    "Projects/Proj.md": "",
    "Old stuff/Log.md": "",
    "my pic.png": "",
}


@pytest.fixture
def vault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    vault = create_vault(tmp_path / "vault", FILES)
    monkeypatch.chdir(vault)
    return vault


@each(
    ("typed", "meant"),
    [
        ("rename My note Your note", "rename 'My note' 'Your note'"),
        ("rename --diff My note Your note", "rename --diff 'My note' 'Your note'"),
        ("rename My note Your note --diff", "rename --diff 'My note' 'Your note'"),
        ("rename my note.md Your note", "rename 'my note.md' 'Your note'"),
        ("rename Foo Bar Baz", "rename Foo 'Bar Baz'"),
        ("rename My note", "rename 'My note' NEW"),
        ("rename My note#Part Other part", "rename 'My note#Part' 'Other part'"),
        ("rename My note#Big part Other part", "rename 'My note#Big part' 'Other part'"),
        ("rename My note#^b1 b2", "rename 'My note#^b1' b2"),
        ("rename Old stuff/ New stuff", "rename 'Old stuff/' 'New stuff'"),
        ("rename my pic.png your pic", "rename 'my pic.png' 'your pic'"),
        ("move My note Projects", "move 'My note' Projects"),
        ("move My note Plan A New folder", "move 'My note' 'Plan A' 'New folder'"),
        ("move Foo My note Old stuff", "move Foo 'My note' 'Old stuff'"),
        ("extract My note#Part New note", "extract 'My note#Part' 'New note'"),
        ("merge My note Plan A", "merge 'My note' 'Plan A'"),
        ("delete My note Plan A.md --leave", "delete --leave 'My note' 'Plan A.md'"),
        ("show My note", "show 'My note'"),
        ("show My note Foo", "show 'My note' Foo"),
        ("links My note", "links 'My note'"),
        ("backlinks My note", "backlinks 'My note'"),
        ("related My note --limit 3", "related --limit 3 'My note'"),
        ("mentions My note", "mentions 'My note'"),
        ("history My note", "history 'My note'"),
        ("sections check My note", "sections check 'My note'"),
        ("check My note.md", "check 'My note.md'"),
        ("check My note", "check 'My note.md'"),
        ("fix Old stuff --diff", "fix --diff 'Old stuff'"),
    ],
)
def test_names_without_quotes_get_the_quoted_command(
    run: RunCommand, vault: Path, typed: str, meant: str
) -> None:
    before = read_files(vault)
    done = run(*typed.split())
    assert (done.code, done.out) == (2, "")
    assert done.err == f"error: names with spaces need quotes: `vaultlink {meant}`.\n"
    assert read_files(vault) == before


@each(
    ("typed", "message"),
    [
        ("rename Nope here there", "unexpected argument: there. Names with spaces need quotes. "),
        ("show Nope", "there is no note "),
        ("show Nope Foo", "there is no note "),
        ("rename Nope Foo", "there is no note, attachment or folder "),
        ("doctor Foo Bar", "unexpected argument: Bar. "),
        ("doctor Foo Bar --quiet", "unexpected argument: Bar. "),
        ("completion bash zsh", "unexpected argument: zsh. "),
    ],
)
def test_other_words_get_no_quotes(run: RunCommand, vault: Path, typed: str, message: str) -> None:
    done = run(*typed.split())
    assert done.code == 2
    assert done.err.startswith(f"error: {message}")
    assert "`vaultlink rename '" not in done.err


@each("command", ["check", "fix", "unresolved"])
@each(
    ("path", "near"),
    [
        ("Foo", "Foo.md"),
        ("foo", "Foo.md"),
        ("[[Foo]]", "Foo.md"),
        ("Fooo", "Foo.md"),
        ("Plan A", "'Plan A.md'"),
        ("Proj", "Projects/Proj.md"),
        ("Projects/Proj", "Projects/Proj.md"),
        ("Project", "Projects/"),
        ("Log", "'Old stuff/Log.md'"),
    ],
)
def test_missing_paths_get_near_names(
    run: RunCommand, vault: Path, command: str, path: str, near: str
) -> None:
    done = run(command, path)
    shown = f"error: {path}: no such file or folder. Did you mean {near}?\n"
    assert (done.code, done.err) == (2, shown)


@each("path", ["Nothing", "x", "Other/Place.md"])
def test_missing_paths_without_a_near_name(run: RunCommand, vault: Path, path: str) -> None:
    assert run("check", path).err == f"error: {path}: no such file or folder.\n"


def test_near_names_are_relative_to_the_current_folder(
    run: RunCommand, vault: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(vault / "Projects")
    assert "Did you mean ../Foo.md?" in run("check", "Foo").err
    assert "Did you mean Proj.md?" in run("check", "Proj").err


@each(
    ("line", "near"),
    [
        ("fix -n", "--diff"),
        ("rename A B -n", "--diff"),
        ("check --dry", "--dry-run"),
        ("fix --yes", None),
        ("fix -y", None),
        ("fix --all", None),
        ("check --all", None),
        ("fix --force", None),
        ("check --force", None),
        ("delete Foo --force", None),
        ("fix --recursive", None),
        ("check --selct VL1", "--select"),
        ("check --ingore VL1", "--ignore"),
        ("check --rule VL1", "--select"),
        ("check --unsafe", "--unsafe-fixes"),
        ("check --qwertz", None),
    ],
)
def test_unknown_options(run: RunCommand, vault: Path, line: str, near: str | None) -> None:
    done = run(*line.split())
    assert done.code == 2
    assert done.err.startswith("error: there is no option -")
    proposal = done.err.partition("Did you mean ")[2].rstrip("?\n")
    assert proposal == (near or "")
    assert near or f"`vaultlink {line.split(maxsplit=1)[0]} --help` lists all options." in done.err


@each(
    ("name", "hint"),
    [
        ("search", "Obsidian searches texts."),
        ("find", "Obsidian searches texts."),
        ("upgrade", "The program that installed vaultlink does that"),
        ("rm", "Did you mean delete?"),
        ("create", "Obsidian creates notes."),
        ("chekc", "Did you mean check?"),
        ("mv", "Did you mean move or rename?"),
        ("stat", "Did you mean status?"),
        ("lint", "Did you mean check?"),
        ("format", "Did you mean fix?"),
        ("ls", "Did you mean show or links?"),
        ("retag", "Did you mean rename?"),
        ("qwertz", "`vaultlink --help` lists all commands."),
        ("format-all", "`vaultlink --help` lists all commands."),
    ],
)
def test_unknown_commands(run: RunCommand, vault: Path, name: str, hint: str) -> None:
    done = run(name)
    assert done.code == 2
    assert f". {hint}" in done.err


@each(
    ("name", "near"),
    [
        ("VL999", ""),
        ("VL1O1", ""),
        ("broken", "dangling-link or broken-query or broken-image or broken-section-entry"),
        ("broken-link", "dangling-link"),
        ("unresolved-link", "dangling-link"),
        ("orphan", "orphan-note"),
        ("orphans", "orphan-note"),
        ("vl101", "VL101"),
        ("brokn-query", "broken-query or broken-image"),
        ("qwertz", ""),
    ],
)
def test_unknown_rules(run: RunCommand, vault: Path, name: str, near: str) -> None:
    for line in (("rule", name), ("check", "--select", name)):
        done = run(*line)
        assert done.code == 2
        assert done.err.partition("Did you mean ")[2].rstrip("?\n") == near
        assert near or "`vaultlink rules` lists all rules." in done.err


@each(
    ("line", "code", "message"),
    [
        ("check --changed-since main", 2, "error: --changed-since: git is not installed or not on"),
        ("fix --changed-since main", 2, "error: --changed-since: git is not installed or not on"),
        (
            "rename Foo Bar --git",
            1,
            "files are not staged: git is not installed or not on the PATH",
        ),
        ("init --merge-driver", 2, "error: git is not installed or not on the PATH"),
    ],
)
def test_missing_git_is_called_missing(
    run: RunCommand,
    vault: Path,
    monkeypatch: pytest.MonkeyPatch,
    line: str,
    code: int,
    message: str,
) -> None:
    (vault / ".git").mkdir()
    (vault / ".git/HEAD").write_text("ref: refs/heads/main\n")
    (vault / ".git/objects").mkdir()
    (vault / ".git/refs").mkdir()
    monkeypatch.setenv("PATH", str(vault))
    done = run(*line.split())
    assert done.code == code
    assert message in done.err


# -- many paths in a command ---------------------------------------------------------------------------------------

LONG = "A folder with a name that leaves no room for any description"
MANY = {
    **{f"a/b/N{n:02}.md": f"[[Nope {n}]] #\n" for n in range(20)},
    **{f"c/N{n:02}.md": f"[[Wanted {n}]]\n" for n in range(20)},
    **{f"{LONG}/M{n:02}.md": f"[[Wanted {n}]]\n" for n in range(20)},
}


@each(
    ("pattern", "said"),
    [
        pytest.param("a/b/*.md", " a`", id="all files of a folder, and of the folder above it"),
        pytest.param("*/**/*.md", "", id="all files of the vault"),
        pytest.param("c/N0[0-2].md", " c/N00.md c/N01.md c/N02.md`", id="few files"),
        pytest.param("c/N0*.md", " …`", id="a part of a folder"),
        pytest.param("A folder*/*.md", " …`", id="a folder with a long name"),
    ],
)
def test_many_paths_become_their_folders(
    run: RunCommand, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, pattern: str, said: str
) -> None:
    root = create_vault(tmp_path / "v", MANY)
    monkeypatch.chdir(root)
    paths = [path.relative_to(root) for path in sorted(root.glob(pattern))]
    result = run("unresolved", "--output-format", "table", *paths)
    assert f"`vaultlink fix --interactive{said or '`'}" in result.err
    is_cut = "…" in said
    assert (f"Replace “…” by the {len(paths)} paths that this command got." in result.err) is is_cut
    overview = run("check", "--output-format", "full", "--show", "overview", *paths)
    assert f"vaultlink check --show all{said.rstrip('`')}  " in overview.out
    assert ("Replace “…” by" in overview.err) is is_cut
    if said.strip("` ") == "a":
        assert run("unresolved", "a").out == run("unresolved", *paths).out


def test_many_extra_arguments_are_counted(run: RunCommand) -> None:
    words = [f"Note {n}.md" for n in range(300)]
    result = run("history", *words)
    assert result.code == 2
    assert "unexpected argument: Note 1.md (and 298 more). " in result.err
    assert len(result.err) < 300


# -- names that several notes have -------------------------------------------------------------------------------------

PIERS = {"sea/Pier.md": "# P\n", "work/Pier.md": "[[sea/Pier]]\n", "a.md": "[[Pier]]\n"}


@each(
    ("typed", "is_said"),
    [
        ("backlinks Pier", True),
        ("show Pier.md", True),
        ("related Pier", True),
        ("links Pier", True),
        ("open Pier --print", True),
        ("sections write Pier", True),
        ("graph --focus Pier --output-format dot", True),
        ("backlinks sea/Pier", False),
        ("backlinks work/Pier.md", False),
        ("backlinks a", False),
    ],
)
def test_a_name_of_two_notes_names_the_other(
    run: RunCommand, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, typed: str, is_said: bool
) -> None:
    monkeypatch.chdir(create_vault(tmp_path / "v", PIERS))
    done = run(*typed.split())
    assert done.code == 0
    assert ("sea/Pier.md; also work/Pier.md\n" in done.err) is is_said


def test_no_name_is_proposed_twice() -> None:
    assert propose(["work/Pier.md", "work/Pier.md"]) == "Did you mean work/Pier.md?"


TWINS = {"a.md": "# A\n\n## Tides\n\nlow\n\n# B\n\n## Tides\n\nhigh\n\n## Ebb\n"}


@each(
    ("typed", "is_said"),
    [
        (("rename", "a#Tides", "Flood"), True),
        (("rename", "a#tides", "Flood"), True),
        (("extract", "a#Tides"), True),
        (("rename", "a#B#Tides", "Flood"), False),
        (("rename", "a#Ebb", "Flood"), False),
        (("extract", "a#Ebb"), False),
        (("move", "a", "Deep/"), False),
    ],
)
def test_a_name_of_two_headings_says_which_is_meant(
    run: RunCommand, tmp_path: Path, typed: tuple[str, ...], is_said: bool
) -> None:
    vault = create_vault(tmp_path / "v", TWINS)
    done = run(*typed, "--diff", "--vault", vault)
    assert done.code == 1
    assert ("is the first of 2 headings with this text, in line 3." in done.err) is is_said
