"""Ask for each cause of findings how to fix it, and read the keys that answer."""

import os
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from msgspec.structs import replace

from vaultlink.api import Vault
from vaultlink.cli.terminal import (
    ProgressLine,
    Terminal,
    page_stderr,
    print_stderr,
    require_terminal,
)
from vaultlink.fix.causes import FixCause, FixChooser, FixException, FixOption
from vaultlink.fix.plan import LeftOutProperty
from vaultlink.fix.select import FindingWithFix
from vaultlink.fix.sources import FixAnswers
from vaultlink.index.resolve import is_note, resolve
from vaultlink.links.naming import strip_note_extension
from vaultlink.model import Diagnostic, TextByPath
from vaultlink.report.fix_question import (
    FixQuestion,
    QuestionKey,
    describe_unknown_key,
    format_key_prompt,
    format_prompt,
    render_headline,
    render_key_help,
    render_question,
    render_whole_question,
)
from vaultlink.report.layout import PLAIN, Palette, escape_controls, format_count
from vaultlink.report.plan_result import describe_values
from vaultlink.text import quote_name
from vaultlink.write.settings_lists import SettingsChange, SettingsList, find_topic_list

if TYPE_CHECKING:
    from prompt_toolkit.completion import CompleteEvent, Completer, Completion
    from prompt_toolkit.document import Document
    from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent


# -- ask for each cause of findings, unlinked mentions included, how to fix it ---------------------
# The keys are those of `git add -p`. Nothing is written before the last answer. The chosen fixes
# are then applied together, with the same checks as in any other run.

_MAX_DIGIT = 9
"""Proposals after this one have no key."""


class InteractiveChoices(NamedTuple):
    """The chosen fixes, the change of the settings, and True if anything was asked."""

    fixes: list[FindingWithFix]
    settings: SettingsChange | None = None
    has_asked: bool = False


class AnswerReader(Protocol):
    """Reads the answers of a user."""

    def read_key(self, prompt: str, keys: str) -> str:
        """Return the key that is pressed, be it one of `keys` or not."""

    def read_name(self, prompt: str, names: Sequence[str], line: str = "") -> str:
        """Return a line that was typed; "" if the user cancels."""


class CauseAnswer(NamedTuple):
    """The answer for a cause: an option, entries of the settings, or neither."""

    option: FixOption | None = None
    entries: tuple[str, ...] = ()


Answers = dict[int, CauseAnswer]
"""The answers by the number of their question. An answer may settle later questions."""


