"""Tests of the pages in docs/. Every command in them is run, page by page, in a repository with an origin and known findings, and
every YAML block is validated by its consumer.

vaultlink also checks the project's own documents, as `make test` does.
"""

import json
import os
import re
import shutil
import sys
from pathlib import Path

import pytest
import yaml

import guides
from documents import blocks, parsed, prose
from forge import (
    ROOT,
    assert_matches_schema,
    build_kit,
    check_output,
    commit_all,
    create_origin,
    make_clean_environment,
    make_once,
    run_process,
)
from guides import assert_fixed
from running import create_vault, write_files
from tables import each
from vaultlink import __version__
from vaultlink.config.settings import BACKLINKS_CHOICES

pytestmark = pytest.mark.project

PAGES = sorted((ROOT / "docs").glob("*.md"))
FORGES = [page for page in PAGES if page.stem in ("github", "gitlab", "obsidian-git", "pre-commit")]
"""Pages about one system: every command in them must succeed."""
INDEX = ROOT / "docs" / "README.md"
README = ROOT / "README.md"
RUN = [
    README,
    *(
        page
        for page in PAGES
        if blocks(page, "sh")
        and page.stem not in ("first-steps", "forges", "install", "tutorial", "vscode")
    ),
]
"""The others are run by tests of their own: `READERS` in tests/test_code_blocks.py names them."""
ELSEWHERE = re.compile(
    r"^(python3 -I -m venv|pip install|make demo|vaultlink fix --interactive) .*\n", re.MULTILINE
)
"""Commands of the README that tests/test_readme_commands.py and tests/test_first_steps.py run."""
PROGRAMS = Path(sys.executable).parent
NOTES = {
    "Home.md": "To the [[Harbour]], to the [[Mole]].\n",
    "Harbour.md": "---\naliases: [Port]\n---\nBack [[Home]]. The [[Lighthouse]] is a known finding.\n",
    "Mole.md": "Along the [[Port]], an alias.\n",
}

WATCH = """\
#!/bin/bash
# A watcher runs until it gets a signal. Send SIGTERM after three seconds, and only once: a second signal aborts it.
if [ "$1" = watch ]; then exec timeout --foreground --preserve-status --signal=TERM 3 "{vaultlink}" "$@"; fi
exec "{vaultlink}" "$@"
"""


def named(page: Path) -> str:
    """Return a page's name for test ids."""
    return page.name


# -- the pages ------------------------------------------------------------------------------------------------------------


def test_index_links_to_every_page() -> None:
    for page in PAGES:
        assert page == INDEX or f"]({page.name})" in INDEX.read_text(encoding="utf-8"), page.name


STARTING = re.compile(
    r"(?<!=)\b(?:PYTHON|python(?:w|[23](?:\.\d+)?)?(?:\.exe)?)"
    r"(?:[\"'`}]* +|</Command>\s*<Arguments>)(?=-|\w+\.py\b)(?P<options>[^\n]*)"
)
"""A command line that starts Python with an option, or with a file of the current folder."""


def is_isolated(options: str) -> bool:
    """Return True if Python imports nothing from the current folder, whatever its version is."""
    return re.match(r"-I |-(?:V|-version)\b|-(?=[`\s]|$)", options) is not None


@each(
    ("line", "expected"),
    [
        ("python3 -m venv x", False),
        ("python -P -m venv x", False),
        ('"$PYTHON" -c "$x"', False),
        ('"$scripts/python" -m pip install x', False),
        ("run: python3.12 -c x", False),
        ("pythonw.exe</Command>\n<Arguments>-c x", False),
        ("`python example.py`", False),
        ("python3 -I -m venv x", True),
        ('"$PYTHON" -I -c "$x"', True),
        ("pythonw.exe</Command>\n<Arguments>-I -c x", True),
        ("`python3 --version` is older", True),
    ],
)
def test_python_that_imports_from_the_current_folder_is_noticed(line: str, expected: bool) -> None:
    [found] = STARTING.finditer(line)
    assert is_isolated(found["options"]) is expected


