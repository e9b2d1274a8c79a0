"""Findings of one cause in one note: text formats show one of them and a count."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from vaultlink.model import UNRESOLVED, Diagnostic
from vaultlink.report.layout import format_count
from vaultlink.text import group_by

if TYPE_CHECKING:
    from vaultlink.rules.registry import Rule

_MIN_GROUPED = 5
"""Fewer findings of one cause in one note are shown one by one."""

_MAX_LINES = 5
"""Line numbers that are listed of the findings that are not shown."""

_MAX_PLACES = 3
"""Places in other notes that are listed of the findings that are not shown."""


class FindingGroup(NamedTuple):
    """A finding, and the others of the same cause that are only counted.

    They are in its note, or, if the cause is one of the whole vault, in any.
    """

    first: Diagnostic
    others: Sequence[Diagnostic] = ()

    def describe_others(self, show_path: Callable[[str], str]) -> str:
        """Return the number and places of the others as a clause; "" if there are none."""
        if not self.others:
            return ""
        count = format_count(len(self.others), "more", "more")
        paths = {d.path for d in self.others}
        if paths != {self.first.path} and has_shared_cause(self.first):
            noun = "note" if self.first.path in paths else "other note"
            notes = format_count(len(paths), noun)
            places = [f"{show_path(d.path)}:{d.line}" for d in self.others[:_MAX_PLACES]]
            rest = ", …" if len(self.others) > _MAX_PLACES else ""
            return f"and {count} like it in {notes} ({', '.join(places)}{rest})"
        lines = list(dict.fromkeys(d.line for d in self.others))
        listed = ", ".join(map(str, lines[:_MAX_LINES]))
        rest = ", …" if len(lines) > _MAX_LINES else ""
        label = "line" if len(lines) == 1 else "lines"
        return f"and {count} like it in this note ({label} {listed}{rest})"

    def format_message(self, show_path: Callable[[str], str]) -> str:
        """Return the message of the first finding, with the number of the others."""
        message = self.first.message
        if not self.others:
            return message
        return f"{message.removesuffix('.')}, {self.describe_others(show_path)}."


def has_shared_cause(finding: "Diagnostic | Rule") -> bool:
    """Return True if findings with the same message have one cause, in whatever notes."""
    return finding.about in ("property", "tree")


def group_findings(findings: Sequence[Diagnostic]) -> list[FindingGroup]:
    """Group findings with the same note, rule and cause, in the order of their first.

    The cause is the target of the link, or else the message: missing anchors of one note have one
    cause. Where a cause has fewer than `_MIN_GROUPED` findings, each is a group. Findings with a
    shared cause are grouped over all notes, however few they are.
    """
    if len(findings) < _MIN_GROUPED and not any(map(has_shared_cause, findings)):
        return list(map(FindingGroup, findings))
    causes = list(map(_cause_key, findings))
    counts = Counter(causes)
    groups: list[FindingGroup] = []
    grouped: dict[tuple[str, str, str], list[Diagnostic]] = {}
    for d, cause in zip(findings, causes, strict=True):
        if cause[0] and counts[cause] < _MIN_GROUPED:
            groups.append(FindingGroup(d))
        elif cause in grouped:
            grouped[cause].append(d)
        else:
            groups.append(FindingGroup(d, grouped.setdefault(cause, [])))
    return groups


def _cause_key(d: Diagnostic) -> tuple[str, str, str]:
    if has_shared_cause(d):
        return "", d.code, d.message
    if d.target is None:
        return d.path, d.code, d.message
    from vaultlink.index.topics import topic_key  # noqa: PLC0415 - most notes have few findings

    return d.path, d.code, topic_key(d.target, d.path)


# -- one target in several notes -------------------------------------------------------------------


def find_target_rules(rules: "Iterable[Rule]") -> set[str]:
    """Return the names of the rules about targets that do not exist."""
    return {rule.name for rule in rules if rule.about in UNRESOLVED}


def group_targets(
    findings: Sequence[Diagnostic], rules: Collection[str]
) -> dict[int, list[Diagnostic]]:
    """Return the findings of some rules about a target that several links name.

    By the identity of the first finding of each target. The messages must be the same.
    """
    from vaultlink.index.topics import topic_key  # noqa: PLC0415 - for few formats

    groups: dict[tuple[str, str, str], list[Diagnostic]] = {}
    for d in findings if rules else ():
        if d.rule in rules and d.target:
            groups.setdefault((d.code, topic_key(d.target, d.path), d.message), []).append(d)
    return {id(group[0]): group for group in groups.values() if len(group) > 1}


def list_places(findings: Iterable[Diagnostic]) -> dict[str, list[str]]:
    """Return the places of findings as `line:column`, by path."""
    groups = group_by(findings, lambda d: d.path)
    return {path: [f"{d.line}:{d.column}" for d in group] for path, group in groups.items()}
