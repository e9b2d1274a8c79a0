"""What a run keeps for the next one never changes a result, whatever happened in between."""

import functools
import gc
import os
import random
import shutil
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from exploring import TIMES, choose_seeds
from generate import generate_vault
from growth import count_calls_by_name
from repositories import create_repository, update_files
from running import RunCommand, create_vault, write_files
from tables import each
from test_engine import PATHS, SOURCES, assert_same, some_text
from vaultlink import api
from vaultlink.api import find_origin, open_vault
from vaultlink.disk import changes, load, processes, saved_state, workers
from vaultlink.disk.answers import Answer, AnswerStore, Facts, Needs
from vaultlink.disk.cache import Cache
from vaultlink.disk.scan import Settings
from vaultlink.engine.step import step
from vaultlink.fix.forecast import MAX_TRIED
from vaultlink.index import packed_map
from vaultlink.index.packed_map import ColumnBuilder, Keys, PackedMap
from vaultlink.write.cache import save_result

DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "truncated": lambda whole: whole[: len(whole) // 2],
    "flipped in the table": lambda whole: whole[:-70] + bytes([whole[-70] ^ 1]) + whole[-69:],
    "flipped in the values": lambda whole: whole[:60] + bytes([whole[60] ^ 1]) + whole[61:],
    "zeros": lambda whole: bytes(len(whole)),
    "empty": lambda whole: whole[:0],
}


def change_vault(dice: random.Random, vault: Path) -> None:
    """Create, change and delete some files of a vault."""
    for path in dice.sample(PATHS, dice.choice((1, 2, 6))):
        file = vault / path
        if file.exists() and dice.random() < 0.4:
            file.unlink()
        else:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(some_text(dice, path) if path.endswith(SOURCES) else "", "utf-8")
    (vault / "kept.md").write_text("[[a]] and [[Nick]]\n", "utf-8")


def touch_all(vault: Path) -> None:
    """Change the times of all files, as git does."""
    for file in vault.rglob("*.*"):
        os.utime(file, ns=(10**18, 10**18))


def assert_equals_fresh(vault: Path, cache: Path, jobs: int) -> None:
    """Assert that a run with the cache gives the state of one without it.

    Only the cache knows the history.
    """
    cached = open_vault(vault, Settings(cache_dir=cache, jobs=jobs))
    fresh = open_vault(vault, Settings(cache=False, jobs=1))
    history = cached.state.settings.history
    known = step(fresh.state, [], replace(fresh.state.settings, history=history))
    index, whole = cached.index, fresh.index
    for path in sorted(index.files)[:6]:
        assert index.sources_of(path) == whole.backlinks.get(path, ())
    for key in sorted(whole.notes_by_spelling)[:6]:
        assert index.notes_mentioning({key}) == set(whole.notes_by_spelling[key])
    assert_same(cached.state, known)


@each("resaved", [0, 25])
@each("jobs", [1, 3])
@each("seed", choose_seeds(2))
def test_cached_states_equal_fresh_ones(
    seed: int, jobs: int, resaved: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for threshold in ("BYTES", "NOTES", "COMPARED_BYTES"):
        monkeypatch.setattr(workers, f"_FORK_THRESHOLD_{threshold}", 0)
    monkeypatch.setattr(changes, "_MIN_COMPARED", resaved)
    monkeypatch.setattr(load, "_RESAVE_THRESHOLD", resaved)
    monkeypatch.setattr(processes, "_MIN_NOTES", resaved)  # for a scratch file
    monkeypatch.setattr(packed_map, "_MIN_CHUNK", resaved)
    dice, vault, cache = random.Random(seed), tmp_path / "vault", tmp_path / "cache"
    for number in range(8 if TIMES else 5):
        change_vault(dice, vault)
        assert_equals_fresh(vault, cache, jobs)
        if number % 3 == 1:
            touch_all(vault)
            assert_equals_fresh(vault, cache, jobs)
        if number % 4 == 3:
            vault = Path(shutil.copytree(vault, tmp_path / f"copy{number}"))


def test_findings_that_all_vanish_are_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "_FORK_THRESHOLD_NOTES", 0)
    vault, cache = tmp_path / "vault", tmp_path / "cache"
    vault.mkdir()
    for number in range(9):
        (vault / f"{number}.md").write_text("[[written later]]\n", "utf-8")
    assert len(open_vault(vault, Settings(cache_dir=cache)).check()) == 9
    (vault / "written later.md").write_text("text\n", "utf-8")
    assert open_vault(vault, Settings(cache_dir=cache)).check() == []
    assert_equals_fresh(vault, cache, 2)


