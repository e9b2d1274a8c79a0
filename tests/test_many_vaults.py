"""Tests of several vaults in one repository: the jobs and hooks of docs/many-vaults.md, and runs at the same time with one cache."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml

from documents import blocks
from forge import (
    ROOT,
    CacheStore,
    StepRunner,
    check_output,
    commit_all,
    create_origin,
    make_clean_environment,
    run_actionlint,
    run_process,
)
from generate import generate_vault
from running import write_files

PAGE = ROOT / "docs" / "many-vaults.md"
WORKFLOW, PIPELINE, HOOKS, SHARED, CALLER = map(yaml.safe_load, blocks(PAGE, "yaml"))
LOOP, RECORDING = blocks(PAGE, "sh")
ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
CHECKING = ACTION["runs"]["steps"][
    1 + [step.get("id") for step in ACTION["runs"]["steps"]].index("install") :
]
"""The steps of the action after the installation."""
PROGRAMS = Path(sys.executable).parent

VAULTS = ("handbook", "notes/team-a", "notes/team-b")
NOTES = {
    ".obsidian/app.json": "{}",
    "Home.md": "To the [[Plan]].\n",
    "Plan.md": "Back [[Home]].\n",
}
FILES = {f"{vault}/{name}": text for vault in VAULTS for name, text in NOTES.items()}
BROKEN = {"notes/team-b/Old.md": "See [[Gone astray]].\n"}
FOUND = "notes/team-b/Old.md:1:5: VL125 planned-note"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Return an environment with `vaultlink`, and with stubs of the Python that would install it."""
    stubs = tmp_path / "bin"
    stubs.mkdir()
    (stubs / "python").symlink_to("/bin/true")
    path = f"{stubs}:{PROGRAMS}:{os.environ['PATH']}"
    return make_clean_environment(tmp_path / "home", PATH=path)


@pytest.fixture
def repo(tmp_path: Path, environment: Mapping[str, str]) -> Path:
    """Return a repository with three vaults, one of which has a broken link."""
    root = write_files(tmp_path / "repo", FILES | BROKEN)
    commit_all(root, environment, start=True)
    create_origin(root, environment)
    return root


# -- in a shell -----------------------------------------------------------------------------------------------------------


def test_loop_reports_each_vault(repo: Path, environment: Mapping[str, str]) -> None:
    loop, _, parallel = LOOP.partition("# the same")
    done = run_process(["bash", "-euo", "pipefail", "-c", loop], repo, environment)
    assert (done.returncode, done.stdout.count("\n")) == (1, 1)
    assert done.stdout.startswith(FOUND)
    done = run_process(["bash", "-euo", "pipefail", "-c", f"#{parallel}"], repo, environment)
    assert done.returncode == 0
    assert re.search(f"^{FOUND}", done.stdout)
    assert done.stdout.endswith("There are findings.\n")


@pytest.mark.thorough
def test_each_vault_has_its_baseline(repo: Path, environment: Mapping[str, str]) -> None:
    check_output(["bash", "-euo", "pipefail", "-c", RECORDING], repo, environment)
    assert all((repo / vault / ".vaultlink-baseline.json").is_file() for vault in VAULTS)
    check_output(["bash", "-euo", "pipefail", "-c", LOOP], repo, environment)
    write_files(repo, {"vaultlink.toml": 'exclude = ["x.md"]\n'})
    done = run_process(["bash", "-c", LOOP], repo, environment)
    assert done.stderr.count("baseline") >= len(VAULTS), "recorded with other settings"


# -- settings -------------------------------------------------------------------------------------------------------------


def list_findings(vault: str, repo: Path, environment: Mapping[str, str], *more: str) -> list[str]:
    """Return the findings of a vault as paths and rules."""
    command = ["vaultlink", "check", "--vault", vault, "--output-format", "concise", *more]
    done = run_process(command, repo, environment)
    assert done.returncode < 2, done.stderr
    found = re.findall(r"^(.*?):\d+:\d+: (\w+)", done.stdout, re.MULTILINE)
    return [f"{Path(path).relative_to(vault)} {code}" for path, code in found]


