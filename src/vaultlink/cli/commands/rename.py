"""`rename`, `move`, `extract` and `merge`: change names and notes; links follow."""

import shlex
from collections.abc import Callable, Mapping
from functools import cache
from itertools import chain, takewhile
from pathlib import Path
from typing import Annotated, NamedTuple

from msgspec.structs import replace

from vaultlink.api import Vault, replace_state
from vaultlink.cli.check_input import load_plan_text
from vaultlink.cli.exit_codes import EXIT_CLEAN, EXIT_ERROR, EXIT_FINDINGS
from vaultlink.cli.listings import Listing, choose_listing_format, print_document, print_listing
from vaultlink.cli.opening import (
    StartPaths,
    find_note_start,
    find_vault_root,
    make_path_finder,
    make_path_formatter,
    open_scanned_vault,
    to_source_word,
    to_target_word,
)
from vaultlink.cli.options import DiffOption, OpenOptions, argument, list_option_fields, option
from vaultlink.cli.terminal import Terminal, can_ask, print_stderr, require_terminal
from vaultlink.cli.write_run import (
    WritingCommand,
    format_command_line,
    print_skipped_notes,
    print_unread_folders,
    run_plan,
)
from vaultlink.disk.read import UnreadableFile, decode_note
from vaultlink.disk.scan import VaultScan
from vaultlink.errors import UnknownNameError, UsageError
from vaultlink.fix.plan import Plan, Rename
from vaultlink.fix.requests import ExtractRequest, MergeRequest, RenameRequest
from vaultlink.fix.sources import FixInputs
from vaultlink.git.location import find_work_tree
from vaultlink.refactor.arguments import (
    FILE_KINDS,
    find_source,
    read_move,
    read_plan_file,
    read_rename,
    read_renames,
)
from vaultlink.refactor.relocation import RefusedError, reduce_plan, step_after
from vaultlink.report.fix_question import QuestionKey
from vaultlink.report.layout import escape_controls
from vaultlink.report.plan_result import (
    ChangedFile,
    describe_new_names,
    describe_refactor,
    list_captured,
    list_changed_files,
    list_left_out,
    list_unchanged,
    render_plan,
)
from vaultlink.text import quote_name
from vaultlink.write.git_moves import stage_moves
from vaultlink.write.journal_files import RecordedRun, list_runs
from vaultlink.write.moves import map_path
from vaultlink.write.recovery import plan_restored_notes
from vaultlink.write.refactors import (
    UnnamedNoteError,
    complete_refactoring,
    find_other_folder,
    follow_renames,
    plan_name_changes,
    refuse_folder,
)
from vaultlink.write.requests import plan_requests
from vaultlink.write.write_notes import WriteResult

# -- plan a refactoring, and write it or print what it would change --------------------------------

_TABLE = {"file": "path", "becomes": "new_path", "edits": "edits"}

_SKIPPING = "--skip-unwritable leaves out what can't be changed."
"""Advice about notes that can't be changed."""


class RefactorOptions(OpenOptions, frozen=True, kw_only=True):
    """Options of commands that rename."""

    diff: DiffOption = False
    git: Annotated[bool, option("Stage the new paths of files that git tracks.")] = False
    skip_unwritable: Annotated[
        bool, option("Leave out notes that can't be changed, instead of writing nothing.")
    ] = False


MakePlan = Callable[[Vault, FixInputs], Plan]
"""Plans a refactoring. Raises UsageError if it can't be made."""


def run_refactor(
    name: str,
    options: RefactorOptions,
    make_plan: MakePlan,
    hint: str = "",
    *,
    is_interactive: bool = False,
) -> int:
    """Run a command that renames; return the exit code.

    Nothing is written if `make_plan` raises an error. `hint` is a sentence to print below places
    that keep the old name. With `is_interactive`, `make_plan` may ask the user.
    """
    check_git_option(options)
    command = RefactorCommand(name, options, make_plan, hint)
    command.is_interactive = is_interactive
    return run_plan(command)


def check_git_option(options: RefactorOptions) -> None:
    """Raise UsageError for --git without a git work tree."""
    if (
        options.git
        and not options.diff
        and find_work_tree(root := find_vault_root(options, find_refactor_start(options))) is None
    ):
        raise UsageError(f"--git: {root} is not in a git work tree. Nothing was written.")


def find_refactor_start(options: RefactorOptions) -> StartPaths:
    """Return where the search for the vault starts: see `find_note_start`."""
    values = [
        getattr(options, field.name)
        for field in list_option_fields(type(options))
        if not field.spec.names and field.spec.metavar != "NEW"
    ]
    words = [word for value in values for word in (value if isinstance(value, tuple) else (value,))]
    return find_note_start(options, words)


