"""Tests of the vault that is kept warm: it follows the disk, and held texts win."""

import gc
import os
import random
import shutil
import subprocess
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from exploring import TIMES, choose_seeds
from repositories import git
from running import create_vault, damage_states, write_files
from tables import each
from vaultlink.api import Vault, open_vault
from vaultlink.disk.scan import Settings, scan_vault
from vaultlink.errors import ConfigError, DamagedCacheError, UsageError, VaultError
from vaultlink.fix.requests import DeleteRequest, RenameRequest
from vaultlink.model import PendingWrite
from vaultlink.refactor.relocation import RefusedError
from vaultlink.report.pages import Page
from vaultlink.serve.answers import ToolAnswer
from vaultlink.serve.questions import list_mentions, list_unresolved_topics
from vaultlink.serve.workspace import Workspace
from vaultlink.watch.loop import build_fresh_state, iterate_differences
from vaultlink.write.journal import record_and_write
from watched import NAMES, PLACES, TEXTS

SMALL = {"a.md": "[[b]] and [[c]]\n", "b.md": "# B\n", "x/c.md": "[[a]]\n"}
PLAIN = Settings(cache=False)


@pytest.fixture
def vault(tmp_path: Path) -> Path:
    """Create a small vault without broken links."""
    return create_vault(tmp_path / "vault", SMALL)


@pytest.fixture
def workspace(vault: Path) -> Iterator[Workspace]:
    """Open a workspace on the vault."""
    opened = Workspace(scan_vault(vault, PLAIN))
    yield opened
    opened.close()


def list_findings(vault: Vault) -> list[str]:
    """Return the findings as rule, path and target."""
    return [f"{item.rule} {item.path} {item.target or ''}".strip() for item in vault.check()]


def find_first_difference(vault: Vault) -> str | None:
    """Return the first difference from a fresh start that holds the same texts."""
    time.sleep(0.06)  # files that changed but now are not compared
    return next(iterate_differences(vault.state, build_fresh_state(vault)), None)


# -- the disk -----------------------------------------------------------------------------------------------------------


def test_refresh_takes_over_what_changed_on_disk(vault: Path, workspace: Workspace) -> None:
    assert list_findings(workspace.refresh()) == []
    (vault / "a.md").write_text("[[b]] and [[nowhere]]\n")
    (vault / "x" / "c.md").rename(vault / "x" / "d.md")
    write_files(vault, {"new/e.md": "[[none]]\n"})
    assert list_findings(workspace.refresh()) == [
        "planned-note a.md nowhere",
        "planned-note new/e.md none",
    ]
    assert find_first_difference(workspace.vault) is None


@each("is_seen_between", [False, True])
def test_refresh_knows_the_name_that_a_run_gave_before_the_note_was_renamed_again(
    vault: Path, workspace: Workspace, tmp_path: Path, is_seen_between: bool
) -> None:
    text = "".join(f"Line {number} says something of its own.\n" for number in range(9))
    write_files(vault, {"One.md": text, "Home.md": "[[One]]\n"})
    assert list_findings(workspace.refresh()) == []
    edit = PendingWrite("Home.md", b"[[One]]\n", b"[[Two]]\n")
    record_and_write(vault, "rename", "", [edit], moves={"One.md": "Two.md"})
    (vault / "Two.md").rename(tmp_path / "Two.md")
    if is_seen_between:
        assert list_findings(workspace.refresh()) == ["dangling-link Home.md Two"]
    (tmp_path / "Two.md").rename(vault / "Three.md")
    write_files(vault, {"Hand.md": "[[One]]\n"})
    assert list_findings(workspace.refresh()) == [
        "moved-link Hand.md One",
        "moved-link Home.md Two",
    ]
    (vault / "Three.md").rename(vault / "Four.md")
    moves = workspace.refresh().state.settings.history.moves
    assert moves == {f"{name}.md": "Four.md" for name in ("One", "Two", "Three")}


def test_refresh_of_an_unchanged_vault_returns_the_same_vault(workspace: Workspace) -> None:
    time.sleep(0.06)
    first = workspace.refresh()
    assert workspace.refresh() is first is workspace.vault


