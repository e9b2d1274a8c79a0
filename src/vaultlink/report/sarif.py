"""Findings as SARIF 2.1.0, which code scanning services and editors read.

What a check came to enters, a JSON document leaves: the rules that ran with their manual, and the findings with places,
fingerprints and fixes. GitHub makes fingerprints of its own from the lines around a finding unless it is told others; ours
stand beside them under a name of their own, since giving them under GitHub's name makes its upload warn of each.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from textwrap import shorten
from typing import Any
from urllib.parse import quote

from vaultlink.catalog import Rule
from vaultlink.edits import in_order
from vaultlink.model import Diagnostic, Edit, Fix, Safety, Severity
from vaultlink.report.checked import Checked
from vaultlink.report.documents import json_lines
from vaultlink.report.layout import number
from vaultlink.text import line_starts, position

MOST = 25_000
"""Results in a run. GitHub refuses a file with more, so the mildest are left out, and a notification says how many."""

_SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
_ROOT = "%SRCROOT%"
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
_PROBLEMS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "recommendation"}
_SUBJECTS = {"0": "files", "1": "links", "2": "structure", "3": "metadata", "4": "graph"}

Row = dict[str, Any]


def sarif(checked: Checked) -> bytes:
    """The findings as a log with one run."""
    kept = _kept(checked.findings)
    run = {
        "tool": {"driver": _driver(checked)},
        "invocations": [_invocation(len(checked.findings) - len(kept))],
        "originalUriBaseIds": {
            _ROOT: {"description": {"text": "The root of the repository that holds the vault."}}
        },
        "columnKind": "unicodeCodePoints",
        "newlineSequences": [
            "\n"
        ],  # a carriage return before it is a character of its line, for columns as well
        "results": list(_results(checked, kept)),
    }
    return json_lines([{"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}])


def _driver(checked: Checked) -> Row:
    version = (
        {"version": checked.version, "semanticVersion": checked.version} if checked.version else {}
    )
    return {"name": "vaultlink", **version, "rules": [_rule(rule) for rule in checked.rules]}


def _kept(findings: Sequence[Diagnostic]) -> Sequence[int]:
    """Which findings the log holds, in their order."""
    if len(findings) <= MOST:
        return range(len(findings))
    return sorted(
        sorted(range(len(findings)), key=lambda place: -findings[place].severity.rank)[:MOST]
    )


def _invocation(lost: int) -> Row:
    if not lost:
        return {"executionSuccessful": True}
    text = f"{number(lost, 'finding')} left out, the mildest: a run holds {MOST:,} results at most."
    return {
        "executionSuccessful": True,
        "toolExecutionNotifications": [{"level": "warning", "message": {"text": text}}],
    }


# -- findings ---------------------------------------------------------------------------------------------------------


def _results(checked: Checked, kept: Sequence[int]) -> Iterator[Row]:
    prints, fixes = checked.prints(), checked.fixes()
    places = {rule.code: place for place, rule in enumerate(checked.rules)}
    starts = lru_cache(maxsize=256)(
        lambda path: line_starts(checked.text(path))
    )  # the next fix is in a note near by
    for at in kept:
        d, fix = checked.findings[at], fixes[at]
        row: Row = {"ruleId": d.code}
        if d.code in places:
            row["ruleIndex"] = places[d.code]
        row |= {
            "level": _LEVELS[d.severity],
            "message": {"text": _plain(d.message)},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": _artifact(checked.place + d.path),
                        "region": _region(d.line, d.column, d.end_line, d.end_column),
                    }
                }
            ],
            "partialFingerprints": {"vaultlink/v1": prints[at]},
        }
        if fix is not None:
            row["fixes"] = [_fix(fix, checked.place, starts)]
        if checked.debts:
            row["baselineState"] = "new"
        yield row


_LINKED = re.compile(r"\[(?=[^\[\]]*\]\()")


def _plain(text: str) -> str:
    """A message in which nothing is taken for a link, which is written `[text](goal)` in a message."""
    return _LINKED.sub(r"\\[", text)


def _artifact(path: str) -> Row:
    """A file of the repository. Names that came from the disk as other bytes than UTF-8 stay these bytes."""
    try:
        data = path.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        data = path.encode("utf-8", "surrogatepass")
    return {"uri": quote(data), "uriBaseId": _ROOT}


def _region(line: int, column: int, end_line: int, end_column: int) -> Row:
    return {"startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column}


def _fix(fix: Fix, place: str, starts: Callable[[str], list[int]]) -> Row:
    """A fix, by files. A path that has no text yet has one line to it, and what is put there is the new note."""
    changes: dict[str, list[Row]] = {}
    for edit in in_order(fix.edits):
        changes.setdefault(edit.path, []).append(_replacement(edit, starts(edit.path)))
    hint = "" if fix.safety is Safety.SAFE else " (unsafe: it may not be what was meant)"
    return {
        "description": {"text": _plain(f"{fix.title}{hint}.")},
        "properties": {"safety": fix.safety.value},
        "artifactChanges": [
            {"artifactLocation": _artifact(place + path), "replacements": made}
            for path, made in changes.items()
        ],
    }


def _replacement(edit: Edit, starts: list[int]) -> Row:
    row: Row = {
        "deletedRegion": _region(*position(starts, edit.start), *position(starts, edit.end))
    }
    if edit.text:
        row["insertedContent"] = {"text": edit.text}
    return row


# -- rules ------------------------------------------------------------------------------------------------------------


def _rule(rule: Rule) -> Row:
    first = rule.why.partition("\n\n")[0]
    return {
        "id": rule.code,
        "name": "".join(word.capitalize() for word in rule.name.split("-")),
        "shortDescription": {"text": rule.summary},
        "fullDescription": {
            "text": shorten(first, 1000, placeholder=" …")
        },  # GitHub cuts it at 1,024
        "help": {"text": _help(rule, _indented), "markdown": _help(rule, _fenced)},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
        "properties": {
            "tags": ["obsidian", _SUBJECTS.get(rule.code[2], "other")],
            # only what is never wrong on real vaults is on by default
            "precision": "very-high" if rule.default else "high",
            "problem.severity": _PROBLEMS[rule.severity],
        },
    }


Show = Callable[[str], str]


def _help(rule: Rule, show: Show) -> str:
    """Why a rule is there, what it finds, and how it is silenced."""
    why = [" ".join(part.split()) for part in rule.why.split("\n\n")]
    return "\n\n".join([*why, *_example(rule, show), *_silencing(rule, show)])


def _example(rule: Rule, show: Show) -> list[str]:
    """The first example of what is wrong, with the files that something is found in."""
    example = next((item for item in rule.examples if "bad" in item), None)
    if example is None:
        return []
    found = {item["in"] for item in example.get("finds", ())}
    files = [
        (path, text)
        for path, text in example["vault"].items()
        if path in found and str(text).strip()
    ]
    shown = [part for path, text in files for part in (f"{path}:", show(_text(text)))]
    return [f"For example: {example['bad'].rstrip('.')}.", *shown]


def _text(text: object) -> str:
    """A file's text; of one that can't be had, why."""
    return (
        "\n".join(f"({why})" for why in text.values())
        if isinstance(text, Mapping)
        else str(text).rstrip("\n")
    )


def _silencing(rule: Rule, show: Show) -> list[str]:
    return [
        f"To silence {rule.code} on a line, write this behind it:",
        show(f"%%vaultlink-disable-line {rule.code}%%"),
        "In a whole note, anywhere in it:",
        show(f"%%vaultlink-disable-file {rule.code}%%"),
        "In the whole vault, in vaultlink.toml:",
        show(f'ignore = ["{rule.name}"]'),
    ]


def _indented(text: str) -> str:
    return "\n".join(f"    {line}".rstrip() for line in text.split("\n"))


def _fenced(text: str) -> str:
    fence = "`" * max([3, *(len(run) + 1 for run in re.findall("`+", text))])
    return f"{fence}\n{text}\n{fence}"
