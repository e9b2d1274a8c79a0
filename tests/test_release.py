"""What a release needs short of uploading: reproducible archives that can be installed by pip, pipx and uv on each Python.

`make test-all` installs on the Python that runs the tests; `make release-check` on all that are at hand, and also from an index of files,
by the action, and by pre-commit. All installations use a local index: a folder of wheels, or pages that name them.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest
import yaml

from forge import (
    ARCHIVED_FILES,
    ROOT,
    StepRunner,
    build_archives,
    build_kit,
    check_output,
    commit_all,
    make_archives,
    make_clean_environment,
    make_once,
    run_process,
)
from vaultlink import __version__

pytestmark = pytest.mark.project

VERSIONS = ("3.11", "3.12", "3.13", "3.14")
CURRENT = f"{sys.version_info.major}.{sys.version_info.minor}"
BIN = Path(sys.executable).parent
SAMPLE = ROOT / "fixtures" / "podcast-wiki"


def list_interpreters(version: str) -> Iterator[Path]:
    """Yield the places where a Python of this version can be."""
    if version == CURRENT:
        yield Path(sys.executable)
    if found := shutil.which(f"python{version}"):
        yield Path(found)
    for pattern in (".pyenv/versions", ".local/share/uv/python"):
        yield from sorted((Path.home() / pattern).glob(f"*{version}.*/bin/python{version}"))


def skip_unless_release_check(version: str) -> None:
    """Skip a test with another Python than that of the tests, or with none named, in a run of all tests."""
    if version != CURRENT and not os.environ.get("VAULTLINK_RELEASE"):
        pytest.skip(
            f"`make release-check` tries Python {version}"
            if version
            else "only in `make release-check`"
        )


def find_interpreter(version: str) -> Path:
    """Return a Python of this version that can create environments; skip the test if there is none."""
    skip_unless_release_check(version)
    code = f"import ensurepip, sys, venv; sys.exit(sys.version[:4] != {version!r})"
    for python in list_interpreters(version):
        done = subprocess.run([python, "-c", code], capture_output=True, check=False)
        if done.returncode == 0:
            return python
    pytest.skip(f"Python {version} is not installed")


@pytest.fixture(scope="session")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the sdist and the wheel."""
    return make_archives(tmp_path_factory)


def list_archives(dist: Path) -> dict[str, Path]:
    """Return the archives by kind."""
    name = f"vaultlink-{__version__}"
    return {"wheel": dist / f"{name}-py3-none-any.whl", "sdist": dist / f"{name}.tar.gz"}


def collect_wheels(python: Path, dist: Path, factory: pytest.TempPathFactory, version: str) -> Path:
    """Return a folder with the wheels of all that an installation needs on a Python."""

    def copy_wheels(folder: Path) -> None:
        (folder / "wheels").mkdir()
        for wheel in (build_kit(factory).folder / "wheels").iterdir():
            shutil.copy(wheel, folder / "wheels")

    def download_wheels(folder: Path) -> None:
        check_output([python, "-m", "venv", folder / "venv"], folder, dict(os.environ))
        pip: list[str | Path] = [folder / "venv" / "bin" / "python", "-m", "pip", "--quiet"]
        wanted: list[str | Path] = [
            list_archives(dist)["wheel"],
            "hatchling>=1.25",
            "pip",
            "setuptools",
        ]
        environment = make_clean_environment(folder / "home")
        download: list[str | Path] = ["download", "--dest", folder / "wheels", *wanted]
        check_output([*pip, *download], folder, environment)

    def make(folder: Path) -> None:
        (copy_wheels if version == CURRENT else download_wheels)(folder)
        (folder / "wheels" / list_archives(dist)["wheel"].name).unlink()

    return make_once(factory, f"wheels-{version}", make) / "wheels"


def install(
    tool: str, python: Path, archive: Path, home: Path, environment: dict[str, str]
) -> Path:
    """Install an archive with a tool, and return the installed command."""
    if tool == "pip":
        check_output([python, "-m", "venv", home / "venv"], home, environment)
        binaries = home / "venv" / "bin"
        check_output([binaries / "python", "-m", "pip", "install", archive], home, environment)
        return binaries / "vaultlink"
    program = ("uv", "tool", "install") if tool == "uv" else ("pipx", "install")
    command: list[str | Path] = [BIN / program[0], *program[1:], "--python", python, archive]
    check_output(command, home, environment)
    return home / "bin" / "vaultlink"


