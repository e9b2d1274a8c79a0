"""`vaultlink doctor`: one row for each subject, with advice where something needs attention."""

import re
import shutil
import subprocess
import sys
import tomllib
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

import vaultlink
from forge import ROOT
from repositories import create_repository, git
from running import RunCommand, create_vault, read_files, write_files
from vaultlink.watch.peers import Peers

DECOMPOSED = unicodedata.normalize("NFD", "Caf\u00e9.md")


@pytest.fixture
def vault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plain_git: None) -> Path:
    """Create a vault in which everything is fine, and change to it."""
    folder = create_vault(tmp_path / "vault", {"Home.md": "[[Home]]\n", "sub/map.png": ""})
    write_files(folder, {".obsidian/app.json": '{"useMarkdownLinks": true}'})
    monkeypatch.chdir(folder)
    monkeypatch.setattr("vaultlink.cli.commands.doctor._INOTIFY", tmp_path / "inotify")
    set_limits(tmp_path, 8192)
    return folder


def set_limits(folder: Path, watches: int) -> None:
    """Write the limits that Linux would report."""
    write_files(
        folder,
        {"inotify/max_user_watches": f"{watches}\n", "inotify/max_user_instances": "128\n"},
    )


def checks(run: RunCommand, *words: str) -> dict[str, dict[str, Any]]:
    """Run the command and return the rows of its JSON by name."""
    data = run("doctor", *words, "--json").data
    assert isinstance(data, dict)
    assert list(data) == ["schema", "version", "vault", "attention", "checks"]
    assert data["version"] == vaultlink.__version__
    rows = {row["check"]: row for row in data["checks"]}
    assert data["attention"] == sum(row["attention"] for row in rows.values())
    return rows


def test_everything_is_fine(run: RunCommand, vault: Path, tmp_path: Path) -> None:
    before = read_files(tmp_path)
    done = run("doctor")
    assert (done.code, done.err) == (0, "Everything is fine.\n")
    assert fits(done.lines, tmp_path)
    text = " ".join(re.sub(r"\s+", " ", done.out).split())
    for expected in (
        f"version vaultlink {vaultlink.__version__}, in ",
        f"Python {sys.version.split()[0]} (CPython), ",
        "libraries click ",
        f"vault {vault} (found by .obsidian or settings)",
        "files 1 note, 1 other file, 2 folders",
        "Obsidian new links are Markdown links, shortest; read app.json",
        "settings defaults; ",
        "MB, writable)",
        "(0 runs, writable)",
        "the vault is in no repository",
        "inotify 8,192 watches and 128 instances for all programs; the vault has 2 folders",
        "conflicts no conflicting copies of sync services",
        "runs no traces of killed runs",
        "watchers no vaultlink watch is running",
    ):
        assert expected in text
    assert read_files(tmp_path) == before
    assert all(not row["advice"] for row in checks(run).values())
    assert run("doctor", "--output-format", "tsv").lines[0] == "check\tattention\tdetail\tadvice"


def normalize(name: str) -> str:
    """Return the name of a package in the one spelling that pip compares."""
    return re.sub(r"[-_.]+", "-", name).lower()


def read_names(requirements: Iterable[str]) -> list[str]:
    """Return the names of packages in requirements, sorted."""
    return sorted(normalize(re.split(r"[^\w.-]", text)[0]) for text in requirements)


