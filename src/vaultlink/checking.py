"""The setting of a run, and the checks of each scope run under it.

What checks find is stamped with rule, severity and path. No disk, no clock.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from vaultlink.catalog import SCOPES, Rule
from vaultlink.config import Config, glob_matcher, obsidian_filters
from vaultlink.index import EMPTY, Index
from vaultlink.model import Diagnostic, Fix, Note
from vaultlink.obsidian import Obsidian
from vaultlink.rules import Context, Finding

_DEFAULTS = Obsidian()
_NONE: frozenset[str] = frozenset()

Found = Mapping[str, tuple[Diagnostic, ...]]
"""Path to what was found there."""


@dataclass(frozen=True)
class Setting:
    """What stays the same over a run: the rules, their configuration, the vault's own settings, what is linted.

    `spared` pairs a test of paths with the rules that are not asked of them; `ignored` tells the paths that git ignores;
    `moves` tells where files went.
    """

    rules: tuple[Rule, ...]
    config: Config
    obsidian: Obsidian
    linted: Callable[[str], bool]
    allow_dangling: Callable[[str], bool]
    spared: tuple[tuple[Callable[[str], bool], frozenset[str]], ...]
    runs: Mapping[str, tuple[Rule, ...]]
    moves: Mapping[str, str]

    @classmethod
    def of(
        cls,
        rules: tuple[Rule, ...],
        config: Config,
        obsidian: Obsidian = _DEFAULTS,
        ignored: Callable[[str], bool] | None = None,
        moves: Mapping[str, str] | None = None,
    ) -> "Setting":
        """The setting of a run, its globs made ready."""
        tests = [glob_matcher(config.exclude)] if config.exclude else []
        tests += [obsidian_filters(obsidian.ignore_filters)] if obsidian.ignore_filters else []
        tests += [ignored] if ignored else []
        spared = tuple((glob_matcher([glob]), names) for glob, names in config.per_file_ignores)
        linted = (lambda path: not any(test(path) for test in tests)) if tests else _always
        runs = {
            scope: tuple(
                rule for rule in rules if rule.scope == scope and rule.name in config.enabled
            )
            for scope in SCOPES
        }
        return cls(
            rules,
            config,
            obsidian,
            linted,
            glob_matcher(config.allow_dangling),
            spared,
            runs,
            moves or {},
        )

    @cached_property
    def headings(self) -> tuple[str, ...]:
        """The wordings by which sections are known, besides the built-in one."""
        settings = self.config.backlinks
        return (settings["heading"], *settings["headings"])

    @cached_property
    def note_checks(self) -> list[tuple[Rule, Context]]:
        """The rules that ask nothing but the note."""
        return self.checks("note")

    @cached_property
    def scopes(self) -> Mapping[str, str]:
        """The scope of every rule by its name."""
        return {rule.name: rule.scope for rule in self.rules}

    def spared_at(self, path: str) -> frozenset[str]:
        """The rules that are not asked of a path."""
        return (
            _NONE.union(*(names for matches, names in self.spared if matches(path)))
            if self.spared
            else _NONE
        )

    def checks(self, scope: str, index: Index = EMPTY) -> list[tuple[Rule, Context]]:
        """The rules of a scope that run, in the order of their codes, each with what its check may ask."""
        config = self.config
        return [
            (
                rule,
                Context(
                    index,
                    config.options[rule.name],
                    config.enabled,
                    self.obsidian,
                    self.allow_dangling,
                    None,
                    config.backlinks,
                    self.moves,
                ),
            )
            for rule in self.runs[scope]
        ]


def _always(_path: str) -> bool:
    return True


# -- running checks -----------------------------------------------------------------------------------------------


def check_note(setting: Setting, note: Note, text: str | None) -> tuple[Diagnostic, ...]:
    """What the checks of scope `note` find in a note; those that read its text are left out if it is None."""
    checks = [
        (rule, replace(context, text=text) if rule.reads_text else context)
        for rule, context in setting.note_checks
        if text is not None or not rule.reads_text
    ]
    return _run(setting, checks, note.path, note)


def check_links(setting: Setting, index: Index, paths: Iterable[str]) -> Found:
    """What the checks of scope `links` find in notes."""
    checks = setting.checks("links", index)
    return {path: _run(setting, checks, path, index.notes[path]) for path in paths}


def check_files(setting: Setting, index: Index, paths: Iterable[str]) -> Found:
    """What the checks of scope `files` find in the names of files."""
    checks = setting.checks("files", index)
    return {path: _run(setting, checks, path, path) for path in paths}


def check_vault(setting: Setting, index: Index) -> Found:
    """What the checks of scope `vault` find; paths without findings are absent."""
    found: dict[str, list[Diagnostic]] = {}
    for rule, context in setting.checks("vault", index):
        for finding in rule.check(context):
            path = finding.path or ""
            if setting.linted(path) and rule.name not in setting.spared_at(path):
                found.setdefault(path, []).append(_stamped(setting, rule, path, finding))
    return {path: tuple(diagnostics) for path, diagnostics in found.items()}


def _run(
    setting: Setting, checks: Sequence[tuple[Rule, Context]], path: str, asked: Note | str
) -> tuple[Diagnostic, ...]:
    """What checks find when asked about a note, or a file by its path."""
    if not setting.linted(path):
        return ()
    spared = setting.spared_at(path)
    return tuple(
        [
            _stamped(setting, rule, path, finding)
            for rule, context in checks
            if rule.name not in spared
            for finding in rule.check(asked, context)
        ]
    )


def _stamped(setting: Setting, rule: Rule, path: str, finding: Finding) -> Diagnostic:
    """A finding with what only the engine knows: rule, severity and path."""
    at = finding.at
    lines, column = _extent(at)
    fix = _fix(rule, finding) if finding.edits else None
    return Diagnostic(
        rule.code,
        rule.name,
        setting.config.severity[rule.name],
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
    )


def _fix(rule: Rule, finding: Finding) -> Fix:
    return Fix(
        rule.fix_title.format_map(finding.values), finding.safety or rule.safety, finding.edits
    )


def _extent(at: object) -> tuple[int, int]:
    """How many lines a place reaches down, and its end column. Only a link's text can hold a line break."""
    start, end, column = at.start, at.end, at.column  # type: ignore[attr-defined] # a Located
    raw = getattr(at, "raw", "")
    lines = raw.count("\n") if raw else 0
    return (lines, len(raw) - raw.rfind("\n")) if lines else (0, column + end - start)
