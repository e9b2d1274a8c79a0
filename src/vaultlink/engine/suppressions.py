"""Ignores: which findings the directives of a note silence, and which directives silence nothing."""

from collections.abc import Iterable, Sequence

from vaultlink.config.settings import Config
from vaultlink.model import Diagnostic, Directive, Note
from vaultlink.rules.registry import Rule


def apply_suppressions(
    rules: Sequence[Rule], config: Config, note: Note, found: Iterable[Diagnostic]
) -> list[Diagnostic]:
    """The findings of a note that its directives leave, and one for each directive that silences none.

    A directive that names only rules which do not run says nothing about the note, and is left alone.
    """
    used: set[Directive] = set()
    left = []
    for item in found:
        silencers = _find_suppressions(note.directives, item)
        used.update(silencers)
        if not silencers:
            left.append(item)
    rule = next(
        (rule for rule in rules if rule.is_engine_rule and rule.name in config.enabled), None
    )
    if rule:
        left += [
            _report_unused(rule, config, note, directive)
            for directive in note.directives
            if directive not in used
            and directive.action != "enable"
            and _can_suppress(directive, rules, config)
        ]
    return left


def _find_suppressions(directives: Sequence[Directive], item: Diagnostic) -> list[Directive]:
    """The directives that silence a finding. `disable` holds to the end or to the `enable` that undoes it."""
    active: list[Directive] = []
    for directive in directives:
        if not _names_rule(directive, item.code, item.rule):
            continue
        everywhere = directive.action in ("disable-file", "property")
        before = directive.action == "disable" and directive.start < item.start
        if everywhere or before or _applies_to_line(directive, item.line):
            active.append(directive)
        elif directive.start < item.start and directive.action == "enable":
            active = [kept for kept in active if kept.action != "disable"]
    return active


def _applies_to_line(directive: Directive, line: int) -> bool:
    return (directive.action == "disable-line" and directive.line == line) or (
        directive.action == "disable-next-line" and directive.line + 1 == line
    )


def _names_rule(directive: Directive, code: str, name: str) -> bool:
    """Whether a directive speaks of a rule, by its name, its code or a prefix of the code; without names of all."""
    return not directive.rules or any(
        said.lower() == name or code.startswith(said.upper()) for said in directive.rules
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