ALWAYS = {("pip", "sdist"), ("pipx", "wheel"), ("uv", "wheel")}
"""Each tool and each archive once: `make test-all` tries these."""


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("tool", "kind"),
    [(tool, kind) for tool in ("pip", "pipx", "uv") for kind in ("wheel", "sdist")],
)
def test_archive_is_installed_and_checks_the_sample_vault(
    tool: str,
    kind: str,
    version: str,
    dist: Path,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    if (tool, kind) not in ALWAYS:
        skip_unless_release_check("")
    python = find_interpreter(version)
    wheels = str(collect_wheels(python, dist, tmp_path_factory, version))
    environment = make_clean_environment(
        tmp_path / "home",
        PIP_NO_COMPILE="1",  # compiling takes most of the time of an installation
        PIP_NO_INDEX="1",
        PIP_FIND_LINKS=wheels,
        UV_NO_INDEX="1",
        UV_FIND_LINKS=wheels,
        UV_CACHE_DIR=str(tmp_path / "cache"),
        UV_TOOL_DIR=str(tmp_path / "tools"),
        UV_TOOL_BIN_DIR=str(tmp_path / "home" / "bin"),
        UV_PYTHON_DOWNLOADS="never",
        PIPX_HOME=str(tmp_path / "pipx"),
        PIPX_BIN_DIR=str(tmp_path / "home" / "bin"),
    )
    command = install(tool, python, list_archives(dist)[kind], tmp_path / "home", environment)
    assert (
        check_output([command, "--version"], tmp_path, environment) == f"vaultlink {__version__}\n"
    )
    shutil.copytree(SAMPLE, tmp_path / "vault")
    words: list[str | Path] = ["check", "--output-format", "concise", "--vault", tmp_path / "vault"]
    done = run_process([command, *words], tmp_path, environment)
    here = run_process([sys.executable, "-m", "vaultlink", *words], tmp_path, environment)
    assert (done.returncode, done.stdout, done.stderr) == (1, here.stdout, here.stderr)
    assert "VL101 dangling-link" in done.stdout
    assert count_rules(command, environment) == len(list((ROOT / "rules").glob("*.yaml")))
    report = check_output([command, "doctor", "--vault", tmp_path / "vault"], tmp_path, environment)
    assert f"Python     {version}." in report


def count_rules(command: Path, environment: dict[str, str]) -> int:
    """Return the number of rules that an installed copy has."""
    listed = check_output([command, "rules", "--json"], command.parent, environment)
    return len(json.loads(listed)["rules"])


# -- a local index, the action and the hooks ------------------------------------------------------------------------------


def create_index(folder: Path, wheels: Path, dist: Path) -> str:
    """Create a package index of files, as PEP 503 describes it, and return its address."""
    projects: dict[str, list[Path]] = {}
    for file in [*sorted(wheels.iterdir()), *list_archives(dist).values()]:
        project = re.sub(r"[-_.]+", "-", file.name.partition("-")[0]).lower()
        projects.setdefault(project, []).append(file)
    for project, files in projects.items():
        page = folder / "simple" / project / "index.html"
        page.parent.mkdir(parents=True)
        links = []
        for file in files:
            digest = hashlib.sha256(file.read_bytes()).hexdigest()
            links.append(f'<a href="{file.as_uri()}#sha256={digest}">{file.name}</a>')
        page.write_text("<!DOCTYPE html>\n" + "\n".join(links), encoding="utf-8")
    return (folder / "simple").as_uri()


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_archive_is_installed_by_name_from_an_index(
    kind: str,
    version: str,
    dist: Path,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """As after the upload: by name and version, with everything that it needs from the same index."""
    skip_unless_release_check("")
    python = find_interpreter(version)
    wheels = collect_wheels(python, dist, tmp_path_factory, version)
    environment = make_clean_environment(
        tmp_path / "home",
        PIP_NO_COMPILE="1",
        PIP_FIND_LINKS="",
        PIP_INDEX_URL=create_index(tmp_path, wheels, dist),
    )
    check_output([python, "-m", "venv", tmp_path / "venv"], tmp_path, environment)
    binaries = tmp_path / "venv" / "bin"
    only = {"wheel": "--only-binary", "sdist": "--no-binary"}[kind]
    install = ["-m", "pip", "install", only, "vaultlink", f"vaultlink=={__version__}"]
    check_output([binaries / "python", *install], tmp_path, environment)
    assert count_rules(binaries / "vaultlink", environment) == len(
        list((ROOT / "rules").glob("*.yaml"))
    )


@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_action_runs_from_the_archive(
    kind: str, dist: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """With the input `package`, for the sample vault."""
    skip_unless_release_check("")
    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    inputs = {name: about["default"] for name, about in action["inputs"].items()}
    inputs |= {"package": str(list_archives(dist)[kind]), "path": "vault", "cache": "false"}
    wheels = collect_wheels(Path(sys.executable), dist, tmp_path_factory, CURRENT)
    environment = make_clean_environment(
        tmp_path / "home",
        PIP_NO_INDEX="1",
        PIP_FIND_LINKS=str(wheels),
        PATH=f"{BIN}:{os.environ['PATH']}",
        GITHUB_ACTION_PATH=str(tmp_path / "not-used"),
    )
    for name in ("workspace", "temp"):
        (tmp_path / name).mkdir()
    shutil.copytree(SAMPLE, tmp_path / "workspace" / "vault")
    contexts = {"inputs": inputs, "github": {"event": {}}}
    runner = StepRunner(tmp_path / "workspace", tmp_path / "temp", environment, contexts)
    runner.run(action["runs"]["steps"])
    results = runner.contexts["steps"]
    assert results["check"]["outputs"]["exit-code"] == "1", runner.log
    assert int(results["report"]["outputs"]["findings"]) > 10
    assert "dangling-link" in runner.log


@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_hook_runs_from_the_archive(
    kind: str, dist: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """As a local hook, because an archive is no repository; tests/test_precommit.py has the hooks of the repository."""
    skip_unless_release_check("")
    [check, *_] = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    hook = check | {"additional_dependencies": [str(list_archives(dist)[kind])]}
    wheels = collect_wheels(Path(sys.executable), dist, tmp_path_factory, CURRENT)
    environment = make_clean_environment(
        tmp_path / "home",
        PIP_NO_INDEX="1",
        PIP_FIND_LINKS=str(wheels),
        PRE_COMMIT_HOME=str(tmp_path / "hooks"),
    )
    vault = shutil.copytree(SAMPLE, tmp_path / "vault")
    config = {"repos": [{"repo": "local", "hooks": [hook]}]}
    (vault / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    commit_all(vault, environment, start=True)
    done = run_process([BIN / "pre-commit", "run", "--all-files"], vault, environment)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "VL101 dangling-link" in done.stdout


# -- the archives ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
def test_every_dependency_has_a_wheel(version: str, dist: Path, tmp_path: Path) -> None:
    """No Python needs a compiler, not even one that is not at hand."""
    skip_unless_release_check(version)
    abi = f"cp{version.replace('.', '')}"
    platforms = ("manylinux_2_28_x86_64", "manylinux2014_x86_64")
    command: list[str | Path] = [
        *(sys.executable, "-m", "pip", "download", "--quiet", "--only-binary=:all:"),
        *("--implementation=cp", f"--python-version={version}", f"--abi={abi}"),
        *("--abi=abi3", "--abi=none"),
        *(f"--platform={platform}" for platform in platforms),
        *("--dest", tmp_path / "wheels", list_archives(dist)["wheel"]),
    ]
    check_output(command, tmp_path, make_clean_environment(tmp_path / "home"))
    names = [wheel.name for wheel in (tmp_path / "wheels").iterdir()]
    assert any(name.startswith("msgspec-") and f"-{abi}-" in name for name in names), names


def test_sdist_has_only_files_of_the_project(dist: Path) -> None:
    """Others of the same name, such as licences of texts that are tested, stay in the repository."""
    with tarfile.open(list_archives(dist)["sdist"]) as archive:
        paths = [
            PurePosixPath(name).relative_to(f"vaultlink-{__version__}")
            for name in archive.getnames()
        ]
    assert {path.parts[0] for path in paths} == {*ARCHIVED_FILES, "PKG-INFO"}


def test_archives_are_reproducible(dist: Path, tmp_path: Path) -> None:
    build_archives(tmp_path)
    for archive in list_archives(dist).values():
        assert (tmp_path / "dist" / archive.name).read_bytes() == archive.read_bytes()


def test_archives_pass_twine(dist: Path, tmp_path: Path) -> None:
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "twine",
        "check",
        "--strict",
        *list_archives(dist).values(),
    ]
    assert "PASSED" in check_output(command, tmp_path, make_clean_environment(tmp_path / "home"))


def test_release_check_builds_what_was_tested(dist: Path) -> None:
    built = os.environ.get("VAULTLINK_DIST")
    if not built:
        pytest.skip("`make release-check` compares its archives with those of the tests")
    for archive in list_archives(dist).values():
        assert (ROOT / built / archive.name).read_bytes() == archive.read_bytes()
