"""Analyse and check many notes in several processes."""

from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import NamedTuple

import msgspec

from vaultlink.disk.cache import DIGEST_SIZE
from vaultlink.disk.processes import (
    DoneCallback,
    FileSpool,
    count_processes,
    no_garbage_collection,
    run_parts,
)
from vaultlink.disk.read import UnreadableFile, decode_note, read_bytes
from vaultlink.engine.checks import LinterSettings
from vaultlink.engine.step import AnalysedNote, Examined, Share, analyse, analyse_unreadable
from vaultlink.index.index import (
    STORED_MAPS,
    LinkTargets,
    PathsByKey,
    add_stored_keys,
    merge_groups,
    spellings_in_note,
)
from vaultlink.index.packed_map import MAX_REMEMBERED, Chunk, Column, ColumnBuilder, Keys, PackedMap
from vaultlink.index.resolve import PathsByName
from vaultlink.index.update import make_resolver
from vaultlink.model import Diagnostic, LinkCounts, Note, Suggestion
from vaultlink.text import blake2b

_FORK_THRESHOLD_BYTES = 4_000_000
"""Bytes of text below which another process costs more than it saves."""

_FORK_THRESHOLD_COMPARED_BYTES = 40_000_000
"""Bytes of text to compare with digests below which another process costs more than it saves."""

_FORK_THRESHOLD_TOPICS = 2_000
"""Topics below which another process costs more than it saves."""

_FORK_THRESHOLD_NOTES = MAX_REMEMBERED
"""Notes to check below which another process costs more than it saves."""

_BATCH_SIZE = 256
"""Notes that are decoded at the same time."""


class FilesToAnalyse(NamedTuple):
    """Files to read and analyse.

    `size` is their total size in bytes. `digests` are the digests of contents that are known
    already, by path; such a file is not analysed again. `names`, if given, are the names of all
    files: then the links are resolved too, and the names in the notes collected.
    """

    root: str
    paths: Sequence[str]
    size: int
    digests: Mapping[str, bytes]
    names: PathsByName | None = None


class AnalysedFiles(NamedTuple):
    """Results of analysing files, in their order.

    `digests` are those of their contents. A file with a known digest has no note. `targets`,
    `spellings` and `maps` are empty if no names were given.
    """

    digests: list[bytes]
    notes: Column
    diagnostics: Column
    targets: Column
    spellings: Column
    maps: Mapping[str, PathsByKey]


_USUAL_NOTE = "---\ntitle: A\naliases: [b]\n---\n# A\n\nSee [[B|c]], [d](e.md) and ![[f.png]].\n"
"""A note with what most notes have. To parse it before the forks imports the parser only once."""


def analyse_files(
    settings: LinterSettings,
    files: FilesToAnalyse,
    jobs: int | None,
    spool: FileSpool,
    progress: DoneCallback = lambda _done: None,
) -> AnalysedFiles:
    """Read and analyse files, in parallel if there are many.

    The spool takes the results.
    """
    paths = files.paths
    spool.begin(len(paths))
    processes = count_processes(jobs, len(paths)) if files.size > _FORK_THRESHOLD_BYTES else 1
    kept = _Kept({}, {}) if processes == 1 and len(paths) <= MAX_REMEMBERED else None
    if processes > 1:
        analyse(settings, "a.md", _USUAL_NOTE)
    with no_garbage_collection():
        parts = run_parts(
            lambda part, done: _analyse_part(settings, files, part, done, kept, spool),
            paths,
            processes,
            _AnalysedPart,
            progress,
        )
        builders = [ColumnBuilder(spool) for _ in range(4)]
        digests: list[bytes] = []
        part_maps = []
        for part in parts:
            digests += part.digests
            for builder, chunks in zip(builders, part.columns, strict=True):
                builder.add_chunks(chunks)
            part_maps.append(part.maps)
        names = {} if files.names is None or len(part_maps) < 2 else files.names
        known = {paths[0]: paths for paths in names.values() if len(paths) == 1}
        maps = {
            name: merge_groups(_share_paths(part.pop(name), known) for part in part_maps)
            for name in (STORED_MAPS if files.names is not None else ())
        }
        keys = Keys(lambda: paths)
        notes, diagnostics, targets, spellings = [builder.build(keys) for builder in builders]
        if kept:
            notes = notes._replace(decoded=kept.notes)
            targets = targets._replace(decoded=kept.targets)
        return AnalysedFiles(digests, notes, diagnostics, targets, spellings, maps)


