"""Tests of renumbered names, and of how long it takes to pair many files."""

from collections.abc import Collection
from unittest.mock import patch

from tables import each
from vaultlink.history import file_pairs
from vaultlink.history.file_pairs import Content, FileChanges, OutcomeKind, match_removed_files
from vaultlink.history.matcher import Texts, find_number_step
from vaultlink.parse.pieces import Pieces, weigh_all

COUNT = 300


def read(contents: Collection[Content]) -> dict[Content, Pieces | None]:
    """Return pieces that only one content has."""
    return {
        name: frozenset((6 << 28) + int(str(name)) * 10 + n for n in range(9)) for name in contents
    }


@each("moved", [True, False])
def test_weighed_texts_grow_with_the_number_of_files(moved: bool) -> None:
    removed = {f"a/n{n:x}x.md": str(n) for n in range(COUNT)}
    added = {f"a/m{n:x}y.md": str(COUNT + n) for n in range(COUNT)}
    if moved:
        added |= {path.replace("a/", "b/"): name for path, name in removed.items()}
    with (
        patch.object(file_pairs, "Texts", side_effect=Texts) as compared,
        patch.object(file_pairs, "weigh_all", side_effect=weigh_all) as weighed,
    ):
        outcomes = match_removed_files(FileChanges(removed, added, {}), read)
    kind = OutcomeKind.MOVED if moved else OutcomeKind.DELETED
    assert {outcome[0] for outcome in outcomes.values()} == {kind}
    assert sum(len(call.args[1]) for call in compared.call_args_list) <= 2 * COUNT
    assert weighed.call_count <= 5 * COUNT


STEPS = {
    ("01 A.md", "02 A.md"): 1,
    ("Part 9.md", "Part 10.md"): 1,
    ("Part 3.md", "Part 1.md"): -2,
    ("a/1.2 Oaks.md", "a/1.3 Oaks.md"): 1,
    ("Plan v1.md", "Plan v2.md"): 1,
    ("log.md", "log-2025.md"): 0,
    ("log-2024.md", "log-2025.md"): 0,
    ("2024-05-01.md", "2024-05-02.md"): 0,
    ("2024W05.md", "2024W06.md"): 0,
    ("Oaks.md", "Oaks 1.md"): 0,
    ("1 Oaks.md", "01 Oaks.md"): 0,
    ("1.2 Oaks.md", "2.3 Oaks.md"): 0,
    ("1 01 Oaks.md", "2 1 Oaks.md"): 0,
    ("1 Oaks.md", "2 Ships.md"): 0,
    ("Part 1.md", "archive/Part 2.md"): 0,
    ("2024/Oaks.md", "2025/Oaks.md"): 0,
    ("song.mp3", "song.mp4"): 0,
}


@each("paths", STEPS)
def test_series_is_of_names_that_differ_in_one_number(paths: tuple[str, str]) -> None:
    assert find_number_step(*paths) == STEPS[paths]
    assert find_number_step(*reversed(paths)) == -STEPS[paths]
