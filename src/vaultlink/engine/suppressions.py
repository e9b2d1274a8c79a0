"""Suppressions: directives in notes that suppress findings, and unused ones."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

from vaultlink.config.settings import Config
from vaultlink.engine.diagnostics import FindingKind, make_finding
from vaultlink.model import Diagnostic, Directive, Note
from vaultlink.rules.registry import Rule


def apply_suppressions(
    rules: Sequence[Rule], config: Config, note: Note, found: Iterable[Diagnostic]
) -> list[Diagnostic]:
    """Return the findings that no directive of the note suppresses.

    Adds one finding for each unused directive. A directive that names only rules that do not run is
    not reported as unused.
    """
    suppressions = _Suppressions(note.directives, rules)
    remaining = [item for item in found if not suppressions.apply_to(item)]
    reporting = (rule for rule in rules if rule.is_engine_rule and rule.name in config.enabled)
    if rule := next(reporting, None):
        used, known = suppressions.list_used(), _EnabledRules(rules, config)
        remaining += [
            _report_unused(rule, config, note, directive)
            for directive in note.directives
            if directive not in used
            and directive.action != "enable"
            and known.can_be_suppressed(directive)
        ]
    return remaining


class _Suppressions:
    """The directives of a note by the rules that they name."""

    def __init__(self, directives: Sequence[Directive], rules: Iterable[Rule]) -> None:
        self._directives = directives
        self._split = {rule.name: rule.split_from for rule in rules if rule.split_from}
        self._by_rule: dict[tuple[str, str], _RuleDirectives] = {}

    def apply_to(self, item: Diagnostic) -> bool:
        """Return True if a directive suppresses a finding, and record those that do."""
        key = (item.code, item.rule)
        if key not in self._by_rule:
            origin = self._split.get(item.rule, ())
            named = [one for one in self._directives if _names_rule(one, *key, *origin)]
            self._by_rule[key] = _RuleDirectives(named)
        return self._by_rule[key].apply_to(item)

    def list_used(self) -> set[Directive]:
        return {one for directives in self._by_rule.values() for one in directives.list_used()}


_LINES_BELOW = {"disable-line": 0, "disable-next-line": 1}
"""How many lines below its own the line is that a directive applies to."""


class _RuleDirectives:
    """The directives that name one rule.

    Each question takes the logarithm of their number: thousands of them may apply to one finding.
    """

    def __init__(self, directives: Sequence[Directive]) -> None:
        self._everywhere: list[Directive] = []
        self._by_line: dict[int, list[Directive]] = {}
        self._disabling: list[Directive] = []
        self._starts: list[int] = []
        self._active: list[tuple[int, int]] = []  # behind each start: a slice of `_disabling`
        self._is_everywhere_used = False
        self._used_lines: set[int] = set()
        self._used_slices: dict[int, int] = {}
        first = 0
        for directive in sorted(directives, key=lambda one: one.start):
            if directive.action in ("disable-file", "property"):
                self._everywhere.append(directive)
            elif directive.action in _LINES_BELOW:
                line = directive.line + _LINES_BELOW[directive.action]
                self._by_line.setdefault(line, []).append(directive)
            else:
                if directive.action == "disable":
                    self._disabling.append(directive)
                else:
                    first = len(self._disabling)
                self._starts.append(directive.start)
                self._active.append((first, len(self._disabling)))

    def apply_to(self, item: Diagnostic) -> bool:
        """Return True if a directive suppresses a finding; `disable` lasts to `enable`."""
        number = bisect_left(self._starts, item.start)
        first, last = self._active[number - 1] if number else (0, 0)
        if first < last:
            self._used_slices[first] = max(last, self._used_slices.get(first, 0))
        in_line = item.line in self._by_line
        if in_line:
            self._used_lines.add(item.line)
        self._is_everywhere_used = bool(self._everywhere)
        return first < last or in_line or self._is_everywhere_used

    def list_used(self) -> Iterator[Directive]:
        yield from self._everywhere if self._is_everywhere_used else ()
        for line in self._used_lines:
            yield from self._by_line[line]
        for first, last in self._used_slices.items():
            yield from self._disabling[first:last]


class _EnabledRules:
    """The names and the prefixes of the codes of the rules that run."""

    def __init__(self, rules: Sequence[Rule], config: Config) -> None:
        enabled = [rule for rule in rules if rule.name in config.enabled]
        words = {word for rule in enabled for word in (rule.name, *rule.split_from)}
        codes = {rule.code for rule in enabled}
        self._names = {word for word in words if word.islower()}
        self._prefixes = words | {code[:size] for code in codes for size in range(len(code) + 1)}

    def can_be_suppressed(self, directive: Directive) -> bool:
        """Return True if a directive names a rule that runs."""
        if not directive.rules:
            return bool(self._names)
        return any(
            selector.lower() in self._names or selector.upper() in self._prefixes
            for selector in directive.rules
        )


def _names_rule(directive: Directive, code: str, name: str, *origin: str) -> bool:
    """Return True if a directive names a rule, its origin or their codes, or none."""
    return not directive.rules or any(
        selector.lower() in (name, *origin)
        or code.startswith(selector.upper())
        or selector.upper() in origin
        for selector in directive.rules
    )


def _report_unused(rule: Rule, config: Config, note: Note, directive: Directive) -> Diagnostic:
    kind = FindingKind(rule.code, rule.name, config.severity[rule.name])
    named = ", ".join(directive.rules) or "all rules"
    return make_finding(kind, note.path, directive, rule.message.format_map({"rules": named}))