@pytest.mark.thorough
def test_settings_in_the_root_serve_vaults_without_their_own(
    repo: Path, environment: Mapping[str, str]
) -> None:
    shared = 'exclude = ["Templates/**"]\nextend-select = ["orphan-note"]\n'
    added = {f"{vault}/Templates/Note.md": "[[Nowhere]]\n" for vault in VAULTS}
    added |= {"vaultlink.toml": shared, "notes/team-a/vaultlink.toml": 'extend-select = ["VL205"]'}
    write_files(repo, added)
    assert list_findings("handbook", repo, environment) == []
    assert list_findings("notes/team-a", repo, environment) == ["Templates/Note.md VL125"]
    assert list_findings("notes/team-b", repo, environment) == ["Old.md VL401", "Old.md VL125"]
    settings = ("--config", "vaultlink.toml")
    assert list_findings("notes/team-a", repo, environment, *settings) == []
    done = run_process(["vaultlink", "check", "--output-format", "concise"], repo, environment)
    found = [f"{vault}/Templates/Note.md" in done.stdout for vault in VAULTS]
    assert all(found), "the root is one vault, and the pattern names a folder of it"
    (repo / "vaultlink.toml").rename(repo / "notes" / "shared.toml")
    done = run_process(["vaultlink", "check"], repo, environment)
    assert done.returncode == 2, "no vault is chosen"
    named = dict(environment) | {"VAULTLINK_CONFIG": "notes/shared.toml"}
    assert list_findings("notes/team-a", repo, named) == []


# -- links between vaults -------------------------------------------------------------------------------------------------


def test_a_change_in_one_vault_breaks_no_link_in_another(
    repo: Path, environment: Mapping[str, str]
) -> None:
    write_files(repo, {"handbook/Cross.md": "[plan](../notes/team-a/Plan.md)\n"})
    before = list_findings("handbook", repo, environment)
    assert before == ["Cross.md VL101"], "as in Obsidian, although the file exists"
    shutil.rmtree(repo / "notes" / "team-a")
    assert list_findings("handbook", repo, environment) == before


def test_notes_behind_a_symbolic_link_are_part_of_the_vault(
    repo: Path, environment: Mapping[str, str]
) -> None:
    (repo / "handbook" / "team").symlink_to("../notes/team-b")
    write_files(repo, {"handbook/Team.md": "[[Old]]\n"})
    assert "team/Old.md VL125" in list_findings("handbook", repo, environment)
    assert "Team.md VL101" not in list_findings("handbook", repo, environment)
    (repo / "notes" / "team-b" / "Old.md").unlink()
    assert "Team.md VL101" in list_findings("handbook", repo, environment)


# -- GitHub ---------------------------------------------------------------------------------------------------------------


def make_runner(
    repo: Path, environment: Mapping[str, str], temp: Path, contexts: Mapping[str, Any]
) -> StepRunner:
    """Return a runner of one job in the repository. Its cache is where the action puts it."""
    temp.mkdir()
    own = {name: value for name, value in environment.items() if name != "VAULTLINK_CACHE_DIR"}
    return StepRunner(repo, temp, own, dict(contexts))


def list_changed(repo: Path, environment: Mapping[str, str], temp: Path, base: str) -> list[str]:
    """Return the vaults for which the first job starts others."""
    event = {"pull_request": {"base": {"sha": base}}, "before": ""}
    runner = make_runner(repo, environment, temp, {"github": {"event": event}})
    runner.run(WORKFLOW["jobs"]["vaults"]["steps"])
    assert not runner.failed, runner.log
    changed: list[str] = json.loads(
        runner.interpolate(WORKFLOW["jobs"]["vaults"]["outputs"]["changed"])
    )
    return changed


