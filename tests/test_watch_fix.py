"""Tests of a watcher that fixes: when it writes, when it waits, and that it respects other writers."""

import os
import time
from pathlib import Path

import pytest
from msgspec.structs import replace

from running import RunCommand, create_vault, read_files, write_files
from vaultlink.api import open_vault
from vaultlink.disk.scan import Settings
from vaultlink.model import PendingWrite
from vaultlink.watch.environment import AutoFixer
from vaultlink.watch.events import Debounce
from vaultlink.watch.loop import Watch, WatchSettings, find_difference
from vaultlink.watch.messages import Batch
from vaultlink.write.journal import record_and_write, record_run
from vaultlink.write.journal_files import list_runs, lock_vault
from watched import QUICK_DEBOUNCE, TIMEOUT_SECONDS, WatchRecorder, run_watcher

FIX = WatchSettings(fix=True, verify=True)
LINKED = {"a.md": "[[b]] and [[c]]\n", "b.md": "# B\n\nwhat is in it\n", "x/c.md": "[[a]]\n"}


@pytest.fixture
def vault(tmp_path: Path) -> Path:
    """Create a small vault without broken links, and wait until fixes are allowed."""
    vault = create_vault(tmp_path / "vault", LINKED)
    wait_for_quiet(vault)
    return vault


def wait_for_quiet(vault: Path) -> None:
    """Wait for the quiet time after which notes may be written."""
    time.sleep(QUICK_DEBOUNCE.fix_quiet + 0.1)


def fix_batches(watched: WatchRecorder) -> list[Batch]:
    """Return the batches of the watcher's own fixes."""
    return [item for item in watched.news if isinstance(item, Batch) and item.applied_fixes]


def text(vault: Path, path: str = "a.md") -> str:
    """Return the current text of a note."""
    return (vault / path).read_text()


