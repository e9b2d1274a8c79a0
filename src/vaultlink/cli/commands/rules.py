"""`vaultlink rules` and `vaultlink rule`: the table and the manuals of rules."""

from collections.abc import Sequence
from typing import Annotated

from vaultlink.cli.exit_codes import EXIT_CLEAN
from vaultlink.cli.listing import Listing, choose_listing_format, print_document, print_listing
from vaultlink.cli.options import PrintOptions, argument
from vaultlink.cli.terminal import Terminal
from vaultlink.disk.read import load_rules
from vaultlink.errors import UsageError, propose
from vaultlink.report.layout import format_count
from vaultlink.report.rule_manual import RULE_HEADER, render_rule_page, rule_cells, rule_row
from vaultlink.rules.registry import Rule, UnknownRule, build_catalog, select_rules


class RuleOptions(PrintOptions, frozen=True, kw_only=True):
    """Options of `rule`."""

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
    chosen = [item for item in catalog if item.name in _select_rules(catalog, options.rule)]
    if terminal.choose_format(("page", "json"), "page", "page") == "json":
        print_document(terminal, {}, "rules", [rule_row(item) for item in chosen])
    else:
        pages = [render_rule_page(item, terminal.width, terminal.palette) for item in chosen]
        terminal.print_paged(f"\n{'─' * min(terminal.width, 96)}\n\n".join(pages))
    return EXIT_CLEAN


def _select_rules(catalog: tuple[Rule, ...], selectors: Sequence[str]) -> frozenset[str]:
    try:
        return select_rules(catalog, selectors)
    except UnknownRule as error:
        hint = propose(error.suggestions, "`vaultlink rules` lists all rules.")
        raise UsageError(f"{error.problem}. {hint}") from None


def _print_rules(terminal: Terminal, catalog: Sequence[Rule]) -> int:
    rows = [rule_row(item) for item in catalog]
    listing = Listing("rules", rows, RULE_HEADER, map(rule_cells, catalog), RULE_HEADER)
    if print_listing(terminal, choose_listing_format(terminal), listing, fold=True):
        terminal.print_message(
            f"{format_count(len(catalog), 'rule')}; `vaultlink rule NAME` explains one."
        )
    return EXIT_CLEAN