@pytest.mark.project
@pytest.mark.parametrize(
    ("texts", "gone", "changed"),
    [
        ({"handbook/Home.md": "New.\n"}, (), ["handbook"]),
        ({}, ("notes/team-a/Plan.md",), ["notes/team-a"]),
        ({"handbook/Moved.md": "Back [[Home]].\n"}, ("notes/team-b/Plan.md",), [*VAULTS[::2]]),
        ({"notes/team-ab/Home.md": "Another.\n", "README.md": "New.\n"}, (), []),
        ({"vaultlink.toml": "ignore = []\n"}, (), [*VAULTS]),
        ({".github/workflows/vaults.yml": "jobs: {}\n"}, (), [*VAULTS]),
        ({"handbook/inner/.obsidian/app.json": "{}"}, (), ["handbook"]),
    ],
    ids=["edited", "deleted", "moved", "elsewhere", "settings", "workflow", "inner vault"],
)
def test_only_vaults_that_changed_have_jobs(
    texts: Mapping[str, str],
    gone: Sequence[str],
    changed: list[str],
    repo: Path,
    environment: Mapping[str, str],
    tmp_path: Path,
) -> None:
    base = check_output(["git", "rev-parse", "HEAD"], repo, environment).strip()
    check_output(["git", "checkout", "--quiet", "-b", "change"], repo, environment)
    write_files(repo, texts)
    for path in gone:
        (repo / path).unlink()
    commit_all(repo, environment)
    assert list_changed(repo, environment, tmp_path / "temp", base) == changed


@pytest.mark.project
def test_every_vault_has_a_job_if_the_base_is_not_known(
    repo: Path, environment: Mapping[str, str], tmp_path: Path
) -> None:
    """GitHub names this commit after the push of a new branch."""
    assert list_changed(repo, environment, tmp_path / "temp", "0" * 40) == [*VAULTS]


def run_link_job(
    repo: Path,
    environment: Mapping[str, str],
    temp: Path,
    vault: str,
    commit: str,
    caches: CacheStore | None = None,
) -> StepRunner:
    """Run the job of a vault after a push: the steps of the action with the inputs of the page."""
    [_, step] = WORKFLOW["jobs"]["links"]["steps"]
    assert step["uses"].startswith("OWNER/vaultlink@")
    defaults = {name: about["default"] for name, about in ACTION["inputs"].items()}
    runner = make_runner(repo, environment, temp, {"matrix": {"vault": vault}})
    given = {name: runner.interpolate(value) for name, value in step["with"].items()}
    assert given.keys() <= defaults.keys()
    (temp / "home").mkdir()
    runner.contexts |= {
        "inputs": defaults | given,
        "github": {"event": {}, "event_name": "push", "sha": commit},
        "steps": {"install": {"outputs": {"home": str(temp / "home"), "python": sys.executable}}},
    }
    runner.caches = caches
    return runner.run(CHECKING)


@pytest.mark.project
def test_each_job_reports_its_vault_and_restores_its_own_cache(
    repo: Path, environment: Mapping[str, str], tmp_path: Path
) -> None:
    (tmp_path / "caches").mkdir()
    caches = CacheStore(tmp_path / "caches")
    for commit in ("c1", "c2"):
        for vault in VAULTS:
            temp = tmp_path / f"{commit}-{vault.replace('/', '-')}"
            runner = run_link_job(repo, environment, temp, vault, commit, caches)
            assert runner.failed is (vault == "notes/team-b"), runner.log
            assert ("Gone astray" in runner.log) is runner.failed
            restored = runner.contexts["steps"]["restore"]["outputs"]["cache-matched-key"]
            name = runner.contexts["steps"]["cache"]["outputs"]["name"]
            assert restored == (f"{name}-c1" if commit == "c2" else "")
    assert len(caches.keys) == len({*caches.keys}) == 2 * len(VAULTS)


