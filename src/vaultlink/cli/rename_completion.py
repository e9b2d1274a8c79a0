"""Complete the last run of the same command if it skipped notes."""

from itertools import takewhile
from typing import NamedTuple

from msgspec.structs import replace

from vaultlink.api import Vault, replace_state
from vaultlink.cli.write_run import format_command_line
from vaultlink.disk.read import UnreadableFile, decode_note
from vaultlink.fix.sources import FixSources
from vaultlink.refactor.relocation import restore_state
from vaultlink.write.journal_files import RecordedRun, list_runs
from vaultlink.write.moves import map_path
from vaultlink.write.recovery import plan_restored_notes


class UnfinishedRun(NamedTuple):
    """The last runs of a command that skipped notes, and the vault before them.

    `vault` is in memory only; in it, the notes that the runs skipped are as they are now. `files`
    maps old to present path of every file that they moved. `former` are the texts before the runs
    of the notes that they wrote, by old path.
    """

    vault: Vault
    sources: FixSources
    files: dict[str, str]
    former: dict[str, str]


def find_unfinished_run(vault: Vault, sources: FixSources) -> UnfinishedRun | None:
    """Return the last run if it had this command line and skipped notes."""
    done = [run for run in list_runs(vault.root) if not run.undone and run.undoes is None]
    command = format_command_line()
    runs = list(takewhile(lambda run: run.command == command and bool(run.skipped), done))
    if not runs:
        return None
    moved = {old: new for run in runs for old, new in run.moves if old not in run.unmoved}
    back = {new: old for old, new in moved.items()}
    files = {old: path for path in vault.index.files if (old := map_path(path, back)) != path}
    former: dict[str, str] = {}
    for run in runs:
        former.update(_load_former_texts(vault, run, moved))

    def old_text(path: str) -> str | None:
        return former[path] if path in former else sources.text(files.get(path, path))

    before = replace_state(vault, restore_state(vault.state, files, former))
    return UnfinishedRun(before, replace(sources, text=old_text), files, former)


def _load_former_texts(vault: Vault, run: RecordedRun, moved: dict[str, str]) -> dict[str, str]:
    """Return the former texts of the notes that are as a run wrote them."""
    back = {new: old for old, new in moved.items()}
    writes, _ = plan_restored_notes(vault.root, run, moved)
    texts = {map_path(item.path, back): decode_note(item.new or b"") for item in writes}
    return {path: text for path, text in texts.items() if not isinstance(text, UnreadableFile)}
