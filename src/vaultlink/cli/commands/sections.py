"""`vaultlink extract` and `vaultlink merge`: split and join notes; links follow."""

from typing import Annotated

from vaultlink.api import Vault
from vaultlink.cli.options import argument
from vaultlink.cli.refactor_run import RefactorOptions, run_refactor
from vaultlink.cli.rename_arguments import read_extract_words, read_merge_words
from vaultlink.disk.remembered import ask_disk
from vaultlink.fix.plan import Plan
from vaultlink.fix.sources import FixSources
from vaultlink.refactor.extract import plan_extract
from vaultlink.refactor.merge import plan_merge
from vaultlink.refactor.refusals import refuse_new_note
from vaultlink.rules.portable_names import read_name_limits


class ExtractOptions(RefactorOptions, frozen=True, kw_only=True):
    section: Annotated[
        str | None,
        argument("OLD", "The heading of the section, as in 'Note#Heading' or 'Note#A#B'."),
    ] = None
    new: Annotated[
        str | None,
        argument(
            "NEW",
            "The new note: a name in the same folder, or a path in the vault (with a slash). "
            "Default: the text of the heading.",
        ),
    ] = None


class MergeOptions(RefactorOptions, frozen=True, kw_only=True):
    note: Annotated[str | None, argument("NOTE", "The note to append. It is removed.")] = None
    into: Annotated[str | None, argument("INTO", "The note to append it to.")] = None


def extract(options: ExtractOptions) -> int:
    """Move a section into a new note; links follow.

    A link to the new note takes the place of the section. Links to the headings and blocks in it
    follow. `vaultlink undo` reverts a run. With --diff, the exit code is 1 if
    anything would change. It is 2 if nothing was written because that is not possible, or a note
    can't be changed.

    Output formats: table, tsv, json. Columns of tsv: path, new path, number of edits.
    """

    def make_plan(vault: Vault, sources: FixSources) -> Plan:
        path, subpath, new = read_extract_words(vault, options.section, options.new)
        limits = read_name_limits(vault.config.options)
        refuse_new_note(new, vault.index, ask_disk(vault.root), limits)
        return plan_extract(vault.state, sources, path, subpath, new)

    return run_refactor("extract", options, make_plan)


def merge(options: MergeOptions) -> int:
    """Append a note to another one and remove it; links follow.

    Links to the note, and to its headings and blocks, lead to the other one. `vaultlink undo`
    reverts a run. With --diff, the exit code is 1 if anything would change. It is 2 if nothing was
    written because that is not possible, or a note can't be changed.

    Output formats: table, tsv, json. Columns of tsv: path, new path, number of edits.
    """

    def make_plan(vault: Vault, sources: FixSources) -> Plan:
        paths = read_merge_words(vault, options.note, options.into)
        return plan_merge(vault.state, sources, *paths)

    return run_refactor("merge", options, make_plan)
