"""CI files of `vaultlink init --ci`, for GitHub, GitLab and pre-commit.

Either all files are created or none, and none is overwritten. Templates are in `starters/`.
"""

import json
import os
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import NamedTuple

from vaultlink.errors import UsageError
from vaultlink.git.location import find_work_tree
from vaultlink.git.program import run_git
from vaultlink.text import lazy_pattern


class CiTemplate(NamedTuple):
    """A CI file: its place in a repository, and advice after it was created.

    `merge_hint` says how to add its part from the line that starts with `snippet_start` to an
    existing file.
    """

    path: str
    snippet_start: str
    merge_hint: str
    next_step: str


CI_TEMPLATES = {
    "github": CiTemplate(
        ".github/workflows/vaultlink.yml",
        "name:",
        "The workflow that would be written is printed.",
        "Next: commit the workflow. It checks the pull request that adds it and all later ones.",
    ),
    "gitlab": CiTemplate(
        ".gitlab-ci.yml",
        "vaultlink:",
        "Add the printed job to it.",
        "Next: commit the pipeline. It checks the merge request that adds it and all later ones.",
    ),
    "pre-commit": CiTemplate(
        ".pre-commit-config.yaml",
        "  - repo:",
        "Add the printed lines below its `repos:`.",
        "Next: run `pre-commit install`, once in each clone, to activate the hook.",
    ),
}
CI_KINDS = tuple(CI_TEMPLATES)

_BRANCH_SPACES = ("refs/heads", "refs/remotes/origin")
_USUAL_BRANCHES = ("main", "master")
"""Usual names of a repository's main branch."""

_YAML_SAFE_LINE = lazy_pattern(
    "[ -~\u00a0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]+"
)
"""Text that can be written on a line of YAML without escapes."""


class ExistingFileError(UsageError):
    """Files exist already. `missing_parts` is what to add to them."""

    def __init__(self, parts: Mapping[Path, str], hints: Iterable[str]):
        self.missing_parts = "".join(
            f"# {path}\n{text}" if len(parts) > 1 else text for path, text in parts.items()
        )
        sentences = [
            f"{path} already exists. {hint}" for path, hint in zip(parts, hints, strict=True)
        ]
        super().__init__("\n".join([*sentences, "Nothing was written."]))


def plan_ci_files(vault: Path, kinds: Sequence[str], package: str) -> dict[Path, str]:
    """Return the CI files, to be written at the root of the vault's repository.

    Raises ExistingFileError if one of them exists.
    """
    vault_folder = vault.resolve()
    root = find_work_tree(vault_folder) or vault_folder
    templates = [CI_TEMPLATES[kind] for kind in kinds]
    texts = {
        root / template.path: _render_template(kind, root, vault_folder, package)
        for kind, template in zip(kinds, templates, strict=True)
    }
    existing = [template for template in templates if os.path.lexists(root / template.path)]
    if existing:
        parts = {
            path: text[text.index(f"\n{template.snippet_start}") + 1 :]
            for template in existing
            for path, text in [(root / template.path, texts[root / template.path])]
        }
        raise ExistingFileError(parts, [template.merge_hint for template in existing])
    return texts


def read_starter(name: str) -> str:
    return resources.files("vaultlink.cli").joinpath("starters", name).read_text(encoding="utf-8")


def _render_template(kind: str, root: Path, vault: Path, package: str) -> str:
    folder = _find_vault_folder(root, vault)
    _require_safe_line(package, "--package")
    if kind == "pre-commit":  # runs the program without a shell
        args = _format_json(["--vault", folder])
        values = {"package": _format_json(package), "args": folder and f"\n        args: {args}"}
    else:
        option = folder and f" --vault {shlex.quote(folder)}"
        values = {"package": shlex.quote(package), "vault": option}
    values["branches"] = _format_json(_find_main_branches(root))
    return re.sub(
        r"\{(\w+)\}", lambda match: values.get(match[1], match[0]), read_starter(f"{kind}.yml")
    )


def _format_json(value: str | list[str]) -> str:
    return json.dumps(value, ensure_ascii=False)


def _find_vault_folder(root: Path, vault: Path) -> str:
    """Return the vault's folder in the repository as a safe argument, or ""."""
    folder = vault.relative_to(root).as_posix()
    if folder == ".":
        return ""
    return _require_safe_line(
        f"./{folder}" if folder.startswith("-") else folder, "the vault's folder"
    )


def _require_safe_line(text: str, name: str) -> str:
    """Return the text; raise UsageError if YAML or GitHub would interpret it."""
    if not _YAML_SAFE_LINE.fullmatch(text) or "${{" in text:
        raise UsageError(f"{name}: {text!r} can't be written into a CI file. Nothing was written.")
    return text


def _find_main_branches(root: Path) -> list[str]:
    """Return the branch that the repository's origin points to.

    If that is not known, return the two usual names; if neither exists, the current branch.
    """
    default_branch = _read_branch_name(root, "refs/remotes/origin/HEAD").removeprefix("origin/")
    if default_branch:
        return [default_branch]
    refs = [f"{space}/{name}" for space in _BRANCH_SPACES for name in _USUAL_BRANCHES]
    current = "" if run_git(root, "for-each-ref", *refs) else _read_branch_name(root, "HEAD")
    return [current] if current else [*_USUAL_BRANCHES]


def _read_branch_name(root: Path, reference: str) -> str:
    """Return a reference's branch; "" if there is none, or if it is unsafe in YAML."""
    output = run_git(root, "symbolic-ref", "--quiet", "--short", reference) or b""
    name = output.decode("utf-8", "replace").strip()
    return name if _YAML_SAFE_LINE.fullmatch(name) else ""
