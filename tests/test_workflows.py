"""Tests of this project's own workflows, and of the files by which people report problems and cite it.

Nothing here runs on GitHub. check-jsonschema compares the files with GitHub's schemas; actionlint reads expressions, contexts,
permissions and shells; the other tests judge what neither knows: pinned actions and their inputs, least permissions, and commands
that exist. The scripts of all jobs run here by bash, with stubs of the programs that take long or need GitHub.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import jsonschema
import pytest
import yaml
from hatchling.metadata.spec import get_core_metadata_constructors

from documents import parsed
from forge import (
    ROOT,
    StepRunner,
    assert_matches_schema,
    check_output,
    make_clean_environment,
    make_once,
    run_actionlint,
    run_process,
    run_shellcheck,
)
from tables import each
from vaultlink import __version__

pytestmark = pytest.mark.project

FOLDER = ROOT / ".github"
FILES = sorted((FOLDER / "workflows").glob("*.yml"))
WORKFLOWS: dict[str, Any] = {
    file.stem: yaml.safe_load(file.read_text(encoding="utf-8")) for file in FILES
}
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z][\w-]*):", MAKEFILE, re.MULTILINE))
NOTES = ROOT / "tools" / "release_notes.py"


def list_steps() -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield every step with the name of its workflow."""
    for name, workflow in WORKFLOWS.items():
        for job in workflow["jobs"].values():
            for step in job["steps"]:
                yield name, step


SHELL_SCRIPTS = sorted(file.relative_to(ROOT).as_posix() for file in (ROOT / "tools").rglob("*.sh"))
RANDOM_TESTS = WORKFLOWS["fuzzing"]["jobs"]["fuzzing"]["strategy"]["matrix"]["include"]
SCRIPTS = [
    *((name, step["run"]) for name, step in list_steps() if "run" in step),
    *(("fuzzing", entry["command"]) for entry in RANDOM_TESTS),
]
JOBS = [
    (name, job_name, job)
    for name, workflow in WORKFLOWS.items()
    for job_name, job in workflow["jobs"].items()
]
MAY_WRITE = {
    ("docs", "publish"): {"pages": "write", "id-token": "write"},
    ("release", "attest"): {"attestations": "write", "id-token": "write"},
    ("release", "pypi"): {"id-token": "write"},
    ("release", "github"): {"contents": "write"},
}
"""The jobs that publish, and all that each may do."""


INPUTS = {
    "actions/cache": {"key", "path"},
    "actions/checkout": {"fetch-depth", "persist-credentials", "ref"},
    "actions/setup-python": {"allow-prereleases", "python-version"},
    "actions/upload-artifact": {"name", "path", "if-no-files-found", "include-hidden-files"},
    "actions/download-artifact": {"name", "path", "pattern", "merge-multiple"},
    "actions/upload-pages-artifact": {"name", "path", "include-hidden-files"},
    "actions/deploy-pages": {"artifact_name", "timeout"},
    "actions/attest-build-provenance": {"subject-path"},
    "pypa/gh-action-pypi-publish": set[str](),
}
"""Inputs of the actions, as far as they are used. They were read in the action.yml of each pinned commit on 26 November 2026, and
each commit was compared with the tag beside it. GitHub only warns about an input that does not exist."""


# -- the files ------------------------------------------------------------------------------------------------------------


def test_workflows_match_the_schema() -> None:
    assert_matches_schema("github-workflows", *FILES)


MISTAKES = {
    "matrix.python": "matrix.pyhton",
    "contents: read": "content: read",
    "needs: build": "needs: bilud",
}


