"""Tests of `--output-file` and its other names: what may be written there, and that no file of a vault is lost."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import get_type_hints

import pytest

from repositories import commit, create_repository
from running import PROGRAM, CommandResult, RunCommand, create_vault, read_files, write_files
from tables import each
from vaultlink.cli.command_table import COMMANDS
from vaultlink.cli.options import list_option_fields

VAULT = {
    "Home.md": "# Home\n\n[[Tide]] [[Nowhere]] [[tide|x]] Wall\n",
    "Tide.md": "# Tide\n\n[[Home]] [[Wall]]\n\n## Low water\n\ntext\n",
    "Wall.md": "# Wall\n\n[[Tide]]\n",
    "map.png": "PNG",
    "data.json": '{"schema": 1, "mine": true}\n',
    "Board.canvas": '{"nodes":[],"edges":[]}',
    "All.base": "views: []\n",
    ".vaultlink.toml": 'ignore = ["VL4"]\n',
    ".vaultlink-baseline.json": '{"schema":1,"version":"0.5.0","settings":{},"findings":[]}\n',
    ".obsidian/app.json": "{}",
}

LINES = (
    "check",
    "check --json",
    "check --diff --unsafe-fixes",
    "check --fix",
    "status",
    "baseline",
    "baseline --diff",
    "fix",
    "fix --unsafe-fixes",
    "fix --json",
    "undo",
    "undo --list",
    "undo --json",
    "rename Tide Flood",
    "rename Tide Flood --json",
    "move Tide.md Sub",
    "extract 'Tide#Low water' Low",
    "merge Wall Tide",
    "delete Wall --leave",
    "delete Wall --leave --diff",
    "show",
    "open Tide",
    "clean",
    "clean --diff --json",
    "links",
    "unresolved",
    "backlinks",
    "backlinks Tide",
    "sections check",
    "sections write Tide",
    "sections check",
    "sections write Tide",
    "related Home",
    "related --twins",
    "mentions",
    "mentions --write",
    "history Tide",
    "orphans",
    "deadends",
    "graph",
    "graph --format svg",
    "graph --format json",
    "report",
    "report --output-format markdown",
    "rule VL101",
    "rules",
    "config",
    "doctor",
    "init",
    "init --ci github --package vaultlink",
    "init --diff",
    "completion bash",
)
"""Command lines that print results, of every command that has the option."""

NO_RESULTS = ("guard", "lsp", "mcp", "merge-driver", "serve", "watch")
"""Commands that print nothing, or never write into the vault; `watch`, `lsp` and `mcp` have tests of their own."""

PLACES = (
    "Home.md",
    "map.png",
    "data.json",
    ".obsidian/app.json",
    ".vaultlink-baseline.json",
    "linked/Far.md",
    "to-note.txt",
)
"""Files that no command may write; the last two are behind a link to a folder and to a note."""


@pytest.fixture
def vault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Create a vault with a link to a folder and one to a note, and enter it."""
    root = create_vault(tmp_path / "vault", VAULT)
    write_files(tmp_path / "far", {"Far.md": "# Far\n"})
    (root / "linked").symlink_to(tmp_path / "far")
    (root / "to-note.txt").symlink_to("Home.md")
    monkeypatch.chdir(root)
    return root


@pytest.fixture
def plain_vault(vault: Path) -> Path:
    """Return the vault without its baseline, which is of another version."""
    (vault / ".vaultlink-baseline.json").unlink()
    return vault


def run_line(run: RunCommand, line: str, file: object) -> CommandResult:
    return run(*shlex.split(line), "--output-file", str(file))


def read_all(vault: Path) -> dict[str, bytes]:
    return read_files(vault) | read_files(vault.parent / "far")


def test_every_command_is_tested() -> None:
    found = set()
    for name, command in COMMANDS.items():
        hints = get_type_hints(command.load())
        [options] = [hint for place, hint in hints.items() if place != "return"]
        if any(field.name == "output_file" for field in list_option_fields(options)):
            found.add(name)
    assert found == {line.split()[0] for line in LINES} | set(NO_RESULTS)


# -- in a vault -----------------------------------------------------------------------------------------------------------


