"""Command dispatch: import a command's module, run it, return its exit code.

`run_command` raises nothing. User errors are printed as a sentence, internal errors in one line.
"""

import os
import sys
from collections.abc import Sequence
from contextlib import suppress

from vaultlink.cli.command_table import ALIASES, COMMANDS, GROUPS, OLD_WORDS, REMOVED_WORDS
from vaultlink.cli.exit_codes import EXIT_CLEAN, EXIT_ERROR, EXIT_GUARD_FAILED, EXIT_INTERRUPTED
from vaultlink.errors import USER_ERRORS, DamagedCacheError, UnknownNameError, UsageError, propose

_COMPLETE = "__complete"
"""Hidden command with which completion scripts ask for candidates."""

_SEARCH = (
    "Obsidian searches texts. `vaultlink links` lists links, and `vaultlink mentions` names of "
    "notes without a link."
)
_KNOWN_ELSEWHERE = {
    **dict.fromkeys(("lint", "validate", "verify", "test"), "Did you mean check?"),
    **dict.fromkeys(("format", "fmt", "autofix"), "Did you mean fix?"),
    **dict.fromkeys(("mv", "git-mv"), "Did you mean move or rename?"),
    **dict.fromkeys(("refactor", "retag", "rename-tag"), "Did you mean rename?"),
    **dict.fromkeys(("search", "find", "grep", "query"), _SEARCH),
    **dict.fromkeys(("ls", "list", "files", "notes"), "Did you mean show or links?"),
    **dict.fromkeys(("broken", "dangling"), "Did you mean unresolved or check?"),
    **dict.fromkeys(("explain", "why"), "Did you mean rule?"),
    **dict.fromkeys(("dashboard", "stats", "score", "health"), "Did you mean report?"),
    **dict.fromkeys(("settings", "show-settings"), "Did you mean config?"),
    **dict.fromkeys(("revert", "restore", "rollback"), "Did you mean undo?"),
    **dict.fromkeys(("rm", "remove", "trash"), "Did you mean delete?"),
    **dict.fromkeys(
        ("new", "create", "touch", "add"),
        "Obsidian creates notes. `vaultlink fix -i` asks whether to create those that links want.",
    ),
    **dict.fromkeys(
        ("upgrade", "update", "self-update", "install", "uninstall"),
        "The program that installed vaultlink does that: pip, pipx or uv.",
    ),
    **dict.fromkeys(("clear", "purge", "clear-cache"), "Did you mean clean?"),
    "version": "Did you mean --version?",
    "--install-completion": "Did you mean completion?",
    "--show-completion": "Did you mean completion?",
    "completions": "Did you mean completion?",
    "generate-shell-completion": "Did you mean completion?",
}
"""Commands that other programs have, and what serves here."""


def run_command(line: Sequence[str]) -> int:
    line = _replace_old_words(list(line))
    _forget_earlier_runs()
    try:
        try:
            return _dispatch_command(list(line))
        except DamagedCacheError as error:  # raised before anything is printed or written
            from vaultlink.write.cache import forget_cache_file  # noqa: PLC0415

            if not forget_cache_file(error.file):
                raise
            return _dispatch_command(list(line))
        except Exception as error:
            if isinstance(error, USER_ERRORS) or not _can_start_anew():
                raise
            return _dispatch_command(list(line))
    except KeyboardInterrupt:
        from vaultlink.programs import discard_output  # noqa: PLC0415

        discard_output(sys.stdout)
        _print_message("stopped")
        return EXIT_GUARD_FAILED if _is_guard(line) else EXIT_INTERRUPTED
    except Exception as error:
        if os.environ.get("VAULTLINK_DEBUG"):
            raise
        text = (" " if _is_guard(line) else "\n").join(_explain_error(error))
        _print_message(text, "error:" if isinstance(error, USER_ERRORS) else "")
        return EXIT_GUARD_FAILED if _is_guard(line) else EXIT_ERROR