def test_actionlint_finds_only_inserted_mistakes(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """One run, because actionlint takes seconds to start."""
    for file in FILES:
        text = file.read_text(encoding="utf-8")
        (tmp_path / file.name).write_text(text, encoding="utf-8")
        for number, (old, new) in enumerate(MISTAKES.items()):
            if old in text:
                name = f"wrong-{number}.yml"
                (tmp_path / name).write_text(text.replace(old, new), encoding="utf-8")
    done = run_actionlint(tmp_path, tmp_path_factory)
    said = re.sub(r"\x1b\[[\d;]*m", "", done.stdout + done.stderr)
    assert f"Checking {len(FILES) + len(MISTAKES)} workflow file(s)" in said
    found = {Path(name).stem for name in re.findall(r"[\w-]+\.yml(?=:\d)", said)}
    assert (done.returncode, found) == (1, {"wrong-0", "wrong-1", "wrong-2"}), said


# -- what they may do -----------------------------------------------------------------------------------------------------


@each("file", FILES, ids=lambda file: str(file.stem))
def test_actions_are_pinned_by_commit_and_name_the_version(file: Path) -> None:
    lines = [line for line in file.read_text(encoding="utf-8").splitlines() if "uses:" in line]
    pinned = r"\s+(- )?uses: [\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+(, .*)?"
    assert [line for line in lines if not re.fullmatch(pinned, line)] == []


def test_one_action_has_one_version() -> None:
    used: dict[str, set[str]] = {}
    for _, step in list_steps():
        if "uses" in step:
            name, _, commit = step["uses"].partition("@")
            used.setdefault(name, set()).add(commit)
    assert {name for name, commits in used.items() if len(commits) > 1} == set()


def test_inputs_of_actions_exist() -> None:
    for name, step in list_steps():
        if "uses" in step:
            action = step["uses"].partition("@")[0]
            assert set(step.get("with", {})) <= INPUTS[action], (name, action)


# The publishing action contains its own twine, and hatchling writes the newest version of metadata.
def test_archives_have_metadata_that_the_publishing_action_reads() -> None:
    [version] = [
        match[1]
        for file in FILES
        for match in re.finditer(r"gh-action-pypi-publish@\w+ # v(\S+),", file.read_text("utf-8"))
    ]
    newest = max(map(float, get_core_metadata_constructors()))
    assert newest <= 2.5, "which version of gh-action-pypi-publish contains a twine that reads it?"
    assert tuple(map(int, version.split("."))) >= (1, 14, 2), "older ones read at most 2.4"


@each("name", WORKFLOWS)
def test_workflow_may_at_most_read(name: str) -> None:
    """A job that writes has its permissions itself."""
    assert WORKFLOWS[name]["permissions"] in ({}, {"contents": "read"})


def test_only_jobs_that_publish_may_write() -> None:
    found = {
        (name, job_name): job["permissions"]
        for name, job_name, job in JOBS
        if "write" in job.get("permissions", {}).values()
    }
    assert found == MAY_WRITE


@each(("name", "job"), MAY_WRITE)
def test_jobs_that_write_run_no_code_of_the_project(name: str, job: str) -> None:
    """What a dependency or a test does can't use the identity that publishes."""
    steps = WORKFLOWS[name]["jobs"][job]["steps"]
    assert not any("checkout" in step.get("uses", "") for step in steps)
    assert not any(re.search(r"\b(make|pip|python|npm)\b", step.get("run", "")) for step in steps)


def test_checkouts_keep_no_credentials() -> None:
    for name, step in list_steps():
        if "actions/checkout@" in step.get("uses", ""):
            assert step["with"]["persist-credentials"] is False, name


def test_no_workflow_has_a_secret_or_runs_code_of_strangers_with_rights() -> None:
    for file in FILES:
        text = file.read_text(encoding="utf-8")
        assert "secrets." not in text
        assert "pull_request_target" not in text
        assert "workflow_run" not in text


def triggers(name: str) -> Mapping[str, Any]:
    """Return the events of a workflow. YAML 1.1 reads `on` as true."""
    events: Mapping[str, Any] = WORKFLOWS[name][True]
    return events


def test_release_runs_only_on_tags() -> None:
    assert triggers("release") == {"push": {"tags": ["v*"]}}


def test_release_needs_all_earlier_jobs() -> None:
    jobs = WORKFLOWS["release"]["jobs"]
    assert set(jobs["pypi"]["needs"]) == {"build", "attest"}
    assert set(jobs["github"]["needs"]) == {"build", "pypi"}
    assert jobs["pypi"]["environment"] == "pypi"


@each(("name", "script"), SCRIPTS)
def test_scripts_pass_shellcheck_and_interpolate_only_the_matrix(name: str, script: str) -> None:
    assert "${{" not in script.replace("${{ matrix.python }}", "")
    assert run_shellcheck(script) == ""


@each(("name", "job_name", "job"), JOBS)
def test_every_job_has_a_time_limit_and_a_named_system(
    name: str, job_name: str, job: Mapping[str, Any]
) -> None:
    assert job["timeout-minutes"] <= 300
    systems = job.get("strategy", {}).get("matrix", {}).get("system", [job["runs-on"]])
    assert not [system for system in systems if "latest" in system]


def test_targets_of_make_exist() -> None:
    called = {word for _, script in SCRIPTS for word in re.findall(r"\bmake ([a-z][\w-]*)", script)}
    assert called <= TARGETS


def test_files_of_scripts_exist() -> None:
    named = {
        word
        for _, script in SCRIPTS
        for word in re.findall(r"(?<!\S)(?:benchmarks|fixtures|tests|tools)/\S+", script)
    }
    assert "benchmarks/worst_cases.py" in named
    assert {file for file in named if not (ROOT / file).exists()} == set()


def test_make_lists_all_targets_and_there_are_few() -> None:
    listed = re.findall(r"^make ([a-z-]+) ", check_output(["make"], ROOT, dict(os.environ)), re.M)
    assert {*listed, "help"} == TARGETS
    assert len(TARGETS) <= 21


@pytest.mark.parametrize("file", [".ci/run", *SHELL_SCRIPTS])
def test_shell_script_passes_shellcheck_and_can_be_run(file: str) -> None:
    assert run_shellcheck((ROOT / file).read_text(encoding="utf-8")) == ""
    assert os.access(ROOT / file, os.X_OK)


def test_pages_name_targets_that_exist() -> None:
    pages = [*ROOT.glob("*.md"), *ROOT.glob(".github/**/*.md"), *ROOT.glob("docs/*.md")]
    pages += [*ROOT.glob("contrib/*/*.md"), *ROOT.glob("*/README.md"), ROOT / ".ci" / "run"]
    named = {
        (page.relative_to(ROOT).as_posix(), target)
        for page in pages
        if page.name != "CHANGELOG.md"
        for target in re.findall(r"(?:`|^ *)make ([a-z][\w-]*)", page.read_text("utf-8"), re.M)
    }
    assert len({target for _, target in named}) > 10
    assert {(page, target) for page, target in named if target not in TARGETS} == set()


def test_every_python_of_the_project_is_tested_on_every_system() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = [item.rpartition(" ")[2] for item in project["classifiers"] if ":: 3." in item]
    jobs = WORKFLOWS["tests"]["jobs"]
    assert jobs["tests"]["strategy"]["matrix"]["python"] == named
    assert jobs["windows"]["strategy"]["matrix"]["python"] == named
    systems = {*jobs["tests"]["strategy"]["matrix"]["system"], jobs["windows"]["runs-on"]}
    assert {system.partition("-")[0] for system in systems} == {"ubuntu", "macos", "windows"}


# -- what the jobs do -----------------------------------------------------------------------------------------------------

STUB = """\
#!/bin/sh
# Writes down how it was called, and with which numbers.
{ env | grep '^VAULTLINK_.*=[0-9]' | sort | tr '\\n' ' '; printf '%s' "${0##*/}"; printf ' %s' "$@"; echo; } >> "$RUNNER_TEMP/calls"
"""

BUILDING_MAKE = """\
#!/bin/sh
# Builds two archives, as `make release-check` does.
mkdir dist && touch dist/vaultlink-1.tar.gz dist/vaultlink-1-py3-none-any.whl
"""

PUBLISHING_GH = """\
#!/bin/sh
# Writes its words down. It fails without a token, and if a file that it is given does not exist, as gh does.
printf '%s\\n' "$@" > "$RUNNER_TEMP/words"
for word; do
  case $word in dist/* | binaries/* | *.md) test -f "$word" || exit 1 ;; esac
done
test -n "$GH_TOKEN"
"""

RANDOM_CALLS = (
    "make hostile PYTHON=python",
    "make explore PYTHON=python",
    "VAULTLINK_RENAMES=2000 VAULTLINK_REQUESTS=2000 "
    "python -I -m pytest -n 2 --dist worksteal tests/test_random_renames.py tests/test_random_requests.py",
    "python benchmarks/worst_cases.py",
)

LOCK = "python -I -m pip install --require-hashes --requirement requirements-dev.lock"


def make_runner(
    folder: Path,
    programs: Mapping[str, str],
    contexts: Mapping[str, Any] | None = None,
    **more: str,
) -> StepRunner:
    """Return a runner of one job in an empty workspace, with stubs of programs."""
    for name in ("bin", "temp", "workspace"):
        (folder / name).mkdir(parents=True)
    for name, text in programs.items():
        (folder / "bin" / name).write_text(text, encoding="utf-8")
        (folder / "bin" / name).chmod(0o755)
    environment = make_clean_environment(
        folder / "home",
        PATH=f"{folder / 'bin'}:{os.environ['PATH']}",
        GIT_CONFIG_GLOBAL=str(folder / "home" / "gitconfig"),
        **more,
    )
    return StepRunner(folder / "workspace", folder / "temp", environment, dict(contexts or {}))


@each(
    ("name", "job", "matrix", "calls"),
    [
        (
            *("tests", "tests", {"python": "3.14"}),
            ["make test PYTHON=python", "make test-all PYTHON=python"],
        ),
        (
            *("tests", "windows", {"python": "3.14"}),
            [
                LOCK,
                "python -I -m pip install --no-deps --no-build-isolation --editable .",
                "python -I -m pytest -n 4 --dist worksteal",
            ],
        ),
        (
            *("tests", "speed", {}),
            [
                "sudo apt-get update",
                "sudo apt-get install --yes --no-install-recommends valgrind",
                "make gate PYTHON=python",
            ],
        ),
        ("docs", "build", {}, ["make docs PYTHON=python"]),
        *(
            ("fuzzing", "fuzzing", entry, ["make .venv/tested PYTHON=python", call])
            for entry, call in zip(RANDOM_TESTS, RANDOM_CALLS, strict=True)
        ),
    ],
)
def test_job_makes_these_calls(
    name: str, job: str, matrix: Mapping[str, str], calls: list[str], tmp_path: Path
) -> None:
    programs = dict.fromkeys(("make", "python", "sudo"), STUB)
    folder = Path(mkdtemp(dir=tmp_path))
    runner = make_runner(folder, programs, {"matrix": matrix})
    (folder / "workspace" / ".venv").mkdir()
    (folder / "workspace" / ".venv" / "bin").symlink_to(folder / "bin")
    runner.run(WORKFLOWS[name]["jobs"][job]["steps"])
    assert not runner.failed, runner.log
    assert (runner.temp / "calls").read_text(encoding="utf-8").splitlines() == calls


@each("code", [0, 2])
def test_ecosystem_compares_with_the_base_and_prints_the_difference(
    code: int, tmp_path: Path
) -> None:
    made = f"{STUB}if [ \"$1\" = ecosystem ]; then echo '2 vaults differ'; exit {code}; fi\n"
    folder = Path(mkdtemp(dir=tmp_path))
    runner = make_runner(folder, {"make": made, "git": STUB}, {"github": {"base_ref": "main"}})
    runner.run(WORKFLOWS["ecosystem"]["jobs"]["ecosystem"]["steps"])
    assert runner.failed == (code > 0), runner.log
    assert runner.summary == "2 vaults differ\n"
    assert (runner.temp / "calls").read_text(encoding="utf-8").splitlines() == [
        "git fetch --quiet --depth 1 origin main",
        "git worktree add ../before FETCH_HEAD",
        "make .venv/tested PYTHON=python --directory ../before",
        "make .venv/tested PYTHON=python",
        "make ecosystem PYTHON=python BEFORE=../before/.venv/bin/vaultlink",
    ]


def test_ecosystem_runs_for_folders_that_exist() -> None:
    """A folder with another name would leave its changes unwatched."""
    paths = triggers("ecosystem")["pull_request"]["paths"]
    assert [path for path in paths if not list(ROOT.glob(path))] == []


@each(
    "target",
    sorted(
        {word for _, script in SCRIPTS for word in re.findall(r"make ([a-z-]+) PYTHON", script)}
    ),
)
def test_target_starts_with_the_python_of_the_job(target: str, tmp_path: Path) -> None:
    """`python` is the one that setup-python installed; `python3` can be the system's."""
    for name in ("Makefile", "pyproject.toml", "requirements-dev.lock"):
        shutil.copyfile(ROOT / name, tmp_path / name)
    told = check_output(["make", "--dry-run", target, "PYTHON=python"], tmp_path, dict(os.environ))
    assert "\npython -m venv .venv\n" in told
    assert "python3" not in told.partition("python -m venv")[2].splitlines()[1]


def test_windows_installs_what_make_installs() -> None:
    """The job has no make, but the same commands."""
    installs = [script for _, script in SCRIPTS if script.startswith("python -I -m pip install")]
    assert installs
    for script in installs:
        assert f"$(PIP) {script.removeprefix('python -I -m pip install ')}\n" in MAKEFILE


# -- the jobs of a release ------------------------------------------------------------------------------------------------


@dataclass
class ArtifactStore:
    """The artifacts of a run, as upload-artifact and download-artifact lay them out: without a name, each in its own folder."""

    folder: Path

    def run_job(self, job: str, runner: StepRunner) -> StepRunner:
        """Run a job of the release, and move its artifacts."""
        for step in WORKFLOWS["release"]["jobs"][job]["steps"]:
            runner.run([step])
            if runner.step_outcome(step.get("id", "step 0")) == "success":
                self._move(step.get("uses", ""), step.get("with", {}), runner.workspace)
        return runner

    def _move(self, action: str, given: Mapping[str, str], workspace: Path) -> None:
        if action.startswith("actions/upload-artifact@"):
            path, target = workspace / given["path"], self.folder / given["name"]
            target.mkdir()
            for file in path.iterdir() if path.is_dir() else [path]:
                shutil.copyfile(file, target / file.name)
        elif action.startswith("actions/download-artifact@"):
            named = [self.folder / given.get("name", "")]
            for source in self.folder.glob(given["pattern"]) if "pattern" in given else named:
                shutil.copytree(source, workspace / given["path"], dirs_exist_ok=True)


@pytest.fixture
def artifacts(tmp_path: Path) -> ArtifactStore:
    """Return an empty store."""
    (tmp_path / "artifacts").mkdir()
    return ArtifactStore(tmp_path / "artifacts")


def run_build(folder: Path, tag: str, artifacts: ArtifactStore) -> StepRunner:
    """Run the first job of a release of this version's files, without the checks of the archives."""
    runner = make_runner(folder, {"make": BUILDING_MAKE}, GITHUB_REF_NAME=tag)
    for name in ("tools/release_notes.py", "pyproject.toml", "CHANGELOG.md"):
        (runner.workspace / name).parent.mkdir(exist_ok=True)
        shutil.copyfile(ROOT / name, runner.workspace / name)
    return artifacts.run_job("build", runner)


ARCHIVES = ["dist/vaultlink-1-py3-none-any.whl", "dist/vaultlink-1.tar.gz"]
BINARIES = [
    f"vaultlink-{__version__}-{end}"
    for end in ("linux-x86_64.tar.gz", "macos-arm64.tar.gz", "windows-x86_64.zip")
]


def run_packages(folder: Path, artifacts: ArtifactStore) -> StepRunner:
    """Run the job that writes the files for the binaries, with files that stand for these."""
    for name in BINARIES:
        (artifacts.folder / f"binary-{name}").mkdir()
        (artifacts.folder / f"binary-{name}" / name).write_bytes(name.encode())
    python = f'#!/bin/sh\nexec {sys.executable} "$@"\n'
    runner = make_runner(
        folder, {"python": python}, GITHUB_REPOSITORY="owner/vaultlink", GITHUB_REF_NAME="v1"
    )
    for name in ("tools/packaging/write_files.py", "pyproject.toml"):
        (runner.workspace / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, runner.workspace / name)
    return artifacts.run_job("packages", runner)


def test_release_publishes_what_it_built(tmp_path: Path, artifacts: ArtifactStore) -> None:
    tag = f"v{__version__}"
    built = run_build(tmp_path / "build", tag, artifacts)
    assert not built.failed, built.log
    packages = run_packages(tmp_path / "packages", artifacts)
    assert not packages.failed, packages.log
    formula = (artifacts.folder / "binaries" / "vaultlink.rb").read_text(encoding="utf-8")
    assert f'url "https://github.com/owner/vaultlink/releases/download/v1/{BINARIES[1]}"' in formula
    assert 'homepage "https://github.com/owner/vaultlink"' in formula
    binaries = sorted(
        f"binaries/{name}" for name in (*BINARIES, "Dockerfile", "SHA256SUMS", "vaultlink.rb")
    )
    # attest has the globs dist/* and binaries/*, the publishing action takes dist/
    for job, expected in (("attest", [*binaries, *ARCHIVES]), ("pypi", ARCHIVES)):
        runner = artifacts.run_job(job, make_runner(tmp_path / job, {}))
        files = [path for path in runner.workspace.rglob("*") if path.is_file()]
        assert sorted(str(path.relative_to(runner.workspace)) for path in files) == expected
    runner = make_runner(
        tmp_path / "github",
        {"gh": PUBLISHING_GH},
        {"github": {"token": "a token"}},
        GITHUB_REF_NAME=tag,
        GITHUB_REPOSITORY="owner/vaultlink",
    )
    artifacts.run_job("github", runner)
    assert not runner.failed, runner.log
    assert (runner.temp / "words").read_text(encoding="utf-8").splitlines() == [
        *("release", "create", tag, "--repo", "owner/vaultlink", "--verify-tag"),
        *("--title", f"vaultlink {__version__}", "--notes-file", "notes/notes.md"),
        *(*ARCHIVES, *binaries),
    ]
    notes = (runner.workspace / "notes" / "notes.md").read_text(encoding="utf-8")
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    entries = [line for line in notes.splitlines() if line.startswith("- ") and "](" not in line]
    assert len(entries) > 10
    assert sum(f"\n{line}\n" in changelog for line in entries) > len(entries) * 0.9, "links differ"


@each("tag", ["v9.9.9", __version__, f"v{__version__}-rc1"])
def test_release_with_a_wrong_tag_builds_nothing(
    tag: str, tmp_path: Path, artifacts: ArtifactStore
) -> None:
    runner = run_build(Path(mkdtemp(dir=tmp_path)), tag, artifacts)
    assert runner.failed
    assert f"The tag is {tag}" in runner.log
    assert not (runner.workspace / "dist").exists()
    assert not any(artifacts.folder.iterdir())


def test_release_without_notes_fails(tmp_path: Path) -> None:
    """The stub of gh notices a missing file; so the test above would fail with another layout."""
    runner = make_runner(
        tmp_path, {"gh": PUBLISHING_GH}, {"github": {"token": "a token"}}, GITHUB_REF_NAME="v1"
    )
    runner.run(WORKFLOWS["release"]["jobs"]["github"]["steps"])
    assert runner.failed


# -- notes of a release ---------------------------------------------------------------------------------------------------


def make_notes(folder: Path, tag: str, changelog: str) -> subprocess.CompletedProcess[str]:
    """Run the script on a copy of the project with a changelog."""
    folder = Path(mkdtemp(dir=folder))
    (folder / "tools").mkdir()
    shutil.copyfile(NOTES, folder / "tools" / NOTES.name)
    shutil.copyfile(ROOT / "pyproject.toml", folder / "pyproject.toml")
    (folder / "CHANGELOG.md").write_text(changelog, encoding="utf-8")
    return run_process(
        [sys.executable, folder / "tools" / NOTES.name, tag], folder, dict(os.environ)
    )


@each("date", ["", " - 2026-11-30"])
def test_notes_are_the_entries_of_the_version(date: str, tmp_path: Path) -> None:
    text = f"# Changelog\n\n## Unreleased\n\n- New.\n\n## {__version__}{date}\n\n- One: [page](docs/page.md).\n- [Two](https://example.org).\n\n## 0.0.1\n\n- Old.\n"
    assert make_notes(tmp_path, f"v{__version__}", text).stdout == (
        "- One: page.\n- [Two](https://example.org).\n"
    )


@each(
    ("tag", "heading", "message"),
    [
        ("v9.9.9", __version__, f"the version in pyproject.toml is {__version__}"),
        (__version__, __version__, "The tag is"),
        (f"v{__version__}", "Unreleased", "has no entries for"),
    ],
)
def test_a_tag_that_does_not_fit_stops_the_release(
    tag: str, heading: str, message: str, tmp_path: Path
) -> None:
    done = make_notes(tmp_path, tag, f"# Changelog\n\n## {heading}\n\n- One.\n")
    assert (done.returncode, done.stdout) == (1, "")
    assert message in done.stderr


def test_changelog_has_each_version_once_newest_first_with_entries() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (.*?)(?: - \d{4}-\d\d-\d\d)?$", text, re.MULTILINE)
    versions = [heading for heading in headings if heading != "Unreleased"]
    numbers = [tuple(map(int, version.split("."))) for version in versions]
    assert "Unreleased" not in headings[1:]
    assert numbers == sorted(set(numbers), reverse=True)
    assert versions[0] == __version__
    for part in re.split(r"^## .*$", text, flags=re.MULTILINE)[1:]:
        assert re.findall(r"^- ", part, re.MULTILINE)
        for section in re.split(r"^### .*$", part, flags=re.MULTILINE)[1:]:
            entries = section.strip().splitlines()
            assert all(line.startswith(("- ", "  ")) for line in entries), entries


# -- updates --------------------------------------------------------------------------------------------------------------

MANIFESTS = {
    "github-actions": (".github/workflows",),
    "pip": ("pyproject.toml", "requirements.txt"),
    "npm": ("package.json",),
}


def test_dependabot_updates_every_kind_of_dependency() -> None:
    file = FOLDER / "dependabot.yml"
    assert_matches_schema("dependabot", file)
    updates = yaml.safe_load(file.read_text(encoding="utf-8"))["updates"]
    found = [
        (update["package-ecosystem"], folder.strip("/"))
        for update in updates
        for folder in update.get("directories", [update.get("directory")])
    ]
    assert all(
        any((ROOT / folder / name).exists() for name in MANIFESTS[kind]) for kind, folder in found
    )
    for kind, outer in (("npm", set[str]()), ("pip", {""})):
        packages = {
            file.parent.relative_to(ROOT).as_posix()
            for folder in ("contrib", "tests")
            for name in MANIFESTS[kind]
            for file in (ROOT / folder).glob(f"*/{name}")
        }
        assert {folder for found_kind, folder in found if found_kind == kind} == packages | outer
    assert {kind for kind, _ in found} == set(MANIFESTS)


# -- templates and citation -----------------------------------------------------------------------------------------------

TEMPLATES = sorted((FOLDER / "ISSUE_TEMPLATE").glob("*.yml"))


def test_issue_forms_match_their_schemas() -> None:
    forms = [file for file in TEMPLATES if file.name != "config.yml"]
    assert {file.stem for file in forms} == {"bug", "false-finding", "idea"}
    for form in map(yaml.safe_load, (file.read_text(encoding="utf-8") for file in forms)):
        assert {"name", "description", "body"} <= form.keys()
        fields = [item for item in form["body"] if item["type"] != "markdown"]
        assert len({item["id"] for item in fields}) == len(fields)
        assert all(item["attributes"]["label"] for item in fields)
    [config] = [file for file in TEMPLATES if file.name == "config.yml"]
    assert yaml.safe_load(config.read_text(encoding="utf-8")) == {"blank_issues_enabled": True}


def test_templates_and_pages_name_commands_that_exist() -> None:
    pages = [*TEMPLATES, FOLDER / "pull_request_template.md", ROOT / "SUPPORT.md"]
    for page in pages:
        text = page.read_text(encoding="utf-8")
        for command in re.findall(r"`(vaultlink [a-z][^`]+)`", text):
            assert not isinstance(parsed(command), int), command


def test_citation_matches_the_schema_and_the_project(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """cffconvert contains the schema; its program needs an older jsonschema than other tests."""

    def download(folder: Path) -> None:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        check_output([*command, "--dest", folder, "cffconvert==2.0.0"], folder, dict(os.environ))

    folder = make_once(tmp_path_factory, "cffconvert", download)
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        schema = json.loads(wheel.read("cffconvert/schemas/1.2.0/schema.json"))
    citation = yaml.load((ROOT / "CITATION.cff").read_bytes(), yaml.BaseLoader)  # dates stay texts
    jsonschema.validate(citation, schema)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert citation["version"] == project["version"]
    assert citation["license"] == project["license"]
    assert citation["abstract"] == project["description"]
    assert citation["keywords"] == project["keywords"]
