"""Start git so that it runs no program which a repository names.

A repository can come from anyone, and its configuration, hooks
and attributes can name programs. All of them are off, also those of the user's own configuration:
the attributes of a repository choose among them. Git's own conversions, such as of line ends, stay.

A small repository can stand for very much: trees that contain each other, or texts that compress
well. So git's output is read up to a limit, and git gets no more memory than a repository of this
size needs: at once, and on Linux in all.
"""

import os
import sys
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import ClassVar

from vaultlink.git.location import find_blocking_file, is_in_bare_repository, weigh_packs
from vaultlink.programs import ProgramCall, ProgramResult, RunningProgram, search_program

_TIMEOUT_SECONDS = 60

MAX_OUTPUT = 48_000_000
"""Bytes of git's output that are read, and twice those of the repository's packs and index.

It is the names of about 700,000 files.
"""

_MAX_MEMORY = 128_000_000
"""Bytes of memory that git gets on Linux, and twice those of the packs and the index."""

_PER_PACKED_BYTE = 2

_LARGEST_ALLOCATION = "GIT_ALLOC_LIMIT"
"""The variable with the most bytes that git takes at once: it may do so as soon as it runs."""

_REMOVED_VARIABLES = (
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_PREFIX"),
    "GIT_EXTERNAL_DIFF",
)
"""Variables that are removed before git is run.

Those that git sets for its hooks describe the repository of the hook, relative to the folder the
hook runs in. A vault may lie in another folder or in another repository.
"""

_ADDED_VARIABLES = {
    "GIT_ALLOW_PROTOCOL": "none",  # stronger than any `protocol.*.allow`; nothing is fetched
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_OPTIONAL_LOCKS": "0",  # the index is not written, so no hook is due
    "GIT_TERMINAL_PROMPT": "0",
}

_SETTINGS = (
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.alternateRefsCommand=",
    "core.askPass=",
    "core.editor=:",
    "core.gitProxy=",
    "core.pager=cat",
    "core.sshCommand=false",
    "credential.helper=",
    "diff.external=",
    "diff.ignoreSubmodules=all",  # git would start itself in each of them
    "diff.orderFile=/dev/null",  # it may be a file without an end
    "gpg.program=false",
    "log.mailmap=false",  # as may be `mailmap.file`
    "log.showSignature=false",
    "protocol.allow=never",
    "safe.bareRepository=explicit",  # a clone can contain a folder that looks like a repository
    "submodule.recurse=false",
)
"""Settings that take precedence over those of the repository and of the user."""

_SETTINGS_WITH_LIMIT = ("core.preloadIndex=false", "index.threads=1")
"""Settings where the memory of git is limited: the stack of each thread would count."""

_PLAIN_COMMANDS = frozenset(
    {
        *("cat-file", "check-attr", "check-ignore", "config", "diff-tree", "for-each-ref", "log"),
        *("ls-files", "ls-tree", "merge-base", "merge-file", "rev-list", "rev-parse"),
        "symbolic-ref",
        "--version",
    }
)
"""Commands that never convert the contents of files, unless one of `_CONVERTING` is given."""

_CONVERTING = frozenset({"--filters", "--textconv", "--ext-diff"})

_DIFF_OPTIONS = ("--no-ext-diff", "--no-textconv", "--ignore-submodules=all")

_EXTRA_OPTIONS = {
    "diff": _DIFF_OPTIONS,
    "diff-index": _DIFF_OPTIONS,
    "diff-tree": _DIFF_OPTIONS,
    "log": (*_DIFF_OPTIONS, "--no-show-signature"),
}
"""Options that stand behind a command, and before all that follows."""


class GitTimeouts:
    """States whether git took too long in this process; it is not run again then.

    Something in the repository can make it wait for ever.
    """

    has_occurred: ClassVar[bool] = False


def run_git(
    root: Path, *command: str, stdin: bytes | None = None, ok_codes: Collection[int] = (0,)
) -> bytes | None:
    """Run git in `root` and return its standard output.

    Git does not fetch objects that a partial clone lacks. Return None if git can't be run, takes
    longer than 60 seconds, exits with a code that is not in `ok_codes`, or has too much output.
    """
    result = run_to_end(root, *command, stdin=stdin)
    is_usable = result is not None and not result.is_cut and result.code in ok_codes
    return result.output if result is not None and is_usable else None


