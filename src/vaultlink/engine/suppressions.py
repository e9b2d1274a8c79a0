"""Suppressions: directives in notes that suppress findings, and unused ones."""

from collections.abc import Iterable, Sequence

from vaultlink.config.settings import Config
from vaultlink.model import Diagnostic, Directive, Note
from vaultlink.rules.registry import Rule


def apply_suppressions(
    rules: Sequence[Rule], config: Config, note: Note, found: Iterable[Diagnostic]
) -> list[Diagnostic]:
    """Return the findings that no directive of the note suppresses.

    Adds one finding for each unused directive. A directive that names only rules that do not run is
    not reported as unused.
    """
    used: set[Directive] = set()
    remaining = []
    for item in found:
        directives = _find_suppressions(note.directives, item)
        used.update(directives)
        if not directives:
            remaining.append(item)
    rule = next(
        (rule for rule in rules if rule.is_engine_rule and rule.name in config.enabled), None
    )
    if rule:
        remaining += [
            _report_unused(rule, config, note, directive)
            for directive in note.directives
            if directive not in used
            and directive.action != "enable"
            and _can_suppress(directive, rules, config)
        ]
    return remaining


def _find_suppressions(directives: Sequence[Directive], item: Diagnostic) -> list[Directive]:
    """Return the directives that suppress a finding.

    `disable` applies to the end of the note or to the next `enable`.
    """
    active: list[Directive] = []
    for directive in directives:
        if not _names_rule(directive, item.code, item.rule):
            continue
        everywhere = directive.action in ("disable-file", "property")
        before = directive.action == "disable" and directive.start < item.start
        if everywhere or before or _applies_to_line(directive, item.line):
            active.append(directive)
        elif directive.start < item.start and directive.action == "enable":
            active = [other for other in active if other.action != "disable"]
    return active


def _applies_to_line(directive: Directive, line: int) -> bool:
    return (directive.action == "disable-line" and directive.line == line) or (
        directive.action == "disable-next-line" and directive.line + 1 == line
    )


def _names_rule(directive: Directive, code: str, name: str) -> bool:
    """Return True if a directive names a rule by name, code or prefix of the code.

    A directive without names applies to all rules.
    """
    return not directive.rules or any(
        selector.lower() == name or code.startswith(selector.upper())
        for selector in directive.rules
    )


def _can_suppress(directive: Directive, rules: Sequence[Rule], config: Config) -> bool:
    return any(
        _names_rule(directive, rule.code, rule.name)
        for rule in rules
        if rule.name in config.enabled
    )


def _report_unused(rule: Rule, config: Config, note: Note, directive: Directive) -> Diagnostic:
    named = ", ".join(directive.rules) or "all rules"
    return Diagnostic(
        rule.code,
        rule.name,
        config.severity[rule.name],
        note.path,
        directive.start,
        directive.end,
        directive.line,
        directive.column,
        directive.line,
        directive.column + directive.end - directive.start,
        rule.message.format_map({"rules": named}),
    )
