"""How findings leave a command: printed in the form asked for, and as an exit code. `check` and `fix` have both in common."""

from collections.abc import Callable, Iterable, Mapping
from importlib import import_module

import msgspec

from vaultlink import __version__
from vaultlink.api import Vault
from vaultlink.baseline.match import KnownSplit
from vaultlink.cli.exit_codes import EXIT_CLEAN, EXIT_FINDINGS
from vaultlink.cli.options import ReportOptions
from vaultlink.cli.terminal import Terminal
from vaultlink.cli.vault import make_suggester
from vaultlink.engine.fingerprints import fingerprint_all
from vaultlink.fix.sources import FixAnswers
from vaultlink.git import find_work_tree
from vaultlink.model import Diagnostic, Fix, Safety, Severity
from vaultlink.report.check_result import CheckResult
from vaultlink.report.concise import count_by_rule, render_concise, render_statistics
from vaultlink.report.finding_rows import finding_rows
from vaultlink.report.full import FullRenderer
from vaultlink.report.json_document import encode_document, encode_json_lines
from vaultlink.report.listings import make_target_formatter

MACHINE_FORMATS = ("github", "gitlab", "sarif", "junit", "markdown")
"""The forms that other programs read; each is a function of the module of its name."""

FINDING_FORMATS = ("full", "concise", "json", "json-lines", *MACHINE_FORMATS)


def render_results(
    options: ReportOptions,
    terminal: Terminal,
    form: str,
    vault: Vault,
    found: KnownSplit,
    more: Mapping[str, object] | None = None,
) -> str | bytes:
    """Findings in a form; `more` are further keys of the JSON document."""
    if form in MACHINE_FORMATS:
        render: Callable[[CheckResult], str | bytes] = getattr(
            import_module(f"vaultlink.report.{form}"), form
        )
        return render(_build_report(options, vault, found))
    if form in ("json", "json-lines"):
        return _render_json(form, vault, found, more or {})
    if options.statistics:
        return render_statistics(found.new, terminal.palette)
    if form == "concise":
        return render_concise(found.new, terminal.palette)
    frames = FullRenderer(
        vault.text,
        make_suggester(vault, found.new),
        make_target_formatter(vault.index),
        terminal.width,
        terminal.palette,
    )
    return frames.render(found.new)


def _build_report(options: ReportOptions, vault: Vault, found: KnownSplit) -> CheckResult:
    rules = [rule for rule in vault.rules if rule.name in vault.config.enabled]
    return CheckResult(
        _find_repository_prefix(vault),
        found.new,
        lambda: fingerprint_all(found.new, vault.text),
        lambda: list(map(vault.fixer.lookup(found.new, FixAnswers()), found.new)),
        rules,
        vault.summary(),
        vault.text,
        found.known,
        found.known_counts,
        __version__,
        select_failing_severities(options),
    )


def _find_repository_prefix(vault: Vault) -> str:
    """What stands before the vault's paths in its repository, which is where forges look for files."""
    tree = find_work_tree(vault.root)
    below = vault.root.relative_to(tree).as_posix() if tree else "."
    return "" if below == "." else f"{below}/"


def _render_json(form: str, vault: Vault, found: KnownSplit, more: Mapping[str, object]) -> bytes:
    fixes = list(map(vault.fixer.lookup(found.new, FixAnswers()), found.new))
    remembered = iter(fixes)
    rows = finding_rows(
        found.new,
        vault.text,
        make_suggester(vault, found.new),
        lambda _item: next(remembered),
        vault.fixer.data,
    )
    if form == "json-lines":
        return encode_json_lines(rows)
    figures = {
        **vault.summary(),
        "findings": len(found.new),
        "fixable": _count_fixes(fixes, Safety.SAFE),
        "unsafe_fixable": _count_fixes(fixes, Safety.UNSAFE),
        "by_rule": count_by_rule(found.new),
    }
    known = [msgspec.to_builtins(count) for count in found.known_counts]
    return encode_document(
        {
            "version": __version__,
            "vault": str(vault.root),
            "summary": figures,
            "known": known,
            **more,
        },
        "findings",
        rows,
    )


def _count_fixes(fixes: list[Fix | None], safety: Safety) -> int:
    return sum(fix is not None and fix.safety is safety for fix in fixes)


def choose_exit_code(options: ReportOptions, diagnostics: Iterable[Diagnostic]) -> int:
    """The exit code that findings come to."""
    bad = frozenset() if options.exit_zero else select_failing_severities(options)
    return EXIT_FINDINGS if any(item.severity in bad for item in diagnostics) else EXIT_CLEAN


def select_failing_severities(options: ReportOptions) -> frozenset[Severity]:
    """The severities of findings that a check fails for."""
    if options.fail_on == "never":
        return frozenset()
    return frozenset(
        severity for severity in Severity if severity.rank >= Severity(options.fail_on).rank
    )