def test_changes_are_seen_after_the_vault_was_folded(vault: Path, workspace: Workspace) -> None:
    (vault / "a.md").write_text("[[b]] and [[nowhere]]\n")
    assert list_findings(workspace.refresh()) == ["planned-note a.md nowhere"]
    workspace.fold()
    assert list_findings(workspace.vault) == ["planned-note a.md nowhere"]
    (vault / "a.md").write_text(SMALL["a.md"])
    assert list_findings(workspace.refresh()) == []
    assert find_first_difference(workspace.vault) is None


def test_new_note_is_found_by_the_names_it_mentions_after_the_vault_was_folded(
    vault: Path, workspace: Workspace
) -> None:
    (vault / "new.md").write_text("[[later]]\n")
    assert list_findings(workspace.refresh()) == ["planned-note new.md later"]
    workspace.fold()
    (vault / "later.md").write_text("")
    assert list_findings(workspace.refresh()) == []


def test_moves_are_followed(vault: Path, workspace: Workspace) -> None:
    write_files(vault, {"long.md": "# A long note\n\nwith some text\n", "to.md": "[[long]]\n"})
    workspace.refresh()
    (vault / "long.md").rename(vault / "other.md")
    [finding] = workspace.refresh().check()
    assert (finding.rule, finding.path) == ("moved-link", "to.md")


def test_new_settings_take_effect_and_wrong_ones_are_refused_until_they_are_right(
    vault: Path, workspace: Workspace
) -> None:
    (vault / "a.md").write_text("[[nowhere]]\n")
    assert list_findings(workspace.refresh()) == ["planned-note a.md nowhere"]
    (vault / "vaultlink.toml").write_text('ignore = ["VL125"]\n')
    assert list_findings(workspace.refresh()) == []
    (vault / "vaultlink.toml").write_text('ignored = ["VL125"]\n')
    for _ in range(2):
        with pytest.raises(ConfigError):
            workspace.refresh()
    (vault / "vaultlink.toml").unlink()
    assert list_findings(workspace.refresh()) == ["planned-note a.md nowhere"]
    assert find_first_difference(workspace.vault) is None


def test_missing_vault_is_an_error_until_it_is_back(vault: Path, workspace: Workspace) -> None:
    workspace.hold("a.md", "[[nowhere]]\n")
    vault.rename(vault.with_name("elsewhere"))
    for _ in range(2):
        with pytest.raises(VaultError, match="does not exist"):
            workspace.refresh()
    assert list_findings(workspace.vault) == ["planned-note a.md nowhere"]
    create_vault(vault, {"b.md": "[[a]] [[q]]\n"})
    expected = ["planned-note a.md nowhere", "planned-note b.md q"]
    assert list_findings(workspace.refresh()) == expected
    (vault / "b.md").write_text("[[a]]\n")
    assert list_findings(workspace.refresh()) == ["planned-note a.md nowhere"]


def test_vault_without_notes_is_an_error_until_it_has_some(
    vault: Path, workspace: Workspace
) -> None:
    for path in SMALL:
        (vault / path).unlink()
    for _ in range(2):
        with pytest.raises(VaultError, match="no note"):
            workspace.refresh()
    (vault / "a.md").write_text("[[b]]\n")
    assert list_findings(workspace.refresh()) == ["dangling-link a.md b"]


def change_hidden(vault: Path, _outside: Path) -> None:
    (vault / ".vaultlink-12345-abcdef-0.tmp").write_text("text")
    (vault / "x/.obsidian").mkdir()
    (vault / ".Gone.md.icloud").write_text("text")


def change_back(vault: Path, _outside: Path) -> None:
    (vault / ".vaultlink-12345-abcdef-0.tmp").unlink()
    (vault / "x/.obsidian").rmdir()
    (vault / ".Gone.md.icloud").unlink()


def change_by_another_name(_vault: Path, outside: Path) -> None:
    (outside / "a.md").write_text("[[Elsewhere]]\n")


def link_from_outside(vault: Path, outside: Path) -> None:
    (outside / "port.md").write_text("[[port]]\n")
    (vault / "port.md").hardlink_to(outside / "port.md")