def assert_stays(vault: Path, wanted: str, path: str = "a.md", seconds: float = 1.5) -> None:
    """Assert that a note has this text and keeps it for longer than the debounce."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert text(vault, path) == wanted
        time.sleep(0.05)


# -- what is fix_batches -------------------------------------------------------------------------------------------------


def test_existing_findings_are_fixed_at_the_start(tmp_path: Path) -> None:
    vault = create_vault(
        tmp_path / "vault", {"a.md": "[[Nick]]\n", "b.md": "---\naliases: [Nick]\n---\n"}
    )
    wait_for_quiet(vault)
    with run_watcher(vault, FIX) as watched:
        watched.wait_for(fix_batches)
        assert text(vault) == "[[b|Nick]]\n"
    [batch] = fix_batches(watched)
    assert batch.applied_fixes is not None
    assert (batch.applied_fixes.written, [item.rule for item, _ in batch.applied_fixes.fixes]) == (
        ("a.md",),
        ["alias-link"],
    )
    assert [item.diagnostic.rule for item in batch.resolved] == ["alias-link"]


def test_links_follow_a_note_that_was_moved(vault: Path) -> None:
    with run_watcher(vault, FIX) as watched:
        (vault / "b.md").rename(vault / "x" / "renamed.md")
        watched.wait_for(fix_batches)
        assert text(vault) == "[[renamed|b]] and [[c]]\n"
        watched.settle()
        assert watched.session.vault.check() == []


def test_links_follow_a_note_that_was_deleted_and_made_elsewhere(vault: Path) -> None:
    with run_watcher(vault, FIX) as watched:
        data = text(vault, "b.md")
        (vault / "b.md").unlink()
        watched.wait_for_batches(1)
        (vault / "q.md").write_text(data)
        watched.wait_for(fix_batches)
        assert text(vault) == "[[q|b]] and [[c]]\n"


def test_links_follow_a_whole_folder(vault: Path) -> None:
    (vault / "a.md").write_text("[[x/c]] [[x/c|shown]]\n")
    wait_for_quiet(vault)
    with run_watcher(vault, FIX) as watched:
        (vault / "x").rename(vault / "y")
        watched.settle()
        time.sleep(1.0)
        assert watched.session.vault.check() == [] or text(vault) == "[[y/c|x/c]] [[y/c|shown]]\n"


def test_sections_are_maintained(tmp_path: Path) -> None:
    vault = create_vault(
        tmp_path / "vault",
        {
            "vaultlink.toml": '[backlinks]\nmode = "write"\n',
            "a.md": "# A\n\nSee [[b]]\n",
            "b.md": "# B\n\nwords\n",
            "c.md": "# C\n",
        },
    )
    wait_for_quiet(vault)
    with run_watcher(vault, FIX) as watched:
        watched.wait_for(lambda _: "[[a" in text(vault, "b.md"))
        wait_for_quiet(vault)
        (vault / "c.md").write_text("# C\n\nSee [[b]]\n")
        watched.wait_for(lambda _: "[[c" in text(vault, "b.md"))
        watched.settle()
        assert find_difference(watched.session) is None


def test_dangling_links_are_not_fixed(vault: Path) -> None:
    with run_watcher(vault, FIX) as watched:
        (vault / "a.md").write_text("[[b]] and [[cc]]\n")
        watched.wait_for_batches(1)
        assert_stays(vault, "[[b]] and [[cc]]\n")
    assert fix_batches(watched) == []


def test_nothing_is_written_without_fix(vault: Path) -> None:
    with run_watcher(vault) as watched:
        (vault / "b.md").rename(vault / "q.md")
        watched.wait_for_batches(1)
        assert_stays(vault, LINKED["a.md"])
        assert list_runs(vault) == []


def test_proposals_are_reported_without_writing(vault: Path) -> None:
    with run_watcher(vault, WatchSettings(propose=True)) as watched:
        (vault / "b.md").rename(vault / "q.md")
        watched.wait_for(lambda watched: watched.proposals)
        assert_stays(vault, LINKED["a.md"])
    assert watched.proposals[0].plan.texts == {"a.md": (LINKED["a.md"], "[[q|b]] and [[c]]\n")}


# -- never a fight --------------------------------------------------------------------------------------------------


@pytest.mark.thorough
def test_note_being_edited_is_fixed_after_a_pause(vault: Path) -> None:
    debounce = replace(QUICK_DEBOUNCE, fix_quiet=2.0, fix_max_delay=1.0)
    with run_watcher(vault, FIX, debounce=debounce) as watched:
        (vault / "b.md").rename(vault / "q.md")
        last, typed = 0.0, LINKED["a.md"]
        for number in range(8):
            typed = f"{typed}{number}\n"
            last = time.monotonic()
            (vault / "a.md").write_text(typed)
            time.sleep(0.25)
            assert text(vault) == typed
        watched.wait_for(fix_batches)
        assert time.monotonic() - last > debounce.fix_quiet
        assert text(vault) == typed.replace("[[b]]", "[[q|b]]")


def test_other_notes_are_fixed_after_the_maximum_delay(vault: Path) -> None:
    write_files(vault, {"d.md": "[[b]]\n"})
    wait_for_quiet(vault)
    with run_watcher(vault, FIX, debounce=replace(QUICK_DEBOUNCE, fix_max_delay=1.0)) as watched:
        (vault / "b.md").rename(vault / "q.md")
        end = time.monotonic() + TIMEOUT_SECONDS
        typed = LINKED["a.md"]
        while not fix_batches(watched) and time.monotonic() < end:
            typed += "."
            (vault / "a.md").write_text(typed)
            time.sleep(0.2)
        assert (text(vault), text(vault, "d.md")) == (typed, "[[q|b]]\n")


def test_maximum_delay_is_kept_for_a_slow_reader(vault: Path) -> None:
    """While it reads a batch, a note changes: there is never a moment without a change."""
    write_files(vault, {"d.md": "[[b]]\n"})
    wait_for_quiet(vault)
    debounce = replace(QUICK_DEBOUNCE, fix_max_delay=1.0)
    watch = Watch(vault, Settings(cache=False), replace(FIX, debounce=debounce))
    end = time.monotonic() + TIMEOUT_SECONDS
    for number, update in enumerate(watch.updates()):
        if number == 0:
            (vault / "b.md").rename(vault / "q.md")
        if time.monotonic() > end or (isinstance(update, Batch) and update.applied_fixes):
            watch.stop()
        for count in range(4):
            (vault / "a.md").write_text(f"[[b]] {number} {count}\n")
            time.sleep(0.05)
    assert text(vault, "d.md") == "[[q|b]]\n"


def test_obsidian_renames_and_updates_the_links_itself(vault: Path) -> None:
    write_files(vault, {f"n{number}.md": f"[[b]] {number}\n" for number in range(30)})
    wait_for_quiet(vault)
    with run_watcher(vault, FIX) as watched:
        (vault / "b.md").rename(vault / "q.md")
        for path in ["a.md", *(f"n{number}.md" for number in range(30))]:
            (vault / path).write_text(text(vault, path).replace("[[b]]", "[[q]]"))
            time.sleep(0.03)
        watched.settle()
        assert_stays(vault, "[[q]] and [[c]]\n")
        assert watched.session.vault.check() == []
    assert fix_batches(watched) == []
    assert list_runs(vault) == []


def test_own_writes_cause_no_batch(vault: Path) -> None:
    with run_watcher(vault, FIX) as watched:
        (vault / "b.md").rename(vault / "q.md")
        watched.wait_for(fix_batches)
        count = len(watched.batches)
        time.sleep(1.0)
        assert len(watched.batches) == count, watched.describe_news()
        assert len(list_runs(vault)) == 1


@pytest.mark.thorough
@pytest.mark.parametrize("by", ["hand", "undo"])
def test_reverted_fix_is_not_applied_again(vault: Path, run: RunCommand, by: str) -> None:
    with run_watcher(vault, FIX) as watched:
        (vault / "b.md").rename(vault / "q.md")
        watched.wait_for(fix_batches)
        if by == "hand":
            (vault / "a.md").write_text(LINKED["a.md"])
        else:
            assert run("undo", "--vault", vault).code == 0
        watched.wait_for(lambda watched: any("reverted" in notice for notice in watched.notices))
        assert_stays(vault, LINKED["a.md"])
        (vault / "a.md").write_text("Now: " + LINKED["a.md"])
        watched.wait_for(lambda watched: len(fix_batches(watched)) == 2)
        assert text(vault) == "Now: [[q|b]] and [[c]]\n"


def test_note_changed_before_the_write_waits_for_the_next_pause(vault: Path) -> None:
    """Size and time are unchanged: the bytes are compared before they are replaced."""
    with run_watcher(vault, FIX) as watched:
        (vault / "b.md").rename(vault / "q.md")
        watched.wait_for_batches(1)
        status = (vault / "a.md").stat()
        (vault / "a.md").write_text("[[b]] AND [[c]]\n")
        os.utime(vault / "a.md", ns=(status.st_atime_ns, status.st_mtime_ns))
        watched.wait_for(fix_batches)
        assert text(vault) == "[[q|b]] AND [[c]]\n"


def test_waits_for_the_write_lock(vault: Path) -> None:
    with run_watcher(vault, FIX) as watched:
        with lock_vault(vault):
            (vault / "b.md").rename(vault / "q.md")
            watched.wait_for_batches(1)
            assert_stays(vault, LINKED["a.md"])
        watched.wait_for(fix_batches)
        assert text(vault) == "[[q|b]] and [[c]]\n"


def test_notes_in_conflict_are_named_and_skipped(vault: Path) -> None:
    write_files(vault, {"a.sync-conflict-20260101-120000-ABCDEFG.md": "theirs\n"})
    wait_for_quiet(vault)
    with run_watcher(vault, FIX) as watched:
        (vault / "b.md").rename(vault / "q.md")
        watched.wait_for(
            lambda watched: any("conflicting copy" in notice for notice in watched.notices)
        )
        assert_stays(vault, LINKED["a.md"])
    assert sum("conflicting copy" in notice for notice in watched.notices) == 1


# -- two watchers ---------------------------------------------------------------------------------------------------


def test_nothing_is_fixed_without_a_journal(vault: Path, tmp_path: Path, run: RunCommand) -> None:
    (tmp_path / "state").write_text("in the way\n")
    ran = run("watch", vault, "--fix")
    assert ran.code == 2
    assert "can't write the journal" in ran.err
    with run_watcher(vault, settings=Settings(cache=False)) as watched:
        watched.settle()


# -- beside renames ---------------------------------------------------------------------------------------------------


def test_nothing_is_fixed_from_a_state_before_a_rename(tmp_path: Path) -> None:
    """The link by alias could be fixed, but to a name that the note no longer has."""
    vault = create_vault(
        tmp_path / "vault", {"a.md": "[[Nick]]\n", "b.md": "---\naliases: [Nick]\n---\n"}
    )
    before = open_vault(vault)
    with lock_vault(vault):
        record_and_write(vault, "vaultlink rename b c", "", [], moves={"b.md": "c.md"})
    fixer = AutoFixer(Debounce(), "vaultlink watch", writing=True)
    assert fixer.attempt_fix(before, 0.0).is_outdated
    assert text(vault) == "[[Nick]]\n"
    assert fixer.seconds_until_fix(0.0) > 0
    attempt = fixer.attempt_fix(open_vault(vault), 0.0)
    assert attempt.applied_fixes is not None
    assert text(vault) == "[[c|Nick]]\n"


def test_interrupted_rename_is_reverted_before_the_first_fix(tmp_path: Path) -> None:
    vault = create_vault(tmp_path / "vault", {"a.md": "[[b]]\n", "b.md": "# B\n"})
    writes = [PendingWrite("a.md", b"[[b]]\n", b"[[c]]\n")]
    record_run(vault, "vaultlink rename b c", "", writes, moves={"b.md": "c.md"})
    write_files(vault, {"a.md": "[[c]]\n"})
    fixer = AutoFixer(Debounce(), "vaultlink watch", writing=True)
    attempt = fixer.attempt_fix(open_vault(vault), 0.0)
    assert attempt.is_outdated
    assert attempt.reverted == ("Reverted an interrupted run (vaultlink rename b c).",)
    assert read_files(vault) == {"a.md": b"[[b]]\n", "b.md": b"# B\n"}


def test_watcher_says_that_it_reverted_a_run(vault: Path) -> None:
    old = LINKED["a.md"].encode()
    record_run(vault, "vaultlink fix -q", "", [PendingWrite("a.md", old, b"half")])
    record_run(
        vault,
        "vaultlink fix",
        "",
        [PendingWrite("a.md", b"half", b"x"), PendingWrite("n", None, b"")],
    )
    (vault / "a.md").write_bytes(b"x")
    with run_watcher(vault, FIX) as watched:
        watched.wait_for(lambda watched: watched.notices)
    assert "Reverted an interrupted run (vaultlink fix)." in watched.notices


@pytest.mark.thorough
def test_watcher_writes_nothing_beside_renames(vault: Path) -> None:
    """The history remembers each earlier name, so a state in between has links to fix."""
    paths = ["b.md", "x/B 2.md"]
    names = {"b.md": "b", "x/B 2.md": "B 2"}
    with run_watcher(vault, FIX) as watched:
        for number in range(24):
            old, new = paths[number % 2], paths[(number + 1) % 2]
            before = (vault / "a.md").read_bytes()
            after = before.replace(f"[[{names[old]}]]".encode(), f"[[{names[new]}]]".encode())
            with lock_vault(vault):
                result = record_and_write(
                    vault,
                    "vaultlink rename",
                    "",
                    [PendingWrite("a.md", before, after)],
                    moves={old: new},
                )
            assert (result.written, result.moved) == (("a.md",), ((old, new),))
            time.sleep((0.0, 0.05, 0.12, 0.7)[number % 4])
        watched.settle()
        time.sleep(QUICK_DEBOUNCE.fix_quiet + 0.5)
    assert text(vault) == LINKED["a.md"]
    assert {run.command for run in list_runs(vault)} == {"vaultlink rename"}