def _share_paths(
    groups: dict[str, list[str]], known: Mapping[str, tuple[str, ...]]
) -> Mapping[str, Sequence[str]]:
    """Return equal groups that share objects with those of one path that are known."""
    if not known:
        return groups
    shared: dict[str, Sequence[str]] = {}
    for key, group in groups.items():
        found = known.get(group[0])
        shared[key] = (
            found if found and len(group) == 1 else [known.get(path, (path,))[0] for path in group]
        )
    return shared


class _AnalysedPart(msgspec.Struct, array_like=True):
    """Results of a part of the files: digests, columns, names."""

    digests: list[bytes]
    columns: list[list[Chunk]]
    maps: dict[str, dict[str, list[str]]]


class _Kept(NamedTuple):
    """Results that this process need not decode again."""

    notes: dict[str, Note]
    targets: dict[str, LinkTargets]


def _analyse_part(
    settings: LinterSettings,
    files: FilesToAnalyse,
    paths: Sequence[str],
    done: DoneCallback,
    kept: _Kept | None,
    spool: FileSpool,
) -> _AnalysedPart:
    digests: list[bytes] = []
    builders = notes, diagnostics, targets, spellings = [ColumnBuilder(spool) for _ in range(4)]
    maps: dict[str, dict[str, list[str]]] = {name: {} for name in STORED_MAPS}
    resolve = None if files.names is None else make_resolver(files.names)
    for path in paths:
        digest, result = _analyse_file(settings, files.root, path, files.digests.get(path))
        digests.append(digest)
        notes.add(result and result.note)
        diagnostics.add((result and result.diagnostics) or None)
        if kept and result:
            kept.notes[path] = result.note
        if resolve and result:
            resolved = resolve(result.note)
            targets.add(resolved)
            if kept:
                kept.targets[path] = resolved
            # An index without them lists them itself if it is updated.
            spellings.add(tuple(spellings_in_note(result.note)) if settings.compares else None)
            add_stored_keys(result.note, resolved, maps)
        else:
            targets.add(None)
            spellings.add(None)
        if len(digests) % 500 == 0:
            done(len(digests))
            for builder in builders:
                builder.spool()
    return _AnalysedPart(digests, [builder.chunks() for builder in builders], maps)


def _analyse_file(
    settings: LinterSettings, root: str, path: str, known: bytes | None
) -> tuple[bytes, AnalysedNote | None]:
    """Analyse one file; return digest and result (None if the digest is `known`)."""
    data = read_bytes(f"{root}/{path}")
    digest = _digest_content(data)
    if digest == known:
        return digest, None
    text = decode_note(data) if isinstance(data, bytes) else data
    if isinstance(text, UnreadableFile):
        return digest, analyse_unreadable(settings, path, text.kind, text.detail)
    return digest, analyse(settings, path, text)


def _digest_content(data: bytes | UnreadableFile) -> bytes:
    content = data if isinstance(data, bytes) else repr(data).encode()
    return blake2b(content, digest_size=DIGEST_SIZE).digest()


def find_different(
    files: FilesToAnalyse, jobs: int | None, progress: DoneCallback = lambda _done: None
) -> list[str]:
    """Return the files with other contents than the known ones, in order."""
    paths, digests = files.paths, files.digests
    large = files.size > _FORK_THRESHOLD_COMPARED_BYTES

    def compare(part: Sequence[str], done: DoneCallback) -> list[str]:
        different = []
        for number, path in enumerate(part):
            if _digest_content(read_bytes(f"{files.root}/{path}")) != digests.get(path):
                different.append(path)
            if number % 500 == 0:
                done(number)
        return different

    processes = count_processes(jobs, len(paths)) if large else 1
    parts = run_parts(compare, paths, processes, list[str], progress)
    return list(chain.from_iterable(parts))


