"""The output format `sarif`: SARIF 2.1.0.

Code scanning services and editors read it. The log has the rules that ran with their manuals, and
the findings with regions, fingerprints and fixes. GitHub computes its own fingerprints from the
lines around a finding. Those of vaultlink have another name, because the upload warns about each
fingerprint under GitHub's name.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from textwrap import shorten
from typing import Any
from urllib.parse import quote

from vaultlink.links.edit_math import sort_edits
from vaultlink.model import Diagnostic, Edit, Fix, Safety, Severity
from vaultlink.report.check_result import CheckResult
from vaultlink.report.json_document import encode_json_lines
from vaultlink.report.layout import format_count
from vaultlink.rules.registry import Rule
from vaultlink.text import lazy_pattern, line_and_column, line_starts

MAX_RESULTS = 25_000
"""Results in a run. GitHub rejects a file with more.

The least severe findings are omitted, and a notification has their number.
"""

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

_JsonObject = dict[str, Any]


def render_sarif(result: CheckResult) -> bytes:
    """Render the findings as a log with one run."""
    indexes = _select_results(result.findings)
    run = {
        "tool": {"driver": _build_driver(result)},
        "invocations": [_build_invocation(len(result.findings) - len(indexes))],
        "originalUriBaseIds": {
            _ROOT_ID: {"description": {"text": "The root of the repository that holds the vault."}}
        },
        "columnKind": "unicodeCodePoints",
        # A carriage return before a line feed is a character of its line, also for columns.
        "newlineSequences": ["\n"],
        "results": list(_build_results(result, indexes)),
    }
    return encode_json_lines([{"$schema": _SCHEMA_URI, "version": "2.1.0", "runs": [run]}])


def _build_driver(result: CheckResult) -> _JsonObject:
    version = (
        {"version": result.version, "semanticVersion": result.version} if result.version else {}
    )
    return {"name": "vaultlink", **version, "rules": [_build_rule(rule) for rule in result.rules]}


def _select_results(findings: Sequence[Diagnostic]) -> Sequence[int]:
    indexes = range(len(findings))
    if len(findings) <= MAX_RESULTS:
        return indexes
    return sorted(sorted(indexes, key=lambda i: -findings[i].severity.rank)[:MAX_RESULTS])


def _build_invocation(omitted: int) -> _JsonObject:
    if not omitted:
        return {"executionSuccessful": True}
    text = (
        f"{format_count(omitted, 'finding')} omitted, the least severe: "
        f"a run has at most {MAX_RESULTS:,} results."
    )
    return {
        "executionSuccessful": True,
        "toolExecutionNotifications": [{"level": "warning", "message": {"text": text}}],
    }


# -- findings ------------------------------------------------------------------------------------


def _build_results(result: CheckResult, indexes: Sequence[int]) -> Iterator[_JsonObject]:
    fingerprints, fixes = result.fingerprints(), result.forecast().fixes
    rule_indexes = {rule.code: index for index, rule in enumerate(result.rules)}

    # The next fix is in the same note or a note nearby.
    @lru_cache(maxsize=256)
    def get_line_starts(path: str) -> list[int]:
        return line_starts(result.text(path))

    for index in indexes:
        d, fix = result.findings[index], fixes[index]
        row: _JsonObject = {"ruleId": d.code}
        if d.code in rule_indexes:
            row["ruleIndex"] = rule_indexes[d.code]
        row |= {
            "level": _LEVELS[d.severity],
            "message": {"text": _escape_links(d.message)},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": _build_location(result.path_prefix + d.path),
                        "region": _build_region(d.line, d.column, d.end_line, d.end_column),
                    }
                }
            ],
            "partialFingerprints": {"vaultlink/v1": fingerprints[index]},
        }
        if fix is not None:
            row["fixes"] = [_build_fix(fix, result.path_prefix, get_line_starts)]
        if result.known_counts:
            row["baselineState"] = "new"
        yield row


_LINK_START = lazy_pattern(r"\[(?=[^\[\]]*\]\()")


def _escape_links(text: str) -> str:
    """Escape `[text](target)`, which is a link in a SARIF message."""
    return _LINK_START.sub(r"\\[", text)


def _build_location(path: str) -> _JsonObject:
    """Return a location; names that are not UTF-8 on disk keep their bytes."""
    try:
        data = path.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        data = path.encode("utf-8", "surrogatepass")
    return {"uri": quote(data), "uriBaseId": _ROOT_ID}


def _build_region(line: int, column: int, end_line: int, end_column: int) -> _JsonObject:
    return {"startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column}


def _build_fix(
    fix: Fix, path_prefix: str, get_line_starts: Callable[[str], list[int]]
) -> _JsonObject:
    """Build a fix; before it, a new note is empty text, which has one empty line."""
    changes: dict[str, list[_JsonObject]] = {}
    for edit in sort_edits(fix.edits):
        changes.setdefault(edit.path, []).append(
            _build_replacement(edit, get_line_starts(edit.path))
        )
    hint = "" if fix.safety is Safety.SAFE else " (unsafe: it may not be what you want)"
    return {
        "description": {"text": _escape_links(f"{fix.title}{hint}.")},
        "properties": {"safety": fix.safety.value},
        "artifactChanges": [
            {"artifactLocation": _build_location(path_prefix + path), "replacements": rows}
            for path, rows in changes.items()
        ],
    }


def _build_replacement(edit: Edit, starts: list[int]) -> _JsonObject:
    row: _JsonObject = {
        "deletedRegion": _build_region(
            *line_and_column(starts, edit.start), *line_and_column(starts, edit.end)
        )
    }
    if edit.text:
        row["insertedContent"] = {"text": edit.text}
    return row


# -- rules ---------------------------------------------------------------------------------------


def _build_rule(rule: Rule) -> _JsonObject:
    first = rule.why.partition("\n\n")[0]
    return {
        "id": rule.code,
        "name": "".join(word.capitalize() for word in rule.name.split("-")),
        "shortDescription": {"text": rule.summary},
        # GitHub truncates it at 1,024 characters.
        "fullDescription": {"text": shorten(first, 1000, placeholder=" …")},
        "help": {"text": _render_help(rule, _indent), "markdown": _render_help(rule, _fence)},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
        "properties": {
            "tags": ["obsidian", _SUBJECT_TAGS.get(rule.code[2], "other")],
            # Only rules without false positives on real vaults are on by default.
            "precision": "very-high" if rule.enabled_by_default else "high",
            "problem.severity": _PROBLEM_SEVERITIES[rule.severity],
        },
    }


FormatCode = Callable[[str], str]
"""Formats a block of code: indented as text, or fenced as Markdown."""


def _render_help(rule: Rule, format_code: FormatCode) -> str:
    why = [" ".join(part.split()) for part in rule.why.split("\n\n")]
    return "\n\n".join(
        [*why, *_render_example(rule, format_code), *_describe_suppression(rule, format_code)]
    )


def _render_example(rule: Rule, format_code: FormatCode) -> list[str]:
    """Render the first bad example, with the files that have findings."""
    example = next((item for item in rule.examples if "bad" in item), None)
    if example is None:
        return []
    paths = {item["in"] for item in example.get("finds", ())}
    files = [
        (path, text)
        for path, text in example["vault"].items()
        if path in paths and str(text).strip()
    ]
    parts = [
        part for path, text in files for part in (f"{path}:", format_code(_example_text(text)))
    ]
    return [f"For example: {example['bad'].rstrip('.')}.", *parts]


def _example_text(text: object) -> str:
    """Return a file's text, or the reason if the example has no text."""
    return (
        "\n".join(f"({why})" for why in text.values())
        if isinstance(text, Mapping)
        else str(text).rstrip("\n")
    )


def _describe_suppression(rule: Rule, format_code: FormatCode) -> list[str]:
    return [
        f"To suppress {rule.code} on a line, add this at its end:",
        format_code(f"%%vaultlink-disable-line {rule.code}%%"),
        "To suppress it in a note, add this anywhere:",
        format_code(f"%%vaultlink-disable-file {rule.code}%%"),
        "To turn it off in the vault, add this to vaultlink.toml:",
        format_code(f'ignore = ["{rule.name}"]'),
    ]


def _indent(text: str) -> str:
    return "\n".join(f"    {line}".rstrip() for line in text.split("\n"))


def _fence(text: str) -> str:
    fence = "`" * max([3, *(len(run) + 1 for run in re.findall("`+", text))])
    return f"{fence}\n{text}\n{fence}"