def change_what_was_linked(_vault: Path, outside: Path) -> None:
    (outside / "port.md").write_text("[[Somewhere]]\n")


def change_kind(vault: Path, outside: Path) -> None:
    (vault / "b.md").unlink()
    (vault / "b.md").symlink_to(outside / "a.md")
    os.mkfifo(vault / "pipe.md")


def change_case(vault: Path, _outside: Path) -> None:
    (vault / "b.md").rename(vault / "B.md")


def keep_times(vault: Path, _outside: Path) -> None:
    file = vault / "x/c.md"
    status, text = file.stat(), file.read_text()
    file.write_text(text.replace("[[a]]", "[[q]]"))
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))


def move_folder(vault: Path, outside: Path) -> None:
    (vault / "x").rename(outside / "x")


@each(
    "changes",
    [
        [change_hidden, change_back],
        [change_by_another_name],
        [link_from_outside, change_what_was_linked],
        [change_kind],
        [change_case],
        [keep_times],
        [move_folder],
    ],
    ids=lambda changes: changes[0].__name__,
)
def test_odd_changes_are_seen(
    vault: Path, tmp_path: Path, changes: list[Callable[[Path, Path], None]]
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "a.md").hardlink_to(vault / "a.md")
    workspace = Workspace(scan_vault(vault, PLAIN))
    for change in changes:
        workspace.refresh()
        change(vault, outside)
        assert find_first_difference(workspace.refresh()) is None
    workspace.close()


def test_other_places_where_git_finds_what_it_ignores(
    vault: Path, workspace: Workspace, tmp_path: Path
) -> None:
    git(vault, "init", "--quiet")
    ignored = tmp_path / "ignored"
    for text in ("b.md\n", "x/\n"):
        git(vault, "config", "core.excludesFile", str(ignored))
        ignored.write_text(text)
        workspace.refresh()
        assert find_first_difference(workspace.vault) is None


def test_folder_that_is_mounted_over(vault: Path, workspace: Workspace) -> None:
    """No event tells of it."""
    mount = ["mount", "-t", "tmpfs", "tmpfs", str(vault / "x")]
    workspace.refresh()
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root can mount, on Linux")
    try:
        for text in ("[[One]]\n", "[[Two]]\n"):
            assert find_first_difference(workspace.refresh()) is None
            (vault / "x/c.md").write_text(text)
            assert find_first_difference(workspace.refresh()) is None
    finally:
        subprocess.run(["umount", str(vault / "x")], check=True)
    assert find_first_difference(workspace.refresh()) is None


# -- held texts ---------------------------------------------------------------------------------------------------------


def test_held_text_wins_over_the_disk(vault: Path, workspace: Workspace) -> None:
    workspace.hold("a.md", "[[held]]\n")
    (vault / "a.md").write_text("[[disk]]\n")
    (vault / "b.md").write_text("[[also]]\n")
    assert list_findings(workspace.refresh()) == [
        "planned-note a.md held",
        "planned-note b.md also",
    ]
    workspace.release("a.md")
    assert list_findings(workspace.vault) == ["planned-note a.md disk", "planned-note b.md also"]
    assert find_first_difference(workspace.vault) is None


def test_held_note_needs_no_file(vault: Path, workspace: Workspace) -> None:
    workspace.hold("draft.md", "[[a]] [[none]]\n")
    assert list_findings(workspace.refresh()) == ["planned-note draft.md none"]
    assert workspace.vault.find("draft") == "draft.md"
    assert not (vault / "draft.md").exists()
    workspace.release("draft.md")
    assert workspace.refresh().find("draft") is None


def test_held_note_stays_when_its_file_is_deleted(vault: Path, workspace: Workspace) -> None:
    workspace.hold("b.md", "# Held\n")
    (vault / "b.md").unlink()
    assert list_findings(workspace.refresh()) == []
    workspace.release("b.md")
    assert list_findings(workspace.vault) == ["dangling-link a.md b"]
    assert find_first_difference(workspace.vault) is None


