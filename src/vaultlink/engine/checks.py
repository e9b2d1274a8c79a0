"""The settings of a run, and the checks of each scope.

Each finding gets the name and severity of its rule and a path. No disk, no clock.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from vaultlink.config.date_formats import compile_periodic_notes
from vaultlink.config.patterns import (
    compile_globs,
    compile_obsidian_filters,
    compile_path_prefixes,
)
from vaultlink.config.settings import Config
from vaultlink.index.index import EMPTY_INDEX, Index
from vaultlink.model import Diagnostic, Edit, Fix, Note
from vaultlink.obsidian import ObsidianSettings
from vaultlink.rules.context import Context, Finding
from vaultlink.rules.registry import SCOPES, Rule

_DEFAULT_OBSIDIAN = ObsidianSettings()
_NO_RULES: frozenset[str] = frozenset()

FindingsByPath = Mapping[str, tuple[Diagnostic, ...]]
"""Vault path to the findings there."""


@dataclass(frozen=True)
class LinterSettings:
    """The constant settings of a run: rules, configuration, settings of the vault.

    `is_linted` returns True for paths to lint, `allows_dangling` for targets that may stay
    unresolved, `expects_note` for those that name a periodic note. `per_path_ignores` pairs a
    predicate over paths with the names of the rules ignored there. `moves` maps old paths of files
    to their present ones; `deleted` are the paths of deleted files.
    """

    rules: tuple[Rule, ...]
    config: Config
    obsidian: ObsidianSettings
    is_linted: Callable[[str], bool]
    allows_dangling: Callable[[str], bool]
    expects_note: Callable[[str], bool]
    per_path_ignores: tuple[tuple[Callable[[str], bool], frozenset[str]], ...]
    rules_by_scope: Mapping[str, tuple[Rule, ...]]
    moves: Mapping[str, str]
    deleted: frozenset[str] = frozenset()

    @classmethod
    def build(
        cls,
        rules: tuple[Rule, ...],
        config: Config,
        obsidian: ObsidianSettings = _DEFAULT_OBSIDIAN,
        ignored: Callable[[str], bool] | None = None,
        moves: Mapping[str, str] | None = None,
        deleted: frozenset[str] = frozenset(),
    ) -> "LinterSettings":
        """Build the settings of a run and compile its globs.

        `ignored` returns True for paths ignored by git; those are not linted.
        """
        tests = [compile_globs(config.exclude)] if config.exclude else []
        tests += (
            [compile_obsidian_filters(obsidian.ignore_filters)] if obsidian.ignore_filters else []
        )
        if obsidian.templates and "templates" in config.quiet:
            tests.append(compile_path_prefixes(obsidian.templates))
        tests += [ignored] if ignored else []
        ignores = tuple((compile_globs([glob]), names) for glob, names in config.per_file_ignores)
        is_linted = (lambda path: not any(test(path) for test in tests)) if tests else _accept_all
        rules_by_scope = {
            scope: tuple(
                rule for rule in rules if rule.scope == scope and rule.name in config.enabled
            )
            for scope in SCOPES
        }
        return cls(
            rules,
            config,
            obsidian,
            is_linted,
            compile_globs(config.allow_dangling),
            compile_periodic_notes(
                obsidian.periodic_notes if "daily-notes" in config.quiet else ()
            ),
            ignores,
            rules_by_scope,
            moves or {},
            deleted,
        )

    @cached_property
    def section_headings(self) -> tuple[str, ...]:
        """The configured headings of sections.

        Sections are recognised by these headings and the built-in one.
        """
        settings = self.config.backlinks
        return (settings["heading"], *settings["headings"])

    @cached_property
    def note_checks(self) -> list[tuple[Rule, Context]]:
        """The rules of scope `note` that run, with their contexts."""
        return self.build_checks("note")

    @cached_property
    def rules_by_name(self) -> Mapping[str, Rule]:
        """All rules by their names."""
        return {rule.name: rule for rule in self.rules}

    @cached_property
    def overriding_rules(self) -> frozenset[str]:
        """The names of the rules to which enabled rules yield."""
        return frozenset(
            name
            for rules in self.rules_by_scope.values()
            for rule in rules
            for name in rule.yields_to
        )

    @cached_property
    def reads_moves(self) -> bool:
        """True if an enabled rule reads where files went."""
        return any(rule.reads_moves for rules in self.rules_by_scope.values() for rule in rules)

    @cached_property
    def scope_by_rule(self) -> Mapping[str, str]:
        """Rule name to scope."""
        return {rule.name: rule.scope for rule in self.rules}

    def ignored_rules(self, path: str) -> frozenset[str]:
        """Return the names of the rules ignored at a path."""
        return (
            _NO_RULES.union(*(names for matches, names in self.per_path_ignores if matches(path)))
            if self.per_path_ignores
            else _NO_RULES
        )

    def build_checks(self, scope: str, index: Index = EMPTY_INDEX) -> list[tuple[Rule, Context]]:
        """Return the enabled rules of a scope with their contexts, ordered by rule code."""
        config = self.config
        return [
            (
                rule,
                Context(
                    index,
                    config.options[rule.name],
                    self.obsidian,
                    self.allows_dangling,
                    None,
                    config.backlinks,
                    self.moves,
                    self.deleted,
                    config.quiet,
                    self.expects_note,
                ),
            )
            for rule in self.rules_by_scope[scope]
        ]


def _accept_all(_path: str) -> bool:
    return True


# -- running checks -------------------------------------------------------------------------------


def check_note(settings: LinterSettings, note: Note, text: str | None) -> tuple[Diagnostic, ...]:
    """Run the checks of scope `note` on a note.

    If `text` is None, checks that read the text are left out.
    """
    checks = [
        (rule, replace(context, text=text) if rule.reads_text else context)
        for rule, context in settings.note_checks
        if text is not None or not rule.reads_text
    ]
    return _run_checks(settings, checks, note.path, note)


def check_links(settings: LinterSettings, index: Index, paths: Iterable[str]) -> FindingsByPath:
    """Run the checks of scope `links` on the notes at `paths`."""
    checks = settings.build_checks("links", index)
    return {path: _run_checks(settings, checks, path, index.notes[path]) for path in paths}


def check_files(settings: LinterSettings, index: Index, paths: Iterable[str]) -> FindingsByPath:
    """Run the checks of scope `files` on the files at `paths`."""
    checks = settings.build_checks("files", index)
    return {path: _run_checks(settings, checks, path, path) for path in paths}


def check_vault(settings: LinterSettings, index: Index) -> FindingsByPath:
    """Run the checks of scope `vault`. Paths without findings are absent."""
    found: dict[str, list[Diagnostic]] = {}
    for rule, context in settings.build_checks("vault", index):
        for finding in rule.check(context):
            path = finding.path or ""
            if settings.is_linted(path) and rule.name not in settings.ignored_rules(path):
                found.setdefault(path, []).append(_to_diagnostic(settings, rule, path, finding))
    return {path: tuple(diagnostics) for path, diagnostics in found.items()}


def _run_checks(
    settings: LinterSettings, checks: Sequence[tuple[Rule, Context]], path: str, subject: Note | str
) -> tuple[Diagnostic, ...]:
    """Run checks on a note, or on a file given by its path, and apply `yields-to`.

    A rule ignored at this path runs all the same if others yield to it; its findings are dropped.
    """
    if not settings.is_linted(path):
        return ()
    ignored = settings.ignored_rules(path)
    unneeded = ignored - settings.overriding_rules if ignored else ignored
    found = [
        (rule, finding)
        for rule, context in checks
        if rule.name not in unneeded
        for finding in rule.check(subject, context)
    ]
    if len(found) > 1 and settings.overriding_rules:
        found = _drop_outranked(found)
    return tuple(
        [
            _to_diagnostic(settings, rule, path, finding)
            for rule, finding in found
            if rule.name not in ignored
        ]
    )


def _drop_outranked(found: list[tuple[Rule, Finding]]) -> list[tuple[Rule, Finding]]:
    """Drop findings at links that a rule with precedence reports too.

    A rule has precedence over the rules that yield to it.
    """
    rules = {rule.name: rule for rule, _ in found}
    places: dict[str, set[tuple[int, str]]] = {
        name: set() for rule in rules.values() for name in rule.yields_to if name in rules
    }
    if not places:
        return found
    for rule, finding in found:
        if rule.name in places:
            places[rule.name].update(_get_places(finding))
    taken = {
        rule.name: set[tuple[int, str]]().union(
            *(places[name] for name in rule.yields_to if name in places)
        )
        for rule in rules.values()
    }
    return [
        (rule, finding)
        for rule, finding in found
        if not taken[rule.name] or taken[rule.name].isdisjoint(_get_places(finding))
    ]


def _get_places(finding: Finding) -> list[tuple[int, str]]:
    """Return start and source text of the links that a finding is about.

    All links of a canvas card have the same start.
    """
    links = (finding.location,) if finding.links is None else finding.links
    return [(link.start, getattr(link, "raw", "")) for link in links]


def _to_diagnostic(settings: LinterSettings, rule: Rule, path: str, finding: Finding) -> Diagnostic:
    """Build the diagnostic of a finding: add rule, severity and path."""
    at = finding.location
    lines, column = _measure_extent(at)
    edits = finding.edits() if callable(finding.edits) else finding.edits
    fix = _build_fix(rule, finding, edits) if edits else None
    return Diagnostic(
        rule.code,
        rule.name,
        settings.config.severity[rule.name],
        path,
        at.start,
        at.end,
        at.line,
        at.column,
        at.line + lines,
        column,
        rule.message.format_map(finding.values),
        finding.target,
        fix,
        rule.about,
        rule.known_as,
        finding.subpath,
        finding.resolved,
    )


def _build_fix(rule: Rule, finding: Finding, edits: tuple[Edit, ...]) -> Fix:
    return Fix(
        rule.fix_title.format_map(finding.values),
        finding.safety or rule.default_safety,
        edits,
    )


def _measure_extent(at: object) -> tuple[int, int]:
    """Return the number of lines below the first, and the end column.

    Only the text of a link can contain a line break.
    """
    start, end, column = at.start, at.end, at.column  # type: ignore[attr-defined] # a Located
    raw = getattr(at, "raw", "")
    lines = raw.count("\n") if raw else 0
    return (lines, len(raw) - raw.rfind("\n")) if lines else (0, column + end - start)
