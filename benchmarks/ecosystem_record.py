"""Summarize entries of vaults in a record that is small enough to commit, and compare with it."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ecosystem_runs import Entry

SAMPLES = 2
"""Entries of each group that a record names: those with the lowest digests."""

_LONGEST_SAMPLE = 160


class Summary(NamedTuple):
    """The entries of one kind and rule in one vault: their number, a digest and samples."""

    total: int
    digest: str
    samples: tuple[str, ...]


Summaries = Mapping[str, Summary]


class GroupChange(NamedTuple):
    """What differs in a group. `added` and `removed` are all lines, or those that are known."""

    group: str
    before: int
    after: int
    added: tuple[str, ...]
    removed: tuple[str, ...]
    is_complete: bool


def digest_text(text: str) -> str:
    """Return a short digest of a text."""
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:12]


def shorten(line: str) -> str:
    """Return a line as a record shows it."""
    return line if len(line) <= _LONGEST_SAMPLE else f"{line[:_LONGEST_SAMPLE]}…"


def summarize(entries: Iterable[Entry]) -> dict[str, Summary]:
    """Return the summary of each group of entries."""
    groups: dict[str, list[str]] = {}
    for entry in entries:
        groups.setdefault(entry.group, []).append(str(entry))
    return {
        group: Summary(
            len(lines), digest_text("\n".join(sorted(lines))), tuple(choose_samples(lines))
        )
        for group, lines in sorted(groups.items())
    }


def choose_samples(lines: Iterable[str]) -> list[str]:
    """Return a few lines. The choice changes as little as possible with the lines."""
    return [shorten(line) for line in sorted(set(lines), key=digest_text)[:SAMPLES]]


# -- compare --------------------------------------------------------------------------------------


def compare_entries(before: Sequence[Entry], after: Sequence[Entry]) -> list[GroupChange]:
    """Return what differs between the entries of two programs, with all lines."""
    changes = []
    for group in sorted({entry.group for entry in (*before, *after)}):
        old, new = (
            Counter(str(entry) for entry in entries if entry.group == group)
            for entries in (before, after)
        )
        if old != new:
            added, removed = (tuple((new - old).elements()), tuple((old - new).elements()))
            changes.append(GroupChange(group, old.total(), new.total(), added, removed, True))
    return changes


def compare_summaries(recorded: Summaries, entries: Sequence[Entry]) -> list[GroupChange]:
    """Return what differs from a record, with the lines of which this is certain.

    A recorded sample that is no entry any more was removed. An entry with a lower digest than a
    recorded sample would be a sample itself, so it was added.
    """
    current = summarize(entries)
    changes = []
    for group in sorted({*recorded, *current}):
        before, after = (kind.get(group, Summary(0, "", ())) for kind in (recorded, current))
        if before.digest == after.digest:
            continue
        lines = {shorten(str(entry)): str(entry) for entry in entries if entry.group == group}
        is_whole = before.total <= len(before.samples)
        removed = tuple(line for line in before.samples if line not in lines)
        added = tuple(
            short
            for position, short in enumerate(after.samples)
            if short not in before.samples and (is_whole or position < _count_lower(before, lines))
        )
        changes.append(GroupChange(group, before.total, after.total, added, removed, False))
    return changes


def _count_lower(before: Summary, lines: Mapping[str, str]) -> int:
    """Return the number of current lines that precede the last recorded sample that is left."""
    left = [digest_text(lines[line]) for line in before.samples if line in lines]
    return sum(digest_text(line) < max(left) for line in lines.values()) if left else 0


# -- read and write -------------------------------------------------------------------------------


def format_record(version: str, vaults: Mapping[str, tuple[str, Summaries]]) -> str:
    """Return a record as JSON with one line a group, so that a difference can be read."""
    parts = [
        f' "{name}": {{"commit": "{commit}", "groups": {{\n'
        + ",\n".join(
            f"  {_dump(group)}: {_dump([one.total, one.digest, *one.samples])}"
            for group, one in sorted(groups.items())
        )
        + "\n }}"
        for name, (commit, groups) in sorted(vaults.items())
    ]
    return f'{{"version": {_dump(version)}, "vaults": {{\n' + ",\n".join(parts) + "\n}}\n"


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def read_record(file: Path) -> tuple[str, dict[str, tuple[str, Summaries]]]:
    """Return the version of a record, and the commit and the summaries of each vault."""
    data: Any = json.loads(file.read_text(encoding="utf-8"))
    return data["version"], {
        name: (
            vault["commit"],
            {
                group: Summary(row[0], row[1], tuple(row[2:]))
                for group, row in vault["groups"].items()
            },
        )
        for name, vault in data["vaults"].items()
    }
