"""The same finding across edits: identities, fingerprints and counts of known findings."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

from vaultlink.model import Diagnostic, TextByPath

_MAX_SPAN = 200
"""Characters of a span that tell findings apart; the first line at most, as a span may reach to the note's end."""


FindingIdentity = tuple[str, str, int]
"""What tells a finding from others at its path, wherever in the note it stands: its code, what it is about (the link's
target, with its heading or block where that is missing; else the text under it), and its number among equals."""


_ANCHOR = re.compile(r"(?:\[\[[^#|\]]*|\]\(<?[^#)]*)(#[^|\])>]*)")


_WIKILINK_TARGET = re.compile(r"\[\[([^\[\]|#\n]+)")


def compute_identities(
    diagnostics: Sequence[Diagnostic], text: TextByPath
) -> list[FindingIdentity]:
    """The identities of all findings at one path, or at several, in their order."""
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
    """What a finding is about, by the text under it: how that goes on where there is a target, else the first link in it, so that
    an entry of a section stays the same while it is mended bit by bit, else its first line."""
    if target is None:
        linked = _WIKILINK_TARGET.search(raw)
        return linked[1].strip() if linked else raw.partition("\n")[0].rstrip("\r")
    anchor = _ANCHOR.search(raw)
    return target + anchor[1].strip() if anchor else target


def fingerprint(path: str, identity: FindingIdentity) -> str:
    """A name for a finding that survives lines moving."""
    code, about, count = identity
    return blake2b(
        f"{code}\0{path}\0{about}\0{count}".encode("utf-8", "surrogatepass"), digest_size=8
    ).hexdigest()


def fingerprint_all(diagnostics: Sequence[Diagnostic], text: TextByPath) -> list[str]:
    """The fingerprints of findings, in their order."""
    return [
        fingerprint(d.path, identity)
        for d, identity in zip(diagnostics, compute_identities(diagnostics, text), strict=True)
    ]


@dataclass(frozen=True, slots=True)
class KnownCount:
    """Findings that are not reported because they are old: the `kind` of place that they are known from (`baseline` or
    `revision`), its `name`, how many of them are `left`, and how many are `gone` since."""

    kind: str
    name: str
    left: int
    gone: int

    @property
    def label(self) -> str:
        """The place, in words."""
        return "the baseline" if self.kind == "baseline" else self.name
