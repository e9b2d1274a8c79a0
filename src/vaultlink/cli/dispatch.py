"""The command line: the first word picks a command, whose module alone is imported; an exit code leaves.

Nothing raised below gets out of `run_command`: what the user can mend is said in a sentence, a fault of ours in one line.
"""

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NamedTuple

from vaultlink.cli.exit_codes import EXIT_CLEAN, EXIT_ERROR, EXIT_INTERRUPTED
from vaultlink.errors import USER_ERRORS, UsageError


class Command(NamedTuple):
    """A command: the module and function that run it, and the first line of its manual."""

    module: str
    function: str
    summary: str


GROUPS: dict[str, dict[str, Command]] = {
    "Check": {
        "check": Command("check", "check", "Check the vault's links and report what is wrong."),
        "baseline": Command(
            "baseline",
            "baseline",
            "Record today's findings, so that `check` reports only new ones.",
        ),
        "watch": Command(
            "watch", "watch", "Keep checking, and with --fix keep fixing, as the vault changes."
        ),
    },
    "Repair": {
        "fix": Command("fix", "fix", "Fix what can be fixed safely, backlinks sections included."),
        "undo": Command("undo", "undo", "Put back, byte for byte, what a run of vaultlink wrote."),
    },
    "Ask": {
        "show": Command("show", "show", "Show what vaultlink sees in notes."),
        "links": Command("links", "links", "List links with what they lead to."),
        "topics": Command("topics", "topics", "List dangling topics, those named most first."),
        "backlinks": Command(
            "backlinks", "backlinks", "List what links to a note, or keep a section that does."
        ),
        "orphans": Command("orphans", "orphans", "List files that nothing links to."),
        "deadends": Command("orphans", "deadends", "List notes that link nowhere."),
        "graph": Command("graph", "graph", "Describe the vault's graph, or export it."),
    },
    "Set up": {
        "rule": Command("rules", "rule", "Explain a rule."),
        "rules": Command("rules", "rules", "List all rules."),
        "config": Command(
            "config", "config", "List the settings in force and where each comes from."
        ),
        "init": Command(
            "init", "init", "Write settings to start from, or files that check changes."
        ),
        "merge-driver": Command(
            "merge_driver", "merge_driver", "Merge three versions of a note for git."
        ),
    },
}
ALIASES = {"unresolved": "topics"}
COMMANDS = {name: command for group in GROUPS.values() for name, command in group.items()}


def run_command(line: Sequence[str]) -> int:
    """Run one command line and return its exit code."""
    try:
        return _dispatch_command(list(line))
    except KeyboardInterrupt:
        from vaultlink.cli.terminal import discard_output, print_stderr  # noqa: PLC0415

        discard_output(sys.stdout)
        print_stderr("stopped")
        return EXIT_INTERRUPTED
    except Exception as error:
        if os.environ.get("VAULTLINK_DEBUG"):
            raise
        if not isinstance(error, USER_ERRORS):
            detail = " ".join(str(error).split())[:300]
            _print_error(
                f"internal error: {type(error).__name__}: {detail}\nThis is a fault in vaultlink; please report "
                "it. VAULTLINK_DEBUG=1 makes the same command show where it happened."
            )
            return EXIT_ERROR
        from vaultlink.cli.terminal import format_label, print_stderr  # noqa: PLC0415

        print_stderr(f"{format_label('error:')} {error}")
        return EXIT_ERROR


def _dispatch_command(line: list[str]) -> int:
    if not line or line[0] in ("-h", "--help", "help"):
        from vaultlink.cli.terminal import Terminal  # noqa: PLC0415

        Terminal().print_results(render_overview())
        return EXIT_CLEAN
    name = ALIASES.get(line[0], line[0])
    if name not in COMMANDS:
        raise UsageError(_explain_unknown_command(name))
    command = COMMANDS[name]
    from vaultlink.cli.parser import parse_options  # noqa: PLC0415

    function = getattr(import_module(f"vaultlink.cli.commands.{command.module}"), command.function)
    options = parse_options(line[0], function, line[1:])
    return options if isinstance(options, int) else int(function(options))


def render_overview() -> str:
    """The page that `vaultlink --help` prints."""
    size = max(map(len, COMMANDS))
    parts = [
        "vaultlink keeps the links of an Obsidian vault true.\n",
        "Usage: vaultlink COMMAND [OPTIONS]\n",
    ]
    for title, group in GROUPS.items():
        rows = [f"  {name.ljust(size)}  {command.summary}" for name, command in group.items()]
        parts.append("\n".join([f"{title}:", *rows]) + "\n")
    parts.append(
        "`vaultlink COMMAND --help` explains a command.\n"
        "Exit codes: 0 clean, 1 findings, 2 a command or setting can't be followed.\n"
    )
    return "\n".join(parts)


def _explain_unknown_command(name: str) -> str:
    if name.startswith("-"):
        return (
            f"{name} stands before any command; options follow it, as in `vaultlink check {name}`."
        )
    from difflib import get_close_matches  # noqa: PLC0415

    near = get_close_matches(name, [*COMMANDS, *ALIASES], 2, 0.6)
    if near:
        return f'there is no command "{name}". Did you mean {" or ".join(near)}?'
    if os.path.exists(name):  # noqa: PTH110 - one question, and pathlib is not imported yet
        return f'there is no command "{name}". To check that path: `vaultlink check {name}`.'
    return f'there is no command "{name}". `vaultlink --help` lists all commands.'


def _print_error(text: str) -> None:
    from vaultlink.cli.terminal import print_stderr  # noqa: PLC0415

    print_stderr(text)
