"""Tests of the pre-commit hooks: pre-commit installs them, and they reject and fix notes."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from forge import ROOT, InstallKit, build_kit, check_output, commit_all, make_once, run_process
from running import write_files
from tables import each

pytestmark = pytest.mark.project

MANIFEST = ROOT / ".pre-commit-hooks.yaml"
PRE_COMMIT = Path(sys.executable).with_name("pre-commit")
NOTES = {
    "Home.md": "To the [[Harbour]].\n",
    "Harbour.md": "Back [[Home]].\n",
    ".obsidian/app.json": "{}",
}


def manifest() -> list[dict[str, Any]]:
    """The hooks."""
    hooks: list[dict[str, Any]] = yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))
    return hooks


@pytest.fixture(scope="session")
def kit(tmp_path_factory: pytest.TempPathFactory) -> InstallKit:
    """Return the kit for installations."""
    return build_kit(tmp_path_factory)


@pytest.fixture(scope="session")
def environments(kit: InstallKit, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pre-commit keeps the environment of the hooks, which it makes here."""

    def make(folder: Path) -> None:
        notes = folder / "notes"
        notes.mkdir()
        environment = kit.make_offline_environment(folder / "home", PRE_COMMIT_HOME=str(folder))
        commit_all(notes, environment, start=True)
        configure(notes, kit, ["vaultlink"])
        check_output([PRE_COMMIT, "install-hooks"], notes, environment)

    return make_once(tmp_path_factory, "hooks", make)