@pytest.mark.thorough
@each("line", LINES)
def test_no_command_writes_to_a_file_of_the_vault(run: RunCommand, vault: Path, line: str) -> None:
    (vault / ".vaultlink-baseline.json").unlink()
    before = read_all(vault)
    for place in PLACES:
        if place not in before and not os.path.lexists(vault / place):
            (vault / place).write_text(VAULT[place])
            before = read_all(vault)
        done = run_line(run, line, place)
        assert (done.code, done.out) == (2, ""), (place, done)
        assert "internal error" not in done.err
        assert read_all(vault) == before, place
    assert sorted(path.name for path in vault.glob(".vaultlink-*")) == [".vaultlink-baseline.json"]


@each(
    ("place", "message"),
    [
        ("Home.md", "--output-file: Home.md is a note of the vault. Nothing was written."),
        ("HOME.MD", "--output-file: HOME.MD is a note of the vault."),
        ("Board.canvas", "--output-file: Board.canvas is a canvas of the vault."),
        ("All.base", "--output-file: All.base is a base of the vault."),
        ("Empty.md", "--output-file: Empty.md is a note of the vault. Nothing was written."),
        (
            "empty.png",
            "and is not known as output of vaultlink: something else wrote or changed it",
        ),
        ("map.png", "Name another file, or rename or remove that one. Nothing was written."),
        ("New.md", "--output-file: New.md would be a note of the vault"),
        ("New.canvas", "New.canvas would be a canvas of the vault"),
        ("new.base", "new.base would be a base of the vault"),
        (".obsidian/new.json", "is in the folder .obsidian of the vault"),
        (".obsidian/plugins/x/new.json", "is in the folder .obsidian of the vault"),
        (".obsidian-phone/new.json", "is in the folder .obsidian-phone of the vault"),
        (".trash/new.json", "is in the folder .trash of the vault"),
        (".git/new.json", "is in the folder .git of the vault"),
        (".vaultlink.toml", "has the name of a settings file or baseline of vaultlink."),
        ("vaultlink.toml", "has the name of a settings file or baseline of vaultlink."),
        ("sub/pyproject.toml", "has the name of a settings file or baseline of vaultlink."),
        (".vaultlink-baseline.json", "has the name of a settings file or baseline"),
        ("to-hidden.json", "is in the folder .obsidian of the vault"),
        ("to-nothing/new.json", "No such file or directory"),
        ("sub", "it is a folder. Name a file in it."),
    ],
)
def test_message_says_why_a_file_of_the_vault_is_not_written(
    run: RunCommand, vault: Path, place: str, message: str
) -> None:
    for folder in (".obsidian/plugins/x", ".obsidian-phone", ".trash", ".git", "sub"):
        (vault / folder).mkdir(parents=True, exist_ok=True)
    (vault / "Empty.md").touch()
    (vault / "empty.png").touch()
    (vault / "to-hidden.json").symlink_to(".obsidian/new.json")
    if place == "HOME.MD":
        (vault / "HOME.MD").write_text("mine\n")
    before = read_all(vault)
    done = run("links", "--json", "--output-file", place)
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert read_all(vault) == before


@each("text", ["", "# Mine\n", '{"schema":1,"notes":[]}', "## vaultlink: mine\n"])
def test_note_that_only_looks_like_output_stays(run: RunCommand, vault: Path, text: str) -> None:
    (vault / "Mine.md").write_text(text)
    for words in (
        ("check", "--output-format", "markdown"),
        ("report", "--output-format", "markdown"),
        ("links", "--json"),
    ):
        done = run(*words, "--output-file", "Mine.md")
        assert done.code == 2
        assert (vault / "Mine.md").read_text() == text


OUTPUTS = {
    "check --output-format full": "found.txt",
    "check --statistics": "out.data",
    "orphans": "out.data",
    "rule VL101": "rule.txt",
    "completion bash": "vaultlink.bash",
    "graph --output-format table": "out.data",
    "links --output-format table": "links.txt",
    "check --output-format concise": "found.txt",
    "check --output-format json": "found.json",
    "check --output-format json-lines": "found.jsonl",
    "check --output-format github": "found.txt",
    "check --output-format gitlab": ".found.json",
    "check --output-format sarif": "found.sarif",
    "check --output-format junit": "found.xml",
    "check --output-format markdown": "Found.md",
    "check --output-format markdown --select VL001": "Found.md",
    "check --output-format gitlab --select VL001": "found.json",
    "check --select VL001": "found.txt",
    "fix": "left.txt",
    "fix --json": "left.json",
    "check --diff --unsafe-fixes": "fix.patch",
    "fix --diff --select VL001": "fix.diff",
    "baseline --diff --json": "plan.json",
    "init --diff": "init.patch",
    "undo --list --output-format tsv": "runs.tsv",
    "undo --list --json": "runs.json",
    "status --json": "status.json",
    "report --output-format html": "page.html",
    "report --output-format json": "page.json",
    "report --output-format markdown": "Page.md",
    "graph --output-format tsv": "graph.tsv",
    "graph --format json": "graph.json",
    "graph --format graphml": "graph.graphml",
    "graph --format gexf": "graph.gexf",
    "graph --format dot": "graph.dot",
    "graph --format svg": "graph.svg",
    **{
        f"{command} --output-format {name}": f"rows.{name}"
        for name in ("tsv", "json")
        for command in (
            *(
                "links",
                "unresolved",
                "show",
                "backlinks",
                "backlinks Tide",
                "related Home",
                "related --twins",
            ),
            *(
                "sections check --entries all",
                "mentions",
                "history Tide",
            ),
            *("config", "doctor", "rules"),
        )
    },
}
"""Command lines, and a file name for their output, that a later run replaces."""


