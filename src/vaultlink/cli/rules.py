"""`vaultlink rules` and `vaultlink rule`: the table of all rules, and the manual of some."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from vaultlink.catalog import Rule, UnknownRule, catalog, select
from vaultlink.cli import CLEAN
from vaultlink.cli.listing import FORMS, print_document, print_lines, print_rows
from vaultlink.cli.options import Printing, words
from vaultlink.cli.terminal import Terminal
from vaultlink.errors import UsageError
from vaultlink.files import load_rules
from vaultlink.report.layout import number
from vaultlink.report.manual import HEADER, rule_cells, rule_page, rule_row


@dataclass(frozen=True, kw_only=True)
class Manual(Printing):
    """What `rule` is told."""

    rule: Annotated[
        tuple[str, ...], words("RULE", "A rule's name or code, or the beginning of a code.")
    ] = ()


def rules(options: Printing) -> int:
    """List all rules.

    Forms: table (on a terminal), tsv (elsewhere), json. Columns of tsv: code, name, on or off by default, severity,
    what it finds.
    """
    return _list(Terminal(options), catalog(load_rules()))


def rule(options: Manual) -> int:
    """Explain a rule.

    What it finds, why that matters, its options, and examples of wrong and right. Without RULE all rules are listed.

    Forms: page (also when piped), json.
    """
    terminal, known = Terminal(options), catalog(load_rules())
    if not options.rule:
        return _list(terminal, known)
    chosen = [item for item in known if item.name in _selected(known, options.rule)]
    if terminal.form(("page", "json"), "page", "page") == "json":
        print_document(terminal, {}, "rules", [rule_row(item) for item in chosen])
    else:
        pages = [rule_page(item, terminal.room, terminal.palette) for item in chosen]
        terminal.show(f"\n{'─' * min(terminal.room, 96)}\n\n".join(pages))
    return CLEAN


def _selected(known: tuple[Rule, ...], selectors: Sequence[str]) -> frozenset[str]:
    try:
        return select(known, selectors)
    except UnknownRule as error:
        near = " or ".join(error.suggestions)
        hint = f"Did you mean {near}?" if near else "`vaultlink rules` lists all rules."
        raise UsageError(f'no rule is called "{error.selector}". {hint}') from None


def _list(terminal: Terminal, known: Sequence[Rule]) -> int:
    shape = terminal.form(FORMS, "table", "tsv")
    rows = [rule_cells(item) for item in known]
    if shape == "json":
        print_document(terminal, {}, "rules", [rule_row(item) for item in known])
    elif shape == "tsv":
        print_lines(terminal, rows)
    else:
        print_rows(terminal, HEADER, rows, "No rules found.", fold=True)
        terminal.say(f"{number(len(known), 'rule')}; `vaultlink rule NAME` explains one.")
    return CLEAN
