"""The output formats `json` and `json-lines`."""

from collections.abc import Sequence

import msgspec

from vaultlink.report.check_result import CheckResult
from vaultlink.report.concise import count_by_rule
from vaultlink.report.finding_rows import finding_rows
from vaultlink.report.json_document import encode_json_lines, join_document


def render_json(result: CheckResult) -> bytes:
    """Render one JSON object with the summary and the findings.

    The known counts and the extra keys are before the findings.
    """
    return join_json(result, [render_json_lines(result)])


def join_json(result: CheckResult, parts: Sequence[bytes]) -> bytes:
    """Render one JSON object like `render_json` from its findings as JSON lines."""
    summary = {
        **result.summary(),
        "findings": len(result.findings),
        "fixable": result.forecast().safe,
        "unsafe_fixable": result.forecast().unsafe,
        "by_rule": count_by_rule(result.findings),
    }
    head = {
        "version": result.version,
        "vault": result.root,
        "summary": summary,
        "known": [msgspec.to_builtins(count) for count in result.known_counts],
        **result.extra_keys,
    }
    return join_document(head, "findings", b"".join(parts), len(result.findings))


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


def join_json_lines(_result: CheckResult, parts: Sequence[bytes]) -> bytes:
    """Join JSON lines."""
    return b"".join(parts)