class Interview:
    """The questions about the causes of findings, and the answers so far.

    Numbers of causes are counted from 0. Mentions of one note are one number on the screen.
    """

    def __init__(
        self,
        causes: Sequence[FixCause],
        text: TextByPath,
        exceptions: SettingsList,
        reader: AnswerReader,
        palette: Palette = PLAIN,
        targets: "TargetChoice | None" = None,
    ):
        """Prepare the questions; `targets` lets the user choose other targets of links."""
        self._causes, self._text, self._targets = causes, text, targets
        self._exceptions, self._reader, self._palette = exceptions, reader, palette
        self._topics = [cause.topic if cause.is_mention else n for n, cause in enumerate(causes)]
        self._places = {topic: place for place, topic in enumerate(dict.fromkeys(self._topics), 1)}
        self._shown_topic: str | int = ""
        self._answers: Answers = {}
        self._steps: list[tuple[int, Answers]] = []

    def run(self) -> InteractiveChoices:
        """Ask all questions, or those before the user quits; return what was chosen."""
        number, key = 0, ""
        while number < len(self._causes) and key != "q":
            if number in self._answers:
                number += 1
                continue
            key = self._ask(number)
            if key == "b":
                number, self._answers = self._steps.pop()
        answers = self._answers.values()
        fixes = [pair for answer in answers if answer.option for pair in answer.option.fixes]
        entries = dict.fromkeys(entry for answer in answers for entry in answer.entries)
        return InteractiveChoices(fixes, self._exceptions.add(list(entries)), has_asked=True)

    def _ask(self, number: int) -> str:
        """Ask about a cause until the answer is known; return its key."""
        cause, shown = self._causes[number], None
        options, group = cause.proposals, self._list_group(number)
        while True:
            size = terminal_size()
            question = FixQuestion(
                self._places[self._topics[number]],
                len(self._places),
                cause,
                options,
                tuple(self._list_keys(number, options)),
                group,
            )
            if shown != options:
                text = render_question(question, self._text, size, self._palette)
                print_stderr(text.rstrip("\n"))
                shown = options
            key = _read_answer(self._reader, format_prompt(question, size.columns), question.keys)
            if key in ("b", "q"):
                return key
            if key in ("?", "v"):
                self._show_more(key, question, size)
            elif key == "e":
                option = self._targets.enter(cause, self._reader) if self._targets else None
                options = _put_first(options, option) if option else options
            elif key.isdecimal():
                options = _put_first(options, options[int(key) - 1])
            elif answers := self._answer(key, number, options[0] if options else None):
                self._steps.append((number, self._answers))
                self._answers = {**self._answers, **answers}
                return key

    def _show_more(self, key: str, question: FixQuestion, size: os.terminal_size) -> None:
        """Explain the keys above the headline of a question, or show all its places."""
        p = self._palette
        if key == "v":
            text = render_whole_question(question, self._text, size.columns, p)
            page_stderr(text.rstrip("\n"), size, is_colored=p is not PLAIN)
            return
        print_stderr(render_key_help(question.keys, size.columns))
        print_stderr(render_headline(question, size.columns, p).rstrip("\n"))

    def _list_group(self, number: int) -> list[FixCause]:
        """Return all mentions of a note, the first time that it is asked about."""
        topic, is_first = self._topics[number], self._shown_topic != self._topics[number]
        self._shown_topic = topic
        if not (is_first and self._causes[number].is_mention):
            return []
        pairs = zip(self._causes, self._topics, strict=True)
        return [cause for cause, other in pairs if other == topic]

    # -- answers -------------------------------------------------------------------------------

    def _answer(self, key: str, number: int, option: FixOption | None) -> Answers:
        """Return the answers that a key gives; empty if it is not possible."""
        later = self._list_later(number)
        if key in "nd":
            return dict.fromkeys([*(later if key == "d" else ()), number], CauseAnswer())
        if key in "iN":
            return self._except(number)
        if key in "cu":
            option = self._change_target(key, self._causes[number])
            return {number: CauseAnswer(option)} if option else {}
        answers = {}
        if key == "a":
            proposals = {other: self._causes[other].proposals for other in later}
            answers = {other: CauseAnswer(found[0]) for other, found in proposals.items() if found}
        if key == "t":
            same = self._find_same_target(number, option)
            answers = {other: CauseAnswer(found) for other, found in same}
        return {**answers, number: CauseAnswer(option)}

    def _change_target(self, key: str, cause: FixCause) -> FixOption | None:
        """Return the option that creates a note or removes links; None, and say why."""
        chooser = self._targets.chooser if self._targets else None
        if key == "c":
            option = chooser.create_note(cause) if chooser else None
            reason = "No note can have this name."
        else:
            option = chooser.remove_links(cause) if chooser else None
            reason = "These links have no text that could replace them."
        print_stderr(f"  {escape_controls(option.title)}." if option else reason)
        return option

    def _except(self, number: int) -> Answers:
        """Return an exception as the answer to all questions to which it applies."""
        if self._exceptions.barrier:
            print_stderr(self._exceptions.barrier)
            return {}
        chosen = self._choose_exception(self._causes[number].exceptions)
        if chosen is None:
            return {}
        if barrier := self._exceptions.find_barrier(chosen.entries):
            print_stderr(escape_controls(barrier))
            return {}
        others = [
            other
            for other, cause in enumerate(self._causes)
            if other not in self._answers and chosen.key in [item.key for item in cause.exceptions]
        ]
        return dict.fromkeys([*others, number], CauseAnswer(entries=chosen.entries))

    def _choose_exception(self, exceptions: Sequence[FixException]) -> FixException | None:
        """Ask which exception is meant if there are several; None for none."""
        if len(exceptions) == 1:
            return exceptions[0]
        keys = [QuestionKey(str(n), item.meaning) for n, item in enumerate(exceptions, 1)]
        keys.append(QuestionKey("b", "back: ask again"))
        width = terminal_size().columns
        print_stderr(render_key_help(keys, width).rstrip("\n"))
        keys.append(QuestionKey("?", "show this list"))
        key = ask_for_key(self._reader, "Never link what?", keys)
        return None if key == "b" else exceptions[int(key) - 1]

    def _list_later(self, number: int) -> list[int]:
        """Return the later causes of the same topic without an answer."""
        topic = self._causes[number].topic
        return [
            later
            for later in range(number + 1, len(self._causes))
            if self._causes[later].topic == topic and later not in self._answers
        ]

    def _find_same_target(
        self, number: int, option: FixOption | None
    ) -> list[tuple[int, FixOption]]:
        """Return the later causes without an answer for which the same fix is proposed."""
        return [
            (later, same)
            for later in range(number + 1, len(self._causes))
            if later not in self._answers and self._causes[later].is_unresolved
            for same in self._causes[later].proposals
            if option and same.title == option.title and self._causes[number].is_unresolved
        ]

    # -- keys ----------------------------------------------------------------------------------

    def _list_keys(self, number: int, options: Sequence[FixOption]) -> list[QuestionKey]:
        cause = self._causes[number]
        keys = self._list_proposal_keys(number, options) if options else []
        keys[1:1] = [QuestionKey("n", "no: nothing changes")]
        if not cause.is_mention or self._list_later(number):
            topic = escape_controls(cause.topic)
            keys.append(QuestionKey("d", f"no, here and in all later questions about {topic}"))
        if cause.is_unresolved:
            keys += [
                QuestionKey("e", "enter another target, and see what it changes"),
                QuestionKey("c", "create the note"),
                QuestionKey("u", "unlink: replace the links by their text"),
            ]
        if cause.exceptions:
            file = escape_controls(self._exceptions.path or "the configuration")
            place = f"add it to {self._exceptions.name} in {file}"
            keys.append(
                QuestionKey("N", f"never: choose what is never linked, and {place}")
                if cause.is_mention
                else QuestionKey("i", f"{cause.exceptions[0].meaning}: {place}")
            )
        keys.append(QuestionKey("v", "view all places, and more of their lines, in the pager"))
        if self._steps:
            keys.append(QuestionKey("b", "back to the previous question"))
        return [
            *keys,
            QuestionKey("q", "quit: write what was chosen so far (Ctrl-C writes nothing)"),
            QuestionKey("?", "show this list"),
        ]

    def _list_proposal_keys(self, number: int, options: Sequence[FixOption]) -> list[QuestionKey]:
        topic = escape_controls(self._causes[number].topic)
        keys = [QuestionKey("y", f"yes: {escape_controls(options[0].title)}")]
        others = sum(bool(self._causes[later].proposals) for later in self._list_later(number))
        if others:
            count = format_count(others, "later question")
            keys.append(
                QuestionKey("a", f"yes, and apply the first proposal of {count} about {topic} too")
            )
        same = len(self._find_same_target(number, options[0]))
        if same:
            count = format_count(same, "later question")
            keys.append(QuestionKey("t", f"yes, and link to this target in {count} that can"))
        keys += [
            QuestionKey(str(digit), f"propose this instead: {escape_controls(option.title)}")
            for digit, option in enumerate(options[:_MAX_DIGIT], 1)
            if digit > 1
        ]
        return keys


