"""`delete`: say what links to a note, and delete it."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

from vaultlink.api import Vault
from vaultlink.cli.commands.rename import RefactorCommand, RefactorOptions, check_git_option
from vaultlink.cli.opening import make_path_finder, make_path_formatter, to_vault_word
from vaultlink.cli.options import argument, option
from vaultlink.cli.terminal import print_stderr, require_terminal
from vaultlink.cli.write_run import run_plan
from vaultlink.errors import UsageError
from vaultlink.fix.plan import Plan
from vaultlink.fix.requests import DeleteRequest
from vaultlink.fix.sources import FixInputs
from vaultlink.links.naming import strip_note_extension
from vaultlink.refactor.delete import LinkChoice, Reference, ReferenceKind, plan_delete
from vaultlink.report.fix_question import QuestionKey
from vaultlink.report.layout import escape_controls, format_count
from vaultlink.report.plan_result import describe_delete, list_references
from vaultlink.text import list_first
from vaultlink.write.refactors import (
    find_disposal,
    read_deleted_things,
    read_deletion,
    read_new_target,
)

if TYPE_CHECKING:
    from vaultlink.cli.interactive import KeyReader

_MAX_NAMED = 5
"""Attachments that a message names."""


class DeleteOptions(RefactorOptions, frozen=True, kw_only=True):
    """Options of `delete`."""

    notes: Annotated[
        tuple[str, ...],
        argument(
            "NOTE",
            "Notes (path, or name as in a link), folders (Projects/) and attachments.",
            is_required=True,
        ),
    ] = ()
    unlink: Annotated[bool, option("Replace links to them by their text, and remove embeds.")] = (
        False
    )
    to: Annotated[
        str | None, option("Let links to them lead to this note instead.", metavar="NOTE")
    ] = None
    leave: Annotated[bool, option("Leave links to them as they are; they no longer resolve.")] = (
        False
    )
    with_attachments: Annotated[bool, option("Delete attachments that only they use, too.")] = False
    interactive: Annotated[bool, option("Ask what becomes of the links.", "-i")] = False
    git: Annotated[bool, option("Stage the removal of the files that git tracks.")] = False


def delete(options: DeleteOptions) -> int:
    """Delete notes, attachments or folders; unlink or redirect links.

    If anything refers to them, the places are listed, and nothing is deleted until --unlink, --to
    or --leave says what becomes of them. With --unlink, a link becomes the words that it shows. An
    embed, an item of a list in the properties and an entry of a backlinks section are removed; the
    card of a note in a canvas becomes a text card with its name. With --to, links show the same
    words as before. Names in queries and images in HTML stay, and are listed.

    Deleted files go where Obsidian's setting says: to the trash of the system, to .trash in the
    vault, or nowhere. `vaultlink undo` restores them in each case. With --diff, the exit code is 1
    if anything would change. It is 2 if nothing was written because a choice is missing, a link
    that is left would lead to another file of the same name, or a note can't be changed.

    Output formats: table, tsv, json. Columns of tsv: path, new path, number of edits.
    """
    chosen = [name for name in ("unlink", "to", "leave") if getattr(options, name)]
    if len(chosen) > 1:
        raise UsageError(f"--{chosen[0]} and --{chosen[1]} can't be used together.")
    command = _DeleteCommand(options)
    if options.interactive:
        require_terminal()
    check_git_option(options)
    return run_plan(command)


class _DeleteCommand(RefactorCommand):
    unfinished_hint = "The links in the skipped notes no longer resolve."
    staged_words = "deleted"

    def __init__(self, options: DeleteOptions):
        super().__init__("delete", options, self._plan)
        self._options, self.is_interactive = options, options.interactive
        self._references: Sequence[Reference] = ()
        self._choice: LinkChoice | None = None
        self._to = ""
        if options.unlink or options.to or options.leave:
            self._choice = (
                LinkChoice.UNLINK
                if options.unlink
                else LinkChoice.REDIRECT
                if options.to
                else LinkChoice.LEAVE
            )

    # -- the plan --------------------------------------------------------------------------------

    def _plan(self, vault: Vault, sources: FixInputs) -> Plan:
        find, names = make_path_finder(vault), list[str]()
        for word in self._options.notes:
            names.append(_to_word(vault, word))
            read_deleted_things(vault.fixer, names[-1:], find)  # the first wrong word is refused
        request = DeleteRequest(tuple(names), attachments=self._options.with_attachments)
        deletion = read_deletion(vault.fixer, request, find)
        if deletion.unused:
            self.terminal.print_message(_describe_unused(deletion.unused))
        self._references = deletion.references
        if self._options.to:
            self._to = self._read_target(vault, self._options.to, deletion.files)
        if self._references and self._choice is None:
            print_stderr(
                list_references(
                    self._references,
                    make_path_formatter(vault.root),
                    all_of_them=self.terminal.verbose,
                )
            )
            if not self.is_interactive:
                raise UsageError(_CHOICES)
            self._ask(vault, deletion.files)
        disposal = find_disposal(vault.fixer, deletion.things)
        if disposal.reason:
            self.terminal.print_message(f"They go to .trash in the vault: {disposal.reason}.")
        return plan_delete(vault.state, sources, deletion.things, disposal, self._choice, self._to)

    def _read_target(self, vault: Vault, word: str, deleted: frozenset[str]) -> str:
        find = make_path_finder(vault)
        return read_new_target(vault.fixer, _to_word(vault, word), deleted, find)

    def _ask(self, vault: Vault, deleted: frozenset[str]) -> None:
        """Let the user choose what becomes of the links. Raises KeyboardInterrupt to stop."""
        from vaultlink.cli.interactive import KeyReader, ask_for_key  # noqa: PLC0415

        reader = KeyReader()
        while self._choice is None:
            key = ask_for_key(reader, "What becomes of the links?", _KEYS)
            if key == "q":
                raise KeyboardInterrupt
            if key == "t":
                self._to = self._ask_for_target(vault, reader, deleted)
            if key != "t" or self._to:
                self._choice = _CHOICES_BY_KEY[key]

    def _ask_for_target(self, vault: Vault, reader: "KeyReader", deleted: frozenset[str]) -> str:
        """Return the path of the file that the user names; "" if there is none."""
        names = [strip_note_extension(path) for path in vault.notes if path not in deleted]
        line = reader.read_name("Lead to (Escape cancels): ", names)
        try:
            return self._read_target(vault, line, deleted) if line else ""
        except UsageError as error:
            print_stderr(escape_controls(str(error)))
            return ""

    def list_staged(self, plan: Plan) -> Mapping[str, str | None]:
        return dict.fromkeys(plan.trash)

    # -- messages --------------------------------------------------------------------------------

    def describe(self, plan: Plan, *, would: bool = False) -> str:
        self._uses_trash = bool(plan.trash_folder)
        return describe_delete(plan, self._describe_links(plan), would=would)

    def describe_undo(self) -> str:
        sentence = super().describe_undo()
        if not self._uses_trash:
            return sentence
        return f"{sentence.removesuffix('.')}, and leaves the copy in the trash."

    def _describe_links(self, plan: Plan) -> str:
        skipped = {item.path for item in plan.skipped}
        kept = (ReferenceKind.IMAGE, ReferenceKind.QUERY)
        links = [
            item
            for item in self._references
            if item.kind not in kept and item.place.path not in skipped
        ]
        if self._choice is None:
            return ""
        own = [item for item in links if item.place.path == self._to]
        others = [item for item in links if item.place.path != self._to]
        clauses = (
            _describe_group(others, self._choice, self._to),
            _describe_group(own, LinkChoice.UNLINK),
        )
        return ", ".join(filter(None, clauses))


def _to_word(vault: Vault, word: str) -> str:
    inner = to_vault_word(vault, word)
    return word if inner == "/" else inner  # errors name what was typed


def _describe_group(links: Sequence[Reference], choice: LinkChoice, to: str = "") -> str:
    """Return what becomes of links, as a clause; "" for no links."""
    if not links:
        return ""
    notes = format_count(len({item.place.path for item in links}), "note")
    is_one = len(links) == 1
    verb = {
        LinkChoice.UNLINK: "becomes text or goes" if is_one else "become text or go",
        LinkChoice.REDIRECT: f"{'leads' if is_one else 'lead'} to {escape_controls(to)}",
        LinkChoice.LEAVE: f"no longer {'resolves' if is_one else 'resolve'}",
    }[choice]
    return f"{format_count(len(links), 'link')} in {notes} {verb}"


_CHOICES = (
    "choose what becomes of them: --unlink makes links text, --to NOTE lets them lead to another "
    "note, --leave leaves them. Nothing was written."
)
_KEYS = (
    QuestionKey("u", "unlink: replace the links by their text"),
    QuestionKey("t", "type the name of the note to which they lead instead"),
    QuestionKey("l", "leave them: they will not resolve"),
    QuestionKey("q", "stop: nothing is written"),
    QuestionKey("?", "print this help"),
)
_CHOICES_BY_KEY = {"u": LinkChoice.UNLINK, "t": LinkChoice.REDIRECT, "l": LinkChoice.LEAVE}


def _describe_unused(paths: Sequence[str]) -> str:
    named = escape_controls(list_first(paths, _MAX_NAMED))
    verb, object_ = ("is", "it") if len(paths) == 1 else ("are", "them")
    return (
        f"{format_count(len(paths), 'attachment')} {verb} used by nothing else: {named}. "
        f"--with-attachments deletes {object_}, too."
    )
