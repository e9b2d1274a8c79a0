"""Random plans of renames on random vaults: every link keeps its meaning, or the plan is refused as a whole.

`VAULTLINK_RENAMES=2000` (or `make random-renames`) tries that many vaults, the same in every run.
"""

import os
from pathlib import Path

import pytest

from independent_reader import SeenVault, read_tree
from random_renames import RandomRename, generate, is_possible
from rename_checks import Expected, compare_vaults
from running import CommandResult, RunCommand, create_vault
from test_independent_reader import list_reported_links, list_seen_links

COUNT = int(os.environ.get("VAULTLINK_RENAMES", "40"))
SEEDS = range(COUNT)


def write_plan(folder: Path, example: RandomRename) -> Path:
    """Write the plan of an example and return its path. A new path has a slash; without one it is a name."""
    plan = folder / "plan.tsv"
    rows = [(old, new if "#" in old else f"/{new}") for old, new in example.rows]
    plan.write_text("".join(f"{old}\t{new}\n" for old, new in rows), encoding="utf-8")
    return plan


def find_captured(example: RandomRename, done: CommandResult) -> frozenset[tuple[str, str]]:
    """Return the unresolved links of the notes that the command names in a warning."""
    return frozenset(
        (path, link.target)
        for path, link, meaning in SeenVault(example.files).occurrences()
        if meaning.path is None and path in done.err
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_a_random_plan_keeps_every_link(run: RunCommand, tmp_path: Path, seed: int) -> None:
    example = generate(seed)
    vault = create_vault(tmp_path / "vault", example.files)
    plan = write_plan(tmp_path, example)
    before = read_tree(vault)
    done = run("rename", "--from-file", plan, "--vault", vault)
    after = read_tree(vault)
    assert "Traceback" not in done.err
    if done.code == 2:
        assert after == before, "a refused plan wrote something"
        assert not is_possible(example), done.err
        return
    assert done.code == 0, done.err
    expected = Expected(
        example.expected.files, example.expected.headings, captured=find_captured(example, done)
    )
    assert compare_vaults(before, after, expected) == []
    olds = [old.partition("#")[0] for old, _ in example.rows]
    if not any(path.startswith(old) for path in after for old in olds):
        assert run("rename", "--from-file", plan, "--vault", vault).code == 2
        assert read_tree(vault) == after, "a second run has nothing to do"
    assert run("undo", "--vault", vault).code == 0
    assert read_tree(vault) == before


@pytest.mark.parametrize("seed", SEEDS)
def test_a_random_vault_is_read_alike(run: RunCommand, tmp_path: Path, seed: int) -> None:
    vault = create_vault(tmp_path / "vault", generate(seed).files)
    done = run("links", "--vault", vault, "--output-format", "json")
    assert list_seen_links(SeenVault.from_folder(vault)) == list_reported_links(done.data)


def test_most_random_plans_are_possible() -> None:
    possible = [is_possible(generate(seed)) for seed in range(200)]
    assert sum(possible) > len(possible) / 2