def test_notes_with_new_times_are_not_analysed_again(tmp_path: Path) -> None:
    vault, cache = tmp_path / "vault", tmp_path / "cache"
    for number in range(40):
        path = vault / f"{number}.md"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"[[{number + 1}]]\n", "utf-8")
    settings = Settings(cache_dir=cache)
    open_vault(vault, settings)
    (state,) = cache.glob("*/state")
    saved = state.read_bytes()
    touch_all(vault)
    again = open_vault(vault, settings)
    assert not list(again.index.notes.keys_changed())
    assert state.read_bytes() == saved
    copied = open_vault(shutil.copytree(vault, tmp_path / "copy"), settings)
    assert not list(copied.index.notes.keys_changed())


def test_changed_run_lists_no_names_and_counts_no_words(tmp_path: Path) -> None:
    notes = {
        f"Tide table {number}.md": f"# Words\n[[Tide tabel {number}]]\n" for number in range(9)
    }
    vault, cache = create_vault(tmp_path / "vault", notes), tmp_path / "cache"
    open_vault(vault, Settings(cache_dir=cache))
    write_files(vault, {"Tide table 1.md": "# Other words\n[[Tide tabel 2]] [[Tides tables]]\n"})
    called = count_calls_by_name(lambda: open_vault(vault, Settings(cache_dir=cache)))
    assert called["find_changed_words"]
    listings = {"list_different_names", "count_name_words", "_count_heading_words"}
    assert listings.isdisjoint(called)
    assert_equals_fresh(vault, cache, 1)


def test_sentences_are_hashed_only_to_compare_them(tmp_path: Path) -> None:
    """Without a cache and git, no later run compares them."""
    vault = create_vault(tmp_path / "vault", {"a.md": "A line. [[b]]\n", "b.md": "# B\nAnother.\n"})
    brief = Settings(cache=False, compare=False)
    assert not count_calls_by_name(lambda: open_vault(vault, brief))["hash_sections"]
    create_repository(tmp_path / "vault", {})
    for settings in (brief, replace(brief, cache=True, cache_dir=tmp_path), Settings(cache=False)):
        assert count_calls_by_name(functools.partial(open_vault, vault, settings))["hash_sections"]


