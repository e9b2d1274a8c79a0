"""Read commits, trees, diffs and old contents from git, and merge files with it."""

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

from vaultlink.git.location import MAX_BLOB, ReadBudget
from vaultlink.git.program import MAX_OUTPUT, RunningGit, find_filters, run_git, run_to_end
from vaultlink.programs import ProgramResult

_MAX_CONFLICT_COUNT, _UNKNOWN_OPTION = 127, 129
"""Codes of `git merge-file`: the highest conflict count, an unknown option."""


class RawDiffEntry(NamedTuple):
    """A change in git's raw diff format, without renames.

    `status` is a letter (such as D or A), `mode` and `blob` are those before the change, `new_blob`
    is the one after it. Blobs are "" if there is none, or if it is not in git. `old` is the path.
    `commit` is the commit ("" in a diff of the working tree).
    """

    status: str
    mode: str
    blob: str
    new_blob: str
    old: str
    commit: str


def parse_raw_diff(raw: bytes) -> Iterator[RawDiffEntry]:
    """Yield the changes of git's raw format with `-z` and without renames."""
    fields, commit = _split_fields(raw), ""
    for field in fields:
        text = field.lstrip("\n")
        if not text.startswith(":"):
            commit = text
            continue
        mode, _, blob, new_blob, status = text[1:].split(" ")
        blob, new_blob = (name if name.strip("0") else "" for name in (blob, new_blob))
        yield RawDiffEntry(status, mode, blob, new_blob, next(fields, ""), commit)


_PART = 1 << 20
"""Bytes of output that are decoded at once: strings take several times as much memory."""


def _split_fields(raw: bytes) -> Iterator[str]:
    """Yield what NUL characters divide."""
    start = 0
    while start < len(raw):
        end = raw.find(b"\0", start + _PART)
        end = len(raw) if end < 0 else end
        yield from os.fsdecode(raw[start:end]).split("\0")
        start = end + 1


class CommitSummary(NamedTuple):
    """The hash of a commit, and the paths of the files that it adds.

    `is_relevant` is True if files vanished, or one got the former content of another.
    """

    name: str
    is_relevant: bool
    added: list[str]


def summarize_commits(output: bytes, commits: Sequence[str]) -> Iterator[CommitSummary]:
    """Yield summaries of the raw diffs of commits, in order; not parsed, to save time."""
    starts, start = dict[str, int](), 0
    for name in commits:
        found = output.find(f"{name}\0".encode(), start)
        if found >= 0:
            starts[name] = start = found
    ends = [*list(starts.values())[1:], len(output)]
    for (name, start), end in zip(starts.items(), ends, strict=False):
        size, fields = len(name), output[start:end].split(b"\0")
        heads = fields[1::2]
        before, after = slice(15, 15 + size), slice(16 + size, 16 + 2 * size)
        now = {head[after] for head in heads}
        is_relevant = any(
            head.endswith(b"D")
            or (head.endswith(b"M") and head[before] in now and head[before] != head[after])
            for head in heads
        )
        paths = zip(heads, fields[2::2], strict=False)
        added = [os.fsdecode(path) for head, path in paths if head.endswith(b"A")]
        yield CommitSummary(name, is_relevant, added)


def diff_working_tree(root: Path, commit: str) -> list[RawDiffEntry] | None:
    """Return the changes since a commit, without untracked files; None if git fails."""
    output = run_git(
        root,
        *("diff-index", "--raw", "--no-abbrev", "--no-renames", "-z", "--relative"),
        *(commit, "--", "."),
    )
    return None if output is None else list(parse_raw_diff(output))


_EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
"""The tree without files, which git knows without having it."""


def list_staged_changes(root: Path, index_file: str | None) -> list[RawDiffEntry] | None:
    """Return the changes from HEAD to the index of a working tree; None if git fails.

    `index_file` is the index of a commit of named files, which git names to its hooks.
    """
    commit = _EMPTY_TREE if has_no_commit_yet(root) else "HEAD"
    output = RunningGit(
        root,
        *("diff-index", "--cached", "--ita-invisible-in-index"),
        *("--raw", "--no-abbrev", "--no-renames", "-z", commit, "--"),
        index_file=index_file,
    ).read()
    return None if output is None else list(parse_raw_diff(output))