class TargetChoice:
    """The files to which a user may link, as typed; `listed` are completed."""

    def __init__(self, vault: Vault, chooser: FixChooser):
        self._index, self.chooser = vault.index, chooser
        files = sorted(vault.index.files, key=lambda path: (not is_note(path), path))
        self.listed = [strip_note_extension(path) for path in files if path.isprintable()]

    def enter(self, cause: FixCause, reader: AnswerReader) -> FixOption | None:
        """Let the user name a file; return the option that links to it, or None."""
        line = reader.read_name(_LINK_PROMPT, self.listed)
        while line:
            path = self._find(line)
            option = self.chooser.retarget(cause, path) if path else None
            if option:
                return option
            print_stderr(
                f"{quote_name(line)} is not a file of the vault. Tab completes names."
                if path is None
                else "These links can't be changed."
            )
            line = reader.read_name(_LINK_PROMPT, self.listed, line)
        return None

    def _find(self, line: str) -> str | None:
        for path in (line, f"{line}.md"):
            if path in self._index.files:
                return path
        return resolve("", line, self._index.names)


_LINK_PROMPT = "Link to (Escape cancels): "


def choose_fixes(
    findings: Sequence[Diagnostic],
    terminal: Terminal,
    vault: Vault,
    answers: FixAnswers,
    *,
    asks_all: bool,
) -> InteractiveChoices:
    """Ask how to fix findings; about safe fixes only with `asks_all`.

    Raises UsageError without a terminal.
    """
    require_terminal()
    if answers.folder is None:
        answers = replace(answers, folder="")
    chooser = vault.fixer.chooser(findings, answers)
    exceptions = find_topic_list(vault.scan)
    causes = [cause for cause in chooser.causes if asks_all or not cause.is_safe]
    return ask_about_causes(causes, terminal, vault, exceptions, TargetChoice(vault, chooser))


