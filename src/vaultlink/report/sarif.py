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

from vaultlink.edits import sort_edits
from vaultlink.model import Diagnostic, Edit, Fix, Safety, Severity
from vaultlink.report.check_result import CheckResult
from vaultlink.report.json_document import encode_json_lines
from vaultlink.report.layout import format_count
from vaultlink.rules.registry import Rule
from vaultlink.text import line_and_column, line_starts

MAX_RESULTS = 25_000
"""Results in a run. GitHub refuses a file with more, so the mildest are left out, and a notification says how many."""

_SCHEMA_URI = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
_ROOT_ID = "%SRCROOT%"
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
_PROBLEM_SEVERITIES = {
    Severity.ERROR: "error",
    Severity.WARNING: "warning",
    Severity.INFO: "recommendation",
}
_SUBJECT_TAGS = {"0": "files", "1": "links", "2": "structure", "3": "metadata", "4": "graph"}

JsonObject = dict[str, Any]


def render_sarif(checked: CheckResult) -> bytes:
    """The findings as a log with one run."""
    kept = _select_results(checked.findings)
    run = {
        "tool": {"driver": _build_driver(checked)},
        "invocations": [_build_invocation(len(checked.findings) - len(kept))],
        "originalUriBaseIds": {
            _ROOT_ID: {"description": {"text": "The root of the repository that holds the vault."}}
        },
        "columnKind": "unicodeCodePoints",
        "newlineSequences": [
            "\n"
        ],  # a carriage return before it is a character of its line, for columns as well
        "results": list(_build_results(checked, kept)),
    }
    return encode_json_lines([{"$schema": _SCHEMA_URI, "version": "2.1.0", "runs": [run]}])


def _build_driver(checked: CheckResult) -> JsonObject:
    version = (
        {"version": checked.version, "semanticVersion": checked.version} if checked.version else {}
    )
    return {"name": "vaultlink", **version, "rules": [_build_rule(rule) for rule in checked.rules]}


def _select_results(findings: Sequence[Diagnostic]) -> Sequence[int]:
    """Which findings the log holds, in their order."""
    if len(findings) <= MAX_RESULTS:
        return range(len(findings))
    return sorted(
        sorted(range(len(findings)), key=lambda place: -findings[place].severity.rank)[:MAX_RESULTS]
    )


def _build_invocation(lost: int) -> JsonObject:
    if not lost:
        return {"executionSuccessful": True}
    text = f"{format_count(lost, 'finding')} left out, the mildest: a run holds {MAX_RESULTS:,} results at most."
    return {
        "executionSuccessful": True,
        "toolExecutionNotifications": [{"level": "warning", "message": {"text": text}}],
    }


# -- findings ---------------------------------------------------------------------------------------------------------


def _build_results(checked: CheckResult, kept: Sequence[int]) -> Iterator[JsonObject]:
    prints, fixes = checked.fingerprints(), checked.fixes()
    places = {rule.code: place for place, rule in enumerate(checked.rules)}
    starts = lru_cache(maxsize=256)(
        lambda path: line_starts(checked.text(path))
    )  # the next fix is in a note near by
    for at in kept:
        d, fix = checked.findings[at], fixes[at]
        row: JsonObject = {"ruleId": d.code}
        if d.code in places:
            row["ruleIndex"] = places[d.code]
        row |= {
            "level": _LEVELS[d.severity],
            "message": {"text": _escape_links(d.message)},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": _build_location(checked.path_prefix + d.path),
                        "region": _build_region(d.line, d.column, d.end_line, d.end_column),
                    }
                }
            ],
            "partialFingerprints": {"vaultlink/v1": prints[at]},
        }
        if fix is not None:
            row["fixes"] = [_build_fix(fix, checked.path_prefix, starts)]
        if checked.known_counts:
            row["baselineState"] = "new"
        yield row


_LINK_START = re.compile(r"\[(?=[^\[\]]*\]\()")


def _escape_links(text: str) -> str:
    """A message in which nothing is taken for a link, which is written `[text](goal)` in a message."""
    return _LINK_START.sub(r"\\[", text)