class RefactorCommand(WritingCommand):
    """A command that renames, moves, splits, joins or deletes notes."""

    unfinished_hint = (
        "When the skipped notes can be written, run the same command again to complete it."
    )
    """Advice about notes that were skipped, as a sentence."""

    staged_words = "moved"
    """The result of staging files with --git."""

    def __init__(self, name: str, options: RefactorOptions, make_plan: MakePlan, hint: str = ""):
        terminal = Terminal(options)
        choose_listing_format(terminal, piped="table")
        super().__init__(name, options, terminal)
        self.start = find_refactor_start(options)
        self._make_plan, self._choices, self.is_dry = make_plan, options, options.diff
        self._unstaged: str | None = None
        self._new_names = ""
        self._hint = hint

    def make_plan(self, scan: VaultScan) -> Plan:
        """Plan the refactoring. Raises RefusedError if a note must not be left out."""
        vault = open_scanned_vault(scan, self.terminal)
        skips = self._choices.skip_unwritable

        def make_plan() -> Plan:
            with self.terminal.progress_line("Planning changes"):  # a question pauses it
                return self._make_plan(vault, vault.fixer.sources())

        plan = complete_refactoring(vault.fixer, make_plan, _SKIPPING, skips=skips)
        print_unread_folders(scan, self.terminal)
        self._root, self._show_path = vault.root, make_path_formatter(vault.root)
        self._new_names = describe_new_names(plan, scan.listing.folders)
        if text := list_captured(plan.captured, self._show_path, all_of_them=self.terminal.verbose):
            self.terminal.print_message(text)
        return replace(plan, is_whole=not skips)

    def describe(self, plan: Plan, *, would: bool = False) -> str:
        sentence = describe_refactor(plan, would=would)
        return f"{sentence} {self._new_names}".rstrip() if would else sentence

    def preview(self, plan: Plan) -> int:
        code = super().preview(plan)
        self._print_unchanged(plan)
        return code

    def complete(self, plan: Plan, result: WriteResult) -> None:
        if self._choices.git and (result.moved or plan.trash):
            self._unstaged = stage_moves(self._root, self.list_staged(plan))

    def list_staged(self, plan: Plan) -> Mapping[str, str | None]:
        """Return the new path of each file that git may track; None if it is removed."""
        return plan.files

    def report(self, plan: Plan, result: WriteResult) -> int:
        terminal, skipped = self.terminal, plan.skipped
        if not print_document(
            terminal,
            lambda: render_plan(self.name, plan, skipped, result.run_id, self.list_more_keys(plan)),
        ):
            listing = Listing(
                "edits",
                (),
                ChangedFile._fields,
                _TABLE if terminal.verbose else (),
                lines=list_changed_files(plan),
            )
            print_listing(terminal, listing)
        print_skipped_notes(skipped)
        is_written = bool(result.written or result.moved)
        if is_written:
            sentences = (self.describe(plan), self._new_names, self.describe_undo())
            terminal.print_message(" ".join(filter(None, sentences)))
        elif result.run_id is not None:
            terminal.print_message(
                "The run was given up, and not all of it could be reverted. "
                "The next command that writes reverts the rest."
            )
        else:
            terminal.print_message("Nothing was written." if skipped else "Nothing changed.")
        self._print_unchanged(plan)
        if skipped and is_written:
            terminal.print_message(self.unfinished_hint)
        if self._unstaged is not None:
            print_stderr(f"The {self.staged_words} files are not staged: {self._unstaged}")
        if skipped and not is_written:
            return EXIT_ERROR
        return EXIT_FINDINGS if skipped or self._unstaged is not None else EXIT_CLEAN

    def _print_unchanged(self, plan: Plan) -> None:
        if text := list_left_out(plan.left_out):
            self.terminal.print_message(text)
        text = list_unchanged(plan.unchanged, self._show_path, all_of_them=self.terminal.verbose)
        if text:
            self.terminal.print_message(f"{text}\n{self._hint}" if self._hint else text)


# -- read the arguments of `rename` and `move` for a vault on disk ---------------------------------

_QUOTES = "Put names with # or spaces in quotes, as in"


def read_rename_words(vault: "Vault", old: str | None, new: str | None) -> tuple[Rename, ...]:
    """Return the rename of a command line. Raises UsageError."""
    if not old or not new:
        missing = "an old and a new name" if not old else f"a new name for {quote_name(old)}"
        raise UsageError(
            f"rename requires {missing}, or --from-file FILE. "
            f"{_QUOTES} `vaultlink rename '#old' '#new'`."
        )
    typed, find = old, make_path_finder(vault)
    try:
        old = to_source_word(vault, old)
    except UnknownNameError as error:
        raise _explain_order(vault, error, new) from None
    if "#" not in old or find_source(vault.index, old, find).kind in FILE_KINDS:
        new = to_target_word(vault, new, [typed])
    return (read_rename(vault.index, old, new, find),)


