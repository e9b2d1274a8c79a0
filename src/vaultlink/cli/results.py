"""Findings as a command's results and exit code, for `check` and `fix`."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from importlib import import_module
from typing import NamedTuple

from vaultlink import __version__
from vaultlink.api import Vault
from vaultlink.baseline.match import KnownFindings, KnownSplit, split_known
from vaultlink.cli.exit_codes import EXIT_CLEAN, EXIT_FINDINGS
from vaultlink.cli.known import make_new_finding_selector
from vaultlink.cli.options import ReportOptions
from vaultlink.cli.shown_paths import (
    format_command_options,
    format_vault_option,
    make_path_formatter,
)
from vaultlink.cli.terminal import Terminal
from vaultlink.cli.vault import make_suggester
from vaultlink.disk.read import load_rules
from vaultlink.engine.fingerprints import fingerprint_all
from vaultlink.fix.forecast import MAX_TRIED, FixForecast
from vaultlink.git.location import find_work_tree
from vaultlink.model import Severity
from vaultlink.report import FORMATS, OVERVIEW, STATISTICS, OutputFormat
from vaultlink.report.check_result import CheckResult
from vaultlink.report.listings import make_target_formatter
from vaultlink.report.printable import make_path_linker
from vaultlink.rules.registry import build_catalog


class CheckedVault(NamedTuple):
    """A vault, its new and known findings, and the forecast of their fixes.

    `forecast` takes time at its first call. Without `guesses`, it has no guessed fixes.
    """

    vault: Vault
    split: KnownSplit
    forecast: Callable[[], FixForecast]
    guesses: bool

    def may_have_fixes(self) -> bool:
        """Return False if it is certain, at no cost, that no finding has a fix to count."""
        rules = self.vault.state.settings.rules_by_name
        left_out = "" if self.guesses else "target"
        new, known = self.split.new, self.split.known
        items = [*new, *known] if len(known) <= MAX_TRIED else new
        return any(d.fix or rules[d.rule].deferred_fix not in ("", left_out) for d in items)


def split_findings(
    options: ReportOptions,
    output_format: str,
    vault: Vault,
    known: Sequence[KnownFindings],
    wanted: Callable[[str], bool],
) -> CheckedVault:
    """Split the findings at the `wanted` paths into new and known ones.

    Guessed fixes are counted in formats that have suggestions or fixes, so that they are known, and
    where there are few findings.
    """
    split = split_known(vault.state.diagnostics, known, vault.text, wanted)
    guesses = (
        output_format in FORMATS_WITH_FIXES
        or output_format == "full"
        or options.statistics
        or has_few_findings(vault)
    )
    select = make_new_finding_selector(known, vault, wanted)
    forecast = cache(
        lambda: vault.fixer.forecaster(wanted, guesses=guesses)(split.new, split.known, select)
    )
    return CheckedVault(vault, split, forecast, guesses)


def has_few_findings(vault: Vault) -> bool:
    """Return True if concise lines have suggestions, which take time to find."""
    found = vault.state.diagnostics
    return len(found) <= _MAX_HINTED and sum(map(len, found.values())) <= _MAX_HINTED


_MAX_HINTED = 1_000
"""Maximum number of findings whose concise lines have suggestions."""

FORMATS_WITH_FIXES = ("json", "json-lines", "sarif", "markdown")


def render_results(
    options: ReportOptions,
    terminal: Terminal,
    output_format: str,
    checked: CheckedVault,
    extra_keys: Mapping[str, object] | None = None,
) -> str | bytes:
    """Render the new findings of a vault in one of `FORMATS`.

    `extra_keys` are added to the JSON document.
    """
    row = choose_renderer(options, terminal, output_format, checked)
    render: Callable[[CheckResult], str | bytes] = getattr(import_module(row.module), row.function)
    return render(build_result(options, terminal, output_format, checked, extra_keys or {}))


def choose_renderer(
    options: ReportOptions, terminal: Terminal, output_format: str, checked: CheckedVault
) -> OutputFormat:
    """Return the output format, or what takes its place: statistics, or an overview."""
    if options.statistics and output_format in ("full", "concise"):
        return STATISTICS
    if output_format == "full" and (
        options.show == "overview"
        or (
            options.show == "auto"
            and terminal.is_terminal
            and not terminal.is_format_chosen()
            and len(checked.split.new) > terminal.height // _LINES_PER_FINDING
        )
    ):
        return OVERVIEW
    return FORMATS[output_format]


_LINES_PER_FINDING = 5
"""Lines that a finding takes in the format `full`, about."""


def build_result(
    options: ReportOptions,
    terminal: Terminal,
    output_format: str,
    checked: CheckedVault,
    extra_keys: Mapping[str, object],
) -> CheckResult:
    """Return everything that a format may print about a checked vault."""
    vault, split = checked.vault, checked.split
    catalog = build_catalog(load_rules()) if output_format == "sarif" else vault.rules
    findings = split.new
    return CheckResult(
        findings=findings,
        fingerprints=cache(lambda: fingerprint_all(findings, vault.text)),
        forecast=checked.forecast,
        text=vault.text,
        summary=cache(vault.summary),
        rules=[rule for rule in catalog if rule.name in vault.config.enabled],
        suggester=cache(lambda: make_suggester(vault, findings)),
        file_bytes=lambda path: vault.fixer.data(path),  # noqa: PLW0108 - `fixer` imports much
        format_target=make_target_formatter(vault.index),
        known=split.known,
        known_counts=split.known_counts,
        root=str(vault.root),
        path_prefix=_find_path_prefix(vault),
        version=__version__,
        failing_severities=select_failing_severities(options),
        extra_keys=extra_keys,
        width=terminal.width,
        height=terminal.height or 24,
        command_options=format_command_options(options),
        vault_option=format_vault_option(options.vault, vault.root),
        show_path=make_path_formatter(vault.root),
        link_path=make_path_linker(terminal.format_link_prefix(vault.root)),
        groups_targets=terminal.is_terminal,
        palette=terminal.palette,
    )


def _find_path_prefix(vault: Vault) -> str:
    """Return the vault's folder in its repository, such as "notes/"; "" for the root.

    GitHub and GitLab expect paths relative to the repository.
    """
    tree = find_work_tree(vault.root)
    folder = vault.root.relative_to(tree).as_posix() if tree else "."
    return "" if folder == "." else f"{folder}/"


def choose_exit_code(options: ReportOptions, severities: Iterable[Severity]) -> int:
    """Return the exit code for findings of these severities."""
    failing = frozenset() if options.exit_zero else select_failing_severities(options)
    return EXIT_CLEAN if failing.isdisjoint(severities) else EXIT_FINDINGS


def select_failing_severities(options: ReportOptions) -> frozenset[Severity]:
    """Return the severities at or above `--fail-on`."""
    if options.fail_on == "never":
        return frozenset()
    return frozenset(
        severity for severity in Severity if severity.rank >= Severity(options.fail_on).rank
    )