@each("resaved", [0, 25])
def test_state_of_another_vault_gives_no_history(
    resaved: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def find_moves() -> dict[str, str]:
        settings = open_vault(vault, Settings(cache_dir=tmp_path / "cache")).state.settings
        assert "third.md" not in settings.history.deleted
        return dict(settings.history.moves)

    monkeypatch.setattr(saved_state, "RACY_WINDOW_NS", 0)
    monkeypatch.setattr(load, "_RESAVE_THRESHOLD", 0)
    vault = tmp_path / "one"
    vault.mkdir()
    (vault / "links.md").write_text("[[old]] [[first]] [[same]] [[third]]\n", "utf-8")
    for name in ("first", "same", "third"):
        (vault / f"{name}.md").write_text(f"# Text of {name}\n\n[[links]] [[{name}]]\n", "utf-8")
    assert find_moves() == {}
    (vault / "first.md").rename(vault / "second.md")
    assert find_moves() == {"first.md": "second.md"}
    vault = Path(shutil.copytree(vault, tmp_path / "two"))
    monkeypatch.setattr(load, "_RESAVE_THRESHOLD", resaved)
    (vault / "third.md").rename(vault / "other.md")
    shutil.copy2(vault / "same.md", vault / "twin.md")
    for _ in range(3):
        assert find_moves() == {}
        touch_all(vault)
    (vault / "same.md").unlink()
    if resaved:
        assert find_moves() == {}
    (vault / "second.md").rename(vault / "fourth.md")
    for _ in range(3):
        assert find_moves()["second.md"] == "fourth.md"
        os.utime(vault / "fourth.md", ns=(10**18, 10**18))


@each("line", ["%%vaultlink-disable-next-line VL2%%", "text"])
def test_unused_suppression_is_reported_once_after_its_note_is_checked_again(
    line: str, tmp_path: Path
) -> None:
    settings = Settings(cache_dir=tmp_path / "cache")
    vault = create_vault(tmp_path / "vault", {"a.md": f"{line}\n[[b]]\n", "b.md": ""})
    for change in ({}, {"x/b.md": "more\n"}, {"b.md": "more\n"}, {"a.md": f"{line}\n[[a]]\n"}):
        write_files(vault, change)
        found = open_vault(vault, settings)
        assert_same(found.state, open_vault(vault, Settings(cache=False)).state)
        assert sum(d.rule == "unused-ignore" for d in found.check()) == (line != "text")


def test_state_of_another_vault_may_know_an_attachment_that_this_one_lacks(tmp_path: Path) -> None:
    settings = Settings(cache_dir=tmp_path / "cache")
    one, other = tmp_path / "one", tmp_path / "other"
    for vault in (one, other):
        vault.mkdir()
        for name in "abc":
            (vault / f"{name}.md").write_text(f"[[{name}]]\n", encoding="utf-8")
    (one / "map.png").write_bytes(b"png")
    open_vault(one, settings)
    for name in ("d", "e", "f"):
        found = open_vault(other, settings).state
        assert_same(found, open_vault(other, Settings(cache=False)).state)
        (other / f"{name}.md").write_text("new\n", encoding="utf-8")


@pytest.mark.usefixtures("plain_git")
def test_state_of_another_vault_says_nothing_of_notes_outside_the_last_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saved_state, "RACY_WINDOW_NS", 0)
    settings = Settings(cache_dir=tmp_path / "cache")
    vault = create_repository(tmp_path / "one", {"sub/b.md": "x\n", "c.md": "y\n"})
    update_files(vault, {"a/new.md": "[[b]]\n"})
    open_vault(vault, settings)
    update_files(vault, {"b.md": "z\n"})
    retargeted = open_vault(vault, settings)
    assert [item.target for item in retargeted.check() if item.code == "VL124"] == ["b"]
    copied = open_vault(shutil.copytree(vault, tmp_path / "two"), settings)
    assert [item.code for item in copied.check()] == ["VL108"]


@each("has_links", [True, False])
def test_restored_cache_is_taken_over(
    has_links: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: RunCommand
) -> None:
    def refuse(*_names: object) -> None:
        raise OSError

    vault, cache = tmp_path / "vault", tmp_path / "cache"
    vault.mkdir()
    for number in range(300):
        (vault / f"{number}.md").write_text(f"[[{number + 2}]] [[no {number}]]\n" * 9, "utf-8")
    command = ("check", "--cache-dir", str(cache), "--vault")
    first = run(*command, str(vault))
    (state,) = cache.glob("*/state")
    copy = shutil.copytree(vault, tmp_path / "copy")
    if not has_links:
        monkeypatch.setattr(os, "link", refuse)
    (copy / "7.md").write_text("[[no 7]]\n" * 10, "utf-8")
    taken = open_vault(copy, Settings(cache_dir=cache))
    assert list(taken.index.notes.keys_changed()) == ["7.md"]
    (other,) = set(cache.glob("*/state")) - {state}
    assert state.samefile(other) == has_links
    assert other.read_bytes() == state.read_bytes()
    assert (
        other.with_name("answers-concise").read_bytes()
        == state.with_name("answers-concise").read_bytes()
    )
    expected = run("check", "--no-cache", "--vault", str(copy))
    assert run(*command, str(copy)) == expected != first
    for damage in DAMAGE.values():
        shutil.rmtree(other.parent)
        open_vault(copy, Settings(cache_dir=cache))
        other.write_bytes(damage(other.read_bytes()))
        assert run(*command, str(copy)) == expected
        assert run(*command, str(vault)) == first


