"""Findings as a command's results and exit code, for `check` and `fix`."""

import os
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cache, cached_property
from importlib import import_module
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from msgspec.structs import replace

from vaultlink import __version__
from vaultlink.api import Vault, make_suggester
from vaultlink.cli.check_input import (
    KnownInputs,
    make_new_finding_selector,
    read_drafts,
    with_stdin_text,
)
from vaultlink.cli.check_parts import CheckParts, PartMaker, limit_suggester
from vaultlink.cli.exit_codes import EXIT_CLEAN, EXIT_FINDINGS
from vaultlink.cli.opening import (
    describe_skipped_preview,
    find_path_prefix,
    make_path_formatter,
    open_scanned_vault,
)
from vaultlink.cli.options import CheckOptions, ReportOptions
from vaultlink.cli.proposed_commands import (
    describe_shortened,
    format_command_options,
    format_vault_option,
)
from vaultlink.cli.terminal import Terminal
from vaultlink.disk.read import load_rules
from vaultlink.disk.scan import VaultScan
from vaultlink.engine.diagnostics import KnownSplit, fingerprint_all
from vaultlink.fix.forecast import FixForecast, count_by_rule
from vaultlink.git.location import find_work_tree
from vaultlink.index.packed_map import count_items
from vaultlink.index.resolve import is_note, make_path_filter
from vaultlink.model import Diagnostic, Severity
from vaultlink.report import FORMATS, OVERVIEW, STATISTICS, STATUS, OutputFormat
from vaultlink.report.check_result import CheckResult, make_target_formatter
from vaultlink.report.concise import (
    describe_fixable,
    describe_known,
    describe_unseen,
    summarize_counts,
    summarize_drafts,
)
from vaultlink.report.foreign_folders import (
    describe_declared_folders,
    describe_foreign_folders,
    find_foreign_folders,
)
from vaultlink.report.layout import PLAIN, format_count, make_path_linker
from vaultlink.rules.registry import build_catalog

if TYPE_CHECKING:
    from vaultlink.baseline.match import KnownFindings
    from vaultlink.baseline.revision import LossLimits
    from vaultlink.report.pages import Page, PageRows

_MANY = 1_000
"""Findings of a vault above which they are printed in parts, and concise lines have no suggestions
that take time to find."""

NO_FINDINGS = KnownSplit([], (), ())

_LINES_PER_FINDING = 5
"""Lines that a finding takes in a detailed format, about."""


def run_check(
    options: CheckOptions,
    terminal: Terminal,
    scan: VaultScan,
    chosen: Sequence[str],
    known_inputs: KnownInputs,
    view: OutputFormat | None = None,
) -> int:
    """Check the chosen paths of a scanned vault, and print what is found.

    `view` takes the place of the output format, if given. Returns the exit code.
    """
    drafts = read_drafts(options)
    load_known = known_inputs.start_loading(scan.root)
    vault = open_scanned_vault(scan, terminal, warns=False)
    if drafts is None:
        vault, known, losses = load_known(with_stdin_text(options, vault))
        checked = CheckedVault(options, terminal, vault, known, chosen, has_parts=True, view=view)
        if losses is not None:
            from vaultlink.baseline.revision import LossLimits  # noqa: PLC0415 - rarely needed

            limits = LossLimits(losses, options.max_deleted_notes, options.max_removed_links)
            checked = replace(checked, limits=limits)
    else:
        from vaultlink.baseline.drafts import check_drafts, drop_known  # noqa: PLC0415 - as above

        found = drop_known(vault, check_drafts(vault, drafts), load_known(vault).known)
        added = sorted(found.added, key=lambda item: item.path)
        paths = sorted({item.path for item in added})
        checked = CheckedVault(options, terminal, found.held, (), paths)
        checked = replace(checked, drafts=DraftFindings(added, len(drafts)))
    if options.limit or options.after:
        from vaultlink.report.pages import Page  # noqa: PLC0415 - rarely needed

        checked = replace(checked, page=Page(options.limit, options.after))
    with terminal.progress_line("Planning fixes"):
        results, messages, exit_code = checked.render(), checked.describe(), checked.exit_code
    is_for_people = FORMATS[terminal.output_format].for_people if view is None else view is OVERVIEW
    (terminal.print_paged if is_for_people else terminal.print_results)(results)
    terminal.print_message(messages)
    return exit_code


