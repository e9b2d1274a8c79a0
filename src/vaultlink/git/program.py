"""Start git so that it runs no program which a repository names.

No other module starts a program. A repository can come from anyone, and its configuration, hooks
and attributes can name programs. All of them are off, also those of the user's own configuration:
the attributes of a repository choose among them. Git's own conversions, such as of line ends, stay.
"""

import os
import sys
from collections.abc import Collection, Iterable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from vaultlink.git.location import find_blocking_file, is_in_bare_repository

if TYPE_CHECKING:
    import subprocess

_TIMEOUT_SECONDS = 60
_VERSION_TIMEOUT_SECONDS = 2

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
    "gpg.program=false",
    "log.showSignature=false",
    "protocol.allow=never",
    "safe.bareRepository=explicit",  # a clone can contain a folder that looks like a repository
    "submodule.recurse=false",
)
"""Settings that take precedence over those of the repository and of the user."""

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


class _Call(NamedTuple):
    """The words of a command line of git, and its environment."""

    words: tuple[str, ...]
    environment: dict[str, str]


def run_git(
    root: Path, *command: str, stdin: bytes | None = None, ok_codes: Collection[int] = (0,)
) -> bytes | None:
    """Run git in `root` and return its standard output.

    Git does not fetch objects that a partial clone lacks. Return None if git can't be run, takes
    longer than 60 seconds, or exits with a code that is not in `ok_codes`.
    """
    result = run_to_end(root, *command, stdin=stdin)
    return result.stdout if result and result.returncode in ok_codes else None


def run_to_end(
    root: Path, *command: str, stdin: bytes | None = None
) -> "subprocess.CompletedProcess[bytes] | None":
    """Run git in `root` and return its output and exit code; None if it can't be run."""
    import subprocess  # noqa: PLC0415 - an unchanged run does not need it

    call = _build_call(root, command)
    if call is None:
        return None
    try:
        return subprocess.run(
            call.words,
            input=stdin,
            capture_output=True,
            check=False,
            timeout=_TIMEOUT_SECONDS,
            stdin=None if stdin is not None else subprocess.DEVNULL,
            env=call.environment,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),  # on Windows
        )
    except subprocess.TimeoutExpired:
        GitTimeouts.has_occurred = True
    except (OSError, ValueError, subprocess.SubprocessError):
        pass
    return None


class RunningGit:
    """Git that runs while this program does something else.

    It is ended with this object.
    """

    def __init__(self, root: Path, *command: str):
        """Start git in `root`."""
        import subprocess  # noqa: PLC0415 - an unchanged run does not need it

        self._process: subprocess.Popen[bytes] | None = None
        call = _build_call(root, command)
        if call is None:
            return
        with suppress(OSError, ValueError, subprocess.SubprocessError):
            self._process = subprocess.Popen(
                call.words,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=call.environment,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),  # on Windows
            )

    def read(self) -> bytes | None:
        """Wait for git and return its standard output, as `run_git` does."""
        import subprocess  # noqa: PLC0415

        if self._process is None:
            return None
        try:
            output, _ = self._process.communicate(timeout=_TIMEOUT_SECONDS)
        except (OSError, subprocess.SubprocessError) as error:
            GitTimeouts.has_occurred = isinstance(error, subprocess.TimeoutExpired)
            return None
        return output if self._process.returncode == 0 else None

    def __del__(self) -> None:
        if self._process is not None and self._process.stdout is not None:
            self._process.stdout.close()
            if self._process.poll() is None:
                self._process.kill()
                self._process.wait()


def _build_call(root: Path, command: tuple[str, ...]) -> _Call | None:
    """Return a call of git; None if it could run other programs."""
    program = find_program("git", os.environ.get("PATH", os.defpath))
    if (
        program is None
        or GitTimeouts.has_occurred
        or is_in_bare_repository(root)
        or find_blocking_file(root)
    ):
        return None
    settings = list(_SETTINGS)
    if not (_PLAIN_COMMANDS.issuperset(_command_name(command)) and _CONVERTING.isdisjoint(command)):
        filters = find_filters(root)
        if filters is None or any("=" in name for name in filters):
            return None  # `-c` can't express such a name
        settings += [
            f"filter.{name}.{option}"
            for name in sorted(filters)
            for option in ("clean=", "smudge=", "process=", "required=false")
        ]
    return _Call(
        (
            program,
            "--no-pager",
            *(word for setting in settings for word in ("-c", setting)),
            *("-C", os.fspath(root)),
            *_add_options(command),
        ),
        {
            **{name: value for name, value in os.environ.items() if name not in _REMOVED_VARIABLES},
            **_ADDED_VARIABLES,
        },
    )


def _command_name(command: tuple[str, ...]) -> tuple[str, ...]:
    """Return the name of a command, behind the options of git itself."""
    return next(((word,) for word in command if not word.startswith("-")), command[:1])


def _add_options(command: tuple[str, ...]) -> Iterable[str]:
    (name,) = _command_name(command)
    place = command.index(name) + 1
    return (*command[:place], *_EXTRA_OPTIONS.get(name, ()), *command[place:])


def read_program_version(program: str) -> bytes:
    """Return what a program prints for `--version`; empty if it fails.

    `program` is the absolute path of a program of the user, such as the pager.
    """
    import subprocess  # noqa: PLC0415

    try:
        return subprocess.run(
            (program, "--version"),
            capture_output=True,
            check=False,
            timeout=_VERSION_TIMEOUT_SECONDS,
            stdin=subprocess.DEVNULL,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return b""


@cache
def find_program(name: str, search_path: str) -> str | None:
    """Return the absolute path of a program; None if it is not installed.

    Relative folders of `search_path` are left out, as is the current one that Windows looks into
    first: a vault may hold a program with this name.
    """
    if sys.platform == "win32" and not name.lower().endswith(".exe"):
        name += ".exe"
    for folder in search_path.split(os.pathsep):
        file = os.path.join(folder, name)  # noqa: PTH118 - pathlib drops nothing that matters here
        if os.path.isabs(folder) and os.path.isfile(file) and os.access(file, os.X_OK):  # noqa: PTH113, PTH117
            return file
    return None


def find_filters(root: Path) -> dict[str, bool] | None:
    """Return the configured filters; None if git fails.

    The values are True if a checkout runs a program for the filter.
    """
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
