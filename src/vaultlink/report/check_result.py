"""The result of a check.

It is what every function in `vaultlink.report.FORMATS` renders.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from vaultlink.engine.diagnostics import KnownCount
from vaultlink.fix.forecast import FixForecast, RuleCount, count_by_rule
from vaultlink.index.index import Index
from vaultlink.index.resolve import is_note, name_key
from vaultlink.model import Diagnostic, Severity, Suggestion, TextByPath
from vaultlink.report.layout import PLAIN, LinkPath, Palette, leave_unlinked

if TYPE_CHECKING:
    from vaultlink.rules.registry import Rule

GetSuggestions = Callable[[Diagnostic], Sequence[Suggestion]]
"""Returns the suggested files for a finding, best first."""

FormatTarget = Callable[[str], str]
"""Returns the target that a link to a vault path would have."""


def make_target_formatter(index: Index) -> FormatTarget:
    """Return a function that returns the target of a link to a path.

    The target is the file name if it is unique in the vault, else the path; without `.md`.
    """

    def format_target(path: str) -> str:
        is_unique = len(index.names.get(name_key(path), ())) == 1
        target = path.rsplit("/", 1)[-1] if is_unique else path
        return target[:-3] if is_note(target) else target

    return format_target


GetBytes = Callable[[str], bytes]
"""Returns a file's bytes by its vault path; empty if there is no such file."""


class CheckResult(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that an output format may print about one check of a vault.

    Values that take time are functions without arguments; each is computed at most once.
    """

    findings: Sequence[Diagnostic]
    """The findings to report, in the order of reports. Findings in `known` are not among them.

    They are empty for the frame around lines, which only needs numbers.
    """

    limit: int | None = None
    """The maximum number of findings to list below tables of all; None for what is usual."""

    fingerprints: Callable[[], Sequence[str]]
    """Returns the fingerprint of each finding."""

    forecast: Callable[[], FixForecast]
    """Returns the fixes of the findings that `vaultlink fix` would make, and their numbers."""

    text: TextByPath
    """Returns a note's text by its vault path; "" if it cannot be read."""

    summary: Callable[[], Mapping[str, int]]
    """Returns the numbers of notes, attachments and links in the vault, by name."""

    rules: "Sequence[Rule]"
    """The rules that ran."""

    suggester: Callable[[], GetSuggestions] = lambda: lambda _finding: ()
    file_bytes: GetBytes = lambda _path: b""
    format_target: FormatTarget = lambda path: path

    known: Sequence[Diagnostic] = ()
    """Known findings: those in the baseline or at the revision of `--changed-since`."""

    known_counts: Sequence[KnownCount] = ()
    """One count for each source of known findings."""

    unreadable: Callable[[], int] = lambda: 0
    """Returns the number of files with findings whose text can't be read."""

    root: str = ""
    """The vault's folder on disk."""

    path_prefix: str = ""
    """The vault's folder in its repository: "" or, for example, "notes/"."""

    version: str = ""
    """vaultlink's version; "" omits it."""

    declared: Callable[[], tuple[Collection[str], str]] = lambda: ((), "")
    """Returns the paths with findings in folders that are only read, and a line about them."""

    failing_severities: frozenset[Severity] = frozenset((Severity.ERROR, Severity.WARNING))
    """The severities that make the check fail."""

    extra_keys: Mapping[str, object] = msgspec.field(default_factory=dict)
    """Further keys of the JSON document."""

    width: int = 120
    """The columns of a line, in formats for people."""

    height: int = 24
    """The lines of the screen that an overview fits on."""

    show_path: Callable[[str], str] = lambda path: path
    """Returns a vault path as formats for people show it, relative to the current folder."""

    link_path: LinkPath = leave_unlinked
    """Returns a text as a hyperlink to a vault path, on a terminal that supports them."""

    command_options: str = ""
    """Options and paths to add to commands that the overview proposes."""

    vault_option: Callable[[], str] = lambda: ""
    """Returns the part of `command_options` that names the vault and its settings."""

    groups_targets: bool = False
    """Show findings about the same missing target as one, in the format `full`."""

    palette: Palette = PLAIN

    rule_counts: Sequence[RuleCount] | None = None
    """The result of `counts`, if it is known already."""

    def counts(self) -> Sequence[RuleCount]:
        """Return the numbers of findings and their fixes by rule, most frequent first."""
        if self.rule_counts is not None:
            return self.rule_counts
        return count_by_rule(self.findings, self.forecast().fixes)
