"""`vaultlink init --ci` and its kin: the files it writes are valid, hold any folder's name as a word, and do what they are for.

What is written is run: the steps of the workflow and of the pipeline by bash, the hook by pre-commit itself.
"""

import json
import os
import re
import shlex
import shutil
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

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
    make_clean_environment,
    make_environment,
    make_once,
    plant_programs,
    run_process,
    run_shellcheck,
)
from running import RunCommand, read_files, write_files
from tables import each
from vaultlink import __version__
from vaultlink.cli.commands.init import CI_KINDS, CI_TEMPLATES
from vaultlink.cli.installation import IS_PUBLISHED, build_requirement

DEBT = {
    "Old.md": "[[Nowhere]] is yesterday's debt, and [[Kept]] is there.\n",
    "Kept.md": "[[Old]]\n",
}
FOLDERS = [
    "notes",
    "Meine Notizen ä",
    "it's",
    'a "b"',
    "$(touch pwned)",
    "; touch pwned #",
    "`touch pwned`",
    "a: b",
    "-x",
    "{package}",
    "日本語",
    "back\\slash",
    "100 %s",
    "deep/er notes",
    "$HOME",
    "*",
    "'",
    "x\u00a0y",
    "👩\u200d💻",
    "!important",
    "&anchor",
]

SCHEMAS = {"github": "github-workflows", "gitlab": "gitlab-ci"}


def repository(folder: Path, inside: str = "") -> Path:
    """Create a repository that has only a root for git, and return the vault in it."""
    (folder / ".git").mkdir(parents=True)
    (folder / inside / ".obsidian").mkdir(parents=True)
    return write_files(folder / inside, DEBT)


def loaded(root: Path, kind: str) -> Any:
    """Return the parsed file of a kind."""
    return yaml.safe_load((root / CI_TEMPLATES[kind].path).read_text(encoding="utf-8"))


def read_scripts(root: Path, kind: str) -> list[str]:
    """Return the scripts in the file for GitHub or GitLab, each of which has a shell of its own."""
    if kind == "gitlab":
        job = loaded(root, "gitlab")["vaultlink"]
        return ["\n".join((*job["before_script"], *job["script"]))]
    steps = loaded(root, "github")["jobs"]["links"]["steps"]
    return [step["run"] for step in steps if "run" in step]


def scripts(root: Path) -> dict[str, str]:
    """Return the scripts in the files for GitHub and GitLab, each as one."""
    return {kind: "\n".join(read_scripts(root, kind)) for kind in ("github", "gitlab")}


REQUIREMENT = f"vaultlink=={__version__}"
"""A requirement that the wheels of the kit meet."""


@pytest.fixture(autouse=True)
def _name_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULTLINK_PACKAGE", REQUIREMENT)


# -- what is written ------------------------------------------------------------------------------------------------------


@each("kind", CI_KINDS)
def test_file_is_written_at_the_root_of_the_repository(
    run: RunCommand, tmp_path: Path, kind: str
) -> None:
    vault = repository(tmp_path / "repo", "notes")
    told = run("init", vault, "--ci", kind)
    path = tmp_path / "repo" / CI_TEMPLATES[kind].path
    assert (told.code, told.lines) == (0, [str(path)])
    assert CI_TEMPLATES[kind].next_step in told.err
    assert not (vault / "vaultlink.toml").exists()
    assert b"\r" not in path.read_bytes()


def test_without_a_repository_the_vault_is_the_root(run: RunCommand, tmp_path: Path) -> None:
    (tmp_path / "vault" / ".obsidian").mkdir(parents=True)
    assert run("init", tmp_path / "vault", "--ci", "pre-commit").lines == [
        str(tmp_path / "vault" / ".pre-commit-config.yaml")
    ]
    assert "args" not in loaded(tmp_path / "vault", "pre-commit")["repos"][0]["hooks"][0]


def test_worktree_is_a_repository(run: RunCommand, tmp_path: Path) -> None:
    (tmp_path / "vault" / ".obsidian").mkdir(parents=True)
    (tmp_path / ".git").write_text("gitdir: elsewhere\n", encoding="utf-8")
    assert run("init", tmp_path / "vault", "--ci", "github").lines == [
        str(tmp_path / ".github" / "workflows" / "vaultlink.yml")
    ]


def test_several_at_once_each_once(run: RunCommand, tmp_path: Path) -> None:
    repository(tmp_path / "repo")
    told = run(
        "init",
        tmp_path / "repo",
        "--ci",
        "github,gitlab",
        "--ci",
        "github",
        "--ci",
        "pre-commit",
        "--ci",
        "pre-commit",
    )
    assert told.lines == [str(tmp_path / "repo" / CI_TEMPLATES[kind].path) for kind in CI_KINDS]


