"""Find the changes of a vault since a known state: compare stamps, then contents."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from typing import NamedTuple, Protocol, runtime_checkable

from vaultlink.disk.processes import FileSpool, open_no_file
from vaultlink.disk.scan import VaultScan, is_source_file
from vaultlink.disk.workers import AnalysedFiles, FilesToAnalyse, analyse_files, find_different
from vaultlink.engine.checks import LinterSettings
from vaultlink.engine.step import AnalysedNote, Change, ChangedFiles, Presence, State
from vaultlink.index.index import (
    STORED_MAPS,
    Index,
    LinkTargets,
    collect_paths,
    merge_groups,
    update_names,
)
from vaultlink.index.packed_map import PackedMap, decode_column
from vaultlink.index.resolve import PathsByName
from vaultlink.model import Diagnostic, FileStamp, Note

Progress = Callable[[int, int], None]
"""Called with the number of notes read, and that of all notes to read."""


@runtime_checkable
class PhasedProgress(Protocol):
    """A progress that knows the phases after reading, too."""

    def __call__(self, done: int, total: int, /) -> None:
        """Show the number of what is done, and that of all that is to do."""

    def begin(self, label: str, /) -> None:
        """Begin the next phase."""


def ignore_progress(_done: int, _total: int) -> None:
    """Do nothing: the progress of a run that nobody watches."""


def begin_phase(progress: Progress, name: str) -> Progress:
    """Begin a phase after reading, and return what to call with its counts.

    A progress that knows no other phase than reading is not called.
    """
    if not isinstance(progress, PhasedProgress):
        return ignore_progress
    progress.begin(name)
    return progress


_MIN_COMPARED = 100
"""Files above which contents are compared before any is analysed."""


class KnownContents(NamedTuple):
    """The known stamps and digests of the files of a previous state, by path."""

    stamps: Mapping[str, FileStamp]
    digests: Mapping[str, bytes]


class FoundChanges(NamedTuple):
    """Changes since a previous state, and the digests of the files that were read.

    `restamped` are the files whose content is the same although their stamp is not.
    """

    batch: ChangedFiles
    digests: Mapping[str, bytes]
    restamped: Set[str]


def find_changes(
    scan: VaultScan, before: State, known: KnownContents, progress: Progress, spool: FileSpool
) -> FoundChanges:
    """Return the differences between the files on disk and a previous state."""
    files, old = scan.listing.files, before.index.files
    paths = [path for path, stamp in files.items() if known.stamps.get(path) != stamp]
    sources = [path for path in paths if is_source_file(path)]
    names = None if old else update_names({}, frozenset(), frozenset(files))
    restamped = _find_restamped(scan, sources, known.digests, progress)
    if restamped:
        sources = [path for path in sources if path not in restamped]
    analysed = _read_files(scan, before.settings, sources, known.digests, names, progress, spool)
    digests = dict(zip(sources, analysed.digests, strict=True))
    restamped.update(path for path, digest in digests.items() if digest == known.digests.get(path))
    present = {
        path: True
        for path in paths
        if path not in old or (path in digests and path not in restamped)
    }
    gone = dict.fromkeys((path for path in old if path not in files), False)
    if not old:
        batch = _make_full_batch(present, analysed, before.settings)
        return FoundChanges(batch, digests, restamped)
    notes = dict(decode_column(Note, analysed.notes).items())
    batch = ChangedFiles(
        {**present, **gone},
        {**notes, **dict.fromkeys(path for path in gone if path in before.index.notes)},
        decode_column(tuple[Diagnostic, ...], analysed.diagnostics),
    )
    return FoundChanges(batch, digests, restamped)


def _find_restamped(
    scan: VaultScan, sources: Sequence[str], digests: Mapping[str, bytes], progress: Progress
) -> set[str]:
    """Return files with known contents; none if few, which are as quick to analyse."""
    known = [path for path in sources if path in digests]
    if len(known) <= _MIN_COMPARED:
        return set()
    size = sum(scan.listing.files[path].size for path in known)
    different = find_different(
        FilesToAnalyse(os.fspath(scan.root), known, size, digests),
        scan.settings.jobs,
        lambda done: progress(done, len(known)),
    )
    return set(known).difference(different)


def _read_files(
    scan: VaultScan,
    settings: LinterSettings,
    sources: Sequence[str],
    digests: Mapping[str, bytes],
    names: PathsByName | None,
    progress: Progress,
    spool: FileSpool,
) -> AnalysedFiles:
    size = sum(scan.listing.files[path].size for path in sources)
    return analyse_files(
        settings,
        FilesToAnalyse(os.fspath(scan.root), sources, size, digests, names),
        scan.settings.jobs,
        spool,
        lambda done: progress(done, len(sources)),
    )


def _make_full_batch(
    files: Mapping[str, bool], analysed: AnalysedFiles, settings: LinterSettings
) -> ChangedFiles:
    notes = decode_column(Note, analysed.notes)
    others = [path for path in files if path not in notes]
    rest = Index(PackedMap(Note), {}, {}, frozenset(others))
    return ChangedFiles(
        files,
        notes,
        decode_column(tuple[Diagnostic, ...], analysed.diagnostics),
        decode_column(LinkTargets, analysed.targets),
        decode_column(tuple[str, ...], analysed.spellings) if settings.compares else None,
        {
            name: merge_groups([analysed.maps[name], collect_paths(rest, others, grouping.keys)])
            for name, grouping in STORED_MAPS.items()
        },
    )


def read_changes(
    scan: VaultScan, settings: LinterSettings, paths: Iterable[str]
) -> Iterator[Change]:
    """Read and analyse the files at these paths, in parallel if there are many."""
    files = scan.listing.files
    sources, others = [], []
    for path in paths:
        if path in files and is_source_file(path):
            sources.append(path)
        else:
            others.append(Change(path, Presence.ATTACHMENT if path in files else Presence.GONE))
    memory = FileSpool(None, open_no_file)
    analysed = _read_files(scan, settings, sources, {}, None, ignore_progress, memory)
    notes = decode_column(Note, analysed.notes)
    diagnostics = decode_column(tuple[Diagnostic, ...], analysed.diagnostics)
    for path in sources:
        yield Change(path, AnalysedNote(notes[path], diagnostics.get(path, ())))
    yield from others
