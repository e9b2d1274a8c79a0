"""`vaultlink rules` and `vaultlink rule`: the table and the manuals of rules."""

from collections.abc import Sequence
from typing import Annotated

from vaultlink.cli.exit_codes import EXIT_CLEAN
from vaultlink.cli.listing import (
    Columns,
    Listing,
    choose_document_format,
    choose_listing_format,
    print_listing,
)
from vaultlink.cli.options import PrintOptions, argument
from vaultlink.cli.terminal import Terminal
from vaultlink.disk.read import load_rules
from vaultlink.errors import UsageError, propose
from vaultlink.report.layout import format_count
from vaultlink.report.rule_manual import render_rule_page, rule_row
from vaultlink.rules.registry import Rule, UnknownRule, build_catalog, select_rules

_COLUMNS: Columns = {
    "code": "code",
    "rule": "name",
    "default": lambda row: "on" if row.default else "off",
    "severity": "severity",
    "finds": "summary",
}


class RuleOptions(PrintOptions, frozen=True, kw_only=True):
    rule: Annotated[
        tuple[str, ...], argument("RULE", "A rule's name or code, or the start of a code.")
    ] = ()


def rules(options: PrintOptions) -> int:
    """List all rules.

    Output formats: table (on a terminal), tsv (elsewhere), json. Columns of tsv: code, name, on or
    off by default, severity, summary.
    """
    return _print_rules(Terminal(options), build_catalog(load_rules()))


def rule(options: RuleOptions) -> int:
    """Explain a rule.

    Prints the problem that the rule finds, why it matters, the options of the rule, how to switch
    it off, and wrong and right examples. Without RULE, lists all rules.

    Output formats: page (also when piped), json.
    """
    terminal, catalog = Terminal(options), build_catalog(load_rules())
    if not options.rule:
        return _print_rules(terminal, catalog)
    selected = _select_rules(catalog, options.rule)
    chosen = [item for item in catalog if item.name in selected]
    output_format = choose_document_format(terminal, "page")
    rule_line = f"\n{'─' * min(terminal.width, 96)}\n\n"
    listing = Listing(
        "rules",
        [rule_row(item) for item in chosen],
        text=lambda: rule_line.join(
            [render_rule_page(item, terminal.width, terminal.palette) for item in chosen]
        ),
        paged=True,
    )
    print_listing(terminal, output_format, listing)
    return EXIT_CLEAN


def _select_rules(catalog: tuple[Rule, ...], selectors: Sequence[str]) -> frozenset[str]:
    try:
        return select_rules(catalog, selectors)
    except UnknownRule as error:
        hint = propose(error.suggestions, "`vaultlink rules` lists all rules.")
        raise UsageError(f"{error.problem}. {hint}") from None


def _print_rules(terminal: Terminal, catalog: Sequence[Rule]) -> int:
    rows = [rule_row(item) for item in catalog]
    listing = Listing("rules", rows, _COLUMNS, _COLUMNS, fold=True)
    if print_listing(terminal, choose_listing_format(terminal), listing):
        terminal.print_message(
            f"{format_count(len(catalog), 'rule')}; `vaultlink rule NAME` explains one."
        )
    return EXIT_CLEAN
