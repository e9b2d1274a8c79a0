"""Read single keys, and names with completion, from a terminal.

prompt_toolkit reads the keys: it restores the terminal however the program ends, and also works on
Windows. It is imported only when the first key is read.
"""

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from vaultlink.report.layout import escape_controls

if TYPE_CHECKING:
    from prompt_toolkit.completion import CompleteEvent, Completer, Completion
    from prompt_toolkit.document import Document
    from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

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
        """Return the next key that is pressed.

        It is in lower case unless `keys` has it in upper case. Keys that type a character which
        is not in `keys` return `?`, all other keys are ignored.
        """
        from prompt_toolkit.application import Application  # noqa: PLC0415
        from prompt_toolkit.layout import FormattedTextControl, Layout, Window  # noqa: PLC0415

        control = FormattedTextControl(
            [("", escape_controls(prompt)), ("[SetCursorPosition]", " ")], show_cursor=True
        )
        application: Application[str] = Application(
            layout=Layout(Window(control, dont_extend_height=True, wrap_lines=True)),
            key_bindings=_bind_keys(keys),
            erase_when_done=True,
            input=self._input,
            output=self._output,
        )
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
        return session.prompt(escape_controls(prompt), default=line).strip()


def _bind_keys(keys: str) -> "KeyBindings":
    """Bind `keys`, Ctrl-C and Ctrl-D so that each of them ends an application."""
    from prompt_toolkit.key_binding import KeyBindings  # noqa: PLC0415

    bindings = KeyBindings()

    def press(event: "KeyPressEvent") -> None:
        key = event.data if event.data in keys else event.data.lower()
        if len(key) == 1 and key.isprintable():
            event.app.exit(result=key if key in keys else "?")

    if keys:
        bindings.add("<any>")(press)
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
