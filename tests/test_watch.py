"""Tests of the watcher with real folders and events: changes by editors, Obsidian, git and sync programs."""

import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from exploring import choose_seeds, spread
from machine import require_program
from running import RunCommand, create_vault, damage_states, write_files
from vaultlink.disk.scan import Settings
from vaultlink.watch.backend_watchdog import WatchdogBackend
from vaultlink.watch.loop import WatchSettings, find_difference
from vaultlink.watch.messages import Batch
from watched import (
    NAMES,
    PLACES,
    QUICK_DEBOUNCE,
    TEXTS,
    TIMEOUT_SECONDS,
    format_changes,
    run_watcher,
)

SMALL = {"a.md": "[[b]] and [[c]]\n", "b.md": "# B\n", "x/c.md": "[[a]]\n"}


@pytest.fixture
def vault(tmp_path: Path) -> Path:
    """Create a small vault without broken links."""
    return create_vault(tmp_path / "vault", SMALL)


# -- a damaged cache ----------------------------------------------------------------------------------------------------


MANY = {f"n{number}.md": f"[[n{number + 1}]] [[no {number}]]\n" * 9 for number in range(300)}


@pytest.mark.parametrize("is_cleaned", spread((False, True)))
def test_damaged_cache_costs_no_change(tmp_path: Path, is_cleaned: bool) -> None:
    vault, cache = create_vault(tmp_path / "vault", MANY), tmp_path / "cache"
    with run_watcher(vault, settings=Settings(cache_dir=cache)) as watched:
        damage_states(cache)
        if is_cleaned:
            shutil.rmtree(cache)
        (vault / "n0.md").write_text("[[n1]] [[nowhere]]\n")
        (vault / "n200.md").unlink()
        (vault / "new.md").write_text("[[none]]\n")
        watched.wait_for(lambda watched: "+ planned-note new.md" in watched.list_changes())
        watched.settle()
        changes = watched.list_changes()
        expected = {"+ planned-note new.md", "+ planned-note n0.md"}
        assert {line for line in changes if line[0] == "+" and "n199" not in line} == expected
        assert any("n199.md" in line for line in changes)
        assert [
            text for text in watched.notices if "was damaged. The vault was read again." in text
        ]
        assert find_difference(watched.session) is None
        (vault / "new.md").write_text("[[n1]]\n")
        watched.wait_for(lambda watched: "- planned-note new.md" in watched.list_changes())


@pytest.mark.thorough
@pytest.mark.parametrize("is_replaced", spread((False, True)))
def test_cache_that_another_run_deletes_or_replaces_does_not_matter(
    tmp_path: Path, is_replaced: bool, run: RunCommand
) -> None:
    vault, cache = create_vault(tmp_path / "vault", MANY), tmp_path / "cache"
    with run_watcher(vault, settings=Settings(cache_dir=cache)) as watched:
        if is_replaced:
            for path in list(MANY)[:100]:
                (vault / path).write_text("[[no more]]\n")
            run("check", "--vault", str(vault), "--cache-dir", str(cache))
        else:
            shutil.rmtree(cache)
        (vault / "n250.md").write_text("[[nowhere]]\n")
        watched.wait_for(lambda watched: "+ planned-note n250.md" in watched.list_changes())
        watched.settle()
        assert find_difference(watched.session) is None
        assert not any("damaged" in text for text in watched.notices)


# -- reported changes ---------------------------------------------------------------------------------------------------


def test_initial_state_is_reported_once(tmp_path: Path) -> None:
    with run_watcher(
        create_vault(tmp_path / "vault", {"a.md": "[[no]] [[b]]\n", "b.md": "[[nor]]\n"})
    ) as watched:
        assert isinstance(watched.news[0], Batch)
        assert format_changes(watched.news[0]) == ["+ planned-note a.md", "+ planned-note b.md"]
        assert watched.batches == []


def test_moved_findings_are_not_reported_again(tmp_path: Path) -> None:
    with run_watcher(
        create_vault(tmp_path / "vault", {"a.md": "[[no]]\n[[no]]\n![[p.png#x]]\n"})
    ) as watched:
        (tmp_path / "vault" / "a.md").write_text(
            "more\n\nlines\n[[no]]\n\n[[no]] [[new]]\n![[p.png#x]]\n"
        )
        [batch] = watched.wait_for_batches(1)
    assert format_changes(batch) == ["+ planned-note a.md"]
    assert batch.new[0].diagnostic.target == "new"