def test_note_that_was_renamed_while_its_text_was_held_is_followed_when_released(
    vault: Path, workspace: Workspace
) -> None:
    write_files(vault, {"long.md": "# A long note\n\nwith some text\n", "to.md": "[[long]]\n"})
    workspace.refresh()
    workspace.hold("long.md", "# A long note\n\nwith some text\nand more\n")
    (vault / "long.md").rename(vault / "other.md")
    workspace.release("long.md")
    [finding] = workspace.refresh().check()
    assert (finding.rule, finding.path) == ("moved-link", "to.md")


def test_release_of_a_text_that_is_not_held_changes_nothing(workspace: Workspace) -> None:
    before = workspace.refresh()
    workspace.release("a.md")
    assert workspace.vault is before


@each(
    "path",
    ["../a.md", "/a.md", "x/../a.md", "a.png", ".obsidian/a.md", "", "x//a.md", "a.md/", "a\0.md"],
)
def test_path_that_no_note_has_is_not_held(workspace: Workspace, path: str) -> None:
    before = workspace.vault
    with pytest.raises(VaultError, match="not the path of a note"):
        workspace.hold(path, "text\n")
    assert workspace.vault is before


def test_suggestions_of_vaults_that_took_the_place_of_others(workspace: Workspace) -> None:
    workspace.hold("Meeting notes.md", "[[Meetnig notes]]\n")
    for number in range(5):
        workspace.hold(f"Weekly report {number}.md", "[[Weekyl report]]\n")
        if number % 2:
            workspace.fold()
        gc.collect()
        assert [item.path for item in workspace.vault.suggest("Meetnig notes")] == [
            "Meeting notes.md"
        ]
        assert workspace.vault.check()


# -- plans --------------------------------------------------------------------------------------------------------------

RENAME = (RenameRequest("b", "new name"),)


def read_files(vault: Path) -> dict[str, str]:
    """Return the texts of all notes by vault path."""
    return {path.relative_to(vault).as_posix(): path.read_text() for path in vault.rglob("*.md")}


def test_plan_is_applied_and_undone_and_the_vault_follows(
    vault: Path, workspace: Workspace
) -> None:
    stored = workspace.plan(RENAME)
    assert read_files(vault) == SMALL
    result = workspace.apply(stored.id)
    expected = {"a.md": "[[new name]] and [[c]]\n", "new name.md": "# B\n", "x/c.md": "[[a]]\n"}
    assert (read_files(vault), result.skipped) == (expected, ())
    assert workspace.vault.find("new name") == "new name.md"
    assert find_first_difference(workspace.vault) is None
    undone = workspace.undo(result.run_id)
    assert (read_files(vault), undone.skipped) == (SMALL, ())
    assert workspace.vault.find("b") == "b.md"
    assert find_first_difference(workspace.vault) is None


@each("folds", [False, True])
def test_plan_is_applied_after_changes_that_do_not_concern_it(
    vault: Path, workspace: Workspace, folds: bool
) -> None:
    stored = workspace.plan(RENAME)
    if folds:
        workspace.fold()
    (vault / "x" / "c.md").write_text("[[a]] and more\n")
    workspace.apply(stored.id)
    assert (vault / "a.md").read_text() == "[[new name]] and [[c]]\n"


@each(
    ("path", "text", "named"),
    [("a.md", "[[b]] and more\n", "a.md"), ("z.md", "[[b]]\n", "z.md"), ("b.md", None, "b")],
)
def test_plan_is_refused_if_it_would_write_something_else(
    vault: Path, workspace: Workspace, path: str, text: str | None, named: str
) -> None:
    stored = workspace.plan(RENAME)
    if text is None:
        (vault / path).unlink()
    else:
        (vault / path).write_text(text)
    before = read_files(vault)
    with pytest.raises(UsageError, match=named):
        workspace.apply(stored.id)
    assert read_files(vault) == before


def test_plan_does_not_overwrite_unsaved_texts(vault: Path, workspace: Workspace) -> None:
    workspace.hold("a.md", "[[b]] unsaved\n")
    stored = workspace.plan(RENAME)
    with pytest.raises(RefusedError, match=r"unsaved texts would be lost: a\.md"):
        workspace.apply(stored.id)
    assert read_files(vault) == SMALL
    workspace.release("a.md")
    with pytest.raises(RefusedError, match=r"a\.md"):
        workspace.apply(stored.id)
    workspace.apply(workspace.plan(RENAME).id)
    assert (vault / "a.md").read_text() == "[[new name]] and [[c]]\n"


