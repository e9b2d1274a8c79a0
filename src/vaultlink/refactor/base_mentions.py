"""Find the places in Obsidian bases that name what is renamed.

A base is not a source of links, and its formulas are not parsed: these places are reported and stay
as they are.
"""

import re
from collections.abc import Collection

from vaultlink.index.resolve import file_name
from vaultlink.refactor.plan import OtherMention, Rename, RenameKind


def find_mentioned_words(rename: Rename) -> frozenset[str]:
    """Return the words by which a base may name what is renamed.

    Args:
        rename: The rename.

    Returns:
        The words. One with a slash at its end stands for all that is below it. Empty for headings
        and blocks.
    """
    if rename.kind is RenameKind.TAG:
        tag = rename.old.removeprefix("#")
        return frozenset((tag, f"{tag}/"))
    if rename.kind is RenameKind.FOLDER:
        return frozenset((rename.old, f"{rename.old}/"))
    if rename.kind in (RenameKind.NOTE, RenameKind.ATTACHMENT):
        names = (rename.old, file_name(rename.old))
        return frozenset((*names, *(re.sub(r"\.md$", "", name, flags=re.I) for name in names)))
    return frozenset()


def find_base_mentions(path: str, text: str, words: Collection[str]) -> tuple[OtherMention, ...]:
    """Return the lines of a base that name one of the words, in any case.

    A word counts as a text in quotes or as the target of a link, such as `file.hasTag("word")`,
    `link("word")`, `file.inFolder("word")` or `[[word#Heading]]`.

    Args:
        path: Vault path of the base.
        text: Its text.
        words: The words, as `find_mentioned_words` returns them.

    Returns:
        The places, one for each line at most, in order. Their columns are those of the words.
    """
    if not words:
        return ()
    ordered = sorted(words, key=lambda word: (-len(word), word))
    pattern = re.compile(
        "|".join(
            rf"(?<=[\"'\[])#?({re.escape(word)})" + ("" if word.endswith("/") else _BEHIND)
            for word in ordered
        ),
        re.IGNORECASE,
    )
    found = []
    for number, line in enumerate(text.split("\n"), 1):
        match = pattern.search(line)
        if match:
            column = match.start(match.lastindex or 0) + 1
            found.append(OtherMention(path, number, column, line.strip()))
    return tuple(found)


_BEHIND = r"(?=[\"'\]#|\\])"
"""The end of a text in quotes or of a link's target."""
