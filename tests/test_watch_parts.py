"""The parts of a watcher, each by itself: when it is time, what word came, what is otherwise, and how it is put into words."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Thread

import pytest

from running import vault_at, written
from vaultlink.api import open_vault
from vaultlink.files import Stamp, passing
from vaultlink.fingerprints import fingerprint
from vaultlink.fixing.choice import Repaired
from vaultlink.locking import locked, made_folder
from vaultlink.model import Diagnostic, Fix, Note, Safety, Severity, Tally
from vaultlink.parse import parse_note
from vaultlink.report.layout import COLOURED
from vaultlink.survey import Settings, Survey, survey
from vaultlink.watching.batch import Batch, Cause, Fixed, Reported, Totals
from vaultlink.watching.difference import Known, delta, differing, identified
from vaultlink.watching.ignored import with_ignored
from vaultlink.watching.inbox import Hints, Inbox, NoWatch
from vaultlink.watching.listening import Listening
from vaultlink.watching.looking import Look, empty, look, whereabouts
from vaultlink.watching.moving import Moving
from vaultlink.watching.neighbours import Neighbours
from vaultlink.watching.pauses import Pauses
from vaultlink.watching.telling import batch_lines, batch_row, cause_words, headline, status
from vaultlink.watching.watch import Wishes
from watched import watching

PLAIN = Settings(cache=False)
SMALL = {
    "a.md": "[[b]] and [[no]]\n",
    "b.md": "# B\n\nwhat is in it\n",
    "x/p.png": "",
    "log.txt": "one\n",
}


@pytest.fixture
def vault(tmp_path: Path) -> Path:
    """A small vault."""
    return vault_at(tmp_path / "vault", SMALL)


def git(folder: Path, *words: str) -> None:
    """Run git."""
    subprocess.run(
        ["git", "-c", "user.name=n", "-c", "user.email=e", "-C", folder, *words],
        check=True,
        capture_output=True,
    )


# -- pauses ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "last", "now", "left"),
    [
        (10.0, 10.0, 10.0, 1.0),
        (10.0, 10.0, 10.5, 0.5),
        (10.0, 10.0, 11.0, 0.0),
        (10.0, 10.0, 12.0, -1.0),
        (10.0, 13.0, 13.0, 1.0),
        (10.0, 13.5, 13.5, 0.5),
        (10.0, 20.0, 20.0, -6.0),
    ],
)
def test_a_batch_comes_after_quiet_or_after_the_longest_wait(
    first: float, last: float, now: float, left: float
) -> None:
    assert Pauses(quiet=1.0, longest=4.0).until_batch(first, last, now) == left


@pytest.mark.parametrize(
    ("first", "last", "now", "left"),
    [
        (10.0, 10.0, 10.0, 3.0),
        (10.0, 10.0, 14.0, -1.0),
        (10.0, 15.0, 15.0, 3.0),
        (10.0, 38.0, 38.0, 2.0),
        (10.0, 50.0, 50.0, -10.0),
    ],
)
def test_a_repair_comes_after_a_calm_or_when_patience_is_over(
    first: float, last: float, now: float, left: float
) -> None:
    assert Pauses(calm=3.0, patience=30.0).until_repair(first, last, now) == left


def test_the_pauses_are_those_that_the_manual_names() -> None:
    pauses = Pauses()
    assert (pauses.quiet, pauses.longest, pauses.calm, pauses.patience) == (0.1, 1.5, 3.0, 30.0)
    assert pauses.early < pauses.quiet < pauses.longest < pauses.calm


# -- the inbox ------------------------------------------------------------------------------------------------------


def test_hints_are_kept_until_they_are_taken() -> None:
    inbox = Inbox()
    assert (bool(inbox), bool(inbox.take()), inbox.count) == (False, False, 0)
    for path in ("a.md", "b.md", "a.md"):
        inbox.hint(path)
    assert inbox.peek() == inbox.peek() == Hints(frozenset({"a.md", "b.md"}), False, 3)
    assert inbox.take() == Hints(frozenset({"a.md", "b.md"}), False, 3)
    assert (bool(inbox), inbox.take()) == (False, Hints(count=3))


def test_everything_swallows_every_path() -> None:
    inbox = Inbox()
    inbox.hint("a.md")
    inbox.hint_everything()
    inbox.hint("b.md")
    assert inbox.take() == Hints(frozenset(), True, 3)
    inbox.hint("c.md")
    assert inbox.take() == Hints(frozenset({"c.md"}), False, 4)


@pytest.mark.parametrize(("count", "everything"), [(2_000, False), (2_001, True), (5_000, True)])
def test_many_paths_are_not_told_apart(count: int, everything: bool) -> None:
    inbox = Inbox()
    for number in range(count):
        inbox.hint(f"{number}.md")
    hints = inbox.take()
    assert (hints.everything, len(hints.paths), hints.count) == (
        everything,
        0 if everything else count,
        count,
    )


def test_the_first_and_the_last_hint_have_their_times() -> None:
    inbox = Inbox()
    inbox.hint("a.md")
    first = inbox.first
    assert (inbox.last, first > 0) == (first, True)
    inbox.hint("b.md")
    assert (inbox.first, inbox.last >= first) == (first, True)
    inbox.take()
    inbox.hint("c.md")
    assert inbox.first == inbox.last >= first


def test_no_hint_of_many_threads_is_lost() -> None:
    inbox, taken = Inbox(), set[str]()

    def hint(here: int) -> None:
        for number in range(400):
            inbox.hint(f"{here}/{number}")

    threads = [Thread(target=hint, args=(here,)) for here in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        taken |= inbox.take().paths
    taken |= inbox.take().paths
    assert (taken, inbox.count) == (
        {f"{here}/{number}" for here in range(4) for number in range(400)},
        1_600,
    )


@pytest.mark.parametrize("word", ["hint", "everything", "stop"])
def test_who_waits_is_woken(word: str) -> None:
    inbox = Inbox()
    calls = {
        "hint": lambda: inbox.hint("a.md"),
        "everything": inbox.hint_everything,
        "stop": inbox.stop,
    }
    waiting = Thread(target=inbox.wait, args=(600.0,), daemon=True)
    waiting.start()
    assert waiting.is_alive()
    calls[word]()
    waiting.join(30)
    assert not waiting.is_alive()
    assert (inbox.stopped, bool(inbox)) == (word == "stop", word != "stop")


def test_a_wait_ends_with_its_time() -> None:
    Inbox().wait(0.01)
    Inbox().wait(-1.0)


# -- words ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        (Cause(), "nothing"),
        (Cause(words="new settings"), "new settings"),
        (Cause(saved=("a.md",)), "a.md saved"),
        (Cause(created=("x/a.md",)), "x/a.md created"),
        (Cause(deleted=("p.png",)), "p.png deleted"),
        (Cause(saved=("a.md", "b.md")), "2 notes saved"),
        (Cause(created=("a.md", "p.png")), "2 files created"),
        (Cause(deleted=tuple(f"{number}.md" for number in range(1_200))), "1,200 notes deleted"),
        (Cause(saved=("a.md",), created=("b.md",)), "1 note saved, 1 note created"),
        (
            Cause(saved=("a.md",), created=("p.png",), deleted=("c.md", "d.md")),
            "1 note saved, 1 file created, 2 notes deleted",
        ),
        (Cause(moved=(("a.md", "b.md"),)), "a.md renamed to b.md"),
        (Cause(moved=(("x/a.md", "x/b.md"),)), "x/a.md renamed to b.md"),
        (Cause(moved=(("a.md", "x/a.md"),)), "a.md moved to x/a.md"),
        (Cause(moved=(("x/a.md", "y/b.md"),)), "x/a.md moved to y/b.md"),
        (Cause(moved=(("a.md", "b.md"), ("c.md", "d.md"))), "2 notes moved"),
        (Cause(moved=(("p.png", "q.png"), ("c.md", "d.md"))), "2 files moved"),
        (Cause(saved=("c.md",), moved=(("a.md", "b.md"),)), "1 note saved, 1 note moved"),
        (Cause(saved=("a\nb.md",)), "a\\nb.md saved"),
        (Cause(moved=(("a.md", "\x1b[2J.md"),)), "a.md renamed to \\u001b[2J.md"),
        (Cause(moved=(("a\t.md", "x/b\r.md"),)), "a\\t.md moved to x/b\\r.md"),
    ],
)
def test_a_cause_in_words(cause: Cause, words: str) -> None:
    assert cause_words(cause) == words


def finding(
    path: str = "a.md", target: str | None = "no", line: int = 1, message: str = "It is so."
) -> Diagnostic:
    """A finding."""
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


FOUND = Reported(finding(), "0123456789abcdef")


def batch(
    vault: Path,
    cause: Cause = Cause(),  # noqa: B008 - frozen
    number: int = 1,
    new: Sequence[Reported] = (),
    healed: Sequence[Reported] = (),
    fixed: Fixed | None = None,
) -> Batch:
    """A batch."""
    moment = time.mktime((2026, 3, 4, 14, 2, 33, 0, 0, -1))
    totals = Totals(3, 1, Tally(), 2, len(new))
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


def test_a_headline_says_when_why_and_what_came_of_it(vault: Path) -> None:
    saved = Cause(saved=("a.md",))
    assert headline(batch(vault, saved)) == "14:02:33 a.md saved"
    assert headline(batch(vault, saved, new=[FOUND])) == "14:02:33 a.md saved: 1 new"
    assert headline(batch(vault, saved, healed=[FOUND])) == "14:02:33 a.md saved: 1 healed"
    assert (
        headline(batch(vault, saved, new=[FOUND] * 1_200, healed=[FOUND]))
        == "14:02:33 a.md saved: 1,200 new, 1 healed"
    )
    assert headline(batch(vault, number=0)) == "14:02:33 as found"


def test_what_the_watcher_mended_is_its_own_cause(vault: Path) -> None:
    made: Repaired = (finding(), Fix("Mend it", Safety.SAFE, ()))
    assert headline(batch(vault, fixed=Fixed((made,), ("a.md",), (), "run"))) == (
        "14:02:33 fixed 1 finding in 1 note: dangling-link 1"
    )
    row = batch_row(
        batch(vault, fixed=Fixed((made, made), ("a.md",), (), "run"), healed=[FOUND, FOUND])
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
    odd = Reported(finding("a\nb.md", message="“\x1b[2J” is odd."), "1")
    assert batch_lines(
        batch(vault, Cause(saved=("a.md",)), new=[odd], healed=[FOUND])
    ).splitlines() == [
        "14:02:33 a.md saved: 1 new, 1 healed",
        "+ a\\nb.md:1:1: VL101 dangling-link “\\u001b[2J” is odd.",
        "- a.md:1:1: VL101 dangling-link It is so.",
    ]
    coloured = batch_lines(
        batch(vault, Cause(saved=("a.md",)), new=[odd], healed=[FOUND]), COLOURED
    ).splitlines()
    assert [line.partition(" ")[0] for line in coloured[1:]] == [
        f"{COLOURED.red}+{COLOURED.off}",
        f"{COLOURED.green}-{COLOURED.off}",
    ]


@pytest.mark.parametrize(
    ("notes", "links", "topics", "findings", "last", "line"),
    [
        (1, 1, 1, 1, "", "1 note · 1 link · 1 dangling topic · 1 finding"),
        (0, 0, 0, 0, "", "0 notes · 0 links · 0 dangling topics · 0 findings"),
        (
            12_345,
            2,
            3,
            4,
            "14:02:33 a.md saved",
            "12,345 notes · 2 links · 3 dangling topics · 4 findings · 14:02:33 a.md saved",
        ),
    ],
)
def test_the_status_shows_the_vault_in_figures(
    notes: int, links: int, topics: int, findings: int, last: str, line: str
) -> None:
    assert status(Totals(notes, 0, Tally(links=links), topics, findings), last) == line


def test_a_batch_as_data_names_its_moves_and_tells_the_state_apart(vault: Path) -> None:
    row = batch_row(batch(vault, Cause(moved=(("a.md", "b.md"),)), new=[FOUND]))
    assert (row.event, row.batch, row.cause, row.new, row.fixed) == (
        "batch",
        1,
        "a.md renamed to b.md",
        1,
        None,
    )
    assert [(item.old, item.new) for item in row.moved] == [("a.md", "b.md")]
    assert row.time.startswith("2026-03-04T14:02:33.005")
    assert batch_row(batch(vault, number=0)).event == "state"


# -- what is new and what is healed ---------------------------------------------------------------------------------


Side = tuple[dict[str, tuple[Diagnostic, ...]], Known]


def side(found: Mapping[str, Sequence[str]]) -> Side:
    """Findings about targets, by path, and what tells them apart."""
    placed = {
        path: tuple(finding(path, target, line) for line, target in enumerate(targets, 1))
        for path, targets in found.items()
    }
    return placed, identified(placed, placed, lambda _path: "")


@pytest.mark.parametrize(
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
def test_what_is_new_and_what_is_healed(
    before: dict[str, list[str]],
    after: dict[str, list[str]],
    moved: dict[str, str],
    new: list[str],
    healed: list[str],
) -> None:
    one, other = side(before), side(after)
    paths = differing(one[0], other[0])
    came, went = delta(one, (other[0], identified(other[0], paths, lambda _path: "")), paths, moved)
    assert [f"{item.path} {item.target}" for item, _ in came] == new
    assert [f"{item.path} {item.target}" for item, _ in went] == healed


def test_the_fingerprint_of_equal_findings_counts_them() -> None:
    came, _ = delta(side({}), side({"a": ["no", "no"]}), ["a"], {})
    assert [mark for _, mark in came] == [
        fingerprint("a", ("VL101", "no", 0)),
        fingerprint("a", ("VL101", "no", 1)),
    ]
    _, went = delta(side({"a": ["no", "no"]}), side({"a": ["no"]}), ["a"], {})
    assert [mark for _, mark in went] == [came[1].fingerprint]


def test_paths_with_the_same_findings_do_not_differ() -> None:
    one, other = (
        side({"a": ["x"], "b": ["y"], "c": ["z"]})[0],
        side({"a": ["x"], "b": ["other"], "d": ["z"]})[0],
    )
    assert sorted(differing(one, other)) == ["b", "c", "d"]
    assert differing(one, dict(one)) == []


# -- where files went -----------------------------------------------------------------------------------------------


def stamp(size: int, moment: int = 1) -> Stamp:
    """What tells a state of a file."""
    return Stamp(size, moment, moment)


def note(path: str, text: str) -> Note:
    """A note."""
    return parse_note(path, text)


def test_what_went_and_what_came_are_put_together_in_either_order() -> None:
    for first in ("went", "came"):
        moving = Moving({})
        steps = {
            "went": lambda moving=moving: moving.went(
                "a.md", stamp(9), note("a.md", "# A\n\n[[b]]\n")
            ),
            "came": lambda moving=moving: moving.came(
                "x/q.md", stamp(9), note("x/q.md", "# A\n\n[[b]]\n")
            ),
        }
        steps.pop(first)()
        assert moving.pairs() == {}
        steps.popitem()[1]()
        assert moving.pairs() == {"a.md": "x/q.md"}
        assert moving.pairs() == {}
        assert moving.now({"x/q.md"}) == {"a.md": "x/q.md"}
        assert moving.now({"x/q.md", "a.md"}) == {}
        assert moving.now(set()) == {}


def test_a_file_that_comes_back_did_not_move() -> None:
    moving = Moving({})
    moving.went("a.md", stamp(9), note("a.md", "# A\n"))
    moving.came("a.md", stamp(9), note("a.md", "# A\n"))
    moving.came("b.md", stamp(9), note("b.md", "# A\n"))
    assert moving.pairs() == {}


def test_which_of_two_it_became_is_unknown() -> None:
    moving = Moving({})
    moving.went("a.md", stamp(9), note("a.md", "# A\n"))
    for path in ("b.md", "c.md"):
        moving.came(path, stamp(9), note(path, "# A\n"))
    assert moving.pairs() == {}


def test_what_was_written_since_it_came_counts() -> None:
    moving = Moving({})
    moving.came("q.md", stamp(0), note("q.md", ""))
    moving.saved("q.md", stamp(5, 2), note("q.md", "# A\n"))
    moving.saved("known.md", stamp(5, 2), note("known.md", "# A\n"))
    moving.went("a.md", stamp(5, 1), note("a.md", "# A\n"))
    assert moving.pairs() == {"a.md": "q.md"}


def test_moves_are_followed_over_several_steps_and_learned_from_others() -> None:
    moving = Moving({"old.md": "a.md"})
    moving.went("a.md", stamp(9), note("a.md", "# A\n"))
    moving.came("b.md", stamp(9), note("b.md", "# A\n"))
    other = moving.copy()
    assert other.pairs() == {"a.md": "b.md"}
    assert other.now({"b.md"}) == {"old.md": "b.md", "a.md": "b.md"}
    assert moving.now({"a.md"}) == {"old.md": "a.md"}  # a copy goes its own way
    moving.learn({"x.md": "y.md"})
    assert moving.now({"a.md", "y.md"}) == {"old.md": "a.md", "x.md": "y.md"}


# -- looking --------------------------------------------------------------------------------------------------------


def settled(root: Path) -> Survey:
    """A vault surveyed when nothing in it has changed for a while."""
    time.sleep(0.06)
    return survey(root, PLAIN)


def no_one_came(_folders: Mapping[str, str]) -> bool:
    """No folder came that is to be watched."""
    return False


EVERYTHING = Hints(everything=True)


@pytest.mark.parametrize("everything", [False, True])
def test_a_look_tells_what_came_went_and_was_saved(vault: Path, everything: bool) -> None:
    seen = settled(vault)
    written(vault, {"a.md": "another text\n", "new.md": "", "q.png": "", "log.txt": "one\ntwo\n"})
    (vault / "b.md").unlink()
    paths = frozenset(
        {"a.md", "new.md", "q.png", "log.txt", "b.md", "never.md", ".hidden.md", "x.md~"}
    )
    found = look(seen, EVERYTHING if everything else Hints(paths), no_one_came)
    assert (found.came, found.went, found.saved, found.doubtful) == (
        ("new.md", "q.png"),
        ("b.md",),
        ("a.md",),
        (),
    )
    assert found.moved
    assert set(found.seen.listing.files) == {"a.md", "new.md", "q.png", "log.txt", "x/p.png"}


def test_where_nothing_is_hinted_at_nothing_is_seen(vault: Path) -> None:
    seen = settled(vault)
    written(vault, {"a.md": "another text\n", "b.md": "and here\n"})
    found = look(seen, Hints(frozenset({"a.md"})), no_one_came)
    assert (found.paths, found.moved) == (("a.md",), False)


def test_a_change_that_size_and_time_hide_is_doubtful(vault: Path) -> None:
    seen = settled(vault)
    status = (vault / "a.md").stat()
    (vault / "a.md").write_text("[[c]] and [[no]]\n")
    os.utime(vault / "a.md", ns=(status.st_atime_ns, status.st_mtime_ns))
    assert look(seen, EVERYTHING, no_one_came)[1:] == ((), (), (), ("a.md",))


def test_what_changed_just_before_it_was_seen_is_doubtful_once_more(vault: Path) -> None:
    (vault / "a.md").write_text("just now\n")
    seen = survey(vault, PLAIN)
    seen = replace(seen, started=max(item.changed for item in seen.listing.files.values()) + 1)
    assert "a.md" in look(seen, EVERYTHING, no_one_came).doubtful
    assert look(settled(vault), EVERYTHING, no_one_came).doubtful == ()


def test_new_folders_are_watched_before_they_are_listed(vault: Path) -> None:
    seen, told = settled(vault), list[list[str]]()

    def follow(folders: Mapping[str, str]) -> bool:
        told.append(sorted(folders))
        if len(told) == 1:
            written(vault, {"late/l.md": ""})
        return len(told) < 3

    assert look(seen, EVERYTHING, follow).came == ("late/l.md",)
    assert told == [["", "x"], ["", "late", "x"], ["", "late", "x"]]


def test_two_looks_are_alike_if_nothing_changed_between(vault: Path) -> None:
    seen = settled(vault)
    (vault / "a.md").write_text("another text\n")
    first = look(seen, EVERYTHING, no_one_came)
    assert first.alike(look(seen, Hints(frozenset({"a.md"})), no_one_came))
    (vault / "a.md").write_text("and again another\n")
    assert not first.alike(look(seen, EVERYTHING, no_one_came))
    assert not first.alike(Look(first.seen))


def test_a_vault_that_is_away_or_another_is_told(vault: Path, tmp_path: Path) -> None:
    home = whereabouts(vault)
    assert home is not None
    vault.rename(tmp_path / "elsewhere")
    assert whereabouts(vault) is None
    vault_at(vault, {"p.png": ""})
    assert whereabouts(vault) not in (None, home)
    assert empty(survey(vault, PLAIN))
    assert not empty(survey(tmp_path / "elsewhere", PLAIN))


# -- names that pass ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
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
def test_names_under_which_programs_write_pass(name: str) -> None:
    assert passing(name)


@pytest.mark.parametrize(
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
def test_names_that_only_look_like_that_stay(name: str) -> None:
    assert not passing(name)


# -- git ------------------------------------------------------------------------------------------------------------


def ignored(seen: Survey) -> list[str]:
    """The files that git is known to ignore."""
    return sorted(path for path in seen.listing.files if seen.ignored and seen.ignored(path))


def test_what_came_is_ignored_as_git_has_it(vault: Path) -> None:
    git(vault, "init")
    written(
        vault, {".gitignore": "out*\n!out-kept.md\n", "x/.gitignore": "here.md\n", "out1.md": ""}
    )
    before = settled(vault)
    assert ignored(before) == ["out1.md"]
    came = ["out2.md", "out-kept.md", "x/here.md", "here.md", "x/out3.md", "new.md"]
    written(vault, dict.fromkeys(came, ""))
    seen = look(before, EVERYTHING, no_one_came).seen
    after = with_ignored(seen, came)
    assert (
        ignored(after)
        == ["out1.md", "out2.md", "x/here.md", "x/out3.md"]
        == ignored(survey(vault, PLAIN))
    )
    (vault / "out2.md").unlink()
    written(vault, {"out4.md": ""})
    last = with_ignored(look(after, EVERYTHING, no_one_came).seen, ["out4.md"])
    assert ignored(last) == ["out1.md", "out4.md", "x/here.md", "x/out3.md"]


def test_where_nothing_new_is_ignored_the_survey_stays_as_it_is(vault: Path) -> None:
    git(vault, "init")
    written(vault, {".gitignore": "out*\n", "out1.md": ""})
    seen = settled(vault)
    assert with_ignored(seen, ["a.md", "never.md"]) is seen
    assert with_ignored(seen, ["out1.md"]) is seen
    assert with_ignored(survey(vault.parent, PLAIN), ["vault/out2.md"]).ignored is None
    assert with_ignored(seen, []) is seen


# -- neighbours -----------------------------------------------------------------------------------------------------


def test_of_those_that_mend_the_oldest_does(vault: Path) -> None:
    teller, first, second = (Neighbours(vault, fixing=fixing) for fixing in (False, True, True))
    try:
        assert [one.repairs() for one in (teller, first, second)] == [False, True, False]
        assert [(other.process, other.fixing) for other in first.others()] == [
            (os.getpid(), False),
            (os.getpid(), True),
        ]
        assert second.news() == [
            f"Another vaultlink watch (process {os.getpid()}) is on this vault.",
            f"Another vaultlink watch (process {os.getpid()}) is on this vault and mends notes. This one tells only, and mends "
            "once that one has ended.",
        ]
        assert second.news() == []
        first.leave()
        assert second.news() == [f"The vaultlink watch of process {os.getpid()} has ended."]
        assert second.repairs()
    finally:
        for one in (teller, second):
            one.leave()
    assert list((made_folder(vault) / "watchers").iterdir()) == []


def test_who_is_alone_hears_nothing(vault: Path) -> None:
    alone = Neighbours(vault, fixing=True)
    assert (alone.repairs(), alone.others(), alone.news()) == (True, [], [])
    alone.leave()
    alone.leave()


def test_files_of_the_dead_are_taken_away_and_odd_ones_left(vault: Path) -> None:
    folder = made_folder(vault) / "watchers"
    folder.mkdir()
    for name in (
        "00000000000000000001-4.fixing",
        "00000000000000000002-5.telling",
        "notes.txt",
        ".00000000000000000003-6.fixing",
    ):
        (folder / name).write_text("")
    alone = Neighbours(vault, fixing=True)
    assert (alone.repairs(), alone.news()) == (True, [])
    alone.leave()
    assert sorted(file.name for file in folder.iterdir()) == [
        ".00000000000000000003-6.fixing",
        "notes.txt",
    ]


def test_a_watcher_that_is_killed_lets_go(vault: Path) -> None:
    folder = made_folder(vault) / "watchers"
    folder.mkdir()
    held = folder / "00000000000000000001-4.fixing"
    handle = os.open(held, os.O_RDWR | os.O_CREAT)
    assert locked(handle)
    second = Neighbours(vault, fixing=True)
    assert (second.repairs(), len(second.news())) == (False, 1)
    os.close(handle)  # as the system does
    assert second.news() == ["The vaultlink watch of process 4 has ended."]
    assert (second.repairs(), held.exists()) == (True, False)
    second.leave()


# -- listening ------------------------------------------------------------------------------------------------------


class Ear:
    """A listener that hears nothing, and lives or has a watch left as long as it is told so."""

    def __init__(self, inbox: Inbox, *, lossless: bool = True):
        self.inbox, self.lossless = inbox, lossless
        self.followed: list[list[str]] = []
        self.living, self.closed, self.left = True, False, 100

    def follow(self, folders: Mapping[str, str], /) -> bool:
        """Watch folders, if there are watches left."""
        if len(folders) > self.left:
            raise NoWatch("No watch is left.")
        self.followed.append(sorted(folders))
        return False

    def alive(self) -> bool:
        """Whether it lives."""
        return self.living

    def close(self) -> None:
        """Let go."""
        self.closed = True


class Ears(list[Ear]):
    """Means that make ears, and know all they made."""

    def __call__(self, inbox: Inbox) -> Ear:
        self.append(Ear(inbox))
        return self[-1]


def no_means(_inbox: Inbox) -> Ear:
    """Means of which none is left."""
    raise NoWatch("No ear is left.")


FOLDERS = {"": "/v", "x": "/v/x"}


def test_where_the_system_brings_word_nobody_needs_to_look() -> None:
    inbox, ears = Inbox(), Ears()
    listening = Listening(inbox, None, 60.0, ears)
    listening.begin(FOLDERS, 100.0)
    assert (inbox.take().everything, ears[0].followed) == (True, [["", "x"]])
    assert listening.wait(100.0) == float("inf")
    listening.beat(FOLDERS, 10_000.0)
    assert not inbox
    listening.end()
    assert ears[0].closed


def test_where_words_get_lost_everything_is_looked_at_now_and_then() -> None:
    inbox = Inbox()
    listening = Listening(inbox, None, 60.0, lambda inbox: Ear(inbox, lossless=False))
    listening.begin(FOLDERS, 100.0)
    inbox.take()
    assert [listening.wait(now) for now in (100.0, 150.0, 170.0)] == [60.0, 10.0, -10.0]
    listening.beat(FOLDERS, 150.0)
    assert not inbox
    listening.beat(FOLDERS, 160.0)
    assert (inbox.take().everything, listening.wait(160.0)) == (True, 60.0)


def test_a_poll_asks_for_no_listener() -> None:
    inbox = Inbox()
    listening = Listening(inbox, 5.0, 60.0, no_means)
    listening.begin(FOLDERS, 100.0)
    assert (inbox.take().everything, listening.wait(101.0), listening.complaint) == (True, 4.0, "")
    assert listening.follow(FOLDERS) is False
    listening.beat(FOLDERS, 105.0)
    assert inbox.take().everything


def test_a_poll_puts_off_no_batch_that_waits_for_quiet() -> None:
    inbox = Inbox()
    listening = Listening(inbox, 0.05, 60.0, no_means)
    listening.begin({}, 0.0)
    inbox.take()
    listening.beat({}, 0.1)
    assert inbox.count == 2
    listening.beat({}, 0.2)
    assert inbox.count == 2, "what waits is not hinted at again"
    inbox.take()
    listening.beat({}, 0.3)
    assert inbox.count == 3


def test_without_means_everything_is_polled_and_it_is_said_why() -> None:
    inbox = Inbox()
    listening = Listening(inbox, None, 60.0, no_means)
    listening.begin(FOLDERS, 100.0)
    assert (
        listening.complaint
        == "No ear is left. Until then everything is looked at every 2 seconds, as with `--poll 2`."
    )
    assert (inbox.take().everything, listening.wait(100.5)) == (True, 1.5)


def test_watches_that_run_out_later_end_the_listening() -> None:
    inbox, ears = Inbox(), Ears()
    listening = Listening(inbox, None, 60.0, ears)
    listening.begin(FOLDERS, 100.0)
    ears[0].left = 2
    assert listening.follow({**FOLDERS, "y": "/v/y"}) is False
    assert (ears[0].closed, listening.complaint.startswith("No watch is left.")) == (True, True)
    assert listening.wait(100.0) <= 2.0
    listening.begin(FOLDERS, 200.0)  # begun anew, it is tried again
    assert (len(ears), listening.wait(200.0)) == (2, float("inf"))


def test_a_listener_that_died_is_replaced_and_everything_looked_at() -> None:
    inbox, ears = Inbox(), Ears()
    listening = Listening(inbox, None, 60.0, ears)
    listening.begin(FOLDERS, 100.0)
    inbox.take()
    ears[0].living = False
    listening.beat(FOLDERS, 101.0)
    assert (ears[0].closed, len(ears), ears[1].followed, inbox.take().everything) == (
        True,
        2,
        [["", "x"]],
        True,
    )


@pytest.mark.skipif(sys.platform != "linux", reason="what Linux alone has")
def test_the_listener_of_linux_hears_of_changes_in_all_its_folders(vault: Path) -> None:
    from vaultlink.watching.inotify import Inotify  # noqa: PLC0415 - only where there is inotify

    inbox = Inbox()
    ear = Inotify(inbox)
    try:
        assert ear.follow(survey(vault, PLAIN).listing.folders) is True
        assert ear.follow(survey(vault, PLAIN).listing.folders) is False
        heard = set[str]()
        written(
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
            inbox.wait(0.2)
            heard |= inbox.take().paths
        assert heard == {"x/deep.md", ".gitignore", "x/.gitignore", "a.md"}
        (vault / "new").mkdir()
        while time.monotonic() < end and not inbox.peek().everything:
            time.sleep(0.01)
        assert inbox.take().everything
        assert ear.alive()
    finally:
        ear.close()


# -- what is known only to the watcher ------------------------------------------------------------------------------


def test_a_note_that_is_copied_before_it_is_deleted_leaves_one_of_its_findings(
    tmp_path: Path,
) -> None:
    vault = vault_at(tmp_path / "vault", {"a.md": "[[no]] and some words\n", "b.md": "# B\n"})
    with watching(vault, Wishes(verify=True)) as watched:
        (vault / "z.md").write_text((vault / "a.md").read_text())
        watched.settled()
        (vault / "a.md").unlink()
        watched.settled()
    assert watched.changes() == ["+ dangling-link z.md", "- dangling-link a.md"]


def test_new_settings_do_not_make_it_forget_where_notes_went(tmp_path: Path) -> None:
    vault = vault_at(tmp_path / "vault", {"a.md": "[[b]]\n", "b.md": "# B\n\nwords\n"})
    with watching(vault) as watched:
        (vault / "b.md").rename(vault / "q.md")
        watched.settled()
        (vault / "vaultlink.toml").write_text('extend-select = ["dead-end"]\n')
        watched.until(lambda watched: any(batch.cause.words for batch in watched.batches))
        watched.settled()
    assert not any("dangling-link" in line for line in watched.changes()), watched.changes()


def test_a_vault_that_was_away_does_not_make_it_forget_where_notes_went(tmp_path: Path) -> None:
    vault = vault_at(tmp_path / "vault", {"a.md": "[[b]]\n", "b.md": "# B\n\nwords\n"})
    with watching(vault) as watched:
        (vault / "b.md").rename(vault / "q.md")
        watched.settled()
        vault.rename(tmp_path / "elsewhere")
        watched.until(lambda watched: any("is gone" in notice for notice in watched.notices))
        (tmp_path / "elsewhere").rename(vault)
        watched.until(lambda watched: any("is back" in notice for notice in watched.notices))
        watched.settled()
    assert watched.changes() == ["+ moved-link a.md"]


@pytest.mark.parametrize("poll", [None, 0.2])
@pytest.mark.parametrize(
    "place", ["vault/.gitignore", "vault/x/.gitignore", ".git/info/exclude", ".gitignore"]
)
def test_what_git_ignores_is_obeyed_wherever_it_is_said(
    tmp_path: Path, place: str, poll: float | None
) -> None:
    vault = vault_at(tmp_path / "vault", {"a.md": "", "x/c.md": "[[no]]\n"})
    git(tmp_path, "init")
    with watching(vault, Wishes(poll=poll, verify=True)) as watched:
        (tmp_path / place).write_text("c.md\n")
        watched.until(lambda watched: watched.changes() == ["- dangling-link x/c.md"])
        (tmp_path / place).unlink()
        watched.until(lambda watched: watched.changes()[1:] == ["+ dangling-link x/c.md"])


def test_a_note_that_git_is_told_to_keep_is_ignored_no_longer(tmp_path: Path) -> None:
    vault = vault_at(tmp_path / "vault", {"a.md": "", ".gitignore": "out*\n"})
    git(vault, "init")
    with watching(vault, Wishes(verify=True)) as watched:
        (vault / "out.md").write_text("[[no]]\n")
        watched.settled()
        assert watched.changes() == []
        git(vault, "add", "--force", "out.md")
        watched.until(lambda watched: watched.changes() == ["+ dangling-link out.md"])