def test_new_findings_in_other_notes_are_reported(vault: Path) -> None:
    with run_watcher(vault) as watched:
        (vault / "b.md").unlink()
        watched.wait_for_batches(1)
        (vault / "deep").mkdir()
        (vault / "deep" / "b.md").write_text("back\n")
        watched.settle()
    assert watched.list_changes() == ["+ dangling-link a.md", "- dangling-link a.md"]


def test_findings_follow_a_renamed_note_in_a_batch(tmp_path: Path) -> None:
    vault = create_vault(tmp_path / "vault", {"a.md": "[[no]] and some words\n", "b.md": "# B\n"})
    with run_watcher(vault) as watched:
        (vault / "a.md").rename(vault / "other.md")
        [batch] = watched.wait_for_batches(1)
    assert (format_changes(batch), batch.cause.moved) == ([], (("a.md", "other.md"),))


def test_totals_and_graph_equal_a_fresh_start(vault: Path) -> None:
    with run_watcher(vault) as watched:
        write_files(
            vault, {"d.md": "[[one]] [[two]] [[one]] ![[p.png]]\n", "p.png": "", "e.md": "[[d]]\n"}
        )
        (vault / "a.md").unlink()
        watched.settle()
        assert find_difference(watched.session) is None
        assert watched.session.graph.nx_graph.has_edge("e.md", "d.md")
        assert watched.session.count_totals().dangling_topics == 3


# -- the habits of editors ------------------------------------------------------------------------------------------


def in_place(file: Path, text: str) -> None:
    """Truncate the file and write it in two parts."""
    with file.open("w") as stream:
        for part in (text[:3], text[3:]):
            stream.write(part)
            stream.flush()
            time.sleep(0.02)


def renamed_over(file: Path, text: str) -> None:
    """Write a temporary file and rename it."""
    temporary = file.with_name(f"{file.name}.tmp")
    temporary.write_text(text)
    temporary.replace(file)


def deleted_and_made(file: Path, text: str) -> None:
    """Delete the note and create it again."""
    file.unlink()
    time.sleep(0.02)
    file.write_text(text)


def backed_up(file: Path, text: str) -> None:
    """Save like Vim: test the folder, rename the old note, write, and delete the old one."""
    swap = file.with_name(f".{file.name}.swp")
    swap.write_text("swap")
    file.with_name("4913").write_text("")
    file.with_name("4913").unlink()
    file.rename(file.with_name(f"{file.name}~"))
    file.write_text(text)
    file.with_name(f"{file.name}~").unlink()
    swap.unlink()


def kept_back(file: Path, text: str) -> None:
    """Save like Emacs: write an auto-save file, and keep the previous version as a backup."""
    auto = file.with_name(f"#{file.name}#")
    auto.write_text(text)
    file.with_name(f"{file.name}~").write_text(file.read_text())
    file.write_text(text)
    auto.unlink()


@pytest.mark.thorough
@pytest.mark.parametrize("save", [in_place, renamed_over, deleted_and_made, backed_up, kept_back])
def test_every_way_of_saving_is_one_save(vault: Path, save: Callable[[Path, str], None]) -> None:
    with run_watcher(vault) as watched:
        save(vault / "a.md", "[[b]] and [[nowhere]]\n")
        watched.settle()
        [batch] = watched.batches
        assert find_difference(watched.session) is None
    assert batch.cause.saved == ("a.md",)
    assert batch.cause.created == batch.cause.deleted == ()
    assert format_changes(batch) == ["+ planned-note a.md"]


@pytest.mark.thorough
@pytest.mark.parametrize(
    "name",
    [
        ".a.md.swp",
        "a.md~",
        ".obsidian/workspace.json",
        ".git/index",
        ".trash/a.md",
    ],
)
def test_temporary_files_are_not_part_of_the_vault(vault: Path, name: str) -> None:
    with run_watcher(vault) as watched:
        (vault / name).parent.mkdir(exist_ok=True)
        (vault / name).write_text("[[nowhere]]\n")
        watched.settle()
        assert watched.batches == []
        assert find_difference(watched.session) is None


def test_changed_attachment_causes_no_batch(vault: Path) -> None:
    (vault / "log.txt").write_text("one\n")
    with run_watcher(vault) as watched:
        for _ in range(3):
            with (vault / "log.txt").open("a") as log:
                log.write("more\n")
            time.sleep(0.15)
        watched.settle()
        assert watched.batches == []


