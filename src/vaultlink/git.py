"""Run git for a vault: repository, ignored files, blobs, diffs, merges.

No other module runs git. Without git, or where git fails, the functions return None or an empty
result; they raise nothing.
"""

import os
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import subprocess

_TIMEOUT_SECONDS = 60

_STALE_LOCK_SECONDS = 60.0
"""Age in seconds from which git's lock counts as abandoned."""

_MAX_CONFLICT_COUNT, _UNKNOWN_OPTION = 127, 129
"""Codes of `git merge-file`: the highest conflict count, an unknown option."""

_HOOK_VARIABLES = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_PREFIX")
"""Variables that git sets for its hooks, removed before git is run.

They describe the repository of the hook, relative to the folder the hook runs in. A vault may lie
in another folder or in another repository.
"""


def run_git(
    root: Path,
    *command: str,
    stdin: bytes | None = None,
    ok_codes: Collection[int] = (0,),
    may_fetch: bool = True,
) -> bytes | None:
    """Run git in `root` and return its standard output.

    Without `may_fetch`, git does not fetch objects that a partial clone lacks. Return None if git
    can't be run, takes longer than 60 seconds, or exits with a code that is not in `ok_codes`.
    """
    result = _run(root, *command, stdin=stdin, may_fetch=may_fetch)
    return result.stdout if result and result.returncode in ok_codes else None


def _run(
    root: Path, *command: str, stdin: bytes | None = None, may_fetch: bool = True
) -> "subprocess.CompletedProcess[bytes] | None":
    import subprocess  # noqa: PLC0415 - an unchanged run does not need it

    environment = _environment()
    if not may_fetch:
        environment["GIT_NO_LAZY_FETCH"] = "1"
    try:
        return subprocess.run(
            ["git", "-c", "core.fsmonitor=false", "-C", os.fspath(root), *command],
            input=stdin,
            capture_output=True,
            check=False,
            timeout=_TIMEOUT_SECONDS,
            stdin=None if stdin is not None else subprocess.DEVNULL,
            env=environment,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),  # on Windows
        )
    except (OSError, subprocess.SubprocessError):
        return None


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in _HOOK_VARIABLES}


class RunningGit:
    """Git that runs while this program does something else.

    It is ended with this object.
    """

    def __init__(self, root: Path, *command: str):
        """Start git in `root`."""
        import subprocess  # noqa: PLC0415 - an unchanged run does not need it

        self._process: subprocess.Popen[bytes] | None = None
        with suppress(OSError, subprocess.SubprocessError):
            self._process = subprocess.Popen(
                ["git", "-c", "core.fsmonitor=false", "-C", os.fspath(root), *command],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=_environment(),
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),  # on Windows
            )

    def read(self) -> bytes | None:
        """Wait for git and return its standard output, as `run_git` does."""
        import subprocess  # noqa: PLC0415

        if self._process is None:
            return None
        try:
            output, _ = self._process.communicate(timeout=_TIMEOUT_SECONDS)
        except (OSError, subprocess.SubprocessError):
            return None
        return output if self._process.returncode == 0 else None

    def __del__(self) -> None:
        if self._process is not None and self._process.stdout is not None:
            self._process.stdout.close()
            if self._process.poll() is None:
                self._process.kill()
                self._process.wait()


def find_git_dir(root: Path) -> Path | None:
    """Return the git directory of the repository that a vault lies in, or None."""
    for folder in (root, *root.parents):
        git_path = folder / ".git"
        if git_path.is_dir():
            return git_path
        if git_path.is_file():
            with suppress(OSError, ValueError):
                _, _, path = git_path.read_text(encoding="utf-8").partition("gitdir:")
                return (folder / path.strip()).resolve()
            return None
    return None


def read_git_state(root: Path) -> str:
    """Return a string that identifies the state of git; "" outside a repository.

    It holds the commit of HEAD and the size and time of the index. Cached renames are valid as long
    as it is the same.
    """
    git_dir = find_git_dir(root)
    if git_dir is None:
        return ""
    head = _read(git_dir / "HEAD")
    ref = head.removeprefix("ref:").strip()
    common_dir = (git_dir / (_read(git_dir / "commondir").strip() or ".")).resolve()
    commit = (
        head
        if ref == head.strip()
        else _read(git_dir / ref) or _read(common_dir / ref) or _read(common_dir / "packed-refs")
    )
    with suppress(OSError):
        index = (git_dir / "index").stat()
        return f"{commit} {index.st_size} {index.st_mtime_ns}"
    return commit


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def is_git_busy(folder: Path | None) -> bool:
    """Return True while git changes files of the working tree, such as in a checkout.

    It is True while git's `index.lock` exists and is younger than 60 seconds. The watcher waits for
    the end of such a change and handles it as one event.
    """
    if folder is None:
        return False
    try:
        return time.time() - os.stat(folder / "index.lock").st_mtime < _STALE_LOCK_SECONDS  # noqa: PTH116 - called twenty times a second
    except OSError:
        return False