@pytest.mark.thorough
@each("line", OUTPUTS)
def test_output_is_replaced_only_as_vaultlink_wrote_it(
    run: RunCommand, plain_vault: Path, line: str
) -> None:
    if line.startswith("init"):
        (plain_vault / ".vaultlink.toml").unlink()
    file = plain_vault / OUTPUTS[line]
    assert run_line(run, line, file.name).code in (0, 1)
    (plain_vault / "More.md").write_text("[[Nowhere]] [[Home]]\n")
    assert run_line(run, line, file.name).code in (0, 1)
    written = file.read_bytes()
    assert run_line(run, line, file.name).code in (0, 1), "the second is known as well"
    for edited in (b"mine\n" + written, written + b"mine\n", written[:-1] + b"."):
        file.write_bytes(edited)
        done = run_line(run, line, file.name)
        assert (done.code, done.out) == (2, "")
        assert f"{file.name} exists in the vault {plain_vault}" in done.err
        assert file.read_bytes() == edited
    file.write_bytes(written)
    assert run_line(run, line, file.name).code in (0, 1), "it is again as it was written"


SEALED = {
    "check --output-format markdown": "Found.md",
    "report --output-format markdown": "Page.md",
    "report --output-format html": "page.html",
}
"""Commands whose output has a digest of itself in a plain_vault."""


