"""Build the diagnostic of a finding: rule, severity, path and fix are added."""

from vaultlink.model import Diagnostic, Edit, Fix, Severity
from vaultlink.rules.context import Finding
from vaultlink.rules.registry import Rule


def build_diagnostic(rule: Rule, severity: Severity, path: str, finding: Finding) -> Diagnostic:
    """Build the diagnostic of a finding at a path."""
    at = finding.location
    lines, column = _measure_extent(at)
    edits = finding.edits() if callable(finding.edits) else finding.edits
    return Diagnostic(
        rule.code,
        rule.name,
        severity,
        path,
        at.start,
        at.end,
        at.line,
        at.column,
        at.line + lines,
        column,
        rule.message.format_map(finding.values),
        finding.target,
        _build_fix(rule, finding, edits) if edits else None,
        rule.about,
        rule.known_as,
        finding.subpath,
        finding.resolved,
    )


def _build_fix(rule: Rule, finding: Finding, edits: tuple[Edit, ...]) -> Fix:
    return Fix(
        rule.fix_title.format_map(finding.values),
        finding.safety or rule.default_safety,
        edits,
    )


def _measure_extent(at: object) -> tuple[int, int]:
    """Return the number of lines below the first, and the end column.

    Only the text of a link can contain a line break.
    """
    start, end, column = at.start, at.end, at.column  # type: ignore[attr-defined] # a Located
    raw = getattr(at, "raw", "")
    lines = raw.count("\n") if raw else 0
    return (lines, len(raw) - raw.rfind("\n")) if lines else (0, column + end - start)
