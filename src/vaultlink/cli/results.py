"""How findings leave a command: printed in the form asked for, and as an exit code. `check` and `fix` have both in common."""

from collections.abc import Callable, Iterable, Mapping
from importlib import import_module

import msgspec

from vaultlink import __version__
from vaultlink.api import Vault
from vaultlink.cli import CLEAN, FOUND
from vaultlink.cli.opening import suggestions
from vaultlink.cli.options import Reporting
from vaultlink.cli.terminal import Terminal
from vaultlink.fingerprints import fingerprints
from vaultlink.fixing.sources import Answers
from vaultlink.gate.sifting import Sifted
from vaultlink.model import Diagnostic, Fix, Safety, Severity
from vaultlink.report.checked import Checked
from vaultlink.report.documents import document, json_lines
from vaultlink.report.findings import by_rule, concise, statistics
from vaultlink.report.frames import Frames
from vaultlink.report.listings import wording
from vaultlink.report.records import finding_rows
from vaultlink.repository import work_tree

OTHERS = ("github", "gitlab", "sarif", "junit", "markdown")
"""The forms that other programs read; each is a function of the module of its name."""

FORMS = ("full", "concise", "json", "json-lines", *OTHERS)


def results(
    options: Reporting,
    terminal: Terminal,
    form: str,
    vault: Vault,
    found: Sifted,
    more: Mapping[str, object] | None = None,
) -> str | bytes:
    """Findings in a form; `more` are further keys of the JSON document."""
    if form in OTHERS:
        render: Callable[[Checked], str | bytes] = getattr(
            import_module(f"vaultlink.report.{form}"), form
        )
        return render(_checked(options, vault, found))
    if form in ("json", "json-lines"):
        return _data(form, vault, found, more or {})
    if options.statistics:
        return statistics(found.new, terminal.palette)
    if form == "concise":
        return concise(found.new, terminal.palette)
    frames = Frames(
        vault.text,
        suggestions(vault, found.new),
        wording(vault.index),
        terminal.room,
        terminal.palette,
    )
    return frames.render(found.new)


def _checked(options: Reporting, vault: Vault, found: Sifted) -> Checked:
    rules = [rule for rule in vault.rules if rule.name in vault.config.enabled]
    return Checked(
        _place(vault),
        found.new,
        lambda: fingerprints(found.new, vault.text),
        lambda: list(map(vault.fixes(found.new, Answers()), found.new)),
        rules,
        vault.summary(),
        vault.text,
        found.old,
        found.debts,
        __version__,
        failing(options),
    )


def _place(vault: Vault) -> str:
    """What stands before the vault's paths in its repository, which is where forges look for files."""
    tree = work_tree(vault.root)
    below = vault.root.relative_to(tree).as_posix() if tree else "."
    return "" if below == "." else f"{below}/"


def _data(form: str, vault: Vault, found: Sifted, more: Mapping[str, object]) -> bytes:
    fixes = list(map(vault.fixes(found.new, Answers()), found.new))
    remembered = iter(fixes)
    rows = finding_rows(
        found.new,
        vault.text,
        suggestions(vault, found.new),
        lambda _item: next(remembered),
        vault.data,
    )
    if form == "json-lines":
        return json_lines(rows)
    figures = {
        **vault.summary(),
        "findings": len(found.new),
        "fixable": _count(fixes, Safety.SAFE),
        "unsafe_fixable": _count(fixes, Safety.UNSAFE),
        "by_rule": by_rule(found.new),
    }
    known = [msgspec.to_builtins(debt) for debt in found.debts]
    return document(
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


def _count(fixes: list[Fix | None], safety: Safety) -> int:
    return sum(fix is not None and fix.safety is safety for fix in fixes)


def code(options: Reporting, diagnostics: Iterable[Diagnostic]) -> int:
    """The exit code that findings come to."""
    bad = frozenset() if options.exit_zero else failing(options)
    return FOUND if any(item.severity in bad for item in diagnostics) else CLEAN


def failing(options: Reporting) -> frozenset[Severity]:
    """The severities of findings that a check fails for."""
    if options.fail_on == "never":
        return frozenset()
    return frozenset(
        severity for severity in Severity if severity.rank >= Severity(options.fail_on).rank
    )