@each("line", SEALED)
@each("change", ["line ends", "another computer", "another name"])
def test_sealed_output_is_known_by_itself(
    run: RunCommand, plain_vault: Path, line: str, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = plain_vault / SEALED[line]
    assert run_line(run, line, file.name).code in (0, 1)
    if change == "line ends":
        file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    elif change == "another computer":
        monkeypatch.setenv("VAULTLINK_STATE_DIR", str(plain_vault.parent / "new state"))
    else:
        file = file.rename(plain_vault / f"Other{file.suffix}")
    assert run_line(run, line, file.name).code in (0, 1)
    file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n") + b"\r\nmy words\r\n")
    before = file.read_bytes()
    assert run_line(run, line, file.name).code == 2
    assert file.read_bytes() == before


@each("line", SEALED)
def test_seal_is_the_last_line_and_only_in_a_vault(
    run: RunCommand, plain_vault: Path, line: str
) -> None:
    assert run_line(run, line, f"../{SEALED[line]}").code in (0, 1)
    outside = (plain_vault.parent / SEALED[line]).read_text(encoding="utf-8")
    assert run(*shlex.split(line)).out == outside
    assert "vaultlink output" not in outside
    assert run_line(run, line, SEALED[line]).code in (0, 1)
    written = (plain_vault / SEALED[line]).read_text(encoding="utf-8")
    text = re.sub(r"\n<!-- vaultlink output [0-9a-f]{40} -->\n\Z", "", written)
    assert text != written
    if "report" in line:  # which leaves its own file out
        assert text == outside


def test_output_without_a_seal_is_known_where_it_was_written(
    run: RunCommand, vault: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy under another name, and a file that came from another computer, may be anybody's."""
    words = ("links", "--json", "--output-file")
    assert run(*words, "links.json").code == 0
    shutil.copyfile(vault / "links.json", vault / "copy.json")
    assert run(*words, "copy.json").code == 2
    monkeypatch.setenv("VAULTLINK_STATE_DIR", str(vault.parent / "new state"))
    assert run(*words, "links.json").code == 2


def test_output_of_earlier_versions_is_refused_until_it_is_removed(
    run: RunCommand, plain_vault: Path
) -> None:
    words = ("check", "--output-format", "markdown", "--output-file")
    assert run(*words, "../Found.md").code == 1
    (plain_vault.parent / "Found.md").rename(
        plain_vault / "Found.md"
    )  # without a digest, as 0.6.0 wrote it
    for _ in range(2):
        done = run(*words, "Found.md")
        assert done.code == 2
        assert "or version 0.6.0 or older wrote it. Name another file, or rename or " in done.err
    (plain_vault / "Found.md").unlink()
    for _ in range(2):
        assert run(*words, "Found.md").code == 1


@each("name", ["Links.md", "links.json"])
@each("exists", [True, False])
def test_file_that_changes_before_it_is_replaced_stays(
    run: RunCommand, plain_vault: Path, monkeypatch: pytest.MonkeyPatch, name: str, exists: bool
) -> None:
    """Somebody saves the file while its new text is already in the temporary file."""
    output_format = "markdown" if name.endswith(".md") else "json"
    words = ("check", "--output-format", output_format, "--output-file", name)
    if exists:
        assert run(*words).code == 1
    flush = os.fstat

    def save_meanwhile(handle: int) -> os.stat_result:
        if list(plain_vault.glob(".vaultlink-*.tmp")):
            (plain_vault / name).write_text("my words\n")
        return flush(handle)

    monkeypatch.setattr(os, "fstat", save_meanwhile)
    done = run(*words)
    monkeypatch.undo()
    assert done.code == 2
    assert (plain_vault / name).read_text() == "my words\n"
    assert list(plain_vault.glob(".vaultlink-*.tmp")) == []


def test_hard_linked_output_is_compared_too(run: RunCommand, vault: Path) -> None:
    words = ("links", "--json", "--output-file", "links.json")
    assert run(*words).code == 0
    (vault.parent / "same.json").hardlink_to(vault / "links.json")
    assert run(*words).code == 0
    (vault.parent / "same.json").write_text("mine")
    assert run(*words).code == 2
    assert (vault / "links.json").read_text() == "mine"


def test_list_of_outputs_stays_short(run: RunCommand, vault: Path) -> None:
    assert run("rules", "--output-file", "rules.txt").code == 0
    [records] = Path(os.environ["VAULTLINK_STATE_DIR"]).glob("*/outputs")
    [digest] = records.read_text().split()
    records.write_text("".join(f"{number:040x}\n" for number in range(1_999)) + f"{digest}\n")
    assert run("rules", "--output-file", "rules.txt").code == 0
    assert len(records.read_text().split()) == 2_000, "nothing to add"
    assert run("rules", "--output-file", "more.txt").code == 0
    kept = records.read_text().split()
    assert len(kept) == 1_001
    assert kept[-2] == digest
    assert run("rules", "--output-file", "rules.txt").code == 0


# -- protected folders ---------------------------------------------------------------------------------------------------


PROTECTING = {
    'protect = ["Raw/"]\n': "`protect` in the settings names it",
    'write-paths = ["Wiki/"]\n': "`write-paths` in the settings does not name it",
}


@pytest.mark.thorough
@each("line", LINES)
def test_no_command_writes_to_a_protected_folder(
    run: RunCommand, plain_vault: Path, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    extension = {"report": ".html"}.get(line, ".md" if "markdown" in line else ".data")
    write_files(plain_vault, {f"Raw/old{extension}": "mine\n", "Wiki/Home.md": "# Home\n"})
    for settings, reason in PROTECTING.items():
        if line.startswith("init"):  # it creates the file
            (plain_vault / ".vaultlink.toml").unlink(missing_ok=True)
            (plain_vault.parent / "settings.toml").write_text(settings)
            monkeypatch.setenv("VAULTLINK_CONFIG", str(plain_vault.parent / "settings.toml"))
        else:
            (plain_vault / ".vaultlink.toml").write_text(settings)
        before = read_all(plain_vault)
        for place in ("Raw/new", "Raw/old", "../vault/Raw/new"):
            done = run_line(run, line, f"{place}{extension}")
            assert (done.code, done.out) == (2, ""), (place, done)
            assert f"{place}{extension} must not be written: {reason}. Nothing was" in done.err
        assert read_all(plain_vault) == before


@each("settings", PROTECTING)
@each("line", ["links", "graph --format svg", "report", "rules", "undo --list"])
def test_output_goes_where_settings_allow_it(
    run: RunCommand, vault: Path, settings: str, line: str
) -> None:
    (vault / "Wiki").mkdir()
    (vault / ".vaultlink.toml").write_text(settings)
    for place in ("Wiki/out", "../out", ".vaultlink-out"):
        assert run_line(run, line, place).code == 0


@each(
    ("pattern", "place"),
    [
        ("linked/", "linked/new.txt"),
        ("linked/", "../far/new.txt"),
        ("*.txt", "new.txt"),
        ("*.txt", ".hidden.txt"),
        ("Sub/deep/", "to-sub/deep/new.txt"),
    ],
)
def test_protection_is_about_vault_paths(
    run: RunCommand, vault: Path, pattern: str, place: str
) -> None:
    (vault / "Sub/deep").mkdir(parents=True)
    (vault / "to-sub").symlink_to("Sub")
    (vault / ".vaultlink.toml").write_text(f'protect = ["{pattern}"]\n')
    for line in ("links", "undo --list", "check --no-baseline"):
        assert run_line(run, line, place).code == 2
        assert not (vault / place).exists()


def test_settings_of_the_vault_of_the_file_protect_it(
    run: RunCommand, vault: Path, tmp_path: Path
) -> None:
    create_vault(tmp_path / "other", {"b.md": "# B\n", ".vaultlink.toml": 'protect = ["*"]\n'})
    for line in ("links", "rules", "check --no-baseline --isolated"):
        assert run_line(run, line, "../other/new.txt").code == 2
    (vault / ".vaultlink.toml").write_text('protect = ["*"]\n')
    assert run_line(run, "links", "new.txt").code == 2
    assert run_line(run, "links --isolated", "new.txt").code == 0


def test_writing_command_is_refused_before_it_writes(run: RunCommand, vault: Path) -> None:
    before = read_all(vault)
    for line in ("rename Tide Flood --json", "fix --no-baseline", "merge Wall Tide", "init"):
        assert run_line(run, line, "map.png").code == 2
        assert read_all(vault) == before


# -- which vault ----------------------------------------------------------------------------------------------------------


@each("line", ["rules", "rule VL101", "completion bash", "links --vault ../other"])
def test_file_of_another_vault_stays(
    run: RunCommand, vault: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    """The vault of the file counts, whatever the vault of the command is."""
    create_vault(tmp_path / "other", {"b.md": "# B\n"})
    (tmp_path / "way").symlink_to("vault")
    monkeypatch.chdir(tmp_path / "other")
    for place in (vault / "Home.md", "../vault/map.png", "../way/Home.md", "../way/map.png"):
        done = run_line(run, line, place)
        assert done.code == 2
    assert {path: text for path, text in read_files(vault).items() if path in VAULT} == {
        path: text.encode() for path, text in VAULT.items()
    }


def test_vault_without_a_mark_is_known_from_the_command(run: RunCommand, tmp_path: Path) -> None:
    write_files(tmp_path / "plain", {"a.md": "# A\n"})
    words = ("--vault", str(tmp_path / "plain"), "--output-file", str(tmp_path / "plain/a.md"))
    for command in ("links", "graph", "doctor", "config", "undo --list", "init", "check"):
        assert run(*command.split(), *words).code == 2, command
        assert (tmp_path / "plain/a.md").read_text() == "# A\n"


def test_linked_folder_is_known_by_its_own_path_too(
    run: RunCommand, vault: Path, tmp_path: Path
) -> None:
    for line in ("links", "undo --list", "check --no-baseline", "rename Tide Flood"):
        assert run_line(run, line, tmp_path / "far/Far.md").code == 2, line
    assert (tmp_path / "far/Far.md").read_text() == "# Far\n"


def test_repository_around_the_vault_is_outside(run: RunCommand, tmp_path: Path) -> None:
    root = create_repository(tmp_path / "repo", {"notes/a.md": "[[b]]\n", "out.txt": "old\n"})
    commit(root)
    (root / "notes/.obsidian").mkdir()
    words = ("--vault", str(root / "notes"), "--output-file", str(root / "out.txt"))
    assert run("check", *words).code == 1
    assert "planned-note" in (root / "out.txt").read_text()


# -- outside a vault ------------------------------------------------------------------------------------------------------


@each("line", LINES)
def test_any_regular_file_outside_is_replaced(run: RunCommand, vault: Path, line: str) -> None:
    (vault / ".vaultlink-baseline.json").unlink()
    if line.startswith("init"):
        (vault / ".vaultlink.toml").unlink()
    out = vault.parent / "Out.md"
    out.write_text("old\n")
    assert run_line(run, line, "../Out.md").code in (0, 1)
    assert sorted(path.name for path in vault.parent.iterdir() if path.name.startswith(".")) == []
    assert run_line(run, line, os.devnull).code in (0, 1, 2)


needs_fifo = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX")


def run_process(*words: object, folder: Path) -> CommandResult:
    """Run vaultlink in a process, which must end without waiting for a reader."""
    command = [*PROGRAM, *map(str, words)]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    return CommandResult(done.returncode, done.stdout, done.stderr)


@needs_fifo
def test_streams_are_written_at_their_end(vault: Path) -> None:
    (vault / ".vaultlink-baseline.json").unlink()
    program = f"{shlex.quote(sys.executable)} -m vaultlink links --output-file"
    for script in (
        f"{program} /dev/stdout | cat",
        f"{program} /dev/stderr 2>&1 | cat",
        f"{program} /dev/fd/7 7>&1 | cat",
        f"{program} /dev/stdout >> ../log; cat ../log",
        f"{program} /dev/fd/7 7>> ../log; cat ../log",
    ):
        (vault.parent / "log").write_text("before\n")
        done = subprocess.run(
            ["/bin/sh", "-c", script], cwd=vault, capture_output=True, text=True, check=False
        )
        assert "Home.md\t3\t1\tresolved" in done.stdout
        assert done.stdout.startswith("before\n") == ("log" in script), script


@needs_fifo
def test_stream_that_is_only_read_is_the_file_itself(vault: Path) -> None:
    program = f"{shlex.quote(sys.executable)} -m vaultlink links --output-file"
    for script in (f"{program} /dev/stdin < Home.md", f"{program} /dev/fd/7 7< Home.md"):
        done = subprocess.run(
            ["/bin/sh", "-c", script], cwd=vault, capture_output=True, text=True, check=False
        )
        assert done.returncode == 2
        assert (vault / "Home.md").read_text() == VAULT["Home.md"]


# -- the format that the name of the file implies ----------------------------------------------------------------------


@each(
    ("words", "start"),
    [
        pytest.param("graph --output-file {out}.svg", b"<?xml", id="svg"),
        pytest.param("check --output-file {out}.json", b'{"schema":', id="json"),
        pytest.param("links --output-file {out}.JSON", b'{"schema":', id="case"),
        pytest.param("links --output-file {out}.tsv", b"path\tline\t", id="tsv"),
        pytest.param("check --output-file {out}.txt", b"A.md:1:1:", id="no format"),
        pytest.param("links --output-format json --output-file {out}.csv", b"{", id="option"),
        pytest.param("check --output-format concise --output-file {out}.json", b"A.md", id="wins"),
    ],
)
def test_extension_of_the_file_names_the_format(
    run: RunCommand, tmp_path: Path, words: str, start: bytes
) -> None:
    root = create_vault(tmp_path / "v", {"A.md": "[[Nope]]\n"})
    line = words.format(out=tmp_path / "out").split()
    assert run(*line, "--vault", root).code in (0, 1)
    assert Path(line[-1]).read_bytes().startswith(start)


@each(
    "words",
    [
        "graph --output-file {out}.png",
        "links --output-file {out}.csv",
        "check --output-file {out}.svg",
    ],
)
def test_extension_of_another_format_is_refused(
    run: RunCommand, tmp_path: Path, words: str
) -> None:
    root = create_vault(tmp_path / "v", {"A.md": "[[Nope]]\n"})
    line = words.format(out=tmp_path / "out").split()
    done = run(*line, "--vault", root)
    assert done.code == 2
    assert "there is no output format for " in done.err
    assert not Path(line[-1]).exists()


# -- options that contradict each other --------------------------------------------------------------------------------


@each(
    ("words", "named"),
    [
        ("undo --list --diff", "--list and --diff"),
    ],
)
def test_contradictions_are_refused(
    run: RunCommand, tmp_path: Path, words: str, named: str
) -> None:
    root = create_vault(tmp_path / "v", {"A.md": "[[Nope]]\n"})
    done = run(*words.split(), "--vault", root)
    assert (done.code, done.err) == (2, f"error: {named} can't be used together.\n")


def test_the_page_of_report_is_no_orphan(run: RunCommand, tmp_path: Path) -> None:
    root = create_vault(tmp_path / "v", {"A.md": "", "vaultlink-report.html": "", "b.html": ""})
    assert run("orphans", "--vault", root).lines == ["path", "A.md", "b.html"]
