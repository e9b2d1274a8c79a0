"""`vaultlink init`: create a settings file, or CI files that check changes.

Existing files are never overwritten.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated

from vaultlink.cli.ci_files import (
    CI_KINDS,
    CI_TEMPLATES,
    ExistingFileError,
    plan_ci_files,
    read_starter,
)
from vaultlink.cli.exit_codes import EXIT_CLEAN, EXIT_FINDINGS
from vaultlink.cli.listing import choose_document_format, print_plan
from vaultlink.cli.options import DiffOption, FolderArgument, VaultOptions, option
from vaultlink.cli.package_source import find_package_source, is_local
from vaultlink.cli.terminal import Terminal
from vaultlink.cli.vault import find_root, resolve_folder
from vaultlink.disk.read import CONFIG_NAMES, load_config
from vaultlink.disk.scan import BASELINE_FILE, list_files
from vaultlink.disk.vault_search import find_marked_folder
from vaultlink.errors import JournalError, UsageError
from vaultlink.files import STRAY_PREFIX
from vaultlink.git.location import find_work_tree
from vaultlink.write.files import create_files, remove_created_files
from vaultlink.write.journal_files import lock_vault
from vaultlink.write.undo import sweep_strays

_WROTE_SETTINGS = (
    "Wrote the settings file above; all settings in it are commented out. Next: `vaultlink check`."
)
_BASELINE_HINT = (
    "`vaultlink baseline` records current findings; commit the file too, "
    "and only new findings fail the check."
)

_LOCAL_PACKAGE = (
    "warning: the CI files install {}, which other computers can't reach; vaultlink is not on PyPI "
    "yet. Delete them, and name another source: "
    "`--package 'vaultlink @ git+https://HOST/OWNER/vaultlink@COMMIT'`."
)


class InitOptions(VaultOptions, frozen=True, kw_only=True):
    folder: FolderArgument = None
    ci: Annotated[
        tuple[str, ...],
        option(
            "--ci",
            choices=CI_KINDS,
            help="Create the CI file that checks every change of the repository.",
        ),
    ] = ()
    pre_commit: Annotated[bool, option("--pre-commit", help="The same as --ci pre-commit.")] = False
    package: Annotated[
        str,
        option(
            "--package",
            metavar="REQUIREMENT",
            help="What files of --ci install. Default: the source of this vaultlink. "
            "(VAULTLINK_PACKAGE)",
        ),
    ] = ""
    merge_driver: Annotated[
        bool,
        option("--merge-driver", help="Set up git to merge backlinks sections with vaultlink."),
    ] = False
    diff: DiffOption = False


def init(options: InitOptions) -> int:
    """Create a settings file, or CI files that check changes.

    Without options, creates a commented vaultlink.toml in the vault's folder. If the vault has a
    settings file already, nothing is written.

    With --ci, creates files at the root of the vault's git repository instead:
    .github/workflows/vaultlink.yml, .gitlab-ci.yml, .pre-commit-config.yaml. If one of them exists,
    nothing is written, and the lines to add to it are printed.

    Output formats: text, json (with --diff). Prints the paths of the files, or their texts.
    """
    terminal = Terminal(options)
    vault = _find_vault(options, terminal)
    if not options.diff:
        _remove_strays(vault)
    kinds = tuple(dict.fromkeys((*options.ci, *(("pre-commit",) if options.pre_commit else ()))))
    _check_options(options, kinds)
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
    sentences = []
    if options.merge_driver:
        from vaultlink.cli.merge_driver_setup import set_up_merge_driver  # noqa: PLC0415 - rarely

        try:
            sentences += set_up_merge_driver(vault)
        except BaseException:
            remove_created_files(texts)
            raise
    sentences += [CI_TEMPLATES[kind].next_step for kind in kinds]
    sentences += [_LOCAL_PACKAGE.format(package)] if is_local(package) else []
    terminal.print_results("".join(f"{path}\n" for path in texts))
    has_baseline = (vault / BASELINE_FILE).exists()
    terminal.print_message(
        "\n".join([*sentences, *([_BASELINE_HINT] if kinds and not has_baseline else [])])
        if sets_up_git
        else _WROTE_SETTINGS
    )
    return EXIT_CLEAN


def _preview(terminal: Terminal, root: Path | None, texts: Mapping[Path, str]) -> int:
    from vaultlink.fix.plan import VaultChanges  # noqa: PLC0415 - imports the linter

    names = {path.relative_to(root or path.anchor).as_posix(): path for path in texts}
    changes = VaultChanges(texts={name: (None, texts[path]) for name, path in names.items()})
    print_plan(terminal, choose_document_format(terminal), "init", changes)
    return EXIT_FINDINGS


def _find_vault(options: InitOptions, terminal: Terminal) -> Path:
    """Return the vault. A folder that is in none becomes one by its settings file."""
    if options.vault or not options.folder:
        return find_root(options, terminal)
    folder = resolve_folder(options.folder)
    return find_marked_folder(folder) or folder


def _remove_strays(vault: Path) -> None:
    """Remove the temporary files that interrupted runs left, if no run is writing."""
    hidden = vault.glob(f".github/workflows/{STRAY_PREFIX}*.tmp")
    strays = [*list_files(vault).strays, *(file.relative_to(vault).as_posix() for file in hidden)]
    if strays:
        with suppress(JournalError), lock_vault(vault, timeout=0.0):
            sweep_strays(vault, strays)


def _check_options(options: InitOptions, kinds: Sequence[str]) -> None:
    if options.package and not kinds:
        raise UsageError(f"--package requires --ci with one of {', '.join(CI_KINDS)}.")
    if options.diff and options.merge_driver:
        raise UsageError("--merge-driver and --diff can't be used together.")


def _plan_settings_file(root: Path) -> dict[Path, str]:
    for name in CONFIG_NAMES:
        if (root / name).exists() and (name != "pyproject.toml" or load_config(root, root / name)):
            raise UsageError(f"{root / name} already exists; nothing was written.")
    return {root / "vaultlink.toml": read_starter("vaultlink.toml")}
