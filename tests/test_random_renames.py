"""Random plans of renames on random vaults: every link keeps its meaning, or the plan is refused as a whole.

`VAULTLINK_RENAMES=2000` tries that many vaults, the same in every run.
"""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from independent_reader import SeenFile, SeenLink, SeenVault, read_tree, remove_pieces
from random_renames import RandomDelete, RandomRename, generate, generate_delete, is_possible
from rename_checks import Expected, compare_vaults
from running import CommandResult, RunCommand, create_vault
from test_independent_reader import list_reported_links, list_seen_links

COUNT = int(os.environ.get("VAULTLINK_RENAMES", "20"))
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


# -- deletes ----------------------------------------------------------------------------------------


def shown_words(file: SeenFile, link: SeenLink) -> str:
    """Return the words that a link shows; "" for an embed."""
    raw = file.text[link.start : link.end]
    if link.embed:
        return ""
    if link.form == "markdown":
        return raw[raw.index("[") + 1 : raw.rindex("](")]
    return link.display or f"{link.target}{link.subpath}"


def squeeze(text: str) -> str:
    """Return a text without what may change where a link or a line goes: space, marks, escapes."""
    return re.sub(r"[\s>#*+\-\\']", "", text)


def compare_note(
    path: str, before: SeenVault, after: SeenVault, example: RandomDelete
) -> Iterator[str]:
    """Yield what a delete changed in a note or canvas and should not, or should have changed."""
    old, new = before.files[path], after.files[path]
    if old is None or new is None:
        return
    redirects = example.choice == "to" and path != example.to
    meanings = {link: before.meaning(link, path) for link in old.links}
    gone = [link for link in old.links if meanings[link].path in example.deleted]
    kept = [link for link in old.links if redirects or link not in gone]
    wanted = [example.to if link in gone else meanings[link].path for link in kept]
    found = [after.meaning(link, path) for link in new.links]
    if [item.path for item in found] != wanted:
        yield f"{path}: links lead to {found}, not to {wanted}"
        return
    for link, new_link, has in zip(kept, new.links, found, strict=True):
        if link not in gone and meanings[link].anchor != has.anchor:
            yield f"{path}: {link.target}{link.subpath} leads to {has}"
        words = shown_words(old, link), shown_words(new, new_link)
        if link.place != "canvas" and squeeze(words[0]) != squeeze(words[1]):
            yield f"{path}: {words[0]} became {words[1]}"
    if not path.endswith(".canvas"):
        yield from compare_text(path, old, new, kept, [] if redirects else gone)


def compare_text(
    path: str, old: SeenFile, new: SeenFile, kept: list[SeenLink], gone: list[SeenLink]
) -> Iterator[str]:
    """Yield a difference of the texts besides links, and the words of links that are gone."""
    text, at = [], 0
    outer = [link for link in kept if not any(g.start < link.start < g.end for g in gone)]
    for link in sorted([*outer, *gone], key=lambda item: item.start):
        if link.start < at:
            continue
        text.append(old.text[at : link.start])
        text.append(shown_words(old, link) if link in gone else "")
        at = link.end
    text.append(old.text[at:])
    inner = {link.start for link in kept} - {link.start for link in outer}
    if inner:
        return  # links in the words of links
    rest = remove_pieces(new.text, [(link.start, link.end) for link in new.links])
    if squeeze("".join(text)) != squeeze(rest.replace("\0", "")):
        yield f"{path}: {squeeze(''.join(text))!r} became {squeeze(rest)!r}"


def compare_delete(
    before: Mapping[str, bytes], after: Mapping[str, bytes], example: RandomDelete
) -> list[str]:
    kept = {path: data for path, data in after.items() if not path.startswith(".trash/")}
    if kept.keys() != before.keys() - example.deleted:
        return [f"paths: {sorted(kept)}"]
    seen, seen_after = SeenVault(before), SeenVault(kept)
    if example.choice == "leave":
        return [path for path in kept if kept[path] != before[path]]
    return [
        problem
        for path in seen_after.files
        for problem in compare_note(path, seen, seen_after, example)
    ]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_random_delete_loses_no_other_link(run: RunCommand, tmp_path: Path, seed: int) -> None:
    example = generate_delete(seed)
    vault = create_vault(tmp_path / "vault", example.files)
    (vault / ".obsidian/app.json").write_text('{"trashOption": "local"}')
    before = read_tree(vault)
    words = [f"--to={example.to}"] if example.choice == "to" else [f"--{example.choice}"]
    done = run("delete", *example.words, *words, "--vault", vault)
    after = read_tree(vault)
    assert "Traceback" not in done.err
    if done.code == 2:
        assert after == before, "a refused run wrote something"
        assert "would lead to" in done.err, done.err
        assert example.choice == "leave"
        return
    assert done.code == 0, done.err
    settings = {path: data for path, data in before.items() if path.startswith(".")}
    assert (
        compare_delete(
            {path: before[path] for path in before.keys() - settings.keys()},
            {path: after[path] for path in after.keys() - settings.keys()},
            example,
        )
        == []
    )
    assert run("undo", "--vault", vault).code == 0
    assert read_tree(vault) == before
