"""The pages in docs/ can be followed: every command in them is run, page by page, in a repository with an origin and with debt, and
every piece of YAML is what its reader takes it for.

And the project's own documents are checked by vaultlink, as `make test` does it.
"""

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml

from forge import (
    ROOT,
    InstallKit,
    assert_matches_schema,
    build_kit,
    check_output,
    commit_all,
    create_origin,
    make_clean_environment,
    make_once,
    run_process,
)
from running import create_vault, write_files
from vaultlink import __version__
from vaultlink.cli.dispatch import COMMANDS
from vaultlink.cli.parser import parse_options

PAGES = sorted((ROOT / "docs").glob("*.md"))
PROGRAMS = Path(sys.executable).parent
NOTES = {
    "Home.md": "To the [[Harbour]], to the [[Mole]].\n",
    "Harbour.md": "---\naliases: [Port]\n---\nBack [[Home]]. The [[Lighthouse]] is yesterday's debt.\n",
    "Mole.md": "Along the [[Port]], an alias.\n",
}

WATCH = """\
#!/bin/bash
# A watch goes on until it is told to stop: here after some seconds, and only once, since a second signal breaks it off.
if [ "$1" = watch ]; then exec timeout --foreground --preserve-status --signal=TERM 3 "{vaultlink}" "$@"; fi
exec "{vaultlink}" "$@"
"""


def blocks(page: Path, language: str) -> list[str]:
    """A page's code blocks in a language."""
    return re.findall(
        rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )


def named(page: Path) -> str:
    """A page as tests show it."""
    return page.name


# -- the pages ------------------------------------------------------------------------------------------------------------