def ask_about_causes(
    causes: Sequence[FixCause],
    terminal: Terminal,
    vault: Vault,
    exceptions: SettingsList,
    targets: TargetChoice | None = None,
) -> InteractiveChoices:
    """Ask how to fix the findings of causes; return what was chosen.

    Raises KeyboardInterrupt or EOFError if the user stops.
    """
    if not causes:
        return InteractiveChoices([])
    reader = KeyReader()
    return Interview(causes, vault.text, exceptions, reader, terminal.palette, targets).run()


def choose_values(properties: Sequence[LeftOutProperty]) -> frozenset[str]:
    """Ask which values count where those of two notes differ.

    Returns the keys, in lower case, of which the values of the removed note count. Raises
    KeyboardInterrupt or EOFError if the user stops.
    """
    require_terminal()
    asked = [item for item in properties if item.kept]
    reader, taken = KeyReader(), set[str]()
    for item in asked:
        keys = (
            QuestionKey("k", f"keep {item.kept}"),
            QuestionKey("t", f"take {item.value}"),
            QuestionKey("a", "keep this and all other values"),
            QuestionKey("q", "stop: nothing is written"),
            QuestionKey("?", "show this list"),
        )
        print_stderr(f"{escape_controls(item.key)}: {describe_values(item)}")
        key = ask_for_key(reader, f"Take {item.value}?", keys)
        if key == "q":
            raise KeyboardInterrupt
        if key == "a":
            break
        if key == "t":
            taken.add(item.key.lower())
    return frozenset(taken)


def _read_answer(reader: AnswerReader, prompt: str, keys: Sequence[QuestionKey]) -> str:
    """Return the key that answers a question; print it behind the question.

    A message names the known keys as long as others are pressed.
    """
    known, shown = [item.key for item in keys], prompt
    while (key := reader.read_key(shown, "".join(known))) not in known:
        shown = f"{describe_unknown_key(key, keys, terminal_size().columns)}\n{prompt}"
    print_stderr(f"{prompt}{key}")
    return key


def ask_for_key(reader: AnswerReader, words: str, keys: Sequence[QuestionKey]) -> str:
    """Ask a question until one of its keys is pressed; `?` prints what they do."""
    while True:
        width = terminal_size().columns
        key = _read_answer(reader, format_key_prompt(words, keys, width), keys)
        if key != "?":
            return key
        print_stderr(render_key_help(keys, width).rstrip("\n"))


def _put_first(options: Sequence[FixOption], option: FixOption) -> tuple[FixOption, ...]:
    return (option, *(other for other in options if other.title != option.title))


def terminal_size() -> os.terminal_size:
    """Return the size of the terminal now: it may have been resized."""
    try:
        size = os.get_terminal_size(sys.stderr.fileno())
    except OSError:
        size = os.terminal_size((0, 0))
    return os.terminal_size((size.columns or 80, size.lines or 24))