def _explain_order(vault: "Vault", error: UnknownNameError, new: str) -> UsageError:
    """Return the error for an old name that names nothing, and a new one that does."""
    path = vault.find(new)
    if path is None:
        return error
    return UsageError(
        f"{str(error).partition('. ')[0]}. The second word names {path}: the old name comes "
        "first, then the new one."
    )


def read_rename_file(vault: "Vault", file: Path, content: str) -> tuple[Rename, ...]:
    """Return the renames of a plan file. Raises UsageError."""
    try:
        return read_renames(vault.index, read_plan_file(content), make_path_finder(vault))
    except UsageError as error:
        raise UsageError(f"--from-file: {file}: {error}") from None


def read_move_words(
    vault: "Vault", words: tuple[str, ...], choose: Callable[[str, str], str]
) -> tuple[Rename, ...]:
    """Return the renames of a command line of `move`: sources, then a folder.

    If the folder is missing and has no slash at its end, and one of almost the same name is beside
    it, `choose` returns which of the two is meant.
    """
    if len(words) < 2:
        raise UsageError(
            "move requires notes, attachments or folders, and then the folder to move them into. "
            f"{_QUOTES} `vaultlink move 'My note' Folder`."
        )
    sources = [to_source_word(vault, word) for word in words[:-1]]
    folder = to_target_word(vault, words[-1], words[:-1], is_folder=True)
    find = make_path_finder(vault)
    near = find_other_folder(vault.index, folder, find)
    folder = folder if near is None else choose(folder, near)
    return read_move(vault.index, sources, folder, find)


def read_extract_words(vault: "Vault", options: "ExtractOptions") -> ExtractRequest:
    """Return the request of a command line of `extract`. Raises UsageError."""
    if not options.section:
        raise UsageError(
            f"extract requires a heading. {_QUOTES} `vaultlink extract 'Note#Heading'`."
        )
    new = options.new
    if new is not None:
        new = to_target_word(vault, new, [options.section])
    section = to_source_word(vault, options.section)
    return ExtractRequest(section, new, options.embed, options.tags)


def read_merge_words(vault: "Vault", note: str | None, into: str | None) -> MergeRequest:
    if not note or not into:
        raise UsageError(
            "merge requires two notes: the one to append, and the one to append it to. "
            f"{_QUOTES} `vaultlink merge 'My note' Other`."
        )
    return MergeRequest(to_source_word(vault, note), to_source_word(vault, into))


# -- `vaultlink extract` and `vaultlink merge`: split and join notes; links follow -----------------


class ExtractOptions(RefactorOptions, frozen=True, kw_only=True):
    """Options of `extract`."""

    section: Annotated[
        str | None,
        argument(
            "NOTE#HEADING",
            "The heading of the section, as in “Note#Heading” or “Note#A#B”.",
            is_required=True,
        ),
    ] = None
    new: Annotated[
        str | None,
        argument(
            "NEW",
            "The new note: a name in the same folder, or a path in the vault (with a slash). "
            "Default: the text of the heading.",
        ),
    ] = None
    embed: Annotated[bool, option("Put an embed below the heading instead of a link.")] = False
    tags: Annotated[
        bool, option("Give the new note the tags in the properties of the old one.")
    ] = False


class MergeOptions(RefactorOptions, frozen=True, kw_only=True):
    """Options of `merge`."""

    interactive: Annotated[
        bool, option("Ask which value counts where properties of the two notes differ.", "-i")
    ] = False

    note: Annotated[
        str | None, argument("NOTE", "The note to append. It is removed.", is_required=True)
    ] = None
    into: Annotated[str | None, argument("INTO", "The note to append it to.", is_required=True)] = (
        None
    )


def extract(options: ExtractOptions) -> int:
    """Move a section into a new note; links follow.

    The heading stays, with a link to the new note below it. Links to the heading, and to the
    headings and blocks below it, follow. `vaultlink undo` reverts a run. With --diff, the exit code
    is 1 if anything would change. It is 2 if nothing was written because that is not possible, or a
    note can't be changed.

    Output formats: table, tsv, json. Columns of tsv: path, new path, number of edits.
    """

    def make_plan(vault: Vault, _sources: FixInputs) -> Plan:
        request = read_extract_words(vault, options)
        try:
            return plan_requests(vault.fixer, [request], make_path_finder(vault), skips=True)
        except UnnamedNoteError as error:
            command = shlex.join(["vaultlink", "extract", options.section or ""])
            raise RefusedError(f"{error} Give the new note a name: `{command} NAME`.") from None

    return run_refactor("extract", options, make_plan)


