"""The settings of a run, and the checks of each scope.

Each finding gets the name and severity of its rule and a path. No disk, no clock.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from functools import cached_property
from itertools import chain, compress

import msgspec
from msgspec.structs import replace

from vaultlink.config.patterns import (
    compile_git_ignores,
    compile_globs,
    compile_obsidian_filters,
    compile_path_prefixes,
    compile_topics,
)
from vaultlink.config.protection import Protection
from vaultlink.config.settings import DEFAULT_SOURCE, Config
from vaultlink.engine.diagnostics import DiagnosticBuilder
from vaultlink.index.index import EMPTY_INDEX, Index, LinkTargets
from vaultlink.links.read_only import (
    ReadOnlyReason,
    find_declared_folders,
    find_read_only_reason,
)
from vaultlink.links.style import is_style_read
from vaultlink.model import NO_HISTORY, UNRESOLVED, Diagnostic, History, Note, Severity
from vaultlink.obsidian import ObsidianSettings, PeriodicNote
from vaultlink.rules.context import Context, Finding, LinkPlace
from vaultlink.rules.registry import ELEMENTS, SCOPES, CheckFunction, Rule, find_elements

_DEFAULT_OBSIDIAN = ObsidianSettings()

_LoadedCheck = tuple[Rule, CheckFunction, Context]
"""A rule, the function of its check, and the context to call it with."""

FindingsByPath = Mapping[str, tuple[Diagnostic, ...]]
"""Vault path to the findings there."""


class LinterSettings(msgspec.Struct, frozen=True, dict=True):
    """The constant settings of a run: rules, configuration, settings of the vault.

    `is_linted` returns True for paths to lint, `allows_dangling` for targets that may stay
    unresolved, `expects_note` for those that name a periodic note. `per_path_ignores` pairs a
    predicate over paths with the names of the rules ignored there. `ignores_case` is True if the
    disk of the vault does. `compares` is False if texts need not be compared later, see
    `parse_note`.
    """

    rules: tuple[Rule, ...]
    config: Config
    obsidian: ObsidianSettings
    is_linted: Callable[[str], bool]
    allows_dangling: Callable[[str], bool]
    expects_note: Callable[[str], bool]
    per_path_ignores: tuple[tuple[Callable[[str], bool], frozenset[str]], ...]
    rules_by_scope: Mapping[str, tuple[Rule, ...]]
    history: History = NO_HISTORY
    ignores_case: bool = False
    compares: bool = True

    @classmethod
    def build(
        cls,
        rules: tuple[Rule, ...],
        config: Config,
        obsidian: ObsidianSettings = _DEFAULT_OBSIDIAN,
        ignored: Callable[[str], bool] | None = None,
        history: History = NO_HISTORY,
        *,
        ignores_case: bool = False,
    ) -> "LinterSettings":
        """Build the settings of a run and compile its globs.

        `ignored` returns True for paths ignored by git; those are not linted. `ignores_case` is
        True if the disk of the vault does, so that protection does, too.
        """
        tests = [compile_globs(config.exclude)] if config.exclude else []
        if obsidian.ignore_filters:
            tests.append(compile_obsidian_filters(obsidian.ignore_filters))
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
            compile_topics(config.allow_dangling),
            _expect_notes(obsidian.periodic_notes if "daily-notes" in config.quiet else ()),
            ignores,
            rules_by_scope,
            history,
            ignores_case,
        )

    @cached_property
    def section_headings(self) -> tuple[str, ...]:
        """The configured headings of sections, recognised beside the built-in one."""
        settings = self.config.backlinks
        return (settings["heading"], *settings["headings"])

    @cached_property
    def note_run(self) -> "_CheckRun":
        """The checks of scope `note`, prepared to run on many notes."""
        return _CheckRun(self, self.build_checks("note"))

    @cached_property
    def rules_by_name(self) -> Mapping[str, Rule]:
        return {rule.name: rule for rule in self.rules}

    @cached_property
    def overriding_rules(self) -> frozenset[str]:
        """The names of the rules to which enabled rules yield."""
        enabled = chain.from_iterable(self.rules_by_scope.values())
        return frozenset(name for rule in enabled for name in rule.yields_to)

    @cached_property
    def reads_history(self) -> bool:
        """True if an enabled rule reads what became of files, headings and blocks."""
        return any(rule.reads_history for rule in chain.from_iterable(self.rules_by_scope.values()))

    @cached_property
    def _protection(self) -> Protection:
        config = self.config
        return Protection(config.protect, config.write_paths, ignores_case=self.ignores_case)

    def find_protection(self, path: str) -> str:
        """Return why no command but `undo` may change a path, as a clause; "" if one may."""
        return self._protection.find_reason(path)

    def is_protected(self, path: str) -> bool:
        """Return True for paths that no command but `undo` may change."""
        return bool(self.find_protection(path))

    def find_read_only_reason(self, index: Index, note: Note) -> ReadOnlyReason | None:
        """Return why sections, mentions and fixes leave a note out, or None.

        The setting `protect` decides first: what it takes out may be written.
        """
        is_allowed = self._protection.decide(note.path) is False
        return None if is_allowed else find_read_only_reason(index, note)

    def find_declared_reasons(
        self, index: Index, paths: Iterable[str]
    ) -> Mapping[str, ReadOnlyReason]:
        """Return the reasons of those notes at `paths` that are in a declared folder."""
        starts = tuple(index.derive(find_declared_folders))
        inside = [path for path in paths if path.startswith(starts)] if starts else ()
        found = {
            path: self.find_read_only_reason(index, index.notes[path])
            for path in inside
            if path in index.notes
        }
        return {path: reason for path, reason in found.items() if reason and reason.folder}

    @cached_property
    def find_ignoring_pattern(self) -> Callable[[str], str]:
        """A function that returns the pattern of a `.gitignore` that leaves out a path, or ""."""
        return compile_git_ignores(self.obsidian.git_ignores)

    @cached_property
    def reads_style(self) -> bool:
        """True if an enabled rule reads the style of links from the links of the vault."""
        return is_style_read(self.obsidian) and any(
            rule.reads_style for rule in self.rules_by_scope["links"]
        )

    @cached_property
    def quiet_rules(self) -> frozenset[str]:
        """The names of the rules whose findings are all expected."""
        return frozenset(rule.name for rule in self.rules if rule.quiet in self.config.quiet)

    @cached_property
    def reads_suggestions(self) -> bool:
        """True if findings of an enabled rule depend on suggested targets."""
        return any(rule.deferred_fix == "target" for rule in self.rules_by_scope["links"])

    @cached_property
    def scope_by_rule(self) -> Mapping[str, str]:
        return {rule.name: rule.scope for rule in self.rules}

    def ignored_rules(self, path: str) -> frozenset[str]:
        """Return the names of the rules ignored at a path; others still yield to them."""
        if not self.per_path_ignores:
            return self.quiet_rules
        ignored = (names for matches, names in self.per_path_ignores if matches(path))
        return self.quiet_rules.union(*ignored)

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
                    self.history,
                    config.quiet,
                    self.expects_note,
                    find_ignoring_pattern=self.find_ignoring_pattern,
                    is_only_read=lambda note: self.find_read_only_reason(index, note) is not None,
                ),
            )
            for rule in self.rules_by_scope[scope]
            if not rule.is_engine_rule and config.backlinks["mode"] in rule.modes
        ]


def _accept_all(_path: str) -> bool:
    return True


def _expect_notes(periodic: Sequence[PeriodicNote]) -> Callable[[str], bool]:
    """Return a predicate that is True for targets that name periodic notes."""
    if not periodic:
        return lambda _target: False
    from vaultlink.config.dates import compile_periodic_notes  # noqa: PLC0415 - as above

    return compile_periodic_notes(periodic)


# -- running checks -------------------------------------------------------------------------------


def _choose_severity(rule: Rule, settings: LinterSettings) -> Severity:
    """Return the severity of a rule's findings.

    If Logseq resolves the links, an unresolved one is no error, unless the settings say so.
    """
    severity, is_unset = (
        settings.config.severity[rule.name],
        settings.config.sources[f"severity.{rule.name}"] == DEFAULT_SOURCE,
    )
    is_doubtful = settings.obsidian.linking_program == "Logseq" and rule.about in UNRESOLVED
    return Severity.WARNING if is_doubtful and is_unset and severity is Severity.ERROR else severity


def _has_unsafe_fixes(rule: Rule, program: str) -> bool:
    """Return True if no fix of a rule is safe where a program resolves the links, "" for none.

    Logseq reads lists, properties and more in another way than Obsidian, too.
    """
    return program == "Logseq" or bool(program and rule.about)


class _CheckRun:
    """The checks of one scope, prepared to run on many notes or files.

    The rules to which others yield run first. The places that they report are then in the `claimed`
    of the contexts of those others.
    """

    def __init__(self, settings: LinterSettings, checks: Iterable[tuple[Rule, Context]]) -> None:
        self._settings = settings
        # A rule also yields to whatever the rules in its `yields-to` yield to.
        self._checks = sorted(checks, key=lambda check: len(check[0].yields_to))
        self._yielding = {
            rule.name: [
                context.claimed for other, context in checks if rule.name in other.yields_to
            ]
            for rule, _ in self._checks
        }
        self._builders = {
            rule.name: DiagnosticBuilder(
                rule,
                _choose_severity(rule, settings),
                is_unsafe=_has_unsafe_fixes(rule, settings.obsidian.linking_program),
            )
            for rule, _ in self._checks
        }
        self._checks_by_elements: dict[tuple[bool, ...], Sequence[_LoadedCheck]] = {}
        self._text: str | None = None

    def check_note(
        self, note: Note, targets: LinkTargets | None, text: str | None = None
    ) -> tuple[Diagnostic, ...]:
        """Return the findings in a note; without `text`, not of checks that read it."""
        if not self._settings.is_linted(note.path):
            return ()
        self._text = text
        present = find_elements(note, targets)
        checks = self._checks_by_elements.get(present)
        if checks is None:
            names = set(compress(ELEMENTS, present))
            checks = self._checks_by_elements[present] = [
                (rule, self._load_check(rule), context)
                for rule, context in self._checks
                if not rule.needs or not names.isdisjoint(rule.needs)
            ]
        return self._run(checks, note.path, note)

    def _load_check(self, rule: Rule) -> CheckFunction:
        check = rule.load_check()
        if not rule.reads_text:
            return check
        return lambda note, context: (
            iter(()) if self._text is None else check(note, replace(context, text=self._text))
        )

    def check_file(self, path: str) -> tuple[Diagnostic, ...]:
        return self._run(self._all_loaded, path, path) if self._settings.is_linted(path) else ()

    @cached_property
    def _all_loaded(self) -> "Sequence[_LoadedCheck]":
        return [(rule, rule.load_check(), context) for rule, context in self._checks]

    def _run(
        self, checks: "Iterable[_LoadedCheck]", path: str, subject: Note | str
    ) -> tuple[Diagnostic, ...]:
        """Run checks; a rule ignored here runs without findings if others yield to it."""
        settings, found, filled = self._settings, [], list[set[LinkPlace]]()
        ignored = settings.ignored_rules(path)
        unneeded = ignored - settings.overriding_rules if ignored else ignored
        for rule, check, context in checks:
            if rule.name in unneeded:
                continue
            findings = list(check(subject, context))
            if findings:
                yielding = self._yielding[rule.name]
                if yielding:
                    filled += yielding
                    places = [place for finding in findings for place in _get_places(finding)]
                    for taken in yielding:
                        taken.update(places)
                build = self._builders[rule.name].build
                found += [
                    build(path, finding)
                    for finding in findings
                    if rule.name not in ignored
                    and not (context.claimed and _is_claimed(finding, context.claimed))
                ]
        for taken in filled:
            taken.clear()
        return tuple(found)


def check_note(settings: LinterSettings, note: Note, text: str | None) -> tuple[Diagnostic, ...]:
    """Run the checks of scope `note`; without `text`, not those that read it."""
    return settings.note_run.check_note(note, None, text)


def check_links(settings: LinterSettings, index: Index, paths: Iterable[str]) -> FindingsByPath:
    """Run the checks of scope `links` on the notes at `paths`."""
    run = _CheckRun(settings, settings.build_checks("links", index))
    notes, targets = index.notes, index.targets
    return {path: run.check_note(notes[path], targets[path]) for path in paths}


def check_files(settings: LinterSettings, index: Index, paths: Iterable[str]) -> FindingsByPath:
    """Run the checks of scope `files` on the files at `paths`."""
    run = _CheckRun(settings, settings.build_checks("files", index))
    return {path: run.check_file(path) for path in paths}


def check_vault(settings: LinterSettings, index: Index) -> FindingsByPath:
    """Run the checks of scope `vault`. Paths without findings are absent."""
    found: dict[str, list[Diagnostic]] = {}
    for rule, context in settings.build_checks("vault", index):
        builder = DiagnosticBuilder(rule, settings.config.severity[rule.name])
        for finding in rule.check(context):
            path = finding.path or ""
            if settings.is_linted(path) and rule.name not in settings.ignored_rules(path):
                found.setdefault(path, []).append(builder.build(path, finding))
    return {path: tuple(diagnostics) for path, diagnostics in found.items()}


def check_with_rule(settings: LinterSettings, index: Index, name: str) -> FindingsByPath:
    """Run one check of scope `vault`, also if the settings do not enable it."""
    only = dict.fromkeys(SCOPES, ()) | {"vault": (settings.rules_by_name[name],)}
    return check_vault(replace(settings, rules_by_scope=only), index)


def _is_claimed(finding: Finding, taken: Set[LinkPlace]) -> bool:
    if finding.links is None:
        return (finding.location.start, getattr(finding.location, "raw", "")) in taken
    return not taken.isdisjoint(_get_places(finding))


def _get_places(finding: Finding) -> list[LinkPlace]:
    """Return start and source text of links; those of a canvas card share a start."""
    links = (finding.location,) if finding.links is None else finding.links
    return [(link.start, getattr(link, "raw", "")) for link in links]
