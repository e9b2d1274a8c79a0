"""`vaultlink init`: create a settings file, or CI files that check changes."""

import json
import os
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, NamedTuple

from vaultlink.cli.exit_codes import EXIT_CLEAN, EXIT_FINDINGS
from vaultlink.cli.installation import (
    find_package_source,
    find_schema_address,
    is_local,
    read_starter,
)
from vaultlink.cli.listings import choose_document_format, print_plan
from vaultlink.cli.opening import choose_named_vault, find_root, name_vault, protect_vault
from vaultlink.cli.options import DiffOption, VaultArgument, VaultOptions, option
from vaultlink.cli.terminal import Terminal
from vaultlink.config.layers import CONFIG_NAMES
from vaultlink.disk.read import load_config
from vaultlink.disk.scan import BASELINE_FILE, list_files
from vaultlink.disk.vault_search import find_marked_folder
from vaultlink.errors import JournalError, UsageError
from vaultlink.git.location import find_work_tree
from vaultlink.git.program import run_git
from vaultlink.report.layout import escape_controls
from vaultlink.text import lazy_pattern, quote_name
from vaultlink.write.journal_files import lock_vault
from vaultlink.write.own_files import create_files, remove_created_files, remove_hidden_leftovers
from vaultlink.write.undo import remove_leftovers

# -- CI files of `vaultlink init --ci`, for GitHub, GitLab and pre-commit --------------------------
# Either all files are created or none, and none is overwritten. Templates are in `starters/`.


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


def _render_template(kind: str, root: Path, vault: Path, package: str) -> str:
    folder = _find_vault_folder(root, vault)
    _require_safe_line(package, "--package")
    values = {
        "branches": _format_json(_find_main_branches(root)),
        "package": shlex.quote(package),
        "vault": folder and f" --vault {shlex.quote(folder)}",
        # For an address, pip would take a folder of this name in the checkout instead.
        "elsewhere": "cd / && " if "://" in package else "",
        # pre-commit runs the program without a shell
        "requirement": _format_json(package),
        "args": folder and f"\n        args: {_format_json(['--vault', folder])}",
    }
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
        raise UsageError(
            f"{name}: {quote_name(text)} can't be written into a CI file. Nothing was written."
        )
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


# -- `vaultlink init`: create a settings file, or CI files that check changes ----------------------
# Existing files are never overwritten.

_SCHEMA_COMMENT = """\
#:schema {}
# Editors of TOML complete and check the settings with this schema.

"""
"""The directive of Taplo and Tombi, which is the first line, and is followed by an empty one."""

_WROTE_SETTINGS = (
    "Wrote the settings file above; all settings in it are commented out. "
    "Next: `vaultlink check{}`."
)
_BASELINE_HINT = (
    "`vaultlink baseline{}` records current findings; commit the file too, "
    "and only new findings fail the check."
)

_LOCAL_PACKAGE = (
    "warning: the CI files install {}, which other computers can't reach; vaultlink is not on PyPI "
    "yet. Delete them, and name another source: "
    "`--package 'vaultlink @ git+https://HOST/OWNER/vaultlink@COMMIT'`."
)


class InitOptions(VaultOptions, frozen=True, kw_only=True):
    """Options of `init`."""

    folder: VaultArgument = None
    ci: Annotated[
        tuple[str, ...],
        option("Create the CI file that checks every change of the repository.", choices=CI_KINDS),
    ] = ()
    package: Annotated[
        str,
        option(
            "What files of --ci install. Default: the source of this vaultlink. "
            "(VAULTLINK_PACKAGE)",
            metavar="REQUIREMENT",
        ),
    ] = ""
    merge_driver: Annotated[
        bool, option("Set up git to merge backlinks sections with vaultlink.")
    ] = False
    agents: Annotated[
        bool, option("Write instructions, a skill, hooks and rules for programs that write notes.")
    ] = False
    yes: Annotated[
        bool, option("Write all of them without a question.", requires=("--agents",))
    ] = False
    diff: DiffOption = False