def _replace_old_words(line: list[str]) -> list[str]:
    """Return a line with the words that are written now; warn of those that it replaced."""
    words, names = _split_names(line)
    warnings = list[str]()
    for old, new in OLD_WORDS.items():
        command, *options = old.split()
        if words[:1] != [command]:
            continue
        rest = _remove_words(words[1:], options)
        if len(rest) < len(words) - 1:
            start, dashes, added = new.partition(" --")
            words = [*start.split(), *rest, *f"{dashes}{added}".split()]
            warnings.append(f"`{old}` is `{new}` now")
    if warnings:
        _print_message(f"{', '.join(warnings)}.", "warning:")
    return words + names


def _split_names(line: list[str]) -> tuple[list[str], list[str]]:
    """Return the words that may be options, and the others, which begin with `--`."""
    end = line.index("--") if "--" in line else len(line)
    return line[:end], line[end:]


def _remove_words(line: list[str], words: list[str]) -> list[str]:
    """Return a line without an option, and without its value if `words` has one."""
    rest, size = list[str](), len(words)
    while line:
        is_old = line[:size] == words
        if not is_old and line[0] != "=".join(words):
            rest.append(line[0])
        line = line[size if is_old else 1 :]
    return rest


def _print_message(text: str, label: str = "") -> None:
    from vaultlink.cli.terminal import format_label, print_stderr  # noqa: PLC0415 - rarely needed

    print_stderr(f"{format_label(label)} {text}" if label else text)


def _is_guard(line: Sequence[str]) -> bool:
    """Return True for the command whose failures must not stop a tool."""
    return line[:1] == ["guard"]


def _explain_error(error: Exception) -> list[str]:
    if isinstance(error, FileNotFoundError) and not _has_current_folder():
        return [
            "error: the current folder no longer exists. Change to another folder and run the "
            "command again."
        ]
    if not isinstance(error, USER_ERRORS):
        detail = " ".join(str(error).split())[:300]
        return [
            f"internal error: {type(error).__name__}: {detail}",
            "This is a bug in vaultlink; please report it. "
            "Set VAULTLINK_DEBUG=1 to see the traceback.",
        ]
    from vaultlink.report.layout import escape_controls  # noqa: PLC0415

    return list(map(escape_controls, str(error).split("\n")))


def _has_current_folder() -> bool:
    try:
        os.getcwd()  # noqa: PTH109 - pathlib may not be imported yet
    except OSError:
        return False
    return True


def _forget_earlier_runs() -> None:
    """Reset what this process noted of earlier command lines, as tests have them."""
    for module, name in (("disk.cache", "CacheUse"), ("write.journal", "JournalUse")):
        if found := sys.modules.get(f"vaultlink.{module}"):
            getattr(found, name).reset()
    if found := sys.modules.get("vaultlink.cli.terminal"):
        found.Terminal.has_printed = False


def _can_start_anew() -> bool:
    """Forget the cache; return True if it may be the cause and nothing was done.

    A cache with contradictory contents, perhaps of another author, must not stop a command.
    """
    modules = sys.modules
    if "vaultlink.disk.cache" not in modules:
        return False
    from vaultlink.cli.terminal import Terminal  # noqa: PLC0415
    from vaultlink.write.cache import forget_used_cache  # noqa: PLC0415

    journal = modules.get("vaultlink.write.journal")
    has_written = journal is not None and journal.JournalUse.has_recorded
    return forget_used_cache() and not (Terminal.has_printed or has_written)


def _dispatch_command(line: list[str]) -> int:
    if line[:1] == [_COMPLETE]:
        _import_msgspec()
        from vaultlink.cli.candidates import complete_line  # noqa: PLC0415

        return complete_line(line[1:])
    if line[:1] == ["help"] and len(line) > 1:
        return _dispatch_command([*line[1:], "--help"])
    if line == ["guard"]:
        return _answer_hook()
    if not line and _is_in_vault():
        line = ["status"]
    if not line or line[0] in ("-h", "--help", "help"):
        from vaultlink.cli.terminal import Terminal  # noqa: PLC0415

        Terminal().print_paged(render_overview())
        return EXIT_CLEAN
    name = ALIASES.get(line[0], line[0])
    if name not in COMMANDS:
        raise UsageError(_explain_unknown_command(name))
    _refuse_removed_words(line)
    _import_msgspec()
    from vaultlink.cli.parser import parse_options  # noqa: PLC0415

    function = COMMANDS[name].load()
    try:
        options = parse_options(name, function, line[1:])
        return options if isinstance(options, int) else function(options)
    except UnknownNameError:
        from vaultlink.cli.quoting import quote_names  # noqa: PLC0415 - only for this message

        quoted = quote_names(line[0], line[1:])
        if not quoted:
            raise
        raise UsageError(f"names with spaces need quotes: `{quoted}`.") from None


