"""The output formats `json` and `json-lines`."""

from collections.abc import Sequence

import msgspec

from vaultlink.model import Fix, Safety
from vaultlink.report.check_result import CheckResult
from vaultlink.report.concise import count_by_rule
from vaultlink.report.finding_rows import FindingRow, finding_rows
from vaultlink.report.json_document import encode_document, encode_json_lines


def render_json(result: CheckResult) -> bytes:
    """Render one JSON object with the summary and the findings.

    The known counts and the extra keys are before the findings.
    """
    fixes = result.fixes()
    summary = {
        **result.summary(),
        "findings": len(result.findings),
        "fixable": _count_fixes(fixes, Safety.SAFE),
        "unsafe_fixable": _count_fixes(fixes, Safety.UNSAFE),
        "by_rule": count_by_rule(result.findings),
    }
    head = {
        "version": result.version,
        "vault": result.root,
        "summary": summary,
        "known": [msgspec.to_builtins(count) for count in result.known_counts],
        **result.extra_keys,
    }
    return encode_document(head, "findings", _build_rows(result))


def render_json_lines(result: CheckResult) -> bytes:
    """Render one JSON object per finding, each on its own line."""
    return encode_json_lines(_build_rows(result))


def _build_rows(result: CheckResult) -> list[FindingRow]:
    fixes = iter(result.fixes())
    return finding_rows(
        result.findings,
        result.text,
        result.suggester(),
        lambda _finding: next(fixes),
        result.file_bytes,
        result.fingerprints(),
    )


def _count_fixes(fixes: Sequence[Fix | None], safety: Safety) -> int:
    return sum(fix is not None and fix.safety is safety for fix in fixes)