@pytest.mark.project
@pytest.mark.parametrize(
    ("results", "code"),
    [
        (("success", "success"), 0),
        (("success", "skipped"), 0),
        (("success", "failure"), 1),
        (("failure", "skipped"), 1),
        (("cancelled", "skipped"), 1),
    ],
)
def test_required_job_fails_if_another_fails(
    results: Sequence[str], code: int, repo: Path, environment: dict[str, str]
) -> None:
    job = WORKFLOW["jobs"]["all-vaults"]
    assert (job["if"], job["needs"]) == ("always()", ["vaults", "links"])
    [step] = job["steps"]
    wanted = [f"contains(needs.*.result, '{word}')" for word in ("failure", "cancelled")]
    assert step["env"]["FAILED"] == f"${{{{ {' || '.join(wanted)} }}}}"
    failed = str(bool({"failure", "cancelled"} & {*results})).lower()
    done = run_process(["bash", "-e", "-c", step["run"]], repo, environment | {"FAILED": failed})
    assert done.returncode == code


@pytest.mark.project
def test_reusable_workflow_and_its_caller_fit() -> None:
    """`on` is true in YAML 1.1."""
    inputs = SHARED[True]["workflow_call"]["inputs"]
    [job] = CALLER["jobs"].values()
    assert job["with"].keys() <= inputs.keys()
    assert job["uses"].rpartition("@")[0] in PAGE.read_text(encoding="utf-8").partition("@main")[0]
    [_, step] = SHARED["jobs"]["links"]["steps"]
    assert step["with"].keys() <= ACTION["inputs"].keys()