@pytest.mark.thorough
def test_files_are_valid(run: RunCommand, tmp_path: Path) -> None:
    roots = [tmp_path / "repos" / str(number) for number in range(len(FOLDERS))]
    for root, folder in zip(roots, FOLDERS, strict=True):
        assert (
            run(
                "init",
                repository(root, folder),
                "--ci",
                ",".join(CI_KINDS),
                "--package",
                'x @ git+https://e.org/a b#egg="x"',
            ).code
            == 0
        )
    for kind, schema in SCHEMAS.items():
        assert_matches_schema(schema, *(root / CI_TEMPLATES[kind].path for root in roots))
    hooks = [root / CI_TEMPLATES["pre-commit"].path for root in roots]
    check_output(
        [Path(sys.executable).with_name("pre-commit"), "validate-config", *hooks],
        tmp_path,
        make_clean_environment(tmp_path / "home"),
    )


@pytest.mark.thorough
@each("folder", FOLDERS)
def test_every_command_names_the_vault(run: RunCommand, tmp_path: Path, folder: str) -> None:
    """For any folder name, each command has it as one word, and nothing else is executed."""
    root = tmp_path / "repo"
    run("init", repository(root, folder), "--ci", ",".join(CI_KINDS))
    stub = tmp_path / "bin" / "vaultlink"
    stub.parent.mkdir()
    stub.write_text(
        f"#!/bin/sh\nprintf '%s\\0' \"$@\" END >> '{tmp_path}/words'\n", encoding="utf-8"
    )
    stub.chmod(0o755)
    stub.with_name("python").symlink_to("/bin/true")
    environment = make_clean_environment(
        tmp_path / "home",
        PATH=f"{stub.parent}:{os.environ['PATH']}",
        GITHUB_STEP_SUMMARY="/dev/null",
    )
    for script in scripts(root).values():
        check_output(["bash", "-eo", "pipefail", "-c", script], root, environment)
    runs = (tmp_path / "words").read_text(encoding="utf-8").split("END\0")[:-1]
    calls = [
        *(words.split("\0") for words in runs),
        loaded(root, "pre-commit")["repos"][0]["hooks"][0]["args"],
    ]
    assert len(calls) == 2 + 3 + 1
    for words in calls:
        assert root / words[words.index("--vault") + 1] == root / folder
        assert not words[words.index("--vault") + 1].startswith("-")
    assert sorted(path.name for path in root.iterdir()) == sorted(
        [".git", ".github", ".gitlab-ci.yml", ".pre-commit-config.yaml", Path(folder).parts[0]]
    )


@each(
    "folder",
    ["two\nlines", "${{ github.token }}", "bell\a", "line\u2028separator", "next\u0085line"],
)
def test_unrepresentable_folder_name_is_an_error(
    run: RunCommand, tmp_path: Path, folder: str
) -> None:
    told = run("init", repository(tmp_path / "repo", folder), "--ci", "github")
    assert (told.code, told.out) == (2, "")
    assert "the vault's folder" in told.err
    assert not (tmp_path / "repo" / ".github").exists()


@each(
    ("options", "requirement"),
    [
        ((), REQUIREMENT),
        (
            ("--package", "vaultlink @ git+https://example.org/vaultlink@v1"),
            "vaultlink @ git+https://example.org/vaultlink@v1",
        ),
        (("--package", "vaultlink; touch pwned"), "vaultlink; touch pwned"),
    ],
)
def test_package_is_one_word_for_pip(
    run: RunCommand, tmp_path: Path, options: tuple[str, ...], requirement: str
) -> None:
    root = repository(tmp_path / "repo")
    run("init", root, "--ci", ",".join(CI_KINDS), *options)
    assert loaded(root, "pre-commit")["repos"][0]["hooks"][0]["additional_dependencies"] == [
        requirement
    ]
    for script in scripts(root).values():
        asked = f'python() {{ printf "%s\\n" "${{@: -1}}"; }}; vaultlink() {{ :; }}; GITHUB_STEP_SUMMARY=/dev/null\n{script}'
        assert check_output(
            ["bash", "-eo", "pipefail", "-c", asked],
            root,
            make_clean_environment(tmp_path / "home"),
        ).splitlines() == [requirement]


COMMIT = "0123456789" * 4


@each(
    ("record", "requirement"),
    [
        (
            {"url": "https://e.org/o/v.git", "vcs_info": {"vcs": "git", "commit_id": COMMIT}},
            f"vaultlink @ git+https://e.org/o/v.git@{COMMIT}",
        ),
        (
            {"url": "ssh://git@e.org/o/v", "vcs_info": {"vcs": "git", "commit_id": COMMIT}},
            f"vaultlink @ git+https://e.org/o/v@{COMMIT}",
        ),
        ({"url": "https://u:p@e.org/v", "vcs_info": {"vcs": "git", "commit_id": COMMIT}}, ""),
        (
            {"url": "file:///v", "vcs_info": {"vcs": "git", "commit_id": COMMIT}},
            f"vaultlink @ git+file:///v@{COMMIT}",
        ),
        ({"url": "https://e.org/v.whl", "archive_info": {}}, "vaultlink @ https://e.org/v.whl"),
        ({"url": "file:///v.whl", "archive_info": {}}, "vaultlink @ file:///v.whl"),
        ({"url": "file:///no/folder", "dir_info": {}}, "vaultlink @ file:///no/folder"),
        ({}, ""),
    ],
)
def test_source_is_what_pip_recorded(record: Mapping[str, Any], requirement: str) -> None:
    assert build_requirement(record) == requirement