def configure(root: Path, kit: InstallKit, hooks: Sequence[str], *arguments: str) -> None:
    """Have a repository use hooks of the project's commit."""
    head = check_output(
        ["git", "rev-parse", "HEAD"],
        kit.checkout,
        kit.make_offline_environment(kit.folder / "home"),
    ).strip()
    told = [{"id": hook, **({"args": list(arguments)} if arguments else {})} for hook in hooks]
    config = {"repos": [{"repo": kit.checkout.as_uri(), "rev": head, "hooks": told}]}
    (root / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")


class Notes:
    """A repository of notes whose commits go through hooks."""

    def __init__(self, root: Path, kit: InstallKit, environments: Path):
        self.root, self.kit = root, kit
        self.environment = kit.make_offline_environment(
            root.with_name("home"), PRE_COMMIT_HOME=str(environments)
        )

    def start(self, hooks: Sequence[str], *arguments: str, below: str = ".") -> "Notes":
        """Commit the first notes and install the hooks."""
        write_files(self.root / below, NOTES)
        commit_all(self.root, self.environment, start=True)
        configure(self.root, self.kit, hooks, *arguments)
        check_output([PRE_COMMIT, "install"], self.root, self.environment)
        return self

    def commit(self, texts: Mapping[str, str], *gone: str) -> tuple[int, str]:
        """Commit notes and deletions; return git's exit code and the output of the hooks."""
        write_files(self.root, texts)
        for path in gone:
            (self.root / path).unlink()
        check_output(["git", "add", "--all"], self.root, self.environment)
        done = run_process(["git", "commit", "--message", "a step"], self.root, self.environment)
        return done.returncode, done.stdout + done.stderr


@pytest.fixture
def notes(tmp_path: Path, kit: InstallKit, environments: Path) -> Notes:
    """Create a repository without hooks."""
    (tmp_path / "repo").mkdir()
    return Notes(tmp_path / "repo", kit, environments)


# -- the manifest ---------------------------------------------------------------------------------------------------------


def test_manifest_is_valid(kit: InstallKit) -> None:
    check_output(
        [PRE_COMMIT, "validate-manifest", MANIFEST],
        kit.folder,
        kit.make_offline_environment(kit.folder / "home"),
    )


@each("hook", manifest(), ids=lambda hook: str(hook["id"]))
def test_hooks_check_the_whole_vault(hook: Mapping[str, Any]) -> None:
    assert (hook["always_run"], hook["pass_filenames"], hook["require_serial"]) == (
        True,
        False,
        True,
    )
    assert hook["language"] == "python"
    assert "pre-commit" in hook["stages"]


def test_documents_name_all_hooks() -> None:
    assert {hook["id"]: hook["entry"] for hook in manifest()} == {
        "vaultlink": "vaultlink check",
        "vaultlink-fix": "vaultlink fix",
        "vaultlink-guard": "vaultlink guard --staged",
    }


# -- the hooks ------------------------------------------------------------------------------------------------------------


def test_commits_that_break_links_are_rejected(notes: Notes) -> None:
    notes.start(["vaultlink"])
    code, said = notes.commit({"Harbour.md": "Back [[Home]], or to the [[Lighthouse]].\n"})
    assert code == 1
    assert "Harbour.md:1:26: VL125 planned-note" in said
    assert notes.commit({"Lighthouse.md": "See [[Home]].\n"})[0] == 0
    code, said = notes.commit({}, "Lighthouse.md")
    assert code == 1, "a commit that only deletes a note"
    assert "Lighthouse" in said
    assert notes.commit({"Harbour.md": "Back [[Home]].\n"})[0] == 0


def test_guard_hook_refuses_only_what_breaks_links(notes: Notes) -> None:
    notes.start(["vaultlink-guard"])
    assert notes.commit({"Home.md": "To the [[Harbour]], later [[Lighthouse]].\n"})[0] == 0
    code, said = notes.commit({}, "Harbour.md")
    assert code == 1, "a linked note is deleted"
    assert "`vaultlink delete Harbour.md --unlink`" in said
    assert notes.commit({"Harbour.md": "Back [[Home]].\n", "Pier.md": "New.\n"})[0] == 0


def test_fix_hook_changes_files_and_rejects_the_commit(notes: Notes) -> None:
    notes.start(["vaultlink-fix", "vaultlink"])
    code, said = notes.commit(
        {
            "Pier.md": "---\naliases: [Jetty]\n---\nTo [[Home]].\n",
            "Home.md": "To the [[Jetty]] and the [[Harbour]].\n",
        }
    )
    assert code == 1
    assert "files were modified by this hook" in said
    assert (notes.root / "Home.md").read_text(
        encoding="utf-8"
    ) == "To the [[Pier|Jetty]] and the [[Harbour]].\n"
    assert (
        check_output(["git", "diff", "--name-only"], notes.root, notes.environment) == "Home.md\n"
    )
    code, said = notes.commit({})
    assert code == 0, said


def test_vault_in_a_folder_and_only_findings_of_the_commit(notes: Notes) -> None:
    notes.start(["vaultlink"], "--vault", "my notes", "--changed-since", "HEAD", below="my notes")
    write_files(
        notes.root / "my notes",
        {".gitignore": "Private.md\n", "Private.md": "[[Nowhere]] is not linted.\n"},
    )
    assert notes.commit({"my notes/Debt.md": "[[Home]]\n"})[0] == 0
    code, said = notes.commit({"my notes/Debt.md": "[[Home]] and [[Gone astray]]\n"})
    assert code == 1
    assert "Debt.md:1:14: VL125" in said
    assert "Nowhere" not in said
    check_output(
        ["git", "commit", "--quiet", "--no-verify", "-m", "debt"], notes.root, notes.environment
    )
    code, said = notes.commit({"my notes/Debt.md": "[[Home]], still [[Gone astray]]\n"})
    assert code == 0, said


def test_unstaged_changes_are_not_checked(notes: Notes) -> None:
    notes.start(["vaultlink"])
    write_files(
        notes.root, {"Home.md": "To the [[Harbour]] and [[Nowhere]].\n", "Pier.md": "[[Home]]\n"}
    )
    check_output(
        ["git", "add", "Pier.md", ".pre-commit-config.yaml"], notes.root, notes.environment
    )
    done = run_process(["git", "commit", "--message", "a step"], notes.root, notes.environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Nowhere" in (notes.root / "Home.md").read_text(encoding="utf-8")


def test_hooks_can_be_run_manually(notes: Notes) -> None:
    notes.start(["vaultlink"])
    assert (
        run_process([PRE_COMMIT, "run", "--all-files"], notes.root, notes.environment).returncode
        == 0
    )
    write_files(notes.root, {"Home.md": "[[Nowhere]]\n"})
    assert (
        run_process([PRE_COMMIT, "run", "--all-files"], notes.root, notes.environment).returncode
        == 1
    )
