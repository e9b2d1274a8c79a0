"""`vaultlink fix --interactive`: ask for each cause of findings how to fix it.

The keys are those of `git add -p`. Nothing is written before the last answer. The chosen fixes are
then applied together, with the same checks as in any other run.
"""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

from msgspec.structs import replace

from vaultlink.api import Vault
from vaultlink.cli.allowed_topics import (
    AllowedTopics,
    add_allowed_topics,
    find_allowed_topics_file,
)
from vaultlink.cli.answer_history import AnswerHistory
from vaultlink.cli.settings_file import SettingsFile
from vaultlink.cli.terminal import Terminal, print_stderr, require_terminal
from vaultlink.cli.write_run import InterviewStopped
from vaultlink.config.allow_dangling import make_topic_patterns
from vaultlink.fix.causes import FixCause, FixChooser, FixOption
from vaultlink.fix.select import FindingWithFix
from vaultlink.fix.sources import FixAnswers
from vaultlink.index.resolve import is_note, resolve
from vaultlink.links.naming import strip_note_extension
from vaultlink.model import Diagnostic, TextByPath
from vaultlink.report.fix_question import (
    MAX_PREVIEWED,
    FixQuestion,
    QuestionKey,
    format_prompt,
    render_key_help,
    render_question,
)
from vaultlink.report.layout import PLAIN, Palette, escape_controls, format_count

_MAX_DIGIT = 9
"""Proposals after this one have no key."""

_ALL_LINES = 1 << 30
"""More lines than a preview can have."""


class InteractiveChoices(NamedTuple):
    """The chosen fixes and the allowed topics."""

    fixes: list[FindingWithFix]
    allowed: AllowedTopics | None = None


class AnswerReader(Protocol):
    """Reads the answers of a user."""

    def read_key(self, prompt: str, keys: str) -> str:
        """Return one of `keys`, or `?`."""

    def read_name(self, prompt: str, names: Sequence[str], line: str = "") -> str:
        """Return a line that was typed; "" if the user cancels."""


class CauseAnswer(NamedTuple):
    """The answer for one cause: an option to apply, patterns to allow, or neither."""

    option: FixOption | None = None
    allowed: tuple[str, ...] = ()


