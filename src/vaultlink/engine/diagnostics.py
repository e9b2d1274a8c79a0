"""Build the diagnostics of findings: rule, severity, path and fix are added."""

from collections.abc import Callable, Mapping
from operator import itemgetter
from string import Formatter
from typing import NamedTuple

from vaultlink.model import Diagnostic, Fix, Severity, SourceSpan
from vaultlink.rules.context import Finding
from vaultlink.rules.registry import Rule


class DiagnosticBuilder:
    """Builds the diagnostics of one rule."""

    __slots__ = ("_format_message", "_format_title", "_rule", "_severity")

    def __init__(self, rule: Rule, severity: Severity) -> None:
        self._rule, self._severity = rule, severity
        self._format_message = _compile_template(rule.message)
        self._format_title = _compile_template(rule.fix_title)

    def build(self, path: str, finding: Finding) -> Diagnostic:
        """Build the diagnostic of a finding at a path."""
        rule, at, edits = self._rule, finding.location, finding.edits
        start, end, line, column = at.start, at.end, at.line, at.column
        raw = getattr(at, "raw", "")  # only the text of a link can contain a line break
        is_long = "\n" in raw
        if edits and callable(edits):
            edits = edits()
        return Diagnostic(
            rule.code,
            rule.name,
            self._severity,
            path,
            start,
            end,
            line,
            column,
            line + raw.count("\n") if is_long else line,
            len(raw) - raw.rfind("\n") if is_long else column + end - start,
            self._format_message(finding.values),
            finding.target,
            Fix(
                self._format_title(finding.values),
                finding.safety or rule.default_safety,
                edits,
            )
            if edits
            else None,
            rule.about,
            rule.known_as,
            finding.subpath,
            finding.resolved,
        )


class FindingKind(NamedTuple):
    """The rule and severity of findings that are made on demand."""

    code: str
    rule: str
    severity: Severity


MENTION = FindingKind("", "unlinked-mention", Severity.INFO)
"""Stands for the rule of an unlinked mention, which no check reports."""


def make_finding(
    kind: FindingKind, path: str, place: SourceSpan, message: str, resolved: str | None = None
) -> Diagnostic:
    """Return a finding that no check makes, because it is made on demand.

    `place` is in one line. `resolved` is the vault path of a file that the finding is about.
    """
    start, end, line, column = place.start, place.end, place.line, place.column
    return Diagnostic(
        *kind,
        path,
        start,
        end,
        line,
        column,
        line,
        column + end - start,
        message,
        resolved=resolved,
    )


def _compile_template(template: str) -> Callable[[Mapping[str, object]], str]:
    """Return a function that fills a template like `str.format_map`, in less time."""
    parts = [(text, name, spec) for text, name, spec, _ in Formatter().parse(template)]
    names = [name for _, name, _ in parts if name is not None]
    if not names or any(spec or not name for _, name, spec in parts if name is not None):
        return template.format_map
    pattern = "".join(
        text.replace("%", "%%") + ("" if name is None else "%s") for text, name, _ in parts
    )
    get_values: Callable[[Mapping[str, object]], object] = itemgetter(*names)
    return lambda values: pattern % get_values(values)
