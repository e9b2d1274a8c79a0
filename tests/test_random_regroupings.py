"""Random merges and extractions on random vaults: nothing is lost, no link leads elsewhere, and undo is exact.

`VAULTLINK_RENAMES=2000` tries that many vaults, the same in every run.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from random import Random
from typing import Any

import pytest

from independent_reader import SeenLink, SeenVault, read_tree, remove_pieces
from random_renames import generate_vault
from running import RunCommand, create_vault
from test_random_renames import SEEDS

Tree = Mapping[str, bytes]


def list_notes(files: Tree) -> list[str]:
    return sorted(path for path in files if path.endswith(".md"))


def list_sections(files: Tree) -> list[tuple[str, str]]:
    """Return the sections that a name can tell from others: path and heading."""
    found = []
    for path, file in SeenVault(files).files.items():
        texts = [heading.text for heading in file.headings] if file and path.endswith(".md") else []
        found += [(path, text) for text in texts if texts.count(text) == 1 and "[" not in text]
    return sorted(found)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_random_merge_loses_nothing(run: RunCommand, tmp_path: Path, seed: int) -> None:
    random = Random(seed)
    files = generate_vault(random)
    old, kept = random.sample(list_notes(files), 2) if len(list_notes(files)) > 1 else ("", "")
    if not old:
        return
    vault = create_vault(tmp_path / "vault", files)
    before = read_tree(vault)
    done = run("merge", f"/{old}", f"/{kept}", "--json", "--vault", vault)
    after = read_tree(vault)
    assert "Traceback" not in done.err
    if done.code == 2:
        assert after == before, "a refused merge wrote something"
        return
    assert done.code == 0, done.err
    assert set(before) - set(after) == {old}
    seen, now = SeenVault(before), SeenVault(after)
    pair = {old, kept}
    data: Any = done.data
    captured = {(item["path"], item["raw"]) for item in data["captured"]}
    check_other_files(seen, now, pair, lambda path: {kept} if path == old else {path}, captured)
    check_own_links(seen, now, pair, [kept])
    own = Counter(line for path in pair for line in shown_lines(seen, path))
    lost = own - Counter(shown_lines(now, kept))
    assert lost == Counter(), "the words of both notes stay"
    assert count_self_links(now, kept) <= count_self_links(seen, kept)
    assert run("undo", "--vault", vault).code == 0
    assert read_tree(vault) == before


@pytest.mark.thorough
@pytest.mark.parametrize("seed", SEEDS)
def test_a_random_extraction_loses_nothing(run: RunCommand, tmp_path: Path, seed: int) -> None:
    random = Random(seed)
    files = generate_vault(random)
    sections = list_sections(files)
    if not sections:
        return
    path, heading = random.choice(sections)
    vault = create_vault(tmp_path / "vault", files)
    before = read_tree(vault)
    options = random.choice(((), ("--embed",), ("--tags",)))
    done = run(
        "extract", f"/{path}#{heading}", "/x/Brand new", "--json", *options, "--vault", vault
    )
    after = read_tree(vault)
    assert "Traceback" not in done.err
    if done.code == 2:
        assert after == before, "a refused extraction wrote something"
        return
    assert done.code == 0, done.err
    new = "x/Brand new.md"
    assert set(after) - set(before) == {new}
    seen, now = SeenVault(before), SeenVault(after)
    check_other_files(
        seen, now, {path}, lambda item: {item, new} if item == path else {item}, set()
    )
    check_own_links(seen, now, {path}, [path, new])
    lost = Counter(plain_lines(seen, path)) - Counter(
        line for item in (path, new) for line in plain_lines(now, item)
    )
    assert lost == Counter(), "the lines without links stay"
    assert run("undo", "--vault", vault).code == 0
    assert read_tree(vault) == before


# -- what a reader sees -----------------------------------------------------------------------------


def check_other_files(
    seen: SeenVault,
    now: SeenVault,
    own: Iterable[str],
    follow: Callable[[str], set[str]],
    captured: set[tuple[str, str]],
) -> None:
    """Assert that the links of other files lead where they did, and that nothing else changed."""
    for path in seen.files.keys() - set(own):
        file, new = seen.files[path], now.files[path]
        if file is None or new is None:
            continue
        assert len(file.links) == len(new.links), path
        for link, changed in zip(file.links, new.links, strict=True):
            meaning, found = seen.meaning(link, path), now.meaning(changed, path)
            raw = file.text[link.start : link.end]
            if meaning.path is None:
                assert found.path is None or (path, raw) in captured, raw
                continue
            assert found.path in follow(meaning.path), raw
            is_missing = meaning.anchor == "missing"
            assert is_missing or found.anchor != "missing", raw
            assert (link.form, link.embed) == (changed.form, changed.embed), raw
        assert strip_links(file.text, file.links) == strip_links(new.text, new.links), path


def strip_links(text: str, links: Iterable[SeenLink]) -> str:
    """Return a text without its links, and without the headings that name them."""
    return remove_pieces(text, [(link.start, link.end) for link in links])


def check_own_links(seen: SeenVault, now: SeenVault, own: set[str], paths: Iterable[str]) -> None:
    """Assert that the links to other files that text of some notes has are all there."""

    def count(vault: SeenVault, sources: Iterable[str]) -> Counter[str]:
        links = [
            vault.meaning(link, source).path
            for source in sources
            for link in list_links(vault, source)
            if link.place == "body" and link.form != "definition"
        ]
        return Counter(path for path in links if path and path not in {*own, *paths})

    assert count(seen, own) == count(now, paths)


def list_links(vault: SeenVault, path: str) -> tuple[SeenLink, ...]:
    file = vault.files[path]
    return file.links if file else ()


def count_self_links(vault: SeenVault, path: str) -> int:
    """Count the links by which a note links to itself, and not to a heading or block."""
    meanings = [
        vault.meaning(link, path)
        for link in list_links(vault, path)
        if link.target and link.form != "definition"
    ]
    return sum(item.path == path and item.anchor is None for item in meanings)


ESCAPE = re.compile(r"\\(?=[^\w\s])")
HEADING = re.compile(r"^#+ ")


def shown_lines(vault: SeenVault, path: str) -> list[str]:
    """Return the lines of a note below the properties as readers see them.

    Lines with embeds, which may become words, are left out; a heading has no level.
    """
    file = vault.files[path]
    assert file is not None
    text, links = file.text, [link for link in file.links if link.place == "body"]
    outer: list[SeenLink] = []
    for link in links:
        if not outer or link.start >= outer[-1].end:
            outer.append(link)
    for link in reversed(outer):
        text = text[: link.start] + shown_words(link, text) + text[link.end :]
    return [line for line in split_lines(text) if "\0" not in line]


def shown_words(link: SeenLink, text: str) -> str:
    if link.embed:
        return "\0"
    if link.form == "markdown":
        return text[link.start + 1 : text.rindex("](", link.start, link.end)]
    if link.display is not None:
        return link.display.strip()
    parts = (link.target, *link.subpath.split("#"))
    return " > ".join(part.strip() for part in parts if part.strip())


def plain_lines(vault: SeenVault, path: str) -> list[str]:
    """Return the lines of a note below the properties that have no link."""
    file = vault.files[path]
    assert file is not None
    return [line for line in split_lines(file.text) if "[" not in line and "]" not in line]


def split_lines(text: str) -> list[str]:
    body = re.sub(r"\A---\r?\n.*?^---\r?\n", "", text, count=1, flags=re.DOTALL | re.MULTILINE)
    lines = [HEADING.sub("# ", ESCAPE.sub("", line)).rstrip() for line in body.splitlines()]
    return [line for line in lines if line]