@each("address", ["git@e.org:o/v.git", "https://e.org/o/v.git"])
def test_source_of_a_clone_is_its_pushed_commit(
    tmp_path: Path, plain_git: None, address: str
) -> None:
    environment = make_clean_environment(tmp_path / "home")
    folder = write_files(tmp_path / "a clone", DEBT)
    commit = commit_all(folder, environment, start=True)
    record = {"url": folder.as_uri(), "dir_info": {"editable": True}}
    local = f"vaultlink @ {folder.as_uri()}"
    assert build_requirement(record) == local
    create_origin(folder, environment)
    check_output(["git", "remote", "set-url", "origin", address], folder, environment)
    assert build_requirement(record) == f"vaultlink @ git+https://e.org/o/v.git@{commit}"
    commit_all(folder, environment)  # not pushed
    assert build_requirement(record) == local


def test_nothing_names_a_package_that_is_not_published(
    run: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VAULTLINK_PACKAGE")
    monkeypatch.setattr("sys.path", [])  # as if pip had recorded nothing
    root = repository(tmp_path / "repo")
    before = read_files(root)
    assert run("init", root, "--ci", "github,gitlab", "--ci", "pre-commit") == (
        *(2, ""),
        "error: vaultlink is not on PyPI yet, and other computers can't reach the source of this "
        "copy: name another one, as in "
        "`--package 'vaultlink @ git+https://HOST/OWNER/vaultlink@COMMIT'`.\n",
    )
    assert read_files(root) == before
    named = "vaultlink @ git+https://e.org/v@1"
    assert (
        run("init", root, "--ci", "github,gitlab", "--ci", "pre-commit", "--package", named).code
        == 0
    )
    assert not IS_PUBLISHED
    for kind in CI_KINDS:
        text = (root / CI_TEMPLATES[kind].path).read_text(encoding="utf-8")
        assert named in text
        assert "vaultlink==" not in text


INSTALLS = re.compile(
    r"\b(?:pip3? install|pipx (?:install|run)|uv (?:tool|pip) install|uv add|uvx|uv tool run)"
    r"(?: +-\S+)* +[\"'`]?vaultlink(?! @)\b|vaultlink[=~]="
)
"""A command, or a requirement, that takes vaultlink from an index."""


@each(
    "text",
    [
        *("pip install vaultlink", 'python -m pip install --quiet "vaultlink"', "uvx vaultlink"),
        *("pipx install vaultlink", "uv tool install vaultlink", "vaultlink==0.4.0"),
    ],
)
def test_installation_from_an_index_is_noticed(text: str) -> None:
    assert INSTALLS.search(text)


@each(
    "text",
    [
        *("pip install .", "pipx install .", 'pip install "vaultlink @ git+https://e.org/v@1"'),
        "pip install ./vaultlink-0.4.0-py3-none-any.whl",
    ],
)
def test_installation_from_a_source_is_not_noticed(text: str) -> None:
    assert not INSTALLS.search(text)


def test_no_page_or_file_for_others_installs_from_an_index() -> None:
    assert not IS_PUBLISHED
    pages = [
        *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "action.yml")),
        ROOT / ".pre-commit-hooks.yaml",
        *(ROOT / "docs").rglob("*.*"),
        *(ROOT / "contrib").rglob("*.*"),
        *(ROOT / "src/vaultlink/cli/starters").glob("*.*"),
    ]
    found = {
        str(page.relative_to(ROOT)): match[0]
        for page in pages
        if page.is_file()
        and page.suffix != ".png"
        and (match := INSTALLS.search(page.read_text(encoding="utf-8")))
    }
    assert found == {}