def test_plan_is_applied_once_and_only_the_last_plans_are_kept(workspace: Workspace) -> None:
    first, *others = [workspace.plan(RENAME) for _ in range(21)]
    for plan_id in (first.id, "unknown"):
        with pytest.raises(UsageError, match="there is no plan"):
            workspace.apply(plan_id)
    workspace.apply(others[0].id)
    with pytest.raises(UsageError, match="there is no plan"):
        workspace.apply(others[0].id)
    with pytest.raises(UsageError):  # there is no note of this name any more
        workspace.apply(others[1].id)


def test_only_the_newest_plan_keeps_its_states_until_it_is_applied(workspace: Workspace) -> None:
    first = workspace.plan(RENAME)
    name, states = first.id, [weakref.ref(first.plan.after.index)]
    del first
    states.append(weakref.ref(workspace.plan(RENAME).plan.after.index))
    gc.collect()
    assert [index() is None for index in states] == [True, False]
    workspace.apply(name)
    gc.collect()
    assert states[1]() is None


def test_held_text_leaves_no_state_behind(vault: Path, workspace: Workspace) -> None:
    workspace.refresh()
    (vault / "b.md").unlink()  # the vault knows a file that is gone
    index = weakref.ref(workspace.refresh().holding("a.md", "[[b]] and [[none]]\n").index)
    assert index() is None


def test_tidied_vault_is_the_same(vault: Path, workspace: Workspace) -> None:
    write_files(vault, {"a.md": "[[b]] and [[nowhere]]\n", "new/e.md": "[[none]]\n"})
    workspace.refresh()
    workspace.tidy()
    assert find_first_difference(workspace.refresh()) is None


@each("ask", [list_unresolved_topics, list_mentions])
def test_answers_of_a_kept_search_are_those_of_a_new_one(
    vault: Path, workspace: Workspace, ask: Callable[[Vault, Page], ToolAnswer]
) -> None:
    before = list_rows(ask, workspace.refresh())
    write_files(vault, {"a.md": "[[Nowhere]] by Annabel Lee\n", "Annabel Lee.md": "[[None]]\n"})
    first = list_rows(ask, workspace.refresh())
    workspace.tidy()
    assert list_rows(ask, workspace.vault) == first != before
    assert list_rows(ask, open_vault(vault, PLAIN)) == first


def list_rows(ask: Callable[[Vault, Page], ToolAnswer], vault: Vault) -> list[object]:
    """Return the counts and the rows of an answer."""
    answer = ask(vault, Page(50))
    return [answer.counts, *answer.rows]


def test_deletion_to_the_trash_and_its_undo_are_followed(vault: Path, workspace: Workspace) -> None:
    result = workspace.apply(workspace.plan([DeleteRequest(("b",), "unlink")]).id)
    assert workspace.vault.find("b") is None
    assert find_first_difference(workspace.vault) is None
    workspace.undo(result.run_id)
    assert read_files(vault) == SMALL
    assert find_first_difference(workspace.vault) is None


# -- a damaged cache ----------------------------------------------------------------------------------------------------


@pytest.fixture
def cached(tmp_path: Path) -> Iterator[Workspace]:
    """Open a workspace whose notes are in a cache file."""
    texts = {f"n{number}.md": f"[[n{number + 1}]] [[no {number}]]\n" * 9 for number in range(300)}
    vault = create_vault(tmp_path / "vault", {**texts, "a.md": "[[b]]\n", "b.md": "# B\n"})
    time.sleep(0.06)  # else all notes are read again at the first look
    opened = Workspace(scan_vault(vault, Settings(cache_dir=tmp_path / "cache")))
    yield opened
    opened.close()


