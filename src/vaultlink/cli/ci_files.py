"""CI files of `vaultlink init --ci`, for GitHub, GitLab and pre-commit.

Either all files are created or none. Existing files are not overwritten. The templates are in
`starters/`.
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
    """Template of a CI file.

    - path: its place in a repository.
    - snippet_start: start of the part to add to an existing file.
    - merge_hint: how to add that part.
    - next_step: advice after the file was created.
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

_USUAL_BRANCHES = ("main", "master")
"""Usual names of a repository's main branch."""

_YAML_SAFE_LINE = lazy_pattern(
    "[ -~\u00a0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]+"
)
"""Text that can be written on a line of YAML without escapes."""


class ExistingFileError(UsageError):
    """Files exist already. `missing_parts` maps their paths to the parts to add."""

    def __init__(self, missing_parts: Mapping[Path, str], merge_hints: Iterable[str]):
        self.missing_parts = missing_parts
        sentences = [
            f"{path} already exists. {hint}"
            for path, hint in zip(missing_parts, merge_hints, strict=True)
        ]
        super().__init__("\n".join([*sentences, "Nothing was written."]))


def plan_ci_files(vault: Path, kinds: Sequence[str], package: str) -> dict[Path, str]:
    """Return the CI files, to be written at the root of the vault's repository.

    Raises ExistingFileError if one of them exists.
    """
    vault_folder = vault.resolve()
    root = find_work_tree(vault_folder) or vault_folder
    texts = {kind: _render_template(kind, root, vault_folder, package) for kind in kinds}
    existing = {
        kind: root / CI_TEMPLATES[kind].path
        for kind in kinds
        if os.path.lexists(root / CI_TEMPLATES[kind].path)
    }
    if existing:
        missing_parts = {
            path: _cut_snippet(texts[kind], CI_TEMPLATES[kind].snippet_start)
            for kind, path in existing.items()
        }
        raise ExistingFileError(missing_parts, (CI_TEMPLATES[kind].merge_hint for kind in existing))
    return {root / CI_TEMPLATES[kind].path: text for kind, text in texts.items()}


def _cut_snippet(text: str, start: str) -> str:
    """Return the text from the line that starts with `start`."""
    return text[text.index(f"\n{start}") + 1 :]


# -- rendering -------------------------------------------------------------------------------


def _render_template(kind: str, root: Path, vault: Path, package: str) -> str:
    quote = _quote_for_yaml if kind == "pre-commit" else _quote_for_shell
    values = quote(
        _find_vault_folder(root, vault),
        _require_safe_line(package, "--package"),
    )
    values["branches"] = json.dumps(_find_main_branches(root), ensure_ascii=False)
    text = (
        resources.files("vaultlink.cli")
        .joinpath("starters", f"{kind}.yml")
        .read_text(encoding="utf-8")
    )
    return re.sub(r"\{(\w+)\}", lambda match: values.get(match[1], match[0]), text)


def _quote_for_shell(folder: str, package: str) -> dict[str, str]:
    return {"package": shlex.quote(package), "vault": folder and f" --vault {shlex.quote(folder)}"}


def _quote_for_yaml(folder: str, package: str) -> dict[str, str]:
    """Quote values for pre-commit, which runs the program without a shell."""
    args = json.dumps(["--vault", folder], ensure_ascii=False)
    return {
        "package": json.dumps(package, ensure_ascii=False),
        "args": folder and f"\n        args: {args}",
    }


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
    usual_refs = [
        f"{namespace}/{name}"
        for namespace in ("refs/heads", "refs/remotes/origin")
        for name in _USUAL_BRANCHES
    ]
    current_branch = (
        "" if run_git(root, "for-each-ref", *usual_refs) else _read_branch_name(root, "HEAD")
    )
    return [current_branch] if current_branch else [*_USUAL_BRANCHES]


def _read_branch_name(root: Path, reference: str) -> str:
    """Return a reference's branch; "" if there is none, or if it is unsafe in YAML."""
    output = run_git(root, "symbolic-ref", "--quiet", "--short", reference) or b""
    name = output.decode("utf-8", "replace").strip()
    return name if _YAML_SAFE_LINE.fullmatch(name) else ""