# -- read single keys, and names with completion, from a terminal ----------------------------------
# prompt_toolkit reads the keys: it restores the terminal however the program ends, and also works
# on Windows. It is imported only when the first key is read.

_MAX_COMPLETIONS = 100
"""Names that are offered at once. A longer list helps nobody."""


class KeyReader:
    """Reads the keys and lines that a user types. Draws on stderr.

    All methods raise KeyboardInterrupt for Ctrl-C, and EOFError for Ctrl-D and if the terminal is
    closed.
    """

    def __init__(self) -> None:
        from prompt_toolkit.input import create_input  # noqa: PLC0415 - slow to import
        from prompt_toolkit.output import create_output  # noqa: PLC0415

        self._input, self._output = create_input(sys.stdin), create_output(sys.stderr)

    def read_key(self, prompt: str, keys: str) -> str:
        """Return the character of the next key that is pressed, or “Enter”.

        It is in lower case unless `keys` has it in upper case. Keys that type no character are
        ignored.
        """
        from prompt_toolkit.application import Application  # noqa: PLC0415
        from prompt_toolkit.layout import FormattedTextControl, Layout, Window  # noqa: PLC0415

        rows = "\n".join(map(escape_controls, prompt.split("\n")))
        control = FormattedTextControl([("", rows), ("[SetCursorPosition]", " ")], show_cursor=True)
        application: Application[str] = Application(
            layout=Layout(Window(control, dont_extend_height=True, wrap_lines=True)),
            key_bindings=_bind_keys(keys),
            erase_when_done=True,
            input=self._input,
            output=self._output,
        )
        with ProgressLine.pause():
            return application.run()

    def read_name(self, prompt: str, names: Sequence[str], line: str = "") -> str:
        """Return a line, completed from `names`; "" if the user cancels with Escape.

        `line` is there at the beginning, to be edited.
        """
        from prompt_toolkit import PromptSession  # noqa: PLC0415

        bindings = _bind_keys("")
        bindings.add("escape", eager=True)(lambda event: event.app.exit(result=""))
        session: PromptSession[str] = PromptSession(
            completer=_make_completer(names),
            complete_while_typing=True,
            key_bindings=bindings,
            input=self._input,
            output=self._output,
            reserve_space_for_menu=6,
        )
        with ProgressLine.pause():
            return session.prompt(escape_controls(prompt), default=line).strip()


def _bind_keys(keys: str) -> "KeyBindings":
    """Bind `keys`, Ctrl-C and Ctrl-D so that each of them ends an application."""
    from prompt_toolkit.key_binding import KeyBindings  # noqa: PLC0415

    bindings = KeyBindings()

    def press(event: "KeyPressEvent") -> None:
        key = event.data if event.data in keys else event.data.lower()
        if len(key) == 1 and key.isprintable():
            event.app.exit(result=key)

    if keys:
        bindings.add("<any>")(press)
        bindings.add("enter")(lambda event: event.app.exit(result="Enter"))
    bindings.add("c-c")(lambda event: event.app.exit(exception=KeyboardInterrupt()))
    bindings.add("c-d")(lambda event: event.app.exit(exception=EOFError()))
    return bindings


def find_names(line: str, names: Sequence[str]) -> list[str]:
    """Return the names that contain all words of a line.

    Those that begin with it, or whose last part does, come first. At most `_MAX_COMPLETIONS`.
    """
    start = line.casefold().strip()
    words = start.split()
    found = [name for name in names if all(word in name.casefold() for word in words)]

    def rank(name: str) -> tuple[bool, bool]:
        folded = name.casefold()
        return not folded.startswith(start), not folded.rpartition("/")[2].startswith(start)

    return sorted(found, key=rank)[:_MAX_COMPLETIONS]


def _make_completer(names: Sequence[str]) -> "Completer":
    from prompt_toolkit.completion import Completer, Completion  # noqa: PLC0415

    class _NameCompleter(Completer):
        def get_completions(
            self,
            document: "Document",
            complete_event: "CompleteEvent",  # noqa: ARG002 - the method of a library
        ) -> "Iterator[Completion]":
            line = document.text_before_cursor
            for name in find_names(line, names):
                yield Completion(name, start_position=-len(line))

    return _NameCompleter()