def run_to_end(
    root: Path,
    *command: str,
    stdin: bytes | None = None,
    limit: int | None = None,
    with_errors: bool = False,
) -> ProgramResult | None:
    """Run git to its end, with up to `limit` bytes of output; None if it can't be run."""
    git = RunningGit(root, *command, stdin=stdin, limit=limit, with_errors=with_errors)
    return git.read_to_end()


class RunningGit(RunningProgram):
    """Git that runs while this program does something else, and ends with this object."""

    def __init__(
        self,
        root: Path,
        *command: str,
        stdin: bytes | None = None,
        limit: int | None = None,
        with_errors: bool = False,
        index_file: str | None = None,
    ):
        """Start git; `index_file` is the absolute path of the index of a commit."""
        call = _build_call(root, command)
        packed = weigh_packs(root) * _PER_PACKED_BYTE if call else 0
        memory = _MAX_MEMORY + packed
        if call is not None:
            environment = {**call.environment, _LARGEST_ALLOCATION: str(memory)}
            if index_file:
                environment["GIT_INDEX_FILE"] = index_file
            call = call._replace(environment=environment)
        super().__init__(
            call,
            stdin,
            limit=MAX_OUTPUT + packed if limit is None else limit,
            seconds=_TIMEOUT_SECONDS,
            memory=memory,
            with_errors=with_errors,
        )

    def read(self) -> bytes | None:
        """Wait for git and return its standard output, as `run_git` does."""
        result = self.read_to_end()
        return result.output if result and result.code == 0 and not result.is_cut else None

    def read_to_end(self) -> ProgramResult | None:
        """Wait for git and return its output and exit code; None if it can't be run."""
        result = super().read_to_end()
        GitTimeouts.has_occurred |= self.is_late
        return None if GitTimeouts.has_occurred else result


NO_GIT = "git is not installed or not on the PATH"
"""The reason why git can't be asked, as a clause."""


def has_git() -> bool:
    return search_program("git") is not None


def _build_call(root: Path, command: tuple[str, ...]) -> ProgramCall | None:
    """Return a call of git; None if it could run other programs."""
    program = search_program("git")
    if program is None or GitTimeouts.has_occurred:
        return None
    if is_in_bare_repository(root) or find_blocking_file(root):
        return None
    settings = [*_SETTINGS, f"core.attributesFile={_find_user_attributes()}"]
    if sys.platform == "linux":
        settings += _SETTINGS_WITH_LIMIT
    if not (_PLAIN_COMMANDS.issuperset(_command_name(command)) and _CONVERTING.isdisjoint(command)):
        filters = find_filters(root)
        if filters is None or any("=" in name for name in filters):
            return None  # `-c` can't express such a name
        settings += [
            f"filter.{name}.{option}"
            for name in sorted(filters)
            for option in ("clean=", "smudge=", "process=", "required=false")
        ]
    options = [word for setting in settings for word in ("-c", setting)]
    words = (program, "--no-pager", *options, "-C", os.fspath(root), *_add_options(command))
    kept = {name: value for name, value in os.environ.items() if name not in _REMOVED_VARIABLES}
    return ProgramCall(words, kept | _ADDED_VARIABLES)


def _find_user_attributes() -> str:
    """Return where git looks for the user's attributes, whatever the repository says."""
    folder = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    return f"{folder}/git/attributes"


def _command_name(command: tuple[str, ...]) -> tuple[str, ...]:
    """Return the name of a command, behind the options of git itself."""
    return next(((word,) for word in command if not word.startswith("-")), command[:1])


def _add_options(command: tuple[str, ...]) -> Iterable[str]:
    (name,) = _command_name(command)
    place = command.index(name) + 1
    return (*command[:place], *_EXTRA_OPTIONS.get(name, ()), *command[place:])


def find_filters(root: Path) -> dict[str, bool] | None:
    """Return the filters, True for those with a program; None if git fails."""
    output = run_git(root, "config", "-z", "--get-regexp", r"^filter\.", ok_codes=(0, 1))
    if output is None:
        return None
    filters: dict[str, bool] = {}
    for entry in os.fsdecode(output).split("\0")[:-1]:
        key, _, value = entry.partition("\n")
        name, _, option = key.removeprefix("filter.").rpartition(".")
        runs = option in ("smudge", "process") and value != ""
        filters[name] = filters.get(name, False) or runs
    return filters
