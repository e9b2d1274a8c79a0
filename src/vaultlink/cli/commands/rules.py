"""`vaultlink rules` and `vaultlink rule`: the table of all rules, and the manual of some."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from vaultlink.cli.exit_codes import EXIT_CLEAN
from vaultlink.cli.listing import LISTING_FORMATS, print_document, print_lines, print_rows
from vaultlink.cli.options import PrintOptions, argument
from vaultlink.cli.terminal import Terminal
from vaultlink.disk.read import load_rules
from vaultlink.errors import UsageError
from vaultlink.report.layout import format_count
from vaultlink.report.rule_manual import RULE_HEADER, render_rule_page, rule_cells, rule_row
from vaultlink.rules.registry import Rule, UnknownRule, build_catalog, select_rules


@dataclass(frozen=True, kw_only=True)
class RuleOptions(PrintOptions):
    """What `rule` is told."""

    rule: Annotated[
        tuple[str, ...], argument("RULE", "A rule's name or code, or the beginning of a code.")
    ] = ()


def rules(options: PrintOptions) -> int:
    """List all rules.

    Output formats: table (on a terminal), tsv (elsewhere), json.
    Columns of tsv: code, name, on or off by default, severity,
    what it finds.
    """
    return _print_rules(Terminal(options), build_catalog(load_rules()))


def rule(options: RuleOptions) -> int:
    """Explain a rule.

    What it finds, why that matters, its options, and examples of wrong and right. Without RULE all rules are listed.

    Output formats: page (also when piped), json.
    """
    terminal, known = Terminal(options), build_catalog(load_rules())
    if not options.rule:
        return _print_rules(terminal, known)
    chosen = [item for item in known if item.name in _select_rules(known, options.rule)]
    if terminal.choose_format(("page", "json"), "page", "page") == "json":
        print_document(terminal, {}, "rules", [rule_row(item) for item in chosen])
    else:
        pages = [render_rule_page(item, terminal.width, terminal.palette) for item in chosen]
        terminal.print_results(f"\n{'─' * min(terminal.width, 96)}\n\n".join(pages))
    return EXIT_CLEAN


def _select_rules(known: tuple[Rule, ...], selectors: Sequence[str]) -> frozenset[str]:
    try:
        return select_rules(known, selectors)
    except UnknownRule as error:
        near = " or ".join(error.suggestions)
        hint = f"Did you mean {near}?" if near else "`vaultlink rules` lists all rules."
        raise UsageError(f'no rule is called "{error.selector}". {hint}') from None


def _print_rules(terminal: Terminal, known: Sequence[Rule]) -> int:
    shape = terminal.choose_format(LISTING_FORMATS, "table", "tsv")
    rows = [rule_cells(item) for item in known]
    if shape == "json":
        print_document(terminal, {}, "rules", [rule_row(item) for item in known])
    elif shape == "tsv":
        print_lines(terminal, rows)
    else:
        print_rows(terminal, RULE_HEADER, rows, "No rules found.", fold=True)
        terminal.print_message(
            f"{format_count(len(known), 'rule')}; `vaultlink rule NAME` explains one."
        )
    return EXIT_CLEAN