def load_ignore_filter(vault: Path) -> Callable[[str], bool] | None:
    """Return a function that is True for vault paths that git ignores.

    Return None outside a repository, without git, and where git ignores nothing.
    """
    root = vault.resolve()
    output = (
        run_git(
            root, "ls-files", "--others", "--ignored", "--exclude-standard", "--directory", "-z"
        )
        if find_git_dir(root)
        else None
    )
    paths = os.fsdecode(output or b"").split("\0")[:-1]
    files, folders = frozenset(paths), tuple(path for path in paths if path.endswith("/"))
    return (lambda path: path in files or path.startswith(folders)) if paths else None


def filter_ignored(root: Path, paths: Sequence[str]) -> frozenset[str]:
    """Return those of these vault paths that git ignores."""
    request = b"".join(os.fsencode(path) + b"\0" for path in paths)
    output = run_git(root, "check-ignore", "-z", "--stdin", stdin=request, ok_codes=(0, 1))
    return frozenset(os.fsdecode(output or b"").split("\0")[:-1])


# -- files and blobs ----------------------------------------------------------------------------


class RawDiffEntry(NamedTuple):
    """A change in git's raw diff format, without renames.

    `status` is a letter (such as D or A), `mode` and `blob` are those before the change, `new_blob`
    is the one after it (zeros if there is none, or if it is not in git). `old` is the path.
    `commit` is the commit ("" in a diff of the working tree).
    """

    status: str
    mode: str
    blob: str
    new_blob: str
    old: str
    commit: str


def parse_raw_diff(raw: bytes) -> Iterator[RawDiffEntry]:
    """Yield the changes of git's raw format with `-z` and without renames.

    Each change is `:modes blobs status`, then the path. Other fields are commits.
    """
    fields, commit = iter(os.fsdecode(raw).split("\0")), ""
    for field in fields:
        text = field.lstrip("\n")
        if not text.startswith(":"):
            commit = text
            continue
        mode, _, blob, new_blob, status = text[1:].split(" ")
        yield RawDiffEntry(status[:1], mode, blob, new_blob, next(fields, ""), commit)


def diff_working_tree(root: Path, commit: str) -> bytes | None:
    """Return the raw diff of a commit and the working tree, without untracked files.

    Git compares the content of files that were changed lately, so the filters that are configured
    are switched off. Return None if git fails.
    """
    output = run_git(
        root, "config", "-z", "--name-only", "--get-regexp", r"^filter\.", ok_codes=(0, 1)
    )
    keys = os.fsdecode(output or b"").split("\0")[:-1]
    filters = {key.rpartition(".")[0] for key in keys}
    if output is None or any("=" in name for name in filters):
        return None
    return run_git(
        root,
        *(
            word
            for name in sorted(filters)
            for option in ("clean=", "smudge=", "process=", "required=false")
            for word in ("-c", f"{name}.{option}")
        ),
        *("diff-index", "--raw", "--no-abbrev", "--no-renames", "-z", "--relative"),
        *(commit, "--", "."),
        may_fetch=False,
    )


def diff_commits(root: Path, commits: Sequence[str], *options: str) -> tuple[bytes, list[str]]:
    """Return the raw diffs of commits, and the commits that git can't read.

    The output has the name of each commit before its changes, also if there are none.
    """
    output, failed, start = b"", list[str](), 0
    while start < len(commits) and len(failed) < _MAX_FAILURES:
        part = run_git(
            root,
            *("diff-tree", "--stdin", "--always", "--raw", "--no-abbrev", "--no-renames"),
            *("-r", "-z", "--relative", *options),
            stdin="".join(f"{commit}\n" for commit in commits[start:]).encode(),
            ok_codes=(0, *_FAILURES),
            may_fetch=False,
        )
        if part is None:
            break
        output += part
        if commits[-1].encode() in part:
            return output, failed
        done = set(part.split(b"\0"))
        start = next(
            (n for n in range(start, len(commits)) if commits[n].encode() not in done),
            len(commits),
        )
        if start < len(commits):
            failed.append(commits[start])
            start += 1
    return output, failed + list(commits[start:])