def test_damaged_cache_is_read_again_with_the_held_texts(cached: Workspace) -> None:
    cached.hold("a.md", "[[held]]\n")
    damage_states(cached.root.parent / "cache")
    with pytest.raises(DamagedCacheError) as raised:
        list(cached.vault.index.notes.values())
    cached.recover(raised.value)
    assert [item.target for item in cached.vault.check() if item.path == "a.md"] == ["held"]
    assert len(cached.vault.check()) == 1 + 301 * 9
    assert find_first_difference(cached.refresh()) is None


Result = TypeVar("Result")


def call_again_if_damaged(workspace: Workspace, work: Callable[[], Result]) -> Result:
    """Do what the server does: open the vault again, and repeat a call that has written nothing."""
    try:
        return work()
    except DamagedCacheError as error:
        workspace.recover(error)
        return work()


@each("is_cleaned", [False, True], ids=["damaged", "damaged and deleted"])
def test_damaged_cache_causes_no_second_write(cached: Workspace, is_cleaned: bool) -> None:
    def damage() -> None:
        damage_states(cached.root.parent / "cache")
        if is_cleaned:
            shutil.rmtree(cached.root.parent / "cache")

    cached.apply(cached.plan([RenameRequest("b", "one")]).id)
    stored = cached.plan([RenameRequest("one", "two")])
    damage()
    call_again_if_damaged(cached, lambda: cached.apply(stored.id))
    assert cached.vault.find("two") == "two.md"
    assert call_again_if_damaged(cached, lambda: find_first_difference(cached.refresh())) is None
    damage()
    call_again_if_damaged(cached, cached.undo)
    assert cached.vault.find("one") == "one.md"
    assert call_again_if_damaged(cached, lambda: find_first_difference(cached.refresh())) is None


def test_what_was_written_is_followed_though_the_cache_is_damaged_then(cached: Workspace) -> None:
    result = cached.vault.apply(cached.plan([RenameRequest("n1", "new/one")]).plan)
    write_files(cached.root, {f"no {number}.md": "" for number in range(100, 300)})
    damage_states(cached.root.parent / "cache")
    cached._follow(result)
    assert cached.vault.find("one") == "new/one.md"
    assert find_first_difference(cached.refresh()) is None


# -- random changes -----------------------------------------------------------------------------------------------------

STEPS = 40
"""Changes of a vault in each example; 2,000 in `make explore`."""


def change_something(dice: random.Random, vault: Path, workspace: Workspace) -> None:
    """Do what people, programs and editors do: half of it in unsaved texts."""
    path, other = (
        f"{dice.choice(PLACES)}{dice.choice(NAMES)}{dice.choice(('.md', '.md', '.md', '.canvas'))}"
        for _ in range(2)
    )
    file, goal = vault / path, vault / other
    file.parent.mkdir(parents=True, exist_ok=True)
    goal.parent.mkdir(parents=True, exist_ok=True)
    text = dice.choice(TEXTS) + dice.choice(("", f"{dice.random()}\n"))
    match dice.randrange(14):
        case 0 | 1 | 2:
            file.write_text(text)
        case 3 | 4:
            if file.exists() and file.suffix == goal.suffix:
                file.rename(goal)
        case 5:
            file.unlink(missing_ok=True)
        case 6:
            file.write_bytes(b"\xff[[a]]\n")
        case 7:
            shutil.rmtree(vault / dice.choice(("x/y", "z")), ignore_errors=True)
        case 8 | 9 | 10 | 11:
            workspace.hold(path, text)
        case _:
            held = sorted(workspace.vault.overlays)
            workspace.release(dice.choice(held) if held else path)


@pytest.mark.thorough
def test_state_equals_a_fresh_start_with_the_held_texts(tmp_path: Path) -> None:
    for seed in choose_seeds(4) if not TIMES else (TIMES,):
        dice = random.Random(seed)
        vault = create_vault(tmp_path / f"vault {seed}", {**SMALL, "kept.md": "[[a]]\n"})
        workspace = Workspace(scan_vault(vault, PLAIN))
        for number in range(STEPS if not TIMES else 2_000):
            change_something(dice, vault, workspace)
            if dice.random() < 0.4:
                workspace.refresh()
            if dice.random() < 0.1:
                workspace.fold()
            if number % 20 == 19:
                assert find_first_difference(workspace.refresh()) is None, (seed, number)
        workspace.close()