class IndexEntry(NamedTuple):
    """A file in the index: its mode and the object name of its content.

    `is_on_disk` is True if the file on disk is known to have this content.
    """

    mode: str
    blob: str
    is_on_disk: bool


class IndexListing:
    """The files in the index of a working tree.

    Git lists them while the vault is loaded.
    """

    def __init__(self, root: Path, paths: Sequence[str], index_file: str | None):
        """Start git in a working tree to list the files at or below these paths."""
        start = partial(RunningGit, root, "--literal-pathspecs", index_file=index_file)
        self._files = start("ls-files", "--stage", "-v", "-z", "--", *paths)
        self._diff = start("diff", "--raw", "--no-abbrev", "--no-renames", "-z", "--", *paths)

    def read(self) -> dict[str, IndexEntry] | None:
        """Return the files by their path in the working tree; None if git fails.

        A file that is only announced (`git add --intent-to-add`) is in no commit, so it is left
        out. Of a file with a merge conflict, this is the version of HEAD.
        """
        files, diff = self._files.read(), self._diff.read()
        if files is None or diff is None:
            return None
        differing = {entry.old: entry.status for entry in parse_raw_diff(diff)}
        return {
            path: entry._replace(is_on_disk=entry.is_on_disk and path not in differing)
            for path, entry in map(_parse_index_entry, filter(None, _split_fields(files)))
            if entry and differing.get(path) != "A"
        }


_COMPARED = "H"
"""The tag of files that git compares with the disk.

It was told to skip the others, or to assume that they are unchanged.
"""

_STAGES_OF_HEAD = ("0", "2")
"""The stages of a file without a conflict, and of its version in HEAD."""


def _parse_index_entry(line: str) -> tuple[str, IndexEntry | None]:
    fields, _, path = line.partition("\t")
    tag, mode, blob, stage = fields.split(" ")
    entry = IndexEntry(mode, blob, tag == _COMPARED) if stage in _STAGES_OF_HEAD else None
    return path, entry


def start_diff(root: Path, commit: str) -> RunningGit:
    """Start git to compare a commit and the working tree, by content and not by time."""
    return RunningGit(
        root,
        *("diff", "--raw", "--no-abbrev", "--no-renames", "-z", "--relative", commit, "--", "."),
    )


def diff_commits(
    root: Path, commits: Sequence[str], budget: ReadBudget, *options: str
) -> tuple[bytes, list[str]]:
    """Return the raw diffs of commits, and the commits that git can't read.

    The output has the name of each commit before its changes, also if there are none. A commit with
    more changes than the budget allows is one that git can't read.
    """
    parts, failed, start = list[bytes](), list[str](), 0
    while start < len(commits) and budget.can_go_on:
        limit = budget.left
        result = run_to_end(
            root,
            *("diff-tree", "--stdin", "--always", "--raw", "--no-abbrev", "--no-renames"),
            *("-r", "-z", "--relative", *options),
            stdin="".join(f"{commit}\n" for commit in commits[start:]).encode(),
            limit=limit,
        )
        if result is None or not (result.is_cut or result.code in (0, *_FAILURES)):
            break
        done, size = _find_complete(result, commits[start:])
        parts.append(result.output[:size])
        budget.take(size)
        start += done
        is_readable = result.is_cut and (done > 0 or budget.weigh() > limit)
        if start < len(commits) and not is_readable:
            budget.failures_left -= 1
            failed.append(commits[start])
            start += 1
    return b"".join(parts), failed + list(commits[start:])


def _find_complete(result: ProgramResult, commits: Sequence[str]) -> tuple[int, int]:
    """Return how many of the commits an output has as a whole, and up to where."""
    output, place = result.output, 0
    if not result.is_cut and f"{commits[-1]}\0".encode() in output:
        return len(commits), len(output)
    for number, commit in enumerate(commits):
        found = output.find(f"{commit}\0".encode(), place)
        if found < 0:
            return (max(number - 1, 0), place) if result.is_cut else (number, len(output))
        place = found
    return len(commits) - 1, place


