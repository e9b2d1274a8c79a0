"""A rename in Obsidian beside `watch --fix`: who changes the links, and that nothing is lost.

docs/watching.md says the same. Obsidian is simulated (`simulated_obsidian.py`), and so is time.
"""

import random
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from exploring import spread
from simulated_obsidian import (
    LINK,
    WAYS,
    Editor,
    Obsidian,
    Simulation,
    note_name,
    read_targets,
    read_words,
)
from vaultlink.watch.events import Debounce
from vaultlink.write.journal_files import list_runs

RENAMED_AT = 6.0
DEBOUNCE = Debounce()
FORMS = ("[[{}]]", "[[{}|words]]", "[[{}#Part]]", "![[{}]]", "[words]({}.md)", "[[{}#Part|p]]")


def open_linked_vault(folder: Path, notes: int, debounce: Debounce = DEBOUNCE) -> Simulation:
    """Return a watched vault in which notes link to `b`."""
    files = {"b.md": "# B\n\nThe note that all others link to, in words of its own.\n"}
    for number in range(notes):
        text = f"# Note {number}\n\nIts own words: {number * 7919}.\n\nSee [[b]].\n"
        files[f"n{number:04}.md"] = text
    return Simulation(folder / "vault", files, debounce).run(5.0)


def count_links(simulation: Simulation) -> Counter[str]:
    """Return the links of the notes, with how many notes have each."""
    texts = [simulation.read(path) for path in simulation.files if path != "b.md"]
    return Counter(match[0] for text in texts for match in LINK.finditer(text))


def list_times(simulation: Simulation, author: str) -> list[float]:
    """Return the seconds after the rename at which an author wrote."""
    times = {write.when - RENAMED_AT for write in simulation.writes if write.author == author}
    return [round(time, 1) for time in sorted(times)]


# -- who changes the links --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("notes", "pause"), [(30, 0.001), (200, 0.01), (60, 0.6)])
def test_obsidian_updates_at_once(tmp_path: Path, way: str, notes: int, pause: float) -> None:
    simulation = open_linked_vault(tmp_path, notes)
    Obsidian(simulation, way=way, pause=pause).rename(RENAMED_AT, "b.md", "q.md")
    simulation.run(120.0)
    assert count_links(simulation) == {"[[q]]": notes}
    assert list_times(simulation, "vaultlink") == []
    assert list_runs(simulation.root) == []


@pytest.mark.thorough
@pytest.mark.parametrize("way", spread(WAYS))
def test_obsidian_takes_longer_than_the_maximum_delay(tmp_path: Path, way: str) -> None:
    """It needs 40 seconds, and the watcher waits for its end."""
    simulation = open_linked_vault(tmp_path, 160)
    assert simulation.debounce.fix_max_delay < 160 * 0.25
    Obsidian(simulation, way=way, pause=0.25).rename(RENAMED_AT, "b.md", "q.md")
    simulation.run(200.0)
    assert count_links(simulation) == {"[[q]]": 160}
    assert list_times(simulation, "vaultlink") == []


@pytest.mark.parametrize("notes", [1, 200])
def test_obsidian_does_not_update(tmp_path: Path, notes: int) -> None:
    simulation = open_linked_vault(tmp_path, notes)
    Obsidian(simulation, answer=None).rename(RENAMED_AT, "b.md", "q.md")
    simulation.run(120.0)
    assert count_links(simulation) == {"[[q|b]]": notes}
    [when] = list_times(simulation, "vaultlink")
    assert 3.0 <= when <= 6.3
    assert len(list_runs(simulation.root)) == 1


@pytest.mark.parametrize(
    ("way", "link", "writes"), [("compares", "[[q|b]]", 0), ("overwrites", "[[q]]", 40)]
)
def test_obsidian_asks_and_is_answered_after_a_minute(
    tmp_path: Path, way: str, link: str, writes: int
) -> None:
    simulation = open_linked_vault(tmp_path, 40)
    Obsidian(simulation, way=way, answer=60.0).rename(RENAMED_AT, "b.md", "q.md")
    simulation.run(30.0)
    assert count_links(simulation) == {"[[q|b]]": 40}
    simulation.run(120.0)
    assert count_links(simulation) == {link: 40}
    assert simulation.count_writes("Obsidian") == writes
    assert len(list_times(simulation, "vaultlink")) == 1


@pytest.mark.parametrize("answer", [0.0, 60.0, None])
@pytest.mark.parametrize("way", WAYS)
def test_open_note_with_unsaved_changes(tmp_path: Path, way: str, answer: float | None) -> None:
    """What was typed stays, and a link that the editor writes back is changed again."""
    simulation = open_linked_vault(tmp_path, 5)
    Editor(simulation, "n0002.md").type(RENAMED_AT - 1, "typed\n", unsaved=20.0)
    Obsidian(simulation, way=way, answer=answer).rename(RENAMED_AT, "b.md", "q.md")
    simulation.run(200.0)
    assert simulation.read("n0002.md").endswith("typed\n")
    assert set(count_links(simulation)) <= {"[[q]]", "[[q|b]]"}
    assert count_links(simulation).total() == 5


