"""The parts of a concise check result that are about one path, kept between runs.

A row is used again if the findings of its path are those of the same saved state.
"""

import os
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import cache
from itertools import accumulate, chain, pairwise
from typing import NamedTuple

import msgspec

from vaultlink.api import Vault, find_origin
from vaultlink.cli.vault import make_suggester
from vaultlink.disk.cache import digest_parts
from vaultlink.disk.processes import count_processes, run_parts
from vaultlink.fix.forecast import FixForecast, join_forecasts
from vaultlink.fix.select import allowed_fixes
from vaultlink.index.packed_map import PackedMap
from vaultlink.model import Diagnostic, Severity
from vaultlink.report.concise import format_hint, render_concise
from vaultlink.report.listings import make_target_formatter
from vaultlink.write.cache import save_result
from vaultlink.write.protection import make_lock_test

_MIN_SHARED_ROWS = 1_000
"""Rows below which another process costs more than it saves."""


class RowFacts(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The numbers of findings by severity, and of fixes, of one path.

    They depend on the findings of the path; if it has fixes, on the links to its headings, and on
    `is_locked`, True if the file can't be written; and if `is_deferred` is True, on other notes.
    `hinted` are the notes whose headings or blocks the lines suggest.
    """

    severities: tuple[tuple[Severity, int], ...]
    fixes: FixForecast
    is_locked: bool
    is_deferred: bool
    hinted: tuple[str, ...]


class PathRow(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The lines of one path, encoded, and the facts about them."""

    text: bytes
    facts: RowFacts


class _StoredRows(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Rows as they are stored: many paths share the same facts.

    `ends` are the ends of the paths' texts in `texts`, `numbers` the numbers of their facts.
    """

    paths: list[str] = []
    ends: bytes = b""
    numbers: bytes = b""
    facts: list[RowFacts] = []
    texts: memoryview = memoryview(b"")


class Rows(NamedTuple):
    """Rows of paths: the lines of each, and the number of its facts in `facts`."""

    paths: list[str]
    texts: list[bytes | memoryview]
    numbers: "array[int]"
    facts: list[RowFacts]

    def add(self, paths: Iterable[str], rows: Iterable[PathRow]) -> None:
        """Add rows."""
        known = {facts: number for number, facts in enumerate(self.facts)}
        for path, row in zip(paths, rows, strict=True):
            number = known.setdefault(row.facts, len(known))
            if number == len(self.facts):
                self.facts.append(row.facts)
            self.paths.append(path)
            self.texts.append(row.text)
            self.numbers.append(number)

    def select(self, positions: Sequence[int]) -> "Rows":
        """Return the rows at these positions."""
        texts, numbers, paths = self.texts, self.numbers, self.paths
        return Rows(
            [paths[position] for position in positions],
            [texts[position] for position in positions],
            array("I", [numbers[position] for position in positions]),
            self.facts,
        )

    def count_facts(self) -> list[tuple[RowFacts, int]]:
        """Return the facts, each with the number of its rows."""
        return [(self.facts[number], times) for number, times in Counter(self.numbers).items()]

    def count_severities(self) -> Counter[Severity]:
        """Return the numbers of findings by severity."""
        counts: Counter[Severity] = Counter()
        for facts, times in self.count_facts():
            for severity, findings in facts.severities:
                counts[severity] += findings * times
        return counts


def load_rows(vault: Vault, wanted: Callable[[str], bool]) -> Rows:
    """Return the rows of the wanted paths with findings, sorted by path."""
    paths = sorted(filter(wanted, vault.state.diagnostics))
    key, is_valid = _rows_key(vault), _make_validator(vault)
    rows = _load_kept_rows(vault, key)
    positions = _find_valid(rows, is_valid)
    kept = list(positions.values())
    missing = [path for path in paths if path not in positions]
    if missing:
        start = len(rows.paths)
        rows.add(missing, _make_rows(vault, missing))
        new = [
            position
            for position, path in enumerate(missing, start)
            if not (facts := rows.facts[rows.numbers[position]]).is_deferred
            and is_valid(path, facts)
        ]
        if new and key is not None:
            _save_rows(vault, key, rows.select([*kept, *new]))
        positions.update(zip(missing, range(start, len(rows.paths)), strict=True))
    return rows.select([positions[path] for path in paths])


def forecast_fixes(vault: Vault, rows: Rows, wanted: Callable[[str], bool]) -> FixForecast:
    """Return the numbers of findings that would be fixed, without guesses."""

    def try_all() -> FixForecast:
        findings = [
            item
            for path, number in zip(rows.paths, rows.numbers, strict=True)
            if rows.facts[number].fixes.candidates
            for item in vault.state.diagnostics[path]
        ]
        return vault.fixer.forecaster(wanted, guesses=False)(findings)

    return join_forecasts(((facts.fixes, times) for facts, times in rows.count_facts()), try_all)


def _make_rows(vault: Vault, paths: Sequence[str]) -> list[PathRow]:
    if not paths:
        return []
    suggest, format_target = make_suggester(vault, ()), make_target_formatter(vault.index)
    rules = vault.state.settings.rules_by_name
    is_allowed = allowed_fixes(vault.state.settings.rules, vault.config)
    load_forecaster = cache(lambda: vault.fixer.forecaster(guesses=False))

    def hint(d: Diagnostic) -> str:
        return format_hint(d, suggest(d), format_target) if d.subpath is not None else ""

    def is_safe(d: Diagnostic) -> bool:
        return d.fix is not None and is_allowed(d, d.fix)

    def make_row(path: str) -> PathRow:
        findings = vault.state.diagnostics[path]
        kinds = {rules[d.rule].deferred_fix for d in findings}
        is_deferred, is_locked = not kinds <= {"", "target"}, False
        fixes = FixForecast(has_guesses="target" in kinds)
        if is_deferred or any(d.fix for d in findings):
            forecaster = load_forecaster()
            fixes = forecaster(findings, tries=False)._replace(fixes=())
            is_locked = forecaster.sources.is_protected(path)
        facts = RowFacts(
            tuple(Counter([d.severity for d in findings]).items()),
            fixes,
            is_locked,
            is_deferred
            or any(edit.path != path for d in findings if d.fix for edit in d.fix.edits),
            tuple({d.resolved for d in findings if d.subpath is not None and d.resolved}),
        )
        text = render_concise(findings, hint=hint, is_safe=is_safe)
        return PathRow(text.encode("utf-8", "surrogateescape"), facts)

    processes = (
        1
        if len(paths) < _MIN_SHARED_ROWS
        else count_processes(vault.scan.settings.jobs, len(paths))
    )
    parts = run_parts(
        lambda part, _done: [make_row(path) for path in part], paths, processes, list[PathRow]
    )
    return [row for part in parts for row in part]


def _rows_key(vault: Vault) -> bytes | None:
    """Return what rows depend on apart from findings: the saved state they belong to."""
    origin = find_origin(vault)
    if origin is None:
        return None
    layers = [(layer.source, layer.values) for layer in vault.scan.layers]
    return digest_parts((origin.identity, repr(layers).encode()))


def _load_kept_rows(vault: Vault, key: bytes | None) -> Rows:
    """Return the rows of the last run, valid or not."""
    cache, origin = vault.scan.open_cache(), find_origin(vault)
    stored = _StoredRows()
    if cache is not None and key is not None and origin is not None and not origin.is_saved:
        with suppress(msgspec.MsgspecError, ValueError):
            stored = msgspec.msgpack.decode(cache.load_result(key, "rows") or b"", type=_StoredRows)
    ends, numbers = array("Q"), array("I")
    ends.frombytes(stored.ends)
    numbers.frombytes(stored.numbers)
    texts: list[bytes | memoryview] = [
        stored.texts[start:end] for start, end in pairwise(chain((0,), ends))
    ]
    return Rows(stored.paths, texts, numbers, stored.facts)


def _find_valid(rows: Rows, is_valid: Callable[[str, RowFacts], bool]) -> dict[str, int]:
    """Return the positions of the rows that are still valid, by path."""
    facts = rows.facts
    return {
        path: position
        for position, (path, number) in enumerate(zip(rows.paths, rows.numbers, strict=True))
        if is_valid(path, facts[number])
    }


def _make_validator(vault: Vault) -> Callable[[str, RowFacts], bool]:
    """Return a function that tells if a row depends on the saved state alone."""
    origin, found = find_origin(vault), vault.state.diagnostics
    notes, targets, names = vault.index.notes, vault.index.targets, vault.index.names
    if origin is not None and origin.is_saved:
        return lambda _path, _facts: True
    if (
        origin is None
        or not isinstance(found, PackedMap)
        or not isinstance(targets, PackedMap)
        or not isinstance(names, PackedMap)
    ):
        return lambda _path, _facts: False
    changed = {*notes.keys_changed(), *targets.keys_changed()}
    linked = {
        target
        for path in changed
        for target in (*(targets.saved_value(path) or ()), *targets.get(path, ()))
    }
    is_named_anew = any(names.keys_changed())
    different, restamped = set(found.keys_changed()), origin.restamped
    is_locked = make_lock_test(os.fspath(vault.root))

    def is_valid(path: str, facts: RowFacts) -> bool:
        has_fixes, hinted = facts.fixes.candidates > 0, facts.hinted
        return (
            path not in different
            and not (hinted and (is_named_anew or not changed.isdisjoint(hinted)))
            and not (has_fixes and (path in linked or path in changed))
            and not (has_fixes and path in restamped and is_locked(path) != facts.is_locked)
        )

    return is_valid


def _save_rows(vault: Vault, key: bytes, rows: Rows) -> None:
    cache = vault.scan.open_cache()
    if cache is not None:
        used = sorted(set(rows.numbers))
        renumbered = dict(zip(used, range(len(used)), strict=True))
        numbers = array("I", [renumbered[number] for number in rows.numbers])
        facts = [rows.facts[number] for number in used]
        ends = array("Q", accumulate(map(len, rows.texts)))
        texts = memoryview(b"".join(rows.texts))
        stored = _StoredRows(rows.paths, ends.tobytes(), numbers.tobytes(), facts, texts)
        save_result(cache, key, msgspec.msgpack.encode(stored), "rows")