def test_note_that_gets_a_hard_link_is_not_counted_as_fixable(
    tmp_path: Path, run: RunCommand
) -> None:
    vault = tmp_path / "vault"
    vault.mkdir()
    for name, other in (("one", "TWO"), ("two", "ONE")):
        (vault / f"{name}.md").write_text(f"[[{other}]]\n" * (MAX_TRIED // 2 + 9), "utf-8")
    options = ("check", "--vault", str(vault), "--extend-select", "ALL")
    command = (*options, "--cache-dir", str(tmp_path / "cache"))
    first = run(*command)
    assert run(*command) == first
    os.link(vault / "one.md", tmp_path / "link.md")
    for change in ("one.md", "two.md"):
        expected = run(*options, "--no-cache")
        assert run(*command) == expected != first
        with (vault / change).open("a", encoding="utf-8") as note:
            note.write("[[x]]\n")


@pytest.mark.thorough
@each("damage", DAMAGE)
def test_damaged_state_costs_only_time(damage: str, tmp_path: Path, run: RunCommand) -> None:
    vault = tmp_path / "vault"
    vault.mkdir()
    for number in range(300):
        (vault / f"{number}.md").write_text(f"[[{number + 2}]] [[no {number}]]\n" * 9, "utf-8")
    cache = tmp_path / "cache"
    command = ("check", "--vault", str(vault), "--cache-dir", str(cache))
    first = run(*command)
    (state,) = cache.glob("*/state")
    answer = state.with_name("answer-check-concise")
    for _ in range(2):
        answer.unlink(missing_ok=True)
        state.write_bytes(DAMAGE[damage](state.read_bytes()))
        again = run(*command)
        assert again == first


@each("seed", choose_seeds(20))
def test_packed_map_behaves_as_a_dictionary(seed: int) -> None:
    dice = random.Random(seed)
    keys = [f"k{number}" for number in range(12)]
    expected = {key: dice.randint(0, 5) for key in dice.sample(keys, 8)}
    builder = ColumnBuilder()
    for key in keys:
        builder.add(expected.get(key))
    packed: PackedMap[int] = PackedMap(int, column=builder.build(Keys(lambda: keys)))
    for _ in range(6):
        changes = {key: dice.choice((None, 7, 8)) for key in dice.sample([*keys, "new"], 3)}
        packed = packed.with_changes(changes)
        expected = {
            key: value for key, value in {**expected, **changes}.items() if value is not None
        }
        if dice.random() < 0.3:
            packed = packed.folded()
        assert dict(packed) == expected
        assert len(packed.with_changes({})) == len(packed) == len(expected)
        assert {key for key in (*keys, "new", "other") if key in packed} == expected.keys()
        column = packed.pack_column(Keys(lambda: [*keys, "new"]))
        assert dict(PackedMap(int, column=column)) == expected
    packed.unpack_all()
    assert dict(packed) == expected


@pytest.mark.thorough
@each("jobs", [1, 2, 5])
def test_progress_never_passes_its_total(
    tmp_path: Path, jobs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for threshold in ("BYTES", "NOTES"):
        monkeypatch.setattr(workers, f"_FORK_THRESHOLD_{threshold}", 0)
    vault = tmp_path / "vault"
    vault.mkdir()
    for number in range(150):
        (vault / f"n{number}.md").write_text(f"n{number} [[n1]]\n" * 300)
    seen: list[tuple[int, int]] = []
    for _ in range(2):  # the second time, all notes have new times
        open_vault(
            vault,
            Settings(cache_dir=tmp_path / "cache", jobs=jobs),
            lambda done, total: seen.append((done, total)),
        )
        for file in vault.iterdir():
            os.utime(file)
    assert seen
    assert all(0 <= done <= total for done, total in seen), seen


def test_killed_fork_costs_only_time() -> None:
    parent = os.getpid()

    def work(part: list[str], _done: object) -> list[str]:
        if os.getpid() != parent:
            os.kill(os.getpid(), 9)
        return part

    items = [str(number) for number in range(100)]
    parts = processes.run_parts(work, items, 3, list[str])  # type: ignore[arg-type]
    assert [item for part in parts for item in part] == items


OTHERS = {
    "plain.md": "[[linked#Head]]\n",
    "head.md": "",
    "titled.md": "---\n",
}
NEEDS = {
    "own.md": Needs(),
    "named.md": Needs(names=True),
    "other.md": Needs(notes=("plain.md",)),
    "linked.md": Needs(links=True),
    "locked.md": Needs(is_locked=False),
    "writable.md": Needs(is_locked=False),
    "styled.md": Needs(style=True),
    "topic.md": Needs(targets=("more",)),
    "worded.md": Needs(words=("less",)),
    "apart.md": Needs(unchecked=("head.md",)),
    "never.md": None,
}


@each(
    ("changed", "added", "invalid"),
    [
        ([], "", []),
        (["own.md"], "[[most]]", ["own.md"]),
        (["own.md"], "[[more]]", ["own.md", "topic.md"]),
        (["own.md"], "# No less", ["own.md", "worded.md"]),
        (["own.md"], "[[Less is more]]", ["own.md", "worded.md"]),
        (["own.md"], "[[plain]]", ["own.md", "styled.md"]),
        (["own.md"], "[[head]]", ["own.md", "styled.md", "apart.md"]),
        (["head.md"], "", ["apart.md"]),
        (["plain.md"], "", ["other.md", "linked.md"]),
        (["new.md"], "", ["named.md", "styled.md"]),
        (["own.md", "new.md"], "", ["own.md", "named.md", "styled.md"]),
        (["titled.md"], "title: Another", ["named.md", "styled.md"]),
        (["titled.md"], "aliases: [Another]", ["named.md", "styled.md"]),
        (["titled.md"], "tags: [another]", []),
        (
            ["writable (Conflicted copy Phone 202401311015).md"],
            "",
            ["named.md", "styled.md", "writable.md"],
        ),
    ],
)
def test_answers_hold_until_what_they_need_changes(
    changed: list[str],
    added: str,
    invalid: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(load, "_SMALL_VAULT", 0)
    (tmp_path / "vault").mkdir()
    for path in (*NEEDS, "plain.md", "head.md", "titled.md"):
        text = OTHERS.get(path, "# Head\n[[gone]]\n")
        (tmp_path / "vault" / path).write_text(text, "utf-8")
    store, cache = open_answers(tmp_path)
    answers = {path: Answer(path.encode(), Facts(needs)) for path, needs in NEEDS.items()}
    data = store.encode({}, answers)
    assert data is not None
    assert store.key is not None
    save_result(cache, store.key, data, store.kind)
    for path in changed:
        with (tmp_path / "vault" / path).open("a", encoding="utf-8") as file:
            file.write(f"{added}\n---\n" if path == "titled.md" else f"{added}\n")
    touch_all(tmp_path / "vault")
    found = open_answers(tmp_path)[0].load()
    assert NEEDS.keys() - found == {"never.md", "locked.md", *invalid}
    assert all(found[path] == answers[path] for path in found)
    assert open_answers(tmp_path, "others")[0].load() == {}
    assert open_answers(tmp_path)[0].encode(found, {"own.md": answers["never.md"]}) is None


def open_answers(folder: Path, variant: str = "") -> tuple[AnswerStore[Facts], Cache]:
    """Return the answers about a vault, in which one note can't be written any more."""
    vault = open_vault(folder / "vault", Settings(cache_dir=folder / "cache"))
    cache = vault.scan.open_cache()
    assert cache is not None
    store = AnswerStore(
        *(vault.scan, vault.state, find_origin(vault), "test", variant, Facts),
        lambda path: path == "locked.md",
    )
    return store, cache


@pytest.mark.thorough
@pytest.mark.skipif(sys.platform == "win32", reason="needs forks and files without a name")
def test_first_run_takes_at_most_3_kb_of_memory_a_note(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "_MIN_NOTES", 0)
    for threshold in ("BYTES", "NOTES"):
        monkeypatch.setattr(workers, f"_FORK_THRESHOLD_{threshold}", 0)
    monkeypatch.setattr(PackedMap, "max_remembered", 1)
    sizes = {}
    for notes in (50, 100, 400):  # the first one loads what others need
        folder, cache = tmp_path / str(notes), tmp_path / f"cache {notes}"
        generate_vault(folder, notes)
        forget_results()
        tracemalloc.start()
        vault = open_vault(folder, Settings(cache_dir=cache, jobs=2))
        forget_results()
        sizes[notes] = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        assert len(vault.index.notes) > notes
    assert (sizes[400] - sizes[100]) / 300 <= 3_000
    assert [path.name for path in cache.iterdir() if path.is_file()] == ["rules"]


def forget_results() -> None:
    """Empty the caches of functions, which have a size of their own."""
    gc.unfreeze()
    for item in gc.get_objects():
        if isinstance(item, functools._lru_cache_wrapper):
            item.cache_clear()
    gc.collect()
    gc.freeze()


@pytest.mark.skipif(sys.platform != "linux", reason="needs a device that is always full")
def test_full_disk_costs_only_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_MIN_NOTES", 0)
    for threshold in ("BYTES", "NOTES"):
        monkeypatch.setattr(workers, f"_FORK_THRESHOLD_{threshold}", 0)
    opened = []

    def open_full(folder: Path) -> object:
        opened.append(folder)
        return open("/dev/full", "r+b", buffering=0)  # noqa: PTH123 - the spool closes it

    monkeypatch.setattr(api, "open_scratch_file", open_full)
    vault = tmp_path / "vault"
    generate_vault(vault, 40)
    assert_equals_fresh(vault, tmp_path / "cache", 2)
    assert opened == [tmp_path / "cache"]


@pytest.mark.thorough
def test_run_with_other_rules_leaves_the_saved_state_to_the_settings(
    tmp_path: Path, run: RunCommand
) -> None:
    vault = create_vault(
        tmp_path / "vault",
        {f"{number}.md": f"[[{number + 1}]] [[no {number}]]\n" for number in range(400)},
    )
    options = ("--vault", str(vault), "--cache-dir", str(tmp_path / "cache"))
    time.sleep(0.1)
    first = run("check", *options)
    (state,) = (tmp_path / "cache").glob("*/state")
    saved = state.read_bytes()
    sections = run("sections", "check", *options)
    assert run("check", "--select", "orphan-note", *options) != first
    assert state.read_bytes() == saved
    (vault / "1.md").write_text("[[3]]\n", encoding="utf-8")
    for words in (("check",), ("sections", "check"), ("check", "--select", "orphan-note")):
        assert run(*words, *options) == run(*words, *options, "--no-cache")
    assert state.read_bytes() == saved
    assert sections.code == 1