def test_touched_note_causes_no_change(vault: Path) -> None:
    with run_watcher(vault) as watched:
        os.utime(vault / "a.md")
        (vault / "b.md").chmod(0o600)
        watched.settle()
        assert watched.list_changes() == []
        assert find_difference(watched.session) is None


# -- batches --------------------------------------------------------------------------------------------------------


def test_changes_in_quick_succession_are_one_batch(vault: Path) -> None:
    debounce = replace(QUICK_DEBOUNCE, batch_quiet=1.5, batch_max_delay=TIMEOUT_SECONDS)
    with run_watcher(vault, debounce=debounce) as watched:
        for number in range(8):
            (vault / f"n{number}.md").write_text("[[nowhere]]\n")
            time.sleep(0.03)
        watched.settle()
        assert len([batch for batch in watched.batches if batch.new]) == 1


def test_batch_comes_after_the_maximum_delay_without_quiet(vault: Path) -> None:
    debounce = replace(QUICK_DEBOUNCE, batch_quiet=10 * TIMEOUT_SECONDS, batch_max_delay=0.5)
    with run_watcher(vault, debounce=debounce) as watched:
        end = time.monotonic() + TIMEOUT_SECONDS
        while not watched.batches and time.monotonic() < end:
            (vault / "a.md").write_text(f"[[nowhere]] {time.monotonic()}\n")
            time.sleep(0.03)
        assert watched.batches


def test_batch_waits_for_the_git_lock(vault: Path) -> None:
    (vault / ".git").mkdir()
    with run_watcher(vault) as watched:
        (vault / ".git" / "index.lock").write_text("")
        for number in range(10):
            (vault / f"n{number}.md").write_text("[[nowhere]]\n")
            time.sleep(0.2)
        assert watched.batches == []
        (vault / ".git" / "index.lock").unlink()
        [batch] = watched.wait_for_batches(1)
    assert len(batch.cause.created) == 10


def test_stale_git_lock_is_ignored(vault: Path) -> None:
    (vault / ".git").mkdir()
    lock = vault / ".git" / "index.lock"
    lock.write_text("")
    os.utime(lock, (time.time() - 3600, time.time() - 3600))
    with run_watcher(vault) as watched:
        (vault / "n.md").write_text("[[nowhere]]\n")
        assert watched.wait_for_batches(1)[0].cause.created == ("n.md",)


def git(vault: Path, *words: str) -> None:
    """Run git in a vault with an author."""
    who = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(
        [require_program("git"), *who, *words], cwd=vault, check=True, capture_output=True
    )


def test_checkout_of_thousands_of_notes_is_one_batch(tmp_path: Path) -> None:
    vault = create_vault(
        tmp_path / "vault", {f"n{number}.md": f"[[n{number + 1}]]\n" for number in range(3000)}
    )
    git(vault, "init", "--quiet")
    git(vault, "add", ".")
    git(vault, "commit", "--quiet", "-m", "one")
    git(vault, "checkout", "--quiet", "-b", "other")
    for number in range(0, 3000, 2):
        (vault / f"n{number}.md").write_text("[[nowhere]]\n")
    for number in range(1, 3000, 8):
        (vault / f"n{number}.md").unlink()
    git(vault, "commit", "--quiet", "--all", "-m", "two")
    with run_watcher(vault) as watched:
        git(vault, "checkout", "--quiet", "-")
        watched.settle()
        reported = [batch for batch in watched.batches if batch.cause.saved or batch.cause.created]
        assert len(reported) == 1
        assert (len(reported[0].cause.saved), len(reported[0].cause.created)) == (1500, 375)
        assert find_difference(watched.session) is None


# -- folders --------------------------------------------------------------------------------------------------------


def test_renamed_folders_are_watched(vault: Path) -> None:
    with run_watcher(vault) as watched:
        (vault / "one" / "two").mkdir(parents=True)
        (vault / "one" / "two" / "d.md").write_text("[[nowhere]]\n")
        watched.settle()
        (vault / "one").rename(vault / "three")
        watched.settle()
        (vault / "three" / "two" / "d.md").write_text("[[a]]\n")
        watched.settle()
        assert watched.list_changes() == [
            "+ planned-note one/two/d.md",
            "- planned-note three/two/d.md",
        ]
        shutil.rmtree(vault / "three")
        watched.settle()
        assert find_difference(watched.session) is None