def _build_location(path: str) -> JsonObject:
    """A file of the repository. Names that came from the disk as other bytes than UTF-8 stay these bytes."""
    try:
        data = path.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        data = path.encode("utf-8", "surrogatepass")
    return {"uri": quote(data), "uriBaseId": _ROOT_ID}


def _build_region(line: int, column: int, end_line: int, end_column: int) -> JsonObject:
    return {"startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column}


def _build_fix(fix: Fix, place: str, starts: Callable[[str], list[int]]) -> JsonObject:
    """A fix, by files. A path that has no text yet has one line to it, and what is put there is the new note."""
    changes: dict[str, list[JsonObject]] = {}
    for edit in sort_edits(fix.edits):
        changes.setdefault(edit.path, []).append(_build_replacement(edit, starts(edit.path)))
    hint = "" if fix.safety is Safety.SAFE else " (unsafe: it may not be what was meant)"
    return {
        "description": {"text": _escape_links(f"{fix.title}{hint}.")},
        "properties": {"safety": fix.safety.value},
        "artifactChanges": [
            {"artifactLocation": _build_location(place + path), "replacements": made}
            for path, made in changes.items()
        ],
    }


def _build_replacement(edit: Edit, starts: list[int]) -> JsonObject:
    row: JsonObject = {
        "deletedRegion": _build_region(
            *line_and_column(starts, edit.start), *line_and_column(starts, edit.end)
        )
    }
    if edit.text:
        row["insertedContent"] = {"text": edit.text}
    return row


# -- rules ------------------------------------------------------------------------------------------------------------


def _build_rule(rule: Rule) -> JsonObject:
    first = rule.why.partition("\n\n")[0]
    return {
        "id": rule.code,
        "name": "".join(word.capitalize() for word in rule.name.split("-")),
        "shortDescription": {"text": rule.summary},
        "fullDescription": {
            "text": shorten(first, 1000, placeholder=" …")
        },  # GitHub cuts it at 1,024
        "help": {"text": _render_help(rule, _indent), "markdown": _render_help(rule, _fence)},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
        "properties": {
            "tags": ["obsidian", _SUBJECT_TAGS.get(rule.code[2], "other")],
            # only what is never wrong on real vaults is on by default
            "precision": "very-high" if rule.enabled_by_default else "high",
            "problem.severity": _PROBLEM_SEVERITIES[rule.severity],
        },
    }


FormatCode = Callable[[str], str]


def _render_help(rule: Rule, show: FormatCode) -> str:
    """Why a rule is there, what it finds, and how it is silenced."""
    why = [" ".join(part.split()) for part in rule.why.split("\n\n")]
    return "\n\n".join([*why, *_render_example(rule, show), *_describe_suppression(rule, show)])


def _render_example(rule: Rule, show: FormatCode) -> list[str]:
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
    shown = [part for path, text in files for part in (f"{path}:", show(_example_text(text)))]
    return [f"For example: {example['bad'].rstrip('.')}.", *shown]


def _example_text(text: object) -> str:
    """A file's text; of one that can't be had, why."""
    return (
        "\n".join(f"({why})" for why in text.values())
        if isinstance(text, Mapping)
        else str(text).rstrip("\n")
    )


def _describe_suppression(rule: Rule, show: FormatCode) -> list[str]:
    return [
        f"To silence {rule.code} on a line, write this behind it:",
        show(f"%%vaultlink-disable-line {rule.code}%%"),
        "In a whole note, anywhere in it:",
        show(f"%%vaultlink-disable-file {rule.code}%%"),
        "In the whole vault, in vaultlink.toml:",
        show(f'ignore = ["{rule.name}"]'),
    ]


def _indent(text: str) -> str:
    return "\n".join(f"    {line}".rstrip() for line in text.split("\n"))


def _fence(text: str) -> str:
    fence = "`" * max([3, *(len(run) + 1 for run in re.findall("`+", text))])
    return f"{fence}\n{text}\n{fence}"