def list_command_files() -> list[Path]:
    """Return the files whose command lines run in checkouts, or that readers copy from."""
    folders = ("docs", "contrib", ".github/workflows", "src/vaultlink/cli/starters")
    files = [ROOT / name for name in ("action.yml", *(page.name for page in ROOT.glob("*.md")))]
    files.remove(ROOT / "CHANGELOG.md")
    for folder in folders:
        found = (path for path in (ROOT / folder).rglob("*") if path.is_file())
        files += [path for path in found if "node_modules" not in path.parts]
    return [path for path in files if path.suffix in (".md", ".yml", ".toml", ".xml", ".plist")]


def test_no_command_line_imports_from_the_current_folder() -> None:
    lines = [
        (path.relative_to(ROOT).as_posix(), found[0], is_isolated(found["options"]))
        for path in list_command_files()
        for found in STARTING.finditer(path.read_text(encoding="utf-8"))
    ]
    assert {place for place, _, _ in lines} >= {
        *("README.md", "action.yml", "docs/install.md", "docs/many-vaults.md"),
        *("src/vaultlink/cli/starters/github.yml", "src/vaultlink/cli/starters/gitlab.yml"),
    }
    assert [(place, line) for place, line, isolated in lines if not isolated] == []


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Return an environment in which `vaultlink` and `pre-commit` are installed."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "vaultlink").write_text(
        WATCH.format(vaultlink=PROGRAMS / "vaultlink"), encoding="utf-8"
    )
    (programs / "vaultlink").chmod(0o755)
    (programs / "pre-commit").symlink_to(PROGRAMS / "pre-commit")
    return make_clean_environment(
        tmp_path / "home",
        PATH=f"{programs}:{os.environ['PATH']}",
        VAULTLINK_PACKAGE=f"vaultlink @ {ROOT.as_uri()}",  # a source that CI can reach
    )


def let_hooks_be_installed(
    environment: dict[str, str], home: Path, factory: pytest.TempPathFactory
) -> None:
    """Add to an environment what pre-commit needs to install a hook."""
    hooks = make_once(factory, "hooks-local", lambda _folder: None)
    settings = {"PATH": environment["PATH"], "PRE_COMMIT_HOME": str(hooks)}
    environment |= build_kit(factory).make_offline_environment(home, **settings)


@pytest.fixture
def repo(environment: dict[str, str], tmp_path: Path) -> Path:
    """Return a vault that is a repository with an origin. Its current branch broke a link."""
    root = create_vault(tmp_path / "vault", NOTES | {".obsidian/app.json": "{}"})
    commit_all(root, environment, start=True)
    create_origin(root, environment)
    check_output(["git", "switch", "--quiet", "--create", "change"], root, environment)
    write_files(root, {"Pier.md": "Beside the [[Port]].\n"})
    commit_all(root, environment)
    return root


FINDINGS_ALLOWED = "trap 'code=$?; if [ $code -ne 1 ]; then exit $code; fi' ERR\n"
"""Makes bash go on after exit code 1 (findings), and stop at any other."""


