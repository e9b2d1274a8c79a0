"""Tests of the parts of the watcher: debounce, events, rescan, differences, peers and output."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Thread

import pytest
from msgspec.structs import replace

from exploring import spread
from machine import require_program
from running import create_vault, write_files
from tables import each
from vaultlink.api import open_vault
from vaultlink.disk.scan import Settings, VaultScan, is_temporary_name, scan_vault
from vaultlink.engine.diagnostics import fingerprint
from vaultlink.fix.select import FindingWithFix
from vaultlink.history.matcher import PieceIndex
from vaultlink.index.packed_map import list_differing_keys
from vaultlink.model import Diagnostic, FileStamp, Fix, History, LinkCounts, Note, Safety, Severity
from vaultlink.parse.note import parse_note
from vaultlink.report.layout import COLORED
from vaultlink.serve.stepper import (
    MoveTracker,
    Rescan,
    Stepper,
    folder_identity,
    has_no_notes,
    rescan,
    update_ignored,
)
from vaultlink.watch.backend import EventFeed
from vaultlink.watch.events import ChangeHints, Debounce, EventQueue, WatchUnavailable
from vaultlink.watch.loop import Watch, WatchSettings
from vaultlink.watch.messages import AppliedFixes, Batch, BatchCause, ReportedFinding, VaultTotals
from vaultlink.watch.output import (
    describe_cause,
    format_batch,
    format_headline,
    format_status,
    make_batch_row,
)
from vaultlink.watch.peers import Peers
from vaultlink.watch.session import (
    MarkedFindings,
    Session,
    compare_findings,
    identify_findings,
)
from vaultlink.write.file_locks import try_lock
from vaultlink.write.journal_files import make_journal_folder
from watched import run_watcher

PLAIN = Settings(cache=False)
SMALL = {
    "a.md": "[[b]] and [[no]]\n",
    "b.md": "# B\n\nwhat is in it\n",
    "x/p.png": "",
    "log.txt": "one\n",
}


@pytest.fixture
def vault(tmp_path: Path) -> Path:
    """Create a small vault."""
    return create_vault(tmp_path / "vault", SMALL)


def git(folder: Path, *words: str) -> None:
    """Run git."""
    subprocess.run(
        [require_program("git"), "-c", "user.name=n", "-c", "user.email=e", "-C", folder, *words],
        check=True,
        capture_output=True,
    )


# -- pauses ---------------------------------------------------------------------------------------------------------


@each(
    ("first", "last", "now", "batch", "fix", "busy"),
    [
        (10.0, 10.0, 10.0, 1.0, 3.0, 3.0),
        (10.0, 10.0, 10.5, 0.5, 2.5, 2.5),
        (10.0, 10.0, 14.0, -3.0, -1.0, -1.0),
        (10.0, 13.5, 13.5, 0.5, 3.0, 3.0),
        (10.0, 38.0, 38.0, -24.0, 2.0, 3.0),
        (10.0, 609.0, 609.0, -595.0, -569.0, 1.0),
    ],
)
def test_work_is_due_after_quiet_or_the_maximum_delay(
    first: float, last: float, now: float, batch: float, fix: float, busy: float
) -> None:
    """Fixes wait longer for a program that changes many files."""
    due = Debounce(batch_quiet=1.0, batch_max_delay=4.0, fix_quiet=3.0)
    assert due.seconds_until_batch(first, last, now) == batch
    assert due.seconds_until_fix(first, last, now) == fix
    assert due.seconds_until_fix(first, last, now, is_busy=True) == busy


def test_debounce_equals_the_documentation() -> None:
    debounce = Debounce()
    assert (
        debounce.batch_quiet,
        debounce.batch_max_delay,
        debounce.fix_quiet,
        debounce.fix_max_delay,
        debounce.fix_busy_delay,
    ) == (
        0.1,
        1.5,
        3.0,
        30.0,
        600.0,
    )
    assert (
        debounce.prepare_after
        < debounce.batch_quiet
        < debounce.batch_max_delay
        < debounce.fix_quiet
    )


# -- the inbox ------------------------------------------------------------------------------------------------------


def test_events_are_stored_until_taken() -> None:
    events = EventQueue()
    assert (bool(events), bool(events.take()), events.event_count) == (False, False, 0)
    for path in ("a.md", "b.md", "a.md"):
        events.add_path(path)
    assert events.peek() == events.peek() == ChangeHints(frozenset({"a.md", "b.md"}), False, 3)
    assert events.take() == ChangeHints(frozenset({"a.md", "b.md"}), False, 3)
    assert (bool(events), events.take()) == (False, ChangeHints(event_count=3))


def test_full_rescan_replaces_all_paths() -> None:
    events = EventQueue()
    events.add_path("a.md")
    events.request_full_rescan()
    events.add_path("b.md")
    assert events.take() == ChangeHints(frozenset(), True, 3)
    events.add_path("c.md")
    assert events.take() == ChangeHints(frozenset({"c.md"}), False, 4)


@each(("count", "everything"), [(2_000, False), (2_001, True), (5_000, True)])
def test_many_paths_become_a_full_rescan(count: int, everything: bool) -> None:
    events = EventQueue()
    for number in range(count):
        events.add_path(f"{number}.md")
    hints = events.take()
    assert (hints.full_rescan, len(hints.paths), hints.event_count) == (
        everything,
        0 if everything else count,
        count,
    )


def test_first_and_last_event_times_are_recorded() -> None:
    events = EventQueue()
    events.add_path("a.md")
    first = events.first_event
    assert (events.last_event, first > 0) == (first, True)
    events.add_path("b.md")
    assert (events.first_event, events.last_event >= first) == (first, True)
    events.take()
    events.add_path("c.md")
    assert events.first_event == events.last_event >= first


def test_events_of_many_threads_are_recorded() -> None:
    events, taken = EventQueue(), set[str]()

    def hint(here: int) -> None:
        for number in range(400):
            events.add_path(f"{here}/{number}")

    threads = [Thread(target=hint, args=(here,)) for here in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        taken |= events.take().paths
    taken |= events.take().paths
    assert (taken, events.event_count) == (
        {f"{here}/{number}" for here in range(4) for number in range(400)},
        1_600,
    )


@each("word", ["hint", "everything", "stop"])
def test_event_wakes_the_waiting_thread(word: str) -> None:
    events = EventQueue()
    calls = {
        "hint": lambda: events.add_path("a.md"),
        "everything": events.request_full_rescan,
        "stop": events.stop,
    }
    waiting = Thread(target=events.wait, args=(600.0,), daemon=True)
    waiting.start()
    assert waiting.is_alive()
    calls[word]()
    waiting.join(30)
    assert not waiting.is_alive()
    assert (events.stopped, bool(events)) == (word == "stop", word != "stop")


def test_wait_ends_after_its_timeout() -> None:
    EventQueue().wait(0.01)
    EventQueue().wait(-1.0)


# -- words ----------------------------------------------------------------------------------------------------------


@each(
    ("cause", "words"),
    [
        (BatchCause(), "nothing"),
        (BatchCause(description="new settings"), "new settings"),
        (BatchCause(saved=("a.md",)), "a.md saved"),
        (BatchCause(created=("x/a.md",)), "x/a.md created"),
        (BatchCause(deleted=("p.png",)), "p.png deleted"),
        (BatchCause(saved=("a.md", "b.md")), "2 notes saved"),
        (BatchCause(created=("a.md", "p.png")), "2 files created"),
        (
            BatchCause(deleted=tuple(f"{number}.md" for number in range(1_200))),
            "1,200 notes deleted",
        ),
        (BatchCause(saved=("a.md",), created=("b.md",)), "1 note saved, 1 note created"),
        (
            BatchCause(saved=("a.md",), created=("p.png",), deleted=("c.md", "d.md")),
            "1 note saved, 1 file created, 2 notes deleted",
        ),
        (BatchCause(moved=(("a.md", "b.md"),)), "a.md renamed to b.md"),
        (BatchCause(moved=(("x/a.md", "x/b.md"),)), "x/a.md renamed to b.md"),
        (BatchCause(moved=(("a.md", "x/a.md"),)), "a.md moved to x/a.md"),
        (BatchCause(moved=(("x/a.md", "y/b.md"),)), "x/a.md moved to y/b.md"),
        (BatchCause(moved=(("a.md", "b.md"), ("c.md", "d.md"))), "2 notes moved"),
        (BatchCause(moved=(("p.png", "q.png"), ("c.md", "d.md"))), "2 files moved"),
        (BatchCause(saved=("c.md",), moved=(("a.md", "b.md"),)), "1 note saved, 1 note moved"),
        (BatchCause(saved=("a\nb.md",)), "a\\nb.md saved"),
        (BatchCause(moved=(("a.md", "\x1b[2J.md"),)), "a.md renamed to \\u001b[2J.md"),
        (BatchCause(moved=(("a\t.md", "x/b\r.md"),)), "a\\t.md moved to x/b\\r.md"),
    ],
)
def test_cause_as_text(cause: BatchCause, words: str) -> None:
    assert describe_cause(cause) == words


def finding(
    path: str = "a.md", target: str | None = "no", line: int = 1, message: str = "It is so."
) -> Diagnostic:
    """Return a finding."""
    return Diagnostic(
        "VL101",
        "dangling-link",
        Severity.ERROR,
        path,
        7 * line - 7,
        7 * line - 1,
        line,
        1,
        line,
        7,
        message,
        target,
    )


FOUND = ReportedFinding(finding(), "0123456789abcdef")


def batch(
    vault: Path,
    cause: BatchCause = BatchCause(),  # noqa: B008 - frozen
    number: int = 1,
    new: Sequence[ReportedFinding] = (),
    healed: Sequence[ReportedFinding] = (),
    fixed: AppliedFixes | None = None,
) -> Batch:
    """Return a batch."""
    moment = time.mktime((2026, 3, 4, 14, 2, 33, 0, 0, -1))
    totals = VaultTotals(3, 1, LinkCounts(), 2, len(new), 0)
    return Batch(
        number,
        int(moment) * 10**9 + 5_000_000,
        cause,
        tuple(new),
        tuple(healed),
        lambda: totals,
        open_vault(vault, PLAIN),
        fixed,
    )


def test_headline_has_time_cause_and_counts(vault: Path) -> None:
    saved = BatchCause(saved=("a.md",))
    assert format_headline(batch(vault, saved)) == "14:02:33 a.md saved"
    assert format_headline(batch(vault, saved, new=[FOUND])) == "14:02:33 a.md saved: 1 new"
    assert format_headline(batch(vault, saved, healed=[FOUND])) == "14:02:33 a.md saved: 1 resolved"
    assert (
        format_headline(batch(vault, saved, new=[FOUND] * 1_200, healed=[FOUND]))
        == "14:02:33 a.md saved: 1,200 new, 1 resolved"
    )
    assert format_headline(batch(vault, number=0)) == "14:02:33 as found"


def test_own_fixes_are_a_separate_cause(vault: Path) -> None:
    made: FindingWithFix = (finding(), Fix("Mend it", Safety.SAFE, ()))
    assert format_headline(batch(vault, fixed=AppliedFixes((made,), ("a.md",), (), "run"))) == (
        "14:02:33 fixed 1 finding in 1 note: dangling-link 1"
    )
    row = make_batch_row(
        batch(vault, fixed=AppliedFixes((made, made), ("a.md",), (), "run"), healed=[FOUND, FOUND])
    )
    assert row.fixed is not None
    assert (row.fixed.notes, row.fixed.findings, row.fixed.run, row.healed, row.saved) == (
        1,
        2,
        "run",
        2,
        (),
    )


def test_lines_of_a_batch_have_signs_and_no_control_characters(vault: Path) -> None:
    odd = ReportedFinding(finding("a\nb.md", message="“\x1b[2J” is odd."), "1")
    assert format_batch(
        batch(vault, BatchCause(saved=("a.md",)), new=[odd], healed=[FOUND])
    ).splitlines() == [
        "14:02:33 a.md saved: 1 new, 1 resolved",
        "+ a\\nb.md:1:1: VL101 dangling-link “\\u001b[2J” is odd.",
        "- a.md:1:1: VL101 dangling-link It is so.",
    ]
    coloured = format_batch(
        batch(vault, BatchCause(saved=("a.md",)), new=[odd], healed=[FOUND]), COLORED
    ).splitlines()
    assert [line.partition(" ")[0] for line in coloured[1:]] == [
        f"{COLORED.red}+{COLORED.reset}",
        f"{COLORED.green}-{COLORED.reset}",
    ]


@each(
    ("notes", "links", "topics", "findings", "last", "line"),
    [
        (1, 1, 1, 1, "", "1 note · 1 link · 1 unresolved · 1 finding"),
        (0, 0, 0, 0, "", "0 notes · 0 links · 0 unresolved · 0 findings"),
        (
            12_345,
            2,
            3,
            4,
            "14:02:33 a.md saved",
            "12,345 notes · 2 links · 3 unresolved · 4 findings · 14:02:33 a.md saved",
        ),
    ],
)
def test_status_line_shows_totals(
    notes: int, links: int, topics: int, findings: int, last: str, line: str
) -> None:
    assert (
        format_status(VaultTotals(notes, 0, LinkCounts(links=links), topics, findings, 0), last, 99)
        == line
    )


def test_batch_as_json_has_renames_and_the_initial_state(vault: Path) -> None:
    row = make_batch_row(batch(vault, BatchCause(moved=(("a.md", "b.md"),)), new=[FOUND]))
    assert (row.event, row.batch, row.cause, row.new, row.fixed) == (
        "batch",
        1,
        "a.md renamed to b.md",
        1,
        None,
    )
    assert [(item.old, item.new) for item in row.moved] == [("a.md", "b.md")]
    assert row.time.startswith("2026-03-04T14:02:33.005")
    assert make_batch_row(batch(vault, number=0)).event == "state"


# -- what is new and what is healed ---------------------------------------------------------------------------------


def side(found: Mapping[str, Sequence[str]]) -> dict[str, tuple[Diagnostic, ...]]:
    """Return findings about targets by path."""
    return {
        path: tuple(finding(path, target, line) for line, target in enumerate(targets, 1))
        for path, targets in found.items()
    }


def identify(found: Mapping[str, tuple[Diagnostic, ...]]) -> dict[str, MarkedFindings]:
    """Return findings by their identities."""
    return identify_findings(found, found, lambda _path: "")


@each(
    ("before", "after", "moved", "new", "healed"),
    [
        ({}, {}, {}, [], []),
        ({}, {"a": ["no"]}, {}, ["a no"], []),
        ({"a": ["no"]}, {}, {}, [], ["a no"]),
        ({"a": ["no"]}, {"a": ["no"]}, {}, [], []),
        ({"a": ["one", "two"]}, {"a": ["two", "one"]}, {}, [], []),
        ({"a": ["one", "two"]}, {"a": ["two", "three"]}, {}, ["a three"], ["a one"]),
        ({"a": ["no"]}, {"a": ["no", "no"]}, {}, ["a no"], []),
        ({"a": ["no", "no", "no"]}, {"a": ["no"]}, {}, [], ["a no", "a no"]),
        ({"a": ["no"]}, {"b": ["no"]}, {}, ["b no"], ["a no"]),
        ({"a": ["no"]}, {"b": ["no"]}, {"a": "b"}, [], []),
        ({"a": ["one", "two"]}, {"b": ["two", "three"]}, {"a": "b"}, ["b three"], ["a one"]),
        ({"a": ["no"]}, {}, {"a": "b"}, [], ["a no"]),
        ({}, {"b": ["no"]}, {"a": "b"}, ["b no"], []),
        ({"a": ["no"], "b": ["nor"]}, {"a": ["nor"], "b": ["no"]}, {"a": "b", "b": "a"}, [], []),
        ({"a": ["no"], "c": ["x"]}, {"b": ["no"], "c": ["x", "y"]}, {"a": "b"}, ["c y"], []),
    ],
)
def test_new_and_resolved_findings(
    before: dict[str, list[str]],
    after: dict[str, list[str]],
    moved: dict[str, str],
    new: list[str],
    healed: list[str],
) -> None:
    one, other = side(before), side(after)
    paths = list_differing_keys(one, other)
    differing = identify_findings(other, paths, lambda _path: "")
    came, went = compare_findings(identify(one), differing, paths, moved)
    assert [f"{item.path} {item.target}" for item, _ in came] == new
    assert [f"{item.path} {item.target}" for item, _ in went] == healed


def test_fingerprint_of_equal_findings_counts_them() -> None:
    twice, once = identify(side({"a": ["no", "no"]})), identify(side({"a": ["no"]}))
    came, _ = compare_findings({}, twice, ["a"], {})
    assert [mark for _, mark in came] == [
        fingerprint("a", ("VL101", "no", 0)),
        fingerprint("a", ("VL101", "no", 1)),
    ]
    _, went = compare_findings(twice, once, ["a"], {})
    assert [mark for _, mark in went] == [came[1].fingerprint]


def test_paths_with_the_same_findings_do_not_differ() -> None:
    one = side({"a": ["x"], "b": ["y"], "c": ["z"]})
    other = side({"a": ["x"], "b": ["other"], "d": ["z"]})
    assert sorted(list_differing_keys(one, other)) == ["b", "c", "d"]
    assert list_differing_keys(one, dict(one)) == []


# -- where files went -----------------------------------------------------------------------------------------------


def stamp(size: int, moment: int = 1) -> FileStamp:
    """Return the stamp of a file."""
    return FileStamp(size, moment, moment)


def note(path: str, text: str) -> Note:
    """Return a note."""
    return parse_note(path, text)


def test_renames_are_detected_in_either_order() -> None:
    for first in ("went", "came"):
        tracker = MoveTracker(History({}))
        steps = {
            "went": lambda moving=tracker: moving.record_removed(
                "a.md", stamp(9), note("a.md", "# A\n\n[[b]]\n")
            ),
            "came": lambda moving=tracker: moving.record_added(
                "x/q.md", stamp(9), note("x/q.md", "# A\n\n[[b]]\n")
            ),
        }
        steps.pop(first)()
        assert tracker.match_new_moves(PieceIndex({})) == {}
        steps.popitem()[1]()
        assert tracker.match_new_moves(PieceIndex({})) == {"a.md": "x/q.md"}
        assert tracker.match_new_moves(PieceIndex({})) == {}
        assert tracker.current_history({"x/q.md"}).moves == {"a.md": "x/q.md"}
        assert tracker.current_history({"x/q.md", "a.md"}).moves == {}
        assert tracker.current_history(set()).moves == {}


def test_restored_file_is_not_a_rename() -> None:
    tracker = MoveTracker(History({}))
    tracker.record_removed("a.md", stamp(9), note("a.md", "# A\n"))
    tracker.record_added("a.md", stamp(9), note("a.md", "# A\n"))
    tracker.record_added("b.md", stamp(9), note("b.md", "# A\n"))
    assert tracker.match_new_moves(PieceIndex({})) == {}


def test_rename_of_an_edited_file_is_detected() -> None:
    tracker = MoveTracker(History({}))
    tracker.record_added("q.md", stamp(0), note("q.md", ""))
    tracker.record_modified("q.md", stamp(5, 2), note("q.md", "# A\n"))
    tracker.record_modified("known.md", stamp(5, 2), note("known.md", "# A\n"))
    tracker.record_removed("a.md", stamp(5, 1), note("a.md", "# A\n"))
    assert tracker.match_new_moves(PieceIndex({})) == {"a.md": "q.md"}


def test_moves_are_followed_over_several_steps_and_learned_from_others() -> None:
    tracker = MoveTracker(History({"old.md": "a.md"}))
    tracker.record_removed("a.md", stamp(9), note("a.md", "# A\n"))
    tracker.record_added("b.md", stamp(9), note("b.md", "# A\n"))
    other = tracker.copy()
    assert other.match_new_moves(PieceIndex({})) == {"a.md": "b.md"}
    assert other.current_history({"b.md"}).moves == {"old.md": "b.md", "a.md": "b.md"}
    assert tracker.current_history({"a.md"}).moves == {"old.md": "a.md"}  # a copy goes its own way
    tracker.learn_history(History({"x.md": "y.md"}, frozenset({"gone.md"})))
    assert tracker.current_history({"a.md", "y.md"}).deleted == {"gone.md"}
    assert tracker.current_history({"a.md", "gone.md"}).deleted == set()
    assert other.current_history({"b.md"}).deleted == set()
    assert tracker.current_history({"a.md", "y.md"}).moves == {"old.md": "a.md", "x.md": "y.md"}


# -- looking --------------------------------------------------------------------------------------------------------


def settled(root: Path) -> VaultScan:
    """Return the scan of a vault whose files are old enough to be reliable."""
    time.sleep(0.06)
    return scan_vault(root, PLAIN)


def no_one_came(_folders: Mapping[str, str]) -> bool:
    """Accept new folders to watch, and do nothing."""
    return False


EVERYTHING = ChangeHints(full_rescan=True)


@each("everything", [False, True])
def test_rescan_detects_created_deleted_and_saved_files(vault: Path, everything: bool) -> None:
    scan = settled(vault)
    write_files(
        vault, {"a.md": "another text\n", "new.md": "", "q.png": "", "log.txt": "one\ntwo\n"}
    )
    (vault / "b.md").unlink()
    paths = frozenset(
        {"a.md", "new.md", "q.png", "log.txt", "b.md", "never.md", ".hidden.md", "x.md~"}
    )
    found = rescan(scan, EVERYTHING if everything else ChangeHints(paths), no_one_came)
    assert (found.added, found.removed, found.modified, found.maybe_modified) == (
        ("new.md", "q.png"),
        ("b.md",),
        ("a.md",),
        (),
    )
    assert found.has_added_or_removed
    assert set(found.scan.listing.files) == {"a.md", "new.md", "q.png", "log.txt", "x/p.png"}


def test_rescan_is_limited_to_events(vault: Path) -> None:
    scan = settled(vault)
    write_files(vault, {"a.md": "another text\n", "b.md": "and here\n"})
    found = rescan(scan, ChangeHints(frozenset({"a.md"})), no_one_came)
    assert (found.paths, found.has_added_or_removed) == (("a.md",), False)


def test_change_with_equal_size_and_time_is_uncertain(vault: Path) -> None:
    scan = settled(vault)
    status = (vault / "a.md").stat()
    (vault / "a.md").write_text("[[c]] and [[no]]\n")
    os.utime(vault / "a.md", ns=(status.st_atime_ns, status.st_mtime_ns))
    assert rescan(scan, EVERYTHING, no_one_came)[1:] == ((), (), (), ("a.md",))


def test_recent_change_is_checked_once_more(vault: Path) -> None:
    (vault / "a.md").write_text("just now\n")
    scan = scan_vault(vault, PLAIN)
    scan = replace(scan, started=max(item.changed for item in scan.listing.files.values()) + 1)
    assert "a.md" in rescan(scan, EVERYTHING, no_one_came).maybe_modified
    assert rescan(settled(vault), EVERYTHING, no_one_came).maybe_modified == ()


def test_new_folders_are_watched_before_they_are_listed(vault: Path) -> None:
    scan, told = settled(vault), list[list[str]]()

    def follow(folders: Mapping[str, str]) -> bool:
        told.append(sorted(folders))
        if len(told) == 1:
            write_files(vault, {"late/l.md": ""})
        return len(told) < 3

    assert rescan(scan, EVERYTHING, follow).added == ("late/l.md",)
    assert told == [["", "x"], ["", "late", "x"], ["", "late", "x"]]


def test_prepared_update_is_valid_until_another_one_is_made(vault: Path) -> None:
    session = Session(Stepper(open_vault(vault, PLAIN)))
    (vault / "a.md").write_text("[[b]]\n")
    found = rescan(session.scan, EVERYTHING, no_one_came)
    first, second = session.prepare(found), session.prepare(found)
    assert session.is_still_valid(first, found)
    assert session.is_still_valid(second, found)
    session.commit(first)
    assert not session.is_still_valid(second, found)


def test_repeated_rescan_is_equal_without_changes(vault: Path) -> None:
    scan = settled(vault)
    (vault / "a.md").write_text("another text\n")
    first = rescan(scan, EVERYTHING, no_one_came)
    assert first.is_same(rescan(scan, ChangeHints(frozenset({"a.md"})), no_one_came))
    (vault / "a.md").write_text("and again another\n")
    assert not first.is_same(rescan(scan, EVERYTHING, no_one_came))
    assert not first.is_same(Rescan(first.scan))


def test_missing_or_replaced_vault_is_reported(vault: Path, tmp_path: Path) -> None:
    home = folder_identity(vault)
    assert home is not None
    vault.rename(tmp_path / "elsewhere")
    assert folder_identity(vault) is None
    create_vault(vault, {"p.png": ""})
    assert folder_identity(vault) not in (None, home)
    assert has_no_notes(scan_vault(vault, PLAIN))
    assert not has_no_notes(scan_vault(tmp_path / "elsewhere", PLAIN))


# -- names that pass ------------------------------------------------------------------------------------------------


@each(
    "name",
    [
        "~syncthing~a.md.tmp",
        "~$report.docx",
        "#a.md#",
        "a.md~",
        "a~",
        "a.png~",
        "a.md.sb-8c3a51f2-Xy3kQ9",
        "~$",
        "##",
    ],
)
def test_temporary_names_are_ignored(name: str) -> None:
    assert is_temporary_name(name)


@each(
    "name",
    [
        "a.md",
        "a~.md",
        "#a#.md",
        "~$a.md",
        "~a.png",
        "#a.png",
        "a#",
        "a.tmp",
        "~syncthing~a.md",
        "a.sb-1.md",
        "a.sb-8c3a51f2-Xy3kQ.png",
        "a.sb-XYZ.png",
        "a.SB-8c3a51f2-Xy3kQ9",
        "A.MD",
        "#a#.MD",
        "~syncthing~a.MD",
        "x~y",
        "#",
    ],
)
def test_similar_names_are_not_ignored(name: str) -> None:
    assert not is_temporary_name(name)


# -- git ------------------------------------------------------------------------------------------------------------


def ignored(scan: VaultScan) -> list[str]:
    """Return the files that git ignores."""
    return sorted(
        path for path in scan.listing.files if scan.is_git_ignored and scan.is_git_ignored(path)
    )


def test_new_files_ignored_by_git_are_ignored(vault: Path) -> None:
    git(vault, "init")
    write_files(
        vault, {".gitignore": "out*\n!out-kept.md\n", "x/.gitignore": "here.md\n", "out1.md": ""}
    )
    before = settled(vault)
    assert ignored(before) == ["out1.md"]
    came = ["out2.md", "out-kept.md", "x/here.md", "here.md", "x/out3.md", "new.md"]
    write_files(vault, dict.fromkeys(came, ""))
    scan = rescan(before, EVERYTHING, no_one_came).scan
    after = update_ignored(scan, came)
    assert (
        ignored(after)
        == ["out1.md", "out2.md", "x/here.md", "x/out3.md"]
        == ignored(scan_vault(vault, PLAIN))
    )
    (vault / "out2.md").unlink()
    write_files(vault, {"out4.md": ""})
    last = update_ignored(rescan(after, EVERYTHING, no_one_came).scan, ["out4.md"])
    assert ignored(last) == ["out1.md", "out4.md", "x/here.md", "x/out3.md"]


def test_scan_is_unchanged_without_newly_ignored_files(vault: Path) -> None:
    git(vault, "init")
    write_files(vault, {".gitignore": "out*\n", "out1.md": ""})
    scan = settled(vault)
    assert update_ignored(scan, ["a.md", "never.md"]) is scan
    assert update_ignored(scan, ["out1.md"]) is scan
    assert update_ignored(scan_vault(vault.parent, PLAIN), ["vault/out2.md"]).is_git_ignored is None
    assert update_ignored(scan, []) is scan


# -- neighbours -----------------------------------------------------------------------------------------------------


def test_oldest_peer_fixes(vault: Path) -> None:
    teller, first, second = (Peers(vault, fixing=fixing) for fixing in (False, True, True))
    try:
        assert [one.is_fixer() for one in (teller, first, second)] == [False, True, False]
        assert [(other.pid, other.fixing) for other in first.list_peers()] == [
            (os.getpid(), False),
            (os.getpid(), True),
        ]
        assert first.describe_changes() == [
            f"Another vaultlink watch (process {os.getpid()}) watches this vault.",
            f"Another vaultlink watch (process {os.getpid()}) watches this vault. It only reports; "
            "it applies fixes after this one has ended.",
        ]
        assert teller.describe_changes() == [
            f"Another vaultlink watch (process {os.getpid()}) watches this vault and applies fixes.",
            f"Another vaultlink watch (process {os.getpid()}) watches this vault. It only reports; "
            "it applies fixes after that one has ended.",
        ]
        assert second.describe_changes() == [
            f"Another vaultlink watch (process {os.getpid()}) watches this vault.",
            f"Another vaultlink watch (process {os.getpid()}) watches this vault and applies fixes. "
            "This watcher only reports; it applies fixes after that one has ended.",
        ]
        assert second.describe_changes() == []
        first.close()
        assert second.describe_changes() == [
            f"The vaultlink watch of process {os.getpid()} has ended."
        ]
        assert second.is_fixer()
    finally:
        for one in (teller, second):
            one.close()
    assert list((make_journal_folder(vault) / "watchers").iterdir()) == []


def test_no_notice_without_peers(vault: Path) -> None:
    alone = Peers(vault, fixing=True)
    assert (alone.is_fixer(), alone.list_peers(), alone.describe_changes()) == (True, [], [])
    alone.close()
    alone.close()


def test_files_of_ended_peers_are_removed_and_others_kept(vault: Path) -> None:
    folder = make_journal_folder(vault) / "watchers"
    folder.mkdir()
    for name in (
        "00000000000000000001-4.fixing",
        "00000000000000000002-5.telling",
        "notes.txt",
        ".00000000000000000003-6.fixing",
    ):
        (folder / name).write_text("")
    alone = Peers(vault, fixing=True)
    assert (alone.is_fixer(), alone.describe_changes()) == (True, [])
    alone.close()
    assert sorted(file.name for file in folder.iterdir()) == [
        ".00000000000000000003-6.fixing",
        "notes.txt",
    ]


def test_killed_watcher_releases_its_lock(vault: Path) -> None:
    folder = make_journal_folder(vault) / "watchers"
    folder.mkdir()
    held = folder / "00000000000000000001-4.fixing"
    handle = os.open(held, os.O_RDWR | os.O_CREAT)
    assert try_lock(handle)
    second = Peers(vault, fixing=True)
    assert (second.is_fixer(), len(second.describe_changes())) == (False, 1)
    os.close(handle)  # as the system does
    assert second.describe_changes() == ["The vaultlink watch of process 4 has ended."]
    assert (second.is_fixer(), held.exists()) == (True, False)
    second.close()


# -- listening ------------------------------------------------------------------------------------------------------


class Ear:
    """A backend without events; tests set whether it is alive and has watches left."""

    def __init__(self, events: EventQueue, *, detects_overflow: bool = True):
        self.inbox, self.detects_overflow = events, detects_overflow
        self.followed: list[list[str]] = []
        self.living, self.closed, self.left = True, False, 100

    def watch_folders(self, folders: Mapping[str, str], /) -> bool:
        """Watch folders, if there are watches left."""
        if len(folders) > self.left:
            raise WatchUnavailable("No watch is left.")
        self.followed.append(sorted(folders))
        return False

    def is_alive(self) -> bool:
        """Return True while it is alive."""
        return self.living

    def close(self) -> None:
        """Close it."""
        self.closed = True


class Ears(list[Ear]):
    """A factory of `Ear`s that records them."""

    def __call__(self, events: EventQueue) -> Ear:
        self.append(Ear(events))
        return self[-1]


def no_means(_inbox: EventQueue) -> Ear:
    """Raise the error of a backend without watches."""
    raise WatchUnavailable("No ear is left.")


FOLDERS = {"": "/v", "x": "/v/x"}


def test_no_polling_if_events_are_available() -> None:
    events, ears = EventQueue(), Ears()
    event_source = EventFeed(events, None, 60.0, ears)
    event_source.start(FOLDERS, 100.0)
    assert (events.take().full_rescan, ears[0].followed) == (True, [["", "x"]])
    assert event_source.seconds_until_rescan(100.0) == float("inf")
    event_source.check(FOLDERS, 10_000.0)
    assert not events
    event_source.stop()
    assert ears[0].closed


def test_polling_if_events_are_unreliable() -> None:
    events = EventQueue()
    event_source = EventFeed(events, None, 60.0, lambda events: Ear(events, detects_overflow=False))
    event_source.start(FOLDERS, 100.0)
    events.take()
    assert [event_source.seconds_until_rescan(now) for now in (100.0, 150.0, 170.0)] == [
        60.0,
        10.0,
        -10.0,
    ]
    event_source.check(FOLDERS, 150.0)
    assert not events
    event_source.check(FOLDERS, 160.0)
    assert (events.take().full_rescan, event_source.seconds_until_rescan(160.0)) == (True, 60.0)


def test_polling_starts_no_backend() -> None:
    events = EventQueue()
    event_source = EventFeed(events, 5.0, 60.0, no_means)
    event_source.start(FOLDERS, 100.0)
    assert (
        events.take().full_rescan,
        event_source.seconds_until_rescan(101.0),
        event_source.warning,
    ) == (
        True,
        4.0,
        "",
    )
    assert event_source.watch_folders(FOLDERS) is False
    event_source.check(FOLDERS, 105.0)
    assert events.take().full_rescan


def test_polling_does_not_delay_a_batch() -> None:
    events = EventQueue()
    event_source = EventFeed(events, 0.05, 60.0, no_means)
    event_source.start({}, 0.0)
    events.take()
    event_source.check({}, 0.1)
    assert events.event_count == 2
    event_source.check({}, 0.2)
    assert events.event_count == 2, "what waits is not hinted at again"
    events.take()
    event_source.check({}, 0.3)
    assert events.event_count == 3


def test_polling_and_a_notice_without_a_backend() -> None:
    events = EventQueue()
    event_source = EventFeed(events, None, 60.0, no_means)
    event_source.start(FOLDERS, 100.0)
    assert (
        event_source.warning
        == "No ear is left. Until then the vault is scanned every 2 seconds, as with `--poll 2`."
    )
    assert (events.take().full_rescan, event_source.seconds_until_rescan(100.5)) == (True, 1.5)


def test_exhausted_watches_switch_to_polling() -> None:
    events, ears = EventQueue(), Ears()
    event_source = EventFeed(events, None, 60.0, ears)
    event_source.start(FOLDERS, 100.0)
    ears[0].left = 2
    assert event_source.watch_folders({**FOLDERS, "y": "/v/y"}) is False
    assert (ears[0].closed, event_source.warning.startswith("No watch is left.")) == (True, True)
    assert event_source.seconds_until_rescan(100.0) <= 2.0
    event_source.start(FOLDERS, 200.0)  # begun anew, it is tried again
    assert (len(ears), event_source.seconds_until_rescan(200.0)) == (2, float("inf"))


def test_failed_backend_is_replaced_and_causes_a_full_rescan() -> None:
    events, ears = EventQueue(), Ears()
    event_source = EventFeed(events, None, 60.0, ears)
    event_source.start(FOLDERS, 100.0)
    events.take()
    ears[0].living = False
    event_source.check(FOLDERS, 101.0)
    assert (ears[0].closed, len(ears), ears[1].followed, events.take().full_rescan) == (
        True,
        2,
        [["", "x"]],
        True,
    )


@pytest.mark.skipif(sys.platform != "linux", reason="what Linux alone has")
@each(("folder", "is_told"), [("{vault}", True), ("/proc/self/net", False)])
def test_disks_that_tell_of_each_change(vault: Path, folder: str, is_told: bool) -> None:
    """Others are listed now and then, such as network drives; here one that is no disk."""
    from vaultlink.watch.backend_inotify import InotifyBackend  # noqa: PLC0415 - only where there is inotify

    backend = InotifyBackend(EventQueue())
    backend.watch_folders({"": folder.format(vault=vault)})
    assert backend.detects_overflow == is_told
    backend.close()


@pytest.mark.skipif(sys.platform != "linux", reason="what Linux alone has")
def test_inotify_backend_reports_changes_in_all_folders(vault: Path) -> None:
    from vaultlink.watch.backend_inotify import InotifyBackend  # noqa: PLC0415 - only where there is inotify

    events = EventQueue()
    ear = InotifyBackend(events)
    try:
        assert ear.watch_folders(scan_vault(vault, PLAIN).listing.folders) is True
        assert ear.watch_folders(scan_vault(vault, PLAIN).listing.folders) is False
        heard = set[str]()
        write_files(
            vault,
            {
                "x/deep.md": "",
                ".hidden.md": "",
                ".gitignore": "",
                "x/.gitignore": "",
                "a.md": "more\n",
            },
        )
        end = time.monotonic() + 30
        while time.monotonic() < end and not heard >= {
            "x/deep.md",
            ".gitignore",
            "x/.gitignore",
            "a.md",
        }:
            events.wait(0.2)
            heard |= events.take().paths
        assert heard == {"x/deep.md", ".gitignore", "x/.gitignore", "a.md"}
        (vault / "new").mkdir()
        while time.monotonic() < end and not events.peek().full_rescan:
            time.sleep(0.01)
        assert events.take().full_rescan
        assert ear.is_alive()
    finally:
        ear.close()


# -- what is known only to the watcher ------------------------------------------------------------------------------


def test_copied_and_deleted_note_has_one_finding(
    tmp_path: Path,
) -> None:
    vault = create_vault(tmp_path / "vault", {"a.md": "[[no]] and some words\n", "b.md": "# B\n"})
    with run_watcher(vault, WatchSettings(verify=True)) as watched:
        (vault / "z.md").write_text((vault / "a.md").read_text())
        watched.settle()
        (vault / "a.md").unlink()
        watched.settle()
    assert watched.list_changes() == ["+ planned-note z.md", "- planned-note a.md"]


def test_renames_survive_new_settings(tmp_path: Path) -> None:
    vault = create_vault(tmp_path / "vault", {"a.md": "[[b]]\n", "b.md": "# B\n\nwords\n"})
    with run_watcher(vault) as watched:
        (vault / "b.md").rename(vault / "q.md")
        watched.settle()
        (vault / "vaultlink.toml").write_text('extend-select = ["dead-end"]\n')
        watched.wait_for(lambda watched: any(batch.cause.description for batch in watched.batches))
        watched.settle()
    assert not any("dangling-link" in line for line in watched.list_changes()), (
        watched.list_changes()
    )


def test_renames_survive_a_missing_vault(tmp_path: Path) -> None:
    vault = create_vault(tmp_path / "vault", {"a.md": "[[b]]\n", "b.md": "# B\n\nwords\n"})
    with run_watcher(vault) as watched:
        (vault / "b.md").rename(vault / "q.md")
        watched.settle()
        vault.rename(tmp_path / "elsewhere")
        watched.wait_for(
            lambda watched: any("does not exist" in notice for notice in watched.notices)
        )
        (tmp_path / "elsewhere").rename(vault)
        watched.wait_for(lambda watched: any("is back" in notice for notice in watched.notices))
        watched.settle()
    assert watched.list_changes() == ["+ moved-link a.md"]


@pytest.mark.parametrize("poll", spread((None, 0.2)))
@pytest.mark.parametrize(
    "place", ["vault/.gitignore", "vault/x/.gitignore", ".git/info/exclude", ".gitignore"]
)
def test_all_gitignore_files_take_effect(tmp_path: Path, place: str, poll: float | None) -> None:
    vault = create_vault(tmp_path / "vault", {"a.md": "", "x/c.md": "[[no]]\n"})
    git(tmp_path, "init")
    with run_watcher(vault, WatchSettings(poll_seconds=poll, verify=True)) as watched:
        (tmp_path / place).write_text("c.md\n")
        watched.wait_for(lambda watched: watched.list_changes() == ["- planned-note x/c.md"])
        (tmp_path / place).unlink()
        watched.wait_for(lambda watched: watched.list_changes()[1:] == ["+ planned-note x/c.md"])


def test_tracked_note_is_not_ignored(tmp_path: Path) -> None:
    vault = create_vault(tmp_path / "vault", {"a.md": "", ".gitignore": "out*\n"})
    git(vault, "init")
    with run_watcher(vault, WatchSettings(verify=True)) as watched:
        (vault / "out.md").write_text("[[no]]\n")
        watched.settle()
        assert watched.list_changes() == []
        git(vault, "add", "--force", "out.md")
        watched.wait_for(lambda watched: watched.list_changes() == ["+ planned-note out.md"])


def test_watch_takes_a_path_as_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_files(tmp_path / "v", {"Home.md": "[[Home]]\n"})
    monkeypatch.chdir(tmp_path)
    assert Watch("v", Settings(cache=False)).root == tmp_path / "v"
