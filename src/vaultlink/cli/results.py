"""How findings leave a command: printed in the form asked for, and as an exit code. `check` and `fix` have both in common."""

from collections.abc import Mapping, Sequence

from vaultlink import __version__
from vaultlink.api import Vault
from vaultlink.cli import CLEAN, FOUND
from vaultlink.cli.opening import suggestions
from vaultlink.cli.options import Reporting
from vaultlink.cli.terminal import Terminal
from vaultlink.fixing.sources import Answers
from vaultlink.model import Diagnostic, Fix, Safety, Severity
from vaultlink.report.documents import document, json_lines
from vaultlink.report.findings import by_rule, concise, statistics
from vaultlink.report.frames import Frames
from vaultlink.report.listings import wording
from vaultlink.report.records import finding_rows

FORMS = ("full", "concise", "json", "json-lines")


def results(options: Reporting, terminal: Terminal, form: str, vault: Vault, diagnostics: Sequence[Diagnostic],
            more: Mapping[str, object] | None = None) -> str | bytes:
    """Findings in a form; `more` are further keys of the JSON document."""
    if form in ("json", "json-lines"):
        return _data(form, vault, diagnostics, more or {})
    if options.statistics:
        return statistics(diagnostics, terminal.palette)
    if form == "concise":
        return concise(diagnostics, terminal.palette)
    frames = Frames(vault.text, suggestions(vault, diagnostics), wording(vault.index), terminal.room, terminal.palette)
    return frames.render(diagnostics)


def _data(form: str, vault: Vault, diagnostics: Sequence[Diagnostic], more: Mapping[str, object]) -> bytes:
    mend = vault.fixes(diagnostics, Answers())
    fixes = [mend(item) for item in diagnostics]
    remembered = iter(fixes)
    rows = finding_rows(diagnostics, vault.text, suggestions(vault, diagnostics), lambda _item: next(remembered), vault.data)
    if form == "json-lines":
        return json_lines(rows)
    figures = {**vault.summary(), "findings": len(diagnostics), "fixable": _count(fixes, Safety.SAFE),
               "unsafe_fixable": _count(fixes, Safety.UNSAFE), "by_rule": by_rule(diagnostics)}
    return document({"version": __version__, "vault": str(vault.root), "summary": figures, **more}, "findings", rows)


def _count(fixes: Sequence[Fix | None], safety: Safety) -> int:
    return sum(fix is not None and fix.safety is safety for fix in fixes)


def code(options: Reporting, diagnostics: Sequence[Diagnostic]) -> int:
    """The exit code that findings come to."""
    if options.exit_zero or options.fail_on == "never":
        return CLEAN
    mildest = Severity(options.fail_on).rank
    failing = {severity for severity in Severity if severity.rank >= mildest}
    return FOUND if any(item.severity in failing for item in diagnostics) else CLEAN
