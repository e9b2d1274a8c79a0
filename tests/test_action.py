"""Tests of the GitHub action: its steps run as in GitHub's runner, on checkouts as GitHub creates them.

The action's own steps install vaultlink once; the other tests start after them.
"""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import yaml

from forge import (
    ROOT,
    CacheStore,
    InstallKit,
    StepRunner,
    assert_matches_schema,
    build_kit,
    check_output,
    commit_all,
    create_origin,
    make_once,
    plant_programs,
    require_python,
    run_shellcheck,
)
from running import write_files
from tables import each
from vaultlink import __version__

pytestmark = pytest.mark.project

ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
STEPS = ACTION["runs"]["steps"]
INSTALLING = 1 + [step.get("id") for step in STEPS].index("install")
SCRIPTS = {step["name"]: step["run"] for step in STEPS if "run" in step}

NOTES = {
    "Old.md": "[[Nowhere]] is yesterday's debt, and [[Kept]] is there.\n",
    "Kept.md": "[[Old]]\n",
}
BROKEN = {"New.md": "[[Old]]\n\nSee [[Gone astray]].\n"}
UPLOAD = "actions/upload-artifact@v6"
HOSTILE = '; touch pwned $(touch pwned) `touch pwned` "it\'s" && ä'


# -- the file -------------------------------------------------------------------------------------------------------------


def test_action_is_valid() -> None:
    assert_matches_schema("github-actions", ROOT / "action.yml")


@each("step", SCRIPTS)
def test_script_passes_shellcheck_and_interpolates_nothing(step: str) -> None:
    assert "${{" not in SCRIPTS[step]
    assert "eval" not in SCRIPTS[step]
    assert run_shellcheck(SCRIPTS[step]) == ""


# -- installing -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def kit(tmp_path_factory: pytest.TempPathFactory) -> InstallKit:
    """Return the kit for installations."""
    return build_kit(tmp_path_factory)


def runner_at(folder: Path, kit: InstallKit, **given: str) -> StepRunner:
    """Return a runner of the action with these inputs. Keywords use underscores instead of hyphens."""
    (folder / "temp").mkdir(parents=True)
    (folder / "workspace").mkdir()
    told = {name.replace("_", "-"): value for name, value in given.items()}
    assert told.keys() <= ACTION["inputs"].keys()
    inputs = {name: told.get(name, about["default"]) for name, about in ACTION["inputs"].items()}
    environment = kit.make_offline_environment(
        folder / "home", GITHUB_ACTION_PATH=str(kit.checkout)
    )
    return StepRunner(
        folder / "workspace",
        folder / "temp",
        environment,
        {"inputs": inputs, "github": {"event": {}, "job": "links"}},
    )