@pytest.mark.parametrize("page", RUN, ids=named)
def test_commands_of_the_page_run(
    page: Path,
    repo: Path,
    environment: dict[str, str],
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    said = ""
    if page.stem == "pre-commit":
        let_hooks_be_installed(environment, tmp_path / "home", tmp_path_factory)
    write_files(repo.parent, GIVEN.get(page.stem, {}))
    for block in blocks(page, "sh"):
        start = ["-euo", "pipefail", "-c", block]
        if page not in FORGES:
            commands = ELSEWHERE.sub("", block) if page == README else block
            start = ["-uo", "pipefail", "-c", f"{FINDINGS_ALLOWED}{commands}exit 0\n"]
        done = run_process(["bash", *start], repo, environment)
        said += done.stdout + done.stderr
        assert done.returncode == 0, f"{block}\n{said}"
    assert not re.search("error:|command not found|No such file", said), said
    LEFT[page.stem](repo, environment)


GIVEN = {
    "README": {
        "home/Notes/Port.md": "Along the [[Quay]].\n",
        "vault/Daily/Monday.md": "At the [[Harbour]].\n",
        "vault/NOTE.md": "Text.\n\n## Backlinks\n\n- [[Home]]\n",
    },
    "agents": {
        "draft.md": "From [[The old pier]] to the [[Lighthuose]].\n",
        "vault/old_pier.md": "---\ntitle: The old pier\n---\nBeside the [[Mole]].\n",
    },
    "editors": {
        "vault/draft.md": "To the [[Port]].\n",
        "vault/drafts.json": '{"Inbox/new.md": "To the [[Port]].\\n"}',
    },
    "many-vaults": {
        f"vault/{folder}/{name}": text
        for folder in ("handbook", "notes/team-a", "notes/team-b")
        for name, text in (NOTES | {".obsidian/app.json": "{}"}).items()
    },
    "mentions": {
        "vault/Old harbour light.md": "A tower on the mole.\n",
        "vault/Walk.md": "From the [[Mole]] to the Old Harbour Light.\n",
    },
    "renaming": {
        "vault/Guide.md": "# Tides\n\nOn #sea/tide ^day\n",
        "vault/img/map.png": "",
        "vault/Work/plan.md": "[[Guide#Tides]], [[Guide#^day]], ![[map.png]]\n",
        "vault/plan.tsv": "old\tnew\nHome\tGuide\nGuide\tHome\n",
    },
}
"""Files that a page's reader has."""


def left_by_readme(repo: Path, environment: dict[str, str]) -> None:
    """There are a workflow and a baseline; sections and fixes are taken back."""
    written = check_output(["git", "status", "--porcelain", "-uall"], repo, environment)
    assert ".github/workflows/vaultlink.yml" in written
    assert run_process(["vaultlink", "check"], repo, environment).returncode == 0
    assert "## Backlinks" not in (repo / "Harbour.md").read_text(encoding="utf-8")


def left_by_github(repo: Path, environment: dict[str, str]) -> None:
    """The workflow and the baseline are on the origin, and all fixable links are fixed."""
    files = check_output(
        ["git", "ls-tree", "-r", "--name-only", "origin/change"], repo, environment
    ).splitlines()
    assert {".github/workflows/vaultlink.yml", ".vaultlink-baseline.json"} <= set(files)
    assert_fixed(repo, "Pier.md", "Mole.md")


def left_by_gitlab(repo: Path, environment: dict[str, str]) -> None:
    """The pipeline and the baseline are on the origin, and all fixable links are fixed."""
    files = check_output(
        ["git", "ls-tree", "-r", "--name-only", "origin/change"], repo, environment
    ).splitlines()
    assert {".gitlab-ci.yml", ".vaultlink-baseline.json"} <= set(files)
    assert_fixed(repo, "Pier.md", "Mole.md")


def left_by_pre_commit(repo: Path, environment: dict[str, str]) -> None:
    """A commit with a broken link is refused, and the hook for merges is installed."""
    assert (repo / ".git" / "hooks" / "pre-merge-commit").exists()
    write_files(repo, {"New.md": "[[Gone astray]]\n"})
    check_output(["git", "add", "--all"], repo, environment)
    done = run_process(["git", "commit", "--message", "a step"], repo, environment)
    assert done.returncode == 1
    assert "Gone astray" in done.stdout + done.stderr
    assert_fixed(repo, "Mole.md")


def left_by_obsidian_git(repo: Path, environment: dict[str, str]) -> None:
    """An automatic commit includes the fixes and succeeds despite other broken links."""
    assert "merge=vaultlink" in (repo / ".gitattributes").read_text(encoding="utf-8")
    assert_fixed(repo, "Pier.md", "Mole.md")
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


def left_by_ci(repo: Path, environment: dict[str, str]) -> None:
    """The baseline is on the origin, and what the branch broke is fixed, and nothing else."""
    left_by_workflow = check_output(
        ["git", "ls-tree", "-r", "--name-only", "origin/change"], repo, environment
    ).splitlines()
    assert {".github/workflows/vaultlink.yml", ".vaultlink-baseline.json"} <= set(left_by_workflow)
    assert_fixed(repo, "Pier.md")


def left_by_report(repo: Path, environment: dict[str, str]) -> None:
    """Only the page is written, and it is the same each time."""
    assert check_output(["git", "status", "--porcelain"], repo, environment) == "?? vault.html\n"
    page = (repo / "vault.html").read_bytes()
    check_output(["vaultlink", "report", "--output", "vault.html"], repo, environment)
    assert (repo / "vault.html").read_bytes() == page


def left_by_mentions(repo: Path, environment: dict[str, str]) -> None:
    """A mention was linked, and every byte is as before."""
    assert check_output(["git", "diff", "--name-only"], repo, environment) == ""
    walk = "From the [[Mole]] to the Old Harbour Light.\n"
    assert (repo / "Walk.md").read_text(encoding="utf-8") == walk
    check_output(["vaultlink", "mentions", "--write"], repo, environment)
    assert "[[Old harbour light|" in (repo / "Walk.md").read_text(encoding="utf-8")


def left_by_renaming(repo: Path, environment: dict[str, str]) -> None:
    """Every name and every byte is as before, and the links resolve."""
    assert check_output(["git", "diff", "--name-only"], repo, environment) == ""
    assert "[[Guide#Tides]]" in (repo / "Work" / "plan.md").read_text(encoding="utf-8")


def left_by_deleting(repo: Path, environment: dict[str, str]) -> None:
    """Every note and every link is as before."""
    assert check_output(["git", "status", "--porcelain"], repo, environment) == ""


def left_by_plans(repo: Path, environment: dict[str, str]) -> None:
    """Nothing is changed; each file has the plan of its command, with the keys of the page."""
    assert check_output(["git", "diff", "--name-only"], repo, environment) == ""
    page = (ROOT / "docs" / "plans.md").read_text(encoding="utf-8")
    keys = set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE))
    for name, command in (("fixes", "fix"), ("rename", "rename"), ("deletion", "delete")):
        plan = json.loads((repo / f"{name}.json").read_text(encoding="utf-8"))
        assert plan["command"] == command
        assert plan.keys() == keys | {"schema"}
        assert plan["edits"]


