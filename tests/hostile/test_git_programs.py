"""No program that a repository names runs, whatever command of vaultlink is used.

Each trap appends to a mark file. A vault is planted with all of them in several layouts of repository.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from exploring import spread
from machine import require_program
from repositories import commit, create_repository, git, update_files
from running import RunCommand
from vaultlink.cli.command_table import ALIASES, COMMANDS

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the traps are shell scripts")

NOTES = {
    "a.md": "[[b]] [[gone]] [[c#Nowhere]]\n",
    "b.md": "# One\n\n[[a]]\n",
    "c.md": "# Two\n\n" + "A line of text that is long enough to be recognised.\n" * 20,
    "vaultlink.toml": "",
}

ARGUMENTS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "check": (
        (),
        ("--changed-since", "HEAD~1"),
        ("--changed-since", "HEAD"),
        ("--output-format", "github"),
    ),
    "baseline": (("--diff",),),
    "fix": (("--diff", "--unsafe-fixes"), ("--changed-since", "HEAD~1", "--diff")),
    "undo": (("--diff",),),
    "show": (("b",),),
    "backlinks": (("b",),),
    "sections": (("write", "--diff"),),
    "history": (("c2",),),
    "rule": (("dangling-link",),),
    "init": (("--ci", "github", "--diff"), ("--merge-driver",)),
    "report": (("--output-format", "json"),),
    "guard": ((), ("--staged",)),
    "serve": (("--idle", "0.001"), ("--stop",)),
    "merge-driver": (("a.md", "b.md", "c2.md", "7", "a.md"),),
}
"""The arguments to run commands with; those that are not named run without any."""

CONFIGURED = (
    *("core.fsmonitor", "core.pager", "core.editor", "core.sshCommand", "core.askPass"),
    *("core.gitProxy", "core.alternateRefsCommand", "diff.external", "interactive.diffFilter"),
    *("filter.trap.clean", "filter.trap.smudge", "filter.trap.process"),
    *("filter.a=b.clean", "filter.a=b.smudge", "filter.a=b.process"),
    *("diff.trap.textconv", "diff.trap.command", "merge.trap.driver", "gpg.program"),
    *("gpg.ssh.program", "credential.helper", "sequence.editor", "uploadpack.packObjectsHook"),
    *("remote.origin.uploadpack", "remote.origin.proxy", "hook.trap.command"),
)
"""Settings whose value is a program."""

ALIASED = ("check-attr", "cat-file", "config", "diff", "log", "ls-files", "rev-list", "rev-parse")
HOOKS = (
    *("fsmonitor-watchman", "post-checkout", "post-index-change", "pre-auto-gc", "pre-commit"),
    *("reference-transaction", "sendemail-validate", "update"),
)


class Trap:
    """A program that writes to a mark file when it runs."""

    def __init__(self, folder: Path):
        folder.mkdir(parents=True)
        self._folder, self._mark = folder, folder / "mark"
        self.program = folder / "trap"
        self.program.write_text(f"#!/bin/sh\necho \"$0 $*\" >> '{self._mark}'\nexec cat\n")
        self.program.chmod(0o755)
        for name in HOOKS:
            (folder / name).write_bytes(self.program.read_bytes())
            (folder / name).chmod(0o755)

    def set(self, repository: Path) -> None:
        """Name the program in everything that a repository can name programs in."""
        extra = self._folder / f"included-{len(list(self._folder.glob('included-*')))}"
        for key in CONFIGURED:
            git(repository, "config", "--file", str(extra), key, f"'{self.program}'")
        for name in ALIASED:
            git(repository, "config", "--file", str(extra), f"alias.{name}", f"!'{self.program}'")
        for key, value in (
            ("filter.trap.required", "true"),
            ("filter.a=b.required", "true"),
            ("log.showSignature", "true"),
            ("hook.trap.event", "post-index-change"),
            ("core.hooksPath", str(self._folder)),
            ("pager.log", "true"),
            ("diff.ignoreSubmodules", "none"),
            ("status.submoduleSummary", "true"),
            ("submodule.recurse", "true"),
        ):
            git(repository, "config", "--file", str(extra), key, value)
        git(repository, "config", "include.path", str(extra))

    def spring(self) -> list[str]:
        """Return the runs of the program so far, and forget them."""
        runs = self._mark.read_text().splitlines() if self._mark.exists() else []
        self._mark.unlink(missing_ok=True)
        return runs


ATTRIBUTES = "[ab].md filter=trap diff=trap merge=trap\nc*.md filter=a=b\n*.base filter=lfs\n"


def create_work_tree(root: Path) -> None:
    """Create a repository with a commit, a rename, and changes in the working tree."""
    create_repository(root, NOTES)
    update_files(root, {"c.md": None, "c2.md": NOTES["c.md"] + "One more line.\n"})
    commit(root)
    update_files(root, {"d.md": "[[c]]\n", ".gitattributes": ATTRIBUTES})
    commit(root)
    update_files(root, {"b.md": "# Changed\n\n[[a]] [[lost]]\n"})


def make_racy(root: Path) -> None:
    """Give all files the time of the index, so that git must compare their contents."""
    index = root / ".git" / "index"
    for file in [*root.glob("*.md"), index]:
        if file.exists():
            os.utime(file, (1_700_000_000, 1_700_000_000))


def plain(root: Path, trap: Trap) -> None:
    """A working tree with a `.git` folder."""
    create_work_tree(root)
    trap.set(root)


def git_file(root: Path, trap: Trap) -> None:
    """A working tree whose `.git` is a file that names a folder elsewhere."""
    create_work_tree(root)
    trap.set(root)
    elsewhere = root.parent / "elsewhere"
    (root / ".git").rename(elsewhere)
    (root / ".git").write_text(f"gitdir: {elsewhere}\n")


def bare(root: Path, trap: Trap) -> None:
    """A vault that is itself a bare repository, inside another repository, as a clone can have it."""
    outer = root.parent
    create_repository(outer, {"x.txt": "x"})
    root.mkdir()
    git(root, "init", "--quiet", "--bare", "--initial-branch", "main")
    git(root, "config", "core.bare", "false")
    git(root, "config", "core.worktree", str(root))
    update_files(root, {**NOTES, ".gitattributes": ATTRIBUTES})
    env = {**os.environ, "GIT_DIR": str(root), "GIT_WORK_TREE": str(root)}
    for words in (("add", "a.md", "b.md", "c.md"), ("commit", "--quiet", "--message", "a step")):
        identity = ("-c", "user.name=A", "-c", "user.email=a@example.org")
        subprocess.run([require_program("git"), *identity, *words], cwd=root, env=env, check=True)
    update_files(root, {"b.md": "changed\n"})
    trap.set(root)


def submodule(root: Path, trap: Trap) -> None:
    """A working tree with a changed submodule that names programs, too."""
    source = create_repository(root.parent / "source", NOTES)
    create_work_tree(root)
    allow = ("-c", "protocol.file.allow=always")
    git(root, *allow, "submodule", "--quiet", "add", f"file://{source}", "sub")
    commit(root)
    update_files(root / "sub", {"a.md": "[[b]] changed\n", ".gitattributes": ATTRIBUTES})
    trap.set(root)
    trap.set(root / "sub")
    make_racy(root / "sub")


def partial_clone(root: Path, trap: Trap) -> None:
    """A clone that lacks old contents, and would fetch them with programs."""
    source = root.parent / "source"
    create_work_tree(source)
    commit(source)
    git(source, "config", "uploadpack.allowFilter", "true")
    git(root.parent, "clone", "--quiet", "--filter=blob:none", f"file://{source}", root.name)
    for url in ("ext::sh -c 'true'", "ssh://host.invalid/x", f"file://{source}"):
        git(root, "config", "remote.origin.url", url)
        git(root, "config", f"url.{url}.insteadOf", "https://host.invalid/")
    git(root, "config", "protocol.allow", "always")
    for name in ("ext", "ssh", "file"):
        git(root, "config", f"protocol.{name}.allow", "always")
    trap.set(root)


LAYOUTS: tuple[Callable[[Path, Trap], None], ...] = (
    plain,
    git_file,
    bare,
    submodule,
    partial_clone,
)


def run_watcher(root: Path) -> None:
    """Run the watcher for as long as it takes to report what it found."""
    with subprocess.Popen(
        [sys.executable, "-m", "vaultlink", "watch", "--fix"],
        cwd=root,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if b"Watching" in line:
                break
        (root / "new.md").write_text("[[a]] [[nowhere]]\n")
        time.sleep(1)
        process.terminate()
        process.communicate(timeout=30)


@pytest.mark.parametrize("layout", spread(LAYOUTS, 2), ids=lambda layout: layout.__name__)
@pytest.mark.usefixtures("plain_git")
def test_no_command_runs_a_program_of_the_repository(
    tmp_path: Path,
    layout: Callable[[Path, Trap], None],
    monkeypatch: pytest.MonkeyPatch,
    run: RunCommand,
) -> None:
    trap, root = Trap(tmp_path / "trap"), tmp_path / "outer" / "vault"
    root.parent.mkdir()
    layout(root, trap)
    monkeypatch.chdir(root)
    found = {}
    trap.spring()
    for name in (*COMMANDS, *ALIASES):
        for words in ARGUMENTS.get(name, ((),)):
            make_racy(root)
            if name == "watch":
                run_watcher(root)
            else:
                done = run(name, *words)
                assert "internal error" not in done.err
            if runs := trap.spring():
                found[f"{name} {' '.join(words)}"] = sorted(set(runs))[:3]
    assert found == {}


def test_program_in_the_vault_is_not_taken_for_git(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: RunCommand
) -> None:
    trap, root = Trap(tmp_path / "trap"), tmp_path / "vault"
    create_work_tree(root)
    for name in ("git", "git.exe"):
        (root / name).write_bytes(trap.program.read_bytes())
        (root / name).chmod(0o755)
    monkeypatch.chdir(root)
    monkeypatch.setenv("PATH", f".{os.pathsep}{os.pathsep}{os.environ['PATH']}")
    assert run("check", "--changed-since", "HEAD").code == 1
    assert trap.spring() == []


def test_traps_work(tmp_path: Path) -> None:
    trap, root = Trap(tmp_path / "trap"), tmp_path / "vault"
    plain(root, trap)
    trap.spring()
    for words in (("status",), ("diff",), ("log", "-p"), ("cat-file", "--textconv", "HEAD:a.md")):
        make_racy(root)
        subprocess.run(
            [require_program("git"), "-C", root, *words], capture_output=True, check=False
        )
        assert trap.spring(), words