@pytest.fixture(scope="session")
def installed(kit: InstallKit, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    """Return the outputs of the install steps and the PATH of later steps."""

    def make(folder: Path) -> None:
        runner = runner_at(folder / "run", kit, report="html").run(STEPS[:INSTALLING])
        assert not runner.failed, runner.log
        assert runner.used_actions == {}, "the Python that is there will do"
        left = {"steps": runner.contexts["steps"], "path": runner.environment["PATH"]}
        (folder / "left.json").write_text(json.dumps(left), encoding="utf-8")

    left: Mapping[str, Any] = json.loads(
        (make_once(tmp_path_factory, "action", make) / "left.json").read_text(encoding="utf-8")
    )
    return left


PYTHON = """\
#!/bin/sh
# Takes the place of Python: an environment that it makes has it again, and what pip is told is written down.
case "$*" in
  "-I -m venv "*) mkdir -p "$4/bin" && cp "$0" "$4/bin/python" && cp "$0" "$4/bin/vaultlink" ;;
  "-I -m pip "*) printf '%s\\n' "$@" > "$RUNNER_TEMP/told" ;;
  *) exit {code} ;;
esac
"""


def pretending(runner: StepRunner, code: int) -> StepRunner:
    """Return a runner whose Python fails the version check with an exit code and installs nothing."""
    program = runner.temp / "bin" / "python3"
    program.parent.mkdir()
    program.write_text(PYTHON.format(code=code), encoding="utf-8")
    program.chmod(0o755)
    runner.environment["PATH"] = f"{program.parent}:{runner.environment['PATH']}"
    return runner


def test_install_steps_put_the_command_on_the_path(
    installed: Mapping[str, Any], kit: InstallKit, tmp_path: Path
) -> None:
    added = installed["path"].split(":")[0]
    assert os.listdir(added) == ["vaultlink"], "no second Python"  # noqa: PTH208
    environment = {**kit.make_offline_environment(tmp_path / "home"), "PATH": installed["path"]}
    assert (
        check_output(["vaultlink", "--version"], tmp_path, environment)
        == f"vaultlink {__version__}\n"
    )


def read_requirement(runner: StepRunner) -> str:
    """Return the one requirement that the pretended Python was told to install."""
    *_, end, requirement = (runner.temp / "told").read_text(encoding="utf-8").splitlines()
    assert end == "--", "what follows is never an option"
    return requirement


def test_checkout_of_the_action_is_installed(kit: InstallKit, tmp_path: Path) -> None:
    runner = pretending(runner_at(tmp_path / "run", kit), 0).run(STEPS[:INSTALLING])
    assert not runner.failed, runner.log
    assert read_requirement(runner) == str(kit.checkout)


def test_library_of_the_page_is_installed_only_for_it(kit: InstallKit, tmp_path: Path) -> None:
    runner = pretending(runner_at(tmp_path / "run", kit, report="html"), 0).run(STEPS[:INSTALLING])
    told = (runner.temp / "told").read_text(encoding="utf-8").splitlines()
    assert told[-3:] == ["--", str(kit.checkout), "jinja2>=3.1"]


def test_nothing_names_a_package_of_an_index() -> None:
    """Whoever publishes that name would decide what runs."""
    assert "vaultlink==" not in SCRIPTS["Install vaultlink"]
    for about in ACTION["inputs"].values():
        assert not re.match(r"vaultlink\b", about["default"])


@each(
    "package",
    [
        "vaultlink @ git+https://example.org/vaultlink@v0.4.0",
        "vaultlink==0.4.0",  # of a private index
        "./tools/vaultlink-0.4.0-py3-none-any.whl",
        "vaultlink; touch pwned $(touch pwned) `touch pwned`",
    ],
)
def test_named_package_is_installed(kit: InstallKit, tmp_path: Path, package: str) -> None:
    folder = Path(mkdtemp(dir=tmp_path))
    runner = pretending(runner_at(folder, kit, package=package), 0).run(STEPS[:INSTALLING])
    assert not runner.failed, runner.log
    assert read_requirement(runner) == package
    assert list(tmp_path.rglob("pwned")) == []


@each("package", ["--index-url=https://example.org", "-r x", "a\nb", "a\r-r x"])
def test_options_and_lines_are_not_installed(kit: InstallKit, tmp_path: Path, package: str) -> None:
    runner = runner_at(Path(mkdtemp(dir=tmp_path)), kit, package=package).run(STEPS)
    assert runner.failed
    assert runner.log == (
        "::error title=vaultlink::The input package is not one requirement of pip.\n"
    )


def test_old_python_is_not_used(kit: InstallKit, tmp_path: Path) -> None:
    runner = pretending(runner_at(tmp_path / "run", kit), 1).run(STEPS[:INSTALLING])
    assert list(runner.used_actions) == ["actions/setup-python@v6"]


def test_no_file_of_the_checkout_is_run(kit: InstallKit, tmp_path: Path) -> None:
    """Not a module that Python would import, nor a folder that pip would take for the address."""
    marks = tmp_path / "marks"
    package = f"vaultlink @ {kit.wheel.as_uri()}"
    runner = runner_at(
        tmp_path / "run", kit, package=package, arguments="--select 'VL1'", report="html"
    )
    write_files(runner.workspace, {"Home.md": "[[Gone astray]]\n"})
    plant_programs(runner.workspace, marks, package)
    commit_all(runner.workspace, runner.environment, start=True)
    runner.run(STEPS)
    assert outputs(runner)["findings"] == "1", runner.log
    assert outputs(runner)["exit-code"] == "1"
    assert "Gone astray" in runner.summary
    assert not marks.exists(), marks.read_text(encoding="utf-8")


@pytest.mark.parametrize("version", ["2.7", *(f"3.{minor}" for minor in range(6, 15))])
def test_no_python_runs_a_file_of_the_checkout(
    kit: InstallKit, tmp_path: Path, version: str
) -> None:
    """The first step runs the Python that the machine has, which may be older than vaultlink needs."""
    marks = tmp_path / "marks"
    python = require_python(version)
    runner = runner_at(tmp_path / "run", kit)
    (runner.temp / "python3").symlink_to(python)
    runner.environment["PATH"] = f"{runner.temp}:{runner.environment['PATH']}"
    plant_programs(runner.workspace, marks)
    runner.run(STEPS[:1])
    is_new = tuple(map(int, version.split("."))) >= (3, 11)
    assert runner.contexts["steps"]["python"]["outputs"] == ({"fits": "true"} if is_new else {})
    environment = tmp_path / "environment"
    if is_new:
        check_output([python, "-I", "-m", "venv", environment], runner.workspace, {})
        pip: list[str | Path] = [environment / "bin" / "python", "-I", "-m", "pip", "--version"]
        check_output(pip, runner.workspace, {})
    assert not marks.exists(), marks.read_text(encoding="utf-8")


# -- checking -------------------------------------------------------------------------------------------------------------


@dataclass
class Forge:
    """A repository on GitHub, its pull request, and runs of the action on both."""

    folder: Path
    kit: InstallKit
    installed: Mapping[str, Any]
    base: str = "main"
    caches: CacheStore | None = None

    def __post_init__(self) -> None:
        self.environment = self.kit.make_offline_environment(self.folder / "home")
        self.root = write_files(self.folder / "author", NOTES)
        commit_all(self.root, self.environment, start=True)
        if self.base != "main":
            self.git("branch", "--move", self.base)
        self.git("commit", "--quiet", "--allow-empty", "--message", "more history")
        self.origin = create_origin(self.root, self.environment)

    def git(self, *words: str) -> str:
        """Run git in the author's clone."""
        return check_output(["git", *words], self.root, self.environment).strip()

    def pull(self, texts: Mapping[str, str], *gone: str) -> str:
        """Open a pull request, while somebody else breaks a link on the branch it goes into. The commit that is checked is the
        one GitHub makes by merging both."""
        self.git("checkout", "--quiet", "-b", "change")
        write_files(self.root, texts)
        for path in gone:
            (self.root / path).unlink()
        commit_all(self.root, self.environment)
        self.git("checkout", "--quiet", self.base)
        write_files(self.root, {"Other.md": "[[Elsewhere]]\n"})
        commit_all(self.root, self.environment)
        self.git("checkout", "--quiet", "--detach")
        self.git("merge", "--quiet", "--no-ff", "--no-edit", "change")
        self.git("push", "--quiet", "origin", self.base, "HEAD:refs/pull/1/merge")
        return self.git("rev-parse", "HEAD")

    def act(
        self,
        commit: str,
        base: str = "",
        depth: int = 1,
        event: Mapping[str, Any] | None = None,
        inside: str = "",
        **given: str,
    ) -> StepRunner:
        """Run the action's steps on a checkout of a commit; `inside` is its folder in the workspace."""
        runner = runner_at(self.folder / "run", self.kit, **given)
        tree = runner.workspace / inside
        tree.mkdir(exist_ok=True)
        wanted = (
            [f"--depth={depth}", "origin", commit]
            if depth
            else ["origin", "+refs/heads/*:refs/remotes/origin/*", commit]
        )
        for command in (
            ["init", "--quiet"],
            ["remote", "add", "origin", self.origin],
            ["fetch", "--quiet", "--no-tags", *wanted],
            ["checkout", "--quiet", "--detach", commit],
        ):
            check_output(["git", *command], tree, self.environment)
        runner.environment |= {"GITHUB_BASE_REF": base, "PATH": self.installed["path"]}
        runner.contexts["github"]["event"] = event or {}
        return self.again(runner)

    def again(self, runner: StepRunner, **given: str) -> StepRunner:
        """Run the steps again with other inputs on the same checkout."""
        fresh = StepRunner(
            runner.workspace,
            Path(mkdtemp(dir=runner.temp)),
            runner.environment,
            {
                **runner.contexts,
                "inputs": runner.contexts["inputs"]
                | {name.replace("_", "-"): value for name, value in given.items()},
            },
        )
        fresh.caches = self.caches
        install = self.installed["steps"]["install"]
        left = {
            **install["outputs"],
            "home": mkdtemp(dir=fresh.temp),
        }  # each run of the action has its own
        fresh.contexts["steps"] = {
            **self.installed["steps"],
            "install": {**install, "outputs": left},
        }
        fresh.run(STEPS[INSTALLING:])
        assert list(self.folder.rglob("pwned")) == []
        return fresh


@pytest.fixture
def forge(tmp_path: Path, kit: InstallKit, installed: Mapping[str, Any]) -> Forge:
    """Return a repository whose notes have known findings."""
    return Forge(tmp_path, kit, installed)


def outputs(runner: StepRunner) -> dict[str, str]:
    """Return the outputs of the action."""
    return {name: runner.interpolate(about["value"]) for name, about in ACTION["outputs"].items()}


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_pull_request_that_breaks_a_link_fails(forge: Forge, depth: int) -> None:
    runner = forge.act(forge.pull(BROKEN, "Kept.md"), "main", depth)
    assert runner.failed
    assert "::warning file=New.md,line=3,col=5," in runner.log
    assert f"::error file=Old.md,line=1,col={1 + NOTES['Old.md'].index('[[Kept')}," in runner.log
    assert "Nowhere" not in runner.log, "was broken before"
    assert "Elsewhere" not in runner.log, "was broken by somebody else"
    assert outputs(runner) == {"exit-code": "1", "findings": "2", "report": ""}
    findings, screen = runner.summary.split("## Health score of `workspace`: ")
    assert "New.md" in findings.partition("### Findings")[2]
    assert "Nowhere" not in runner.summary.partition("### Findings")[2]
    assert "### What to do next" in screen
    assert "`vaultlink unresolved`" in screen
    assert "### Score" not in screen, "tables of the whole vault would hide the findings"
    runner = forge.again(runner, fail_on="never")
    assert not runner.failed
    assert outputs(runner) == {"exit-code": "0", "findings": "2", "report": ""}


def test_pull_request_that_breaks_nothing_passes(forge: Forge) -> None:
    runner = forge.act(forge.pull({"New.md": "[[Old]]\n"}), "main")
    assert not runner.failed, runner.log
    assert outputs(runner) == {"exit-code": "0", "findings": "0", "report": ""}
    assert "vaultlink" in runner.summary
    runner.run([{"id": "later", "run": "vaultlink orphans"}])
    assert runner.step_outcome("later") == "success"
    assert "New.md" in runner.log


def test_merge_queue_that_breaks_a_link_fails(forge: Forge) -> None:
    commit = forge.pull(BROKEN)
    event = {"merge_group": {"base_sha": forge.git("rev-parse", "main")}}
    assert outputs(forge.act(commit, event=event)) == {
        "exit-code": "1",
        "findings": "1",
        "report": "",
    }


@pytest.mark.parametrize(("base", "only"), [("", "true"), ("main", "false")])
def test_push_reports_all_findings(forge: Forge, base: str, only: str) -> None:
    runner = forge.act(forge.pull({"New.md": "[[Old]]\n"}), base, changed_only=only)
    assert runner.failed
    assert outputs(runner)["findings"] == "2"
    assert "Nowhere" in runner.log
    assert "vaultlink" in runner.summary
    assert ("Health score" in runner.summary) is bool(base), "only of a pull request"


def test_any_name_of_the_base_branch_works(
    tmp_path: Path, kit: InstallKit, installed: Mapping[str, Any]
) -> None:
    base = "$(touch${IFS}pwned);'\"ä"
    forge = Forge(tmp_path, kit, installed, base)
    assert outputs(forge.act(forge.pull(BROKEN), base))["findings"] == "1"


def test_missing_history_is_an_error(forge: Forge) -> None:
    runner = forge.act(forge.git("rev-parse", "HEAD"), "no-longer-there")
    assert runner.failed
    assert "Set fetch-depth: 0 for actions/checkout." in runner.log
    assert "fetch-depth: 0" in runner.summary
    assert outputs(runner) == {"exit-code": "2", "findings": "", "report": ""}


def test_fix_changes_the_checkout_and_reports_remaining_findings(forge: Forge) -> None:
    commit = forge.pull(
        {"New.md": "---\naliases: [Pier]\n---\n", "Old.md": "[[Pier]], [[Gone astray]]\n"}
    )
    runner = forge.act(commit, "main", command="fix")
    assert (
        (runner.workspace / "Old.md")
        .read_text(encoding="utf-8")
        .startswith("[[New|Pier]], [[Gone astray]]\n")
    )
    assert outputs(runner)["exit-code"] == "1"
    assert "Gone astray" in runner.summary


def test_report_is_written(forge: Forge) -> None:
    first = forge.act(forge.pull(BROKEN), "main", report="junit")
    ET.fromstring(Path(outputs(first)["report"]).read_bytes())
    for form in ("sarif", "gitlab", "markdown", "github"):
        runner = forge.again(first, report=form)
        file = Path(outputs(runner)["report"])
        assert file.is_relative_to(runner.temp)
        assert "Gone astray" in file.read_text(encoding="utf-8")
        if form in ("sarif", "gitlab"):
            json.loads(file.read_bytes())


def test_page_about_the_whole_vault_is_written_and_uploaded(forge: Forge) -> None:
    """The name of an artifact has no slash, and some other characters neither."""
    first = forge.act(forge.pull({**BROKEN, "notes/a: 1/Home.md": "# Home\n"}), "main")
    assert UPLOAD not in first.used_actions, "off by default"
    runner = forge.again(first, report="html")
    assert runner.failed, "the finding is as important as without the page"
    page = Path(outputs(runner)["report"])
    assert page.is_relative_to(runner.temp)
    text = page.read_text(encoding="utf-8")
    assert text.startswith("<!")
    assert "Nowhere" in text, "the page is about all notes, not about the change"
    assert "## Health score of `workspace`: " in runner.summary
    assert runner.interpolate(runner.used_actions[UPLOAD]["path"]) == str(page)
    assert runner.interpolate(runner.used_actions[UPLOAD]["name"]) == "vaultlink-report-links"
    assert forge.again(first, report="html", path="no folder").used_actions.keys() == (
        first.used_actions.keys()
    )
    runner = forge.again(first, report="html", path="notes/a: 1")
    name = runner.interpolate(runner.used_actions[UPLOAD]["name"])
    assert name == "vaultlink-report-links-notes-a- 1"


def test_arguments_are_split_as_in_a_shell(forge: Forge) -> None:
    first = forge.act(forge.pull(BROKEN), "main", arguments="--select missing-heading")
    assert outputs(first)["findings"] == "0"
    for arguments, findings in (
        ("  --ignore 'dangling-link' \n --ignore \"VL102\"\n", "0"),
        ("Kept.md", "0"),
        ("New.md Kept.md", "1"),
    ):
        assert outputs(forge.again(first, arguments=arguments))["findings"] == findings


def test_arguments_are_never_executed(forge: Forge) -> None:
    first = forge.act(forge.pull(BROKEN), "main", arguments=HOSTILE)
    others = (
        "--select $(touch${IFS}pwned)",
        "--config '; touch pwned'",
        "*",
        "--no-such",
        "--select 'VL1",
    )
    for runner in (first, *(forge.again(first, arguments=arguments) for arguments in others)):
        assert outputs(runner) == {"exit-code": "2", "findings": "", "report": ""}
        assert runner.failed


def test_any_name_of_the_vault_works(forge: Forge) -> None:
    folder = HOSTILE.replace("/", "")
    forge.git("rm", "-q", "-r", ".")
    write_files(forge.root, {f"{folder}/.obsidian/app.json": "{}", f"{folder}/Home.md": ""})
    commit_all(forge.root, forge.environment)
    runner = forge.act(forge.pull({f"{folder}/New.md": "[[Gone astray]]\n"}), "main", path=folder)
    assert outputs(runner)["findings"] == "1"
    assert "touch pwned $(touch pwned)" in runner.log


def test_checkout_in_a_subfolder_works(forge: Forge) -> None:
    runner = forge.act(forge.pull(BROKEN), "main", inside="notes", path="notes")
    assert outputs(runner)["findings"] == "1"


REFUSED = [
    ({"command": "undo"}, "The input command must be check or fix."),
    ({"command": HOSTILE}, "The input command must be check or fix."),
    ({"changed_only": "yes"}, "The input changed-only must be true or false."),
    ({"cache": HOSTILE}, "The input cache must be true or false."),
    ({"report": HOSTILE}, "The input report must be sarif"),
    ({"path": "nowhere"}, "The input path does not name a folder."),
    ({"path": ""}, "The input path does not name a folder."),
    ({"arguments": "--select 'VL1"}, "The input arguments has an unclosed quote."),
    *(
        (
            {"arguments": f"--select VL1 {words}"},
            "The input arguments cannot contain --diff, --output-file or --stdin-filename",
        )
        for words in (
            "--diff",
            "--dry-run",
            "--output-file=x",
            "--output-file x",
            "--stdin-filename a.md -",
        )
    ),
    ({"fail_on": HOSTILE}, "--fail-on: "),
]


def test_invalid_inputs_are_errors(forge: Forge) -> None:
    first = forge.act(forge.git("rev-parse", "HEAD"))
    for given, said in REFUSED:
        runner = forge.again(first, **given)
        assert runner.failed
        assert said in runner.log
        assert said in runner.summary
        assert outputs(runner) == {"exit-code": "2", "findings": "", "report": ""}


# -- the cache ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def checkout(forge: Forge, tmp_path: Path) -> StepRunner:
    """Return a runner with a checkout. From now on the caches of its branch are kept."""
    runner = forge.act(forge.git("rev-parse", "HEAD"))
    forge.caches = CacheStore(tmp_path / "caches")
    return runner


def run_event(
    forge: Forge, checkout: StepRunner, event: str, commit: str, **given: str
) -> list[str]:
    """Run the action for an event, assert that it reports the known finding, and return the keys of all caches."""
    checkout.contexts["github"] |= {"event_name": event, "sha": commit}
    runner = forge.again(checkout, **given)
    assert outputs(runner) == {"exit-code": "1", "findings": "1", "report": ""}
    assert "Nowhere" in runner.log
    assert forge.caches
    return list(forge.caches.keys)


def test_each_push_saves_a_cache_and_restores_the_last_one(
    forge: Forge, checkout: StepRunner
) -> None:
    [first] = run_event(forge, checkout, "push", "c1")
    assert re.fullmatch(rf"vaultlink-Linux-{re.escape(__version__)}-[0-9a-f]{{16}}-c1", first)
    assert run_event(forge, checkout, "push", "c1") == [first], "the same commit again"
    assert run_event(forge, checkout, "push", "c2") == [first, f"{first[:-1]}2"]
    assert forge.caches
    assert [path for path in (forge.caches.folder / "1").rglob("*") if path.is_file()]


def test_events_that_others_can_cause_never_save_a_cache(
    forge: Forge, checkout: StepRunner
) -> None:
    for event in ("pull_request_target", "workflow_run", "issue_comment", "merge_group"):
        assert run_event(forge, checkout, event, "c1") == [], event
    assert run_event(forge, checkout, "push", "c1", cache="false") == [], "it is switched off"
    [first] = run_event(forge, checkout, "pull_request", "c1")
    assert run_event(forge, checkout, "pull_request", "c2") == [first], "there is one"


def test_cache_of_another_path_is_not_restored(
    forge: Forge, checkout: StepRunner, tmp_path: Path
) -> None:
    (checkout.workspace / HOSTILE.replace("/", "")).symlink_to(".")
    keys = run_event(forge, checkout, "push", "c1")
    keys = run_event(forge, checkout, "push", "c1", path=HOSTILE.replace("/", ""))
    assert len({key.removesuffix("-c1") for key in keys}) == 2
    assert all(re.fullmatch(r"[\w.-]+", key) for key in keys)


def test_damaged_cache_changes_nothing(forge: Forge, checkout: StepRunner) -> None:
    run_event(forge, checkout, "push", "c1")
    assert forge.caches
    files = [path for path in forge.caches.folder.rglob("*") if path.is_file()]
    saved = {path: path.read_bytes() for path in files}
    for number, content in enumerate((b"", b"\x80\x04\x95 not a cache", None)):
        for path, data in saved.items():
            path.write_bytes(data[:-1] + b"\xff" if content is None else content)
        run_event(forge, checkout, "pull_request", f"c{number + 2}")
