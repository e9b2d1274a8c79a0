"""`vaultlink mentions --interactive`: ask by target which mentions become links.

Nothing is written before the last answer. The chosen mentions are then linked together, with the
same checks as in any other run.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from vaultlink.api import Vault
from vaultlink.cli.answer_history import AnswerHistory
from vaultlink.cli.exit_codes import EXIT_CLEAN, EXIT_INTERRUPTED
from vaultlink.cli.interactive import AnswerReader, terminal_width
from vaultlink.cli.listing import choose_listing_format
from vaultlink.cli.mention_options import MentionsOptions
from vaultlink.cli.mention_results import FoundMentions, find_mentions, print_topics
from vaultlink.cli.mention_write import WrittenMentions, open_for_writing, write_mention_plan
from vaultlink.cli.settings_file import SettingsFile, find_settings_file
from vaultlink.cli.terminal import Terminal, print_stderr, require_terminal
from vaultlink.cli.vault import find_vault_root
from vaultlink.cli.write_run import hold_write_lock
from vaultlink.config.mention_settings import format_pair, ignore_mentions
from vaultlink.mentions.folding import fold_name
from vaultlink.mentions.mention import Mention
from vaultlink.mentions.planning import find_mention_edits
from vaultlink.model import Edit
from vaultlink.report.fix_question import QuestionKey
from vaultlink.report.layout import Palette, escape_controls, format_count, truncate
from vaultlink.report.mention_question import (
    MentionQuestion,
    format_mention_prompt,
    render_mention_keys,
    render_mention_question,
)
from vaultlink.report.mention_rows import group_by_target
from vaultlink.write.write import PendingWrite


class MentionChoices(NamedTuple):
    """The mentions to link, and the entries of `ignore` to record."""

    linked: list[Mention]
    ignored: list[str]


class MentionAnswer(NamedTuple):
    """The answer for one mention: link it or not, and what is never linked."""

    is_linked: bool = False
    ignored: str = ""


class MentionInterview:
    """The questions about mentions, by target, and the answers so far."""

    def __init__(
        self,
        groups: Sequence[Sequence[Mention]],
        edits: Mapping[tuple[str, int], Edit],
        text: Callable[[str], str],
        config_file: SettingsFile,
        reader: AnswerReader,
        palette: Palette,
    ):
        self._groups, self._edits, self._text = groups, edits, text
        self._config_file, self._reader, self._palette = config_file, reader, palette
        self._mentions = [item for group in groups for item in group]
        self._group_numbers = [number for number, group in enumerate(groups) for _ in group]
        self._history = AnswerHistory[MentionAnswer]()
        self._answers = self._history.by_number
        self._shown_group: int | None = None

    def run(self) -> MentionChoices:
        """Ask all questions, or those before the user quits; return what was chosen.

        Raises KeyboardInterrupt or EOFError if the user stops.
        """
        self._history.ask_all(len(self._mentions), self._ask)
        answers = sorted(self._answers.items())
        ignored = [answer.ignored for _, answer in answers if answer.ignored]
        linked = [self._mentions[number] for number, answer in answers if answer.is_linked]
        return MentionChoices(linked, list(dict.fromkeys(ignored)))

    def _ask(self, number: int) -> str:
        """Ask about a mention until the answer is known; return its key."""
        question = self._build_question(number)
        self._shown_group = self._group_numbers[number]
        width = terminal_width()
        print_stderr(
            render_mention_question(
                question, self._get_edit, self._text, width, self._palette
            ).rstrip("\n")
        )
        while True:
            width = terminal_width()
            key = self._read_key(format_mention_prompt(question, width), question.keys)
            if key == "?":
                print_stderr(render_mention_keys(question.keys, width))
            elif key in ("b", "q") or self._history.record(
                number, partial(self._answer, key, number)
            ):
                return key

    def _build_question(self, number: int) -> MentionQuestion:
        """Return a question. The first about a target shows all its mentions."""
        place = self._group_numbers[number]
        group = self._groups[place]
        later = [self._mentions[item] for item in self._list_later(number)]
        is_first = place != self._shown_group
        return MentionQuestion(
            place + 1,
            len(self._groups),
            group,
            self._mentions[number],
            [self._mentions[number], *(later if is_first else [])],
            tuple(self._list_keys(number)),
        )

    def _read_key(self, prompt: str, keys: Sequence[QuestionKey]) -> str:
        key = self._reader.read_key(prompt, "".join(item.key for item in keys))
        print_stderr(f"{prompt}{key}")
        return key

    def _get_edit(self, mention: Mention) -> Edit:
        return self._edits[mention.path, mention.start]

    # -- answers -------------------------------------------------------------------------------

    def _answer(self, key: str, number: int) -> bool:
        """Record an answer; return False if it is not possible."""
        later = self._list_later(number) if key in "ad" else []
        if key == "N":
            return self._ignore(number)
        self._answers.update(dict.fromkeys([number, *later], MentionAnswer(is_linked=key in "ya")))
        return True

    def _ignore(self, number: int) -> bool:
        """Ask what is never linked, and record it for all mentions that it is about."""
        item = self._mentions[number]
        if self._config_file.barrier:
            print_stderr(self._config_file.barrier)
            return False
        tests: dict[str, tuple[str, Callable[[Mention], bool]]] = {
            "1": (item.name.text, lambda other: _has_same_name(item, other)),
            "2": (item.target, lambda other: other.target == item.target),
            "3": (
                format_pair(item.path, item.target),
                lambda other: (other.path, other.target) == (item.path, item.target),
            ),
        }
        key = self._ask_scope(item)
        if key == "b":
            return False
        entry, is_about = tests[key]
        if not entry.isprintable() or self._config_file.add([entry], ignore_mentions) is None:
            print_stderr(
                f"{escape_controls(self._config_file.path)} has no place for it; "
                "add it to `ignore` of [mentions] yourself."
            )
            return False
        for other, mention in enumerate(self._mentions):
            if other not in self._answers and is_about(mention):
                self._answers[other] = MentionAnswer(ignored=entry)
        self._answers[number] = MentionAnswer(ignored=entry)
        return True

    def _ask_scope(self, item: Mention) -> str:
        """Ask what is never linked; return the key."""
        keys = [
            QuestionKey("1", f"never link the name “{item.name.text}”, in any note"),
            QuestionKey("2", f"never link to {item.target}, by any name"),
            QuestionKey("3", f"never link {item.path} to {item.target}"),
            QuestionKey("b", "back: ask about this mention again"),
        ]
        width = terminal_width()
        print_stderr(render_mention_keys(keys, width))
        while True:
            prompt = f"{truncate('Never link what?', width - 14)} [1,2,3,b] "
            key = self._read_key(prompt, keys)
            if key != "?":
                return key

    def _list_later(self, number: int) -> list[int]:
        """Return the later mentions of the same target without an answer."""
        group = self._group_numbers[number]
        return [
            later
            for later in range(number + 1, len(self._mentions))
            if self._group_numbers[later] == group and later not in self._answers
        ]

    def _list_keys(self, number: int) -> list[QuestionKey]:
        """Return the possible answers to a question."""
        item, later = self._mentions[number], len(self._list_later(number))
        file = escape_controls(self._config_file.path or "the configuration")
        keys = [QuestionKey("y", f"yes: link to {item.target}")]
        if later:
            others = format_count(later, "later mention")
            keys.append(QuestionKey("a", f"yes, and link {others} of this note too"))
        keys.append(QuestionKey("n", "not now: nothing changes"))
        if later:
            keys.append(QuestionKey("d", "not now, here and in all later mentions of this note"))
        keys.append(QuestionKey("N", f"never: choose what to add to ignore in {file}"))
        if self._history.has_steps:
            keys.append(QuestionKey("b", "back to the previous question"))
        return [
            *keys,
            QuestionKey("q", "quit: write what was chosen so far (Ctrl-C writes nothing)"),
            QuestionKey("?", "show this list"),
        ]


def ask_about_mentions(options: MentionsOptions) -> int:
    """Ask which mentions become links, and write them; return the exit code.

    The lock is not held while waiting for the user.
    """
    require_terminal()
    terminal = Terminal(options)
    output_format = choose_listing_format(terminal)
    root = find_vault_root(options)
    with hold_write_lock(terminal, root):
        pass  # interrupted runs are reverted before the vault is read
    try:
        vault = open_for_writing(options, terminal)
        found = find_mentions(options, vault)
        file = find_settings_file(vault.scan, "add it to `ignore` of [mentions] there")
        choices = _choose_mentions(options, terminal, vault, found, file)
    except (KeyboardInterrupt, EOFError):
        print_stderr("Stopped: nothing was written.")
        return EXIT_INTERRUPTED
    if choices is None:
        print_topics(terminal, found.topics)
        terminal.print_message("No unlinked mentions found.")
        return EXIT_CLEAN
    others, summary = _plan_ignored(file, choices.ignored)
    with hold_write_lock(terminal, root):
        plan = vault.fixer.plan_mentions(choices.linked, confirmed=True)
        run = WrittenMentions(output_format, vault, found.topics, plan)
        result = write_mention_plan(terminal, vault, plan, others, summary)
    is_recorded = all(write.path in result.written for write in others)
    return run.report(terminal, result, summary if is_recorded else "")


def _choose_mentions(
    options: MentionsOptions,
    terminal: Terminal,
    vault: Vault,
    found: FoundMentions,
    file: SettingsFile,
) -> MentionChoices | None:
    """Ask about all mentions that can be linked; return None if there are none."""
    from vaultlink.cli.keys import KeyReader  # noqa: PLC0415 - needs a terminal

    mentions = found.mentions if options.min_score is not None else found.all
    edits = find_mention_edits(vault.state, vault.text, mentions)
    groups = group_by_target([item for item in mentions if (item.path, item.start) in edits])
    if not groups:
        return None
    interview = MentionInterview(
        list(groups.values()),
        edits,
        vault.text,
        file,
        KeyReader(),
        terminal.palette,
    )
    return interview.run()


def _plan_ignored(file: SettingsFile, ignored: Sequence[str]) -> tuple[Sequence[PendingWrite], str]:
    """Return the change of the settings file, and a sentence about it."""
    write = file.add(ignored, ignore_mentions) if ignored else None
    if write is None:
        return (), ""
    entries = format_count(len(ignored), "entry", "entries")
    return [write], f"Added {entries} to ignore of [mentions] in {escape_controls(write.path)}."


def _has_same_name(one: Mention, other: Mention) -> bool:
    return fold_name(one.name.text) == fold_name(other.name.text)