def _refuse_removed_words(line: list[str]) -> None:
    given = {word.partition("=")[0] for word in _split_names(line)[0]}
    for old, advice in REMOVED_WORDS.items():
        command, option = old.split()
        if command == line[0] and option in given:
            raise UsageError(f"there is no option {option} any more. {advice}")


def _answer_hook() -> int:
    """Answer a hook; import little, as most calls of tools change no file."""
    from vaultlink.serve.hook_payloads import (  # noqa: PLC0415 - for this command
        make_answer,
        read_payload,
        read_standard_input,
    )

    call = read_payload(read_standard_input())
    if not call.actions:
        if (answer := make_answer(call, "")) and sys.stdout:
            with suppress(OSError):
                sys.stdout.write(answer.decode())
                sys.stdout.flush()
        return EXIT_CLEAN
    _import_msgspec()
    from vaultlink.cli.commands.guard import GuardOptions, settle_call  # noqa: PLC0415

    return settle_call(GuardOptions(), call)


def _is_in_vault() -> bool:
    """Return True if the current folder is in a folder with `.obsidian` or settings."""
    from pathlib import Path  # noqa: PLC0415 - slow to import, needed without a command only

    from vaultlink.disk.vault_search import find_marked_folder  # noqa: PLC0415 - as above

    try:
        return find_marked_folder(Path.cwd()) is not None
    except OSError:  # the current folder was deleted
        return False


def _import_msgspec() -> None:
    """Import msgspec without typing_extensions, which takes longer than msgspec.

    msgspec takes from it what older versions of Python lack, and else uses `typing`.
    """
    name = "typing_extensions"
    if name in sys.modules:
        return
    sys.modules[name] = None  # type: ignore[assignment]  # importing it raises ImportError
    try:
        import msgspec  # noqa: F401, PLC0415
    finally:
        del sys.modules[name]


def render_overview() -> str:
    size = max(len(name) for name, command in COMMANDS.items() if not command.is_hidden)
    parts = [
        "vaultlink finds and fixes broken links in an Obsidian vault.\n",
        "Usage: vaultlink COMMAND [OPTIONS]\n",
    ]
    for title, group in GROUPS.items():
        rows = [
            f"  {name.ljust(size)}  {command.summary}"
            for name, command in group.items()
            if not command.is_hidden
        ]
        parts.append("\n".join([f"{title}:", *rows]) + "\n")
    parts.append(
        "Start with `vaultlink check` in the folder of your vault. It writes nothing.\n"
        "Run `vaultlink COMMAND --help` for the options of a command.\n"
        "Exit codes: 0 no findings, 1 findings, 2 usage or configuration error.\n"
    )
    return "\n".join(parts)


def _explain_unknown_command(name: str) -> str:
    if name.startswith("-") and name not in _KNOWN_ELSEWHERE:
        return f"{name}: options must follow a command, as in `vaultlink check {name}`."
    from difflib import get_close_matches  # noqa: PLC0415

    from vaultlink.text import quote_name  # noqa: PLC0415

    if name in _KNOWN_ELSEWHERE:
        return f"there is no command {quote_name(name)}. {_KNOWN_ELSEWHERE[name]}"
    near = get_close_matches(name, [*COMMANDS, *ALIASES], 2, 0.7)
    hint = "`vaultlink --help` lists all commands."
    if os.path.exists(name):  # noqa: PTH110 - pathlib is not imported yet
        hint = f"To check that path, run `vaultlink check {name}`."
    return f"there is no command {quote_name(name)}. {propose(near, hint)}"