def list_commit_changes(
    root: Path, commits: Sequence[str], budget: ReadBudget, *options: str
) -> Iterator[RawDiffEntry]:
    """Return the changes in commits, without those that git can't read."""
    output, _ = diff_commits(root, commits, budget, *options)
    return parse_raw_diff(output)


def diff_budget(root: Path) -> ReadBudget:
    """Return how much is read of changes in commits: those of 400,000 files, or more."""
    return ReadBudget(root, MAX_OUTPUT)


_FAILURES = (1, 128)
"""Exit codes of git after an error."""

_MAX_FAILURES = 20
"""Maximum number of unreadable objects for which git is started again."""


def read_blobs(
    root: Path, names: Sequence[str], budget: ReadBudget, largest: int = MAX_BLOB
) -> Iterator[bytes | None]:
    """Yield blobs by object name, in order; None if unreadable, or above a limit."""
    sizes = [
        size if size is not None and size <= largest and budget.take(size) else None
        for size in _read_sizes(root, names)
    ]
    start = 0
    while start < len(names):
        end, total = start, 0
        while end < len(names) and (total == 0 or total + (sizes[end] or 0) <= _GROUP):
            total += sizes[end] or 0
            end += 1
        asked = [names[number] for number in range(start, end) if sizes[number] is not None]
        found = iter(_ask_for_objects(root, "--batch", asked, _split_batch, total))
        yield from (next(found) if size is not None else None for size in sizes[start:end])
        start = end


_GROUP = 8_000_000
"""Bytes of contents that are read at once."""

_MAX_HEADER = 100
"""Bytes that git prints about an object in addition to its content, and more."""


def _read_sizes(root: Path, names: Sequence[str]) -> list[int | None]:
    """Return the sizes of blobs; None for other objects, and if git can't read one."""
    option = "--batch-check=%(objecttype) %(objectsize)"
    total = sum(map(len, names)) * _BYTES_PER_CHARACTER
    found = _ask_for_objects(root, option, names, lambda out: out.split(b"\n")[:-1], total)
    words = [(line or b"").split() for line in found]
    return [int(each[1]) if len(each) == 2 and each[0] == b"blob" else None for each in words]


_BYTES_PER_CHARACTER = 4

Answer = TypeVar("Answer")


def _ask_for_objects(
    root: Path,
    option: str,
    names: Sequence[str],
    split: Callable[[bytes], Iterable[Answer | None]],
    size: int,
) -> list[Answer | None]:
    """Return what git prints about objects, about `size` bytes; None if unreadable."""
    found: list[Answer | None] = []
    for _ in range(_MAX_FAILURES):
        if len(found) >= len(names):
            break
        left = names[len(found) :]
        result = run_to_end(
            root,
            *("cat-file", option),
            stdin="".join(f"{name}\n" for name in left).encode("utf-8", "surrogateescape"),
            limit=size + len(left) * _MAX_HEADER,
        )
        if result is None or result.is_cut or result.code not in (0, *_FAILURES):
            break
        found += split(result.output)
        if len(found) < len(names):
            found.append(None)
    return (found + [None] * len(names))[: len(names)]


def find_blobs(root: Path, names: Collection[str]) -> dict[str, str]:
    """Return object names of blobs by others, such as `HEAD:./a.md`, if git has them."""
    asked = [name for name in names if "\n" not in name]
    found = check_objects(root, asked, "%(objectname) %(objecttype)")
    return {
        name: words[0]
        for name, words in zip(asked, found, strict=False)
        if len(words) == 2 and words[1] == "blob"
    }


def check_objects(root: Path, names: Collection[str], fields: str) -> list[list[str]]:
    """Return these fields of objects, in order; other words for missing ones."""
    output = None
    if names:
        request = "".join(f"{name}\n" for name in names).encode("utf-8", "surrogateescape")
        output = run_git(root, "cat-file", f"--batch-check={fields}", stdin=request)
    return [line.split() for line in (output or b"").decode("utf-8", "replace").split("\n")]