@each("address", ["file:///here", "git+file:///here@1"])
def test_a_local_source_is_refused_unless_it_is_named(
    run: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.delenv("VAULTLINK_PACKAGE")
    record: dict[str, object] = {"url": address.removeprefix("git+").partition("@")[0]}
    is_git = address.startswith("git+")
    record |= {"vcs_info": {"vcs": "git", "commit_id": "1"}} if is_git else {"dir_info": {}}
    installed = write_files(
        tmp_path / "site",
        {
            "vaultlink-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: vaultlink\nVersion: 1\n",
            "vaultlink-1.dist-info/direct_url.json": json.dumps(record),
        },
    )
    monkeypatch.syspath_prepend(str(installed))
    root = repository(tmp_path / "repo")
    before = read_files(root)
    for kind in CI_KINDS:
        told = run("init", root, "--ci", kind)
        assert (told.code, told.out) == (2, "")
        assert f"can't reach the source of this copy (vaultlink @ {address}): name" in told.err
        assert read_files(root) == before
        assert run("init", root, "--ci", kind, "--diff", "--package", REQUIREMENT).code == 1


def test_source_that_others_cannot_reach_is_mentioned(
    run: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAULTLINK_PACKAGE", "vaultlink @ file:///here")
    told = run("init", repository(tmp_path / "repo"), "--ci", "pre-commit")
    assert told.code == 0
    assert (
        "warning: the CI files install vaultlink @ file:///here, which other computers can't reach; "
        "vaultlink is not on PyPI yet. Delete them, and name another source: "
        "`--package 'vaultlink @ git+https://HOST/OWNER/vaultlink@COMMIT'`.\n"
    ) in told.err
    named = run("init", repository(tmp_path / "b"), "--ci", "pre-commit", "--package", REQUIREMENT)
    assert "warning" not in named.err


def test_baseline_is_mentioned_if_there_is_none(run: RunCommand, tmp_path: Path) -> None:
    repo = repository(tmp_path / "repo")
    assert (
        "`vaultlink baseline --vault" in run("init", repo, "--ci", "github", "--package", "x").err
    )
    (repo / ".vaultlink-baseline.json").touch()
    assert "baseline" not in run("init", repo, "--ci", "gitlab", "--package", "x").err


@each(
    ("words", "said"),
    [
        (("--package", "x"), "--package requires --ci with one of github"),
        (
            ("--ci", "github", "--package", "two\nlines"),
            "--package: “two\\nlines” can't be written",
        ),
        (("--ci", "github", "--package", "${{ secrets.A }}"), "can't be written"),
        (
            ("--ci", "travis"),
            "--ci: invalid value “travis”. Valid values: github, gitlab, pre-commit.",
        ),
    ],
)
def test_invalid_options_are_errors(
    run: RunCommand, tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    root = repository(tmp_path / "repo")
    before = read_files(root)
    told = run("init", root, *words)
    assert told.code == 2
    assert said in told.err
    assert read_files(root) == before


def test_pushes_to_the_default_branch_are_checked(run: RunCommand, tmp_path: Path) -> None:
    environment = make_clean_environment(tmp_path / "home")
    root = write_files(tmp_path / "repo", DEBT)
    commit_all(root, environment, start=True)
    check_output(
        ["git", "symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/release/ä"],
        root,
        environment,
    )
    run("init", root, "--ci", "github")
    assert loaded(root, "github")[True]["push"]["branches"] == [
        "release/ä"
    ]  # `on` is a truth value in YAML 1.1


@each(
    ("here", "others", "branches"),
    [
        ("trunk", (), ["trunk"]),
        ("trunk", ("refs/remotes/origin/main",), ["main", "master"]),
        ("trunk", ("refs/heads/master",), ["main", "master"]),
        ("main", (), ["main", "master"]),
        ("a/main", (), ["a/main"]),
    ],
)
def test_default_branch_falls_back_to_an_existing_one(
    run: RunCommand, tmp_path: Path, here: str, others: tuple[str, ...], branches: list[str]
) -> None:
    environment = make_clean_environment(tmp_path / "home")
    root = write_files(tmp_path / "repo", DEBT)
    commit_all(root, environment, start=True)
    check_output(["git", "branch", "--move", here], root, environment)
    for name in others:
        check_output(["git", "update-ref", name, "HEAD"], root, environment)
    run("init", root, "--ci", "github")
    assert loaded(root, "github")[True]["push"]["branches"] == branches


def test_diff_shows_what_would_be_written_and_writes_nothing(
    run: RunCommand, tmp_path: Path
) -> None:
    root = repository(tmp_path / "repo")
    before = read_files(root)
    for words in ([], ["--ci", "github,gitlab"]):
        told = run("init", root, "--diff", *words)
        assert told.code == 1
        assert read_files(root) == before
        (tmp_path / "away.diff").write_text(told.out, encoding="utf-8")
        assert run("init", root, *words).code == 0
        check_output(
            ["git", "apply", "--reverse", tmp_path / "away.diff"],
            root,
            make_clean_environment(tmp_path / "home"),
        )
        assert read_files(root) == before
    assert run("init", root, "--diff", "--merge-driver").code == 2


def test_scripts_pass_shellcheck(run: RunCommand, tmp_path: Path) -> None:
    run("init", repository(root := tmp_path / "repo", "it's"), "--ci", "github,gitlab")
    assert [run_shellcheck(script) for script in scripts(root).values()] == ["", ""]


def test_scripts_do_not_interpolate_event_data(run: RunCommand, tmp_path: Path) -> None:
    run("init", repository(root := tmp_path / "repo"), "--ci", "github,gitlab")
    assert not any("${{" in script for script in scripts(root).values())
    assert loaded(root, "github")["permissions"] == {"contents": "read"}


def switch_on_report(root: Path, kind: str) -> None:
    """Uncomment the lines about the report, as the file says."""
    path = root / CI_TEMPLATES[kind].path
    text = path.read_text(encoding="utf-8")
    start = text.index("uncomment the lines.\n")
    switched = re.sub(r"(?m)^( *)# (?=( *)(?:[-\w]+:|- |python |vaultlink ))", r"\1", text[start:])
    path.write_text(text[:start] + switched, encoding="utf-8")


@pytest.mark.thorough
@each("folder", ["", "notes", "it's", "$(touch pwned)", "a: b"])
def test_report_can_be_switched_on(run: RunCommand, tmp_path: Path, folder: str) -> None:
    run("init", repository(root := tmp_path / "repo", folder), "--ci", "github,gitlab")
    assert not any("vaultlink report" in script for script in scripts(root).values())
    for kind, schema in SCHEMAS.items():
        switch_on_report(root, kind)
        assert_matches_schema(schema, root / CI_TEMPLATES[kind].path)
    job = loaded(root, "gitlab")["vaultlink"]
    *_, writing, uploading, _ = loaded(root, "github")["jobs"]["links"]["steps"]
    for script in (writing["run"], "\n".join(job["after_script"])):
        assert run_shellcheck(script, "--exclude=SC2016") == ""  # a dollar sign in quotes
        for line in script.splitlines()[1:]:
            name, command, *words = shlex.split(line)
            assert (name, command) == ("vaultlink", "report")
            assert words[:2] == (["--vault", folder] if folder else ["-q", words[1]])
    assert uploading["with"]["path"] == "${{ runner.temp }}/vaultlink.html"
    assert job["artifacts"]["paths"] == ["vaultlink.html"]


STARTERS = [path.name for path in (ROOT / "src/vaultlink/cli/starters").iterdir()]


@pytest.mark.project
def test_templates_are_in_the_wheel(kit: InstallKit) -> None:
    with zipfile.ZipFile(kit.wheel) as archive:
        names = {f"vaultlink/cli/starters/{name}" for name in STARTERS}
        assert names <= set(archive.namelist())


# -- what is there already ------------------------------------------------------------------------------------------------


@each("kind", CI_KINDS)
def test_existing_file_is_kept_and_missing_parts_are_printed(
    run: RunCommand, tmp_path: Path, kind: str
) -> None:
    root = repository(tmp_path / "repo")
    there = {
        "github": "name: mine\n",
        "gitlab": "build:\n  script: [make]\n",
        "pre-commit": "repos:\n",
    }[kind]
    write_files(root, {CI_TEMPLATES[kind].path: there})
    before = read_files(root)
    told = run("init", root, "--ci", ",".join(CI_KINDS))
    assert told.code == 2
    assert (
        f"{root / CI_TEMPLATES[kind].path} already exists. {CI_TEMPLATES[kind].merge_hint}\nNothing was written."
        in told.err
    )
    assert read_files(root) == before
    added = yaml.safe_load(told.out if kind == "github" else there + told.out)
    (root / CI_TEMPLATES[kind].path).unlink()
    run("init", root, "--ci", kind)
    fresh = loaded(root, kind)
    assert (
        added
        == {
            "github": fresh,
            "gitlab": {"build": {"script": ["make"]}, **fresh},
            "pre-commit": {"repos": fresh.get("repos")},
        }[kind]
    )


def test_several_existing_files_are_named(run: RunCommand, tmp_path: Path) -> None:
    root = repository(tmp_path / "repo")
    run("init", root, "--ci", "gitlab,pre-commit")
    told = run("init", root, "--ci", ",".join(CI_KINDS))
    assert [line for line in told.lines if line.startswith(f"# {root}")] == [
        f"# {root}/.gitlab-ci.yml",
        f"# {root}/.pre-commit-config.yaml",
    ]
    assert not (root / ".github").exists()


def test_broken_symlink_counts_as_existing(run: RunCommand, tmp_path: Path) -> None:
    root = repository(tmp_path / "repo")
    (root / ".gitlab-ci.yml").symlink_to("elsewhere.yml")
    assert run("init", root, "--ci", "gitlab").code == 2
    assert (root / ".gitlab-ci.yml").is_symlink()


def test_written_files_are_removed_if_a_later_one_fails(run: RunCommand, tmp_path: Path) -> None:
    root = repository(tmp_path / "repo")
    (root / ".github").write_text("a file\n", encoding="utf-8")
    before = read_files(root)
    told = run("init", root, "--ci", "gitlab,pre-commit,github")
    assert told.code == 2
    assert "can't write" in told.err
    assert read_files(root) == before


def test_merge_driver_is_installed_with_the_files(run: RunCommand, tmp_path: Path) -> None:
    environment = make_clean_environment(tmp_path / "home")
    root = write_files(tmp_path / "repo", DEBT)
    commit_all(root, environment, start=True)
    told = run("init", root, "--merge-driver", "--ci", "gitlab")
    assert (told.code, told.lines) == (0, [str(root / ".gitlab-ci.yml")])
    assert "merge-driver" in check_output(
        ["git", "config", "merge.vaultlink.driver"], root, environment
    )
    assert (root / ".gitattributes").exists()
    assert not (root / "vaultlink.toml").exists()


def test_files_are_removed_if_the_merge_driver_fails(run: RunCommand, tmp_path: Path) -> None:
    root = repository(
        tmp_path / "repo"
    )  # no repository for git, which asks for more than the folder
    before = read_files(tmp_path)
    told = run("init", root, "--merge-driver", "--ci", "github,gitlab")
    assert (told.code, told.out) == (2, "")
    assert read_files(tmp_path) == before
    assert not (root / ".github").exists()


# -- what it does: GitHub -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def kit(tmp_path_factory: pytest.TempPathFactory) -> InstallKit:
    """Return the kit for installations."""
    return build_kit(tmp_path_factory)


@pytest.fixture(scope="session")
def python(kit: InstallKit, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a Python in which the workflow's step has installed vaultlink."""

    def make(folder: Path) -> None:
        programs = make_environment(tmp_path_factory, folder / "venv")
        root = write_files(folder / "repo", DEBT)
        check_output(
            [sys.executable, "-m", "vaultlink", "init", root, "--ci", "github"],
            folder,
            make_clean_environment(folder / "home", VAULTLINK_PACKAGE=REQUIREMENT),
        )
        [script] = [
            step["run"]
            for step in loaded(root, "github")["jobs"]["links"]["steps"]
            if " pip " in step.get("run", "")
        ]
        path = f"{programs}:{os.environ['PATH']}"
        check_output(
            ["bash", "-e", "-c", script],
            folder,
            kit.make_offline_environment(folder / "home", PATH=path),
        )

    return make_once(tmp_path_factory, "python", make) / "venv" / "bin"


@pytest.fixture
def repo(run: RunCommand, tmp_path: Path, python: Path, kit: InstallKit) -> "Notes":
    """Create a repository with known findings, its vault in a folder, and all files of `init`."""
    root = tmp_path / "repo"
    (root / "the notes" / ".obsidian").mkdir(parents=True)
    (root / "the notes" / ".obsidian" / "app.json").write_text("{}", encoding="utf-8")
    write_files(root / "the notes", DEBT)
    environment = kit.make_offline_environment(
        tmp_path / "home", PATH=f"{python}:{os.environ['PATH']}"
    )
    commit_all(root, environment, start=True)
    run("init", root / "the notes", "--ci", ",".join(CI_KINDS))
    notes = Notes(root, environment)
    commit_all(root, environment)
    create_origin(root, environment)
    notes.git("checkout", "--quiet", "-b", "change")
    return notes


class Notes:
    """A repository of notes on a branch for main."""

    def __init__(self, root: Path, environment: dict[str, str]):
        self.root, self.environment = root, environment

    def git(self, *words: str) -> str:
        """Run git in it."""
        return check_output(["git", *words], self.root, self.environment).strip()

    def change(self, texts: Mapping[str, str], *gone: str) -> str:
        """Commit notes, and delete some."""
        write_files(self.root / "the notes", texts)
        for path in gone:
            (self.root / "the notes" / path).unlink()
        return commit_all(self.root, self.environment)

    def hooked(self, texts: Mapping[str, str]) -> tuple[int, str]:
        """Commit notes through the hooks; return git's exit code, and the output if that is not 0."""
        write_files(self.root / "the notes", texts)
        self.git("add", "--all")
        done = run_process(
            ["git", "commit", "--quiet", "--message", "a step"], self.root, self.environment
        )
        return done.returncode, done.stdout + done.stderr if done.returncode else ""

    def moves_on(self) -> None:
        """Commit a broken link on main."""
        self.git("checkout", "--quiet", "main")
        self.change({"Other.md": "[[Elsewhere]]\n"})
        self.git("push", "--quiet", "origin", "main")
        self.git("checkout", "--quiet", "change")

    def github(
        self,
        temp: Path,
        base: str = "",
        caches: CacheStore | None = None,
        merge_group: Mapping[str, str] | None = None,
        **context: str,
    ) -> StepRunner:
        """The workflow's steps, run for what is checked out; `base` is the branch that a pull request goes into, `context` what the
        run is about."""
        steps = loaded(self.root, "github")["jobs"]["links"]["steps"]
        temp.mkdir()
        return StepRunner(
            self.root,
            temp,
            self.environment | {"GITHUB_BASE_REF": base},
            {"github": {**context, "event": {"merge_group": merge_group or {}}}},
            caches=caches,
        ).run(steps)

    def gitlab(self, shell: str = "bash", **variables: str) -> tuple[int, str]:
        """The pipeline's job, run for what is checked out: its exit code, and what it said."""
        script = "\n".join(["set -e", scripts(self.root)["gitlab"]])
        done = run_process([shell, "-c", script], self.root, self.environment | variables)
        return done.returncode, done.stdout + done.stderr


@pytest.mark.project
@each("kind", SCHEMAS)
def test_no_file_of_the_checkout_is_run(
    run: RunCommand,
    tmp_path: Path,
    kit: InstallKit,
    kind: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Not a module that Python would import, nor a folder that pip would take for the address."""
    root, marks = repository(tmp_path / "repo"), tmp_path / "marks"
    package = f"vaultlink @ {kit.wheel.as_uri()}"
    run("init", root, "--ci", kind, "--package", package)
    write_files(root, {"Home.md": "[[Gone astray]]\n"})
    plant_programs(root, marks, package)
    programs = make_environment(tmp_path_factory, tmp_path / "venv")
    environment = kit.make_offline_environment(
        tmp_path / "home",
        PATH=f"{programs}:{os.environ['PATH']}",
        GITHUB_STEP_SUMMARY=str(tmp_path / "summary"),
    )
    for script in read_scripts(root, kind):
        done = run_process(["bash", "-eo", "pipefail", "-c", script], root, environment)
    printed = done.stdout
    if kind == "github":
        printed += (tmp_path / "summary").read_text(encoding="utf-8")
    assert "Gone astray" in printed, done.stderr
    assert not marks.exists(), marks.read_text(encoding="utf-8")


BREAKING: dict[str, tuple[Mapping[str, str], tuple[str, ...], str]] = {
    "a new link": ({"New.md": "See [it](Gone%20astray.md).\n"}, (), "the notes/New.md"),
    "a note that is linked to is deleted": ({}, ("Kept.md",), "the notes/Old.md"),
}


@pytest.mark.project
@each(("texts", "gone", "where"), BREAKING.values(), ids=BREAKING)
def test_pull_request_that_breaks_a_link_fails(
    repo: "Notes", tmp_path: Path, texts: Mapping[str, str], gone: tuple[str, ...], where: str
) -> None:
    repo.change(texts, *gone)
    runner = repo.github(tmp_path / "runner", "main")
    assert runner.failed
    assert runner.step_outcome("check") == "failure"
    assert f"::error file={where},line=1," in runner.log
    assert "Nowhere" not in runner.log, "yesterday's debt is not this change's"
    assert where.removeprefix("the notes/") in runner.summary
    assert "Nowhere" not in runner.summary.partition("### Findings")[2]


@pytest.mark.project
def test_pull_request_that_breaks_nothing_passes_despite_errors_on_main(
    repo: "Notes", tmp_path: Path
) -> None:
    repo.change({"New.md": "[[Old]] is there.\n"})
    repo.moves_on()
    runner = repo.github(tmp_path / "runner", "main")
    assert not runner.failed, runner.log
    assert "::error" not in runner.log
    assert "vaultlink" in runner.summary


@pytest.mark.project
def test_merge_queue_reports_its_own_findings(repo: "Notes", tmp_path: Path) -> None:
    upon = {"base_sha": repo.git("rev-parse", "main").strip()}
    repo.change({"New.md": "[[Old]] is there.\n"})
    assert not repo.github(tmp_path / "first", merge_group=upon).failed
    repo.change({"Newer.md": "[[Gone astray]]\n"})
    runner = repo.github(tmp_path / "second", merge_group=upon)
    assert runner.failed
    assert "Nowhere" not in runner.log


@pytest.mark.project
def test_push_reports_all_findings_outside_the_baseline(
    repo: "Notes", tmp_path: Path, run: RunCommand
) -> None:
    runner = repo.github(tmp_path / "first")
    assert runner.failed
    assert "the notes/Old.md" in runner.log
    run("baseline", "--vault", repo.root / "the notes")
    repo.change({})
    assert not repo.github(tmp_path / "second").failed
    repo.change({"New.md": "[[Gone astray]]\n"})
    assert repo.github(tmp_path / "third").failed


@pytest.mark.project
def test_summary_is_empty_if_the_installation_failed(repo: "Notes", tmp_path: Path) -> None:
    repo.environment["PIP_FIND_LINKS"] = str(tmp_path)
    file = repo.root / CI_TEMPLATES["github"].path
    file.write_text(file.read_text(encoding="utf-8").replace(__version__, "99"), encoding="utf-8")
    runner = repo.github(tmp_path / "runner", "main")
    assert runner.failed
    assert runner.step_outcome("check") == "skipped"
    assert runner.summary == ""


@pytest.mark.project
def test_checkout_has_the_history_and_a_new_python(repo: "Notes", tmp_path: Path) -> None:
    used = repo.github(tmp_path / "runner").used_actions
    assert used["actions/checkout@v5"]["fetch-depth"] == 0
    assert used["actions/setup-python@v6"]["python-version"] == "3.13"


@pytest.mark.project
def test_push_saves_the_cache_that_a_pull_request_restores(repo: "Notes", tmp_path: Path) -> None:
    del repo.environment["VAULTLINK_CACHE_DIR"]
    caches = CacheStore(tmp_path / "caches")
    repo.change({"New.md": "See [[Gone astray]].\n"})
    pushed = repo.github(tmp_path / "first", caches=caches, event_name="push", sha="c1")
    assert pushed.failed, "known findings; the cache is saved all the same"
    assert caches.keys == ["vaultlink-c1"]
    assert [path for path in (caches.folder / "0").rglob("*") if path.is_file()]
    shutil.rmtree(Path(repo.environment["HOME"]) / ".cache")
    runner = repo.github(
        tmp_path / "second", "main", caches=caches, event_name="pull_request", sha="c2"
    )
    assert runner.contexts["steps"]["restore"]["outputs"]["cache-matched-key"] == "vaultlink-c1"
    assert "Gone astray" in runner.log
    assert caches.keys == ["vaultlink-c1"]


# -- what it does: GitLab -------------------------------------------------------------------------------------------------


def reports(repo: "Notes") -> dict[str, str]:
    """Return the report files of the job."""
    told = loaded(repo.root, "gitlab")["vaultlink"]["artifacts"]
    assert told["when"] == "always"
    return {
        kind: (repo.root / path).read_text(encoding="utf-8")
        for kind, path in told["reports"].items()
    }


@pytest.mark.project
@each("shell", ["bash", "sh"])
@each(("texts", "gone", "where"), BREAKING.values(), ids=BREAKING)
def test_merge_request_that_breaks_a_link_fails(
    repo: "Notes", texts: Mapping[str, str], gone: tuple[str, ...], where: str, shell: str
) -> None:
    repo.change(texts, *gone)
    code, said = repo.gitlab(
        shell, CI_MERGE_REQUEST_DIFF_BASE_SHA=repo.git("merge-base", "main", "HEAD")
    )
    assert code == 1
    assert where.removeprefix("the notes/") in said
    assert "Nowhere" not in said
    quality = json.loads(reports(repo)["codequality"])
    assert [item["location"]["path"] for item in quality] == [where]
    assert "<failure" in reports(repo)["junit"]


@pytest.mark.project
def test_merged_result_is_compared_with_the_target_branch(repo: "Notes") -> None:
    base = repo.git("merge-base", "main", "HEAD")
    repo.change({"New.md": "[[Old]] is there.\n"})
    repo.moves_on()
    repo.git("merge", "--quiet", "--no-edit", "main")
    variables = {
        "CI_MERGE_REQUEST_DIFF_BASE_SHA": base,
        "CI_MERGE_REQUEST_TARGET_BRANCH_SHA": repo.git("rev-parse", "main"),
    }
    code, said = repo.gitlab(**variables)
    assert code == 0, said
    assert json.loads(reports(repo)["codequality"]) == []


@pytest.mark.project
def test_default_branch_reports_all_findings(repo: "Notes") -> None:
    code, said = repo.gitlab()
    assert code == 1
    assert "Old.md" in said


@pytest.mark.project
def test_each_merge_request_keeps_its_own_cache(repo: "Notes") -> None:
    job = loaded(repo.root, "gitlab")["vaultlink"]
    [path] = job["cache"]["paths"]
    assert job["variables"]["VAULTLINK_CACHE_DIR"] == f"$CI_PROJECT_DIR/{path.rstrip('/')}"
    assert job["cache"]["key"] == "vaultlink-$CI_MERGE_REQUEST_IID"
    assert job["cache"]["fallback_keys"] == ["vaultlink-"]
    before = repo.gitlab(VAULTLINK_CACHE_DIR=str(repo.root / path))
    assert [file for file in (repo.root / path).rglob("*") if file.is_file()]
    assert repo.gitlab(VAULTLINK_CACHE_DIR=str(repo.root / path)) == before


@pytest.mark.project
@each(
    ("variables", "runs"),
    [
        ({"CI_PIPELINE_SOURCE": "merge_request_event"}, True),
        (
            {"CI_PIPELINE_SOURCE": "push", "CI_COMMIT_BRANCH": "main", "CI_DEFAULT_BRANCH": "main"},
            True,
        ),
        (
            {
                "CI_PIPELINE_SOURCE": "push",
                "CI_COMMIT_BRANCH": "change",
                "CI_DEFAULT_BRANCH": "main",
            },
            False,
        ),
    ],
)
def test_job_rules(repo: "Notes", variables: Mapping[str, str], runs: bool) -> None:
    def value(word: str) -> str:
        return variables.get(word[1:], "") if word.startswith("$") else word.strip('"')

    rules = [rule["if"].split(" == ") for rule in loaded(repo.root, "gitlab")["vaultlink"]["rules"]]
    assert any(value(left) == value(right) for left, right in rules) is runs


# -- what it does: pre-commit ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def hooks(kit: InstallKit, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the cache folder of pre-commit."""
    return make_once(tmp_path_factory, "hooks-local", lambda _folder: None)


@pytest.mark.project
def test_written_hook_rejects_a_commit_that_breaks_a_link(
    repo: "Notes", hooks: Path, run: RunCommand
) -> None:
    repo.environment["PRE_COMMIT_HOME"] = str(hooks)
    check_output(
        [Path(sys.executable).with_name("pre-commit"), "install"], repo.root, repo.environment
    )
    run("baseline", "--vault", repo.root / "the notes")
    assert repo.hooked({}) == (0, "")
    code, said = repo.hooked({"New.md": "[[Gone astray]]\n"})
    assert code == 1
    assert "New.md:1:1: VL125" in said
    assert "Nowhere" not in said
    assert repo.hooked({"Gone astray.md": "[[New]]\n"}) == (0, "")