def merge(options: MergeOptions) -> int:
    """Append a note to another one and remove it; links follow.

    Its text begins with its title as a heading. Links to the note, and to its headings and blocks,
    lead to the other one and show the same words; links between the two become words. Lists in the
    properties are united; of other values that differ, the other note keeps its own, and those left
    out are printed. The name becomes an alias. `vaultlink undo` reverts a run. With --diff, the
    exit code is 1 if anything would change. It is 2 if nothing was written because that is not
    possible, or a note can't be changed.

    Output formats: table, tsv, json. Columns of tsv: path, new path, number of edits.
    """

    def make_plan(vault: Vault, _sources: FixInputs) -> Plan:
        request, find = read_merge_words(vault, options.note, options.into), make_path_finder(vault)
        plan = plan_requests(vault.fixer, [request], find, skips=True)
        if options.interactive and any(item.kept for item in plan.left_out):
            from vaultlink.cli.interactive import choose_values  # noqa: PLC0415 - rarely needed

            taken = tuple(choose_values(plan.left_out))
            return plan_requests(vault.fixer, [replace(request, taken=taken)], find, skips=True)
        return plan

    if options.interactive:
        require_terminal()
    return run_refactor("merge", options, make_plan, is_interactive=options.interactive)


# -- complete the last run of the same command if it skipped notes ---------------------------------


class UnfinishedRun(NamedTuple):
    """The last runs of a command that skipped notes, and the vault before them.

    `vault` is in memory only; in it, the notes that the runs skipped are as they are now. `files`
    maps old to present path of every file that they moved. `former` are the texts before the runs
    of the notes that they wrote, by old path.
    """

    vault: Vault
    sources: FixInputs
    files: dict[str, str]
    former: dict[str, str]


def find_unfinished_run(vault: Vault, sources: FixInputs) -> UnfinishedRun | None:
    """Return the last run if it had this command line and skipped notes."""
    done = [run for run in list_runs(vault.root) if not run.undone and run.undoes is None]
    command = format_command_line()
    runs = list(takewhile(lambda run: run.command == command and bool(run.skipped), done))
    if not runs:
        return None
    moved = dict(chain.from_iterable(run.made_moves.items() for run in runs))
    back = {new: old for old, new in moved.items()}
    files = {old: path for path in vault.index.files if (old := map_path(path, back)) != path}
    former: dict[str, str] = {}
    for run in runs:
        former.update(_load_former_texts(vault, run, moved))

    def old_text(path: str) -> str | None:
        return former[path] if path in former else sources.text(files.get(path, path))

    state, *_ = step_after(vault.state, {new: old for old, new in files.items()}, former)
    before = replace_state(vault, state)
    return UnfinishedRun(before, replace(sources, text=old_text), files, former)


def _load_former_texts(vault: Vault, run: RecordedRun, moved: dict[str, str]) -> dict[str, str]:
    """Return the former texts of the notes that are as a run wrote them."""
    back = {new: old for old, new in moved.items()}
    writes, _ = plan_restored_notes(vault.root, run, moved)
    texts = {map_path(item.path, back): decode_note(item.new or b"") for item in writes}
    return {path: text for path, text in texts.items() if not isinstance(text, UnreadableFile)}


# -- `vaultlink rename` and `vaultlink move`: change names, and every link with them ---------------


class _PathOptions(RefactorOptions, frozen=True, kw_only=True):
    """Options of `rename` and `move`."""

    unsafe_fixes: Annotated[
        bool, option("Change the old name in queries of bases and Dataview, too.")
    ] = False
    no_display: Annotated[
        bool, option("Add no display text to links that get a path, as in [[Folder/Note|Note]].")
    ] = False


class RenameOptions(_PathOptions, frozen=True, kw_only=True):
    """Options of `rename`."""

    old: Annotated[
        str | None,
        argument(
            "OLD",
            "A note (path, or name as in a link), a folder (Projects/), an attachment, "
            "a heading (Note#Heading), a block (Note#^id) or a tag (#tag).",
        ),
    ] = None
    new: Annotated[
        str | None,
        argument(
            "NEW",
            "The new name in the same folder, or a path in the vault (with a slash); "
            "a heading's text, a block id, a tag.",
        ),
    ] = None
    from_file: Annotated[
        Path | None,
        option(
            "Make all renames of a file in one run: OLD, a tab and NEW on each line.",
            metavar="FILE",
        ),
    ] = None
    merge: Annotated[bool, option("Merge a tag into one that exists already.")] = False