def _split_batch(output: bytes) -> Iterator[bytes | None]:
    """Yield the objects in the output of `git cat-file --batch`."""
    offset = 0
    while offset < len(output):
        end = output.find(b"\n", offset)
        header = output[offset:] if end < 0 else output[offset:end]
        words = header.split()
        offset += len(header) + 1
        if len(words) != 3 or not words[2].isdigit():
            yield None
            continue
        size = int(words[2])
        if offset + size > len(output):
            return  # git failed within this one
        yield output[offset : offset + size]
        offset += size + 1


def read_checkout_blobs(
    root: Path, files: Sequence[tuple[str, str]], budget: ReadBudget, largest: int = MAX_BLOB
) -> list[bytes | None]:
    """Return the contents of files as a checkout encodes them, in order.

    `files` are pairs of vault path and blob name. None for files that git does not have, for those
    that a checkout would pass through a program, which is not run, and for those that are too large
    as in `read_blobs`.
    """
    blobs = read_blobs(root, [name for _, name in files], budget, largest)
    attributes = _read_attributes(root, [path for path, _ in files])
    filters = find_filters(root) if any(item.filter for item in attributes.values()) else {}
    prefix = None
    contents: list[bytes | None] = []
    for (path, name), data in zip(files, blobs, strict=True):
        found = attributes.get(path, _NO_ATTRIBUTES)
        if found.filter and (filters is None or filters.get(found.filter)):
            contents.append(None)
        elif found.encoding and data is not None:
            prefix = prefix if prefix is not None else _read_prefix(root)
            contents.append(run_git(root, "cat-file", "--filters", f"--path={prefix}{path}", name))
        else:
            contents.append(data)
    return contents


def find_filter_program(root: Path, path: str) -> str | None:
    """Return the filter of a file that is a program; None if it has no such filter."""
    found = _read_attributes(root, [path]).get(path, _NO_ATTRIBUTES)
    filters = find_filters(root) if found.filter else {}
    return found.filter if filters is None or filters.get(found.filter) else None


class _Attributes(NamedTuple):
    """The names of a file's filter and encoding; "" for none."""

    filter: str
    encoding: str


_NO_ATTRIBUTES = _Attributes("", "")


def _read_attributes(root: Path, paths: Sequence[str]) -> dict[str, _Attributes]:
    request = b"".join(os.fsencode(path) + b"\0" for path in paths)
    command = ("check-attr", "-z", "--stdin", "filter", "working-tree-encoding")
    output = run_git(root, *command, stdin=request)
    fields = os.fsdecode(output or b"").split("\0")[:-1]
    values = ["" if value in ("unspecified", "unset") else value for value in fields[2::3]]
    return {
        path: _Attributes(*pair)
        for path, *pair in zip(fields[::6], values[::2], values[1::2], strict=True)
    }


def _read_prefix(root: Path) -> str:
    """Return the path of the vault in its repository: "", or with a slash at its end."""
    return os.fsdecode(run_git(root, "rev-parse", "--show-prefix") or b"").removesuffix("\n")


def merge_files(
    files: Sequence[Path], labels: Sequence[str], size: int
) -> tuple[bytes, bool] | None:
    """Merge three files, in the order ours, base, theirs, as `git merge` does.

    Return the merged bytes and whether they contain conflicts, or None if git can't merge the
    files. Conflict markers are `size` characters long and in the user's conflict style; `labels`
    name the three files in them.
    """
    names = [word for label in labels for word in ("-L", label)]
    arguments = ["-p", "-q", f"--marker-size={size}", *names, "--", *map(os.fspath, files)]
    # `git merge` uses the histogram algorithm; `git merge-file` before 2.44 has no such option.
    for options in (["--diff-algorithm=histogram"], []):
        result = run_to_end(Path(), "merge-file", *options, *arguments)
        if result is None or result.code != _UNKNOWN_OPTION:
            break
    is_merged = result and not result.is_cut and 0 <= result.code <= _MAX_CONFLICT_COUNT
    return (result.output, result.code > 0) if result and is_merged else None


# -- a branch without a commit ---------------------------------------------------------------------


def has_no_commit_yet(root: Path) -> bool:
    """Return True on a branch without a commit, but not in a damaged repository."""
    names_commit = run_git(root, "rev-parse", "--verify", "--quiet", "HEAD") is not None
    return not names_commit and run_git(root, "symbolic-ref", "--quiet", "HEAD") is not None
