"""Describe folders to propose that they are excluded.

A note declares them read-only, or they look imported or generated: they have many notes and far
more findings than other folders, and the rest of the vault does not link to them, nor they to it:
archives of clippings, issues, the documentation of a program.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from vaultlink.index.index import Index
from vaultlink.index.resolve import file_name, is_note, list_outer_folders
from vaultlink.report.layout import escape_controls, format_count
from vaultlink.text import lazy_pattern, quote_name

_MIN_FINDINGS = 20
_MIN_NOTES = 20
"""Fewer notes or findings are read one by one."""

_SHARES = 4
"""A folder has at least one in this many of all findings."""

_DENSITY = 3
"""Findings of a note are this many times as frequent as elsewhere."""

_LINKING = 20
"""At most one in this many notes of the folder links to notes outside."""

_MAX_DECLARED = 3
"""Declared folders that the line names."""

_DATED_NAME = lazy_pattern(r"\d{4}\W?[WQ]?\d{1,2}(?:\W?\d{1,2})?(?:\W+\w+)?\.md")
"""Names of daily and other periodic notes, with a weekday or a word behind the date."""


class ForeignFolder(NamedTuple):
    """A folder that looks imported or generated; numbers of its findings and notes."""

    path: str
    findings: int
    notes: int


def find_foreign_folders(counts: Mapping[str, int], index: Index) -> list[ForeignFolder]:
    """Return the folders that look imported or generated, without those in others.

    `counts` are the numbers of findings by path. The notes are only read if a folder has a large
    share of the findings.
    """
    total, findings = sum(counts.values()), _count_by_folder(counts)
    least = max(_MIN_FINDINGS, total / _SHARES)
    findings = Counter({folder: number for folder, number in findings.items() if number >= least})
    if not findings:
        return []
    notes = [path for path in index.notes if is_note(path)]
    own = [path for path in notes if not _DATED_NAME.fullmatch(file_name(path))]
    sizes, undated = _count_by_folder(notes), _count_by_folder(own)
    found = [
        ForeignFolder(folder, number, sizes[folder])
        for folder, number in findings.items()
        if sizes[folder] >= _MIN_NOTES
        and 2 * sizes[folder] <= len(notes)
        and 2 * undated[folder] > sizes[folder]
        and number * (len(notes) - sizes[folder]) >= _DENSITY * (total - number) * sizes[folder]
    ]
    apart = _select_apart(found, index) if found else []
    return [
        item for item in apart if not any(item.path.startswith(f"{one.path}/") for one in apart)
    ]


def _count_by_folder(paths: Mapping[str, int] | Sequence[str]) -> Counter[str]:
    """Return the sum of numbers, or of paths, in each folder, at any depth."""
    numbers = paths if isinstance(paths, Mapping) else Counter(paths)
    parents, totals = Counter[str](), Counter[str]()
    for path, number in numbers.items():
        parents[path.rpartition("/")[0]] += number
    for folder, number in parents.items():
        for outer in (folder, *list_outer_folders(folder)) if folder else ():
            totals[outer] += number
    return totals


def _select_apart(folders: Sequence[ForeignFolder], index: Index) -> list[ForeignFolder]:
    """Return the folders to which nothing outside links, and that hardly link outside."""
    prefixes = {item: f"{item.path}/" for item in folders}
    linking: Counter[ForeignFolder] = Counter()
    for source in index.notes:
        targets = {target for target in index.targets[source] if target is not None}
        for item, prefix in list(prefixes.items()):
            if not source.startswith(prefix):
                if any(target.startswith(prefix) for target in targets):
                    del prefixes[item]
            elif any(not target.startswith(prefix) and is_note(target) for target in targets):
                linking[item] += 1
    return [item for item in prefixes if _LINKING * linking[item] <= item.notes]


def describe_foreign_folders(
    folders: Sequence[ForeignFolder], total: int, *, has_excluded: bool
) -> list[str]:
    """Return a hint for each folder, with the setting that leaves it out.

    `total` is the number of all findings. With `has_excluded` the settings exclude other files.
    """
    if not folders:
        return []
    from json import dumps  # noqa: PLC0415 - rarely needed

    hints = []
    for item in folders:
        pattern = escape_controls(dumps(format_glob(item.path), ensure_ascii=False))
        advice = f"add {pattern} to exclude" if has_excluded else f"exclude = [{pattern}]"
        hints.append(
            f"hint: {item.findings:,} of {format_count(total, 'finding')} are in "
            f"{quote_name(item.path + '/')} ({format_count(item.notes, 'note')} that nothing "
            f"outside links to). To leave it out: {advice}"
        )
    return hints


def describe_declared_folders(counts: Mapping[tuple[str, str], int], *, has_excluded: bool) -> str:
    """Return a line with the numbers of findings in folders that are only read; "" for none.

    `counts` are by folder, with a slash, and the note that declares it. With `has_excluded` the
    settings exclude other files.
    """
    if not counts:
        return ""
    from json import dumps  # noqa: PLC0415 - rarely needed

    ranked = sorted(counts, key=lambda item: (-counts[item], item))
    named, others = ranked[:_MAX_DECLARED], ranked[_MAX_DECLARED:]
    parts = [f"{counts[item]:,} in {item[0]}" for item in named]
    parts += [f"{sum(counts[item] for item in others):,} in other such folders"] if others else []
    notes = list(dict.fromkeys(note for _, note in named))
    verb = "declares" if len(notes) == 1 else "declare"
    globs = [format_glob(item[0].rstrip("/")) for item in named]
    patterns = ", ".join(dumps(glob, ensure_ascii=False) for glob in globs)
    advice = f"`{patterns}` added to exclude" if has_excluded else f"`exclude = [{patterns}]`"
    what = "the first" if others else "them"
    return escape_controls(
        f"Of these, {', '.join(parts)}, which {', '.join(notes)} {verb} read-only: "
        f"{advice} leaves {what} out, and links to notes there still resolve"
    )


def format_glob(folder: str) -> str:
    """Return the pattern for everything in a folder."""
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in folder) + "/**"