class DraftFindings(NamedTuple):
    """The findings that drafts add, by path and position, and the number of drafts."""

    added: list[Diagnostic]
    drafts: int


class CheckedVault(msgspec.Struct, frozen=True, eq=False, dict=True):
    """A checked vault, and what a command prints about it.

    `known` are the known findings by source, `chosen` the paths that the command is about, empty
    for all. With `has_parts`, many findings may be printed in parts. `view` takes the place of the
    output format. `drafts` are what drafts add to the vault, which holds them; only these are
    reported. `page` says which findings are listed; the numbers are those of all. Values are found
    when they are first needed.
    """

    options: ReportOptions
    terminal: Terminal
    vault: Vault
    known: "Sequence[KnownFindings]"
    chosen: Sequence[str]
    has_parts: bool = False
    view: OutputFormat | None = None
    drafts: DraftFindings | None = None
    page: "Page | None" = None
    limits: "LossLimits | None" = None

    @cached_property
    def wanted(self) -> Callable[[str], bool]:
        """A function that returns True for the paths that the command is about."""
        return make_path_filter(self.chosen)

    @cached_property
    def split(self) -> KnownSplit:
        """The new and known findings."""
        if self.drafts is not None:
            return KnownSplit(self.drafts.added, (), ())
        found = self.vault.state.diagnostics
        if not self.known:
            paths = sorted(filter(self.wanted, found))
            return KnownSplit([item for path in paths for item in found[path]], (), ())
        from vaultlink.baseline.match import split_known  # noqa: PLC0415 - only with known ones

        return split_known(found, self.known, self.vault.text, self.wanted)

    @cached_property
    def cut(self) -> "PageRows[Diagnostic] | None":
        """The new findings to list, if these are not all."""
        if self.page is None or self.row is OVERVIEW or self.row.has_totals:
            return None
        from vaultlink.report.pages import FINDINGS  # noqa: PLC0415 - rarely needed

        return self.page.cut(self.split.new, FINDINGS)

    @cached_property
    def row(self) -> OutputFormat:
        """The output format, or what takes its place: statistics, or an overview."""
        if self.view is not None:
            return self.view
        options, terminal, row = self.options, self.terminal, FORMATS[self.terminal.output_format]
        if options.statistics and row.for_people:
            return STATISTICS
        if row.is_detailed and (
            options.show == "overview"
            or (
                options.show == "auto"
                and terminal.is_terminal
                and self.page is None
                and not terminal.is_format_chosen()
                and len(self.split.new) > terminal.height // _LINES_PER_FINDING
            )
        ):
            return OVERVIEW
        # A terminal shows the findings about one target in several notes as one.
        return row._replace(layout="whole") if row.is_detailed and terminal.is_terminal else row

    @cached_property
    def has_many(self) -> bool:
        """True if the vault has many findings, known ones included."""
        if self.drafts is not None:
            return len(self.drafts.added) > _MANY
        found = self.vault.state.diagnostics
        return len(found) > _MANY or count_items(found, found) > _MANY

    @cached_property
    def counts_guesses(self) -> bool:
        """True if fixes of unresolved targets are counted, which take time to find."""
        return not self.has_many or (self._shows_guesses and self.page is None)

    @property
    def _shows_guesses(self) -> bool:
        return FORMATS[self.terminal.output_format].counts_guesses or self.options.statistics

    @cached_property
    def is_brief(self) -> bool:
        """True if lines only show what follows from the findings of their path."""
        return (
            self.has_parts
            and self.has_many
            and not (self.row.counts_guesses or self.known)
            and self.row.layout == "lines"
            and self.terminal.palette is PLAIN
            and find_path_prefix(self.vault.root) is not None
        )

    @cached_property
    def parts(self) -> CheckParts | None:
        """The parts of the results; None if there are few findings."""
        # The parts of a page are without texts, as only their numbers are wanted.
        is_page = self.cut is not None
        row = self.row._replace(layout="whole") if is_page else self.row
        is_divisible = is_page or row.layout == "lines" or row.shown_fixes != "each"
        if not (self.has_parts and self.has_many and is_divisible) or self.known:
            return None
        return PartMaker(
            self.vault,
            self.wanted,
            row,
            self.build_result(NO_FINDINGS, {}),
            self.encode,
            self.terminal.output_format + ("-numbers" if is_page else ""),
            is_brief=self.is_brief,
            counts_guesses=self.counts_guesses,
        ).make_parts()

    @cached_property
    def forecast(self) -> FixForecast:
        """The fixes of the findings and their numbers."""
        if self.parts is not None:
            return self.parts.forecast
        select = make_new_finding_selector(self.known, self.vault, self.wanted)
        forecaster = self.vault.fixer.forecaster(self.wanted, guesses=self.counts_guesses)
        return forecaster(self.split.new, self.split.known, select)

    @cached_property
    def severities(self) -> Counter[Severity]:
        """The number of new findings of each severity."""
        if self.parts is None:
            return Counter([d.severity for d in self.split.new])
        counts: Counter[Severity] = Counter()
        for row in self.parts.counts:
            counts[row.severity] += row.findings
        return counts

    @cached_property
    def vault_option(self) -> str:
        """The options that name the vault in proposed commands."""
        return format_vault_option(self.options, self.vault.root)

    @property
    def exit_code(self) -> int:
        """The exit code for the new findings."""
        failing = frozenset[Severity]() if self.options.exit_zero else self._failing_severities
        if self.limits and self.limits.is_exceeded and not self.options.exit_zero:
            return EXIT_FINDINGS
        return EXIT_CLEAN if failing.isdisjoint(self.severities) else EXIT_FINDINGS

    @property
    def _failing_severities(self) -> frozenset[Severity]:
        fail_on = self.options.fail_on
        if fail_on == "never":
            return frozenset()
        return frozenset(item for item in Severity if item.rank >= Severity(fail_on).rank)

    def render(self, extra_keys: Mapping[str, object] | None = None) -> bytes:
        """Render the new findings. `extra_keys` are added to the JSON document."""
        if self.limits:
            extra_keys = {**(extra_keys or {}), "limits": self.limits.list_counts()}
        if self.cut is not None:
            return self._render_page(self.cut, extra_keys or {})
        row, parts = self.row, self.parts
        is_made = parts is not None and (row.layout == "lines" or not row.has_findings)
        result = self.build_result(NO_FINDINGS if is_made else self.split, extra_keys or {})
        if parts is not None:
            result = replace(result, rule_counts=parts.counts)
        module = import_module(row.module)
        if parts is not None and row.layout == "lines":
            lines = row.separator.join([part.text for part in parts.by_path.values() if part.text])
        else:
            lines = self.encode(getattr(module, row.function)(result))
        return getattr(module, row.frame)(result, lines) if row.frame else lines

    def _render_page(self, cut: "PageRows[Diagnostic]", extra_keys: Mapping[str, object]) -> bytes:
        row, total = self.row, self.forecast
        if row.next_place == "key":
            extra_keys = {**extra_keys, "next": cut.name_next()}
        split = KnownSplit(cut.rows, self.split.known, self.split.known_counts)
        if self.parts is not None:
            counts = self.parts.counts
            forecaster = self.vault.fixer.forecaster(self.wanted, guesses=self._shows_guesses)
            fixes = forecaster(cut.rows).fixes
        else:
            counts = count_by_rule(self.split.new, total.fixes)
            fixes = total.fixes[cut.start : cut.start + len(cut.rows)]
        result = replace(
            self.build_result(split, extra_keys),
            forecast=lambda: total._replace(fixes=fixes),
            rule_counts=counts,
        )
        if self.is_brief:
            result = replace(result, suggester=limit_suggester(result.suggester))
        module = import_module(row.module)
        lines = self.encode(getattr(module, row.function)(result))
        return getattr(module, row.frame)(result, lines) if row.frame else lines

    def encode(self, results: str | bytes) -> bytes:
        """Encode results in the output format."""
        return self.terminal.encode_results(results, has_commands=self.row.has_commands)

    def build_result(self, split: KnownSplit, extra_keys: Mapping[str, object]) -> CheckResult:
        """Return everything that a format may print about some findings of the vault."""
        vault, options, terminal = self.vault, self.options, self.terminal
        catalog = build_catalog(load_rules()) if self.row.has_manuals else vault.rules
        findings = split.new
        suggested = None if self.row is OVERVIEW else findings  # it shows a few
        return CheckResult(
            findings=findings,
            fingerprints=cache(lambda: self._fingerprint(findings)),
            forecast=lambda: self.forecast,
            text=vault.text,
            summary=cache(vault.summary),
            unreadable=cache(lambda: _count_unreadable(vault, findings)),
            rules=[rule for rule in catalog if rule.name in vault.config.enabled],
            suggester=cache(lambda: make_suggester(vault, suggested)),
            file_bytes=lambda path: vault.fixer.data(path),  # noqa: PLW0108 - `fixer` imports much
            format_target=make_target_formatter(vault.index),
            declared=cache(lambda: self._find_declared(findings)),
            known=split.known,
            known_counts=split.known_counts,
            root=str(vault.root),
            path_prefix=_find_path_prefix(vault),
            version=__version__,
            failing_severities=self._failing_severities,
            extra_keys=extra_keys,
            limit=self.page.limit if self.page else None,
            width=terminal.width,
            height=terminal.height or 24,
            command_options=format_command_options(options, vault),
            vault_option=lambda: self.vault_option,
            show_path=make_path_formatter(vault.root),
            link_path=make_path_linker(terminal.format_link_prefix(vault.root)),
            groups_targets=terminal.is_terminal,
            palette=terminal.palette,
        )

    def _find_declared(self, findings: Sequence[Diagnostic]) -> tuple[Collection[str], str]:
        """Return the paths with findings in declared folders, and a line about them.

        If the command is about some paths, their findings are wanted, also there.
        """
        if self.chosen:
            return (), ""
        state, config = self.vault.state, self.vault.config
        counts = Counter([d.path for d in findings])
        reasons = state.settings.find_declared_reasons(state.index, counts)
        numbers: Counter[tuple[str, str]] = Counter()
        for path, reason in reasons.items():
            numbers[reason.folder, reason.declared_by] += counts[path]
        line = describe_declared_folders(numbers, has_excluded=bool(config.exclude))
        return reasons.keys(), line

    def _fingerprint(self, findings: Sequence[Diagnostic]) -> Sequence[str]:
        """Return the fingerprints of findings, which count those that are not listed."""
        if self.page is None and self.drafts is None:
            return fingerprint_all(findings, self.vault.text)
        from vaultlink.fix.loop import place_finding  # noqa: PLC0415 - imports much

        paths, found = {d.path for d in findings}, self.vault.state.diagnostics
        items = [d for d in self.split.new if d.path in paths]
        if self.drafts is not None:
            items = [d for path in sorted(paths) for d in found.get(path, ())]
        prints = fingerprint_all(items, self.vault.text)
        known = dict(zip(map(place_finding, items), prints, strict=True))
        return [known[place_finding(d)] for d in findings]

    def summarize(self) -> list[str]:
        """Return sentences with the numbers of findings in the notes, and of known ones."""
        if self.drafts is not None:
            return [summarize_drafts(self.drafts.added, self.drafts.drafts), self._describe_page()]
        parts = self.parts
        counts = () if parts else self.split.known_counts
        files = len(parts.by_path) if parts else len({d.path for d in self.split.new})
        paths: Iterable[str] = self.vault.index.files
        if self.chosen:
            is_each = self.vault.index.files.issuperset(self.chosen)
            paths = self.chosen if is_each else filter(self.wanted, paths)
        notes = sum(map(is_note, set(paths)))
        summary = summarize_counts(self.severities, files, notes, counts)
        return [summary, *[describe_known(count, self.vault_option) for count in counts]]

    def describe(self) -> str:
        """Return the sentences below the results."""
        if self.drafts is not None:  # no command fixes them, as they are not on disk
            return "\n".join(
                filter(None, [*self.summarize(), describe_skipped_preview(self.vault.config)])
            )
        has_numbers = self.row in (OVERVIEW, STATUS)  # those of findings and fixes
        counts_fixes = not (has_numbers or self.terminal.quiet) and self._may_have_fixes()
        summary, *known = self.summarize()
        fixes = self._describe_fixes() if counts_fixes else ""
        if not (fixes or has_numbers or self.terminal.quiet):
            fixes = self._describe_next_step()
        sentences = [
            "" if has_numbers else summary,
            *known,
            self.limits.describe(self.options.changed_since or "") if self.limits else "",
            self._describe_page(),
            fixes,
            self.describe_shortened() if fixes or self.row is OVERVIEW else "",
            describe_unseen(self.vault.state.settings.history.blind_spots),
            *self._describe_folders(),
            describe_skipped_preview(self.vault.config),
        ]
        return "\n".join(filter(None, sentences))

    def _describe_page(self) -> str:
        """Return a sentence about the findings behind those that are listed; else ""."""
        if self.cut is None or not self.cut.has_more:
            return ""
        if self.row.next_place == "message":
            from vaultlink.cli.listings import describe_next  # noqa: PLC0415 - rarely needed

            return describe_next(self.cut)
        count = format_count(len(self.cut.rows), "finding")
        return "" if self.row.next_place else f"Listed are the first {count}."

    def _describe_fixes(self) -> str:
        """Return the commands that fix these findings, and not more."""
        options, command_options = self.options, format_command_options(self.options, self.vault)
        sentence = describe_fixable(self.forecast, command_options)
        if options.changed_since and not sentence:
            rules = self.vault.state.settings.rules_by_name
            asked = sum(rules[d.rule].deferred_fix == "target" for d in self.split.new)
            ask = f"`vaultlink fix --interactive{command_options}` asks about {asked:,} of them."
            return ask if asked else ""
        if runs_in_hook() and self.forecast.known_safe and not options.changed_since:
            since_head = format_command_options(replace(options, changed_since="HEAD"), self.vault)
            return f"{sentence} `vaultlink fix{since_head}` fixes only what the commit adds."
        return sentence

    def _describe_next_step(self) -> str:
        """Return a command for findings without a fix, for a person or in a hook; else ""."""
        is_hook, found = runs_in_hook(), self.split.new if self.parts is None else ()
        if not found or not (is_hook or self.terminal.is_terminal):
            return ""
        options = self.options
        if is_hook and not options.changed_since:
            options = replace(options, changed_since="HEAD")
        words = format_command_options(options, self.vault)
        rules = self.vault.state.settings.rules_by_name
        asked = sum(rules[d.rule].deferred_fix == "target" for d in found)
        if is_hook:
            return (
                f"`vaultlink fix --interactive{words}` asks about what the commit adds; "
                f"`vaultlink baseline{self.vault_option}` records findings that may stay."
            )
        if asked:
            return f"`vaultlink fix --interactive{words}` asks about {asked:,} of them."
        return f"`vaultlink rule {found[0].code}` explains the first."

    def describe_shortened(self) -> str:
        """Return a sentence on the paths that proposed commands do not repeat; else ""."""
        return describe_shortened(self.options, self.vault)

    def _describe_folders(self) -> list[str]:
        """Return hints on folders that look imported, if the whole vault is checked."""
        if self.chosen or self.terminal.quiet:
            return []
        if self.parts is None:
            counts = Counter([d.path for d in self.split.new])
        else:
            counts = self.parts.count_findings()
        if self.row is OVERVIEW:  # it has a line about declared folders
            state, paths = self.vault.state, list(counts)
            for path in state.settings.find_declared_reasons(state.index, paths):
                del counts[path]
        folders = find_foreign_folders(counts, self.vault.index)
        has_excluded = bool(self.vault.config.exclude)
        return describe_foreign_folders(folders, counts.total(), has_excluded=has_excluded)

    def _may_have_fixes(self) -> bool:
        """Return False if it is certain, at no cost, that no finding has a fix to count."""
        if self.parts is not None:
            return True
        rules = self.vault.state.settings.rules_by_name
        left_out = "" if self.counts_guesses else "target"
        new, known = self.split.new, self.split.known
        return any(
            d.fix or rules[d.rule].deferred_fix not in ("", left_out) for d in chain(new, known)
        )


def _count_unreadable(vault: Vault, findings: Sequence[Diagnostic]) -> int:
    from vaultlink.report.listings import count_unreadable  # noqa: PLC0415 - for few formats

    return count_unreadable(vault.index, findings)


def runs_in_hook() -> bool:
    """Return True if pre-commit runs the command."""
    return bool(os.environ.get("PRE_COMMIT"))


def _find_path_prefix(vault: Vault) -> str:
    """Return the vault's folder in its repository, such as "notes/"; "" for the root.

    GitHub and GitLab expect paths relative to the repository.
    """
    tree = find_work_tree(vault.root)
    folder = vault.root.relative_to(tree).as_posix() if tree else "."
    return "" if folder == "." else f"{folder}/"