def test_folder_moved_out_of_the_vault_is_not_watched(vault: Path, tmp_path: Path) -> None:
    with run_watcher(vault) as watched:
        (vault / "x").rename(tmp_path / "outside")
        watched.settle()
        (tmp_path / "outside" / "c.md").write_text("[[nowhere]]\n")
        watched.settle()
        assert watched.list_changes() == ["+ planned-note a.md"]
        assert find_difference(watched.session) is None


def test_folder_behind_a_symbolic_link_is_watched_too(vault: Path, tmp_path: Path) -> None:
    write_files(tmp_path / "elsewhere", {"far.md": "[[a]]\n", "deep/further.md": ""})
    (vault / "link").symlink_to(tmp_path / "elsewhere")
    with run_watcher(vault) as watched:
        (tmp_path / "elsewhere" / "deep" / "further.md").write_text("[[nowhere]]\n")
        watched.settle()
        assert watched.list_changes() == ["+ planned-note link/deep/further.md"]
        (vault / "link").unlink()
        watched.settle()
        assert find_difference(watched.session) is None
        (vault / "x" / "link").symlink_to(tmp_path / "elsewhere")
        watched.settle()
        assert watched.list_changes()[2:] == ["+ planned-note x/link/deep/further.md"]
        assert find_difference(watched.session) is None


# -- deletions ------------------------------------------------------------------------------------------------------


@pytest.mark.thorough
@pytest.mark.parametrize("is_linked_since", [False, True])
def test_note_that_was_created_and_removed_again_is_not_deleted(
    tmp_path: Path, is_linked_since: bool
) -> None:
    """A link that was written while the note was there leads to a deleted one."""
    vault = create_vault(tmp_path / "own", {"a.md": b"[[New]]\n", "b.md": b"b\n"})
    with run_watcher(vault) as watched:
        (vault / "New.md").write_text("new\n")
        watched.settle()
        if is_linked_since:
            (vault / "b.md").write_text("[[New]]\n")
            watched.settle()
        (vault / "New.md").unlink()
        watched.settle()
        (vault / "later.md").write_text("later\n")
        watched.settle()
        found = {
            item.rule
            for items in watched.session.vault.state.diagnostics.values()
            for item in items
        }
        assert found == {"dangling-link" if is_linked_since else "planned-note"}
        assert find_difference(watched.session) is None


def test_created_note_that_is_moved_slowly_is_followed(tmp_path: Path) -> None:
    vault = create_vault(tmp_path / "own", {"a.md": b"[[New]]\n", "b.md": b"b\n"})
    with run_watcher(vault) as watched:
        for path in ("New.md", "Other.md"):
            (vault / path).write_text("# New\n\nthe text that identifies it\n")
            watched.settle()
            if path == "New.md":
                (vault / path).unlink()
                watched.settle()
        assert "+ moved-link a.md" in watched.list_changes()
        assert find_difference(watched.session) is None


# -- moves ----------------------------------------------------------------------------------------------------------


@pytest.mark.thorough
@pytest.mark.parametrize("pause", [0.0, 0.4])
@pytest.mark.parametrize("copied_first", [False, True])
def test_deleted_and_created_note_is_a_rename(
    vault: Path, pause: float, copied_first: bool
) -> None:
    (vault / "b.md").write_text("# B\n\nwhat is in it, and [[no]]\n")
    with run_watcher(vault) as watched:
        text = (vault / "b.md").read_text()
        for step in (0, 1) if not copied_first else (1, 0):
            if step:
                (vault / "new name.md").write_text(text)
            else:
                (vault / "b.md").unlink()
            time.sleep(pause)
        watched.settle()
        assert "+ moved-link a.md" in watched.list_changes()
        reported = [
            item
            for item in watched.list_changes()
            if "planned-note b.md" in item or "planned-note new name.md" in item
        ]
        assert reported in (
            [],
            ["- planned-note b.md", "+ planned-note new name.md"],
            ["+ planned-note new name.md", "- planned-note b.md"],
        )
        assert find_difference(watched.session) is None
        (vault / "new name.md").rename(vault / "newer name.md")
        watched.settle()
        [last] = [item for item in watched.session.vault.check() if item.rule == "moved-link"]
        assert last.message == "“b” was moved to newer name."


def test_restored_note_resolves_all_findings(vault: Path) -> None:
    (vault / "b.md").write_text("# B\n\nwhat is in it\n")
    with run_watcher(vault) as watched:
        (vault / "b.md").rename(vault / "q.md")
        watched.settle()
        (vault / "q.md").rename(vault / "b.md")
        watched.settle()
        assert watched.list_changes() == ["+ moved-link a.md", "- moved-link a.md"]