def test_every_requirement_and_extra_of_the_project_is_listed(run: RunCommand, vault: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    rows = checks(run)
    listed = dict(item.split(" ") for item in rows["libraries"]["detail"].split(", "))
    assert read_names(listed) == read_names(project["dependencies"])
    assert all(metadata.version(name) == version for name, version in listed.items())
    extras = [item.split(" (")[0] for item in rows["extras"]["detail"].split(", ")]
    assert extras == list(project["optional-dependencies"])


def write_metadata(folder: Path, *requirements: str) -> Path:
    """Write the metadata of an installed vaultlink with these requirements."""
    lines = ["Metadata-Version: 2.4", "Name: vaultlink", f"Version: {vaultlink.__version__}"]
    lines += [f"Requires-Dist: {text}" for text in requirements]
    path = f"vaultlink-{vaultlink.__version__}.dist-info/METADATA"
    return write_files(folder, {path: "\n".join(lines) + "\n"})


def test_missing_library_needs_attention_and_missing_extra_does_not(
    run: RunCommand, vault: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = write_metadata(
        tmp_path / "site",
        *("tomlkit>=0.13", "absent.library<3,>=2", "prompt_toolkit"),
        *("absent-server>=1; extra == 'lsp'", 'msgspec ; extra == "fast"'),
    )
    monkeypatch.syspath_prepend(installed)
    rows = checks(run)
    assert [name for name, row in rows.items() if row["attention"]] == ["libraries"]
    assert read_names(rows["libraries"]["detail"].split(", ")) == ["prompt-toolkit", "tomlkit"]
    assert rows["libraries"]["advice"] == (
        "Not installed: absent.library<3,>=2. Install vaultlink again."
    )
    assert rows["extras"]["detail"] == "lsp (not installed), fast (installed)"


def test_there_may_be_no_extras(
    run: RunCommand, vault: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(write_metadata(tmp_path / "site", "tomlkit"))
    rows = checks(run)
    assert not rows["libraries"]["attention"]
    assert rows["extras"]["detail"] == "there are no extras"


def fits(lines: Iterable[str], folder: Path) -> bool:
    """Return True if lines without long paths have at most 80 columns."""
    return all(len(line) <= 80 for line in lines if str(folder) not in line and "/src/" not in line)


Arrange = Callable[[Path, pytest.MonkeyPatch], object]


def shallow_clone(vault: Path, _: pytest.MonkeyPatch) -> None:
    """Make the vault a clone without its first commit."""
    origin = create_repository(vault.parent / "origin", {"Home.md": "1"})
    git(origin, "commit", "--quiet", "--allow-empty", "--message", "2")
    git(vault.parent, "clone", "--quiet", "--depth", "1", origin.as_uri(), "clone")
    (vault.parent / "clone" / ".git").rename(vault / ".git")


def without_git(vault: Path, patch: pytest.MonkeyPatch) -> None:
    """Make the vault a repository, and hide git."""
    create_repository(vault, {})
    patch.setenv("PATH", "")


PROBLEMS: Mapping[str, tuple[Arrange, str, str, str]] = {
    "no note": (
        lambda vault, _: (vault / "Home.md").unlink(),
        *("files", "0 notes, 1 other file", "Run vaultlink in the folder that has the notes."),
    ),
    "nested vault": (
        lambda vault, _: (vault / "sub" / ".obsidian").mkdir(),
        *("nested", "the vault contains other vaults: sub", "Their notes are part of this vault"),
    ),
    "damaged settings of Obsidian": (
        lambda vault, _: write_files(vault, {".obsidian/app.json": "{"}),
        *("Obsidian", "read app.json", "Not valid JSON, so defaults are used: .obsidian/app.json."),
    ),
    "unused filter": (
        lambda vault, _: write_files(
            vault, {".obsidian/app.json": '{"userIgnoreFilters": ["/(a)\\\\1/"]}'}
        ),
        *("filters", "Excluded files of Obsidian: ", "They exclude nothing here; use `exclude`"),
    ),
    "settings": (
        lambda vault, _: write_files(vault, {"vaultlink.toml": "selct = []\n"}),
        *("settings", "vaultlink.toml: not valid.", "select"),
    ),
    "cache": (
        lambda _, patch: patch.setenv("VAULTLINK_CACHE_DIR", "/dev/null/cache"),
        *("cache", "not writable", "Set VAULTLINK_CACHE_DIR to a folder."),
    ),
    "journal": (
        lambda _, patch: patch.setenv("VAULTLINK_STATE_DIR", "/dev/null/state"),
        *("journal", "not writable", "Set VAULTLINK_STATE_DIR to a folder."),
    ),
    "no git": (
        without_git,
        *("git", "can't be run, but the vault is in the repository of ", "Install git."),
    ),
    "shallow clone": (
        shallow_clone,
        *("git", "the clone is shallow", "`git fetch --unshallow` gets them."),
    ),
    "watches": (
        lambda vault, _: set_limits(vault.parent, 3),
        *("inotify", "3 watches and 128 instances", "fs.inotify.max_user_watches=524288"),
    ),
    "decomposed name": (
        lambda vault, _: (vault / DECOMPOSED).touch(),
        *("disk", "for é composed and decomposed", f"as of an old Mac: {DECOMPOSED}."),
    ),
    "conflicting copies": (
        lambda vault, _: write_files(
            vault,
            {
                "Home.sync-conflict-20240130-120000-ABCDEFG.md": "",
                "Home (Ann's conflicted copy 2024-01-30).md": "",
            },
        ),
        *("conflicts", "2 copies of sync services: Home (Ann's", "Merge each with its original"),
    ),
    "evicted by iCloud": (
        lambda vault, _: write_files(vault, {"Notes/.Pier.md.icloud": "", ".Home.md.icloud": ""}),
        *("iCloud", "not on this disk: Notes/Pier.md", "Download them in the Finder."),
    ),
    "leftover": (
        lambda vault, _: (vault / ".vaultlink-20240130-120000-abcd-7.tmp").touch(),
        *("runs", "killed runs left 1 temporary file: .vaultlink-20240130", "No note needs them."),
    ),
}


@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)
def test_problem_needs_attention(
    run: RunCommand,
    vault: Path,
    monkeypatch: pytest.MonkeyPatch,
    problem: tuple[Arrange, str, str, str],
) -> None:
    arrange, check, detail, advice = problem
    arrange(vault, monkeypatch)
    rows = checks(run)
    assert [name for name, row in rows.items() if row["attention"]] == [check]
    assert detail in rows[check]["detail"]
    assert advice in rows[check]["advice"]
    done = run("doctor")
    assert (done.code, done.err) == (1, "1 line marked with ! needs attention.\n")
    assert [line.split()[1] for line in done.lines if line.startswith("!")] == [check]
    assert fits(done.lines, vault.parent)


@pytest.mark.parametrize("is_committed", [True, False])
def test_repository(run: RunCommand, vault: Path, is_committed: bool) -> None:
    git(vault, "init", "--quiet")
    if is_committed:
        create_repository(vault, {})
    detail = "the history can be read" if is_committed else "no commit yet"
    assert checks(run)["git"]["detail"].endswith(f"; {detail}")
    assert run("doctor").code == 0


def test_repository_whose_commit_can_not_be_read(run: RunCommand, vault: Path) -> None:
    create_repository(vault, {})
    for folder in (vault / ".git/objects").glob("??"):
        shutil.rmtree(folder)
    row = checks(run)["git"]
    assert row["detail"].endswith(f"; can't read {vault / '.git'}")
    assert (row["attention"], row["advice"]) == (True, "fatal: bad object HEAD")


def test_vault_that_was_not_found_by_a_mark(
    run: RunCommand, vault: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_files(tmp_path / "plain", {"a.md": ""})
    monkeypatch.chdir(tmp_path / "plain")
    row = checks(run)["vault"]
    assert row["attention"]
    assert row["detail"].startswith(f"{tmp_path / 'plain'} (the current folder; no .obsidian ")
    assert row["advice"].startswith("`vaultlink init` writes a settings file")
    assert checks(run, "--vault", ".")["vault"]["detail"].endswith(" (named by --vault)")
    monkeypatch.chdir(tmp_path)
    row = checks(run)["vault"]
    assert (row["attention"], row["detail"]) == (True, "can't be opened.")
    assert "contains the vault vault." in row["advice"]
    assert run("doctor").code == 1


def test_other_watchers_are_named(run: RunCommand, vault: Path) -> None:
    code = (
        "import sys, pathlib; from vaultlink.watch.peers import Peers\n"
        "peers = Peers(pathlib.Path(sys.argv[1]), fixing=True); print('on', flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(vault)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "on\n"
        assert checks(run)["watchers"]["detail"] == f"process {other.pid} applies fixes"
        assert run("doctor").code == 0
        own = Peers(vault, fixing=False)
        assert [peer.pid for peer in own.list_peers()] == [other.pid]
        own.close()
        other.communicate("\n")
    assert checks(run)["watchers"]["detail"] == "no vaultlink watch is running"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems' disks ignore case")
def test_case_of_names(run: RunCommand, vault: Path) -> None:
    assert checks(run)["disk"]["detail"].startswith("a.md and A.md are different files")
    (vault.parent / "VAULT").symlink_to(vault)  # as on a disk that ignores case
    assert checks(run)["disk"]["detail"].startswith("a.md and A.md are one file")