@pytest.mark.parametrize("way", WAYS)
def test_other_note_is_renamed_in_the_file_manager(tmp_path: Path, way: str) -> None:
    simulation = open_linked_vault(tmp_path, 20)
    simulation.write("user", "n0000.md", simulation.read("n0000.md") + "And [[n0001]].\n")
    simulation.at(5.5, lambda: ["n0000.md"])
    Obsidian(simulation, way=way, pause=0.1).rename(RENAMED_AT, "b.md", "q.md")
    simulation.at(RENAMED_AT + 1.0, lambda: simulation.move("n0001.md", "moved/m.md"))
    simulation.run(120.0)
    texts = [simulation.read(simulation.follow(path)) for path in simulation.files]
    links = Counter(match[0] for text in texts for match in LINK.finditer(text))
    assert links == {"[[q]]": 20, "[[m|n0001]]": 1}


def test_many_changes_do_not_delay_fixes_for_ever(tmp_path: Path) -> None:
    """A program changes two notes each second without an end, such as a sync service."""
    simulation = open_linked_vault(tmp_path, 8, Debounce(fix_busy_delay=60.0))
    Obsidian(simulation, answer=None).rename(RENAMED_AT, "b.md", "q.md")

    def append(number: int) -> Callable[[], list[str]]:
        path = f"n{number % 5:04}.md"
        return lambda: simulation.write("sync", path, f"{simulation.read(path)}{number}\n")

    for number in range(2 * 80):
        simulation.at(RENAMED_AT + number * 0.5, append(number))
    simulation.run(50.0)
    assert count_links(simulation) == {"[[b]]": 8}
    simulation.run(25.0)
    assert count_links(simulation)["[[q|b]]"] >= 3  # those that do not change
    simulation.run(60.0)
    assert count_links(simulation) == {"[[q|b]]": 8}


# -- nothing is lost --------------------------------------------------------------------------------------------------


ANSWERS: Mapping[str, Callable[[random.Random], float | None]] = {
    "at once": lambda _: 0.0,
    "never": lambda _: None,
    "later": lambda rng: rng.uniform(2, 90),
}


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("torn", [False, True])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("answer", ANSWERS)
def test_links_mean_the_same_notes(
    tmp_path: Path, answer: str, way: str, torn: bool, seed: int
) -> None:
    """Notes are renamed, moved and typed in, by Obsidian, the file manager and a person."""
    rng = random.Random(f"{answer} {way} {torn} {seed}")
    files = make_notes(rng)
    simulation = Simulation(tmp_path / "vault", files).run(5.0)
    obsidian = Obsidian(
        simulation, way, ANSWERS[answer](rng), pause=rng.choice([0.01, 0.3, 1.5, 4.0]), torn=torn
    )
    first, second, third, typed_in, *_ = rng.sample(sorted(files), 5)
    moved = {first: "q.md", second: rng.choice(["r.md", f"sub/{second}"])}
    obsidian.rename(RENAMED_AT, first, moved[first])
    if way == "compares":  # without the setting, only one rename waits for its answer
        moved[third] = "s.md"
        obsidian.rename(RENAMED_AT + rng.uniform(0.5, 40), third, moved[third])
    simulation.at(RENAMED_AT + rng.uniform(-1, 9), lambda: simulation.move(second, moved[second]))
    Editor(simulation, typed_in).type(RENAMED_AT + rng.uniform(-3, 30), "typed\n")
    simulation.run(600.0)
    meant = {note_name(moved.get(path, path)): note_name(path) for path in files}
    for path, before in files.items():
        text = simulation.read(simulation.follow(path))
        assert read_words(text) == read_words(before) + ("typed\n" if path == typed_in else "")
        found = read_targets(text)
        if way == "compares":
            assert meant.keys() >= {*found}, path
        # a link that was written back as it had been keeps its old name, and is reported
        assert [meant.get(name, name) for name in found] == read_targets(before), path


def make_notes(rng: random.Random) -> dict[str, str]:
    """Return notes with random links to other notes; none links to itself."""
    names = [f"n{number}" for number in range(rng.randint(6, 14))]
    files = {}
    for name in names:
        others = [other for other in names if other != name]
        lines = [f"# Note {name}\n\nWords of {name} alone: {rng.random()}.\n\n## Part\n"]
        lines += [
            f"{number}: {rng.choice(FORMS).format(rng.choice(others))} end"
            for number in range(rng.randint(1, 6))
        ]
        files[f"{name}.md"] = "\n".join(lines) + "\n"
    return files
