"""Tests of `--output-file` and its other names: what may be written there, and that no file of a vault is lost."""

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import get_type_hints

import pytest

from repositories import commit, create_repository
from running import PROGRAM, CommandResult, RunCommand, create_vault, read_files, write_files
from vaultlink.cli.command_table import COMMANDS
from vaultlink.cli.options import list_option_fields
from vaultlink.report.output_starts import is_own_output

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
    "backlinks --check",
    "backlinks --write Tide",
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
"""Commands that print nothing, or never write into the vault; `watch`, `lsp`, `mcp` and `serve` have tests of their own."""

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


@pytest.mark.parametrize("line", LINES)
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


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("Home.md", "--output-file: Home.md is a note of the vault. Nothing was written."),
        ("HOME.MD", "--output-file: HOME.MD is a note of the vault."),
        ("Board.canvas", "--output-file: Board.canvas is a canvas of the vault."),
        ("All.base", "--output-file: All.base is a base of the vault."),
        ("Empty.md", "Empty.md is an empty note of the vault. Nothing was written."),
        ("empty.png", "empty.png exists and is not output of vaultlink in this format."),
        ("map.png", "map.png exists and is not output of vaultlink in this format. Nothing was"),
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


@pytest.mark.parametrize(
    "text", ["", "# Mine\n", '{"schema":1,"notes":[]}', "## vaultlink: mine\n"]
)
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


RECOGNISED = {
    "check --output-format full": "found.txt",
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
                "backlinks Tide --mentions",
                "backlinks --check --entries all",
                "mentions",
                "history Tide",
            ),
            *("config", "doctor", "rules"),
        )
    },
}
"""Command lines, and a file name for their output, that a later run replaces."""


@pytest.mark.parametrize("line", RECOGNISED)
def test_own_output_is_replaced(run: RunCommand, vault: Path, line: str) -> None:
    (vault / ".vaultlink-baseline.json").unlink()
    if line.startswith("init"):
        (vault / ".vaultlink.toml").unlink()
    file = vault / RECOGNISED[line]
    assert run_line(run, line, file.name).code in (0, 1)
    first = file.read_bytes()
    (vault / "More.md").write_text("[[Nowhere]] [[Home]]\n")
    done = run_line(run, line, file.name)
    assert done.code in (0, 1), done.err
    file.write_bytes(b"mine\n" + first)
    assert run_line(run, line, file.name).code == 2
    assert file.read_bytes() == b"mine\n" + first


@pytest.mark.parametrize(
    "line",
    [
        *("orphans", "deadends", "show", "doctor", "status", "check --statistics", "rule VL101"),
        *("completion bash", "graph --output-format table", "links --output-format table"),
    ],
)
def test_output_without_a_beginning_of_its_own_is_never_replaced(
    run: RunCommand, vault: Path, line: str
) -> None:
    (vault / ".vaultlink-baseline.json").unlink()
    assert run_line(run, line, "out.data").code in (0, 1)
    first = (vault / "out.data").read_bytes()
    done = run_line(run, line, "out.data")
    assert done.code == 2
    assert "out.data exists" in done.err
    assert (vault / "out.data").read_bytes() == first


@pytest.mark.parametrize(
    ("output_format", "extension", "expected"),
    [
        ("concise", ".txt", True),
        ("concise", ".TXT", True),
        ("concise", ".md", False),
        ("concise", ".png", False),
        ("concise", "", False),
        ("diff", ".patch", True),
        ("json-lines", ".jsonl", True),
        ("json", ".json", False),
        ("tsv", ".tsv", False),
        ("", ".txt", False),
    ],
)
def test_empty_file_is_output_only_with_its_extension(
    output_format: str, extension: str, expected: bool
) -> None:
    assert is_own_output(output_format, b"", extension) is expected


@pytest.mark.parametrize(
    ("output_format", "head"),
    [
        ("json", '{"schema": 1, "mine": 2}'),
        ("json", '{"directed": true, "multigraph": true, "graph": {}, "nodes": []'),
        ("json of a graph", '{"directed": true, "multigraph": false, "graph": {}, "nodes": ['),
        ("tsv", "name\tage\nAnn\t3\n"),
        ("tsv", "path\tcount\tlines\tmine\n"),
        ("tsv", "path\nHome.md\n"),
        ("concise", "Home.md:1:1: E501 line too long"),
        ("full", "VL101 dangling-link is a rule\n"),
        ("github", "::error file=a.md::mine"),
        ("gitlab", "[]\n[]\n"),
        ("gitlab", '[{"check_name":"mine"}]'),
        ("sarif", '{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"ruff"}}}]}'),
        ("junit", '<?xml version="1.0"?><testsuites name="pytest">'),
        ("markdown", "## vaultlink: how I use it\n\nI like it.\n"),
        ("svg", '<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" width="3">'),
        ("graphml", '<?xml version="1.0"?>\n<graphml xmlns="x"><key attr.name="weight"/>'),
        ("gexf", "<?xml version='1.0'?>\n<gexf><meta><creator>Gephi</creator></meta>"),
        ("dot", "digraph vault { a -> b }"),
        ("diff", "- a list\n- of mine\n"),
        ("table", "path  count\n"),
    ],
)
def test_output_of_other_programs_is_not_recognised(output_format: str, head: str) -> None:
    assert not is_own_output(output_format, head.encode(), ".x")


def test_output_of_another_format_stays(run: RunCommand, vault: Path) -> None:
    (vault / ".vaultlink-baseline.json").unlink()
    assert run("links", "--json", "--output-file", "out.data").code == 0
    before = (vault / "out.data").read_bytes()
    for words in (
        ("links", "--output-format", "tsv"),
        ("report", "--json"),
        ("graph", "--format", "json"),
    ):
        assert run(*words, "--output-file", "out.data").code == 2, words
        assert (vault / "out.data").read_bytes() == before


def test_writing_command_is_refused_before_it_writes(run: RunCommand, vault: Path) -> None:
    before = read_all(vault)
    for line in ("rename Tide Flood --json", "fix --no-baseline", "merge Wall Tide", "init"):
        assert run_line(run, line, "map.png").code == 2
        assert read_all(vault) == before


# -- which vault ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line", ["rules", "rule VL101", "completion bash", "links --vault ../other"]
)
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


@pytest.mark.parametrize("line", LINES)
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


def list_irregular(folder: Path) -> Iterator[tuple[str, str]]:
    os.mkfifo(folder / "pipe")
    (folder / "way").symlink_to("pipe")
    yield "../pipe", "it is a named pipe, not a regular file."
    yield "../way", "it is a named pipe, not a regular file."
    for device in ("/dev/full", "/dev/zero", "/dev/random"):
        if Path(device).exists():
            yield device, "it is a device, not a regular file."


@needs_fifo
@pytest.mark.parametrize("line", ["links", "check", "report", "graph --format dot", "init"])
def test_pipe_or_device_is_refused_at_once(vault: Path, line: str) -> None:
    (vault / ".vaultlink-baseline.json").unlink()
    before = read_all(vault)
    for place, message in list_irregular(vault.parent):
        done = run_process(*line.split(), "--output-file", place, folder=vault)
        assert (done.code, done.out) == (2, "")
        assert message in done.err
    assert read_all(vault) == before


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


@pytest.mark.parametrize(
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


@pytest.mark.parametrize(
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


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("undo --list --diff", "--list and --diff"),
        ("backlinks --write --check", "--write and --check"),
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