def left_by_upgrading(repo: Path, environment: dict[str, str]) -> None:
    """Only the baseline is written."""
    written = check_output(["git", "status", "--porcelain"], repo, environment)
    assert written == "?? .vaultlink-baseline.json\n"


def left_by_large_vaults(repo: Path, environment: dict[str, str]) -> None:
    """The findings are in a file."""
    assert "Lighthouse" in (repo / "findings.txt").read_text(encoding="utf-8")


def left_by_many_vaults(repo: Path, environment: dict[str, str]) -> None:
    """Each vault has its baseline. tests/test_many_vaults.py runs the jobs."""
    written = check_output(["git", "ls-files", "--others"], repo, environment)
    assert written.count(".vaultlink-baseline.json") == 3


LEFT = {
    "README": left_by_readme,
    "agents": guides.left_by_agents,
    "agent-setup": guides.left_by_agent_setup,
    "custom-report": guides.left_by_custom_report,
    "language-server": guides.left_by_language_server,
    "large-vaults": left_by_large_vaults,
    "many-vaults": left_by_many_vaults,
    "old-findings": guides.left_by_old_findings,
    "sync-services": guides.left_by_sync_services,
    "templates": guides.left_by_templates,
    "backlinks": guides.left_by_backlinks,
    "ci": left_by_ci,
    "configuration": guides.left_by_configuration,
    "editors": guides.left_by_editors,
    "fixing": guides.left_by_fixing,
    "history": guides.left_by_history,
    "hooks": guides.left_by_hooks,
    "graph": guides.left_by_graph,
    "mentions": left_by_mentions,
    "output-files": guides.left_by_output_files,
    "planned-notes": guides.left_by_planned_notes,
    "plans": left_by_plans,
    "platforms": guides.left_by_terminal,
    "status": guides.left_by_terminal,
    "terminal": guides.left_by_terminal,
    "upgrading": left_by_upgrading,
    "versions": guides.left_by_terminal,
    "related": guides.left_by_related,
    "renaming": left_by_renaming,
    "deleting": left_by_deleting,
    "report": left_by_report,
    "watching": guides.left_by_watching,
    "github": left_by_github,
    "gitlab": left_by_gitlab,
    "pre-commit": left_by_pre_commit,
    "obsidian-git": left_by_obsidian_git,
    "obsidian-plugin": guides.left_by_obsidian_plugin,
}