# -- equal to a fresh start -----------------------------------------------------------------------------------------


def some_file(dice: random.Random, vault: Path) -> Path:
    """A path at which something may be."""
    return (
        vault
        / f"{dice.choice(PLACES)}{dice.choice(NAMES)}{dice.choice(('.md', '.md', '.md', '.png', '.canvas'))}"
    )


def something(dice: random.Random, vault: Path) -> None:
    """What people and programs do to vaults."""
    file, other = some_file(dice, vault), some_file(dice, vault)
    file.parent.mkdir(parents=True, exist_ok=True)
    other.parent.mkdir(parents=True, exist_ok=True)
    text = dice.choice(TEXTS) + dice.choice(("", f"{dice.random()}\n"))
    match dice.randrange(10):
        case 0 | 1 | 2:
            file.write_text(text)
        case 3:
            renamed_over(file, text)
        case 4:
            file.unlink(missing_ok=True)
        case 5 | 6:
            if file.exists() and file.suffix == other.suffix:
                file.rename(other)
        case 7:
            folder, goal = vault / "x", vault / dice.choice(("z/moved", "w"))
            if folder.exists() and not goal.exists():
                goal.parent.mkdir(exist_ok=True)
                folder.rename(goal)
        case 8:
            shutil.rmtree(vault / dice.choice(("x/y", "z", "w")), ignore_errors=True)
        case _:
            file.write_bytes(b"\xff[[a]]\n")


@pytest.mark.thorough
@pytest.mark.parametrize(("poll", "seeds"), spread([(None, 4), (0.2, 2)]))
def test_state_equals_a_fresh_start_after_random_events(
    tmp_path: Path, poll: float | None, seeds: int
) -> None:
    for seed in choose_seeds(seeds):
        dice = random.Random(seed)
        vault = create_vault(tmp_path / f"vault {seed}", SMALL)
        with run_watcher(vault, WatchSettings(poll_seconds=poll, verify=True)) as watched:
            for _ in range(6):
                for _ in range(dice.choice((1, 2, 5, 20))):
                    something(dice, vault)
                    time.sleep(dice.choice((0, 0, 0, 0.005, 0.12)))
                watched.settle()
                assert find_difference(watched.session) is None


def test_watchdog_observer_gives_the_same_results(vault: Path, tmp_path: Path) -> None:
    write_files(tmp_path / "elsewhere", {"far.md": "[[a]]\n"})
    (vault / "link").symlink_to(tmp_path / "elsewhere")
    with run_watcher(vault, WatchSettings(backend_factory=WatchdogBackend)) as watched:
        (vault / "a.md").write_text("[[b]] and [[nowhere]]\n")
        watched.settle()
        (vault / "b.md").rename(vault / "q.md")
        watched.settle()
        write_files(vault, {"new/deep/d.md": "[[nor here]]\n", ".hidden/e.md": "[[x]]\n"})
        watched.settle()
        (tmp_path / "elsewhere" / "far.md").unlink()
        watched.settle()
        assert find_difference(watched.session) is None
    assert watched.list_changes() == [
        "+ planned-note a.md",
        "+ moved-link a.md",
        "+ planned-note new/deep/d.md",
    ]


def test_watchdog_observer_survives_folders_made_at_once(vault: Path) -> None:
    with run_watcher(vault, WatchSettings(backend_factory=WatchdogBackend)) as watched:
        for number in range(40):
            (vault / f"new {number}" / "deep" / "deeper").mkdir(parents=True)
        watched.settle()
        write_files(vault, {"new 7/deep/deeper/d.md": "[[nor here]]\n"})
        watched.settle()
        assert find_difference(watched.session) is None
    assert watched.list_changes() == ["+ planned-note new 7/deep/deeper/d.md"]


STORM = """
import os, sys
from pathlib import Path
many = Path(sys.argv[1])
files = [many / f"n{number}.md" for number in range(700)]
for number in range(100_000):
    os.utime(files[number % 700])
(many / "n1.md").write_text("[[the end]]")
"""


@pytest.mark.thorough
def test_event_storm_is_handled(vault: Path) -> None:
    write_files(vault, {f"many/n{number}.md": f"[[n{number + 1}]]\n" for number in range(700)})
    with run_watcher(vault) as watched:
        subprocess.run([sys.executable, "-c", STORM, str(vault / "many")], check=True)
        watched.settle()
        assert any(
            item.diagnostic.target == "the end" for batch in watched.batches for item in batch.new
        )
        assert find_difference(watched.session) is None
