"""Build diagnostics, and recognise them across edits."""

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from vaultlink.model import Diagnostic, Fix, Safety, Severity, SourceSpan, TextByPath
from vaultlink.rules.context import Finding
from vaultlink.rules.registry import Rule
from vaultlink.text import blake2b, lazy_pattern


class DiagnosticBuilder:
    """Builds the diagnostics of one rule."""

    __slots__ = ("_format_message", "_format_title", "_is_unsafe", "_rule", "_severity")

    def __init__(self, rule: Rule, severity: Severity, *, is_unsafe: bool = False) -> None:
        """Prepare the messages of a rule; with `is_unsafe`, none of its fixes is safe."""
        self._rule, self._severity, self._is_unsafe = rule, severity, is_unsafe
        self._format_message = _compile_template(rule.message)
        self._format_title = _compile_template(rule.fix_title)

    def build(self, path: str, finding: Finding) -> Diagnostic:
        rule, at, edits = self._rule, finding.location, finding.edits
        start, end, line, column = at.start, at.end, at.line, at.column
        raw = getattr(at, "raw", "")  # only the text of a link can contain a line break
        is_long = "\n" in raw
        if edits and callable(edits):
            edits = edits()
        fix = None
        if edits:
            safety = Safety.UNSAFE if self._is_unsafe else finding.safety or rule.default_safety
            fix = Fix(self._format_title(finding.values), safety, edits)
        return Diagnostic(
            rule.code,
            rule.name,
            self._severity,
            path,
            start,
            end,
            line,
            column,
            line + raw.count("\n") if is_long else line,
            len(raw) - raw.rfind("\n") if is_long else column + end - start,
            self._format_message(finding.values),
            finding.target,
            fix,
            rule.about,
            rule.known_as,
            finding.subpath,
            finding.resolved,
        )


class FindingKind(NamedTuple):
    """The rule and severity of findings that are made on demand."""

    code: str
    rule: str
    severity: Severity


MENTION = FindingKind("", "unlinked-mention", Severity.INFO)
"""Stands for the rule of an unlinked mention, which no check reports."""


def make_finding(
    kind: FindingKind, path: str, place: SourceSpan, message: str, resolved: str | None = None
) -> Diagnostic:
    """Return a finding made on demand, for a place in one line and maybe a file."""
    start, end, line, column = place.start, place.end, place.line, place.column
    return Diagnostic(
        *kind,
        path,
        start,
        end,
        line,
        column,
        line,
        column + end - start,
        message,
        resolved=resolved,
    )


_PLACEHOLDER = lazy_pattern(r"\{(\w+)\}")


def _compile_template(template: str) -> Callable[[Mapping[str, object]], str]:
    """Return a function that fills a template like `str.format_map`, in less time."""
    parts = _PLACEHOLDER.split(template)
    texts, names = parts[::2], parts[1::2]
    if not names or any("{" in text or "}" in text for text in texts):
        return template.format_map
    pattern = "%s".join(text.replace("%", "%%") for text in texts)
    get_values: Callable[[Mapping[str, object]], object] = itemgetter(*names)
    return lambda values: pattern % get_values(values)


# -- recognise findings across edits by identities and fingerprints --------------------------------
# Also defines the counts of known findings.


_MAX_SPAN = 200
"""Maximum number of characters of a span that identify a finding.

A span may reach to the end of the note. At most its first line is used.
"""

FindingIdentity = tuple[str, str, int]
"""Identifies a finding at its path, independent of its position.

The items are the code, the subject, and a number among findings with equal code and subject. The
subject is the target of the link, with the heading or block if the rule is about that, else the
text under the finding. Numbers start at 0.
"""

_ANCHOR = lazy_pattern(r"(?:\[\[[^#|\]]*|\]\(<?[^#)]*)(#[^|\])>]*)")

_WIKILINK_TARGET = lazy_pattern(r"\[\[([^\[\]|#\n]+)")


def compute_identities(
    diagnostics: Sequence[Diagnostic], text: TextByPath
) -> list[FindingIdentity]:
    """Return the identities of findings in their order. They may be at several paths."""
    seen: dict[tuple[str, str, str], int] = {}
    found = []
    path, source = None, ""
    for d in diagnostics:
        about = d.target
        if about is None or d.about == "anchor":
            if d.path != path:
                path, source = d.path, text(d.path)
            about = _find_subject(source[d.start : min(d.end, d.start + _MAX_SPAN)], about)
        key = d.code, d.path, about
        count = seen.get(key, 0)
        seen[key] = count + 1
        found.append((d.code, about, count))
    return found


def _find_subject(raw: str, target: str | None) -> str:
    """Return the subject of a finding from the text under it.

    With a target: the target and the subpath in `raw`. Without: the target of the first link in
    `raw`, so that an entry of a section keeps its identity while its defects are fixed one by one,
    else the first line.
    """
    if target is None:
        linked = _WIKILINK_TARGET.search(raw)
        return linked[1].strip() if linked else raw.partition("\n")[0].rstrip("\r")
    anchor = _ANCHOR.search(raw)
    return target + anchor[1].strip() if anchor else target


def fingerprint(path: str, identity: FindingIdentity) -> str:
    """Return a hash of a finding that stays the same when lines move."""
    code, about, count = identity
    return blake2b(
        f"{code}\0{path}\0{about}\0{count}".encode("utf-8", "surrogatepass"), digest_size=8
    ).hexdigest()


def fingerprint_all(diagnostics: Sequence[Diagnostic], text: TextByPath) -> list[str]:
    """Return the fingerprints of findings in their order."""
    return [
        fingerprint(d.path, identity)
        for d, identity in zip(diagnostics, compute_identities(diagnostics, text), strict=True)
    ]


def split_changed(
    old: Sequence[Diagnostic], new: Sequence[Diagnostic], old_text: TextByPath, new_text: TextByPath
) -> tuple[list[Diagnostic], list[Diagnostic]]:
    """Return new and gone findings; a link reported by another rule is neither."""
    if old == new:
        return [], []
    old_keys = compute_identities(list(map(_as_known, old)), old_text)
    new_keys = compute_identities(list(map(_as_known, new)), new_text)
    known, present = set(old_keys), set(new_keys)
    return (
        [item for key, item in zip(new_keys, new, strict=True) if key not in known],
        [item for key, item in zip(old_keys, old, strict=True) if key not in present],
    )


def _as_known(item: Diagnostic) -> Diagnostic:
    return replace(item, code=item.known_as) if item.known_as else item


class KnownCount(msgspec.Struct, frozen=True):
    """Counts of findings known from a baseline or a revision, which are not reported.

    What both know counts for the baseline only.

    Attributes:
        kind: `baseline` or `revision`.
        name: The name of the baseline file, relative to the vault, or of the revision as the option
            names it.
        left: Known findings that are still found.
        gone: Known findings that are no longer found.
    """

    kind: str
    name: str
    left: int
    gone: int

    @property
    def label(self) -> str:
        """The source of the known findings, as messages name it."""
        return "the baseline" if self.kind == "baseline" else self.name


class KnownSplit(msgspec.Struct, frozen=True):
    """New and known findings, in order, with counts for each known source."""

    new: list[Diagnostic]
    known: Sequence[Diagnostic]
    known_counts: tuple[KnownCount, ...]