@each("page", PAGES, ids=named)
def test_commands_within_sentences_are_commands(page: Path) -> None:
    for command in re.findall(r"`(vaultlink [^`]+)`", prose(page)):
        assert not isinstance(parsed(command), int), "a help page"


@each("page", [page for page in PAGES if blocks(page, "markdown")], ids=named)
def test_commands_within_markdown_samples_are_commands(page: Path) -> None:
    for text in blocks(page, "markdown"):
        for command in re.findall(r"`(vaultlink [^`]+)`", text):
            assert not isinstance(parsed(command.split(" - <")[0]), int), "a help page"


def test_settings_within_sentences_are_valid(environment: dict[str, str], tmp_path: Path) -> None:
    settings = [
        text for page in PAGES for text in re.findall(r"`([a-z-]+ = [\[\"][^`]*)`", prose(page))
    ]
    assert 'allow-dangling = ["people/*"]' in settings
    for text in settings:
        key = text.split(" = ")[0]
        table = "[backlinks]\n" if key in BACKLINKS_CHOICES else ""
        write_files(tmp_path / "v", {"vaultlink.toml": f"{table}{text}\n", "Home.md": ""})
        listed = check_output(["vaultlink", "config"], tmp_path / "v", environment)
        assert re.search(rf"^(backlinks\.)?{key}\t.*\tvaultlink\.toml$", listed, re.MULTILINE)


def test_yaml_is_valid_for_its_consumer(tmp_path: Path) -> None:
    files: dict[str, list[Path]] = {"hooks": [], "github-workflows": [], "gitlab-ci": []}
    for page in PAGES:
        for number, text in enumerate(blocks(page, "yaml")):
            keys = yaml.safe_load(text).keys()
            kind = "github-workflows" if "jobs" in keys else "gitlab-ci"
            files["hooks" if "repos" in keys else kind].append(
                tmp_path / f"{page.stem}-{number}.yml"
            )
            files["hooks" if "repos" in keys else kind][-1].write_text(text, encoding="utf-8")
    assert all(files.values())
    validate: list[str | Path] = [PROGRAMS / "pre-commit", "validate-config"]
    validate += files.pop("hooks")
    check_output(validate, tmp_path, make_clean_environment(tmp_path / "home"))
    for kind, some in files.items():
        assert_matches_schema(kind, *some)


@each("page", PAGES, ids=named)
def test_named_files_exist(page: Path) -> None:
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
    """Return the command with which the Makefile checks the project's documents."""
    [line] = re.findall(
        r"^\t\$\(BIN\)/vaultlink (check .*own\.toml.*)$",
        (ROOT / "Makefile").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    return [str(PROGRAMS / "vaultlink"), *line.split(), "--no-cache"]


def test_broken_links_in_project_documents_are_reported(tmp_path: Path) -> None:
    ignored = shutil.ignore_patterns(
        *(".git", ".venv", ".*_cache", "__pycache__", ".hypothesis", "*.egg-info"),
        *("build", "node_modules"),
    )
    copy = shutil.copytree(ROOT, tmp_path / "copy", ignore=ignored)
    environment = make_clean_environment(tmp_path / "home")
    done = run_process(own_check(), copy, environment)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr
    broken = {
        "README.md": "[docs](docs/no-such-page.md)",
        "CONTRIBUTING.md": "[rules](rules/README.md#no-such-heading)",
        "CHANGELOG.md": "[[Nowhere]]",
        "docs/github.md": "[GitLab](gitlub.md)",
        "docs/README.md": "[Fix links](fixxing.md)",
        "contrib/README.md": "![](no-such-picture.png)",
        "rules/README.md": "[schema](schemo.json)",
    }
    for page, link in broken.items():
        with (copy / page).open("a", encoding="utf-8") as file:
            file.write(f"\n{link}\n")
    done = run_process(own_check(), copy, environment)
    assert done.returncode == 1, done.stdout + done.stderr
    assert sorted(line.split(":")[0] for line in done.stdout.splitlines()) == sorted(broken)