def analyse_texts(
    settings: LinterSettings, texts: Mapping[str, str], jobs: int | None = None
) -> list[AnalysedNote]:
    """Return the results of analysing texts, by the path of each, in order."""
    paths = list(texts)
    large = sum(map(len, texts.values())) > _FORK_THRESHOLD_BYTES
    parts = run_parts(
        lambda part, _done: [analyse(settings, path, texts[path]) for path in part],
        paths,
        count_processes(jobs, len(paths)) if large else 1,
        list[AnalysedNote],
    )
    return list(chain.from_iterable(parts))


def _ignore_count(_done: int, _all: int) -> None:
    pass


def share_checks(
    jobs: int | None,
    spool: FileSpool,
    begin: Callable[[], Callable[[int, int], None]] = lambda: _ignore_count,
) -> Share:
    """Return a function that runs checks of many paths in up to `jobs` processes.

    The spool takes the findings. `begin` is called when they begin, and what it returns with the
    number of paths that were checked, and that of all.
    """

    def share(examine: Callable[[Sequence[str]], Examined], paths: Sequence[str]) -> Examined:
        if len(paths) < _FORK_THRESHOLD_NOTES:
            return examine(paths)
        report = begin()
        spool.begin(len(paths))
        examine(paths[:1])  # imports the rules before the forks
        builders = [ColumnBuilder(spool) for _ in range(2)]
        unsuppressed: dict[str, tuple[Diagnostic, ...] | None] = {}
        with no_garbage_collection():
            for part in run_parts(
                lambda part, _done: _examine_part(examine, part, spool),
                paths,
                count_processes(jobs, len(paths)),
                _ExaminedPart,
                lambda done: report(done, len(paths)),
            ):
                unsuppressed.update(part.unsuppressed)
                for builder, chunks in zip(builders, part.columns, strict=True):
                    builder.add_chunks(chunks)
        keys = Keys(lambda: paths)
        diagnostics, tallies = [builder.build(keys) for builder in builders]
        reported = PackedMap[tuple[Diagnostic, ...]](tuple[Diagnostic, ...], column=diagnostics)
        return Examined(
            reported.with_changes(unsuppressed),
            reported,
            PackedMap[LinkCounts](LinkCounts, column=tallies),
        )

    return share


class _ExaminedPart(msgspec.Struct, array_like=True):
    """Results of checking a part of the paths.

    `columns` are the findings to report and the counts of links; `unsuppressed` are all findings of
    the paths where these differ.
    """

    columns: list[list[Chunk]]
    unsuppressed: dict[str, tuple[Diagnostic, ...] | None]


def _examine_part(
    examine: Callable[[Sequence[str]], Examined], paths: Sequence[str], spool: FileSpool
) -> _ExaminedPart:
    builders = diagnostics, tallies = [ColumnBuilder(spool) for _ in range(2)]
    unsuppressed = {}
    for begin in range(0, len(paths), _BATCH_SIZE):
        batch = paths[begin : begin + _BATCH_SIZE]
        examined = examine(batch)
        for path in batch:
            found, reported = examined.found.get(path), examined.diagnostics.get(path)
            if found is not reported and found != reported:
                unsuppressed[path] = found
            diagnostics.add(reported)
            tallies.add(examined.tallies.get(path))
        for builder in builders:
            builder.spool()
    return _ExaminedPart([builder.chunks() for builder in builders], unsuppressed)


def suggest_all(
    suggest: Callable[[str], tuple[Suggestion, ...] | None],
    topics: Sequence[str],
    jobs: int | None,
    prepare: Callable[[], None],
) -> dict[str, tuple[Suggestion, ...] | None]:
    """Return suggestions for many topics, in parallel if there are many.

    `prepare` prepares later work of this process. It is called while others suggest.
    """
    processes = count_processes(jobs, len(topics))
    if len(topics) < _FORK_THRESHOLD_TOPICS or processes < 2:
        return {topic: suggest(topic) for topic in topics}
    for topic in topics[:1]:
        suggest(topic)  # prepares the names once, for all processes
    parts = run_parts(
        lambda part, _done: [suggest(topic) for topic in part],
        topics,
        processes,
        list[tuple[Suggestion, ...] | None],
        meanwhile=prepare,
    )
    return dict(zip(topics, chain.from_iterable(parts), strict=True))
