"""Rows about the notes and folders of a vault: their links and findings."""

from collections import Counter
from collections.abc import Iterable, Mapping

from vaultlink.dashboard.model import FolderRow, NoteRow
from vaultlink.engine.step import State
from vaultlink.index.index import link_name
from vaultlink.index.resolve import is_note
from vaultlink.model import LinkCounts


class NoteNumbers:
    """The numbers of links and findings of each file of a state."""

    def __init__(self, state: State):
        self._state = state
        self._incoming: Counter[str | None] = Counter()
        for targets in state.index.targets.values():
            self._incoming.update(targets)
        self._findings = {path: len(found) for path, found in state.diagnostics.items()}

    def describe(self, paths: Iterable[str]) -> tuple[NoteRow, ...]:
        """Return the rows of these notes."""
        return tuple(map(self._describe_note, paths))

    def rank_hubs(self) -> list[str]:
        """Return the notes with links to them, most links first."""
        linked = [path for path in self._incoming if path is not None and is_note(path)]
        return sorted(linked, key=lambda path: (-self._incoming[path], path))

    def rank_findings(self) -> list[str]:
        """Return the notes with findings, most findings first."""
        found = [path for path in self._findings if is_note(path)]
        return sorted(found, key=lambda path: (-self._findings[path], path))

    def list_folders(self) -> list[FolderRow]:
        """Return the folders with notes, canvases or findings, most findings first."""
        tallies, files = self._state.tallies, self._state.index.files
        notes = Counter(_parent_folder(path) for path in files if is_note(path))
        links, dangling = _sum_by_folder(tallies)
        findings: Counter[str] = Counter()
        for path, count in self._findings.items():
            findings[_parent_folder(path)] += count
        rows = [
            FolderRow(name, notes[name], links[name], dangling[name], findings[name])
            for name in {*notes, *links, *findings}
        ]
        return sorted(rows, key=lambda row: (-row.findings, -row.dangling, row.folder))

    def _describe_note(self, path: str) -> NoteRow:
        note = self._state.index.notes.get(path)
        counts = self._state.tallies.get(path, LinkCounts())
        return NoteRow(
            path,
            (note.title if note else None) or link_name(path),
            self._incoming[path],
            counts.resolved,
            self._findings.get(path, 0),
        )


def _sum_by_folder(tallies: Mapping[str, LinkCounts]) -> tuple[Counter[str], Counter[str]]:
    """Return the numbers of all links and of dangling links by folder."""
    links: Counter[str] = Counter()
    dangling: Counter[str] = Counter()
    for path, counts in tallies.items():
        folder = _parent_folder(path)
        links[folder] += counts.links
        dangling[folder] += counts.dangling
    return links, dangling


def _parent_folder(path: str) -> str:
    return path.rpartition("/")[0]
