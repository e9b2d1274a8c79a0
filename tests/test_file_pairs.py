"""Tests of how long it takes to pair many files."""

from collections.abc import Collection
from unittest.mock import patch

import pytest

from vaultlink.history import file_pairs
from vaultlink.history.file_pairs import Content, FileChanges, OutcomeKind, match_removed_files
from vaultlink.history.matcher import Texts
from vaultlink.parse.pieces import Pieces, weigh_all

COUNT = 300


def read(contents: Collection[Content]) -> dict[Content, Pieces | None]:
    """Return pieces that only one content has."""
    return {
        name: frozenset((6 << 28) + int(str(name)) * 10 + n for n in range(9)) for name in contents
    }


@pytest.mark.parametrize("moved", [True, False])
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