def init(options: InitOptions) -> int:
    """Create a settings file, or CI files that check changes.

    Without options, creates a commented vaultlink.toml in the vault's folder. If the vault has a
    settings file already, nothing is written.

    With --ci, creates files at the root of the vault's git repository instead:
    .github/workflows/vaultlink.yml, .gitlab-ci.yml, .pre-commit-config.yaml. If one of them exists,
    nothing is written, and the lines to add to it are printed.

    With --agents, writes files for programs that write notes into the vault, each after a question:
    a paragraph at the end of AGENTS.md, a skill, hooks of the programs whose folder exists
    (.claude, .codex, .cursor, .gemini, .github/hooks), and rules in the settings file. What exists
    is not written again; every other byte of a file stays. `vaultlink undo` reverts it.

    Output formats: text, json (with --diff). Prints the paths of the files, or their texts.
    """
    terminal = Terminal(options)
    if not options.diff:
        choose_document_format(terminal)
        terminal.refuse_format("only init --diff prints it", ("text",))
    vault = _find_vault(options, terminal)
    protect_vault(vault, terminal)
    if not options.diff:
        terminal.check_output_file()
        _remove_vault_leftovers(vault)
    kinds = tuple(dict.fromkeys(options.ci))
    _check_options(options, kinds)
    if options.agents:
        return _init_agents(options, terminal, vault)
    sets_up_git = bool(kinds) or options.merge_driver
    package = options.package or (find_package_source() if kinds else "")
    try:
        texts = plan_ci_files(vault, kinds, package) if sets_up_git else _plan_settings_file(vault)
    except ExistingFileError as error:
        terminal.print_results(error.missing_parts)
        raise
    if options.diff:
        return _preview(terminal, find_work_tree(vault) if sets_up_git else vault, texts)
    create_files(texts)
    sentences = _set_up_merge_driver(vault, texts) if options.merge_driver else []
    sentences += [CI_TEMPLATES[kind].next_step for kind in kinds]
    if kinds and find_work_tree(vault) is None:
        sentences.insert(
            0,
            f"warning: {escape_controls(str(vault))} is not in a git repository, where alone these "
            "files have an effect. `git init` creates one.",
        )
    sentences += [_LOCAL_PACKAGE.format(package)] if is_local(package) else []
    option = name_vault(options.vault, vault)
    if kinds and not (vault / BASELINE_FILE).exists():
        sentences.append(_BASELINE_HINT.format(option))
    terminal.print_results("".join(f"{path}\n" for path in texts))
    terminal.print_message("\n".join(sentences) if sets_up_git else _WROTE_SETTINGS.format(option))
    return EXIT_CLEAN


def _set_up_merge_driver(vault: Path, texts: Mapping[Path, str]) -> list[str]:
    from vaultlink.cli.commands.merge_driver import set_up_merge_driver  # noqa: PLC0415 - rarely

    try:
        return set_up_merge_driver(vault)
    except BaseException:
        remove_created_files(texts)
        raise


def _init_agents(options: InitOptions, terminal: Terminal, vault: Path) -> int:
    from vaultlink.cli.agent_files import init_agents  # noqa: PLC0415 - imports the linter

    return init_agents(
        terminal, vault, _render_settings(), is_dry=options.diff, is_confirmed=options.yes
    )


def _preview(terminal: Terminal, root: Path | None, texts: Mapping[Path, str]) -> int:
    from vaultlink.fix.plan import VaultChanges  # noqa: PLC0415 - imports the linter

    names = {path.relative_to(root or path.anchor).as_posix(): path for path in texts}
    changes = VaultChanges(texts={name: (None, texts[path]) for name, path in names.items()})
    choose_document_format(terminal)
    print_plan(terminal, "init", changes)
    return EXIT_FINDINGS


def _find_vault(options: InitOptions, terminal: Terminal) -> Path:
    """Return the vault. Any folder becomes one by its settings file."""
    named = choose_named_vault(options.vault, options.folder)
    if named is None or options.vault:
        return find_root(options, terminal)
    outer = find_marked_folder(named.parent)
    if outer and find_marked_folder(named) == outer:
        terminal.print_message(
            f"{escape_controls(str(named))} is in the vault {escape_controls(str(outer))}. "
            "With settings of its own, it is a vault of its own."
        )
    return named


def _remove_vault_leftovers(vault: Path) -> None:
    """Remove the temporary files that interrupted runs left, if no run is writing."""
    remove_hidden_leftovers(vault)
    leftovers = list_files(vault).leftovers
    if leftovers:
        with suppress(JournalError), lock_vault(vault, timeout=0.0):
            remove_leftovers(vault, leftovers)


def _check_options(options: InitOptions, kinds: Sequence[str]) -> None:
    if options.package and not kinds:
        raise UsageError(f"--package requires --ci with one of {', '.join(CI_KINDS)}.")
    if options.agents and (kinds or options.merge_driver):
        raise UsageError("--agents can't be used together with --ci or --merge-driver.")
    if options.diff and options.merge_driver:
        raise UsageError("--merge-driver and --diff can't be used together.")


def _plan_settings_file(root: Path) -> dict[Path, str]:
    for name in CONFIG_NAMES:
        if (root / name).exists() and (name != "pyproject.toml" or load_config(root, root / name)):
            raise UsageError(f"{root / name} already exists; nothing was written.")
    return {root / "vaultlink.toml": _render_settings()}


def _render_settings() -> str:
    """Return a settings file in which all settings are commented out."""
    address = find_schema_address("settings.json")
    comment = _SCHEMA_COMMENT.format(address) if address else ""
    return comment + read_starter("vaultlink.toml")
