"""The output formats `json` and `json-lines`."""

from collections import Counter

import msgspec

from vaultlink.report.check_result import CheckResult
from vaultlink.report.finding_rows import finding_rows
from vaultlink.report.json_document import encode_json_lines, join_document


def frame_json(result: CheckResult, lines: bytes) -> bytes:
    """Render one JSON object with the summary and the findings, which are JSON lines.

    The known counts and the extra keys are before the findings.
    """
    by_rule: Counter[str] = Counter()
    for row in result.counts():
        by_rule[row.rule] += row.findings
    summary = {
        **result.summary(),
        "findings": by_rule.total(),
        "fixable": result.forecast().safe,
        "unsafe_fixable": result.forecast().unsafe,
        "by_rule": dict(sorted(by_rule.items())),
    }
    head = {
        "version": result.version,
        "vault": result.root,
        "summary": summary,
        "known": [msgspec.to_builtins(count) for count in result.known_counts],
        **result.extra_keys,
    }
    return join_document(head, "findings", lines, by_rule.total())


def render_json_lines(result: CheckResult) -> bytes:
    """Render one JSON object per finding, each on its own line."""
    fixes = iter(result.forecast().fixes)
    rows = finding_rows(
        result.findings,
        result.text,
        result.suggester(),
        lambda _finding: next(fixes),
        result.file_bytes,
        result.fingerprints(),
    )
    return encode_json_lines(rows)