_FAILURES = (1, 128)
"""Exit codes of git after an error."""

_MAX_FAILURES = 20
"""Maximum number of unreadable objects for which git is started again."""


def read_blobs(root: Path, names: Sequence[str], *, may_fetch: bool = True) -> list[bytes | None]:
    """Return the content of blobs by object name, in order; None if unreadable."""
    blobs: list[bytes | None] = []
    for _ in range(_MAX_FAILURES):
        if len(blobs) >= len(names):
            break
        request = "".join(f"{name}\n" for name in names[len(blobs) :]).encode()
        output = run_git(
            root,
            *("cat-file", "--batch"),
            stdin=request,
            ok_codes=(0, *_FAILURES),
            may_fetch=may_fetch,
        )
        read = list(_split_batch(output or b""))
        blobs += read
        if not read and output is None:
            break
        if len(blobs) < len(names):
            blobs.append(None)
    return blobs + [None] * (len(names) - len(blobs))


def _split_batch(output: bytes) -> Iterator[bytes | None]:
    """Yield the objects in the output of `git cat-file --batch`."""
    offset = 0
    while offset < len(output):
        header, _, _ = output[offset : offset + 200].partition(b"\n")
        words = header.split()
        offset += len(header) + 1
        if len(words) != 3 or not words[2].isdigit():
            yield None
            continue
        size = int(words[2])
        yield output[offset : offset + size]
        offset += size + 1


def read_filtered_blobs(root: Path, files: Sequence[tuple[str, str]]) -> list[bytes | None]:
    """Return the content of files as a checkout would write them, in order.

    `files` are pairs of vault path and blob name. Git's filters are applied, as a filter may
    encrypt a file or store it elsewhere (Git LFS). None for blobs that git does not have.
    """
    blobs, filtered_paths = (
        read_blobs(root, [name for _, name in files]),
        find_filtered_paths(root, [path for path, _ in files]),
    )
    if not filtered_paths:
        return blobs
    prefix = os.fsdecode(run_git(root, "rev-parse", "--show-prefix") or b"").removesuffix("\n")
    return [
        run_git(root, "cat-file", "--filters", f"--path={prefix}{path}", name)
        if path in filtered_paths
        else data
        for (path, name), data in zip(files, blobs, strict=True)
    ]


def find_filtered_paths(root: Path, paths: Sequence[str]) -> frozenset[str]:
    """Return those of these paths that have a git filter or an encoding."""
    request = b"".join(os.fsencode(path) + b"\0" for path in paths)
    output = os.fsdecode(
        run_git(
            root, "check-attr", "-z", "--stdin", "filter", "working-tree-encoding", stdin=request
        )
        or b""
    )
    fields = output.split("\0")[:-1]
    return frozenset(
        path
        for path, value in zip(fields[::3], fields[2::3], strict=True)
        if value not in ("unspecified", "unset")
    )


def list_untracked(root: Path) -> Callable[[], list[str]]:
    """Return a function that lists the vault paths git neither tracks nor ignores.

    Git starts at once. The function can be called once.
    """
    git = RunningGit(root, "ls-files", "--others", "--exclude-standard", "-z")
    return lambda: os.fsdecode(git.read() or b"").split("\0")[:-1]


def merge_files(
    files: Sequence[Path], labels: Sequence[str], size: int
) -> tuple[bytes, bool] | None:
    """Merge three files, in the order ours, base, theirs, as `git merge` does.

    Return the merged bytes and whether they contain conflicts, or None if git can't merge the
    files. Conflict markers are `size` characters long and in the user's conflict style; `labels`
    name the three files in them.
    """
    arguments = [
        *(word for label in labels for word in ("-L", label)),
        "--",
        *map(os.fspath, files),
    ]
    # `git merge` uses the histogram algorithm; `git merge-file` before 2.44 has no such option.
    for options in (["--diff-algorithm=histogram"], []):
        result = _run(
            Path(), "merge-file", "-p", "-q", f"--marker-size={size}", *options, *arguments
        )
        if result is None or result.returncode != _UNKNOWN_OPTION:
            return (
                (result.stdout, result.returncode > 0)
                if result and 0 <= result.returncode <= _MAX_CONFLICT_COUNT
                else None
            )
    return None


def find_work_tree(root: Path) -> Path | None:
    """Return the root of the working tree that a vault lies in, or None."""
    return next((folder for folder in (root, *root.parents) if (folder / ".git").exists()), None)