class MoveOptions(_PathOptions, frozen=True, kw_only=True):
    """Options of `move`."""

    words: Annotated[
        tuple[str, ...],
        argument(
            "SRC... FOLDER",
            "Notes, attachments and folders, and then the folder to move them into (/ for the "
            "vault itself). A folder that does not exist is created.",
            is_required=True,
        ),
    ] = ()


def rename(options: RenameOptions) -> int:
    """Rename a note, file, folder, heading or tag; links follow.

    Links keep their meaning and their style: in notes, properties, canvases, embeds and backlinks
    sections. Nothing else changes, not even the text that links display: if a name is taken, and a
    link to it needs a path, the link gets the name as its display text. A note keeps .md and an
    attachment its extension. Queries of bases and Dataview that have the old name are listed, and
    changed with --unsafe-fixes. `vaultlink undo` reverts a run, paths included. In a shell, put
    names with # or spaces in quotes.

    With --from-file, all renames happen at once, so names can be swapped. The exit code is 0 if
    everything was renamed, 1 if --skip-unwritable left out a note (run the command again to
    complete it; with --diff: if anything would change), 2 if nothing was written because the rename
    is not possible: the name is taken, hidden or not portable, or a note can't be changed.

    Output formats: table, tsv, json. Columns of tsv: path, new path, number of edits.
    """
    file = options.from_file
    if file is not None and options.old is not None:
        raise UsageError("--from-file and OLD NEW can't be used together.")
    content = load_plan_text(file) if file is not None else ""

    def read(vault: Vault) -> tuple[Rename, ...]:
        if file is not None:
            return read_rename_file(vault, file, content)
        return read_rename_words(vault, options.old, options.new)

    return _run_renames("rename", options, read, merge=options.merge)


def move(options: MoveOptions) -> int:
    """Move notes, attachments and folders; links follow.

    Links to and in them keep their meaning. Names stay the same, so only links with paths change,
    and links that would become ambiguous. Queries of bases and Dataview that have an old path are
    listed, and changed with --unsafe-fixes. `vaultlink undo` reverts a run. The exit code is 0 if
    everything was moved, 1 if --skip-unwritable left out a note (run the command again to complete
    it; with --diff: if anything would change), 2 if nothing was written because the move is not
    possible, or a note can't be changed.

    Output formats: table, tsv, json. Columns of tsv: path, new path, number of edits.
    """
    choose = _ask_for_folder if can_ask() else refuse_folder
    answers = cache(choose)  # the arguments may be read twice
    return _run_renames(
        "move",
        options,
        lambda vault: read_move_words(vault, options.words, answers),
        is_interactive=can_ask() and not "".join(options.words[-1:]).endswith("/"),
    )


def _ask_for_folder(folder: str, near: str) -> str:
    """Return the folder that the user chooses. Raises KeyboardInterrupt to stop."""
    from vaultlink.cli.interactive import KeyReader, ask_for_key  # noqa: PLC0415 - rarely needed

    new, other = f"{escape_controls(folder)}/", f"{escape_controls(near)}/"
    keys = (
        QuestionKey("y", f"move into {other}"),
        QuestionKey("n", f"make the new folder {new}"),
        QuestionKey("q", "stop: nothing is written"),
        QuestionKey("?", "print this help"),
    )
    key = ask_for_key(KeyReader(), f"{new} is a new folder. Move into {other} instead?", keys)
    if key == "q":
        raise KeyboardInterrupt
    return f"{near if key == 'y' else folder}/"


def _run_renames(
    name: str,
    options: _PathOptions,
    read: Callable[[Vault], tuple[Rename, ...]],
    *,
    merge: bool = False,
    is_interactive: bool = False,
) -> int:
    request = RenameRequest("", "", merge, options.unsafe_fixes, not options.no_display)

    def make_plan(vault: Vault, sources: FixInputs) -> Plan:
        unfinished = find_unfinished_run(vault, sources)
        if unfinished:
            before = unfinished.vault
            plan = follow_renames(before.state, unfinished.sources, read(before), request)
            missing = reduce_plan(plan, unfinished.files, unfinished.former)
            if missing.texts or missing.skipped:
                return missing
        return plan_name_changes(vault.fixer, read(vault), request)

    hint = "" if options.unsafe_fixes else "--unsafe-fixes changes the names in queries, too."
    return run_refactor(name, options, make_plan, hint, is_interactive=is_interactive)
