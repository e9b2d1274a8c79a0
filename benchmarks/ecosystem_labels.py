"""Compare what the program says with judged labels, so that a verdict can't flip unnoticed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from ecosystem_runs import Entry

_MENTIONS = ("certain mention", "uncertain mention")
_FIXES = ("safe fix", "unsafe fix")

VERDICTS: Mapping[str, tuple[tuple[str, ...], bool]] = {
    "true finding": (("finding",), True),
    "false finding": (("finding",), False),
    "right fix": (_FIXES, True),
    "right safe fix": (("safe fix",), True),
    "wrong fix": (_FIXES, False),
    "wrong safe fix": (("safe fix",), False),
    "wanted mention": (_MENTIONS, True),
    "unwanted mention": (_MENTIONS, False),
}
"""The kinds of entries that a verdict is about, and if one must be there."""


class Label(NamedTuple):
    """A judged place.

    Attributes:
        vault: The repository.
        verdict: A key of VERDICTS.
        path: The path of the note in the vault.
        line: The line, counted from 1.
        rule: The rule of a finding or fix; "" for a mention.
        target: The target of the link, or the path of the note that is mentioned.
        text: What a fix writes, or the words of a mention; "" for any text.
        why: The reason of the verdict.
        known: States that the program contradicts the verdict today.
    """

    vault: str
    verdict: str
    path: str
    line: int
    rule: str
    target: str
    text: str
    why: str
    known: bool

    def __str__(self) -> str:
        rule = f" {self.rule}" if self.rule else ""
        text = f" → {self.text}" if self.text else ""
        return f"{self.vault} {self.path}:{self.line}{rule} “{self.target}”{text}"


@dataclass
class Judgement:
    """The labels of vaults that were checked, by what the program says about them today."""

    agreed: int = 0
    known: list[Label] = field(default_factory=list)
    resolved: list[Label] = field(default_factory=list)
    flipped: list[Label] = field(default_factory=list)


def read_labels(file: Path) -> list[Label]:
    """Return all labels.

    Raises:
        ValueError: A label has an unknown verdict or no reason, or stands there twice.
    """
    rows: Mapping[str, Sequence[Mapping[str, Any]]] = (
        yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    )
    labels = [_read_label(vault, row) for vault, some in rows.items() for row in some]
    for label in labels:
        if label.verdict not in VERDICTS or not label.why:
            raise ValueError(f"{file.name}: {label}: unknown verdict, or no reason")
    places = [label._replace(verdict="", why="", known=False) for label in labels]
    if twice := [str(place) for place in places if places.count(place) > 1]:
        raise ValueError(f"{file.name}: judged twice: {twice[0]}")
    return labels


def _read_label(vault: str, row: Mapping[str, Any]) -> Label:
    path, _, line = str(row["at"]).rpartition(":")
    return Label(
        vault,
        row["verdict"],
        path,
        int(line),
        row.get("rule", ""),
        str(row.get("target", "")),
        str(row.get("text", "")),
        row.get("why", ""),
        row.get("known", False),
    )


def judge(labels: Iterable[Label], entries: Mapping[str, Sequence[Entry]]) -> Judgement:
    """Compare labels with the entries of their vaults. Labels of other vaults are left out."""
    judgement = Judgement()
    for label in labels:
        if label.vault not in entries:
            continue
        _, must_exist = VERDICTS[label.verdict]
        if any(_is_about(label, entry) for entry in entries[label.vault]) == must_exist:
            judgement.agreed += 1
            if label.known:
                judgement.resolved.append(label)
        else:
            (judgement.known if label.known else judgement.flipped).append(label)
    return judgement


def _is_about(label: Label, entry: Entry) -> bool:
    kinds, _ = VERDICTS[label.verdict]
    return (
        entry.kind in kinds
        and (entry.path, entry.line, entry.rule) == (label.path, label.line, label.rule)
        and entry.target == label.target
        and label.text in ("", entry.text)
    )


def describe_flip(label: Label) -> str:
    """Return a sentence about a label that the program contradicts."""
    _, must_exist = VERDICTS[label.verdict]
    state = "is gone" if must_exist else "is back"
    return f"{label}: this {label.verdict} {state} ({label.why})"
