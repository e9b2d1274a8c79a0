"""`vaultlink init --ci`: the files that have every change of a repository checked, on GitHub, on GitLab, by pre-commit.

A vault and words enter, files leave: all of them or none, and never in another's place. Their texts stand in `starters/`.
"""

import json
import os
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import NamedTuple

from vaultlink import __version__
from vaultlink.errors import UsageError
from vaultlink.git import find_work_tree, run_git


class CiTemplate(NamedTuple):
    """A file to start from: its place in a repository, the words with which the part begins that a file of that name would lack,
    how that part is added, and what is to be done with a new one."""

    path: str
    snippet_start: str
    merge_hint: str
    next_step: str


CI_TEMPLATES = {
    "github": CiTemplate(
        ".github/workflows/vaultlink.yml",
        "name:",
        "Printed is the workflow that would stand in it.",
        "Next: commit the workflow. It checks the pull request that brings it, and every one after that.",
    ),
    "gitlab": CiTemplate(
        ".gitlab-ci.yml",
        "vaultlink:",
        "Add the job that is printed.",
        "Next: commit the pipeline. It checks the merge request that brings it, and every one after that.",
    ),
    "pre-commit": CiTemplate(
        ".pre-commit-config.yaml",
        "  - repo:",
        "Add what is printed below its `repos:`.",
        "Next: `pre-commit install` puts the hook to use; each clone needs that once.",
    ),
}
CI_KINDS = tuple(CI_TEMPLATES)

_USUAL_BRANCHES = ("main", "master")
"""What most repositories call the branch that others go into."""

_YAML_SAFE_LINE = re.compile(
    "[ -~\u00a0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]+"
)
"""What can stand in a line of YAML as it is."""


class ExistingFileError(UsageError):
    """Files that exist already. `missing_parts` has what they would have to hold, by their paths."""

    def __init__(self, lacking: Mapping[Path, str], adding: Iterable[str]):
        self.missing_parts = lacking
        sentences = [
            f"{path} exists already. {how}" for path, how in zip(lacking, adding, strict=True)
        ]
        super().__init__("\n".join([*sentences, "Nothing was written."]))


def plan_ci_files(vault: Path, kinds: Sequence[str], package: str) -> dict[Path, str]:
    """The files of these kinds, at the root of the repository that a vault lies in. Raises TakenError if one is there."""
    here = vault.resolve()
    root = find_work_tree(here) or here
    texts = {kind: _render_template(kind, root, here, package) for kind in kinds}
    taken = {
        kind: root / CI_TEMPLATES[kind].path
        for kind in kinds
        if os.path.lexists(root / CI_TEMPLATES[kind].path)
    }
    if taken:
        lacking = {
            path: _cut_snippet(texts[kind], CI_TEMPLATES[kind].snippet_start)
            for kind, path in taken.items()
        }
        raise ExistingFileError(lacking, (CI_TEMPLATES[kind].merge_hint for kind in taken))
    return {root / CI_TEMPLATES[kind].path: text for kind, text in texts.items()}


def _cut_snippet(text: str, begins: str) -> str:
    """A text from the line on that begins so."""
    return text[text.index(f"\n{begins}") + 1 :]


# -- filling in -----------------------------------------------------------------------------------------------------------


def _render_template(kind: str, root: Path, vault: Path, package: str) -> str:
    """A starter's text for a vault in a repository."""
    fill = _quote_for_yaml if kind == "pre-commit" else _quote_for_shell
    values = fill(
        _find_vault_folder(root, vault),
        _require_safe_line(package or f"vaultlink=={__version__}", "--package"),
    )
    values["branches"] = json.dumps(_find_main_branches(root), ensure_ascii=False)
    text = (
        resources.files("vaultlink.cli")
        .joinpath("starters", f"{kind}.yml")
        .read_text(encoding="utf-8")
    )
    return re.sub(r"\{(\w+)\}", lambda place: values.get(place[1], place[0]), text)


def _quote_for_shell(folder: str, package: str) -> dict[str, str]:
    return {"package": shlex.quote(package), "vault": folder and f" --vault {shlex.quote(folder)}"}


def _quote_for_yaml(folder: str, package: str) -> dict[str, str]:
    """pre-commit starts the program itself, so that words need no other quotes than YAML's."""
    given = json.dumps(["--vault", folder], ensure_ascii=False)
    return {
        "package": json.dumps(package, ensure_ascii=False),
        "args": folder and f"\n        args: {given}",
    }


def _find_vault_folder(root: Path, vault: Path) -> str:
    """Where in its repository a vault lies, as a word that is no option; "" for the root."""
    below = vault.relative_to(root).as_posix()
    if below == ".":
        return ""
    return _require_safe_line(
        f"./{below}" if below.startswith("-") else below, "the vault's folder"
    )


def _require_safe_line(text: str, what: str) -> str:
    """A text that can stand in a file for machines without meaning something else there."""
    if not _YAML_SAFE_LINE.fullmatch(text) or "${{" in text:
        raise UsageError(
            f"{what}: {text!r} can't be written into such a file. Nothing was written."
        )
    return text


def _find_main_branches(root: Path) -> list[str]:
    """The branch that the repository's origin is at. If that is not known the two names that are usual, or where there is neither
    the branch that is checked out."""
    told = _read_branch_name(root, "refs/remotes/origin/HEAD").removeprefix("origin/")
    if told:
        return [told]
    usual = [
        f"{place}/{name}"
        for place in ("refs/heads", "refs/remotes/origin")
        for name in _USUAL_BRANCHES
    ]
    here = "" if run_git(root, "for-each-ref", *usual) else _read_branch_name(root, "HEAD")
    return [here] if here else [*_USUAL_BRANCHES]


def _read_branch_name(root: Path, pointer: str) -> str:
    """The short name of the branch that a symbolic reference is at; "" if it leads to none, or to one that no file can hold."""
    told = run_git(root, "symbolic-ref", "--quiet", "--short", pointer) or b""
    name = told.decode("utf-8", "replace").strip()
    return name if _YAML_SAFE_LINE.fullmatch(name) else ""