@pytest.mark.project
def test_workflows_of_pages_pass_actionlint(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    files = [
        (f"{page.stem}-{number}.yml", text)
        for page in sorted((ROOT / "docs").glob("*.md"))
        for number, text in enumerate(blocks(page, "yaml"))
        if "jobs" in yaml.safe_load(text)
    ]
    assert {name.rpartition("-")[0] for name, _ in files} >= {"github", "many-vaults"}
    for name, text in files:
        write_files(tmp_path, {name: text})
    write_files(tmp_path, {"wrong.yml": files[-1][1].replace("uses:", "use:")})
    done = run_actionlint(tmp_path, tmp_path_factory)
    said = re.sub(r"\x1b\[[\d;]*m", "", done.stdout + done.stderr)
    assert f"Checking {len(files) + 1} workflow file(s)" in said
    assert {*re.findall(r"[\w-]+\.yml(?=:\d)", said)} == {"wrong.yml"}, said


# -- GitLab and pre-commit ------------------------------------------------------------------------------------------------


def list_matrix() -> Iterator[dict[str, str]]:
    """Yield the variables of each job of the pipeline."""
    yield from PIPELINE["links"]["parallel"]["matrix"]


@pytest.mark.project
def test_pipeline_has_a_job_and_a_cache_for_each_vault() -> None:
    assert [job["VAULT"] for job in list_matrix()] == [*VAULTS]
    names = {job["NAME"] for job in list_matrix()}
    assert len(names) == len(VAULTS)
    assert not any("/" in name for name in names), "GitLab refuses such a key"
    cache = PIPELINE["links"]["cache"]
    assert "$NAME" in cache["key"]
    assert all("$NAME" in key for key in cache["fallback_keys"])


@pytest.mark.project
@pytest.mark.parametrize("base", ["", "HEAD~1"])
def test_jobs_of_the_pipeline_at_the_same_time(
    base: str, repo: Path, environment: dict[str, str]
) -> None:
    write_files(repo, {"handbook/New.md": "[[Nowhere]]\n"})
    commit_all(repo, environment)
    script = "\n".join(PIPELINE["links"]["script"])

    def run_job(variables: Mapping[str, str]) -> tuple[int, str]:
        told = environment | dict(variables) | {"CI_MERGE_REQUEST_DIFF_BASE_SHA": base}
        done = run_process(["bash", "-eo", "pipefail", "-c", script], repo, told)
        return done.returncode, done.stdout

    with ThreadPoolExecutor() as pool:
        done = dict(zip(VAULTS, pool.map(run_job, list_matrix()), strict=True))
    assert "handbook/New.md" in done["handbook"][1]
    assert done["notes/team-a"] == (0, "")
    if base:
        assert done["notes/team-b"] == (0, ""), "its finding is older"
    else:
        assert done["notes/team-b"][1].startswith(FOUND)


@pytest.mark.project
def test_each_hook_checks_its_vault(repo: Path, environment: dict[str, str]) -> None:
    """The hooks of the page, with the program of this checkout instead of one that pre-commit installs."""
    manifest = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    [told] = HOOKS["repos"]
    known = {hook["id"]: hook for hook in manifest}
    hooks = [known[hook["id"]] | hook | {"language": "system"} for hook in told["hooks"]]
    config = {"repos": [{"repo": "local", "hooks": hooks}]}
    write_files(repo, {".pre-commit-config.yaml": yaml.safe_dump(config)})
    environment["PRE_COMMIT_HOME"] = str(repo.parent / "pre-commit")
    check_output(["pre-commit", "install"], repo, environment)
    commit = ["git", "commit", "--all", "--quiet", "--message", "a step"]
    (repo / "notes" / "team-a" / "Plan.md").unlink()
    done = run_process(commit, repo, environment)
    assert done.returncode == 1, "a commit that only deletes"
    assert "links of the handbook" in done.stdout + done.stderr
    assert "notes/team-a/Home.md:1:8: VL101" in done.stdout + done.stderr
    check_output(commit, repo, environment | {"SKIP": "team-a"})


# -- one cache, several processes -----------------------------------------------------------------------------------------


def check_at_once(
    vaults: Sequence[Path], environment: Mapping[str, str], caches: Sequence[Path]
) -> list[bytes]:
    """Start a check of each vault, all before the first one ends, and return their outputs."""
    processes = [
        subprocess.Popen(
            [PROGRAMS / "vaultlink", "check", "--vault", vault, "--json", "--exit-zero"],
            cwd=vault.parent,
            env={**environment, "VAULTLINK_CACHE_DIR": str(cache)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for vault, cache in zip(vaults, caches, strict=True)
    ]
    outputs = [process.communicate(timeout=100) for process in processes]
    assert {process.returncode for process in processes} == {0}, outputs
    assert {errors for _, errors in outputs if b"Traceback" in errors} == set()
    return [output for output, _ in outputs]


@pytest.mark.thorough
def test_runs_at_the_same_time_with_one_cache_do_not_disturb_each_other(
    tmp_path: Path, environment: Mapping[str, str]
) -> None:
    """Two vaults have the same paths, so that one may take over the state of the other. Two runs are about one vault."""
    root = tmp_path / "repo"
    for number in range(3):
        generate_vault(root / f"vault-{number}", 60, seed=number + 1)
    shutil.copytree(root / "vault-0", root / "vault-3")
    vaults = sorted(root.iterdir())
    vaults.append(vaults[0])
    shared = [tmp_path / "shared"] * len(vaults)
    separate = [tmp_path / f"separate-{number}" for number in range(len(vaults))]
    for number in range(4):
        expected = check_at_once(vaults, environment, separate)
        assert check_at_once(vaults, environment, shared) == expected, number
        assert check_at_once(vaults, environment, shared) == expected, "unchanged"
        for vault in vaults[:number]:
            note = sorted((vault / "part-000").iterdir())[number]
            note.unlink() if number == 3 else note.write_text(f"[[Gone {number}]]\n", "utf-8")
    folders = [path for path in (tmp_path / "shared").iterdir() if path.is_dir()]
    assert len(folders) == len({*vaults})