def test_there_is_a_page_for_each_use() -> None:
    assert [page.stem for page in PAGES] == ["github", "gitlab", "obsidian-git", "pre-commit"]


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_page_is_short_and_begins_with_what_to_do(page: Path) -> None:
    lines = page.read_text(encoding="utf-8").splitlines()
    assert len(lines) < 60
    assert "```sh" in lines[:8]
    assert any("vaultlink baseline" in block for block in blocks(page, "sh"))


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_block_says_its_language(page: Path) -> None:
    told = re.findall(r"^```(.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert set(told[::2]) <= {"sh", "yaml"}
    assert set(told[1::2]) == {""}


@pytest.fixture(scope="session")
def kit(tmp_path_factory: pytest.TempPathFactory) -> InstallKit:
    """What installations are made of."""
    return build_kit(tmp_path_factory)


@pytest.fixture
def environment(
    kit: InstallKit, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """Surroundings in which `vaultlink` and `pre-commit` are installed."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "vaultlink").write_text(
        WATCH.format(vaultlink=PROGRAMS / "vaultlink"), encoding="utf-8"
    )
    (programs / "vaultlink").chmod(0o755)
    (programs / "pre-commit").symlink_to(PROGRAMS / "pre-commit")
    plain = make_clean_environment(tmp_path / "home")
    return kit.make_offline_environment(
        tmp_path / "home",
        PATH=f"{programs}:{plain['PATH']}",
        PRE_COMMIT_HOME=str(make_once(tmp_path_factory, "hooks-local", lambda _folder: None)),
    )


@pytest.fixture
def repo(environment: dict[str, str], tmp_path: Path) -> Path:
    """A vault that is a repository with an origin; on a branch of it a link was broken."""
    root = create_vault(tmp_path / "vault", NOTES | {".obsidian/app.json": "{}"})
    commit_all(root, environment, start=True)
    create_origin(root, environment)
    check_output(["git", "switch", "--quiet", "--create", "change"], root, environment)
    write_files(root, {"Pier.md": "Beside the [[Port]].\n"})
    commit_all(root, environment)
    return root


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_commands_can_be_followed(page: Path, repo: Path, environment: dict[str, str]) -> None:
    said = ""
    for block in blocks(page, "sh"):
        done = run_process(["bash", "-euo", "pipefail", "-c", block], repo, environment)
        said += done.stdout + done.stderr
        assert done.returncode == 0, f"{block}\n{said}"
    assert "error:" not in said
    LEFT[page.stem](repo, environment)


def mended(repo: Path, *notes: str) -> None:
    """Assert that no link of these notes names the alias any more."""
    for note in notes:
        assert "[[Harbour|Port]]" in (repo / note).read_text(encoding="utf-8")


def left_by_github(repo: Path, environment: dict[str, str]) -> None:
    """The workflow and the baseline are on the origin, and all that can be mended is."""
    files = check_output(
        ["git", "ls-tree", "-r", "--name-only", "origin/change"], repo, environment
    ).splitlines()
    assert {".github/workflows/vaultlink.yml", ".vaultlink-baseline.json"} <= set(files)
    mended(repo, "Pier.md", "Mole.md")


def left_by_gitlab(repo: Path, environment: dict[str, str]) -> None:
    """The pipeline and the baseline are on the origin, and all that can be mended is."""
    files = check_output(
        ["git", "ls-tree", "-r", "--name-only", "origin/change"], repo, environment
    ).splitlines()
    assert {".gitlab-ci.yml", ".vaultlink-baseline.json"} <= set(files)
    mended(repo, "Pier.md", "Mole.md")


def left_by_pre_commit(repo: Path, environment: dict[str, str]) -> None:
    """A commit with a link that leads nowhere is refused, a merge as well."""
    assert (repo / ".git" / "hooks" / "pre-merge-commit").exists()
    write_files(repo, {"New.md": "[[Gone astray]]\n"})
    check_output(["git", "add", "--all"], repo, environment)
    done = run_process(["git", "commit", "--message", "a step"], repo, environment)
    assert done.returncode == 1
    assert "Gone astray" in done.stdout + done.stderr
    mended(repo, "Mole.md")


def left_by_obsidian_git(repo: Path, environment: dict[str, str]) -> None:
    """An automatic commit takes what was mended with it, and goes through whatever else is broken."""
    assert "merge=vaultlink" in (repo / ".gitattributes").read_text(encoding="utf-8")
    mended(repo, "Pier.md", "Mole.md")
    write_files(repo, {"New.md": "[[Port]], [[Gone astray]]\n"})
    check_output(["git", "add", "--all"], repo, environment)
    check_output(["git", "commit", "--quiet", "--message", "vault backup"], repo, environment)
    assert (
        check_output(["git", "show", "HEAD:New.md"], repo, environment)
        == "[[Harbour|Port]], [[Gone astray]]\n"
    )
    assert (
        check_output(["git", "status", "--porcelain", "--untracked-files=no"], repo, environment)
        == ""
    )


LEFT = {
    "github": left_by_github,
    "gitlab": left_by_gitlab,
    "pre-commit": left_by_pre_commit,
    "obsidian-git": left_by_obsidian_git,
}


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_commands_within_sentences_are_commands(page: Path) -> None:
    prose = re.sub(
        r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL
    )
    for command in re.findall(r"`(vaultlink [^`]+)`", prose):
        name, *words = shlex.split(command)[1:]
        function: Callable[[Any], int] = getattr(
            import_module(f"vaultlink.cli.commands.{COMMANDS[name].module}"),
            COMMANDS[name].function,
        )
        assert not isinstance(parse_options(name, function, words), int), "a help page"


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "yaml")], ids=named)
def test_yaml_is_what_its_reader_takes_it_for(page: Path, tmp_path: Path) -> None:
    for number, text in enumerate(blocks(page, "yaml")):
        file = tmp_path / f"{number}.yml"
        file.write_text(text, encoding="utf-8")
        keys = yaml.safe_load(text).keys()
        if "repos" in keys:
            check_output(
                [PROGRAMS / "pre-commit", "validate-config", file],
                tmp_path,
                make_clean_environment(tmp_path / "home"),
            )
        else:
            assert_matches_schema("github-workflows" if "jobs" in keys else "gitlab-ci", file)


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_what_is_named_is_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for hook in re.findall(r"- id: (\S+)", text):
        assert (
            f"- id: {hook}\n" in (ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8")
            or hook == "links"
        )
    assert set(re.findall(r"\bv(\d+\.\d+\.\d+)", text)) <= {__version__}
    for said in re.findall(r"steps\.vaultlink\.outputs\.([\w-]+)", text):
        assert said in yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))["outputs"]


# -- the project's own documents ------------------------------------------------------------------------------------------


def own_check() -> list[str]:
    """The command that the Makefile checks the project's documents with."""
    [line] = re.findall(
        r"^\t\$\(BIN\)/vaultlink (check .*own\.toml.*)$",
        (ROOT / "Makefile").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    return [str(PROGRAMS / "vaultlink"), *line.split(), "--no-cache"]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The project's files, as far as its documents may name them."""
    ignored = shutil.ignore_patterns(
        ".git", ".venv", ".*_cache", "__pycache__", ".hypothesis", "*.egg-info"
    )
    return shutil.copytree(ROOT, tmp_path / "copy", ignore=ignored)


def checked(folder: Path, home: Path) -> subprocess.CompletedProcess[str]:
    """The project's check of its own documents, in a copy."""
    return run_process(own_check(), folder, make_clean_environment(home))


def test_own_documents_are_true(copy: Path, tmp_path: Path) -> None:
    done = checked(copy, tmp_path / "home")
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


@pytest.mark.parametrize(
    ("page", "link"),
    [
        ("README.md", "[docs](docs/no-such-page.md)"),
        ("CONTRIBUTING.md", "[rules](rules/README.md#no-such-heading)"),
        ("CHANGELOG.md", "[[Nowhere]]"),
        ("docs/github.md", "[GitLab](gitlub.md)"),
        ("contrib/README.md", "![](no-such-picture.png)"),
        ("rules/README.md", "[schema](schemo.json)"),
    ],
)
def test_link_of_an_own_document_that_leads_nowhere_is_found(
    copy: Path, tmp_path: Path, page: str, link: str
) -> None:
    with (copy / page).open("a", encoding="utf-8") as file:
        file.write(f"\n{link}\n")
    done = checked(copy, tmp_path / "home")
    assert done.returncode == 1, done.stdout + done.stderr
    assert [line.split(":")[0] for line in done.stdout.splitlines()] == [page]
