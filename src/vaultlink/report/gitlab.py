"""The output format `gitlab`: a code quality report.

The report is a JSON array with one finding per line. GitLab shows it in merge requests and compares
it with the report of the target branch. GitLab reads some of the keys of Code Climate. `content` is
omitted, because GitLab does not show it and each finding would repeat the rule's manual.
"""

from collections import Counter
from typing import Any

from vaultlink.model import Diagnostic, Severity
from vaultlink.report.check_result import CheckResult
from vaultlink.report.github import last_line
from vaultlink.report.json_document import encode_json_lines
from vaultlink.report.layout import escape_controls

_SEVERITIES = {Severity.ERROR: "major", Severity.WARNING: "minor", Severity.INFO: "info"}
"""The higher levels, critical and blocker, are for harmful programs."""

_CATEGORIES = {Severity.ERROR: "Bug Risk", Severity.WARNING: "Clarity", Severity.INFO: "Style"}


def render_gitlab(result: CheckResult) -> bytes:
    """Render the findings as a code quality report."""
    counts: Counter[str] = Counter()
    rows = [
        _build_issue(result.path_prefix, d, _make_unique(fingerprint, counts))
        for d, fingerprint in zip(result.findings, result.fingerprints(), strict=True)
    ]
    # JSON has no raw line feed inside a row.
    lines = encode_json_lines(rows).replace(b"\n", b",\n").removesuffix(b",\n")
    return b"[\n" + lines + b"\n]\n" if rows else b"[]\n"


def _make_unique(fingerprint: str, counts: Counter[str]) -> str:
    """Make a fingerprint unique: GitLab keeps only the last finding with one."""
    counts[fingerprint] += 1
    number = counts[fingerprint]
    return fingerprint if number == 1 else _make_unique(f"{fingerprint}-{number}", counts)


def _build_issue(path_prefix: str, d: Diagnostic, fingerprint: str) -> dict[str, Any]:
    return {
        "type": "issue",
        "check_name": d.rule,
        # GitLab does not show the rule's name everywhere, and shows only one line.
        "description": f"{d.code} {escape_controls(d.message)}",
        "categories": [_CATEGORIES[d.severity]],
        "severity": _SEVERITIES[d.severity],
        "fingerprint": fingerprint,
        "location": {"path": path_prefix + d.path, "lines": {"begin": d.line, "end": last_line(d)}},
    }
