"""Recognise findings across edits by identities and fingerprints.

Also defines the counts of known findings.
"""

from collections.abc import Sequence

import msgspec

from vaultlink.model import Diagnostic, TextByPath
from vaultlink.text import blake2b, lazy_pattern

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


class KnownCount(msgspec.Struct, frozen=True):
    """Counts of findings known from a baseline or a revision, which are not reported.

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