class Interview:
    """The questions about the causes of findings, and the answers so far.

    Numbers of causes are counted from 0.
    """

    def __init__(
        self,
        chooser: FixChooser,
        text: TextByPath,
        names: "TargetNames",
        config_file: SettingsFile,
        reader: AnswerReader,
        palette: Palette = PLAIN,
    ):
        self._chooser, self._causes, self._text = chooser, chooser.causes, text
        self._names, self._config_file, self._reader = names, config_file, reader
        self._palette = palette
        self._history = AnswerHistory[CauseAnswer]()
        self._answers = self._history.by_number
        self._handlers: Mapping[str, Callable[[int, FixOption | None], bool]] = {
            "y": self._apply,
            "n": self._skip,
            "a": self._apply_all,
            "d": self._skip_all,
            "t": self._apply_target,
            "c": self._create_note,
            "u": self._unlink,
            "i": self._allow,
        }

    def run(self) -> InteractiveChoices:
        """Ask all questions, or those before the user quits; return what was chosen.

        Raises KeyboardInterrupt or EOFError if the user stops.
        """
        self._history.ask_all(len(self._causes), self._ask)
        fixes = [
            pair
            for answer in self._answers.values()
            if answer.option
            for pair in answer.option.fixes
        ]
        return InteractiveChoices(fixes, self._collect_allowed())

    def _collect_allowed(self) -> AllowedTopics | None:
        allowed = [pattern for answer in self._answers.values() for pattern in answer.allowed]
        patterns = list(dict.fromkeys(allowed))
        return add_allowed_topics(self._config_file, patterns) if patterns else None

    def _ask(self, number: int) -> str:
        """Ask about a cause until the answer is known; return its key."""
        cause, shown = self._causes[number], None
        options, limit = cause.proposals, MAX_PREVIEWED
        while True:
            width = terminal_width()
            question = FixQuestion(
                number + 1,
                len(self._causes),
                cause,
                options,
                tuple(self._list_keys(number, options)),
            )
            if shown != (options, limit):
                print_stderr(
                    render_question(question, self._text, width, self._palette, limit).rstrip("\n")
                )
                shown = options, limit
            prompt = format_prompt(question, width)
            key = self._reader.read_key(prompt, "".join(item.key for item in question.keys))
            print_stderr(f"{prompt}{key}")
            if key in ("b", "q"):
                return key
            if key == "?":
                print_stderr(render_key_help(question, width).rstrip("\n"))
            elif key == "l":
                limit = _ALL_LINES
            elif key == "e":
                option = self._enter_target(cause)
                options = _put_first(options, option) if option else options
            elif key.isdecimal():
                options = _put_first(options, options[int(key) - 1])
            elif self._answer(key, number, options[0] if options else None):
                return key

    def _answer(self, key: str, number: int, option: FixOption | None) -> bool:
        """Record an answer; return False if it is not possible."""
        return self._history.record(number, lambda: self._handlers[key](number, option))

    # -- answers -------------------------------------------------------------------------------

    def _apply(self, number: int, option: FixOption | None) -> bool:
        self._answers[number] = CauseAnswer(option)
        return True

    def _skip(self, number: int, _option: FixOption | None) -> bool:
        self._answers[number] = CauseAnswer()
        return True

    def _apply_all(self, number: int, option: FixOption | None) -> bool:
        for later in self._list_later(number):
            if self._causes[later].proposals:
                self._answers[later] = CauseAnswer(self._causes[later].proposals[0])
        return self._apply(number, option)

    def _skip_all(self, number: int, option: FixOption | None) -> bool:
        self._answers.update(dict.fromkeys(self._list_later(number), CauseAnswer()))
        return self._skip(number, option)

    def _apply_target(self, number: int, option: FixOption | None) -> bool:
        for later, same in self._find_same_target(number, option):
            self._answers[later] = CauseAnswer(same)
        return self._apply(number, option)

    def _create_note(self, number: int, _option: FixOption | None) -> bool:
        option = self._chooser.create_note(self._causes[number])
        return self._apply_or_explain(number, option, "No note can have this name.")

    def _unlink(self, number: int, _option: FixOption | None) -> bool:
        option = self._chooser.remove_links(self._causes[number])
        reason = "These links have no text that could replace them."
        return self._apply_or_explain(number, option, reason)

    def _apply_or_explain(self, number: int, option: FixOption | None, reason: str) -> bool:
        if option is None:
            print_stderr(reason)
            return False
        print_stderr(f"  {escape_controls(option.title)}.")
        return self._apply(number, option)

    def _allow(self, number: int, _option: FixOption | None) -> bool:
        patterns = make_topic_patterns(self._causes[number].targets)
        if self._config_file.barrier:
            print_stderr(self._config_file.barrier)
        elif not patterns:
            print_stderr("A name with these characters can't be allowed.")
        elif add_allowed_topics(self._config_file, patterns) is None:
            print_stderr(
                f"{escape_controls(self._config_file.path)} has no place for it; "
                "add the topic to allow-dangling yourself."
            )
        else:
            self._answers[number] = CauseAnswer(allowed=patterns)
            return True
        return False

    def _enter_target(self, cause: FixCause) -> FixOption | None:
        """Let the user name a file; return the option that links to it, or None."""
        line = self._reader.read_name("Link to (Escape cancels): ", self._names.listed)
        while line:
            path = self._names.find(line)
            option = self._chooser.retarget(cause, path) if path else None
            if option:
                return option
            print_stderr(
                f"“{escape_controls(line)}” is not a file of the vault. Tab completes names."
                if path is None
                else "These links can't be changed."
            )
            line = self._reader.read_name("Link to (Escape cancels): ", self._names.listed, line)
        return None

    def _list_later(self, number: int) -> list[int]:
        """Return the later causes of the same rule without an answer."""
        rule = self._causes[number].rule
        return [
            later
            for later in range(number + 1, len(self._causes))
            if self._causes[later].rule == rule and later not in self._answers
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
        """Return the possible answers to a question."""
        cause = self._causes[number]
        keys = self._list_proposal_keys(number, options) if options else []
        keys[1:1] = [QuestionKey("n", "no: nothing changes")]
        keys.append(QuestionKey("d", f"no, here and in all later questions about {cause.rule}"))
        if cause.is_unresolved:
            file = escape_controls(self._config_file.path or "the configuration")
            keys += [
                QuestionKey("e", "enter another target, and see what it changes"),
                QuestionKey("c", "create the note"),
                QuestionKey("u", "unlink: replace the links by their text"),
                QuestionKey("i", f"allow the topic: add it to allow-dangling in {file}"),
            ]
        if len(cause.findings) > MAX_PREVIEWED:
            keys.append(QuestionKey("l", "list all lines"))
        if self._history.has_steps:
            keys.append(QuestionKey("b", "back to the previous question"))
        return [
            *keys,
            QuestionKey("q", "quit: write what was chosen so far (Ctrl-C writes nothing)"),
            QuestionKey("?", "show this list"),
        ]

    def _list_proposal_keys(self, number: int, options: Sequence[FixOption]) -> list[QuestionKey]:
        title, rule = escape_controls(options[0].title), self._causes[number].rule
        keys = [QuestionKey("y", f"yes: {title}")]
        others = len([later for later in self._list_later(number) if self._causes[later].proposals])
        if others:
            count = format_count(others, "later question")
            keys.append(
                QuestionKey("a", f"yes, and apply the first proposal of {count} about {rule} too")
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


class TargetNames:
    """The names of a vault's files as a user types them; `listed` are completed."""

    def __init__(self, vault: Vault):
        self._index = vault.index
        files = sorted(vault.index.files, key=lambda path: (not is_note(path), path))
        self.listed = [strip_note_extension(path) for path in files if path.isprintable()]

    def find(self, line: str) -> str | None:
        """Return the file with this path or name, or None."""
        for path in (line, f"{line}.md"):
            if path in self._index.files:
                return path
        return resolve("", line, self._index.names)


def choose_fixes(
    findings: Sequence[Diagnostic], terminal: Terminal, vault: Vault, answers: FixAnswers
) -> InteractiveChoices:
    """Ask how to fix findings; return what was chosen.

    Raises:
        UsageError: stdin or stderr is not a terminal.
        InterviewStopped: The user stopped, or the terminal was closed.
    """
    require_terminal()
    from vaultlink.cli.keys import KeyReader  # noqa: PLC0415 - needs a terminal

    if answers.folder is None:
        answers = replace(answers, folder="")
    chooser = vault.fixer.chooser(findings, answers)
    if not chooser.causes:
        return InteractiveChoices([])
    interview = Interview(
        chooser,
        vault.text,
        TargetNames(vault),
        find_allowed_topics_file(vault.scan),
        KeyReader(),
        terminal.palette,
    )
    try:
        return interview.run()
    except (KeyboardInterrupt, EOFError):
        raise InterviewStopped from None


def _put_first(options: Sequence[FixOption], option: FixOption) -> tuple[FixOption, ...]:
    return (option, *(other for other in options if other.title != option.title))


def terminal_width() -> int:
    """Return the columns of the terminal now: it may have been resized."""
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or 80
    except OSError:
        return 80
